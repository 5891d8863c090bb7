"""Order days: who ordered on which day of a stretch, and for how much; observed and simulated ones look alike."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from experiments.data import Logs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEVER = -(2**30)  # last order before the stretch, of somebody who had not ordered


@dataclass(frozen=True)
class OrderDays:
    """Order days of n customers over a stretch of days, at most one for each customer and day.

    Attributes
    ----------
    start : date of day 0.
    days : length of the stretch.
    before : day of the last order before the stretch, negative, for each customer, shape (n,).
    customer, day, net : one entry per order day, sorted by customer and day; customers are 0..n-1, net in cents.
    """

    start: dt.date
    days: int
    before: Ints = field(repr=False)
    customer: Ints = field(repr=False)
    day: Ints = field(repr=False)
    net: Ints = field(repr=False)

    @classmethod
    def of_logs(cls, logs: Logs, codes: Ints, first_day: int, last_day: int) -> OrderDays:
        """What some customers of the logs, by code, ordered on these days, both inclusive."""
        row = np.full(logs.n_customers, -1, dtype=np.int64)
        row[codes] = np.arange(len(codes))
        visits = logs.visits
        customer, day = row[visits["customer"].to_numpy(np.int64)], visits["day"].to_numpy(np.int64)
        net = visits["net"].to_numpy(np.int64)
        before = np.full(len(codes), NEVER, dtype=np.int64)
        earlier = (customer >= 0) & (day < first_day)
        np.maximum.at(before, customer[earlier], day[earlier] - first_day)
        kept = (customer >= 0) & (day >= first_day) & (day <= last_day)
        start = logs.origin + dt.timedelta(days=first_day)
        return cls(start, last_day - first_day + 1, before, customer[kept], day[kept] - first_day, net[kept])

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def n_customers(self) -> int:
        """Number of customers, with and without an order."""
        return len(self.before)

    @property
    def weeks(self) -> int:
        """Whole weeks in the stretch, counted from its first day."""
        return self.days // 7

    def within(self, first_day: int, last_day: int) -> NDArray[np.bool_]:
        """Mask of the entries of these days, both inclusive."""
        return np.asarray((self.day >= first_day) & (self.day <= last_day))

    def orders(self, mask: NDArray[np.bool_] | None = None) -> Ints:
        """Order days of each customer, shape (n,), of all entries or of some."""
        rows = self.customer if mask is None else self.customer[mask]
        return np.bincount(rows, minlength=self.n_customers).astype(np.int64)

    def spend(self, mask: NDArray[np.bool_] | None = None) -> Ints:
        """Net spend of each customer in cents, shape (n,), of all entries or of some."""
        rows, net = (self.customer, self.net) if mask is None else (self.customer[mask], self.net[mask])
        # bincount adds in float64, which is exact below 2^53 cents
        return np.bincount(rows, net, self.n_customers).astype(np.int64)

    def weekly_orders(self) -> Ints:
        """Order days in each whole week, shape (weeks,)."""
        return np.bincount(self.day // 7, minlength=self.weeks)[: self.weeks].astype(np.int64)

    def weekly_spend(self) -> Floats:
        """Net spend in each whole week, in currency, shape (weeks,)."""
        spend: Floats = np.bincount(self.day // 7, self.net / 100, self.weeks).astype(np.float64)
        return spend[: self.weeks]

    def first_and_last(self) -> tuple[Ints, Ints]:
        """First and last order day of each customer within the stretch; both NEVER without any."""
        first, last = (np.full(self.n_customers, NEVER, dtype=np.int64) for _ in range(2))
        first[self.customer[::-1]] = self.day[::-1]
        last[self.customer] = self.day
        return first, last

    def gaps(self) -> tuple[Ints, Ints]:
        """Days since the customer's order before, for every order day that has one, and the customer of each.

        The first order of the stretch closes a gap that began before it, so that the long gaps are there too.
        """
        previous = np.empty(len(self), dtype=np.int64)
        previous[1:] = self.day[:-1]
        opens = np.ones(len(self), dtype=bool)
        opens[1:] = self.customer[1:] != self.customer[:-1]
        previous[opens] = self.before[self.customer[opens]]
        known = previous != NEVER
        return (self.day - previous)[known], self.customer[known]
