"""Coupons: depth, minimum spend, validity, reminder, audience, stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import ScheduledAction, cents
from agents.coupon_book import CouponTerms, give, holding
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Coupon(ScheduledAction):
    """Hand out a coupon to each of the audience who holds none as deep.

    A customer has one coupon in hand; a deeper one replaces it. It costs when it is redeemed, never before.
    """

    kind = "coupon"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("stock",)

    depth: float = parameter(ge=0, le=0.5, doc="discount as a share of the order")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity, the day of issue included")
    reminder_days: int = parameter(0, ge=0, le=30, doc="reminder so many days before the last day; 0 for none")
    stock: int | None = parameter(None, ge=0, doc="coupons there are in all; none for no limit")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.depth <= 0 or not self.calendar.times(world.day, world.date):
            return
        meant = self.audience.mask(world.customers, world.day) & ~holding(world, self.depth)
        rows = self._within_stock(world, np.flatnonzero(meant), name)
        terms = CouponTerms(self.depth, cents(self.minimum_spend_cny), self.valid_days, self.reminder_days)
        give(world, rows, terms, name)

    def _within_stock(self, world: PrivateDomain, rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        if self.stock is None or not len(rows):
            return rows
        taken = world.operator.take(name, len(rows), self.stock)
        if taken == len(rows):
            return rows
        u = world.draws.uniform(f"coupon.stock.{name}", world.day, world.customers.key[rows])
        return np.sort(rows[np.argsort(u, kind="stable")[:taken]])
