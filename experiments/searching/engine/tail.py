"""The low tail: policies that lose so much that they would hide what the good ones differ by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

DEEP = 50.0  # widths under the knee on the drawn-in scale: more than any float reaches


@dataclass(frozen=True)
class Tail:
    """Values with the low tail drawn in: below the knee they fall as a logarithm, above it they are as they were.

    A policy that breaks a constraint can lose a hundred times what good policies differ by. The order of the bad is
    kept; their distance no longer bends the surface where the good ones are.

    Attributes
    ----------
    knee : where it begins; −inf for never.
    width : depth under the knee at which the slope is one half.
    """

    knee: float
    width: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The knee three standard deviations under the median, as the upper half of the values would have them."""
        middle, high = np.quantile(values, (0.5, 0.9))
        width = max(float(high - middle) / float(norm.ppf(0.9)), 1e-3 * float(np.std(values)))
        return cls(float(middle) - 3 * width, width) if width > 0 else cls(-np.inf, 1.0)

    def draw_in(self, values: Floats) -> Floats:
        """Values with the tail drawn in."""
        depth = np.maximum(self.knee - values, 0.0) / self.width
        return np.where(depth > 0, self.knee - self.width * np.log1p(depth), values)

    def let_out(self, drawn: Floats) -> Floats:
        """The inverse of :meth:`draw_in`."""
        depth = np.minimum(np.maximum(self.knee - drawn, 0.0) / self.width, DEEP)
        return np.where(depth > 0, self.knee - self.width * np.expm1(depth), drawn)

    def slope(self, values: Floats) -> Floats:
        """Derivative of the drawn-in value by the value."""
        return np.asarray(1 / (1 + np.maximum(self.knee - values, 0.0) / self.width))


NO_TAIL = Tail(-np.inf, 1.0)
