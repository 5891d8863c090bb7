"""Targets: a document of facts that the world must show, and of the scenario's values that are free to show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.scenario import Scenario
from experiments.calibrating.facts import LOGS, Fact, keyed
from experiments.metrics import Outcome
from experiments.searching.worlds import Span, check
from sim.errors import SpecError
from sim.spec import Document, Spec, parameter

Floats = NDArray[np.float64]

FAR_APART = 5.0  # joint tolerances at which two figures of the same thing contradict each other; assumed


class Effort(Spec):
    """How much is simulated."""

    replicates: int = parameter(2, ge=1, le=256, doc="replicates of every parameter set, on the same seeds")
    first: int = parameter(128, ge=8, le=100_000, doc="parameter sets that cover the spans before anything is known")
    batch: int = parameter(48, ge=4, le=10_000, doc="parameter sets of each later round")
    rounds: int = parameter(6, ge=1, le=100, doc="later rounds at most")
    fresh: int = parameter(96, ge=16, le=10_000, doc="replicates with luck of their own, that tell the noise")
    sets: int = parameter(64, ge=8, le=10_000, doc="equally likely parameter sets that the answer should be worth")


class Targets(Spec):
    """What the world must show, and what may move so that it does."""

    title: str = parameter(doc="what this is, in one line")
    policy: str | None = parameter(None, doc="what the operator did meanwhile; that of the experiment without")
    facts: dict[str, Fact] = parameter(min_length=1, doc="what was measured, by name")
    free: dict[str, Span] = parameter(min_length=1, doc="values to fit by dotted path into the scenario: {low, high}")
    effort: Effort = Effort()
    seed: int = parameter(1, ge=0, doc="number that decides all luck")
    plugins: tuple[str, ...] = parameter((), doc="modules to import before this document is read")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        known: dict[tuple[object, ...], tuple[str, float, float]] = {}
        for name, fact in self.facts.items():
            for key, (part, value) in zip(keyed(fact), fact.figures().items(), strict=True):
                if value == LOGS:
                    continue
                figure, sd = float(value), fact.sd(float(value))
                if sd <= 0:
                    raise ValueError(f"facts.{name}: {part} is 0, which has no share of itself; give 'tolerance'")
                other = known.setdefault(key, (name, figure, sd))
                if abs(figure - other[1]) > FAR_APART * float(np.hypot(sd, other[2])):
                    raise ValueError(
                        f"facts.{name} contradicts facts.{other[0]}: {figure:g} and {other[1]:g} of the same thing, "
                        f"more than {FAR_APART:g} of their tolerances apart; drop one or widen a tolerance"
                    )
        return self


@dataclass(frozen=True)
class Statistic:
    """One number to reproduce.

    Attributes
    ----------
    name : the fact, with its part where it has several.
    observed, sd : the figure and its tolerance.
    """

    name: str
    fact: str
    observed: float
    sd: float


def statistics(targets: Targets) -> tuple[Statistic, ...]:
    """Every number of the targets, in the order of the document; figures from logs must have been filled in."""
    return tuple(
        Statistic(f"{name}: {part}" if part else name, name, float(value), fact.sd(float(value)))
        for name, fact in targets.facts.items()
        for part, value in fact.figures().items()
    )


def measured(targets: Targets, lived: Outcome, scenario: Scenario) -> Floats:
    """The same numbers of a replicate. ``scenario`` has the horizon of the whole run. Shape (statistics,)."""
    return np.array([x for fact in targets.facts.values() for x in fact.measure(lived, scenario)])


def place(document: Document, *steps: str) -> str:
    """``file:line: facts.mutes`` of a path in the document."""
    line = document.line(steps)
    return f"{document.name}{f':{line}' if line else ''}: {'.'.join(steps)}"


def check_targets(targets: Targets, scenario: Scenario, document: Document, *, learned: bool) -> int:
    """Try facts and free values on the scenario; return the number of days that replicates must live.

    Parameters
    ----------
    targets : figures from logs are filled in, if there are logs.
    learned : models and customers come from logs, so that some paths decide nothing.

    Raises
    ------
    SpecError
        With file and line, for a fact that the horizon does not reach or that only logs know and a path that is no
        assumption.
    """
    last = 0
    for name, fact in targets.facts.items():
        if LOGS in fact.figures().values():
            raise SpecError(
                "this is to be counted in logs, and there are none", place=place(document, "facts", name),
                cure="calibrate an experiment that names `logs`, or write the figure",
            )  # fmt: skip
        try:
            last = max(last, fact.last_day(scenario))
        except ValueError as error:
            cure = "lengthen horizon_days, or choose another time"
            raise SpecError(str(error), place=place(document, "facts", name), cure=cure) from None
    for path, span in targets.free.items():
        try:
            check(scenario, {path: span}, learned=learned)
        except SpecError as error:
            where = place(document, "free", path)
            raise SpecError(error.rule, place=where, value=error.value, cure=error.cure) from None
    check(scenario, targets.free, learned=learned)
    return last + 1
