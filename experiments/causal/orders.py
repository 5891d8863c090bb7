"""Counts and sums of what customers did in windows of days, for many customers and windows at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.logs import Ints

Floats = NDArray[np.float64]


class Diary:
    """Days of each customer, sorted once, so that any window is two look-ups.

    Parameters
    ----------
    rows : ``customer`` and ``day`` of what happened.
    value : what to add up, by row; None counts only.
    """

    def __init__(self, rows: pd.DataFrame, value: NDArray[np.generic] | None = None) -> None:
        day = rows["day"].to_numpy(np.int64)
        self._span = int(day.max(initial=0)) + 2
        place = rows["customer"].to_numpy(np.int64) * self._span + day
        order = np.argsort(place, kind="stable")
        self._place = place[order]
        self._sum = np.concatenate([[0.0], np.cumsum(value[order], dtype=np.float64)]) if value is not None else None

    def _at(self, customer: Ints, day: Ints) -> Ints:
        found: Ints = np.searchsorted(self._place, customer * self._span + np.clip(day, 0, self._span - 1))
        return found

    def count(self, customer: Ints, first: Ints, end: Ints) -> Ints:
        """How often in ``first <= day < end``. Shape (n,)."""
        return self._at(customer, end) - self._at(customer, first)

    def total(self, customer: Ints, first: Ints, end: Ints) -> Floats:
        """Sum of the values in ``first <= day < end``. Shape (n,)."""
        assert self._sum is not None
        found: Floats = self._sum[self._at(customer, end)] - self._sum[self._at(customer, first)]
        return found

    def last_before(self, customer: Ints, day: Ints) -> Ints:
        """The last day before ``day``; −1 where there is none. Shape (n,)."""
        at = self._at(customer, day) - 1
        place = np.where(at >= 0, self._place[np.maximum(at, 0)], -1) if len(self._place) else np.full(len(at), -1)
        mine = (place >= 0) & (place // self._span == customer)
        return np.where(mine, place % self._span, -1)
