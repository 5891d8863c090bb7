"""Emulator: what a parameter set that was not lived would come to, from those that were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import PolynomialFeatures

Floats = NDArray[np.float64]

RIDGE = 1e-3  # of the mean weight: keeps corners calm that no point is near; assumed


@dataclass(frozen=True)
class Emulator:
    """A quadratic surface through the square root of every figure, fitted where the facts are near.

    On shared seeds figures are smooth in the parameters, so that few points tell much (Beaumont et al. 2002 adjust by
    such a surface; here it only proposes where to simulate, and what is simulated is weighed exactly).

    Attributes
    ----------
    coefficients : shape (terms, statistics).
    unsure : squared error at points that were left out, shape (statistics,).
    """

    coefficients: Floats
    unsure: Floats

    @classmethod
    def fit(cls, points: Floats, figures: Floats, weights: Floats) -> Emulator:
        """Weighted least squares. Shapes (n, paths), (n, statistics) and (n,)."""
        X, w = terms(points), weights / weights.mean()
        gram = (X * w[:, None]).T @ X + RIDGE * len(X) * np.diag([0.0, *np.ones(X.shape[1] - 1)]) / X.shape[1]
        inverse = np.linalg.inv(gram)
        coefficients = inverse @ (X * w[:, None]).T @ figures
        leverage = np.einsum("ij,jk,ik->i", X, inverse, X) * w
        left_out = (figures - X @ coefficients) / np.maximum(1 - leverage, 0.1)[:, None]
        return cls(coefficients, np.asarray((w[:, None] * left_out**2).sum(axis=0) / w.sum()))

    def predict(self, points: Floats) -> Floats:
        """Square roots of figures. Shape (n, statistics)."""
        return np.asarray(terms(points) @ self.coefficients)


def terms(points: Floats) -> Floats:
    """Constant, straight, square and mixed terms of points of the cube. Shape (n, terms)."""
    return np.asarray(PolynomialFeatures(2).fit_transform(2 * points - 1), dtype=np.float64)


def fewest_points(paths: int) -> int:
    """Points below which the surface is not told: half as many again as it has terms."""
    return 3 * (paths + 1) * (paths + 2) // 4 + 1
