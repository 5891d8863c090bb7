"""Bounds of a number, with its grid and its scale."""

from __future__ import annotations

import math
from typing import Any, Self

from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import model_validator

from experiments.searching.space.paths import Value
from sim.errors import SpecError
from sim.spec import Spec, parameter

BETWEEN = 0.381966  # of the way from end to end: not a whole number, whatever the ends
STRIDE = 1 / 3  # of the way to the farther bound, for the first trials that move one lever alone; assumed
ROUNDING = 1e-9  # of a step, by which a bound may miss the grid


def form(value: Any) -> str:
    """Tag of what may be written as a value or as bounds."""
    return "bounds" if isinstance(value, dict | Spec) else "value"


class Bounds(Spec):
    """A span of numbers, all of them or a grid."""

    low: float = parameter(doc="lowest value")
    high: float = parameter(doc="highest value")
    step: float | None = parameter(None, gt=0, doc="grid of the values; whole numbers need step 1")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}; widen the bounds or drop the lever")
        if self.step is not None and self.top <= self.low:
            raise ValueError(f"step {self.step:g} leaves no value but low {self.low:g}; lower it or widen the bounds")
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return self.step is not None and float(self.step).is_integer() and float(self.low).is_integer()

    @property
    def top(self) -> float:
        """The highest value on the grid."""
        if self.step is None:
            return self.high
        return self.low + math.floor((self.high - self.low) / self.step + ROUNDING) * self.step

    def snap(self, value: float) -> float | int:
        """The nearest value on the grid, of two the higher one."""
        if self.step is None:
            return float(value)
        cells = math.floor((value - self.low) / self.step + 0.5)
        snapped = min(self.low + cells * self.step, self.top)
        return round(snapped) if self.whole else round(snapped, 12)

    def clip(self, value: float) -> float | int:
        """The nearest value that is allowed."""
        return self.snap(min(max(value, self.low), self.high))

    def ends(self) -> tuple[float | int, ...]:
        """Both ends, and one between them, where a field of whole numbers shows itself."""
        if self.whole:
            return self.snap(self.low), self.snap(self.top)
        return self.snap(self.low), self.snap(self.top), self.snap(self.low + (self.high - self.low) * BETWEEN)

    def stride(self, here: float) -> float | int:
        """A value on the way from here to the farther bound."""
        far = self.top if self.top - here >= here - self.low else self.low
        moved = self.clip(here + (far - here) * STRIDE)
        return moved if moved != self.clip(here) else self.clip(here + math.copysign(self.step or 0.0, far - here))

    def read(self, here: Value, path: str, cure: str = "give it one, or give the lever choices") -> float | int:
        """A value of the status quo, on the grid. Raises SpecError where it is no number or lies outside."""
        if isinstance(here, bool) or not isinstance(here, int | float):
            raise SpecError("the status quo has no number here", place=f"space: {path}", value=here, cure=cure)
        slack = ROUNDING * (self.high - self.low)
        if not self.low - slack <= here <= self.high + slack:
            raise SpecError(
                f"the status quo lies outside {self.low:g} … {self.high:g}",
                place=f"space: {path}",
                value=here,
                cure="widen the bounds to take it in",
            )
        return self.clip(here)

    def words(self) -> str:
        """``0 … 7``."""
        return f"{self.low:g} … {self.high:g}"


class Span(Bounds):
    """Bounds with a scale."""

    log: bool = parameter(False, doc="search on a logarithmic scale")

    @model_validator(mode="after")
    def _scale(self) -> Self:
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a logarithmic lever needs low > 0 and no step")
        return self

    def distribution(self) -> FloatDistribution | IntDistribution:
        """What a sampler draws from."""
        if self.whole:
            return IntDistribution(int(self.low), int(self.top), step=int(self.step or 1))
        return FloatDistribution(self.low, self.top, step=self.step, log=self.log)

    def label(self, value: Value) -> Any:
        """A value for a condition. Raises ValueError where it is never taken exactly."""
        if self.step is None:
            raise ValueError("takes no value exactly; give it a step, or let a switch or a choice be the condition")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or abs(self.clip(value) - value) > ROUNDING * self.step:
            raise ValueError(f"never has the value {value!r}; it goes {self.words()} by {self.step:g}")
        return self.clip(value)
