"""Coupons: a share or an amount off, minimum spend, validity, reminder, audience, stock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.actions.base import Claim, ScheduledAction, cents
from agents.coupon_book import PLAIN, CouponTerms, carried, check_reminder, give, holding
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class CouponGiver(ScheduledAction):
    """What every action that hands out one coupon to a customer says of it. It costs when it is redeemed, not before.

    Whoever holds one as good in the same slot gets none; a better one replaces what is held.
    """

    off: ClassVar[dict[str, Any]] = {"depth": 0.0, "off_cny": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("stock",)

    depth: float = parameter(0.0, ge=0, le=0.5, doc="discount as a share of the order")
    off_cny: float = parameter(0.0, ge=0, le=100_000, doc="discount as an amount, CNY, instead of a share")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity, the day of issue included")
    reminder_days: int = parameter(0, ge=0, le=30, doc="reminder so many days before the last day; 0 for none")
    stock: int | None = parameter(None, ge=0, doc="coupons there are in all; none for no limit")
    shared_stock: str | None = parameter(
        None, min_length=1, doc="name of a stock that actions of one schedule draw on together; none for its own"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.depth and self.off_cny:
            raise ValueError(
                f"a coupon takes off a share or an amount, not both (depth {self.depth:g}, off_cny {self.off_cny:g}); "
                "set one to 0"
            )
        check_reminder(self.valid_days, self.reminder_days)
        if self.shared_stock and self.stock is None:
            raise ValueError(f"shared_stock '{self.shared_stock}' needs to say how many there are; give stock")
        return self

    def claims(self) -> Iterator[Claim]:
        if self.shared_stock:
            yield f"the schedule of stock '{self.shared_stock}'", "calendar", self.calendar
            yield f"the size of stock '{self.shared_stock}'", "stock", self.stock

    @property
    def lies_in(self) -> str:
        """Slot in hand."""
        return PLAIN

    @property
    def terms(self) -> CouponTerms:
        """What each coupon promises."""
        return CouponTerms(
            depth=self.depth, off_cents=cents(self.off_cny), minimum_cents=cents(self.minimum_spend_cny),
            valid_days=self.valid_days, reminder_days=self.reminder_days, slot=self.lies_in,
        )  # fmt: skip

    def carries(self) -> tuple[type[Columns], ...]:
        return carried(self.terms)

    def due(self, world: PrivateDomain) -> NDArray[np.bool_]:
        """Whose turn it is today, of the audience. Shape (n,)."""
        return self.audience.mask(world.customers, world.day)

    def apply(self, world: PrivateDomain, name: str) -> None:
        terms = self.terms
        if not (terms.depth or terms.off_cents) or not self.calendar.times(world.day, world.date):
            return
        rows = np.flatnonzero(self.due(world) & ~holding(world, terms))
        if self.stock:
            terms = replace(terms, gone=1.0 - world.operator.left(self._stock_of(name), self.stock) / self.stock)
        give(world, self._within_stock(world, rows, name), terms, name)

    def _stock_of(self, name: str) -> str:
        """Name under which the operator keeps its stock."""
        return f"stock.{self.shared_stock}" if self.shared_stock else name

    def _within_stock(self, world: PrivateDomain, rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        """As many as there are coupons, by luck."""
        if self.stock is None or not len(rows):
            return rows
        taken = world.operator.take(self._stock_of(name), len(rows), self.stock)
        if taken == len(rows):
            return rows
        u = world.draws.uniform(f"coupon.stock.{name}", world.day, world.customers.key[rows])
        return np.sort(rows[np.argsort(u, kind="stable")[:taken]])


class Coupon(CouponGiver):
    """Hand out a coupon to each of the audience who holds none as good in the same slot.

    A customer has one coupon in a slot; a better one replaces it. It costs when it is redeemed, never before.
    """

    kind = "coupon"

    slot: Literal["coupon", "extra"] = parameter(
        PLAIN, doc="coupons of one slot replace each other, those of the two lie side by side"
    )

    @property
    def lies_in(self) -> str:
        return self.slot
