"""Figures of a search: its history, what moved it, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.reporting.figures import BLUE, GREEN, GREY, INK, ORANGE, PALE, RED, axes, beside, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.compare import Difference
    from experiments.search import Alternative


def history_info(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per trial: number, uplift, low, high (one standard error), feasible, best so far among the feasible."""
    frame = trials.sort_values("number", ignore_index=True)
    best = frame["uplift"].where(frame["feasible"]).cummax().ffill()
    return pd.DataFrame(
        {
            "number": frame["number"], "uplift": frame["uplift"], "low": frame["uplift"] - frame["standard_error"],
            "high": frame["uplift"] + frame["standard_error"], "feasible": frame["feasible"], "best": best,
        }
    )  # fmt: skip


def plot_history(
    info: pd.DataFrame, ax: Axes | None = None, *, claim: Difference | None = None, currency: str = ""
) -> Axes:
    """Trials with one standard error, the running best, and what holdout seeds say of the winner."""
    ax = axes(ax, title="What the search saw, and what is claimed", x="trial", y=f"uplift, {currency} per customer")
    for feasible, colour, marker, label in ((True, BLUE, "o", "within the budget"), (False, GREY, "x", "over budget")):
        part = info[info["feasible"] == feasible]
        if len(part):
            half = part["high"] - part["uplift"]
            ax.errorbar(part["number"], part["uplift"], yerr=half, fmt=marker, ms=4.5, lw=1, color=colour, label=label)
    ax.step(info["number"], info["best"], where="post", color=ORANGE, lw=1.8, label="best so far")
    if claim is not None:
        ax.axhspan(claim.low, claim.high, color=GREEN, alpha=0.25, lw=0)
        ax.axhline(claim.mean, color=GREEN, lw=2, label="winner on holdout seeds")
    ax.axhline(0, color=INK, lw=1, ls=(0, (4, 3)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(ax, 2)
    return ax


def importances_info(importances: dict[str, float]) -> pd.DataFrame:
    """Lever and share, largest first."""
    frame = pd.DataFrame({"lever": list(importances), "share": list(importances.values())})
    return frame.sort_values("share", ascending=False, ignore_index=True)


def plot_importances(info: pd.DataFrame, ax: Axes | None = None, *, names: dict[str, str] | None = None) -> Axes:
    """Share of each lever in the variation among trials."""
    ax = axes(ax, height=1.1 + 0.27 * len(info), title="Which levers the trials responded to", x="share of variation")
    ax.barh(np.arange(len(info)), info["share"], 0.7, color=BLUE)
    for place, share in enumerate(info["share"]):
        beside(ax, share, place, f"{share:.0%}" if share >= 0.01 else "<1%")
    ax.set_yticks(np.arange(len(info)), [(names or {}).get(lever, lever) for lever in info["lever"]])
    ax.invert_yaxis()
    ax.set_xlim(right=1.12 * float(info["share"].max() or 1.0))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    return ax


def assumptions_info(alternatives: Sequence[Alternative]) -> pd.DataFrame:
    """Uplift of the recommendation where an assumed effect is stronger or weaker; the effect that matters most first.

    Columns: effect, factor, mean, low, high, best (of the shortlist there), span (between the effect's factors).
    """
    rows = [
        {"effect": a.effect, "factor": a.factor, "mean": a.uplift.mean, "low": a.uplift.low, "high": a.uplift.high,
         "best": a.best}
        for a in alternatives
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["effect", "factor", "mean", "low", "high", "best"])
    means = frame.groupby("effect", sort=False)["mean"]
    frame["span"] = means.transform("max") - means.transform("min")
    return frame.sort_values(["span", "effect", "factor"], ascending=[False, True, True], ignore_index=True)


def plot_assumptions(
    info: pd.DataFrame, ax: Axes | None = None, *, claim: Difference | None = None, currency: str = ""
) -> Axes:
    """Tornado: uplift at each factor with its interval, one row per assumed effect."""
    effects = list(dict.fromkeys(info["effect"]))
    title = "The gain if an assumption is wrong"
    ax = axes(ax, height=1.5 + 0.42 * len(effects), title=title, x=f"uplift, {currency} per customer")
    factors = sorted(set(info["factor"]))
    colours = dict(zip(factors, (ORANGE, BLUE, GREEN, RED, GREY), strict=False))
    for row, effect in enumerate(effects):
        part = info[info["effect"] == effect]
        ax.plot([part["mean"].min(), part["mean"].max()], [row, row], color=PALE, lw=8, solid_capstyle="butt", zorder=1)
    for number, factor in enumerate(factors):
        part = info[info["factor"] == factor]
        place = [effects.index(e) + 0.24 * (number - (len(factors) - 1) / 2) for e in part["effect"]]
        half = [part["mean"] - part["low"], part["high"] - part["mean"]]
        ax.errorbar(
            part["mean"], place, xerr=half, fmt="o", ms=5, lw=1.2, capsize=2, color=colours.get(factor, INK),
            label=f"effect × {factor:g}", zorder=3,
        )  # fmt: skip
    if claim is not None:
        ax.axvline(claim.mean, color=GREEN, lw=2, label="claim, as assumed", zorder=2)
    ax.axvline(0, color=INK, lw=1, ls=(0, (4, 3)))
    ax.set_yticks(np.arange(len(effects)), [effect.replace("_", " ") for effect in effects])
    ax.set_ylim(len(effects) - 0.4, -0.6)
    legend_below(ax, 3)
    return ax
