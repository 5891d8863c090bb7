"""Final judgement: which finalists can be told apart, which of the tied is named, and what may be claimed for it.

Finalists meet seeds that the search never saw, in rounds, until each is told apart from the leader or declared its
equal. The claim for the policy that is named comes from further seeds (``split_claim``), because

- the leader was chosen for its luck on these seeds, so its mean on them is too high. Further seeds know nothing of the
  choice: unbiased, and the plain interval covers as stated however the policies lie;
- ``simultaneous_claims`` cover all finalists at once on the same seeds. They are safe, but their middle keeps the bias,
  and a policy that stands out is covered in over 99 % where 95 % is stated;
- further seeds are needed for two policies only, the named one and the status quo.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from experiments.compare import CONFIDENCE, Difference, difference
from experiments.searching.trials.racing import ALPHA, CONSTANT, Boundary, boundary, paired_t
from sim.errors import SpecError, StudyError

Floats = NDArray[np.float64]
Standing = Literal["leader", "worse", "equal", "open"]

ROUNDS = (32, 64, 128)  # holdout seeds seen after each round; the first is the least number
RESAMPLES = 2000  # bootstrap samples behind a probability: its own error is below .011
DRAWS = 10_000  # simulated maxima behind a simultaneous interval


@dataclass(frozen=True)
class Judgement:
    """Where the finalists stand after a round. Money in the unit of their values.

    Attributes
    ----------
    seeds : seen so far.
    leader : row with the highest mean.
    standings : of each row: ``leader``; ``worse``, told apart from it; ``equal``, within the margin of it or not told
        apart when the seeds ran out; ``open``, more seeds are needed.
    behind : leader's mean less each one's, shape (finalists,); NaN where a row was out before.
    behind_at_most : the upper limit of that at the error rate of the whole judgement, shape (finalists,).
    margin : a shortfall below which policies are equal.
    probability_best : share of resampled sets of seeds on which each has the highest mean, shape (finalists,); 0 for
        rows that were out before.
    """

    seeds: int
    leader: int
    standings: tuple[Standing, ...]
    behind: Floats
    behind_at_most: Floats
    margin: float
    probability_best: Floats

    @property
    def settled(self) -> bool:
        """Whether no further round is needed."""
        return "open" not in self.standings

    @property
    def tied(self) -> tuple[int, ...]:
        """Rows that are not told apart from the leader, the leader among them."""
        return tuple(i for i, standing in enumerate(self.standings) if standing != "worse")

    @property
    def out(self) -> frozenset[int]:
        """Rows that need no more seeds: told apart."""
        return frozenset(i for i, standing in enumerate(self.standings) if standing == "worse")


def judge(
    values: ArrayLike,
    *,
    reference: int,
    rounds: Sequence[int] = ROUNDS,
    out: Collection[int] = (),
    margin: float | None = None,
    alpha: float = ALPHA,
) -> Judgement:
    """Judge finalists after a round.

    Paired differences from the leader are compared under a group-sequential boundary over the rounds, the worst policy
    first. With m policies left each comparison has the level alpha / (m (m - 1) / 2), as Holm (1979) would have it for
    all pairs: since the leader is chosen for leading, any pair may turn out to be the one that is compared. So the
    chance that any of several equal best policies is told apart, in any round, is at most alpha.

    Parameters
    ----------
    values : outcome of each finalist on each seed so far, shape (finalists, seeds); the number of seeds must be one of
        ``rounds``. Rows in ``out`` may hold anything.
    reference : row of the status quo; keep its values even when it is out.
    rounds : seeds seen after each round, increasing.
    out : rows told apart in earlier rounds, ``Judgement.out``.
    margin : shortfall below which policies are equal. By default the standard error with which the uplift over the
        status quo is known, in the middle of the policies left: what differs by less is lost in the claim.
    alpha : error rate of the whole judgement.

    Raises
    ------
    SpecError
        When no round ends at that number of seeds.
    StudyError
        When a value is not finite, or nobody is left.
    """
    v = np.asarray(values, dtype=np.float64)
    left, seeds = _left(v, out), v.shape[1]
    means = v[left].mean(axis=1)
    leader = int(left[np.argmax(means)])
    if margin is None:
        margin = _uplift_error(v, left, reference)
    shortfall = v[leader] - v
    t = {int(i): float(paired_t(shortfall[i])) for i in left if i != leader}
    standings: list[Standing] = ["worse"] * len(v)
    standings[leader] = "leader"
    behind, at_most = np.full(len(v), np.nan), np.full(len(v), np.nan)
    behind[leader] = at_most[leader] = 0.0
    told_apart, m = True, len(left)
    for i in sorted(t, key=lambda i: -t[i]):
        limits = _of_pairs(tuple(rounds), m, alpha)
        behind[i] = shortfall[i].mean()
        error = _error(shortfall[i])
        at_most[i] = behind[i] + (limits.critical(seeds) * error if error > 0 else 0.0)
        told_apart = told_apart and t[i] >= limits.critical(seeds)
        standings[i] = _standing(told_apart, at_most[i] <= margin, seeds == limits.schedule[-1])
        m -= told_apart
    best = np.zeros(len(v))
    best[left] = probability_best(v[left])
    return Judgement(seeds, leader, tuple(standings), behind, at_most, margin, best)


def _left(v: Floats, out: Collection[int]) -> NDArray[np.int64]:
    left = np.array([i for i in range(len(v)) if i not in out], dtype=np.int64)
    if not len(left):
        raise StudyError("nobody is left to be judged", place="final judgement", cure="pass at least one finalist")
    if not np.isfinite(v[left]).all():
        raise StudyError("a value is not a number", place="final judgement", cure="run that replicate alone")
    return left


def _standing(told_apart: bool, within: bool, last: bool) -> Standing:
    if within:
        return "equal"  # a difference that is sure but too small to matter included
    if told_apart:
        return "worse"
    return "equal" if last else "open"


@cache
def _of_pairs(rounds: tuple[int, ...], policies: int, alpha: float) -> Boundary:
    return boundary(rounds, alpha / math.comb(policies, 2))


def _error(differences: Floats) -> float:
    """Standard error of a mean of paired differences."""
    n = differences.shape[-1]
    return float(differences.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf


def _uplift_error(v: Floats, left: NDArray[np.int64], reference: int) -> float:
    others = [_error(v[i] - v[reference]) for i in left if i != reference]
    return float(np.median(others)) if others else 0.0


def probability_best(values: ArrayLike) -> Floats:
    """Share of bootstrap samples of the seeds on which each policy has the highest mean. Shape (policies,).

    Policies that are equal on a sample share it. The resampling has fixed luck: same values, same probabilities.
    """
    v = np.asarray(values, dtype=np.float64)
    v = v - v.mean(axis=1).max()  # so that rounding is that of the differences, not of a large common level
    seeds = v.shape[1]
    means = np.einsum("bs,ps->bp", _resamples(seeds), v) / seeds  # not BLAS: its threads spin on a busy machine
    first = means >= means.max(axis=1, keepdims=True) - CONSTANT * np.abs(v).max()
    return np.asarray((first / first.sum(axis=1, keepdims=True)).mean(axis=0))


@cache
def _resamples(seeds: int) -> Floats:
    """How often each seed is drawn in each sample, shape (samples, seeds). The luck is fixed."""
    luck = np.random.Generator(np.random.PCG64(0))
    return luck.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES).astype(np.float64)


def simplest(tied: Collection[int], changes: Sequence[int], sizes: Sequence[float]) -> int:
    """The tied policy to name: fewest changes from the status quo, then the smallest total relative change.

    Parameters
    ----------
    tied : rows, ``Judgement.tied``.
    changes, sizes : of every finalist: levers set differently, and the sum of their changes relative to their ranges.
    """
    return min(tied, key=lambda i: (changes[i], sizes[i], i))


def split_claim(metric: str, uplift: ArrayLike) -> Difference:
    """The claim for a named policy from seeds that nothing else saw: the plain interval is right.

    Parameters
    ----------
    uplift : named policy minus status quo on further seeds, shape (seeds,), at least 2.
    """
    d = np.asarray(uplift, dtype=np.float64)
    if d.ndim != 1 or len(d) < 2:
        raise SpecError("an interval needs 2 seeds or more", place="claim", value=d.shape, cure="add further seeds")
    return difference(metric, d)


def simultaneous_claims(metric: str, uplifts: ArrayLike) -> tuple[Difference, ...]:
    """Claims for all finalists from the seeds on which one of them is chosen, wide enough for any choice.

    All uplifts are covered together with 95 %: the limit of |t| is that of the largest |z| among normals with the
    correlations found among the uplifts, carried over by its probability.

    Parameters
    ----------
    uplifts : every finalist minus the status quo, shape (finalists, seeds), at least 2 seeds; the status quo's own row
        of zeros is allowed.
    """
    u = np.asarray(uplifts, dtype=np.float64)
    largest = _largest_t(u)
    found = []
    for row in u:
        middle, reach = split_claim(metric, row), largest * _error(row)
        found.append(replace(middle, low=middle.mean - reach, high=middle.mean + reach))
    return tuple(found)


def _largest_t(u: Floats) -> float:
    """The 95 % quantile of the largest |t| over rows that vary; 0 where none does."""
    centred = u - u.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    varies = length > CONSTANT * np.abs(u).max(axis=1)
    if not varies.any():
        return 0.0
    drawn = np.einsum("bs,ps->bp", _normals(u.shape[1]), centred[varies] / length[varies, None])
    z = float(np.quantile(np.abs(drawn).max(axis=1), CONFIDENCE))
    return float(stats.t.isf(stats.norm.sf(z), u.shape[1] - 1))


@cache
def _normals(seeds: int) -> Floats:
    """Fixed luck, shape (draws, seeds)."""
    return np.random.Generator(np.random.PCG64(0)).standard_normal((DRAWS, seeds))
