"""Fit: parameter sets are lived where they may show the facts, and weighed by how far from them they come.

Population Monte Carlo (Cappé et al. 2004): a Latin hypercube over the spans, then rounds that an emulator proposes. All
rounds count: each set is weighed by prior × kernel over the mixture of all proposals (Cornuet et al. 2012, AMIS).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from experiments.calibrating.emulator import Emulator, fewest_points
from experiments.calibrating.kernel import Kernel
from experiments.calibrating.proposal import PARTICLES, Proposal, effective, propose
from experiments.calibrating.targets import Effort
from experiments.listener import Listener, Silence

Floats = NDArray[np.float64]

RUNS_A_SET = 4  # fresh replicates of each of the nearest sets; assumed
ACCEPTED = 0.9999  # chance that the truth's own distance is accepted
LOCAL = 0.25  # share of the sets lived so far that an emulator is fitted to at least; assumed
FEWEST_ROUNDS = 2  # the second is proposed by an emulator that has seen where the first came to


class World(Protocol):
    """What parameter sets come to."""

    def shared(self, points: Floats) -> Floats:
        """Mean over the replicates on shared seeds. Shape (sets, paths) to (sets, statistics)."""

    def fresh(self, points: Floats, first: int) -> Floats:
        """One replicate of each with luck of its own, numbers ``first`` and on. Shapes as above."""


@dataclass(frozen=True)
class Posterior:
    """Parameter sets with the plausibility that the facts leave them.

    Attributes
    ----------
    points : of the cube, shape (sets, paths).
    figures : what each came to on the shared seeds, shape (sets, statistics).
    squared : distance from the facts, squared, shape (sets,).
    weights : adding up to 1; 0 for sets that come too far from the facts. Shape (sets,).
    kernel : what decided distances and weights.
    worth : equally likely sets that the accepted ones are worth, after each round.
    interrupted : whether somebody stopped the rounds.
    """

    points: Floats
    figures: Floats
    squared: Floats
    weights: Floats
    kernel: Kernel
    worth: tuple[float, ...] = ()
    interrupted: bool = False

    @property
    def accepted(self) -> NDArray[np.intp]:
        """Numbers of the accepted sets."""
        return np.flatnonzero(self.weights > 0)


def weigh(
    points: Floats, figures: Floats, kernel: Kernel, density: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Weights of sets, their squared distances and the logarithm of their kernel.

    Parameters
    ----------
    density : with which each point was proposed; 1 everywhere without, as in an even cover of the spans.
    """
    squared, log_kernel = kernel.distance(figures)
    near = squared <= chi2.ppf(ACCEPTED, figures.shape[1])
    log_weights = log_kernel - (0.0 if density is None else np.log(density))
    if not near.any():
        return np.zeros(len(points)), squared, log_kernel
    weights = np.where(near, np.exp(log_weights - log_weights[near].max()), 0.0)
    return weights / weights.sum(), squared, log_kernel


@dataclass
class Fit:
    """The rounds of one calibration.

    Parameters
    ----------
    observed, sd : facts and tolerances. Shape (statistics,).
    world : what parameter sets come to.
    cover : ``n`` and a seed to an even spread of points. Shape (n, paths).
    look : is shown kernel, points and figures of the first batch, and may raise.
    """

    observed: Floats
    sd: Floats
    world: World
    cover: Callable[[int, int], Floats]
    effort: Effort
    seed: int
    hear: Listener = field(default_factory=Silence)
    look: Callable[[Kernel, Floats, Floats], None] | None = None

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.parts: list[tuple[int, Proposal]] = []  # sets of each round, and what proposed them
        self.worth: list[float] = []

    def run(self) -> Posterior:
        """All rounds. Whoever stops them gets what they came to; stopping before the first leaves nothing to weigh."""
        self.hear.stage("covering the spans", self.effort.first)
        self.points = self.cover(self._first(), self.seed)
        self.figures = self.world.shared(self.points)
        tolerated = (((self.figures - self.observed) / self.sd) ** 2).sum(axis=1)
        self.kernel = self._kernel(tolerated, 0)
        if self.look:
            self.look(self.kernel, self.points, self.figures)
        self._weigh()
        try:
            for number in range(self.effort.rounds):
                self._round(number)
                if number + 1 >= FEWEST_ROUNDS and self.worth[-1] >= self.effort.sets:
                    break
        except KeyboardInterrupt:
            return self._posterior(interrupted=True)
        return self._posterior(interrupted=False)

    def _first(self) -> int:
        paths = self.cover(1, self.seed).shape[1]
        return max(self.effort.first, fewest_points(paths))

    def _round(self, number: int) -> None:
        self.hear.stage(f"round {number + 1}: parameter sets near the facts", self.effort.batch)
        proposal = self._proposal(number)
        points = proposal.draw(self.effort.batch, self.rng)
        figures = self.world.shared(points)
        if number == 0:  # luck is told again where it matters
            squared, _ = self.kernel.distance(figures)
            self.kernel = self._kernel(squared, self.effort.fresh, points, figures)
        self.points, self.figures = np.vstack([self.points, points]), np.vstack([self.figures, figures])
        self.parts.append((len(points), proposal))
        self._weigh()

    def _kernel(
        self, squared: Floats, first: int, points: Floats | None = None, figures: Floats | None = None
    ) -> Kernel:
        """The kernel from fresh replicates of the nearest of these sets."""
        points = self.points if points is None else points
        figures = self.figures if figures is None else figures
        nearest = np.argsort(squared, kind="stable")[: max(self.effort.fresh // RUNS_A_SET, 1)]
        chosen = np.resize(nearest, self.effort.fresh)
        self.hear.stage("telling the noise", self.effort.fresh)
        fresh = self.world.fresh(points[chosen], first)
        return Kernel.lucky(self.observed, self.sd, figures[chosen], fresh)

    def _proposal(self, number: int) -> Proposal:
        kernel = self.kernel
        wanted = max(fewest_points(self.points.shape[1]), LOCAL * len(self.points))
        emulator = Emulator.fit(self.points, np.sqrt(self.figures), tempered(self.log_kernel, wanted))

        def log_density(points: Floats) -> Floats:
            shared = np.maximum(emulator.predict(points), 0.0) ** 2
            return kernel.distance(shared, emulator.unsure)[1]

        return propose(log_density, self.cover(PARTICLES, self.seed + 1 + number), self.rng)

    def _weigh(self) -> None:
        n = len(self.points)
        even = (n - sum(size for size, _ in self.parts)) / n  # the cover of the spans has density 1
        density = even + sum(size / n * proposal.density(self.points) for size, proposal in self.parts)
        density = np.broadcast_to(density, n)
        self.weights, self.squared, self.log_kernel = weigh(self.points, self.figures, self.kernel, density)
        self.worth.append(effective(self.weights))

    def _posterior(self, *, interrupted: bool) -> Posterior:
        return Posterior(
            self.points, self.figures, self.squared, self.weights, self.kernel, tuple(self.worth), interrupted
        )  # fmt: skip


def tempered(log_kernel: Floats, wanted: float) -> Floats:
    """Weights by the kernel, flattened until they are worth so many points."""
    above = log_kernel - log_kernel.max()
    low, high = 0.0, 1.0
    if effective(np.exp(above)) >= wanted:
        return np.asarray(np.exp(above))
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(np.exp(middle * above)) >= wanted else (low, middle)
    return np.asarray(np.exp(low * above))
