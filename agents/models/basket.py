"""The value of an order: a conditional mean times a residual drawn through its inverse distribution function.

Some customers always buy for about as much, others for a little or a lot. So the residual of a customer is the common
one raised to a power, the *stretch*: its logarithm is as many times as wide; its mean stays one.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from sim import Columns, Observed

from .features import number_of
from .hazard import Floats, Linear
from .history import Days, Rows
from .rising import Levels

MEAN_TOLERANCE = 1e-6  # of the mean of the residual, which must be one, else every basket would be biased
LARGEST_LOG_CENTS = 41.0  # exp(41) is below 2^63: a wild extrapolation must not overflow an int64


NARROWEST, WIDEST = 0.2, 3.0  # stretch; what a fit gives to single customers lies far within
STRETCHES = np.linspace(NARROWEST, WIDEST, 141)  # at which the mean of a stretched residual is known


class Basket(Linear):
    """Net amount of an order, given that there is one. E[amount] = exp(intercept + coef · features) cents."""

    stretch: Linear | None = Field(
        None, description="log of how many times as wide as usual a customer's log residual is; None = all alike"
    )

    personal: float = Field(
        0.0,
        ge=0,
        description="sd of the log by which a customer's amounts will lie elsewhere than the past says, for as long as "
        "a world lives; drawn once in a replicate",
    )
    quantiles: tuple[float, ...] = Field(
        min_length=2,
        description="amount / mean at equally spaced levels from 0 to 1, linear in between; its mean is one",
    )

    @field_validator("quantiles")
    @classmethod
    def _residual(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        grid = np.array(quantiles)
        if grid[0] < 0 or np.any(np.diff(grid) < 0):
            raise ValueError("quantiles must not be negative and must not fall")
        mean = float(np.mean((grid[1:] + grid[:-1]) / 2))
        if abs(mean - 1) > MEAN_TOLERANCE:
            raise ValueError(f"quantiles must have mean 1, not {mean:.6g}")
        return quantiles

    @cached_property
    def _grid(self) -> Floats:
        return np.array(self.quantiles)

    @cached_property
    def _levels(self) -> Levels:
        return _levels(self.quantiles)

    def log_mean(self, stretch: Floats) -> Floats:
        """Log of the mean of the common residual raised to each stretch, shape (n,)."""
        return np.asarray(np.interp(stretch, STRETCHES, _log_means(self.quantiles)))

    def stretch_at(self, history: Columns | Observed, rows: Rows, day: Days, weekday: int) -> Floats | float:
        """Stretch of each customer, shape (n,), or 1 where all are alike; parameters are those of ``linear_at``."""
        if self.stretch is None:
            return 1.0
        logs = self.stretch.linear_at(history, rows, day, weekday)
        return np.minimum(np.maximum(np.exp(logs), NARROWEST), WIDEST)

    def mean_cents(self, x: Floats) -> Floats:
        """Expected net amount, shape (n,), in cents, for covariates of shape (features, n)."""
        return np.exp(np.minimum(self.linear(x), LARGEST_LOG_CENTS))

    def mean_cents_at(self, history: Columns | Observed, rows: Rows, day: Days, weekday: int) -> Floats:
        """The same straight from the history; parameters are those of ``linear_at``."""
        if not self.features:
            return np.full(number_of(history, rows), np.exp(min(self.intercept, LARGEST_LOG_CENTS)))
        return np.exp(np.minimum(self.linear_at(history, rows, day, weekday), LARGEST_LOG_CENTS))

    @property
    def least_log_cents(self) -> float:
        """Log of what an expected amount cannot fall below; minus infinity where that is open."""
        return min(self.lowest, LARGEST_LOG_CENTS)

    def residual(self, u: Floats, stretch: Floats | float = 1.0) -> Floats:
        """amount / mean at uniform draws ``u``; rises in u. ``stretch`` is that of :meth:`stretch_at`."""
        common = self._common(u)
        if isinstance(stretch, float):
            return common
        return np.asarray(common**stretch / np.exp(self.log_mean(stretch)))

    def _common(self, u: Floats) -> Floats:
        position = u * (len(self.quantiles) - 1)
        below = np.minimum(position.astype(np.intp), len(self.quantiles) - 2)
        low = self._grid[below]
        return np.asarray(low + (position - below) * (self._grid[below + 1] - low))

    def exceeds(self, ratio: Floats, stretch: Floats | float = 1.0) -> Floats:
        """P(amount / mean > ratio): the residual's survival function, the inverse of :meth:`residual`."""
        if not isinstance(stretch, float):
            ratio = (ratio * np.exp(self.log_mean(stretch))) ** (1.0 / stretch)
        return 1.0 - self._levels.of(ratio)

    def amount_cents(self, x: Floats, u: Floats) -> NDArray[np.int64]:
        """Net amount, shape (n,), at least one cent, by inverse distribution function at uniform draws ``u``."""
        amount = np.minimum(self.mean_cents(x) * self.residual(u), np.exp(LARGEST_LOG_CENTS))
        return np.maximum(np.rint(amount), 1.0).astype(np.int64)


@lru_cache(8)
def _levels(quantiles: tuple[float, ...]) -> Levels:
    return Levels(np.array(quantiles))


@lru_cache(8)
def _log_means(quantiles: tuple[float, ...]) -> Floats:
    """Log of the mean of a residual raised to each of ``STRETCHES``; every replicate draws a basket with the same."""
    # Between two quantiles the residual is linear, so ten steps between them tell the mean.
    inner = np.interp((np.arange(10 * (len(quantiles) - 1)) + 0.5) / 10, np.arange(len(quantiles)), quantiles)
    logs = np.log(np.maximum(inner, np.finfo(np.float64).tiny))
    return np.log([np.mean(np.exp(s * logs)) for s in STRETCHES])


def quantile_grid(ratios: Floats, cells: int = 1000) -> tuple[float, ...]:
    """Inverse distribution function of positive ratios with mean one, for ``Basket.quantiles``.

    The last cell of a long-tailed sample is not linear: its end is put where the cell keeps its mean, so that a few
    huge baskets count with their weight and no more.
    """
    levels = np.linspace(0.0, 1.0, cells + 1)
    grid = np.quantile(ratios, levels)
    top = ratios[ratios >= grid[-2]]
    grid[-1] = max(grid[-2], 2.0 * float(top.mean()) - grid[-2])
    mean = float(np.mean((grid[1:] + grid[:-1]) / 2))
    return tuple(float(q) for q in grid / mean)
