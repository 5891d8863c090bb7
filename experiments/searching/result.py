"""What a search found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.compare import Difference
from experiments.experiment import Experiment
from experiments.ground import Ground
from experiments.results import Results
from experiments.searching.finals.finalists import STATUS_QUO
from experiments.searching.finals.finals import Finalist, Finals
from experiments.searching.plan import SearchPlan
from experiments.searching.space.paths import Value

if TYPE_CHECKING:
    from experiments.searching.questions.explain import Explanation
    from experiments.searching.questions.flips import Robustness
    from experiments.searching.questions.fronts import Point
    from experiments.searching.questions.information import Information
    from experiments.searching.questions.shadow import ShadowPrice
    from experiments.searching.trials.first_look import FirstLook
    from experiments.searching.trials.measuring import Effort
    from experiments.searching.trials.pilot import Pilot, Replication


@dataclass(frozen=True)
class Alternative:
    """The recommendation under another assumption.

    Attributes
    ----------
    effect, factor : which assumed effect is how many times as strong.
    uplift : of the recommended policy over the status quo in that world.
    best : label of the best policy of the shortlist there; ``behind`` is how much more it earns per customer.
    """

    effect: str
    factor: float
    uplift: Difference
    best: str
    behind: Difference


@dataclass(frozen=True)
class Course:
    """How the trials went.

    Attributes
    ----------
    engine : who proposed: ``gp``, ``tpe`` or ``cma``.
    pilot, replication : what a pilot measured and chose; None without one.
    first_look : whether policies were tried in a smaller world first, and why; None where the plan asks for none.
    stopped : why the search stopped before its last trial; empty when it did not.
    interrupted : whether somebody stopped it; then only the best is judged, and nothing else is asked.
    simulated, reused : replicates that were lived, and those that were known already.
    seconds : stage to its duration.
    """

    engine: str
    effort: Effort
    pilot: Pilot | None
    replication: Replication | None
    first_look: FirstLook | None
    stopped: str
    interrupted: bool
    simulated: int
    reused: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    finals : the final round with the recommended policy and its claim.
    trials : one row per trial: number, label, mean uplift, spend, feasible, levers.
    course : how the trials went.
    explanation : what mattered, from a separate design; None when it was not asked for.
    robustness : what the recommendation withstands; None without assumptions.
    information : which assumption is worth a test; None without assumptions.
    fronts : metric to policies that no other beats in CLV at as little of it.
    prices : shadow price of each limit.
    alternatives : the recommendation under halved and doubled effects.
    results : outcomes of status quo, do nothing and winner on the holdout seeds.
    """

    experiment: Experiment
    ground: Ground
    finals: Finals
    trials: pd.DataFrame
    course: Course
    explanation: Explanation | None
    robustness: Robustness | None
    information: Information | None
    fronts: dict[str, tuple[Point, ...]]
    prices: tuple[ShadowPrice, ...]
    alternatives: tuple[Alternative, ...]
    results: Results
    plan: SearchPlan
    folder: Path

    @property
    def winner(self) -> Finalist:
        """The recommended policy; the status quo itself when nothing beat it."""
        return self.finals.winner

    @property
    def finalists(self) -> tuple[Finalist, ...]:
        """Winner first, the others by the fresh seeds."""
        return self.finals.finalists

    @property
    def reference(self) -> Difference:
        """``do nothing`` against the status quo on the holdout seeds."""
        return self.finals.reference

    @property
    def claim(self) -> Difference:
        """Uplift of the recommended policy on the holdout seeds."""
        assert self.winner.holdout is not None  # the winner is measured there
        return self.winner.holdout

    @property
    def keeps_status_quo(self) -> bool:
        """Whether the recommendation is to change nothing."""
        return self.winner.label == STATUS_QUO

    def __str__(self) -> str:
        d, currency = self.claim, self.ground.scenario.currency
        if self.keeps_status_quo:
            return "Keep the status quo: no policy within the bounds and the limits was surely better on fresh seeds."
        return (
            f"{self.winner.label}: incremental CLV {d.mean:+.2f} ± {d.half_width:.2f} {currency} per customer on "
            f"{d.n} holdout replicates (in most worlds between {d.world_low:+.2f} and {d.world_high:+.2f})"
        )


def changes(plan: SearchPlan, status_quo: Any, finalist: Finalist) -> list[dict[str, Value]]:
    """What the finalist sets differently from the status quo: dotted path, from, to."""
    here = plan.values_of(status_quo)
    return [
        {"lever": path, "from": here.get(path), "to": value}
        for path, value in finalist.values.items()
        if here.get(path) != value
    ]


def recommendation(result: SearchResult) -> dict[str, Any]:
    """What the search recommends, as plain data."""
    winner, policy = result.winner, result.winner.policy
    return {
        "summary": str(result),
        "winner": winner.label,
        "interrupted": result.course.interrupted,
        "policy": policy.model_dump(mode="json"),
        "changes": changes(result.plan, result.ground.status_quo, winner),
        "incremental_clv": vars(result.claim),
        "clv": vars(result.finals.value),
        "spend": winner.spend,
        "budget": result.plan.budget,
        "limits": [vars(k) for k in winner.limits],
        "finalists": [_finalist(f) for f in result.finalists],
        "do_nothing": vars(result.reference),
        "shadow_prices": [vars(p) for p in result.prices],
        "assumptions": [
            {**vars(a), "uplift": vars(a.uplift), "behind": vars(a.behind)} for a in result.alternatives
        ],
    }  # fmt: skip


def _finalist(f: Finalist) -> dict[str, Any]:
    return {
        "label": f.label, "values": f.values, "changes": f.changes,
        "claimed": f.claimed if math.isfinite(f.claimed) else None, "ranked": vars(f.ranked),
        "tied": f.tied, "probability_best": f.probability_best,
        "holdout": None if f.holdout is None else vars(f.holdout), "spend": f.spend,
    }  # fmt: skip
