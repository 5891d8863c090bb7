"""The pilot: what the noise is like, and from it how many replicates a trial should have.

A few spread-out policies on shared seeds show how much policies differ, how much luck they share, and what is left as
noise of their difference. A search with few replicates tries many policies and mistakes noise for value; one with many
replicates tries few. The plan is the one whose chosen policy is expected to fall least short of the optimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from experiments.searching.trials.racing import boundary, race
from sim.errors import SpecError, StudyError

Floats = NDArray[np.float64]

CHOICES = (1, 2, 4, 8, 16, 32)  # replicates a trial may have
FEWEST_TRIALS = 20  # assumed: a search with fewer has hardly tried the single changes
FINALISTS = 10  # issue of the search: the top ten are judged again
BATCH = 10  # assumed: candidates raced against one incumbent before the next is chosen
MOST_LEVERS = 8  # assumed
MOST_DRAWS = 2_000_000  # simulated coordinates behind one expected loss
FEWEST_SEARCHES, MOST_SEARCHES = 40, 500
CLEARLY = 2.0  # standard errors by which racing must save loss: its trials are unequally well known to the sampler
FEWEST_RANKED = 5
FAITHFUL = 0.7  # assumed: rank correlation from which a smaller population may choose what the full one sees
LEVEL = 0.95


@dataclass(frozen=True)
class Pilot:
    """What a pilot measured. Money in the unit of its values.

    Attributes
    ----------
    policies, seeds : size of the pilot, the status quo included.
    between_sd : standard deviation of the policies' true means; noise is taken out.
    between_error : standard error of ``between_sd`` squared where policies do not differ at all: what could be seen.
    noise_sd : standard deviation of one paired difference between two policies.
    unpaired_sd : the same for policies on seeds of their own.
    correlation : of a policy with the status quo over the seeds, median over policies; 1 where both never vary.
    """

    policies: int
    seeds: int
    between_sd: float
    between_error: float
    noise_sd: float
    unpaired_sd: float
    correlation: float

    @property
    def saving(self) -> float:
        """Replicates on separate seeds that one on shared seeds is worth; infinite without paired noise."""
        return (self.unpaired_sd / self.noise_sd) ** 2 if self.noise_sd > 0 else math.inf

    def replicates_for(self, share: float) -> int:
        """Replicates of a trial whose difference has a standard error of that share of ``between_sd``."""
        return max(1, math.ceil((self.noise_sd / (share * self.spread)) ** 2)) if self.noise_sd > 0 else 1

    @property
    def spread(self) -> float:
        """``between_sd``, but no less than the pilot could have seen: that nothing was seen does not make it 0."""
        return max(self.between_sd, math.sqrt(self.between_error))


def measure(values: ArrayLike) -> Pilot:
    """Analyse a pilot as a two-way layout: policy + seed + what is particular to both.

    Parameters
    ----------
    values : outcome of each policy on each shared seed, shape (policies, seeds); the status quo is row 0.

    Raises
    ------
    StudyError
        With fewer than 3 policies or 2 seeds, or when a value is not finite.
    """
    v = np.asarray(values, dtype=np.float64)
    if v.ndim != 2 or v.shape[0] < 3 or v.shape[1] < 2:
        raise StudyError("a pilot needs 3 policies and 2 shared seeds", place="pilot", value=v.shape,
                         cure="the usual size is the status quo, 20 policies and 16 seeds")  # fmt: skip
    if not np.isfinite(v).all():
        policy, seed = np.argwhere(~np.isfinite(v))[0]
        raise StudyError("a value is not a number", place=f"pilot: policy {policy}, seed {seed}",
                         cure="run that replicate alone")  # fmt: skip
    policies, seeds = v.shape
    means = v.mean(axis=1)
    rest = v - means[:, None] - v.mean(axis=0) + v.mean()
    noise = float((rest**2).sum() / ((policies - 1) * (seeds - 1)))
    between = float(means.var(ddof=1)) - noise / seeds
    return Pilot(
        policies=policies,
        seeds=seeds,
        between_sd=math.sqrt(max(between, 0.0)),
        between_error=noise / seeds * math.sqrt(2 / (policies - 1)),
        noise_sd=math.sqrt(2 * noise),
        unpaired_sd=math.sqrt(2 * float(v.var(axis=1, ddof=1).mean())),
        correlation=float(np.median([_correlation(v[0], row) for row in v[1:]])),
    )


def _correlation(a: Floats, b: Floats) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float(np.ptp(a) == np.ptp(b))
    return float(np.corrcoef(a, b)[0, 1])


@dataclass(frozen=True)
class Effort:
    """A way to spend the budget.

    Attributes
    ----------
    replicates : of a trial that is not dropped.
    schedule : looks of the race, or None for a fixed number of replicates.
    trials : that the budget affords.
    loss : how far the chosen policy is expected to fall short of the optimum.
    error : standard error of ``loss``, which is simulated.
    """

    replicates: int
    schedule: tuple[int, ...] | None
    trials: int
    loss: float
    error: float


@dataclass(frozen=True)
class Replication:
    """The chosen effort and all that were weighed: fixed numbers of replicates, then races."""

    chosen: Effort
    options: tuple[Effort, ...]


def replication(
    pilot: Pilot,
    *,
    runs: int,
    levers: int,
    finalists: int = FINALISTS,
    choices: Sequence[int] = CHOICES,
) -> Replication:
    """How many replicates a trial should have, and whether to race.

    The rule: near a smooth optimum value falls off with the square of the distance, so that policies spread over
    d levers fall short of it by amounts that follow a gamma distribution of shape d / 2; its scale is set by the
    pilot's ``spread``. A search is taken to try as many such policies as the budget affords, to rank them by their
    noisy means, and to judge the finalists well enough to find the best of them. The effort with the smallest
    expected loss wins; racing must save a twentieth of the loss of the best fixed number. A sampler that learns finds
    better policies than that, with any number of replicates; the rule compares efforts and does not forecast.

    Parameters
    ----------
    runs : simulated replicates that the search may cost.
    levers : dimensions of the space; more than 8 count as 8, since value seldom hangs on all of many.
    choices : replicates to consider, increasing.

    Raises
    ------
    SpecError
        When the budget is not enough for 20 trials with the fewest replicates.
    """
    if runs < FEWEST_TRIALS * min(choices):
        raise SpecError(f"{FEWEST_TRIALS} trials need more runs", place="search: runs", value=runs,
                        cure=f"allow {FEWEST_TRIALS * min(choices)} or more")  # fmt: skip
    affordable = [n for n in choices if runs >= FEWEST_TRIALS * n]
    fixed = [_fixed(pilot, n, runs // n, levers, finalists) for n in affordable]
    schedules = [tuple(c for c in choices if 2 <= c <= n) for n in affordable]
    races = [_raced(pilot, schedule, runs, levers, finalists) for schedule in schedules if len(schedule) > 1]
    best = min(fixed, key=lambda e: e.loss)
    racing = min(races, key=lambda e: e.loss, default=best)
    clearly = best.loss - racing.loss > CLEARLY * math.hypot(best.error, racing.error)
    return Replication(racing if clearly else best, (*fixed, *races))


class _Searches:
    """Simulated searches: a quadratic surface each, uniformly spread policies, and what their replicates show."""

    def __init__(self, pilot: Pilot, levers: int, trials: int) -> None:
        levers = min(levers, MOST_LEVERS)
        self.n = int(np.clip(MOST_DRAWS // (trials * levers), FEWEST_SEARCHES, MOST_SEARCHES))
        self.luck = np.random.Generator(np.random.PCG64(0))
        self.noise = pilot.noise_sd / math.sqrt(2)
        self.best = self.luck.random((self.n, 1, levers)) - 0.5
        variance = (1 / 180 + self.best**2 / 3).sum(axis=2)  # of (u - best)^2, u uniform on -0.5 .. 0.5
        self.scale = pilot.spread / np.sqrt(variance)

    def policies(self, n: int) -> Floats:
        """True values relative to the optimum, shape (searches, n)."""
        u = self.luck.random((self.n, n, self.best.shape[2])) - 0.5
        return np.asarray(-self.scale * ((u - self.best) ** 2).sum(axis=2))

    def seen(self, value: Floats, replicates: int) -> Floats:
        """Single replicates, shape (searches, policies, replicates)."""
        return value[..., None] + self.noise * self.luck.standard_normal((*value.shape, replicates))


def _fixed(pilot: Pilot, n: int, trials: int, levers: int, finalists: int) -> Effort:
    searches = _Searches(pilot, levers, trials)
    value = searches.policies(trials)
    mean = value + searches.noise / math.sqrt(n) * searches.luck.standard_normal(value.shape)
    return Effort(n, None, trials, *_loss(value, mean, finalists))


def _loss(value: Floats, mean: Floats, finalists: int) -> tuple[float, float]:
    """Mean over searches of what the best finalist falls short, with its standard error. Shapes (searches, trials)."""
    top = np.argpartition(-mean, min(finalists, mean.shape[1]) - 1, axis=1)[:, :finalists]
    short = -np.take_along_axis(value, top, axis=1).max(axis=1)
    return float(short.mean()), float(short.std(ddof=1) / math.sqrt(len(short)))


def _raced(pilot: Pilot, schedule: tuple[int, ...], runs: int, levers: int, finalists: int) -> Effort:
    """Batches raced against the best policy so far, until the budget is spent."""
    most, fewest = schedule[-1], schedule[0]
    limits = boundary(schedule, rivals=runs // most)
    searches = _Searches(pilot, levers, 2 * runs // most)  # a race affords up to twice as many in practice
    value = searches.policies(BATCH)
    seen = searches.seen(value, most)
    truth, mean, spent = [value], [seen.mean(axis=2)], np.full(searches.n, BATCH * most)
    trials = np.full(searches.n, BATCH)
    each = np.arange(searches.n)
    best, incumbent = mean[0].max(axis=1), seen[each, mean[0].argmax(axis=1)]
    while (going := spent + BATCH * fewest <= runs).any():
        value = searches.policies(BATCH)
        seen = searches.seen(value, most)
        raced = race((seen - incumbent[:, None]).reshape(-1, most), limits)
        cost = raced.replicates.reshape(-1, BATCH).sum(axis=1)
        going &= spent + cost <= runs
        if not going.any():
            break
        kept = going[:, None] & ~raced.dropped.reshape(-1, BATCH)
        now = np.where(kept, seen.mean(axis=2), -np.inf)
        truth.append(value)
        mean.append(now)
        spent, trials = spent + going * cost, trials + going * BATCH
        better = now.max(axis=1) > best
        incumbent = np.where(better[:, None], seen[each, now.argmax(axis=1)], incumbent)
        best = np.maximum(best, now.max(axis=1))
    loss = _loss(np.concatenate(truth, axis=1), np.concatenate(mean, axis=1), finalists)
    return Effort(most, schedule, int(trials.mean()), *loss)


@dataclass(frozen=True)
class RankAgreement:
    """Whether a smaller population ranks policies as the full one does.

    Attributes
    ----------
    correlation, low, high : Spearman's rank correlation of the policies' means, with its 95 % interval.
    faithful : whether the interval lies above ``FAITHFUL``: the smaller population may be used first.
    """

    policies: int
    correlation: float
    low: float
    high: float
    faithful: bool


def rank_agreement(small: ArrayLike, full: ArrayLike) -> RankAgreement:
    """Rank correlation of the means of the same policies at a smaller population and at the full size.

    The interval is that of Bonett & Wright (2000, Psychometrika 65:23). Noise of the means is part of what is
    measured: a small population that is merely noisy cannot rank either.

    Parameters
    ----------
    small, full : outcomes, shapes (policies, seeds); the numbers of seeds may differ.

    Raises
    ------
    StudyError
        With fewer than 5 policies, or not the same number of them.
    """
    a, b = (np.asarray(v, dtype=np.float64).mean(axis=1) for v in (small, full))
    n = len(a)
    if n < FEWEST_RANKED or len(b) != n:
        raise StudyError(f"ranks are compared over the same {FEWEST_RANKED} or more policies", place="rank agreement",
                         value=(n, len(b)), cure="run more policies of the pilot at both sizes")  # fmt: skip
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return RankAgreement(n, 0.0, -1.0, 1.0, False)
    found = float(stats.spearmanr(a, b).statistic)
    one_swap = 1 - 12 / (n * (n**2 - 1))  # the next value below 1, at which the interval is still defined
    middle = math.atanh(min(max(found, -one_swap), one_swap))
    reach = float(stats.norm.isf((1 - LEVEL) / 2)) * math.sqrt((1 + found**2 / 2) / (n - 3))
    low, high = math.tanh(middle - reach), math.tanh(middle + reach)
    return RankAgreement(n, found, low, max(high, found), low >= FAITHFUL)
