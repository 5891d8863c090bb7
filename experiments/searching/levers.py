"""Levers: what may move in a policy, as coordinates for a sampler and as values for the policy.

A lever stands under a dotted path. It has one coordinate or several (:meth:`Lever.dimensions`), turns their values
into values of the policy (:meth:`Lever.decode`) and reads those of a given policy back (:meth:`Lever.encode`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import model_validator

from agents.policy import Policy
from experiments.searching.coordinates import Dimension
from experiments.searching.paths import Value, dump, read_path, with_values
from sim.errors import SpecError
from sim.spec import Spec, parameter

Params = Mapping[str, Any]
"""Values of coordinates by name, as a sampler knows them."""

BETWEEN = 0.381966  # of the way from end to end: not a whole number, whatever the ends
STRIDE = 1 / 3  # of the way to the farther bound, for the first trials that move one lever alone; assumed


class Lever(Spec):
    """What every lever is. A new kind is a class with these methods and its line in ``LEVERS`` of ``plan.py``."""

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        """Its coordinates; the first is named after the path."""
        raise TypeError(f"{type(self).__name__} does not say what its coordinates are: define dimensions()")

    def paths(self, path: str) -> tuple[str, ...]:
        """Dotted paths of the policy that it sets."""
        return (path,)

    def decode(self, path: str, params: Params) -> dict[str, Value]:
        """Values of the policy by dotted path."""
        raise TypeError(f"{type(self).__name__} does not say what it sets: define decode()")

    def encode(self, path: str, policy: Policy) -> dict[str, Any]:
        """Coordinates of a policy. Raises SpecError when the policy lies outside the lever's bounds."""
        raise TypeError(f"{type(self).__name__} cannot read a policy: define encode()")

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        """Coordinates that the policy's own limits must allow: ends, and one between them."""
        raise TypeError(f"{type(self).__name__} does not say its ends: define corners()")

    def steps(self, path: str, params: Params) -> Iterator[dict[str, Any]]:
        """Coordinates with this lever alone moved from where it stands, for the first trials."""
        raise TypeError(f"{type(self).__name__} does not say how it moves: define steps()")

    def bounds(self) -> str:
        """Its bounds in words, as ``0 … 7``."""
        raise TypeError(f"{type(self).__name__} does not say its bounds: define bounds()")


class Number(Lever):
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

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        if self.whole:
            step = int(self.step or 1)
            high = int(self.low) + (int(self.high) - int(self.low)) // step * step
            return (Dimension(path, IntDistribution(int(self.low), high, step=step)),)
        return (Dimension(path, FloatDistribution(self.low, self.high, step=self.step, log=self.log)),)

    def decode(self, path: str, params: Params) -> dict[str, Value]:
        return {path: self.snap(params[path])}

    def encode(self, path: str, policy: Policy) -> dict[str, Any]:
        here = read_path(dump(policy), path)
        if isinstance(here, bool) or not isinstance(here, int | float):
            raise SpecError(
                "the status quo has no number here", place=f"space: {path}", value=here,
                cure="give it one, or give the lever choices",
            )  # fmt: skip
        if not self.low - 1e-12 <= here <= self.high + 1e-12:
            raise SpecError(
                f"the status quo lies outside {self.low:g} … {self.high:g}",
                place=f"space: {path}",
                value=here,
                cure="widen the bounds to take it in",
            )
        return {path: self.snap(here)}

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        yield from ({path: value} for value in self.ends())

    def steps(self, path: str, params: Params) -> Iterator[dict[str, Any]]:
        here = float(params[path])
        far = self.high if self.high - here >= here - self.low else self.low
        yield {path: self.snap(here + (far - here) * STRIDE)}

    def bounds(self) -> str:
        return f"{self.low:g} … {self.high:g}"

    def ends(self) -> tuple[Value, ...]:
        """Both ends, and one between them, where a field of whole numbers shows itself."""
        if self.whole:
            return int(self.low), int(self.high)
        between = self.low + (self.step or (self.high - self.low) * BETWEEN)
        return self.low, self.high, min(between, self.high)

    def snap(self, value: float) -> float | int:
        """The nearest value on the grid."""
        if self.step is None:
            return float(value)
        snapped = self.low + round((value - self.low) / self.step) * self.step
        return int(snapped) if self.whole else float(snapped)


class Choice(Lever):
    """A lever with alternatives: audiences, calendars, whole sub-documents."""

    choices: tuple[Value, ...] = parameter(min_length=2, doc="alternatives, plain data as in the policy")

    @model_validator(mode="after")
    def _different(self) -> Self:
        labels = self.labels()
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"the choice {label} stands there twice; drop one")
        return self

    def labels(self) -> tuple[str, ...]:
        """One text for each alternative, which is what the sampler stores."""
        return tuple(str(choice) for choice in self.choices)

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        return (Dimension(path, CategoricalDistribution(self.labels())),)

    def decode(self, path: str, params: Params) -> dict[str, Value]:
        return {path: self.choices[self.labels().index(params[path])]}

    def encode(self, path: str, policy: Policy) -> dict[str, Any]:
        here = read_path(dump(policy), path)
        for choice in self.choices:
            # An alternative may be written shorter than its dump (a preset's name), so compare what it stands for.
            if choice == here or read_path(dump(with_values(policy, {path: choice})), path) == here:
                return {path: str(choice)}
        raise SpecError(
            "the status quo's value is not among the choices", place=f"space: {path}", value=short(here),
            cure="add it to them",
        )  # fmt: skip

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        yield from ({path: label} for label in self.labels())

    def steps(self, path: str, params: Params) -> Iterator[dict[str, Any]]:
        labels = self.labels()
        yield {path: labels[(labels.index(params[path]) + 1) % len(labels)]}

    def bounds(self) -> str:
        return f"{len(self.choices)} choices"


def short(value: Value) -> Value:
    """A value for an error, without the fields of a mapping that say nothing."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
