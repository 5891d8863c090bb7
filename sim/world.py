"""The world: a mesa model whose day is a visible tuple of phases over customer columns."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import mesa
import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .draws import Draws
from .errors import SiyuError
from .ledger import Ledger

Phase = Callable[[Any], None]

_UNTIMED = nullcontext()

CHUNK_ROWS = 16_384  # rows handled at once: half a dozen float64 temporaries of this length stay in a core's L2 cache


class Actor(mesa.Agent):
    """One of the few: operator, channel, staff, community.

    Its ids are counted per world with weak keys; mesa 3.3 would keep every model alive through ``Agent._ids``.
    """

    _ids: ClassVar[Any] = weakref.WeakKeyDictionary()

    def __init__(self, world: World) -> None:
        if world not in self._ids:
            self._ids[world] = itertools.count(1)
        super().__init__(world)

    def state(self) -> dict[str, Any]:
        """What a snapshot must keep, as JSON has it: numbers, texts, lists of them."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Set what :meth:`state` gave."""
        for name, value in state.items():
            setattr(self, name, value)


class World(mesa.Model):
    """A population that lives day by day.

    Parameters
    ----------
    seed : the replicate's seed. Equal seeds mean equal luck, whatever the policy.
    start : calendar date of day 0.
    horizon_days : number of days to live.
    ledger, customers : where events go and who lives here.

    Attributes
    ----------
    PHASES : the order of the day; each phase is a function of the world.
    day : days lived so far, which is also the index of the day about to be lived.
    seconds : processor time spent in each phase, and in each part of it as ``phase/part``, when ``profile`` is set.
    """

    PHASES: ClassVar[tuple[Phase, ...]] = ()

    def __init__(
        self, *, seed: int, start: dt.date, horizon_days: int, ledger: Ledger, customers: Columns, profile: bool = False
    ) -> None:
        super().__init__(rng=0)  # mesa's own generators are never asked, so a constant does
        self.draws = Draws(seed)
        self.start = start
        self.horizon_days = horizon_days
        self.ledger = ledger
        self.customers: Any = customers
        self.day = 0
        self.profile = profile
        self.seconds: dict[str, float] = {}

    # -- time ---------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Live one day, phase by phase."""
        if self.day >= self.horizon_days:
            self.running = False
            return
        for phase in self.PHASES:
            with self.timed(phase.__name__):
                phase(self)
        self.day += 1
        self.running = self.day < self.horizon_days

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Add what a block takes to ``seconds`` under a name, when ``profile`` is set."""
        return self._clocked(name) if self.profile else _UNTIMED

    @contextmanager
    def _clocked(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began

    def run(self, until: int | None = None) -> World:
        """Live until a day (default: the horizon) and return self."""
        until = self.horizon_days if until is None else min(until, self.horizon_days)
        while self.day < until:
            self.step()
        return self

    @property
    def date(self) -> dt.date:
        """Calendar date of the day about to be lived."""
        return self.start + dt.timedelta(days=self.day)

    @property
    def weekday(self) -> int:
        """0 Monday … 6 Sunday."""
        return (self.start.weekday() + self.day) % 7

    # -- people -------------------------------------------------------------------------------------------------

    def chunks(self) -> Iterator[slice]:
        """Row slices that cover the population and fit the cache. Results do not depend on where they are cut."""
        n = len(self.customers)
        for low in range(0, n, self.chunk_rows):
            yield slice(low, min(low + self.chunk_rows, n))

    chunk_rows: int = CHUNK_ROWS

    def record(self, kind: str, rows: NDArray[np.integer[Any]], amount: Any, source: str) -> None:
        """Write one event for each of these rows."""
        if not len(rows):
            return
        if self.ledger.detail:
            self.ledger.record(self.day, kind, self.customers.key[rows], amount, source)
        else:
            self.ledger.count(self.day, kind, len(rows), amount, source)

    # -- snapshots ----------------------------------------------------------------------------------------------

    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of everything that, with the seed, decides this world's history."""

    def save(self, path: Path) -> None:
        """Write a snapshot that :meth:`resume` continues from. Data only, no code."""
        parts: dict[str, NDArray[Any]] = {f"customers/{k}": v for k, v in self.customers.arrays().items()}
        parts |= {f"ledger/{k}": v for k, v in self.ledger.state().items()}
        head = {
            "fingerprint": self.fingerprint(),
            "seed": self.draws.seed,
            "day": self.day,
            "actors": [actor.state() for actor in self.agents],
        }
        parts["head"] = np.array(json.dumps(head))
        temporary = path.with_suffix(".tmp.npz")
        with temporary.open("wb") as handle:
            np.savez(handle, allow_pickle=False, **parts)
        temporary.replace(path)

    def resume(self, path: Path) -> World:
        """Continue from a snapshot of the same scenario, policy and seed."""
        with np.load(path, allow_pickle=False) as parts:
            head = json.loads(str(parts["head"]))
            for name, ours in (("fingerprint", self.fingerprint()), ("seed", self.draws.seed)):
                if head[name] != ours:
                    raise SiyuError(
                        f"this snapshot has another {name}", place=str(path), value=head[name], cure=f"need {ours}"
                    )
            self.customers.restore({k.split("/")[1]: parts[k] for k in parts.files if k.startswith("customers/")})
            self.ledger.restore({k.split("/")[1]: parts[k] for k in parts.files if k.startswith("ledger/")})
        self.day = int(head["day"])
        for actor, state in zip(self.agents, head["actors"], strict=True):
            actor.restore(state)
        return self
