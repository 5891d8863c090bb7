"""Racing: a candidate is given up as soon as its paired differences from the incumbent leave no doubt.

The looks at one candidate share an error budget. The boundary is of the O'Brien-Fleming type of Lan & DeMets (1983,
Biometrika 70:659), for any increasing numbers of replicates: strict while there are few, close to the fixed-sample
limit at the last look. A limit of z becomes one of the paired t statistic with the same tail probability.

Where the level holds (measured, ``tests/statistics/test_racing.py``): for symmetric differences, normal or with the
heavy tails of Student's t with 3 degrees of freedom, from 2 replicates on; the differences of policies that are equal
in law are symmetric. It does not hold for a candidate of equal mean whose differences are skewed to the right, one that
seldom pays but then much: looks at 2, 4, 8 and 16 drop it in 4.5 % of races instead of 2.5 % at skewness .8, 7 % at
1.8, 17 % at 6; looks at 32, 64 and 128 in 3.3, 4.3 and 9 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from sim.errors import SpecError, StudyError

Floats = NDArray[np.float64]
Verdict = Literal["drop", "keep", "equal"]

ALPHA = 0.05  # two-sided error over all looks; a candidate as good as the incumbent is dropped at half this rate
FAR = 9.0  # standard deviations beyond which nothing is integrated: the normal tail is 1e-19 there
NODES_PER_SD = 6  # Gauss-Legendre nodes per standard deviation of the step between two looks
FEWEST_NODES = 64
HERMITE = 80  # nodes over the luck of the candidate that all rivals are compared with
CONSTANT = 1e-9  # spread, relative to the largest difference, below which differences are one number and rounding
TOYS = 4000  # simulated candidates behind an expected number of replicates: within 1 %


@dataclass(frozen=True)
class Boundary:
    """Limits of |z| at each look.

    Attributes
    ----------
    schedule : replicates seen at each look, increasing.
    alpha : chance that two policies of equal mean are told apart at any look.
    limits : |z| from which they are told apart, one a look; infinite where nothing may be spent yet.
    """

    schedule: tuple[int, ...]
    alpha: float
    limits: tuple[float, ...]

    def critical(self, replicates: int) -> float:
        """The limit of the paired |t| at the look that sees so many replicates: that with the tail probability of z.

        Raises
        ------
        SpecError
            When no look is planned there: an unplanned look would spend error that nobody has counted.
        """
        if replicates not in self.schedule:
            looks = ", ".join(map(str, self.schedule))
            raise SpecError("no look is planned there", place="race", value=replicates, cure=f"look at {looks}")
        return _critical(self.limits[self.schedule.index(replicates)], replicates)


def boundary(schedule: Sequence[int], alpha: float = ALPHA, *, rivals: int = 1) -> Boundary:
    """The two-sided O'Brien-Fleming type boundary of a schedule.

    Parameters
    ----------
    rivals : policies among which the incumbent was chosen as the best on the same replicates. A lucky incumbent beats
        its equals too often, so the error rate of one comparison is lowered as Dunnett (1955) does for many against
        one, here one against the best of many.

    Raises
    ------
    SpecError
        When the numbers of replicates are not positive and increasing, or alpha is not between 0 and 1.
    """
    looks = tuple(int(n) for n in schedule)
    if not looks or looks[0] < 1 or any(b <= a for a, b in pairwise(looks)):
        raise SpecError("replicates must increase from look to look", place="race: schedule", value=list(schedule),
                        cure="give something like 2, 4, 8, 16")  # fmt: skip
    if not 0 < alpha < 1:
        raise SpecError("an error rate lies between 0 and 1", place="race: alpha", value=alpha, cure="0.05 is usual")
    return Boundary(looks, alpha, _limits(looks, _of_one(alpha, rivals)))


def spent(fraction: float, alpha: float) -> float:
    """Error spent when so much of the last look's replicates is in: 4 (1 - Φ(z(1 - α/4) / √fraction))."""
    return float(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / math.sqrt(fraction)))


@cache
def _critical(limit: float, replicates: int) -> float:
    tail = float(stats.norm.sf(limit))
    return float(stats.t.isf(tail, replicates - 1)) if replicates > 1 and tail > 0 else math.inf


@cache
def _critical_of_signs(replicates: int) -> float:
    """The t with the tail probability of differences that all have one sign by chance."""
    return float(stats.t.isf(0.5**replicates, replicates - 1))


@cache
def _of_one(alpha: float, rivals: int) -> float:
    """Two-sided level of one comparison such that the best of the rivals crosses above with probability alpha / 2."""
    if rivals == 1:
        return alpha
    own, weight = np.polynomial.hermite_e.hermegauss(HERMITE)
    weight = weight / weight.sum()

    def excess(limit: float) -> float:
        return float(weight @ -np.expm1(rivals * log_ndtr(own + limit * math.sqrt(2)))) - alpha / 2

    return 2 * float(stats.norm.sf(brentq(excess, 0.0, FAR)))


@cache
def _limits(schedule: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Armitage, McPherson & Rowe (1969): the density of the sum that has not crossed yet, look after look."""
    limits: list[float] = []
    nodes, mass = np.zeros(1), np.ones(1)  # the sum of standardised differences before the first look
    before, gone = 0, 0.0
    for n in schedule:
        step = math.sqrt(n - before)
        target = spent(n / schedule[-1], alpha) - gone
        limit = _solve(nodes, mass, step, math.sqrt(n), target)
        gone += target
        limits.append(limit)
        edge = min(limit, FAR) * math.sqrt(n)
        nodes, mass = _continued(nodes, mass, step, edge, max(FEWEST_NODES, math.ceil(2 * edge / step * NODES_PER_SD)))
        before = n
    return tuple(limits)


def _solve(nodes: Floats, mass: Floats, step: float, scale: float, target: float) -> float:
    """The limit that the sum crosses, at this look and not before, with the target's probability."""

    def excess(limit: float) -> float:
        out = ndtr((-limit * scale - nodes) / step) + ndtr((nodes - limit * scale) / step)
        return float(mass @ out) - target

    return math.inf if excess(FAR) >= 0 else float(brentq(excess, 0.0, FAR, xtol=1e-12))


def _continued(nodes: Floats, mass: Floats, step: float, edge: float, n: int) -> tuple[Floats, Floats]:
    x, weight = np.polynomial.legendre.leggauss(n)
    after = edge * x
    density = stats.norm.pdf(after[:, None], nodes[None, :], step) @ mass
    return after, edge * weight * density


def paired_t(differences: ArrayLike) -> Any:
    """Paired t statistics.

    Parameters
    ----------
    differences : candidate minus incumbent, shape (..., replicates).

    Returns
    -------
    Shape (...); 0 where every difference is 0, and with one replicate. Where all differences are the same number there
    is no spread to compare it with: t is the one with the probability of the sign test, 2^(1 - replicates) two-sided.

    Raises
    ------
    StudyError
        When a difference is not finite.
    """
    d = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(d).all():
        bad = int(np.argwhere(~np.isfinite(d))[0][-1])
        raise StudyError("a difference is not a number", place=f"replicate {bad}", cure="run that replicate alone")
    n = d.shape[-1]
    mean = d.mean(axis=-1)
    if n < 2:
        return np.zeros_like(mean)
    sd = d.std(axis=-1, ddof=1)
    constant = sd <= CONSTANT * np.abs(d).max(axis=-1)
    t = mean / np.where(constant, 1.0, sd / math.sqrt(n))
    return np.where(constant, np.sign(mean) * _critical_of_signs(n), t)


def verdict(differences: ArrayLike, limits: Boundary) -> Verdict:
    """What becomes of a candidate after the look that these differences make up.

    Parameters
    ----------
    differences : candidate minus incumbent on the replicates so far, shape (replicates,); their number must be one of
        the schedule.

    Returns
    -------
    ``drop`` where it is worse, ``equal`` where it has not differed on a single replicate, else ``keep``.
    """
    d = np.asarray(differences, dtype=np.float64)
    critical = limits.critical(d.shape[-1])
    if not d.any():
        return "equal"
    return "drop" if paired_t(d) <= -critical else "keep"


@dataclass(frozen=True)
class Raced:
    """Many candidates raced against one incumbent.

    Attributes
    ----------
    dropped : whether each was dropped, shape (candidates,).
    replicates : replicates that each has cost, shape (candidates,).
    """

    dropped: NDArray[np.bool_]
    replicates: NDArray[np.int64]


def race(differences: ArrayLike, limits: Boundary) -> Raced:
    """Race every row of ``differences``, candidate minus incumbent, shape (candidates, replicates of the last look)."""
    d = np.asarray(differences, dtype=np.float64)
    dropped = np.zeros(len(d), dtype=bool)
    replicates = np.full(len(d), limits.schedule[-1], dtype=np.int64)
    for n in limits.schedule:
        rows = np.flatnonzero(~dropped)
        now = rows[paired_t(d[rows, :n]) <= -limits.critical(n)]
        dropped[now], replicates[now] = True, n
    return Raced(dropped, replicates)


def expected_replicates(limits: Boundary, effect: float) -> float:
    """Replicates that a candidate costs on average.

    By simulation with fixed luck and normal differences, since the t statistics of two looks have no simple joint law.

    Parameters
    ----------
    effect : mean of candidate minus incumbent in standard deviations of one paired difference.
    """
    return float(race(_standard_normals(limits.schedule[-1]) + effect, limits).replicates.mean())


@cache
def _standard_normals(replicates: int) -> Floats:
    return np.random.Generator(np.random.PCG64(0)).standard_normal((TOYS, replicates))
