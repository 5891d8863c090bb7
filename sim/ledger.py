"""The ledger: every event as (day, key, kind, amount, source), append-only and columnar.

Memory grows with events only. With ``detail=False`` the ledger keeps sums by (day, kind, source) and no rows, for large
runs and for a search; both forms give the same totals to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import SiyuError, nearest

NOBODY = -1  # the key of an event that belongs to no single customer (media spend, wages)

Unit = Literal["cents", "count", "level"]


@dataclass(frozen=True)
class EventKind:
    """What an event means.

    ``sign`` says how its amount enters profit: +1 revenue, −1 cost, 0 not money. ``unit`` is the unit of the amount.
    """

    name: str
    sign: Literal[-1, 0, 1]
    unit: Unit
    doc: str


@dataclass(frozen=True)
class Events:
    """Rows of a ledger as aligned arrays, in the order in which they happened."""

    day: NDArray[np.int32]
    key: NDArray[np.int64]
    kind: NDArray[np.uint8]
    amount: NDArray[np.int64]
    source: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.day)

    def where(self, mask: NDArray[np.bool_]) -> Events:
        """The rows that a mask selects."""
        return Events(self.day[mask], self.key[mask], self.kind[mask], self.amount[mask], self.source[mask])


@dataclass(frozen=True)
class Totals:
    """Sums by (day, kind, source), sorted: event counts and summed amounts."""

    day: NDArray[np.int32]
    kind: NDArray[np.uint8]
    source: NDArray[np.int16]
    n: NDArray[np.int64]
    amount: NDArray[np.int64]


class Ledger:
    """Events of one replicate.

    Parameters
    ----------
    kinds : the kinds that may be written; their order gives their codes.
    detail : keep every row (True) or only totals by day, kind and source (False).
    """

    def __init__(self, kinds: Iterable[EventKind], *, detail: bool = True) -> None:
        self.kinds = tuple(kinds)
        self.detail = detail
        self.code = {kind.name: code for code, kind in enumerate(self.kinds)}
        self.sources: list[str] = []
        self._source_code: dict[str, int] = {}
        self._blocks: list[tuple[int, NDArray[np.int64], int, NDArray[np.int64], int]] = []
        self._sums: dict[tuple[int, int, int], list[int]] = {}

    def source_code(self, source: str) -> int:
        """Code of a source (an action's name, a behaviour's name), given on first use."""
        code = self._source_code.get(source)
        if code is None:
            code = self._source_code[source] = len(self.sources)
            self.sources.append(source)
        return code

    def record(self, day: int, kind: str, keys: NDArray[np.int64], amount: ArrayLike, source: str) -> None:
        """Append one event per key. ``amount`` is one number or one per key, an integer in the kind's unit."""
        n = len(keys)
        if n == 0:
            return
        self.count(day, kind, n, amount, source)
        if self.detail:
            amounts, code = np.array(np.broadcast_to(np.asarray(amount), (n,)), np.int64), self._source_code[source]
            self._blocks.append((day, np.array(keys, np.int64), self.code[kind], amounts, code))

    def count(self, day: int, kind: str, n: int, amount: ArrayLike, source: str) -> None:
        """Add to the totals alone, which is all that a ledger without detail keeps of ``n`` > 0 events."""
        kind_code = self.code.get(kind)
        if kind_code is None:
            raise SiyuError(f"no event kind '{kind}'", cure=nearest(kind, self.code))
        if type(amount) is int:
            total = amount * n
        else:
            amounts = np.asarray(amount)
            if amounts.dtype.kind not in "iu":
                raise SiyuError("ledger amounts are integers (cents)", place=kind, value=str(amounts.dtype))
            total = int(np.add.reduce(amounts)) if amounts.ndim else int(amounts) * n
        sums = self._sums.setdefault((day, kind_code, self.source_code(source)), [0, 0])
        sums[0] += n
        sums[1] += total

    def record_shared(self, day: int, kind: str, amount: int, source: str) -> None:
        """Append one event that belongs to nobody in particular."""
        if self.detail:
            self.record(day, kind, np.array([NOBODY], np.int64), amount, source)
        else:
            self.count(day, kind, 1, amount, source)

    def totals(self) -> Totals:
        """Sums by (day, kind, source); available with and without detail."""
        items = sorted(self._sums.items())
        where = np.array([k for k, _ in items], np.int64).reshape(-1, 3)
        sums = np.array([v for _, v in items], np.int64).reshape(-1, 2)
        return Totals(
            where[:, 0].astype(np.int32),
            where[:, 1].astype(np.uint8),
            where[:, 2].astype(np.int16),
            sums[:, 0],
            sums[:, 1],
        )

    def events(self) -> Events:
        """All rows. Raises when the ledger keeps totals only."""
        if not self.detail:
            raise SiyuError("this ledger keeps totals only", cure="run with detail=True to read single events")
        n = [len(block[1]) for block in self._blocks]
        blocks = self._blocks

        def spread(column: int, dtype: Any) -> NDArray[Any]:
            return np.repeat(np.array([block[column] for block in blocks], dtype=dtype), n)

        def join(column: int) -> NDArray[np.int64]:
            return np.concatenate([block[column] for block in blocks]) if blocks else np.empty(0, np.int64)

        return Events(spread(0, np.int32), join(1), spread(2, np.uint8), join(3), spread(4, np.int16))

    def of(self, *kinds: str) -> Events:
        """The rows of the named kinds."""
        events = self.events()
        return events.where(np.isin(events.kind, [self.code[k] for k in kinds]))

    def signs(self) -> NDArray[np.int64]:
        """Sign of each kind in profit, by code."""
        return np.array([kind.sign for kind in self.kinds], np.int64)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything as arrays, for a snapshot."""
        totals = self.totals()
        state = {f"totals_{k}": v for k, v in vars(totals).items()} | {"sources": np.array(self.sources, dtype=str)}
        if self.detail:
            state |= {f"events_{k}": v for k, v in vars(self.events()).items()}
        return state

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Replace the contents by those of :meth:`state`."""
        self.sources = [str(s) for s in state["sources"]]
        self._source_code = {s: i for i, s in enumerate(self.sources)}
        totals = [state[f"totals_{k}"].tolist() for k in ("day", "kind", "source", "n", "amount")]
        self._sums = {(d, k, s): [n, a] for d, k, s, n, a in zip(*totals, strict=True)}
        self._blocks = []
        if not self.detail:
            return
        day, kind, source = (state[f"events_{k}"] for k in ("day", "kind", "source"))
        key, amount = state["events_key"], state["events_amount"]
        change = np.flatnonzero((np.diff(day) != 0) | (np.diff(kind) != 0) | (np.diff(source) != 0)) + 1
        edges = [0, *change.tolist(), len(day)] if len(day) else []
        for a, b in pairwise(edges):
            self._blocks.append((int(day[a]), key[a:b], int(kind[a]), amount[a:b], int(source[a])))
