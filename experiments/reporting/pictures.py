"""Pictures of a report: figures as SVG with what they say in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from experiments.learning.model_card import ModelCard, Task
from experiments.reporting import figures as fig
from experiments.reporting import figures_card as fig_card
from experiments.reporting import figures_money as fig_money
from experiments.reporting import story
from experiments.reporting.record import Facts, RunRecord
from experiments.reporting.suppression import FEWEST
from experiments.reporting.words import LEVEL_NAMES
from experiments.searching.finals.finalists import STATUS_QUO

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Picture:
    """A figure on the page: the SVG and what it says in words."""

    svg: Markup
    caption: str


def picture(ax: Axes, name: str, caption: str) -> Picture:
    """Draw the figure of these Axes."""
    return Picture(Markup(fig.svg(ax, name, caption)), caption)


def pictures(record: RunRecord) -> dict[str, Picture]:
    """The figures that every report shows."""
    facts, frames = record.facts, record.tables
    currency, arms = facts.world.currency, facts.arms
    budget = facts.search.budget if facts.search else None
    base = _base(facts)
    values = fig.per_customer(frames["weekly"], frames["replicates"], base)
    spend = fig.cumulative(frames["weekly"], "spend")
    band = "Line: mean of the replicates; band: the central 90 % of them."
    per = f"{currency} per customer"
    equity = fig.plot_curves(fig.curves_info(values), title="Cumulative discounted equity", y=per)
    costs = fig.plot_curves(fig.curves_info(spend), title="Cumulative spend", y=currency, limit=budget)
    steps = fig_money.waterfall_info(frames["money"])
    reachable = fig.plot_curves(fig.reachable_info(frames["census"]), title="Reachable contacts", y="customers")
    waterfall = fig_money.plot_waterfall(steps, currency=currency)
    funnel = fig.plot_funnel(fig.funnel_info(frames["census"]), names=LEVEL_NAMES)
    found = {
        "clv": picture(equity, "clv", f"Discounted profit so far, per customer. {band}"),
        "spend": picture(costs, "spend", f"What the operator has spent so far. {band}"),
        "reachable": picture(reachable, "reachable", "Contacts who neither muted nor deleted; mean of the replicates."),
        "money": picture(waterfall, "money", "Sales at list price, less goods and what each action cost: profit."),
        "costs": picture(
            fig_money.plot_costs(fig_money.costs_info(steps), arms=arms, currency=currency),
            "costs",
            "Discounts, messages, wages, media and production, less fees received.",
        ),
        "funnel": picture(funnel, "funnel", "Contacts at each trust level on the first and on the last day."),
    }
    if base is not None and base != arms[0]:
        gain = fig.gain_info(values, arms[0], base)
        drawn = fig.plot_gain(gain, title="Gain so far, world by world", y=per)
        last = gain.iloc[-1]
        words = f"At the end {last['mean']:+.2f} {per}, 95 % interval {last['low']:+.2f} to {last['high']:+.2f}."
        found["gain"] = picture(drawn, "gain", f"'{arms[0]}' over '{base}', replicate by replicate. {words}")
        found["worlds"] = _worlds(facts, frames["replicates"], base)
    if "tiers" in frames:
        caption = "Buyers by value tier (mean over the run) and the sales at the moment of each order."
        found["tiers"] = picture(fig.plot_tiers(fig.tiers_info(frames["tiers"])), "tiers", caption)
    return found


def _base(facts: Facts) -> str | None:
    """The arm that others are compared with."""
    return {"search": STATUS_QUO, "compare": facts.arms[-1]}.get(facts.kind)


def _worlds(facts: Facts, replicates: Any, base: str) -> Picture:
    by_arm = {arm: part.set_index("replicate") for arm, part in replicates.groupby("arm")}
    gap = by_arm[facts.arms[0]]["equity"] - by_arm[base]["equity"]
    values = (gap / by_arm[base]["acquired"].clip(lower=1)).to_numpy(np.float64)
    d = facts.differences["clv"]
    drawn = fig.plot_difference(d, values, currency=facts.world.currency)
    caption = f"Each dot is one world lived twice with the same people and luck; better in {story.worlds_won(d)}."
    return picture(drawn, "worlds", caption)


def judged(card: ModelCard) -> list[Task]:
    """Questions with enough events and non-events to draw."""
    return [task for task in card.tasks.values() if min(task.events, task.rows - task.events) >= FEWEST]


def reliability(card: ModelCard) -> list[Picture]:
    """Reliability of each model that was judged. Not of few events: the shares of the tenths add up to their number."""
    found: list[Picture] = []
    for task in judged(card):
        info = fig_card.reliability_info(task.reliability)
        if len(info):
            words = f"{task.question}: {task.rows:,} forecasts. On the line, what was forecast is what happened."
            ax = fig_card.plot_reliability(info, title=task.question)
            found.append(picture(ax, f"card{len(found)}", words))
    return found
