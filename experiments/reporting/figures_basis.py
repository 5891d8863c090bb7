"""Figures of what a recommendation rests on: other strengths of each effect, and where it flips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.reporting.figures import BLUE, GREEN, GREY, INK, ORANGE, PALE, RED, axes, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.compare import Difference
    from experiments.reporting.basis import Sweep
    from experiments.searching.result import Alternative


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


def flips_info(sweeps: Sequence[Sweep]) -> pd.DataFrame:
    """Where the recommendation flips along each effect, as factors of its assumed strength; one row per flip.

    Columns: effect, tried_low, tried_high, plausible_low, plausible_high (NaN for an effect of mean 0), rival, side,
    value, doubtful, certain (NaN where the sweep does not come so far), inside (whether ``value`` is plausible). An
    effect that flips nothing has one row without a rival. Only the nearest flip on each side is kept.
    """
    rows = []
    for sweep in sweeps:
        if not sweep.effect:
            continue
        low, high = sweep.plausible or (np.nan, np.nan)
        tried = min(sweep.values), max(sweep.values)
        base = {"effect": sweep.words, "tried_low": tried[0], "tried_high": tried[1],
                "plausible_low": max(low, tried[0]), "plausible_high": min(high, tried[1])}  # fmt: skip
        nearest = {flip.side: flip for flip in reversed(sweep.flips)}
        for flip in nearest.values():
            certain = np.nan if flip.certain is None else flip.certain
            rows.append({**base, "rival": flip.rival, "side": flip.side, "value": flip.value,
                         "doubtful": flip.doubtful, "certain": certain, "inside": flip.plausible})  # fmt: skip
        if not nearest:
            rows.append({**base, "rival": "", "side": "", "value": np.nan, "doubtful": np.nan, "certain": np.nan,
                         "inside": False})  # fmt: skip
    return pd.DataFrame(rows)


def plot_flips(info: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The strengths of each effect that were tried and are plausible, and where the recommendation changes."""
    effects = list(dict.fromkeys(info["effect"]))
    title = "How wrong an assumption may be"
    ax = axes(ax, height=1.5 + 0.36 * len(effects), title=title, x="strength of the effect, times the assumed")
    for row, effect in enumerate(effects):
        part = info[info["effect"] == effect]
        first = part.iloc[0]
        ax.plot([first["tried_low"], first["tried_high"]], [row, row], color=PALE, lw=1.5, zorder=1,
                label="tried" if row == 0 else None)  # fmt: skip
        if np.isfinite(first["plausible_low"]):
            ax.plot([first["plausible_low"], first["plausible_high"]], [row, row], color=BLUE, alpha=0.3, lw=9,
                    solid_capstyle="butt", zorder=2, label="plausible (90 %)" if row == 0 else None)  # fmt: skip
        for _, flip in part[part["rival"] != ""].iterrows():
            far = flip["certain"] if np.isfinite(flip["certain"]) else first[f"tried_{_end(flip['side'])}"]
            ax.plot([flip["doubtful"], far], [row, row], color=RED, lw=3, solid_capstyle="butt", zorder=3)
            ax.plot(flip["value"], row, "D", color=RED, ms=6, zorder=4)
            ax.annotate(
                f"{flip['value']:.2g}×", (flip["value"], row), xytext=(0, 6), textcoords="offset points",
                ha="center", fontsize=8.5, color=INK,
            )  # fmt: skip
    if (info["rival"] != "").any():
        ax.plot([], [], "D-", color=RED, ms=6, lw=3, label="flips here (band: in doubt)")
    ax.axvline(1, color=GREEN, lw=2, zorder=2, label="as assumed")
    ax.set_yticks(np.arange(len(effects)), effects)
    ax.set_ylim(len(effects) - 0.4, -0.7)
    legend_below(ax, 2)
    return ax


def _end(side: str) -> str:
    return "low" if side == "below" else "high"
