"""Weeks out of the ordinary: how far weekly totals stray from what a model of single customers expects.

The strays of the logs' weeks are taken as noise that is gone after a week plus a level that walks at random, on top of
the luck of single customers, which is known. Both standard deviations are posterior means on a grid; where logs are
short or small the priors speak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import halfnorm

Floats = NDArray[np.float64]

NOISE_PRIOR = 0.08  # scale of the half-normal prior of a week's own noise, in logs; assumed
DRIFT_PRIOR = 0.01  # scale of that of the step of the level from week to week; assumed: 3 % after a quarter
CELLS = 25  # of the grid, for each
WIDEST = 3.0  # prior scales, where the grid ends
FEWEST_WEEKS = 6  # below, strays say too little to be asked


@dataclass(frozen=True)
class Strays:
    """Weekly totals against expectation, shape (weeks,).

    Attributes
    ----------
    log_ratio : log of observed over expected.
    variance : of log_ratio by the luck of single customers.
    """

    log_ratio: Floats
    variance: Floats

    @classmethod
    def of(cls, week: NDArray[np.int64], observed: Floats, expected: Floats, variance: Floats) -> Strays:
        """Strays of rows that are summed by week; weeks in which nothing was expected are left out.

        Parameters
        ----------
        week, observed, expected, variance : week, amount, its expectation and variance of each row, shape (n,).
        """
        sums = [np.bincount(week, values) for values in (observed, expected, variance)]
        seen, due, spread = (values[sums[1] > 0] for values in sums)
        kept = seen > 0
        return cls(np.log(seen[kept] / due[kept]), spread[kept] / due[kept] ** 2)


def noise_and_drift(strays: Strays) -> tuple[float, float]:
    """Posterior means of the sd of a week's own noise and of the weekly step of the level."""
    noises, drifts = (np.linspace(0.0, WIDEST * scale, CELLS) for scale in (NOISE_PRIOR, DRIFT_PRIOR))
    logs = halfnorm.logpdf(noises, scale=NOISE_PRIOR)[:, None] + halfnorm.logpdf(drifts, scale=DRIFT_PRIOR)
    if len(strays.log_ratio) >= FEWEST_WEEKS:
        logs = logs + np.array([[_likelihood(strays, noise, drift) for drift in drifts] for noise in noises])
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    return float(weight.sum(axis=1) @ noises), float(weight.sum(axis=0) @ drifts)


def _likelihood(strays: Strays, noise: float, drift: float) -> float:
    """Log-likelihood of strays around an unknown mean, which is integrated out."""
    n = len(strays.log_ratio)
    walk = np.minimum.outer(np.arange(1, n + 1), np.arange(1, n + 1)).astype(np.float64)
    covariance = np.diag(strays.variance + noise**2) + drift**2 * walk + np.eye(n) * 1e-12
    factor = np.linalg.cholesky(covariance)
    ones, around = (np.linalg.solve(factor, v) for v in (np.ones(n), strays.log_ratio))
    precision = ones @ ones
    rest = around - ones * (ones @ around) / precision
    return float(-np.log(np.diag(factor)).sum() - 0.5 * np.log(precision) - 0.5 * rest @ rest)
