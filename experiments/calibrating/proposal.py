"""Proposal: where to simulate next, drawn from what the emulator holds plausible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LogDensity = Callable[[Floats], Floats]

PARTICLES = 1000  # assumed
MOVES = 3  # Metropolis steps after each warming; assumed
KEPT = 0.5  # effective share of the particles that a step of the ladder keeps; usual (Del Moral et al. 2012)
BROADER = 0.7  # power of the emulator's posterior: tails must not be thinner than the true one's; assumed


@dataclass(frozen=True)
class Proposal:
    """A density on the cube with points drawn from it.

    Attributes
    ----------
    points : shape (particles, paths).
    log_density : of any points, shape (n, paths) to (n,), without the constant.
    log_constant : logarithm of the integral over the cube of its exponential.
    """

    points: Floats
    log_density: LogDensity
    log_constant: float

    def density(self, points: Floats) -> Floats:
        """Density at points of the cube, whose integral is 1. Shape (n,)."""
        return np.asarray(np.exp(self.log_density(points) - self.log_constant))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Points drawn without replacement. Shape (n, paths)."""
        return np.asarray(self.points[rng.choice(len(self.points), n, replace=n > len(self.points))])


def propose(log_density: LogDensity, start: Floats, rng: np.random.Generator) -> Proposal:
    """Particles moved from an even spread over the cube to a density in steps (tempered sequential Monte Carlo).

    Parameters
    ----------
    log_density : without its constant; it is raised to the power ``BROADER``.
    start : an even spread. Shape (particles, paths).
    """

    def target(points: Floats) -> Floats:
        return BROADER * log_density(points)

    points, here, power, log_constant = start, target(start), 0.0, 0.0
    while power < 1.0:
        step = _step(here, 1.0 - power)
        log_weights = step * here
        top = float(log_weights.max())
        weights = np.exp(log_weights - top)
        log_constant += top + float(np.log(weights.mean()))
        power = min(power + step, 1.0) if step < 1.0 - power else 1.0
        spread = _spread(points, weights)
        chosen = systematic(weights / weights.sum(), len(points), rng.random())
        points, here = points[chosen], here[chosen]
        for _ in range(MOVES):
            points, here = _moved(points, here, target, power, spread, rng)
    return Proposal(points, target, log_constant)


def systematic(weights: Floats, n: int, start: float) -> NDArray[np.intp]:
    """Numbers drawn with these weights, as evenly as they allow. Ascending, shape (n,)."""
    edges = np.cumsum(weights)
    places = (np.arange(n) + start) / n * edges[-1]
    return np.asarray(np.minimum(np.searchsorted(edges, places, side="right"), len(weights) - 1), dtype=np.intp)


def effective(weights: Floats) -> float:
    """Equally weighted points that these are worth (Kish)."""
    total = float((weights**2).sum())
    return float(weights.sum()) ** 2 / total if total > 0 else 0.0


def _step(here: Floats, most: float) -> float:
    """The longest step of the ladder that keeps enough of the particles effective."""
    above = here - here.max()

    def kept(step: float) -> bool:
        return effective(np.exp(step * above)) >= KEPT * len(here)

    if kept(most):
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    return max(low, 1e-12)


def _spread(points: Floats, weights: Floats) -> Floats:
    """Lower triangle of a step's covariance: that of the particles, scaled (Roberts et al. 1997)."""
    paths = points.shape[1]
    found = np.cov(points, rowvar=False, aweights=weights).reshape(paths, paths)
    return np.asarray(np.linalg.cholesky(2.38**2 / paths * found + 1e-10 * np.eye(paths)))


def _moved(
    points: Floats, here: Floats, target: LogDensity, power: float, spread: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """One Metropolis step of every particle, reflected at the walls of the cube."""
    tried = points + rng.standard_normal(points.shape) @ spread.T
    tried = np.abs(np.mod(tried + 1, 2) - 1)  # a triangle wave: the step stays symmetric
    there = target(tried)
    taken = np.log(rng.random(len(points))) < power * (there - here)
    return np.where(taken[:, None], tried, points), np.where(taken, there, here)
