"""Figures of effects: estimates beside their placebos, and Qini curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.reporting.figures import BAND, BLUE, GREY, INK, ORANGE, PALE, axes, colour_of, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.causal.effect import Effect
    from experiments.causal.uplift import Qini


def effects_info(effects: Mapping[str, Effect]) -> pd.DataFrame:
    """Estimates that there are, in the order given.

    Columns: name, method, scale, passed, n, mean, low, high, placebo, placebo_low, placebo_high.
    """
    rows = [
        {"name": name, "method": e.method, "scale": e.scale, "passed": e.passed, "n": e.n, "mean": e.mean,
         "low": e.interval[0], "high": e.interval[1], "placebo": e.placebo_mean,
         "placebo_low": e.placebo_interval[0], "placebo_high": e.placebo_interval[1]}
        for name, e in effects.items() if np.isfinite(e.mean) and np.isfinite(e.sd)
    ]  # fmt: skip
    columns = [
        "name",
        "method",
        "scale",
        "passed",
        "n",
        "mean",
        "low",
        "high",
        "placebo",
        "placebo_low",
        "placebo_high",
    ]
    return pd.DataFrame(rows, columns=columns)


def plot_effects(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "", x: str = "") -> Axes:
    """Forest: each estimate with its 95 % interval, filled where it was accepted, and its placebo below it."""
    title = title or "Effects, and what stood there before"
    ax = axes(
        ax, height=1.6 + 0.5 * len(info), title=title or "Effects and placebos", x=x or "log-odds of an order on a day"
    )
    place = np.arange(len(info))
    for accepted, face in ((True, BLUE), (False, "white")):
        part = (info["passed"] == accepted).to_numpy()
        if part.any():
            rows = info[part]
            ax.errorbar(
                rows["mean"], place[part] - 0.13, xerr=[rows["mean"] - rows["low"], rows["high"] - rows["mean"]],
                fmt="o", color=BLUE, mfc=face, ms=6, lw=1.6, capsize=2,
                label="accepted" if accepted else "refused",
            )  # fmt: skip
    known = np.isfinite(info["placebo"].to_numpy())
    rows = info[known]
    half = [rows["placebo"] - rows["placebo_low"], rows["placebo_high"] - rows["placebo"]]
    ax.errorbar(
        rows["placebo"], place[known] + 0.17, xerr=half, fmt="D", color=GREY, ms=4, lw=1.2, capsize=2,
        label="placebo",
    )  # fmt: skip
    ax.axvline(0, color=INK, lw=1, ls=(0, (4, 3)))
    ax.set_yticks(place, [name.replace(", ", ",\n").replace("_", " ") for name in info["name"]])
    ax.set_ylim(len(info) - 0.4, -0.6)
    legend_below(ax, 3)
    return ax


def qini_info(qinis: Mapping[str, Qini]) -> pd.DataFrame:
    """Curves as rows: name, share sent to, gained per customer with its 95 % band, and the straight line to the end."""
    frames = [
        pd.DataFrame(
            {
                "name": name,
                "share": q.share,
                "gained": q.gained,
                "low": q.low,
                "high": q.high,
                "by_lot": q.share * q.gained[-1],
            }
        )
        for name, q in qinis.items()
    ]
    return pd.concat(frames, ignore_index=True)


def plot_qini(info: pd.DataFrame, ax: Axes | None = None, *, outcome: str = "visits") -> Axes:
    """What sending to the best share first gains, against sending to as many by lot."""
    ax = axes(ax, title="Whom to send to first", x="share of customers sent to, best first",
              y=f"{outcome} gained per 100 customers")  # fmt: skip
    for number, (name, part) in enumerate(info.groupby("name", sort=False)):
        colour = (BLUE, ORANGE)[number] if number < 2 else colour_of(number)
        ax.fill_between(part["share"], 100 * part["low"], 100 * part["high"], color=colour, alpha=BAND, lw=0)
        ax.plot(part["share"], 100 * part["gained"], color=colour, lw=2, label=str(name))
        ax.plot(part["share"], 100 * part["by_lot"], color=colour, lw=1.2, ls=(0, (4, 3)), label=f"{name}, by lot")
    ax.axhline(0, color=PALE, lw=1)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    legend_below(ax, 2)
    return ax
