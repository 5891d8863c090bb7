"""Figures of the closed loop: regret by size of the logs, and claims against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from experiments.reporting.figures import BAND, BLUE, GREY, INK, ORANGE, RED, axes, legend_below, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.closed_loop.scoring import Cell

REGRETS = {"product": ("the product", BLUE), "naive": ("naive analyst", ORANGE), "status quo": ("status quo", GREY)}
BAND_QUANTILES = (0.25, 0.75)
HIGHEST = 2.0  # regret at which the picture ends: a median beyond does as much harm as there was to gain


def regret_info(cells: Sequence[Cell]) -> pd.DataFrame:
    """By arm and size of the logs: arm, customers, median, low, high (quartiles), worlds with something to gain.

    The status quo misses all that there is to gain, by definition.
    """
    rows = []
    for arm in REGRETS:
        for customers in sorted({c.customers for c in cells}):
            here = [c for c in cells if c.customers == customers and c.worthwhile]
            if here:
                regrets = [1.0 if arm == "status quo" else c.regret(arm) for c in here]
                low, median, high = np.quantile(regrets, [BAND_QUANTILES[0], 0.5, BAND_QUANTILES[1]])
                rows.append((arm, customers, float(median), float(low), float(high), len(here)))
    return pd.DataFrame(rows, columns=["arm", "customers", "median", "low", "high", "worlds"])


def plot_regret(info: pd.DataFrame, ax: Axes | None = None, *, target: float | None = None) -> Axes:
    """Median regret with the middle half of the worlds as a band, by customers in the logs."""
    ax = axes(ax, title="What is missed of what could be gained", x="customers in the logs", y="regret")
    for arm, (name, colour) in REGRETS.items():
        part = info[info["arm"] == arm]
        if len(part):
            ax.plot(part["customers"], part["median"], "o-", ms=4.5, lw=1.8, color=colour, label=name)
            ax.fill_between(part["customers"], part["low"], part["high"], color=colour, alpha=BAND, lw=0)
    if target is not None:
        ax.axhline(target, color=INK, lw=1, ls=(0, (4, 3)), label=f"target {target:.0%}")
    ax.set_xscale("log")
    sizes = sorted(set(info["customers"]))
    ax.set_xticks(sizes, [short(n) for n in sizes])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_ylim(bottom=min(0.0, float(info["low"].min())), top=min(HIGHEST, 1.1 * float(info["high"].max())))
    legend_below(ax, 2)
    return ax


def claims_info(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per world and size: customers, world, held, and as shares of a customer's value truth and claim."""
    rows = [
        (c.customers, c.world, *(x / abs(c.value) for x in (c.uplift["product"], c.claimed, c.low, c.high)), c.covered)
        for c in sorted(cells, key=lambda c: (c.customers, c.world))
    ]
    return pd.DataFrame(rows, columns=["customers", "world", "truth", "claimed", "low", "high", "held"])


def plot_claims(info: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The true uplift of each recommendation against what was claimed, with the claimed interval."""
    ax = axes(
        ax,
        title="What was claimed, and what came true",
        x="true uplift / value of a customer",
        y="claimed uplift",
    )
    for held, colour, label in ((True, BLUE, "interval holds the truth"), (False, RED, "interval misses it")):
        part = info[info["held"] == held]
        if len(part):
            reach = np.abs(part[["low", "high"]].to_numpy().T - part["claimed"].to_numpy())
            ax.errorbar(part["truth"], part["claimed"], yerr=reach, fmt="o", ms=4, lw=1, color=colour, label=label)
    ends = [float(info[["truth", "low"]].to_numpy().min()), float(info[["truth", "high"]].to_numpy().max())]
    ax.plot(ends, ends, color=INK, lw=1, ls=(0, (4, 3)))
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    legend_below(ax, 2)
    return ax


def save_picture(cells: Sequence[Cell], path: Path, *, target: float | None = None) -> Path:
    """Both figures side by side as a PNG."""
    figure = Figure(figsize=(10.4, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    info = regret_info(cells)
    if len(info):
        plot_regret(info, left, target=target)
    plot_claims(claims_info(cells), right)
    figure.savefig(path, dpi=150)
    return path
