"""Figures of what mattered: importances with their floor, slices and maps through the recommended policy."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from experiments.reporting.figures import BAND, BLUE, INK, ORANGE, PALE, RED, axes, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.reporting.causes import Causes, Chart, Cut

SHADES = 9  # levels of a map
MOST_TEXTS = 5  # numbers along one side of a map of choices


def importances_info(causes: Causes) -> pd.DataFrame:
    """Lever, first, total, low, high, above (the floor); the largest total first."""
    columns = ["lever", "first", "total", "low", "high", "above"]
    rows = [(i.lever, i.first, i.total, i.low, i.high, i.above_floor) for i in causes.importances]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values("total", ascending=False, kind="stable", ignore_index=True)


def plot_importances(
    info: pd.DataFrame, ax: Axes | None = None, *, floor: float = 0.0, names: dict[str, str] | None = None
) -> Axes:
    """Total share of each lever with its interval, its share alone inside it, and the floor as a line."""
    ax = axes(ax, height=1.6 + 0.3 * len(info), title="Which levers mattered", x="share of the variation in CLV")
    place = np.arange(len(info))
    colours = [BLUE if above else PALE for above in info["above"]]
    ax.barh(place, info["total"], 0.66, color=colours, alpha=0.55)
    ax.barh(place, np.minimum(info["first"].clip(lower=0), info["total"]), 0.3, color=BLUE, label="alone")
    ax.barh([], [], color=BLUE, alpha=0.55, label="with other levers")
    half = [(info["total"] - info["low"]).clip(lower=0), (info["high"] - info["total"]).clip(lower=0)]
    ax.errorbar(info["total"], place, xerr=half, fmt="none", ecolor=INK, lw=1.2, capsize=3, label="90 % interval")
    ax.axvline(floor, color=RED, lw=1.5, ls=(0, (5, 3)), label="floor: does nothing")
    ax.set_yticks(place, [(names or {}).get(lever, lever) for lever in info["lever"]])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    legend_below(ax, 2)
    return ax


def slice_info(cut: Cut, scale: float = 1.0) -> pd.DataFrame:
    """Along one lever: value (numbers times ``scale``), mean, low, high (90 % band)."""
    values = [scaled(value, scale) for value in cut.values]
    return pd.DataFrame({"value": values, "mean": cut.mean, "low": cut.low, "high": cut.high})


def scaled(value: Any, scale: float) -> Any:
    """A number on the scale of an axis; whatever is no number stays."""
    return value * scale if _is_number(value) else value


def plot_slice(
    info: pd.DataFrame, ax: Axes | None = None, *, title: str = "", x: str = "", here: Any = None, today: Any = None,
    currency: str = "",
) -> Axes:  # fmt: skip
    """Uplift along one lever with its 90 % band; the recommended value and today's marked, on the scale of ``info``."""
    ax = axes(ax, height=2.7, title=title, x=x, y=f"{currency} per customer")
    marks = ((here, ORANGE, "-", "recommended"), (today, INK, (0, (4, 3)), "today"))
    if all(map(_is_number, info["value"])):
        ax.fill_between(info["value"], info["low"], info["high"], color=BLUE, alpha=BAND, lw=0, label="90 % band")
        ax.plot(info["value"], info["mean"], color=BLUE, lw=2)
        for value, colour, style, label in marks:
            if _is_number(value):
                ax.axvline(value, color=colour, lw=1.5, ls=style, label=label)
    else:
        place = np.arange(len(info))
        half = [info["mean"] - info["low"], info["high"] - info["mean"]]
        ax.errorbar(place, info["mean"], yerr=half, fmt="o", ms=6, lw=1.4, capsize=3, color=BLUE, label="90 % band")
        for value, colour, _, label in marks:
            chosen = np.flatnonzero(info["value"] == value)
            if len(chosen):
                ax.plot(place[chosen], info["mean"][chosen], "D" if colour == ORANGE else "s", ms=9, mfc="none",
                        mew=2, color=colour, ls="", label=label)  # fmt: skip
        ax.set_xticks(place, [_shown(value) for value in info["value"]], rotation=15, ha="right")
        ax.margins(x=0.12)
    legend_below(ax, 3)
    return ax


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return str(value).replace("_", " ")


def map_info(chart: Chart, scales: tuple[float, float] = (1.0, 1.0)) -> pd.DataFrame:
    """Over two levers: one, other (numbers times their scales), mean, half (of the 90 % band)."""
    rows = [
        (scaled(one, scales[0]), scaled(other, scales[1]), chart.mean[i][j], (chart.high[i][j] - chart.low[i][j]) / 2)
        for i, one in enumerate(chart.values[0])
        for j, other in enumerate(chart.values[1])
    ]
    return pd.DataFrame(rows, columns=["one", "other", "mean", "half"])


def plot_map(
    info: pd.DataFrame, ax: Axes | None = None, *, x: str = "", y: str = "", here: tuple[Any, Any] = (None, None),
    currency: str = "",
) -> Axes:  # fmt: skip
    """Uplift over two levers as labelled shades; the recommended policy marked."""
    table = info.pivot_table(index="other", columns="one", values="mean", sort=False)
    ax = axes(ax, height=3.5, title=f"Uplift together, {currency} per customer", x=x, y=y)
    axis_x, axis_y = _Places(list(table.columns)), _Places(list(table.index))
    values = table.to_numpy(np.float64)
    if axis_x.numeric and axis_y.numeric:
        ax.contourf(axis_x.places, axis_y.places, values, levels=SHADES, cmap="cividis")
        lines = ax.contour(axis_x.places, axis_y.places, values, levels=SHADES, colors="white", linewidths=0.6)
        ax.clabel(lines, fontsize=8, fmt=lambda level: f"{level:+.3g}")
    else:
        ax.pcolormesh(axis_x.places, axis_y.places, values, cmap="cividis", shading="nearest")
        bright = (values.min() + values.max()) / 2
        for i, j in itertools.product(_spread(values.shape[0]), _spread(values.shape[1])):
            ink = INK if values[i, j] > bright else "white"
            spot = axis_x.places[j], axis_y.places[i]
            ax.text(*spot, f"{values[i, j]:+.2f}", ha="center", va="center", fontsize=8, color=ink)
        axis_x.label(ax.xaxis)
        axis_y.label(ax.yaxis)
    across, up = axis_x.place(here[0]), axis_y.place(here[1])
    if across is not None and up is not None:
        ax.plot(
            across, up, "D", ms=11, mfc="none", mec=ORANGE, mew=2.5, ls="", label="recommended", clip_on=False, zorder=5
        )
    legend_below(ax, 2)
    return ax


def _spread(n: int) -> list[int]:
    """Rows of a map that hold a number: all of a few, else some in the middle, away from both ends."""
    return list(range(n)) if n <= MOST_TEXTS else np.linspace(1, n - 2, MOST_TEXTS).round().astype(int).tolist()


class _Places:
    """Where values lie on an axis: numbers at themselves, choices one after the other."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.numeric = all(map(_is_number, values))
        self.places = np.array(values, np.float64) if self.numeric else np.arange(len(values), dtype=np.float64)

    def place(self, value: Any) -> float | None:
        if self.numeric:
            return float(value) if _is_number(value) else None
        return float(self.values.index(value)) if value in self.values else None

    def label(self, axis: Any) -> None:
        if not self.numeric:
            axis.set_ticks(self.places, [_shown(value) for value in self.values])
