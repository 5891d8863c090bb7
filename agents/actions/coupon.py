"""Coupons: a share or an amount off, minimum spend, validity, reminder, audience, stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.actions.base import ScheduledAction, cents
from agents.coupon_book import PLAIN, CouponTerms, carried, give, holding
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

SlotName = Literal["coupon", "newcomer", "birthday", "winback", "extra"]


class Coupon(ScheduledAction):
    """Hand out a coupon to each of the audience who holds none as good in the same slot.

    A customer has one coupon in a slot; a better one replaces it. It costs when it is redeemed, never before.
    """

    kind = "coupon"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0, "off_cny": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("stock",)

    depth: float = parameter(0.0, ge=0, le=0.5, doc="discount as a share of the order")
    off_cny: float = parameter(0.0, ge=0, le=100_000, doc="discount as an amount, CNY, instead of a share")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity, the day of issue included")
    reminder_days: int = parameter(0, ge=0, le=30, doc="reminder so many days before the last day; 0 for none")
    stock: int | None = parameter(None, ge=0, doc="coupons there are in all; none for no limit")
    slot: SlotName = parameter(PLAIN, doc="coupons of one slot replace each other, those of several lie side by side")

    @model_validator(mode="after")
    def _share_or_amount(self) -> Self:
        if self.depth and self.off_cny:
            raise ValueError(
                f"a coupon takes off a share or an amount, not both (depth {self.depth:g}, off_cny {self.off_cny:g}); "
                "set one to 0"
            )
        return self

    @property
    def terms(self) -> CouponTerms:
        """What each coupon promises."""
        return CouponTerms(
            depth=self.depth, off_cents=cents(self.off_cny), minimum_cents=cents(self.minimum_spend_cny),
            valid_days=self.valid_days, reminder_days=self.reminder_days, slot=self.slot,
        )  # fmt: skip

    def carries(self) -> tuple[type[Columns], ...]:
        return carried(self.terms)

    def apply(self, world: PrivateDomain, name: str) -> None:
        terms = self.terms
        if not (terms.depth or terms.off_cents) or not self.calendar.times(world.day, world.date):
            return
        meant = self.audience.mask(world.customers, world.day) & ~holding(world, terms)
        give(world, self._within_stock(world, np.flatnonzero(meant), name), terms, name)

    def _within_stock(self, world: PrivateDomain, rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        if self.stock is None or not len(rows):
            return rows
        taken = world.operator.take(name, len(rows), self.stock)
        if taken == len(rows):
            return rows
        u = world.draws.uniform(f"coupon.stock.{name}", world.day, world.customers.key[rows])
        return np.sort(rows[np.argsort(u, kind="stable")[:taken]])
