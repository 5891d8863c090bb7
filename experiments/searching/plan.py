"""The search plan: which levers of the policy may move, how far, and how the search is run."""

from __future__ import annotations

import itertools
from typing import Annotated, Self

import optuna
from pydantic import Discriminator, Tag, model_validator

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.paths import Value, dump, read_path, with_values
from sim.errors import SpecError
from sim.spec import Spec, parameter

BETWEEN = 0.381966  # of the way from end to end: not a whole number, whatever the ends
STRIDE = 1 / 3  # of the way to the farther bound, for the first trials that move one lever alone; assumed


class Number(Spec):
    """A numeric lever."""

    low: float = parameter(doc="lowest value")
    high: float = parameter(doc="highest value")
    step: float | None = parameter(None, gt=0, doc="grid of the values; whole numbers need step 1")
    log: bool = parameter(False, doc="search on a logarithmic scale")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}; widen the bounds or drop the lever")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a logarithmic lever needs low > 0 and no step")
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return self.step is not None and float(self.step).is_integer() and float(self.low).is_integer()

    def ends(self) -> tuple[Value, ...]:
        """Values that must be allowed: both ends, and one between them, where a field of whole numbers shows itself."""
        if self.whole:
            return int(self.low), int(self.high)
        between = self.low + (self.step or (self.high - self.low) * BETWEEN)
        return self.low, self.high, min(between, self.high)

    def suggest(self, trial: optuna.Trial, path: str) -> Value:
        """Ask the sampler."""
        if self.whole:
            return trial.suggest_int(path, int(self.low), int(self.high), step=int(self.step or 1))
        return trial.suggest_float(path, self.low, self.high, step=self.step, log=self.log)

    def holds(self, value: Value) -> bool:
        """Whether a value lies within the bounds."""
        return isinstance(value, int | float) and self.low - 1e-12 <= value <= self.high + 1e-12

    def code(self, value: Value) -> Value:
        """The value as the sampler knows it, on the grid."""
        if self.step is None:
            return float(value)
        snapped = self.low + round((value - self.low) / self.step) * self.step
        return int(snapped) if self.whole else float(snapped)

    def decode(self, value: Value) -> Value:
        """The policy's value behind a sampler's."""
        return self.code(value)


class Choice(Spec):
    """A lever with alternatives: audiences, calendars, whole sub-documents."""

    choices: tuple[Value, ...] = parameter(min_length=2, doc="alternatives, plain data as in the policy")

    def labels(self) -> tuple[str, ...]:
        """One text for each alternative, which is what the sampler stores."""
        return tuple(str(choice) for choice in self.choices)

    def ends(self) -> tuple[Value, ...]:
        """Values that must be allowed."""
        return self.choices

    def suggest(self, trial: optuna.Trial, path: str) -> Value:
        """Ask the sampler."""
        return self.decode(trial.suggest_categorical(path, self.labels()))

    def holds(self, value: Value) -> bool:
        """Whether a value is one of the alternatives."""
        return str(value) in self.labels()

    def code(self, value: Value) -> str:
        """The value as the sampler knows it."""
        return str(value)

    def decode(self, label: str) -> Value:
        """The alternative behind a label."""
        return self.choices[self.labels().index(label)]


Lever = Annotated[
    Annotated[Choice, Tag("choice")] | Annotated[Number, Tag("number")],
    Discriminator(lambda v: "choice" if "choices" in (v if isinstance(v, dict) else dir(v)) else "number"),
]


class SearchPlan(Spec):
    """Space, budget and effort of a search."""

    title: str = parameter(doc="what is searched, in one line")
    space: dict[str, Lever] = parameter(min_length=1, doc="levers: dotted paths into the policy")
    budget: float | None = parameter(None, gt=0, doc="what the policy may spend over the horizon, scenario currency")
    trials: int = parameter(100, ge=3, le=100_000, doc="policies to try")
    replicates: int = parameter(8, ge=2, le=10_000, doc="paired replicates of each trial; the same seeds in all")
    batch: int = parameter(8, ge=1, le=256, doc="policies proposed together; results do not depend on processes")
    finalists: int = parameter(6, ge=1, le=100, doc="best trials that are judged again on fresh seeds")
    final_replicates: int = parameter(24, ge=2, le=10_000, doc="fresh paired replicates that rank the finalists")
    holdout_replicates: int = parameter(32, ge=2, le=10_000, doc="holdout replicates on which the claim is made")
    seed: int = parameter(1, ge=0, doc="seed of the sampler and of the replicates")

    def check(self, policy: Policy, scenario: Scenario) -> None:
        """Try both ends of every lever, and all pairs of ends within an action, against the policy.

        Raises
        ------
        SpecError
            Naming the lever, the end that the policy's own limits refuse, and the cure.
        """
        data = dump(policy)
        for path, lever in self.space.items():
            read_path(data, path)
            for end in lever.ends():
                self._try(policy, scenario, {path: end}, path)
        self.values_of(policy)
        for one, other in itertools.combinations(self.space, 2):
            if one.split(".")[:2] == other.split(".")[:2]:
                for a, b in itertools.product(self.space[one].ends(), self.space[other].ends()):
                    self._try(policy, scenario, {one: a, other: b}, f"{one} = {a} with {other} = {b}")

    def values_of(self, policy: Policy) -> dict[str, Value]:
        """The policy's own value of every lever. Raises SpecError when one lies outside its bounds."""
        data = dump(policy)
        found: dict[str, Value] = {}
        for path, lever in self.space.items():
            here = read_path(data, path)
            if isinstance(lever, Choice):
                # An alternative may be written shorter than its dump (a preset's name), so compare what it stands for.
                same = [c for c in lever.choices if read_path(dump(with_values(policy, {path: c})), path) == here]
                if not same:
                    raise SpecError(
                        "the status quo's value is not among the choices",
                        place=f"space: {path}",
                        value=_short(here),
                        cure="add it to them",
                    )
                found[path] = same[0]
            elif isinstance(here, bool) or not isinstance(here, int | float):
                raise SpecError(
                    "the status quo has no number here", place=f"space: {path}", value=here,
                    cure="give it one, or give the lever choices",
                )  # fmt: skip
            elif lever.holds(here):
                found[path] = here
            else:
                raise SpecError(
                    f"the status quo lies outside {lever.low:g} … {lever.high:g}",
                    place=f"space: {path}",
                    value=here,
                    cure="widen the bounds to take it in",
                )
        return found

    def single_changes(self, policy: Policy) -> list[dict[str, Value]]:
        """The policy with one lever alone moved, for each: a third of the way to the farther bound, or the next choice.

        They tell the sampler what each lever does from where the operator stands; a random start in many dimensions
        spends its trials on policies that nobody would run.
        """
        here = self.values_of(policy)
        moved = []
        for path, lever in self.space.items():
            if isinstance(lever, Choice):
                position = next(i for i, c in enumerate(lever.choices) if c == here[path])
                value = lever.choices[(position + 1) % len(lever.choices)]
            else:
                far = lever.high if lever.high - here[path] >= here[path] - lever.low else lever.low
                value = lever.code(here[path] + (far - here[path]) * STRIDE)
            moved.append({**here, path: value})
        return moved

    def _try(self, policy: Policy, scenario: Scenario, values: dict[str, Value], place: str) -> None:
        try:
            with_values(policy, values).check(scenario)
        except SpecError as error:
            shown = next(iter(values.values())) if len(values) == 1 else None
            rule = error.rule if error.place in ("", place) else f"{error.place}: {error.rule}"
            cure = "narrow the bounds"
            if any(isinstance(self.space[path], Choice) for path in values):
                cure = "mend this choice or drop it"
            elif "whole number" in error.rule:
                cure = "add step: 1"
            raise SpecError(
                f"the policy refuses this value: {rule}", place=f"space: {place}", value=_short(shown), cure=cure
            ) from None


def _short(value: Value) -> Value:
    """A value for an error, without the fields of a mapping that say nothing."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
