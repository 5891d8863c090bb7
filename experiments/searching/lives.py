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
