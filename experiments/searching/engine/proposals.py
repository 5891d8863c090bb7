"""Proposals: which policies to try next, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import erfcx, log_ndtr, ndtr
from threadpoolctl import threadpool_limits

from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.space.coordinates import Coordinates

Floats = NDArray[np.float64]
Feasible = Callable[[Floats], Floats]
"""Probability that policies keep all constraints: rows (m, k) to (m,)."""

SPREAD = 1024  # candidates over the whole space
CENTRES = 5  # best trials around which candidates are scattered, besides the incumbent
SCATTERED = 96  # candidates around each of them
MOVES = 16  # candidates for each dimension of the incumbent moved alone
SHORTLIST = 256  # candidates for the later picks of a batch, whose scores can only fall
CLIMBS = 2  # candidates improved by gradient for each pick
STEPS = 20  # of such a climb
NEAREST, FARTHEST = -2.5, -0.5  # powers of ten: how far scattered candidates lie from their centre
HOPELESS = 1e-3  # of the likeliest candidate's probability of being feasible, below which one is left out
LEAST = 1e-300  # probability whose logarithm is taken
NUDGE = 1e-4  # for the slope of the probability of being feasible
HAIR = 0.005  # of a range: policies nearer than that in all dimensions are not told apart by a trial; assumed


@dataclass(frozen=True, eq=False)
class Batch:
    """Policies to try next.

    Attributes
    ----------
    rows : coordinates, apart from each other and from all trials. Shape (n, k); fewer when the space holds no more
        that may keep the constraints.
    gain : what each was expected to improve on the incumbent, and on the picks before it, in units of the values
        and times the probability of being feasible. Shape (n,). The first is the largest that was found.
    """

    rows: Floats
    gain: Floats


def expected_improvement(mean: Floats, sd: Floats, best: float) -> Floats:
    """E[max(f − best, 0)] for normal f. Shape of ``mean``."""
    return np.asarray(np.exp(log_expected_improvement(mean, sd, best)))


def log_expected_improvement(mean: Floats, sd: Floats, best: float) -> Floats:
    """Logarithm of the expected improvement, exact where that is too small for a float. Source: Ament et al. (2023)."""
    z = (np.asarray(mean) - best) / sd
    near, far = np.maximum(z, -1.0), np.minimum(z, -1.0)
    plain = np.log(np.exp(-(near**2) / 2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    # φ(z) + z·Φ(z) = φ(z)·(1 + z·Mills(z)), whose bracket loses its digits when it nears its limit 1 / z².
    mills = np.sqrt(np.pi / 2) * erfcx(-np.maximum(far, -1e4) / np.sqrt(2))
    bracket = np.where(far > -1e4, np.log1p(np.maximum(far, -1e4) * mills), -2 * np.log(-far))
    return np.asarray(np.log(sd) + np.where(z > -1, plain, bracket - far**2 / 2 - np.log(2 * np.pi) / 2))


def enough(gains: Sequence[float], standard_error: float, patience: int = 3) -> bool:
    """Whether to stop: the last batches all promised less than can be told apart.

    Parameters
    ----------
    gains : largest expected improvement of each batch so far (``batch.gain[0]``), in order.
    standard_error : of the incumbent's paired uplift, in the same units.
    patience : batches in a row that must agree; one alone may have met a surrogate with too long lengths.
    """
    return len(gains) >= patience and max(gains[-patience:]) < standard_error


def propose_gp(
    surrogate: Surrogate,
    coordinates: Coordinates,
    incumbent: Floats,
    n: int,
    seed: int,
    feasible_probability: Feasible | None = None,
) -> Batch:
    """The next batch by expected improvement, each pick believed to come out as predicted before the next is made.

    Parameters
    ----------
    surrogate : fitted to all trials so far.
    incumbent : row to improve on, see :func:`best_row`. Its surrogate mean is the value to beat.
    seed : decides the candidates; the same arguments give the same batch.
    feasible_probability : multiplies the improvement, as products of :meth:`Surrogate.probability_at_most`.
    """
    best = float(surrogate.predict_drawn(incumbent[None])[0][0])
    rng = np.random.default_rng(seed)
    with threadpool_limits(1):
        candidates = _candidates(surrogate, coordinates, incumbent, rng)
        least = 0.0 if feasible_probability is None else HOPELESS * float(feasible_probability(candidates).max())
        return _pick(_Aim(surrogate, best, feasible_probability, least), coordinates, candidates, n)


def best_row(surrogate: Surrogate, feasible_probability: Feasible | None = None) -> Floats:
    """The trial with the highest surrogate mean among those more likely feasible than not; else the likeliest."""
    mean = surrogate.mean(surrogate.rows)
    if feasible_probability is not None:
        chance = feasible_probability(surrogate.rows)
        if chance.max() < 0.5:
            return np.asarray(surrogate.rows[np.argmax(chance)])
        mean = np.where(chance >= 0.5, mean, -np.inf)
    return np.asarray(surrogate.rows[np.argmax(mean)])


def local_moves(coordinates: Coordinates, row: Floats, n: int, seed: int) -> Floats:
    """Up to n different policies that leave a row in one dimension: all other choices, numbers near and far.

    Shape (≤ n, k). Dimensions that are inactive in the row do not move; those that a move switches on stand neutral.
    """
    rng = np.random.default_rng(seed)
    active = np.flatnonzero(coordinates.active(row[None])[0])
    each = -(-n // len(active))
    moved = []
    for column in active:
        if size := coordinates.sizes[column]:
            there = np.arange(size, dtype=float)
        else:
            distance = 10 ** rng.uniform(NEAREST, 0.0, each)
            there = row[column] + distance * rng.choice([-1.0, 1.0], each)
        rows = np.repeat(row[None], len(there), axis=0)
        rows[:, column] = there
        moved.append(rows)
    rows = np.unique(coordinates.snap(np.vstack(moved)), axis=0)
    rows = rows[(rows != coordinates.snap(row[None])).any(axis=1)]
    if len(rows) > n:
        rows = rows[np.sort(rng.choice(len(rows), n, replace=False))]
    return np.asarray(rows)


def _candidates(surrogate: Surrogate, coordinates: Coordinates, incumbent: Floats, rng: np.random.Generator) -> Floats:
    """Rows over the whole space, around the best trials, and one move away from the incumbent."""
    k = len(coordinates)
    spread = coordinates.sobol(SPREAD, int(rng.integers(2**31)))
    order = np.argsort(-surrogate.mean(surrogate.rows), kind="stable")
    centres = np.vstack([incumbent[None], surrogate.rows[order[:CENTRES]]])
    around = np.repeat(centres, SCATTERED, axis=0)
    width = 10 ** rng.uniform(NEAREST, FARTHEST, (len(around), 1))
    shifted = np.where(rng.random(around.shape) < max(0.3, 2 / k), width * rng.standard_normal(around.shape), 0.0)
    swapped = coordinates.spread(rng.random(around.shape))
    swapped = np.where(rng.random(around.shape) < 1 / k, swapped, around)
    around = np.where(coordinates.sizes > 0, swapped, around + shifted)
    moves = local_moves(coordinates, incumbent, MOVES * k, int(rng.integers(2**31)))
    return np.vstack([spread, coordinates.snap(around), moves])


@dataclass(frozen=True, eq=False)
class _Aim:
    """What a pick maximises: the logarithm of the expected improvement times the probability of being feasible.

    Rows with less than the ``least`` probability do not count, whatever they promise.
    """

    surrogate: Surrogate
    best: float
    feasible: Feasible | None
    least: float

    def __call__(self, rows: Floats) -> Floats:
        score = log_expected_improvement(*self.surrogate.predict_drawn(rows), self.best)
        if self.feasible is None:
            return score
        chance = self.feasible(rows)
        return np.where(chance >= self.least, score + np.log(np.maximum(chance, LEAST)), -np.inf)

    def believing(self, row: Floats) -> _Aim:
        """The aim once a pick has come out as predicted; it is the new best if it is likely feasible."""
        reached = float(self.surrogate.predict_drawn(row[None])[0][0])
        kept = self.feasible is None or float(self.feasible(row[None])[0]) >= 0.5
        best = max(self.best, reached) if kept else self.best
        return replace(self, surrogate=self.surrogate.believing(row), best=best)

    def climb(self, row: Floats, free: NDArray[np.bool_]) -> Floats:
        """The row with its free numbers moved uphill."""
        bounds = np.column_stack([np.where(free, 0.0, row), np.where(free, 1.0, row)])
        climbed = minimize(
            self._downhill, row, args=(free,), jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": STEPS}
        )
        return np.asarray(climbed.x)

    def _downhill(self, row: Floats, free: NDArray[np.bool_]) -> tuple[float, Floats]:
        at = self.surrogate.slope(row)
        z = (at.mean - self.best) / at.sd
        score = float(log_expected_improvement(np.array(at.mean), np.array(at.sd), self.best))
        by_mean = np.exp(min(float(log_ndtr(z)) - score, 700.0))
        by_sd = np.exp(min(-(z**2) / 2 - np.log(2 * np.pi) / 2 - score, 700.0))
        slope = by_mean * at.of_mean + by_sd * at.of_sd
        if self.feasible is not None:
            steps = np.where(row > 0.5, -NUDGE, NUDGE)
            rows = np.vstack([row[None], row + np.diag(steps)[free]])
            chances = np.log(np.maximum(self.feasible(rows), LEAST))
            score += float(chances[0])
            slope[free] += (chances[1:] - chances[0]) / steps[free]
        return -score, -np.where(free, slope, 0.0)


def _pick(aim: _Aim, coordinates: Coordinates, candidates: Floats, n: int) -> Batch:
    """The n best, one after the other."""
    taken = aim.surrogate.rows
    pool = _apart(np.unique(candidates, axis=0), taken)
    pool = pool[np.argsort(-aim(pool), kind="stable")[:SHORTLIST]] if len(pool) else pool
    rows: list[Floats] = []
    gains: list[float] = []
    while len(rows) < n and len(pool):
        scores = aim(pool)
        tops = pool[np.argsort(-scores, kind="stable")[:CLIMBS]]
        free = coordinates.active(tops) & (coordinates.sizes == 0)
        climbed = [aim.climb(top, f) for top, f in zip(tops, free, strict=True) if f.any()]
        better = _apart(coordinates.snap(np.array(climbed).reshape(-1, len(coordinates))), taken)
        if len(better):
            pool, scores = np.vstack([pool, better]), np.append(scores, aim(better))
        row, score = pool[np.argmax(scores)], float(scores.max())
        if score == -np.inf:  # what is left would break a constraint
            break
        rows.append(row)
        gains.append(float(np.exp(score)))
        taken = np.vstack([taken, row])
        pool = _apart(pool, row[None])
        aim = aim.believing(row)
    return Batch(np.array(rows).reshape(-1, len(coordinates)), np.array(gains))


def _apart(rows: Floats, taken: Floats) -> Floats:
    """Rows that differ from each taken one by more than a hair in some dimension."""
    hidden = np.zeros(len(rows), dtype=bool)
    for one in taken:
        hidden |= np.abs(rows - one).max(axis=1) < HAIR
    return rows[~hidden]
