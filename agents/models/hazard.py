"""A hazard: P(event today | observed history), linear on the logit scale in named features."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import ndtri

from sim import Columns, Observed, SiyuError, Spec
from sim.draws import Draws

from .features import FEATURES, Feature, Moment
from .history import Days, Rows

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
SLACK = 1.05  # times the odds: more than what single precision loses on sums of terms below 100,000 log-odds
STEEPEST = 700.0  # logits beyond are 0 or 1 to the last bit, and exp would overflow
LEAST_LOGIT = np.float32(80.0)  # of a probability that is below every draw; exp of more would overflow


class Addends(NamedTuple):
    """A linear predictor taken apart: what is read from tables, and what is computed for each row."""

    tables: dict[str, Floats]
    per_row: list[tuple[float, Callable[[Moment], Floats | float]]]


class Linear(Spec):
    """intercept + coef · features, with everything that training did to the features folded into the numbers."""

    features: tuple[str, ...] = Field(description="names in agents.models.features.FEATURES")
    coef: tuple[float, ...] = Field(description="one coefficient per feature")
    intercept: float
    source: str = Field(description="where the numbers come from")
    spread: tuple[tuple[float, ...], ...] = Field(
        (),
        description="lower triangle, row by row, of a factor of the covariance of (coef, intercept): how far "
        "the logs leave them open; empty = taken as known",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(self.coef) != len(self.features):
            raise ValueError(f"{len(self.features)} features need as many coefficients, not {len(self.coef)}")
        if self.spread and [len(row) for row in self.spread] != list(range(1, len(self.coef) + 2)):
            raise ValueError(f"spread needs rows of 1 to {len(self.coef) + 1} numbers")
        for name in self.features:
            try:
                FEATURES[name]
            except SiyuError as error:
                raise ValueError(str(error)) from None
        return self

    def __eq__(self, other: object) -> bool:
        # Not pydantic's: that would compare what is cached, and arrays have no one truth value.
        return isinstance(other, Linear) and type(self) is type(other) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())

    def __getstate__(self) -> dict[Any, Any]:
        # What is cached holds functions, which do not travel to worker processes; it is made again there.
        state = super().__getstate__()
        return {**state, "__dict__": self._without_cache(state["__dict__"])}

    def __copy__(self) -> Self:
        # model_copy() changes fields of a copy, whose cache would still be that of the original.
        copied = super().__copy__()
        object.__setattr__(copied, "__dict__", self._without_cache(copied.__dict__))
        return copied

    def _without_cache(self, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in type(self).model_fields}

    def linear(self, x: Floats) -> Floats:
        """The predictor, shape (n,), for covariates ``x`` of shape (features, n) in the order of ``features``."""
        out = np.full(x.shape[1], self.intercept)
        for coef, row in zip(self.coef, x, strict=True):
            # One feature after the other, not a matrix product: BLAS adds in an order that depends on the chunk.
            out += coef * row
        return out

    def drawn(self, draws: Draws, part: str) -> Self:
        """The predictor of one replicate: coefficients drawn from what the logs leave open, luck by the part's name."""
        if not self.spread:
            return self
        luck = ndtri([draws.one(f"models.{part}", number) for number in range(len(self.spread))])
        moved = [float(np.dot(row, luck[: len(row)])) for row in self.spread]
        coef = tuple(c + m for c, m in zip(self.coef, moved[:-1], strict=True))
        return self.model_copy(update={"coef": coef, "intercept": self.intercept + moved[-1], "spread": ()})

    @cached_property
    def addends(self) -> Addends:
        """Coefficients times features, with all tables of one index added up to one."""
        tables: dict[str, Floats] = {}
        per_row = []
        for coef, name in zip(self.coef, self.features, strict=True):
            feature: Feature = FEATURES[name]
            for index, table in feature.tables.items():
                tables[index] = tables.get(index, 0.0) + coef * table
            if feature.per_row is not None:
                per_row.append((coef, feature.per_row))
        return Addends(tables, per_row)

    @cached_property
    def highest(self) -> float:
        """What the predictor cannot exceed for anybody on any day; infinity when a feature is computed for each row."""
        if self.addends.per_row:
            return math.inf
        return self.intercept + sum(float(table.max()) for table in self.addends.tables.values())

    @cached_property
    def lowest(self) -> float:
        """What the predictor cannot fall below; minus infinity when a feature is computed for each row."""
        if self.addends.per_row:
            return -math.inf
        return self.intercept + sum(float(table.min()) for table in self.addends.tables.values())

    def linear_at(self, history: Columns | Observed, rows: Rows, day: Days, weekday: int) -> Floats:
        """The same predictor straight from the history, without the matrix of covariates; several times faster.

        Parameters are those of ``covariates``. Equal to ``linear(covariates(...))`` up to rounding; the bytes do not
        depend on which other rows are asked for.
        """
        moment = Moment(history, rows, day, weekday)
        out = np.full(len(moment), self.intercept)
        for index, table in self.addends.tables.items():
            out += moment.look_up(index, table)
        for coef, per_row in self.addends.per_row:
            value = per_row(moment)
            if not isinstance(value, float) or value:  # most days are not the weekday of a feature
                out += coef * value
        return out


class Hazard(Linear):
    """P(event on a day | at risk) = 1 / (1 + exp(-logit)). Treatment terms of the world are added to the logit."""

    name: str = Field(description="repurchase, lapse or comeback")

    def logit(self, x: Floats) -> Floats:
        """Logit, shape (n,), for covariates of shape (features, n)."""
        return self.linear(x)

    def logit_at(self, history: Columns | Observed, rows: Rows, day: int, weekday: int) -> Floats:
        """Logit, shape (n,), straight from the history; see ``linear_at``."""
        return self.linear_at(history, rows, day, weekday)

    def probability(self, x: Floats) -> Floats:
        """Probability, shape (n,), for covariates of shape (features, n)."""
        return sigmoid(self.logit(x))

    def recalibrated(self, slope: float, offset: float) -> Hazard:
        """The hazard whose logit is slope * logit + offset."""
        coef = tuple(slope * c for c in self.coef)
        spread = tuple(tuple(slope * s for s in row) for row in self.spread)
        return self.model_copy(update={"coef": coef, "intercept": slope * self.intercept + offset, "spread": spread})


def sigmoid(logit: Floats) -> Floats:
    """1 / (1 + exp(-logit)) without overflow."""
    odds_against = np.exp(np.minimum(-logit, STEEPEST))
    odds_against += 1.0
    return np.asarray(1.0 / odds_against)


def possible(u: Floats, at_most: Singles) -> NDArray[np.intp]:
    """Positions, ascending, outside of which ``u < sigmoid(logit)`` holds for no logit up to ``at_most``.

    Most draws are far above what their probability can be. A bound in single precision, which may be rough, finds the
    few that need the exact one. ``at_most``, shape of ``u``, is overwritten.
    """
    np.negative(at_most, out=at_most)
    odds = np.exp(np.minimum(at_most, LEAST_LOGIT, out=at_most), out=at_most)
    odds += 1
    odds *= u.astype(np.float32)
    return (odds <= SLACK).nonzero()[0]
