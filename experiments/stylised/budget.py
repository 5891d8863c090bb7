"""One budget over five purposes: the product's search divides it in a world, and the ledger says where it went."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from threadpoolctl import threadpool_limits

from agents.events import OPERATOR_COSTS
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.experiment import Experiment, Sensitivity
from experiments.ground import Ground, check_documents
from experiments.metrics import Outcome
from experiments.search import search_ground
from experiments.searching.plan import SearchPlan
from sim.spec import validate

PURPOSES = ("acquisition", "goodwill", "conversion", "loyalty", "referral")
"""What S1 divides operation into. The name of an action begins with the purpose that its money counts for."""
CHANNEL = "ads"  # the channel that money is spent on
PER_CONTACT_CNY = 12.0  # budget for each contact of day 0; assumed
DEPTH = {"low": 0.005, "high": 0.3, "log": True}  # assumed
REWARD_CNY = {"low": 0.2, "high": 60.0, "log": True}  # assumed
"""What coupons and rewards cost rises with what customers do. On an even scale nearly every policy of a search's first
look broke the budget, so that it learned nothing of small ones and ended at none at all."""
POST_CNY, MESSAGE_CNY = 30.0, 0.02  # making a post and sending it to one; assumed, as in agents.actions.cadence
SEED_RANGE = 2**31  # of samplers
EFFORT = {
    "trials": 48, "batch": 4, "replicates": 2, "fronts": [], "design": 0, "finalists": 2, "final_replicates": 4,
    "final_rounds": 1, "holdout_replicates": 4,
}  # fmt: skip


def status_quo(scenario: Scenario) -> Policy:
    """About half of the budget, a bit for every purpose; where nothing is surely better, it stays."""
    tenth = PER_CONTACT_CNY * scenario.population.size / 10
    unit = _units(scenario)
    every = {"calendar": {"every_days": 14}, "valid_days": 7}
    actions: dict[str, Any] = {
        "acquisition": {"kind": "acquisition", "spend_cny_per_day": {CHANNEL: tenth / unit[_AT["ads"]]}},
        "goodwill_posts": {
            "kind": "content", "production_cny": POST_CNY, "cost_cny": MESSAGE_CNY,
            "calendar": {"per_week": tenth / unit[_AT["posts"]]},
            "audience": {"levels": ["L0", "L1", "L2", "L3"]},
        },
        "goodwill_chat": {"kind": "chat", "hours_per_week": {"L2": tenth / unit[_AT["goodwill"]]}},
        "conversion": {"kind": "coupon", "depth": 0.05, "audience": "newcomers", **every},
        "loyalty_coupon": {"kind": "coupon", "depth": 0.05, "audience": "buyers", **every},
        "loyalty_chat": {"kind": "chat", "hours_per_week": {"L4": tenth / unit[_AT["loyalty"]]}},
        "referral": {"kind": "referral", "reward_cny": 10.0},
    }  # fmt: skip
    return validate(Policy, {"title": "a bit of everything", "actions": actions})


_AT = {
    "ads": f"actions.acquisition.spend_cny_per_day.{CHANNEL}", "posts": "actions.goodwill_posts.calendar.per_week",
    "goodwill": "actions.goodwill_chat.hours_per_week.L2", "loyalty": "actions.loyalty_chat.hours_per_week.L4",
}  # fmt: skip


def _units(scenario: Scenario) -> dict[str, float]:
    """What one unit of each lever of fixed cost takes from the budget over the horizon, CNY."""
    weeks = scenario.horizon_days / 7
    cost = dict.fromkeys(_AT, scenario.staff.wage_cny_per_hour * weeks)
    cost |= {"ads": float(scenario.horizon_days), "posts": (POST_CNY + MESSAGE_CNY * scenario.population.size) * weeks}
    return {path: cost[name] for name, path in _AT.items()}


def plan_of(scenario: Scenario, seed: int, effort: Mapping[str, Any]) -> SearchPlan:
    """The search: what costs the same whatever customers do shares the budget, and all spending keeps it."""
    budget = PER_CONTACT_CNY * scenario.population.size
    units = _units(scenario)
    space = {
        "money": {"total": budget, "slack": True, "over": list(units), "cost": units},
        "actions.conversion.depth": DEPTH,
        "actions.loyalty_coupon.depth": DEPTH,
        "actions.referral.reward_cny": REWARD_CNY,
    }
    plan = {"title": "one budget, five purposes", "space": space, "budget": budget, "seed": seed % SEED_RANGE, **effort}
    return validate(SearchPlan, plan)


@dataclass(frozen=True)
class Spending:
    """Where the money of an optimum goes.

    Attributes
    ----------
    by_purpose : mean over the holdout seeds, in the scenario's currency.
    uplift : of the optimum over the status quo there, per customer.
    """

    by_purpose: dict[str, float]
    uplift: float

    @property
    def total(self) -> float:
        """All that is spent."""
        return sum(self.by_purpose.values())

    def share(self, *purposes: str) -> float:
        """Share of these purposes together; not a number where nothing is spent."""
        return sum(self.by_purpose[p] for p in purposes) / self.total if self.total else math.nan


def spent_by_purpose(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """What a policy of such actions spends on each purpose, as the mean over replicates."""
    spent = dict.fromkeys(PURPOSES, 0.0)
    for outcome in outcomes:
        for (source, kind), amount in outcome.money.items():
            purpose = source.partition(".")[0].partition("_")[0]
            if kind in OPERATOR_COSTS and purpose in spent:
                spent[purpose] -= amount / len(outcomes)
    return spent


@dataclass(frozen=True)
class Optimum:
    """A world of which is asked where the money goes; each seed is a search of its own."""

    title: str
    scenario: Scenario

    def answer(self, seed: int) -> Spending:
        """Search, and read the winner's ledgers on the holdout seeds."""
        return search_spending(self.scenario, seed, EFFORT)


def search_spending(scenario: Scenario, seed: int, effort: Mapping[str, Any]) -> Spending:
    """Where the money goes that a search divides with this effort."""
    base, plan = status_quo(scenario), plan_of(scenario, seed, effort)
    check_documents(scenario, base, plan)
    ground = Ground(scenario, base, plan, None, None, {}, ())
    design = Experiment(title=plan.title, scenario="-", policy="-", search="-", sensitivity=Sensitivity(replicates=0))
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        found = search_ground(ground, design, out=Path(folder), processes=1)
    if found.course.interrupted:  # it would go on with what it has; half a search is no answer
        raise KeyboardInterrupt
    return Spending(spent_by_purpose(found.finals.holdout["winner"]), found.claim.mean)


@dataclass(frozen=True)
class Share:
    """An arm of a fact: share of the money that an optimum spends on some purposes."""

    name: str
    question: Optimum
    purposes: tuple[str, ...]
    searches: ClassVar[bool] = True

    @property
    def key(self) -> tuple[str, str]:
        """The world that is searched; all that is spent is kept."""
        return repr(self.question), "spending"

    def together(self, arms: Sequence[Share], seed: int) -> list[Spending]:
        """One search for all of them."""
        return [self.question.answer(seed)] * len(arms)

    def read(self, answer: Spending) -> float:
        """The share."""
        return answer.share(*self.purposes)
