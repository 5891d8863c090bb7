"""Kernel: how plausible a distance between facts and a parameter set is, from tolerance and from luck.

A fact is what the world comes to plus an error of the size of its tolerance; what the world comes to is its mean plus
luck. Accepting a parameter set with the probability that this model gives to its distance makes approximate Bayesian
computation exact for the model (Wilkinson 2013, doi 10.1515/sagmb-2013-0010): nothing has to shrink towards zero.

Luck is normal on the scale of square roots, on which counts are about as noisy where they are small as where they are
large (Bartlett 1936), and its correlations count. It is told from replicates with luck of their own near the facts,
since replicates on shared seeds, however many parameter sets live them, show only one sample of it. The same replicates
tell by how much the shared seeds are lucky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """The error model.

    Attributes
    ----------
    observed, sd : facts and their tolerances, shape (statistics,).
    luck : by how much the shared seeds lie above the mean of all seeds, on that scale, shape (statistics,).
    noise : covariance of one replicate's luck on that scale, shape (statistics, statistics).
    runs : replicates behind both.
    """

    observed: Floats
    sd: Floats
    luck: Floats
    noise: Floats
    runs: int

    @classmethod
    def lucky(cls, observed: Floats, sd: Floats, shared: Floats, fresh: Floats) -> Kernel:
        """From replicates with luck of their own.

        Parameters
        ----------
        shared : what the same parameter sets came to on the shared seeds, mean of these. Shape (runs, statistics).
        fresh : what each came to with luck of its own. Shape (runs, statistics).
        """
        gap = np.sqrt(fresh) - np.sqrt(shared)
        runs, scale = len(gap), gap.std(axis=0, ddof=1)
        standard = (gap - gap.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
        # Shrinking correlations, not covariances, leaves the size of each figure's luck as it was found.
        shrunk = LedoitWolf(assume_centered=True).fit(standard).covariance_
        size = np.sqrt(np.maximum(np.diag(shrunk), 1e-12))
        noise = shrunk / np.outer(size, size) * np.outer(scale, scale)
        return cls(observed, sd, -gap.mean(axis=0), noise, runs)

    def root(self, shared: Floats) -> Floats:
        """Figures on the scale on which luck is even, without that of the shared seeds. Shape (..., statistics)."""
        return np.asarray(np.maximum(np.sqrt(shared) - self.luck, 0.0))

    def mean(self, shared: Floats) -> Floats:
        """What parameter sets come to on average over all seeds. Shape of ``shared``, (..., statistics)."""
        return np.asarray(self.root(shared) ** 2 + np.diag(self.noise))

    def distance(self, shared: Floats, unsure: Floats | None = None) -> tuple[Floats, Floats]:
        """Squared Mahalanobis distance from the facts, and the logarithm of the kernel. Shapes (sets,).

        Parameters
        ----------
        shared : means on the shared seeds. Shape (sets, statistics).
        unsure : variance of their square roots where they are only predicted. Shape (statistics,).
        """
        mean = self.mean(shared)
        luck = self.noise * (1 + 1 / self.runs)  # of the real world, and of what is known of the mean
        if unsure is not None:
            luck = luck + np.diag(unsure)
        scale = 2 * np.sqrt(mean)
        spread = luck * scale[:, :, None] * scale[:, None, :] + np.diag(self.sd**2)
        lower = np.linalg.cholesky(spread)
        z = np.linalg.solve(lower, (self.observed - mean)[:, :, None])[:, :, 0]
        squared = (z**2).sum(axis=1)
        log_size = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        return squared, -0.5 * (squared + log_size)

    def off(self, shared: Floats) -> Floats:
        """Each figure's own gap to its fact in standard deviations, signed. Shape (sets, statistics)."""
        mean = self.mean(shared)
        sd = np.sqrt(self.sd**2 + (1 + 1 / self.runs) * np.diag(self.noise) * 4 * mean)
        return np.asarray((mean - self.observed) / sd)

    def predicted(self, shared: Floats, luck: Floats, error: Floats) -> Floats:
        """Facts that would be measured. ``luck`` and ``error`` are standard normal; all of shape (n, statistics)."""
        lower = np.linalg.cholesky(self.noise + 1e-12 * np.eye(len(self.noise)))
        return np.asarray(np.maximum(self.root(shared) + luck @ lower.T, 0.0) ** 2 + self.sd * error)
