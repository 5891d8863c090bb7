"""Figures of outcomes: ``x_info`` computes a tidy frame, ``plot_x`` draws it on the given Axes."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from agents.customers import LEVELS, TIERS
from experiments.compare import Difference, difference
from experiments.reporting.suppression import FEWEST, marks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 5.2, 3.1  # inches: one column of the report, still readable on a phone
INK, PALE, BAND = "#22303c", "#c9d1d8", 0.18
# Okabe & Ito (2008): told apart with any colour vision, and in grey
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#7F8C96"
ARM_COLOURS = (BLUE, ORANGE, GREY, GREEN, RED)  # by place: the arm in question comes first
SPREAD = (0.05, 0.95)  # central 90 % of the replicates: "in most worlds"
DAYS_A_WEEK = 7


# -- the canvas -------------------------------------------------------------------------------------------------------


def axes(ax: Axes | None = None, *, height: float = HEIGHT, title: str = "", x: str = "", y: str = "") -> Axes:
    """The given Axes, or those of a new figure, with labels and the house's plain look."""
    if ax is None:
        ax = Figure(figsize=(WIDTH, height), layout="constrained").add_subplot()
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    ax.set_xlabel(x, fontsize=10, color=INK)
    ax.set_ylabel(y, fontsize=10, color=INK)
    ax.tick_params(labelsize=9, colors=INK, length=3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(PALE)
    return ax


def svg(ax: Axes, name: str, description: str) -> str:
    """The figure of these Axes as an SVG element for the inside of an HTML page.

    Text stays text, so that the reader's fonts draw Chinese too; ids carry ``name``, so that figures do not clash.
    """
    figure, buffer = ax.figure, io.StringIO()
    assert isinstance(figure, Figure)
    for label in figure.findobj(Text):
        label.set_parse_math(False)  # a policy may be called '$5 off $50'
    look: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "siyu", "text.parse_math": False}
    with mpl.rc_context(look), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's fonts draw it, not ours
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>| xmlns(:\w+)?=\"[^\"]*\"", "", text, flags=re.DOTALL)
    text = re.sub(r'((?:id|href)="#?|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r'<svg height="[^"]*"', "<svg", re.sub(r' width="[^"]*pt"', "", text, count=1), count=1)
    text = re.sub(r' height="[^"]*pt"', "", text, count=1)
    words = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg", f'<svg role="img" aria-label="{words}"', 1)


def legend_below(ax: Axes, columns: int) -> None:
    """A legend under the axis label, wherever a legend inside could hide something."""
    if not ax.get_legend_handles_labels()[0]:
        return
    figure = ax.figure.figure
    below = ax.transAxes + ScaledTranslation(0, -0.52, figure.dpi_scale_trans)
    ax.legend(
        fontsize=9, frameon=False, ncols=columns, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below,
        borderpad=0, borderaxespad=0, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip


def beside(ax: Axes, x: float, y: float, text: str, size: float = 8.5) -> None:
    """A small number to the right of the end of a bar."""
    ax.annotate(text, (x, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=size, color=INK)


def money_axis(axis: Any) -> None:
    """Thousands as k, millions as M."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def short(value: float) -> str:
    """A number for a tick or a bar, such as 12.5k."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def colour_of(number: int) -> str:
    """Colour of an arm by its place."""
    return ARM_COLOURS[number % len(ARM_COLOURS)]


# -- paired differences -----------------------------------------------------------------------------------------------


def difference_info(values: NDArray[np.float64]) -> pd.DataFrame:
    """One row per replicate, sorted: ``value``, ``better``, and ``height``, the place of its dot in a stack."""
    ordered = np.sort(np.asarray(values, np.float64))
    span = float(ordered[-1] - ordered[0]) or 1.0
    bins = np.minimum((30 * (ordered - ordered[0]) / span).astype(np.int64), 29)
    height = np.arange(len(ordered)) - np.searchsorted(bins, bins, "left") + 1
    return pd.DataFrame({"value": ordered, "better": ordered > 0, "height": height})


UNITS = {"clv": "per customer", "equity": "in total", "profit": "in total", "revenue": "in total", "spend": "in total"}


def plot_difference(
    difference: Difference, values: NDArray[np.float64], *, ax: Axes | None = None, currency: str = ""
) -> Axes:
    """One dot per paired replicate, with the mean, its 95 % interval and the central 90 % of the worlds."""
    info = difference_info(values)
    per = UNITS.get(difference.metric)
    unit = f"{currency} {per}".strip() if per else "count"
    name = difference.metric.upper() if difference.metric == "clv" else difference.metric.removeprefix("n_")
    ax = axes(ax, height=2.5, title=f"{name}: difference in each paired world", x=unit)
    top = int(info["height"].max())
    ax.axvspan(difference.world_low, difference.world_high, color=BLUE, alpha=0.10, lw=0, label="90 % of worlds")
    ax.axvline(0, color=INK, lw=1, ls=(0, (4, 3)))
    ax.scatter(info["value"], info["height"], s=34, c=[BLUE if b else RED for b in info["better"]], lw=0, zorder=3)
    half = [[difference.mean - difference.low], [difference.high - difference.mean]]
    ax.errorbar(
        [difference.mean], [-0.35 * top], xerr=half if np.isfinite(half).all() else None, fmt="D", ms=6, capsize=4,
        color=INK, label="mean, 95 % interval",
    )  # fmt: skip
    ax.set_ylim(-0.8 * top, top + 0.8)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    legend_below(ax, 2)
    return ax


# -- curves -----------------------------------------------------------------------------------------------------------


def per_customer(weekly: pd.DataFrame, replicates: pd.DataFrame, base: str | None = None) -> pd.DataFrame:
    """Cumulative discounted equity per customer acquired under the base arm: arm, replicate, week, ``value``.

    The last week's difference between two arms is the incremental CLV. Without a base each arm has its own customers.
    """
    who = replicates[["arm", "replicate", "acquired"]]
    if base is not None:
        own = who[who["arm"] == base][["replicate", "acquired"]]
        frame = weekly.merge(own, on="replicate")
    else:
        frame = weekly.merge(who, on=["arm", "replicate"])
    return frame.assign(value=frame["equity"] / frame["acquired"].clip(lower=1))[["arm", "replicate", "week", "value"]]


def cumulative(weekly: pd.DataFrame, column: str) -> pd.DataFrame:
    """Running sum over the weeks of a weekly column: arm, replicate, week, ``value``."""
    frame = weekly[["arm", "replicate", "week"]].copy()
    frame["value"] = weekly.groupby(["arm", "replicate"], sort=False)[column].cumsum()
    return frame


def curves_info(values: pd.DataFrame) -> pd.DataFrame:
    """Mean and central 90 % over replicates by arm and week: arm, week, mean, low, high, n. Arms keep their order."""
    groups = values.groupby(["arm", "week"], sort=False)["value"]
    frame = groups.agg(mean="mean", n="count").reset_index()
    frame["low"] = groups.quantile(SPREAD[0]).to_numpy()
    frame["high"] = groups.quantile(SPREAD[1]).to_numpy()
    return frame


PAIRED = ("mean", "low", "high", "world_low", "world_high")


def gain_info(values: pd.DataFrame, trial: str, base: str) -> pd.DataFrame:
    """Paired difference by week: week, mean, low, high (95 % interval of the mean), world_low, world_high (90 %)."""
    arms = {arm: part.pivot(index="week", columns="replicate", values="value") for arm, part in values.groupby("arm")}
    gap = (arms[trial] - arms[base]).to_numpy()
    rows = [difference("clv", week) for week in gap]
    frame = pd.DataFrame({name: [getattr(d, name) for d in rows] for name in PAIRED})
    frame.insert(0, "week", arms[trial].index)
    return frame


def plot_curves(
    info: pd.DataFrame, ax: Axes | None = None, *, title: str = "", y: str = "", limit: float | None = None
) -> Axes:
    """Mean of each arm with its 90 % band, by week; a dashed line for a limit such as the budget."""
    ax = axes(ax, title=title, x="weeks from the start", y=y)
    for number, (arm, part) in enumerate(info.groupby("arm", sort=False)):
        colour = colour_of(number)
        ax.fill_between(part["week"] + 1, part["low"], part["high"], color=colour, alpha=BAND, lw=0)
        ax.plot(part["week"] + 1, part["mean"], color=colour, lw=2, label=str(arm))
    if limit is not None:
        ax.axhline(limit, color=RED, lw=1.3, ls=(0, (5, 3)), label="budget")
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    money_axis(ax.yaxis)
    legend_below(ax, 4)
    return ax


def plot_gain(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "", y: str = "") -> Axes:
    """Paired gain by week: mean, 95 % interval of the mean (dark) and 90 % of worlds (light)."""
    ax = axes(ax, title=title, x="weeks from the start", y=y)
    week = info["week"] + 1
    ax.fill_between(week, info["world_low"], info["world_high"], color=BLUE, alpha=0.13, lw=0, label="90 % of worlds")
    ax.fill_between(week, info["low"], info["high"], color=BLUE, alpha=0.35, lw=0, label="95 % interval of the mean")
    ax.plot(week, info["mean"], color=BLUE, lw=2)
    ax.axhline(0, color=INK, lw=1, ls=(0, (4, 3)))
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    money_axis(ax.yaxis)
    legend_below(ax, 2)
    return ax


# -- people -----------------------------------------------------------------------------------------------------------


def funnel_info(census: pd.DataFrame) -> pd.DataFrame:
    """Contacts by trust level at the start and, for each arm, at the end: stage, level, customers, mark.

    The first census is that of day 0's evening; it is taken from the first arm, in which it is all but equal to the
    others. Cells that may not be shown hold NaN and the mark that stands instead.
    """
    return _stages(census, "level", LEVELS)


def contacts_info(census: pd.DataFrame) -> pd.DataFrame:
    """The same by contact state: contacts, muted, deleted."""
    return _stages(census, "contact", ("contact", "muted", "deleted"))


def reachable_info(census: pd.DataFrame) -> pd.DataFrame:
    """Reachable contacts by arm and week, as :func:`curves_info` has it; the census is a mean, so there is no band."""
    part = census[census["state"] == "contact.contact"]
    mean = part["customers"].where(part["customers"] >= FEWEST)
    return pd.DataFrame(
        {"arm": part["arm"], "week": (part["day"] + 1) / DAYS_A_WEEK - 1, "mean": mean, "low": mean, "high": mean}
    )


def _stages(census: pd.DataFrame, axis: str, names: Sequence[str]) -> pd.DataFrame:
    arms = list(dict.fromkeys(census["arm"]))
    first, last = int(census["day"].min()), int(census["day"].max())
    rows: list[dict[str, Any]] = []
    for stage, arm, day in [("start", arms[0], first), *((arm, arm, last) for arm in arms)]:
        here = census[(census["arm"] == arm) & (census["day"] == day)].set_index("state")["customers"]
        counts = [float(here.get(f"{axis}.{name}", 0.0)) for name in names]
        for name, count, mark in zip(names, counts, marks(counts), strict=True):
            rows.append({"stage": stage, axis: name, "customers": np.nan if mark else count, "mark": mark})
    return pd.DataFrame(rows)


def plot_funnel(info: pd.DataFrame, ax: Axes | None = None, *, names: dict[str, str] | None = None) -> Axes:
    """Contacts by trust level as horizontal bars: start, then the end of each arm."""
    stages, levels = list(dict.fromkeys(info["stage"])), list(dict.fromkeys(info["level"]))
    ax = axes(ax, height=3.6, title="Contacts by trust level", x="customers")
    thick = 0.8 / len(stages)
    same = info.groupby("level", sort=False)["mark"].agg(lambda mark: mark.iloc[0] if mark.nunique() == 1 else "")
    for row, level in enumerate(levels):
        if same[level]:
            beside(ax, 0, row, same[level])
    for number, stage in enumerate(stages):
        part = info[info["stage"] == stage]
        place = np.arange(len(levels)) + (number - (len(stages) - 1) / 2) * thick
        colour = PALE if stage == "start" else colour_of(number - 1)
        label = "start" if stage == "start" else f"end, {stage}"
        ax.barh(place, part["customers"].fillna(0), thick * 0.9, color=colour, label=label)
        for level, y, mark in zip(levels, place, part["mark"], strict=True):
            if mark and not same[level]:
                beside(ax, 0, float(y), mark, size=7)
    ax.set_yticks(np.arange(len(levels)), [(names or {}).get(level, level) for level in levels])
    ax.invert_yaxis()
    money_axis(ax.xaxis)
    legend_below(ax, 2)
    return ax


def tiers_info(tiers: pd.DataFrame) -> pd.DataFrame:
    """Shares of buyers and of sales by value tier: arm, tier, customers_share, sales_share (NaN with a mark), mark."""
    parts = []
    for _, part in tiers.groupby("arm", sort=False):
        part = part.set_index("tier").reindex(list(TIERS)).reset_index()
        mark = marks(part["customers"].tolist())
        hide = np.array(mark) != ""
        shares = part[["customers", "sales"]] / part[["customers", "sales"]].sum().clip(lower=1e-9)
        parts.append(
            pd.DataFrame(
                {
                    "arm": part["arm"].ffill().bfill(), "tier": part["tier"],
                    "customers_share": shares["customers"].mask(hide),
                    "sales_share": shares["sales"].mask(hide),
                    "mark": mark,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def plot_tiers(info: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Two stacked bars per arm: shares of buyers and of sales held by each tier."""
    ax = axes(ax, height=3.0, title="Value tiers: who buys, who brings sales", x="share")
    arms = list(dict.fromkeys(info["arm"]))
    places, names = [], []
    for number, arm in enumerate(arms):
        part = info[info["arm"] == arm]
        for step, column in enumerate(("customers_share", "sales_share")):
            place, left = number * 2.5 + step, 0.0
            places.append(place)
            names.append(f"{arm}\n{'buyers' if step == 0 else 'sales'}")
            for tier, share, colour in zip(part["tier"], part[column], (PALE, "#56B4E9", BLUE), strict=True):
                if not np.isfinite(share):
                    continue
                ax.barh(
                    place, share, 0.85, left=left, color=colour, label=tier.replace("_", " ") if place == 0 else None
                )
                if share > 0.06:
                    ink = "white" if colour == BLUE else INK
                    ax.text(left + share / 2, place, f"{share:.0%}", ha="center", va="center", fontsize=9, color=ink)
                left += share
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    legend_below(ax, 3)
    return ax
