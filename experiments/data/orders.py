"""Orders: the file of orders read piece by piece into 32 bytes a row, and added up to visits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.fields import Clock, cents, filled, stamps
from experiments.data.files import File
from experiments.data.identities import Identities
from experiments.data.logs import Ints, visits_of
from experiments.data.repeats import Repeats
from experiments.data.tables import Inspection, Table, refusal
from sim.errors import DataError

COLUMNS = (("customer_id", "ts", "order_id", "gross", "discount"), ("coupon_id", "cost", "channel", "category"))
NEVER = np.iinfo(np.int64).max


@dataclass
class Dropped:
    """Rows of a file that are left out, by reason."""

    name: str
    rows: dict[str, int]

    def count(self, reason: str, rows: int) -> None:
        """Count some rows, if there are any."""
        if rows:
            self.rows[reason] = self.rows.get(reason, 0) + rows

    def named(self, table: Table) -> Table:
        """The rows that name a customer; the others are counted."""
        kept = named(table)
        rest = table.frame[(table.frame["customer_id"] == "").to_numpy()]
        blank = int((rest == "").all(axis=1).sum())
        self.count(f"blank lines of {self.name}", blank)
        self.count(f"{self.name} without customer", len(rest) - blank)
        return kept


def named(table: Table) -> Table:
    """The rows that name a customer."""
    return table.keep((table.frame["customer_id"] != "").to_numpy())


def refuse_nobody(file: File, rows: int) -> None:
    """Raise DataError for a file in which no row names a customer."""
    if not rows:
        place = f"{file.path}, row 2, column customer_id"
        raise DataError("no row names a customer", place=place, value="", cure="fill it in")


@dataclass(frozen=True)
class Orders:
    """What is kept of the file of orders.

    Attributes
    ----------
    origin, last_day : first and last day with an order, the first since 1970-01-01 and the last since the first.
    code : code of each customer by the number of :class:`Identities`: by first order, ties by row.
    visits : one row per customer and day.
    """

    origin: int
    last_day: int
    code: Ints
    visits: pd.DataFrame


def read_orders(file: File, clock: Clock, identities: Identities, dropped: dict[str, int]) -> Orders:
    """Read, check and add up the orders. Raises DataError for the first rule that is broken."""
    gathered = _Gathered(file, clock, identities, Dropped("orders", dropped))
    Inspection(file).each(gathered.take)
    return gathered.orders()


@dataclass
class _Gathered:
    """Orders so far: one array of each column per piece, and the first order of each customer."""

    file: File
    clock: Clock
    identities: Identities
    dropped: Dropped
    columns: dict[str, list[NDArray[Any]]] = field(
        default_factory=lambda: {"customer": [], "day": [], "gross": [], "discount": []}
    )
    rows: int = 0
    second: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    row: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    worthless: int = -1  # position of the first order without value

    def __post_init__(self) -> None:
        self.repeats = Repeats(self.file, ("order_id",), named)

    def take(self, piece: Table) -> None:
        """Check a piece and keep its numbers."""
        table = self.dropped.named(piece)
        when = stamps(table, "ts", self.clock)
        filled(table, "order_id")
        gross, discount = cents(table, "gross"), cents(table, "discount")
        cure = "gross is the price before the discount"
        table.refuse((discount > gross).to_numpy(), column="discount", rule="discount exceeds gross", cure=cure)
        self.repeats.note(table)
        customer = self.identities.number(table)
        self._note_first(customer, when.second)
        if self.worthless < 0 and (gross == 0).any():
            self.worthless = int(table.frame.index[(gross == 0).to_numpy()][0])
        values = (customer, when.day.astype(np.int32), gross.to_numpy(np.int64), discount.to_numpy(np.int64))
        for kept, column in zip(self.columns.values(), values, strict=True):
            kept.append(column)
        self.rows += len(customer)

    def _note_first(self, customer: NDArray[np.int32], second: Ints) -> None:
        """Second and row of everybody's first order; of equal seconds the first row."""
        unmet = len(self.identities) - len(self.second)
        self.second = np.concatenate([self.second, np.full(unmet, NEVER)])
        self.row = np.concatenate([self.row, np.zeros(unmet, np.int64)])
        order = np.lexsort((second, customer))
        first = order[np.flatnonzero(np.diff(customer[order], prepend=-1))]
        earlier = first[second[first] < self.second[customer[first]]]
        self.second[customer[earlier]] = second[earlier]
        self.row[customer[earlier]] = self.rows + earlier

    def orders(self) -> Orders:
        """Everything added up. What was gathered is used up, for it is large."""
        refuse_nobody(self.file, self.rows)
        rule, cure = "order stands twice with different content", "write one row per order: add up its lines"
        copies = self.repeats.copies(column="order_id", rule=rule, cure=cure)
        self.dropped.count("copies of a row of orders", len(copies))
        worth = np.concatenate(self.columns["gross"]) > 0
        if not worth.any():
            rule, cure = "no order has a value", "export gross before discounts"
            raise refusal(self.file, self.worthless, "gross", rule=rule, value="0", cure=cure, rows=self.rows)
        single = np.ones(self.rows, bool)
        single[copies] = False
        self.dropped.count("orders without value", int((single & ~worth).sum()))
        ranked = np.lexsort((self.row, self.second))
        code = np.empty(len(ranked), np.int64)
        code[ranked] = np.arange(len(ranked))
        days = [day for day in self.columns["day"] if len(day)]
        origin = int(min(day.min() for day in days))
        last_day = int(max(day.max() for day in days)) - origin
        visits = visits_of(*self._emptied(worth & single, code, origin))
        return Orders(origin, last_day, code, visits)

    def _emptied(self, kept: NDArray[np.bool_], code: Ints, origin: int) -> tuple[Ints, Ints, Ints, Ints]:
        """Customer code, day, gross and discount of some rows."""
        customer, day, gross, discount = (self._whole(name)[kept] for name in tuple(self.columns))
        return code[customer], day.astype(np.int64) - origin, gross, discount

    def _whole(self, name: str) -> NDArray[Any]:
        return np.concatenate(self.columns.pop(name))
