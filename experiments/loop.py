"""The closed loop: hidden worlds, logs, learning, search, and what the recommendation is worth where it matters.

A hidden world with known parameters lives half a year under an operator whose campaigns are targeted, and writes logs.
The product learns from these logs alone and searches; what it recommends is lived in the hidden world, beside the best
policy that the same search finds when it knows the world, the status quo, doing nothing, and what a naive analyst
recommends who takes associations for effects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import agents.actions  # noqa: F401  (registers the kinds of action in worker processes too)
from agents.policy import Policy
from experiments.closed_loop.scoring import Cell, best_policy, cell, made_from
from experiments.closed_loop.space import Effort
from experiments.listener import Listener, Silence
from experiments.pool import Pool
from experiments.results import write_json
from sim.spec import validate

WORLDS, SIZES = 20, (2_000, 10_000, 50_000)
TARGET_SIZE, MOST_REGRET, LEAST_COVERAGE = 10_000, 0.10, 0.85


@dataclass(frozen=True)
class Size:
    """All worlds at one size of logs.

    Attributes
    ----------
    customers : in the logs.
    cells : one per world.
    """

    customers: int
    cells: tuple[Cell, ...]

    @property
    def worthwhile(self) -> tuple[Cell, ...]:
        """Worlds in which there is something to gain."""
        return tuple(c for c in self.cells if c.worthwhile)

    def regret(self, arm: str, quantile: float = 0.5) -> float:
        """Quantile of an arm's regret over the worlds in which there is something to gain; NaN without any."""
        found = [c.regret(arm) for c in self.worthwhile]
        return float(np.quantile(found, quantile)) if found else float("nan")

    def missed(self, arm: str) -> float:
        """Median over all worlds of what is missed per customer."""
        return float(np.median([c.missed(arm) for c in self.cells]))

    @property
    def coverage(self) -> float:
        """Share of worlds in which the claim's interval holds the truth."""
        return float(np.mean([c.covered for c in self.cells]))

    @property
    def mean_coverage(self) -> float:
        """The same for the interval of the mean, which carries only what replicates leave open."""
        return float(np.mean([c.mean_covered for c in self.cells]))

    def harm(self, arm: str) -> float:
        """Share of worlds in which an arm does harm."""
        return float(np.mean([c.harms(arm) for c in self.cells]))


@dataclass(frozen=True)
class LoopCheck:
    """The whole check, as far as it has come."""

    sizes: tuple[Size, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All of them."""
        return tuple(c for size in self.sizes for c in size.cells)

    @property
    def coverage(self) -> float:
        """Share of all cells in which the claim's interval holds the truth; NaN without any."""
        return float(np.mean([c.covered for c in self.cells])) if self.cells else float("nan")

    def missed(self) -> tuple[str, ...]:
        """Targets that were missed, in words. The regret's is about logs of 10,000 customers alone."""
        found = []
        for size in self.sizes:
            median = size.regret("product")
            if size.customers == TARGET_SIZE and median > MOST_REGRET:
                found.append(
                    f"median regret {median:.0%} from logs of {size.customers:,} customers is above {MOST_REGRET:.0%}"
                )
        if self.coverage < LEAST_COVERAGE:
            found.append(
                f"the claimed interval holds the true uplift in {self.coverage:.0%} of worlds, less than "
                f"{LEAST_COVERAGE:.0%}"
            )
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"missed": list(self.missed()), "cells": [c.as_dict() for c in self.cells]}


def check_loop(
    *,
    worlds: int = WORLDS,
    sizes: Sequence[int] = SIZES,
    folder: Path,
    effort: Effort | None = None,
    processes: int | None = None,
    listener: Listener | None = None,
    keep: Callable[[LoopCheck], object] | None = None,
) -> LoopCheck:
    """Close the loop in hidden worlds 0 … ``worlds`` − 1 at each size of logs.

    Parameters
    ----------
    sizes : customers in the logs, at least 200.
    folder : where each finished world and size is kept at once; a second run goes on with what it finds there, unless
        it was made from other worlds or with another effort.
    processes : worlds at once; None takes all cores. The result is the same for any number.
    keep : told what there is after each.
    """
    hear, spend = listener or Silence(), effort or Effort()
    store = _Store(folder, spend)
    with Pool(processes) as pool:
        numbers = range(worlds)
        missing = [w for w in numbers if store.best(w) is None and any(store.cell(w, n) is None for n in sizes)]
        hear.stage("what is best in each world, with the truth", len(missing))
        for done, (world, policy) in enumerate(pool.each(best_policy, [(w, spend) for w in missing]), start=1):
            store.put_best(missing[world], policy)
            hear.step(done)
        for customers in sizes:
            left = [w for w in numbers if store.cell(w, customers) is None]
            hear.stage(f"logs of {customers:,} customers", len(left))
            tasks = [(w, customers, store.needed(w), spend) for w in left]
            for done, (_, found) in enumerate(pool.each(cell, tasks), start=1):
                store.put(found)
                hear.step(done, _note(found))
                if keep:
                    keep(store.check(worlds, sizes))
    return store.check(worlds, sizes)


def _note(found: Cell) -> str:
    share = f"regret {found.regret('product'):.0%}" if found.worthwhile else "nothing to gain"
    return f"world {found.world}: {share}, claim {'holds' if found.covered else 'misses'}"


class _Store:
    """Finished worlds in a folder: ``world-03/best.json`` and ``world-03/10000.json``."""

    def __init__(self, folder: Path, effort: Effort) -> None:
        self.folder, self.effort = folder, effort

    def _place(self, world: int, name: str) -> Path:
        return self.folder / f"world-{world:02d}" / f"{name}.json"

    def _read(self, world: int, name: str) -> dict[str, Any] | None:
        path = self._place(world, name)
        if not path.exists():
            return None
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return data if data["made_from"] == made_from(world, self.effort) else None

    def _write(self, world: int, name: str, data: dict[str, Any]) -> None:
        path = self._place(world, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, data)

    def best(self, world: int) -> Policy | None:
        """The best policy of a world, if it is known."""
        data = self._read(world, "best")
        return None if data is None else validate(Policy, data["policy"])

    def needed(self, world: int) -> Policy:
        """The best policy of a world, which has been found."""
        found = self.best(world)
        assert found is not None
        return found

    def put_best(self, world: int, policy: Policy) -> None:
        """Keep the best policy of a world."""
        data = {"made_from": made_from(world, self.effort), "policy": policy.model_dump(mode="json")}
        self._write(world, "best", data)

    def cell(self, world: int, customers: int) -> Cell | None:
        """A finished cell."""
        data = self._read(world, str(customers))
        return None if data is None else Cell.of(data)

    def put(self, found: Cell) -> None:
        """Keep a finished cell."""
        self._write(found.world, str(found.customers), found.as_dict())

    def check(self, worlds: int, sizes: Sequence[int]) -> LoopCheck:
        """What is finished of the worlds and sizes asked for."""
        by_size = {n: [c for w in range(worlds) if (c := self.cell(w, n))] for n in sizes}
        return LoopCheck(tuple(Size(n, tuple(cells)) for n, cells in by_size.items() if cells))
