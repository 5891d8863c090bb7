"""What every searcher of the loop may move, and how long each may look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.closed_loop.hidden import WHOM, Truth
from experiments.searching.plan import SearchPlan
from sim.spec import validate


@dataclass(frozen=True)
class Effort:
    """How much is spent on one world and size of logs.

    Few replicates of the final round cost regret: policies that it cannot tell apart count as equal, and the one that
    is nearest to the status quo is named.

    Attributes
    ----------
    trials, replicates : policies that each search tries, and paired replicates of a trial.
    judged, claims : fresh replicates of the final round, and holdout replicates of a claim.
    scored : replicates in which policies are lived in the hidden world.
    customers : of a search; the logs may hold many more.
    scored_customers : customers of the hidden world in whom policies are scored.
    guesses : policies among which the naive analyst chooses.
    """

    trials: int = 40
    replicates: int = 8
    judged: int = 32
    claims: int = 32
    scored: int = 16
    customers: int = 1000
    scored_customers: int = 5000
    guesses: int = 1024

    def as_dict(self) -> dict[str, int]:
        """Plain data."""
        return dict(vars(self))


def levers(truth: Truth) -> dict[str, Any]:
    """The space of policies: depth, interval, minimum and audience of the coupon, cadence of adverts."""
    return {
        "actions.coupon.depth": {"low": 0.0, "high": 0.30},
        "actions.coupon.calendar.every_days": {"low": 7, "high": 42, "step": 7},
        "actions.coupon.minimum_spend_cny": {"low": 0.0, "high": round(1.5 * truth.basket_cny)},
        "actions.coupon.audience": {"choices": list(WHOM.values())},
        "actions.adverts.calendar.per_week": {"low": 0.0, "high": 6.0},
    }


def plan_of(truth: Truth, effort: Effort, seed: int) -> SearchPlan:
    """The search of one world, as plain as a user's: no fronts, no design."""
    return validate(
        SearchPlan,
        {
            "title": "closed loop", "space": levers(truth), "trials": effort.trials, "replicates": effort.replicates,
            "fronts": [], "design": 0, "finalists": 3, "final_replicates": effort.judged, "final_rounds": 1,
            "holdout_replicates": effort.claims, "seed": seed,
        },
    )  # fmt: skip
