"""The past: all that a rival may see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from experiments.forecasting.order_days import Floats, Ints, OrderDays


@dataclass(frozen=True)
class Past:
    """All that a rival may see: the order days up to the cut-off of customers who have ordered; and how far to look."""

    orders: OrderDays
    horizon_days: int

    @cached_property
    def joined(self) -> Ints:
        """Day of the first order, shape (n,)."""
        return self.orders.first_and_last()[0]

    @cached_property
    def repeats(self) -> NDArray[np.bool_]:
        """Mask of the order days that are not a customer's first, which says nothing of how often there are more."""
        return self.orders.day > self.joined[self.orders.customer]

    @cached_property
    def recent(self) -> NDArray[np.bool_]:
        """Mask of the repeat orders within one horizon before the cut-off."""
        return self._between(self.orders.days - self.horizon_days, self.orders.days - 1)

    def _between(self, first_day: int, last_day: int) -> NDArray[np.bool_]:
        return self.repeats & self.orders.within(first_day, last_day)

    @property
    def stretch(self) -> float:
        """Horizon / the days of past that one horizon back finds."""
        return self.horizon_days / min(self.horizon_days, self.orders.days)

    @cached_property
    def p_any_as_before(self) -> Floats:
        """P(any order in the horizon), given whether there was any repeat order in as many days before.

        The two shares are counted between halves of a past that holds no two horizons.
        """
        days = self.orders.days
        span = min(self.horizon_days, days // 2)
        before = self.orders.orders(self._between(days - 2 * span, days - span - 1)) > 0
        after = self.orders.orders(self._between(days - span, days - 1)) > 0
        known = self.joined < days - span
        shares = [
            (after[known & (before == ordered)].sum() + 0.5) / ((known & (before == ordered)).sum() + 1.0)
            for ordered in (False, True)
        ]
        chance: Floats = np.where(self.orders.orders(self.recent) > 0, shares[1], shares[0])
        return chance
