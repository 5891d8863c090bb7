"""A/A tests: policies that are equal are compared many times over; the share that is told apart is the true error rate.

The comparisons, the race and the peeking look at the same outcomes of a small world of the product; the judgement and
the race against a chosen incumbent, which need far more seeds than comparisons, look at normal outcomes with shared
luck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.compare import difference
from experiments.known_answers.c_coupon_depth import CouponDepth
from experiments.results import paired
from experiments.run import Task, Workers, seeds_for
from experiments.searching.finals.judgement import ROUNDS, judge
from experiments.searching.trials.racing import ALPHA, boundary, race

Floats = NDArray[np.float64]

LEVEL = 0.05
SLACK = 0.015  # issue of the search: 5 ± 1.5 % of 1,000 comparisons
CUSTOMERS = 200
DEPTH = 0.17  # a coupon near its optimum, so that luck has much to decide
REPLICATES = 8
LOOKS = (2, 4, 8)
FINALISTS = 10
BATCH = 10
CHALLENGERS = 40
SHARED_LUCK = 2.0  # standard deviation of what all policies of a seed share, in units of their own luck


@dataclass(frozen=True)
class EqualPolicies:
    """How often a procedure told equal policies apart.

    Attributes
    ----------
    name : of the procedure.
    comparisons, rejected : how many, and how many were told apart.
    low, high : exact 95 % interval of the rate (Clopper-Pearson).
    allowed : the rates, lowest and highest, with which it passes.
    """

    name: str
    comparisons: int
    rejected: int
    low: float
    high: float
    allowed: tuple[float, float]

    @property
    def rate(self) -> float:
        """Share that was told apart."""
        return self.rejected / self.comparisons

    @property
    def passes(self) -> bool:
        """Whether the rate is allowed."""
        return self.allowed[0] <= self.rate <= self.allowed[1]

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.rate:.1%} of {self.comparisons:,} comparisons of equal policies told them apart "
            f"(95 % interval {self.low:.1%} to {self.high:.1%}; allowed {self.allowed[0]:.1%} to {self.allowed[1]:.1%})"
        )


def aa_tests(*, comparisons: int = 1000, processes: int | None = None) -> tuple[EqualPolicies, ...]:
    """All A/A tests: comparison, race, race against a chosen incumbent, final judgement.

    Parameters
    ----------
    comparisons : of each procedure.
    processes : None takes all cores; the result is the same for any number.
    """
    differences = equal_differences(comparisons, processes=processes)
    return (compared(differences), raced(differences), raced_against_the_best(comparisons), judged(comparisons))


def equal_differences(comparisons: int, *, processes: int | None = None) -> Floats:
    """Differences in CLV of two arms that follow one policy with luck of their own, shape (comparisons, replicates)."""
    family = CouponDepth()
    scenario, policy = family.scenario(customers=CUSTOMERS), family.policy(depths=[DEPTH])
    purposes = ("A/A, one arm", "A/A, other arm")
    with Workers([scenario], processes=processes) as workers:
        one, other = (
            workers.run([Task(policy, seed) for seed in seeds_for(purpose, comparisons * REPLICATES, 1)])
            for purpose in purposes
        )
    return np.asarray(paired(one, other, "clv"), dtype=np.float64).reshape(comparisons, REPLICATES)


def compared(differences: Floats) -> EqualPolicies:
    """The product's comparison: is its interval free of zero?"""
    found = [difference("clv", row).certain for row in differences]
    return _rate("comparison", np.array(found), (LEVEL - SLACK, LEVEL + SLACK))


def raced(differences: Floats) -> EqualPolicies:
    """A race with looks after 2, 4 and 8 replicates against an incumbent that was not chosen: is the equal dropped?"""
    return _rate("race", race(differences, boundary(LOOKS)).dropped, (0.0, LEVEL))


def raced_against_the_best(comparisons: int, *, rivals: bool = True) -> EqualPolicies:
    """Races against the best policy so far on the same replicates, as in a search: are equals dropped?

    Parameters
    ----------
    rivals : whether the boundary is told among how many the incumbent was chosen; False is a negative control.
    """
    luck = np.random.Generator(np.random.PCG64(2))
    dropped: list[bool] = []
    while len(dropped) < comparisons:
        values = _equal_policies(luck, 1 + CHALLENGERS, LOOKS[-1])
        incumbent = 0
        for first in range(1, 1 + CHALLENGERS, BATCH):
            limits = boundary(LOOKS, rivals=first if rivals else 1)
            dropped += race(values[first : first + BATCH] - values[incumbent], limits).dropped.tolist()
            incumbent = int(values[: first + BATCH].mean(axis=1).argmax())
    return _rate("race against the best so far", np.array(dropped[:comparisons]), (0.0, LEVEL))


def judged(comparisons: int) -> EqualPolicies:
    """Whole final judgements of ten equal policies over all rounds: is any of them told apart?"""
    luck = np.random.Generator(np.random.PCG64(3))
    apart = []
    for _ in range(comparisons):
        values = _equal_policies(luck, FINALISTS, ROUNDS[-1])
        out: frozenset[int] = frozenset()
        for seeds in ROUNDS:
            judgement = judge(values[:, :seeds], reference=0, out=out)
            out = judgement.out
            if judgement.settled:
                break
        apart.append(bool(out))
    return _rate("final judgement", np.array(apart), (0.0, LEVEL))


def peeked(differences: Floats) -> EqualPolicies:
    """Negative control: a comparison at 5 % after every replicate from the second on, until it finds something."""
    looks = range(2, differences.shape[1] + 1)
    found = [any(difference("clv", row[:n]).certain for n in looks) for row in differences]
    return _rate("comparison at every look", np.array(found), (LEVEL - SLACK, LEVEL + SLACK))


def _equal_policies(luck: np.random.Generator, policies: int, seeds: int) -> Floats:
    return SHARED_LUCK * luck.standard_normal(seeds) + luck.standard_normal((policies, seeds))


def _rate(name: str, rejected: NDArray[np.bool_], allowed: tuple[float, float]) -> EqualPolicies:
    k, n = int(rejected.sum()), len(rejected)
    interval = stats.binomtest(k, n).proportion_ci(1 - ALPHA)
    return EqualPolicies(name, n, k, float(interval.low), float(interval.high), allowed)
