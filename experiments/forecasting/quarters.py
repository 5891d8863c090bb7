"""Quarters: many possible futures of the customers as they stand on the cut-off day, each boiled down to a tally."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

import numpy as np
from loky import ProcessPoolExecutor

from agents.behaviours import Purchase
from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from agents.scenario import Scenario
from experiments.forecasting.facts import facts_of
from experiments.forecasting.order_days import Floats, Ints, OrderDays
from experiments.run import default_processes
from sim.errors import SiyuError

NO_CENSUS = 3660  # days between counts that nobody reads here


@dataclass(frozen=True)
class Tally:
    """What is kept of one quarter, observed or simulated.

    Attributes
    ----------
    orders, spend : order days and net spend in cents of each customer, shape (n,).
    weekly_orders, weekly_spend : of all customers in each whole week, shape (weeks,); spend in currency.
    facts : every fact and shape by name.
    """

    orders: Ints
    spend: Ints
    weekly_orders: Ints
    weekly_spend: Floats
    facts: dict[str, float]

    @classmethod
    def of(cls, orders: OrderDays) -> Tally:
        """The tally of some order days."""
        return cls(orders.orders(), orders.spend(), orders.weekly_orders(), orders.weekly_spend(), facts_of(orders))


def quiet_scenario(start: dt.date, days: int) -> Scenario:
    """A world in which the learned models alone decide who orders: nobody arrives, and a lost contact still orders."""
    return Scenario(
        title="the customers of the logs, left alone",
        start=start,
        horizon_days=days,
        census_days=NO_CENSUS,
        behaviours={"purchase": Purchase(kept_after_deletion=1.0)},
    )


def only_buyers(learned: Learned) -> Learned:
    """What was learned, about those customers alone who have ordered: the logs say nothing of how others begin."""
    rows = np.flatnonzero(learned.history.orders > 0)
    return replace(learned.only(rows), contact=None)  # without messages nobody need be followed there


def live_quarter(scenario: Scenario, learned: Learned, seed: int) -> OrderDays:
    """The orders of one replicate in which the operator does nothing; customers in the order of the learned history."""
    world = PrivateDomain(scenario, DO_NOTHING, seed=seed, learned=learned, detail=True)
    world.run()
    placed = world.ledger.of("order")
    sorter = np.argsort(learned.history.key, kind="stable")
    row = sorter[np.searchsorted(learned.history.key, placed.key, sorter=sorter)]
    order = np.lexsort((placed.day, row))
    return OrderDays(
        start=scenario.start,
        days=scenario.horizon_days,
        before=learned.history.last_order.astype(np.int64),
        customer=row[order],
        day=placed.day[order].astype(np.int64),
        net=placed.amount[order],  # nobody gives a discount here: gross is net
    )


_WORLD: list[tuple[Scenario, Learned]] = []


def _prepare(scenario: Scenario, learned: Learned) -> None:
    _WORLD[:] = [(scenario, learned)]


def _tally(seed: int) -> Tally:
    return Tally.of(live_quarter(*_WORLD[0], seed))


def tally_quarters(
    scenario: Scenario,
    learned: Learned,
    seeds: Sequence[int],
    *,
    processes: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Tally]:
    """Tallies of replicates in the order of their seeds, whatever the number of processes (None: all cores)."""
    processes = min(processes or default_processes(), len(seeds))
    tallies: dict[int, Tally] = {}
    if processes == 1:
        for seed in seeds:
            tallies[seed] = Tally.of(live_quarter(scenario, learned, seed))
            progress(len(tallies))
        return list(tallies.values())
    with ProcessPoolExecutor(processes, initializer=_prepare, initargs=(scenario, learned)) as pool:
        futures = {pool.submit(_tally, seed): seed for seed in seeds}
        try:
            for future in as_completed(futures):
                tallies[futures[future]] = future.result()
                progress(len(tallies))
        except BrokenProcessPool as error:
            cure = "is there enough memory? try --processes 1"
            raise SiyuError(f"a worker process died: {error}", place="forecast", cure=cure) from error
    return [tallies[seed] for seed in seeds]
