"""The future of a hidden world: it goes on from where its logs end, under any policy, with fresh luck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.models.history import History
from agents.policy import Policy
from agents.scenario import Scenario
from agents.troubles import REFUSED
from experiments.metrics import Outcome, outcome
from experiments.run import Task


@dataclass(frozen=True)
class Future:
    """Where a world stands and what it lives on from there.

    Attributes
    ----------
    scenario : the same world with the days to come; it starts on the day after the logs.
    people : every column of every customer, days counted from the first day to come.
    sources : the ledger's names behind ``coupon_source``.
    """

    scenario: Scenario
    people: dict[str, NDArray[Any]]
    sources: tuple[str, ...]

    @classmethod
    def of(cls, world: PrivateDomain, scenario: Scenario) -> Future:
        """What comes after the days that a world has lived."""
        arrays = world.customers.arrays()
        history = History()
        history.restore({name: arrays[name] for name in History.DECLARED})
        arrays |= history.rebased(world.day).arrays()
        for name, column in world.customers.DECLARED.items():
            if column.unit == "day" and name not in History.DECLARED:
                days = arrays[name].astype(np.int64)
                arrays[name] = np.where(days > REFUSED, days - world.day, days)  # never stays never
        # One customer is enough to be born and replaced by those who are there.
        alone = scenario.model_copy(update={"population": scenario.population.model_copy(update={"size": 1})})
        return cls(alone, arrays, tuple(world.ledger.sources))

    def sample(self, rows: NDArray[np.intp]) -> Future:
        """The same with some of the customers."""
        return Future(self.scenario, {name: column[rows] for name, column in self.people.items()}, self.sources)

    def __len__(self) -> int:
        return len(self.people["key"])

    def live(self, policy: Policy, seed: int) -> Outcome:
        """One replicate of the days to come."""
        world = PrivateDomain(self.scenario, policy, seed=seed, detail=False)
        for source in self.sources:
            world.ledger.source_code(source)
        # The dummy's own codes come first in the ledger; those of the coupons in hand are told by their names.
        code = np.array([world.ledger.source_code(source) for source in self.sources], np.int16)
        people = dict(self.people)
        for name in (f"{slot.name}_source" for slot in world.slots):
            if name in people and len(code):
                people[name] = np.where(people[name] >= 0, code[np.maximum(people[name], 0)], -1)
        # A policy may have brought columns that the past did not know: nobody has anything there yet.
        new = {
            name: np.full(len(self), column.default, column.dtype)
            for name, column in world.customers.DECLARED.items()
            if name not in people
        }
        world.customers.restore(people | new)
        world.run()
        return outcome(world)


@dataclass
class FutureWorkers:
    """Lives the tasks of a search in a future, in this process."""

    future: Future
    learned: Learned | None = None
    scenarios: list[Scenario] = field(init=False)

    def __post_init__(self) -> None:
        self.scenarios = [self.future.scenario]

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """(index of the task, outcome), in their order."""
        for index, task in enumerate(tasks):
            yield index, self.future.live(task.policy, task.seed)


def spread_sample(people: dict[str, NDArray[Any]], most: int) -> NDArray[np.intp]:
    """Rows of at most so many customers, evenly over how lately and how much they ordered: all, if there are fewer."""
    n = len(people["key"])
    if n <= most:
        return np.arange(n)
    by_recency = np.lexsort((people["key"], people["count_112"], people["last_order"]))
    band = np.empty(n, np.intp)
    bands = max(int(most**0.5), 1)
    band[by_recency] = np.arange(n) * bands // n
    # Up in one band and down in the next, so that neighbours are alike across the borders too.
    often = people["count_112"].astype(np.float64) + people["orders"] / (1.0 + people["orders"])
    order = np.lexsort((people["key"], np.where(band % 2, -often, often), band))
    places = (np.arange(most) + 0.5) * (n / most)
    return np.sort(order[places.astype(np.intp)])
