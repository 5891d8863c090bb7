"""What only a search has, as data on disk: finalists, course, limits and prices, fronts, basis, causes."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ConfigDict

from experiments.compare import Difference, difference
from experiments.effects import Effect as LoggedEffect
from experiments.learning.model_card import ModelCard
from experiments.reporting.basis import Basis, basis_of
from experiments.reporting.causes import Causes, causes_of
from experiments.results import paired
from experiments.searching.aims import RISK, Kept, Limit
from experiments.searching.finals.finalists import STATUS_QUO
from experiments.searching.finals.finals import Finalist
from experiments.searching.questions.fronts import risk
from experiments.searching.questions.shadow import ShadowPrice
from experiments.searching.trials.first_look import FirstLook
from experiments.searching.trials.measuring import Effort
from experiments.searching.trials.pilot import Pilot, Replication
from sim.spec import Spec

if TYPE_CHECKING:
    from experiments.data import Logs
    from experiments.searching.result import SearchResult


class Candidate(Spec):
    """A finalist: what it sets, and three looks at its uplift. Only the recommended one has met the holdout seeds."""

    label: str
    values: dict[str, Any]
    changes: int
    claimed: float | None
    ranked: Difference
    tied: bool
    probability_best: float
    holdout: Difference | None
    spend: float
    limits: tuple[Kept, ...]

    @property
    def within(self) -> bool:
        """Whether it keeps all limits."""
        return all(kept.kept for kept in self.limits)


class FinalRound(Spec):
    """How the finalists were judged; ``value`` and ``objective`` are those of the recommended policy itself."""

    leader: str
    rounds: tuple[int, ...]
    margin: float
    value: Difference
    objective: Difference
    reference: Difference


class Course(Spec):
    """How the trials went. ``levers`` and ``worlds`` count what could move and the scenarios that all policies met."""

    levers: int
    worlds: int
    drawn_from: str = "what is uncertain"
    engine: str
    aim: str
    effort: Effort
    pilot: Pilot | None
    replication: Replication | None
    first_look: FirstLook | None
    stopped: str
    interrupted: bool
    simulated: int
    reused: int
    seconds: dict[str, float]


class FrontPoint(Spec):
    """A policy of a front with what it sets."""

    amount: float
    uplift: Difference
    values: dict[str, Any]
    changes: int


class Front(Spec):
    """Policies that no other beats in CLV at as little of a metric; what status quo and recommendation have of it.

    ``gain`` is the recommended policy's uplift on fresh seeds, as the points have it, and not the claim.
    """

    points: tuple[FrontPoint, ...]
    gain: Difference
    status_quo: float
    recommended: float


class LogsRead(Spec):
    """What was read of the logs, and what was left out."""

    name: str
    content_hash: str
    first_day: dt.date
    last_day: dt.date
    kept: dict[str, int]
    dropped: dict[str, int]


class Searched(Spec):
    """What only a search has. Finalists begin with the recommended one; ``notes`` and ``logged`` are what logs gave."""

    model_config = ConfigDict(allow_inf_nan=True)  # an estimate from too few rows is NaN

    status_quo: dict[str, Any]
    bounds: dict[str, str]
    finalists: tuple[Candidate, ...]
    final: FinalRound
    course: Course
    limits: dict[str, Limit]
    prices: tuple[ShadowPrice, ...]
    fronts: dict[str, Front]
    basis: Basis
    causes: Causes | None
    notes: tuple[str, ...]
    logged: dict[str, LoggedEffect]
    logs: LogsRead | None
    card: ModelCard | None

    @property
    def winner(self) -> Candidate:
        """The recommended policy."""
        return self.finalists[0]

    @property
    def budget(self) -> float | None:
        """What may be spent over the horizon."""
        return self.limits["spend"].at_most if "spend" in self.limits else None


def searched_of(result: SearchResult) -> Searched:
    """Everything that a report says of a search beyond what it says of any run."""
    ground, plan, finals = result.ground, result.plan, result.finals
    return Searched(
        status_quo=plan.values_of(ground.status_quo),
        bounds=plan.bounds(ground.status_quo),
        finalists=tuple(_candidate(f) for f in result.finalists),
        final=FinalRound(**{name: getattr(finals, name) for name in FinalRound.model_fields}),
        course=_course(result),
        limits=plan.all_limits(),
        prices=result.prices,
        fronts={metric: _front(result, metric) for metric, points in result.fronts.items() if points},
        basis=basis_of(result),
        causes=causes_of(result.explanation),
        notes=ground.notes,
        logged=ground.effects,
        logs=_logs_read(ground.logs) if ground.logs is not None else None,
        card=ground.training.card if ground.training else None,
    )


def _candidate(f: Finalist) -> Candidate:
    fields: dict[str, Any] = {name: getattr(f, name) for name in Candidate.model_fields}
    return Candidate(**fields | {"claimed": None if math.isnan(f.claimed) else f.claimed})


def _course(result: SearchResult) -> Course:
    own = {"levers", "worlds", "aim", "drawn_from"}
    return Course(
        levers=len(result.plan.space),
        worlds=result.experiment.worlds if result.experiment.uncertain else 1,
        aim=result.plan.objective.words(),
        drawn_from="calibrated parameter sets" if result.experiment.ensemble else "what is uncertain",
        **{name: getattr(result.course, name) for name in Course.model_fields if name not in own},
    )


def _front(result: SearchResult, metric: str) -> Front:
    plan, base = result.plan, result.ground.status_quo
    held = result.finals.holdout
    return Front(
        points=tuple(
            FrontPoint(
                amount=point.amount,
                uplift=point.uplift,
                values=plan.values(point.params, base),
                changes=len(plan.changed(point.params, base)),
            )
            for point in result.fronts[metric]
        ),
        gain=difference("clv", np.asarray(result.finals.uplift[0])),
        status_quo=_amount(metric, held, STATUS_QUO),
        recommended=_amount(metric, held, "winner"),
    )


def _amount(metric: str, held: Mapping[str, Any], arm: str) -> float:
    """What an arm has of a metric on the holdout seeds."""
    if metric == RISK:
        return risk(paired(held[arm], held[STATUS_QUO], "clv"))
    return float(np.mean([outcome.values[metric] for outcome in held[arm]]))


def _logs_read(logs: Logs) -> LogsRead:
    kept = {"customers": logs.n_customers, "order days": len(logs.visits)}
    if logs.touches is not None:
        kept["touches"] = len(logs.touches)
    if logs.campaigns is not None:
        kept["campaign targets"] = len(logs.campaigns)
    return LogsRead(
        name=logs.name,
        content_hash=logs.digest,
        first_day=logs.origin,
        last_day=logs.origin + dt.timedelta(days=logs.last_day),
        kept=kept,
        dropped=logs.dropped,
    )
