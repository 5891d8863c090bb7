"""The objective: what one policy's uplift over many replicates comes to, when worlds and effects are uncertain.

A replicate has its own luck, its own draw of the effects and lives in one world of the ensemble. The mean weighs all
worlds alike; the conditional value at risk (CVaR) is the mean of the worst tail of replicates (Rockafellar & Uryasev
2000); minimax regret asks how far a policy can fall behind the best one of the set in any world (Savage 1951). All
are stated so that more is better: a regret counts as negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator
from scipy import stats

from sim.errors import SpecError, StudyError
from sim.spec import Spec, parameter

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
FEWEST_IN_TAIL = 2  # replicates that the tail of a CVaR must hold
ROUNDING = 1e-9  # of a share of replicates


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Judged:
    """A set of policies by one objective.

    Attributes
    ----------
    values, low, high : objective of each policy with its 95 % interval; more is better. Shape (policies,).
    pseudo : pseudovalues, whose mean is the objective and whose spread over √replicates its standard error: two
        policies are compared by the paired difference of theirs. Those of a mean over one world are the uplifts.
        Shape (policies, replicates).
    freedom : degrees of freedom behind the standard errors.
    """

    values: Floats
    low: Floats
    high: Floats
    pseudo: Floats
    freedom: float

    def contrast(self, one: int, other: int) -> Estimate:
        """How much better one policy of the set is than another."""
        return _estimate(self.pseudo[one] - self.pseudo[other], self.freedom)


class Objective(Spec):
    """What the search maximises: a summary of uplift over replicates and worlds."""

    measure: Literal["mean", "cvar", "regret"] = parameter(
        "mean", doc="mean uplift, mean of the worst tail of replicates, or largest regret over the worlds"
    )
    tail: float = parameter(0.1, gt=0, lt=1, doc="share of replicates in the tail of a cvar", source="assumed")

    @model_validator(mode="after")
    def _tail_of_what(self) -> Self:
        written = self.tail != type(self).model_fields["tail"].default  # a dump of a mean names its tail too
        if written and self.measure != "cvar":
            raise ValueError(f"a tail belongs to measure cvar and not to {self.measure}; drop one of them")
        return self

    def words(self) -> str:
        """The objective in words."""
        return {
            "mean": "mean uplift",
            "cvar": f"mean uplift in the worst {self.tail * 100:g} % of replicates",
            "regret": "uplift that it may miss, in the worst world, against the best policy there",
        }[self.measure]

    def fewest_replicates(self, worlds: int = 1) -> int:
        """Replicates below which the objective cannot be estimated with an error."""
        in_tail = math.ceil(FEWEST_IN_TAIL / self.tail - ROUNDING) if self.measure == "cvar" else 2
        return max(in_tail, worlds * (2 if self.measure == "regret" else 1))

    def check(self, replicates: int, worlds: int = 1, *, place: str = "replicates") -> None:
        """Raise SpecError when so many replicates in so many worlds cannot tell the objective."""
        if self.measure == "regret" and worlds < 2:
            raise SpecError(
                "in one world the least regret is the highest mean",
                place="objective: measure", value="regret", cure="name what is `uncertain`, or use mean or cvar",
            )  # fmt: skip
        fewest = self.fewest_replicates(worlds)
        if replicates >= fewest:
            return
        if self.measure == "cvar" and fewest > worlds:
            rule = f"a tail of {self.tail:g} needs {FEWEST_IN_TAIL} replicates inside, so {fewest} in all"
            cure = f"raise it to {fewest}, or the tail to {math.ceil(200 / max(replicates, 3)) / 100:g}"
        else:
            each = "two replicates" if self.measure == "regret" else "a replicate"
            rule, cure = f"each of {worlds} worlds needs {each}", f"raise it to {fewest}, or have fewer worlds"
        raise SpecError(rule, place=place, value=replicates, cure=cure)

    def scores(self, uplift: ArrayLike, worlds: ArrayLike) -> Floats:
        """Objective of each policy, more is better. Parameters and errors are those of :meth:`judge`."""
        return self.judge(uplift, worlds).values

    def judge(self, uplift: ArrayLike, worlds: ArrayLike) -> Judged:
        """Every policy of a set by this objective, with intervals.

        Intervals are about these worlds: how well the replicates know the objective over the ensemble as it is. With
        one replicate in a world, the spread between worlds cannot be told from luck and counts as luck.

        Parameters
        ----------
        uplift : over the status quo, per customer, paired. Shape (policies, replicates).
        worlds : number of the world in which each replicate lives. Shape (replicates,).

        Raises
        ------
        StudyError
            When an uplift is not finite.
        """
        up, world = _checked(uplift, worlds)
        self.check(up.shape[1], len(np.unique(world)))
        if self.measure == "regret":
            return _judge_regret(up, world)
        parts = _tail_parts(up, _weights(world), self.tail) if self.measure == "cvar" else up
        pseudo, freedom = _stratified(parts, world)
        if self.measure == "cvar":  # the tail alone carries the error
            freedom = max(self.tail * up.shape[1] - 1, 1.0)
        found = [_estimate(p, freedom) for p in pseudo]
        values, low, high = (np.array([getattr(e, name) for e in found]) for name in ("value", "low", "high"))
        return Judged(values, low, high, pseudo, freedom)


def cvar(values: ArrayLike, tail: float, weights: ArrayLike | None = None) -> Floats:
    """Mean of the worst share ``tail`` of values, the one on the edge by the part that belongs to it.

    Parameters
    ----------
    values : shape (..., n).
    weights : of the n values, adding up to 1; equal without.
    """
    v = np.asarray(values, dtype=np.float64)
    n = v.shape[-1]
    w = np.full(n, 1 / n) if weights is None else np.asarray(weights, dtype=np.float64)
    parts = _tail_parts(v, w, tail)
    return np.asarray(parts @ w)


def regrets(uplift: ArrayLike, worlds: ArrayLike) -> Floats:
    """How far each policy's mean is behind the best policy of the set in each world. Shape (policies, worlds)."""
    up, world = _checked(uplift, worlds)
    means = _means(up, world)
    return np.asarray(means.max(axis=0) - means)


def _checked(uplift: ArrayLike, worlds: ArrayLike) -> tuple[Floats, NDArray[np.intp]]:
    up = np.atleast_2d(np.asarray(uplift, dtype=np.float64))
    if not np.isfinite(up).all():
        policy, replicate = np.argwhere(~np.isfinite(up))[0].tolist()
        raise StudyError(
            "an uplift is not a number", place=f"policy {policy}, replicate {replicate}",
            value=float(up[policy, replicate]), cure="run that replicate alone",
        )  # fmt: skip
    return up, np.unique(np.asarray(worlds), return_inverse=True)[1].reshape(-1)


def _means(up: Floats, world: NDArray[np.intp]) -> Floats:
    """Mean of each policy in each world. Shape (policies, worlds)."""
    return np.stack([up[:, world == w].mean(axis=1) for w in range(world.max() + 1)], axis=1)


def _weights(world: NDArray[np.intp]) -> Floats:
    """Weights of replicates that weigh all worlds alike."""
    sizes = np.bincount(world)
    return np.asarray(1 / (len(sizes) * sizes[world]))


def _tail_parts(values: Floats, weights: Floats, tail: float) -> Floats:
    """q − max(q − value, 0) / tail, whose mean is the CVaR for q on the tail's edge. Shape of ``values``.

    They are also the influence function of the CVaR, so their spread is its standard error.
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-1)
    below = np.cumsum(weights[order], axis=-1)
    # The first value beyond the edge: where the edge falls between two values, the upper one errs on the wide side.
    edge = np.minimum((below <= tail + ROUNDING).sum(axis=-1), values.shape[-1] - 1)
    q = np.take_along_axis(ordered, edge[..., None], axis=-1)
    return np.asarray(q - np.maximum(q - values, 0.0) / tail)


def _stratified(parts: Floats, world: NDArray[np.intp]) -> tuple[Floats, float]:
    """Pseudovalues of the mean over worlds of parts, and their degrees of freedom.

    Each world is scaled so that the plain standard error of the mean of the result is the stratified one (Cochran 1977,
    section 5.3), as far as every world has two replicates.
    """
    n, sizes = len(world), np.bincount(world)
    if len(sizes) == 1:
        return parts, n - 1.0
    weights = _weights(world)
    value = (parts @ weights)[:, None]
    if sizes.min() < 2:
        return value + n * weights * (parts - value), n - 1.0
    scale = np.sqrt(n * (n - 1) / (sizes * (sizes - 1.0))) / len(sizes)
    return value + scale[world] * (parts - _means(parts, world)[:, world]), float(n - len(sizes))


def _estimate(pseudo: Floats, freedom: float) -> Estimate:
    n = len(pseudo)
    mean = float(pseudo.mean())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * pseudo.std(ddof=1) / math.sqrt(n))
    return Estimate(mean, mean - half, mean + half)


def _judge_regret(up: Floats, world: NDArray[np.intp]) -> Judged:
    """Regrets with simultaneous intervals.

    The largest of many estimated differences is biased upward, so its interval comes from bounds that hold for all
    differences of the set and all worlds at once (Bonferroni); the spread within worlds is pooled over worlds.
    """
    policies, n = up.shape
    means, sizes = _means(up, world), np.bincount(world)
    behind = means.max(axis=0) - means
    worst, best = behind.argmax(axis=1), means.argmax(axis=0)
    freedom = float(n - len(sizes))
    within = up - means[:, world]
    beyond = stats.t.ppf(1 - (1 - CONFIDENCE) / 2 / max((policies - 1) * len(sizes), 1), freedom)
    low, high, pseudo = np.empty(policies), np.empty(policies), np.empty_like(up)
    for p in range(policies):
        gap = means - means[p]  # to each policy in each world
        sd = np.sqrt(((within - within[p]) ** 2).sum(axis=1) / freedom)
        half = beyond * sd[:, None] / np.sqrt(sizes)
        low[p], high[p] = -(gap + half).max(), -max((gap - half).max(), 0.0)
        w = worst[p]
        here = world == w
        lost = within[p] - within[best[w]]
        scale = math.sqrt(n * (n - 1) / (sizes[w] * (sizes[w] - 1.0)))
        pseudo[p] = -behind[p, w] + np.where(here, scale * lost, 0.0)
    return Judged(-behind.max(axis=1), low, high, pseudo, freedom)
