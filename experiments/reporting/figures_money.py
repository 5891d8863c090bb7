"""Figures of money: from sales to profit, and what each action costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.reporting.figures import axes, beside, colour_of, legend_below, money_axis, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def waterfall_info(money: pd.DataFrame) -> pd.DataFrame:
    """From sales to profit, by arm: arm, step, amount, begin, end. Steps: sales, goods, each action, profit.

    An action's step is all money booked under it: discounts, messages, wages, media, less fees received.
    """
    step = money["source"].str.split(".").str[0]
    sold = money["source"] == "purchase"
    step = step.mask(sold & (money["kind"] == "order"), "sales").mask(sold & (money["kind"] == "goods"), "goods")
    table = money.assign(step=step).pivot_table(index="step", columns="arm", values="amount", aggfunc="sum").fillna(0.0)
    actions = [name for name in table.index if name not in ("sales", "goods")]
    size = table.abs().max(axis=1).to_dict()
    actions.sort(key=lambda name: -size[name])
    order = [name for name in ("sales", "goods", *actions) if name in table.index]
    rows = []
    for arm in dict.fromkeys(money["arm"]):
        amounts = table.loc[order, arm].to_numpy()
        ends = np.cumsum(amounts)
        begins = np.concatenate([[0.0], ends[:-1]])
        rows += [(arm, *row) for row in zip(order, amounts, begins, ends, strict=True)]
        rows.append((arm, "profit", float(ends[-1]), 0.0, float(ends[-1])))
    return pd.DataFrame(rows, columns=["arm", "step", "amount", "begin", "end"])


def plot_waterfall(info: pd.DataFrame, ax: Axes | None = None, *, currency: str = "") -> Axes:
    """Floating bars from sales to profit, the arms beside each other."""
    arms, steps = list(dict.fromkeys(info["arm"])), list(dict.fromkeys(info["step"]))
    height = 1.3 + 0.22 * len(steps) * max(len(arms), 2)
    ax = axes(ax, height=height, title="From sales to profit, by action", x=f"{currency} a replicate, undiscounted")
    thick = 0.8 / len(arms)
    reach = float(info[["begin", "end"]].to_numpy().max())
    for number, arm in enumerate(arms):
        part = info[info["arm"] == arm].set_index("step").reindex(steps).fillna(0.0)
        place = np.arange(len(steps)) + (number - (len(arms) - 1) / 2) * thick
        left, width = part[["begin", "end"]].min(axis=1), part["amount"].abs()
        ax.barh(place, width, thick * 0.88, left=left, color=colour_of(number), label=arm)
        for y, edge, amount in zip(place, left + width, part["amount"], strict=True):
            if amount:
                beside(ax, edge, y, short(amount))
    ax.set_yticks(np.arange(len(steps)), steps)
    ax.invert_yaxis()
    ax.set_xlim(right=1.14 * reach)
    money_axis(ax.xaxis)
    legend_below(ax, 3)
    return ax


def costs_info(waterfall: pd.DataFrame) -> pd.DataFrame:
    """What each action costs net of fees, by arm, the largest first: arm, step, cost. Arms without any are left out."""
    part = waterfall[~waterfall["step"].isin(["sales", "goods", "profit"])]
    frame = part[["arm", "step"]].assign(cost=-part["amount"])
    costs = set(frame.loc[frame["cost"] != 0, "arm"])
    return frame[frame["arm"].isin(costs)]


def plot_costs(info: pd.DataFrame, ax: Axes | None = None, *, arms: Sequence[str], currency: str = "") -> Axes:
    """Bars of what each action costs. ``arms`` gives the order that decides the colours."""
    steps = list(dict.fromkeys(info["step"]))
    shown = [arm for arm in arms if (info["arm"] == arm).any()]
    height = 1.5 + 0.22 * max(len(steps) * max(len(shown), 2), 3)
    ax = axes(ax, height=height, title="What each action costs", x=f"{currency} a replicate, undiscounted")
    thick = 0.8 / max(len(shown), 1)
    for number, arm in enumerate(shown):
        cost = info[info["arm"] == arm].set_index("step")["cost"].reindex(steps).fillna(0.0)
        place = np.arange(len(steps)) + (number - (len(shown) - 1) / 2) * thick
        ax.barh(place, cost, thick * 0.88, color=colour_of(list(arms).index(arm)), label=arm)
        for y, amount in zip(place, cost, strict=True):
            if amount:
                beside(ax, max(amount, 0.0), y, short(amount))
    ax.set_yticks(np.arange(len(steps)), steps)
    ax.invert_yaxis()
    ax.margins(x=0.12)
    money_axis(ax.xaxis)
    if shown:
        legend_below(ax, 3)
    return ax
