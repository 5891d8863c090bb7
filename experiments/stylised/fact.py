"""A fact: what a source reports, which worlds are asked, and the range that their answer should lie in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario

Floats = NDArray[np.float64]
Measure = Callable[[PrivateDomain], float]
"""What is read off a lived world; a function of a module, so that worker processes find it."""
Answers = Mapping[str, Floats]

CONFIDENCE = 0.95
Verdict = Literal["holds", "fails", "open"]
Origin = Literal["direct", "emergent"]


class Asked(Protocol):
    """An arm of a fact: what is asked, and the number that is read off an answer."""

    searches: ClassVar[bool]
    """Whether an answer takes a whole search, so that fewer are asked for."""

    @property
    def name(self) -> str:
        """Name within the fact."""

    @property
    def key(self) -> tuple[str, str]:
        """What is asked, and what is kept of it: arms of one key get one answer, those of one first part together."""

    def together(self, arms: Sequence[Any], seed: int) -> Sequence[Any]:
        """Ask once, in whatever process; an answer for each of these arms, which agree in the first part of the key."""

    def read(self, answer: Any) -> float:
        """The number."""


@dataclass(frozen=True)
class Arm:
    """A world that is asked: its name within the fact, the scenario, the policy, and what is read off."""

    name: str
    scenario: Scenario
    policy: Policy
    measure: Measure
    searches: ClassVar[bool] = False

    @property
    def key(self) -> tuple[str, str]:
        """The world, and what is measured there."""
        name = getattr(self.measure, "__qualname__", None) or repr(self.measure)  # a function, or one with fields
        return repr((self.scenario, self.policy)), f"{self.measure.__module__}.{name}"

    def together(self, arms: Sequence[Arm], seed: int) -> list[float]:
        """Live one replicate of the world and read the numbers of all arms off."""
        world = PrivateDomain(self.scenario, self.policy, seed=seed)
        world.run()
        return [float(arm.measure(world)) for arm in arms]

    def read(self, answer: float) -> float:
        """The number as it is."""
        return answer


@dataclass(frozen=True)
class Fact:
    """What a source reports, as a range for one number.

    Attributes
    ----------
    name : short, such as ``tiers: sales of the general``; the word before the colon is the group.
    statement, source : what is reported, and by whom.
    low, high : range in which the number should lie; infinite for an open end.
    unit : of the number.
    arms : what is asked, worlds or searches in worlds; arms of one fact meet the same seeds.
    answer : one number for each replicate, from those of the arms by name.
    tuned : whether assumed parameters of its world were set with this fact in view; else it is a prediction.
    times : how many times as many replicates it gets as are asked for, where luck is large beside the answer.
    rule : what makes it, where it follows almost by construction from one rule; empty where it emerges from several.
    judged : whether the verdict counts; else it is another reading of what a source says, shown beside the first.
    """

    name: str
    statement: str
    source: str
    low: float
    high: float
    unit: str
    arms: tuple[Asked, ...]
    answer: Callable[[Answers], Floats]
    tuned: bool = False
    times: int = 1
    rule: str = ""
    judged: bool = True

    @property
    def group(self) -> str:
        """The word before the colon."""
        return self.name.partition(":")[0]

    @property
    def origin(self) -> Origin:
        """How it comes about: from one rule almost by construction, or from several together."""
        return "direct" if self.rule else "emergent"

    @property
    def searches(self) -> bool:
        """Whether its answers take whole searches."""
        return any(arm.searches for arm in self.arms)


@dataclass(frozen=True)
class Finding:
    """What the worlds answered: mean over replicates with a 95 % interval, and the verdict.

    A fact holds when the whole interval lies in the range, fails when all of it lies outside, and is open between.
    """

    fact: Fact
    mean: float
    low: float
    high: float
    replicates: int

    @property
    def verdict(self) -> Verdict:
        if math.isnan(self.mean):
            return "fails"
        if self.low >= self.fact.low and self.high <= self.fact.high:
            return "holds"
        return "fails" if self.high < self.fact.low or self.low > self.fact.high else "open"


def found(fact: Fact, answers: Answers) -> Finding:
    """The finding of a fact from the answers of its arms."""
    values = fact.answer(answers)
    return Finding(fact, *interval(values), len(values))


def interval(values: Floats) -> tuple[float, float, float]:
    """Mean over replicates and its 95 % interval; infinite ends with one replicate."""
    n, mean = len(values), float(np.mean(values))
    if n == 1:
        return mean, -math.inf, math.inf
    half = float(t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return mean, mean - half, mean + half


def the(arm: str) -> Callable[[Answers], Floats]:
    """The answer of one arm as it is."""
    return lambda answers: answers[arm]


def ratio(above: str, below: str) -> Callable[[Answers], Floats]:
    """One arm's answer over another's, of their means; by the jackknife, so that few events do not divide by nought."""

    def answer(answers: Answers) -> Floats:
        a, b = answers[above], answers[below]
        n = len(a)
        whole = a.mean() / b.mean() if b.mean() else math.nan
        if n == 1:
            return np.array([whole])
        left_out = ((a.sum() - a) / (n - 1)) / ((b.sum() - b) / (n - 1))
        return np.asarray(n * whole - (n - 1) * left_out)  # pseudo-values (Tukey 1958)

    return answer


def difference(of: str, less: str) -> Callable[[Answers], Floats]:
    """One arm's answer less another's, replicate by replicate."""
    return lambda answers: np.asarray(answers[of] - answers[less])


def groups(facts: Sequence[Fact]) -> list[str]:
    """Groups in the order in which they come."""
    return list(dict.fromkeys(fact.group for fact in facts))
