"""The value of an order: a conditional mean times a residual drawn through its inverse distribution function."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from sim import Columns, Observed

from .hazard import Floats, Linear
from .history import Days, Rows

MEAN_TOLERANCE = 1e-6  # of the mean of the residual, which must be one, else every basket would be biased
LARGEST_LOG_CENTS = 41.0  # exp(41) is below 2^63: a wild extrapolation must not overflow an int64


class Basket(Linear):
    """Net amount of an order, given that there is one. E[amount] = exp(intercept + coef · features) cents."""

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

    def mean_cents(self, x: Floats) -> Floats:
        """Expected net amount, shape (n,), in cents, for covariates of shape (features, n)."""
        return np.exp(np.minimum(self.linear(x), LARGEST_LOG_CENTS))

    def mean_cents_at(self, history: Columns | Observed, rows: Rows, day: Days, weekday: int) -> Floats:
        """The same straight from the history; parameters are those of ``linear_at``."""
        return np.exp(np.minimum(self.linear_at(history, rows, day, weekday), LARGEST_LOG_CENTS))

    def residual(self, u: Floats) -> Floats:
        """amount / mean at uniform draws ``u``; rises in u."""
        position = u * (len(self.quantiles) - 1)
        below = np.minimum(position.astype(np.intp), len(self.quantiles) - 2)
        low = self._grid[below]
        return np.asarray(low + (position - below) * (self._grid[below + 1] - low))

    def exceeds(self, ratio: Floats) -> Floats:
        """P(amount / mean > ratio): the residual's survival function, the inverse of :meth:`residual`."""
        levels = np.linspace(0.0, 1.0, len(self.quantiles))
        return np.asarray(1.0 - np.interp(ratio, self._grid, levels))

    def amount_cents(self, x: Floats, u: Floats) -> NDArray[np.int64]:
        """Net amount, shape (n,), at least one cent, by inverse distribution function at uniform draws ``u``."""
        amount = np.minimum(self.mean_cents(x) * self.residual(u), np.exp(LARGEST_LOG_CENTS))
        return np.maximum(np.rint(amount), 1.0).astype(np.int64)


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
