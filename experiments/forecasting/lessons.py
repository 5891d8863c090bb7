"""Lessons: what direct models are taught with, one row per customer and evening of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.forecasting.order_days import NEVER, Floats, Ints
from experiments.forecasting.past import Past

FIRST_EVENING = 28  # days of past that an evening has behind it at least; assumed
MOST_EVENINGS = 30  # a week apart
MOST_ROWS = 300_000  # of bigger logs every k-th customer
YOUNG_DAYS = 91  # beyond, tenure is a calendar clock where all customers enter together
WINDOWS = (7, 14, 28, 91)  # days of recent past that are counted
MONTH, SEASON = 4, 13  # weeks of which those with an order are counted
SINCE, TENURE, LAST_FROM_FIRST, ORDERS, VALUE, RATE = range(6)  # columns of the covariates that some models pick


@dataclass(frozen=True)
class Lessons:
    """Covariates on some evenings and what came of them.

    Attributes
    ----------
    x : covariates, shape (rows, covariates); see :func:`covariates`.
    orders, half, spend : orders in the coming days, in the first half of them, and net spend in cents, shape (rows,).
    """

    x: Floats
    orders: Ints
    half: Ints
    spend: Ints

    @classmethod
    def of(cls, past: Past, evenings: Sequence[int], span: int) -> Lessons:
        """Lessons from some evenings about the coming ``span`` days, of the customers known by then."""
        o = past.orders
        step = -(-len(evenings) * o.n_customers // MOST_ROWS)
        rows = []
        for number, evening in enumerate(evenings):
            known = np.flatnonzero(past.joined <= evening)[number % step :: step]
            coming, half = o.within(evening + 1, evening + span), o.within(evening + 1, evening + span // 2)
            columns = (covariates(past, evening), o.orders(coming), o.orders(half), o.spend(coming))
            rows.append(tuple(column[known] for column in columns))
        return cls(*(np.concatenate(column) for column in zip(*rows, strict=True)))

    @property
    def any_order(self) -> NDArray[np.bool_]:
        """Whether there was any order in the coming days."""
        return self.orders > 0

    def stretch_of_orders(self, times: float) -> float:
        """How many times as many orders in a span so many times as long as half of this one, by a power law."""
        return float(times ** np.log2(max(self.orders.sum() / max(self.half.sum(), 1), 1.0)))

    def stretch_of_silence(self, times: float) -> float:
        """The power of P(no order) that a span so many times as long takes, by the same law."""
        silent, silent_half = ((n == 0).mean() for n in (self.orders, self.half))
        if not 0 < silent < silent_half < 1:
            return 1.0
        return float(times ** np.log2(np.log(silent) / np.log(silent_half)))


def evenings(past: Past, span: int) -> list[int]:
    """Evenings a week apart, the latest first, whose coming ``span`` days lie within the past."""
    last = past.orders.days - 1 - span
    first = max(min(FIRST_EVENING, last), last - 7 * (MOST_EVENINGS - 1))
    return list(range(last, first - 1, -7))


def covariates(past: Past, evening: int) -> Floats:
    """What is known of each customer on an evening, shape (n, covariates). Later days are not looked at."""
    o, so_far = past.orders, past.orders.day <= evening
    last = np.full(o.n_customers, NEVER, dtype=np.int64)
    last[o.customer[so_far]] = o.day[so_far]
    age = np.maximum(evening + 1 - past.joined, 1)
    n, spend = o.orders(so_far), o.spend(so_far)
    since, gap = evening - last, (last - past.joined) / np.maximum(n - 1, 1)
    columns = [since, np.minimum(age, YOUNG_DAYS), last - past.joined, n, spend / np.maximum(n, 1)]
    columns += [n / age, spend / age, gap, since / np.maximum(gap, 1)]
    for days in WINDOWS:
        recent = o.within(evening - days + 1, evening)
        columns += [o.orders(recent), o.spend(recent)]
    previous = o.within(evening - 2 * YOUNG_DAYS + 1, evening - YOUNG_DAYS)
    columns += [o.orders(previous), o.spend(previous)]
    columns += [active_weeks(past, evening, weeks) for weeks in (MONTH, SEASON)]
    return np.stack(columns, axis=1).astype(np.float64)


def active_weeks(past: Past, evening: int, weeks: int, *, repeats: bool = False) -> Ints:
    """Weeks with an order, of so many up to an evening, shape (n,); of repeat orders alone if asked for."""
    o = past.orders
    kept = o.within(evening - 7 * weeks + 1, evening)
    if repeats:
        kept = kept & past.repeats
    cell = np.unique(o.customer[kept] * weeks + (evening - o.day[kept]) // 7)
    return np.bincount(cell // weeks, minlength=o.n_customers).astype(np.int64)
