"""Lives: policies lived on the seeds of a purpose, in the worlds of the ensemble."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.metrics import Outcome
from experiments.results import paired
from experiments.run import Task, seeds_for
from sim.errors import StudyError

Floats = NDArray[np.float64]
Outcomes = list[Outcome]

PURPOSES = ("search", "final", "holdout", "design", "assumptions")


class Runner(Protocol):
    """Who lives replicates: workers, or a cache in front of them."""

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """(index of the task, outcome) as they finish."""


@dataclass
class Beat:
    """Tells whoever shows progress that another policy has been lived."""

    tell: Callable[[], None] | None = None

    def __call__(self) -> None:
        """A policy has been lived."""
        if self.tell:
            self.tell()


@dataclass(frozen=True)
class Lives:
    """Lives policies. Every policy meets the same (seed, world) pairs.

    Parameters
    ----------
    runner : who lives replicates; knows the worlds by their index.
    worlds : scenarios of the ensemble; replicate i lives in world i mod their number.
    root : root of all seeds.
    """

    runner: Runner
    worlds: tuple[Scenario, ...]
    root: int
    beat: Beat = field(default_factory=Beat, compare=False)

    def __post_init__(self) -> None:
        blocks = {seeds_for(purpose, 1, self.root)[0] for purpose in PURPOSES}
        if len(blocks) < len(PURPOSES):
            raise StudyError("two purposes share their seeds", value=self.root, cure="choose another search seed")

    def live(self, policies: Sequence[Policy], purpose: str, high: int, low: int = 0) -> list[Outcomes]:
        """Outcomes of replicates ``low`` … ``high`` − 1, policy by policy."""
        return [outcomes for _, outcomes in sorted(self.as_done(policies, purpose, high, low))]

    def elsewhere(
        self, policies: Sequence[Policy], seeds: Sequence[int], scenarios: Sequence[Scenario]
    ) -> list[Outcomes]:
        """Outcomes of replicates outside the ensemble, policy by policy; seed i lives in scenario i."""
        tasks = [Task(p, seed, world) for p in policies for seed, world in zip(seeds, scenarios, strict=True)]
        got, width = dict(self.runner.as_done(tasks)), len(seeds)
        return [[got[at + i] for i in range(width)] for at in range(0, len(tasks), width)]

    def as_done(
        self, policies: Sequence[Policy], purpose: str, high: int, low: int = 0
    ) -> Iterator[tuple[int, Outcomes]]:
        """(index of the policy, its outcomes) as policies are complete."""
        seeds, width = seeds_for(purpose, high, self.root), high - low
        tasks = [Task(policy, seeds[i], i % len(self.worlds)) for policy in policies for i in range(low, high)]
        got: list[dict[int, Outcome]] = [{} for _ in policies]
        for number, outcome in self.runner.as_done(tasks):
            index, place = divmod(number, width)
            got[index][place] = outcome
            if len(got[index]) == width:
                self.beat()
                yield index, [got[index][place] for place in range(width)]

    def world_of(self, n: int) -> NDArray[np.intp]:
        """World of each of the first n replicates. Shape (n,)."""
        return np.arange(n) % len(self.worlds)


def uplifts(outcomes: Sequence[Outcomes], base: Outcomes) -> Floats:
    """Incremental CLV per customer of each policy, replicate by replicate. Shape (policies, replicates)."""
    return np.array([paired(o, base, "clv") for o in outcomes]).reshape(len(outcomes), len(base))
