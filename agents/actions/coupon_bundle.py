"""Coupon bundles: an amount a month, split into coupons with rising thresholds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import model_validator

from agents.actions.base import ScheduledAction, cents
from agents.coupon_book import CouponTerms, carried, check_reminder, give, holding
from sim.columns import Columns
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class BundledCoupon(Spec):
    """One coupon of a bundle."""

    off_cny: float = parameter(ge=0, le=100_000, doc="discount as an amount, CNY; 0 leaves the coupon out")
    minimum_spend_cny: float = parameter(ge=0, le=100_000, doc="order value from which it counts, CNY")


class CouponBundle(ScheduledAction):
    """Give each of the audience several coupons at once, the larger ones from larger orders on.

    They lie side by side in hand and are noticed together. A coupon of which one as good is still in hand is left out.
    """

    kind = "coupon_bundle"
    off: ClassVar[dict[str, Any]] = {"coupons": ()}

    coupons: tuple[BundledCoupon, ...] = parameter(
        (
            BundledCoupon(off_cny=10, minimum_spend_cny=79),
            BundledCoupon(off_cny=20, minimum_spend_cny=129),
            BundledCoupon(off_cny=40, minimum_spend_cny=199),
        ),
        max_length=6,
        doc="its coupons, thresholds rising",
        source="S4: 70 a month in 3 with rising thresholds; how it is split is assumed",
    )
    valid_days: int = parameter(30, ge=1, le=365, doc="days of validity, the day of issue included")
    reminder_days: int = parameter(0, ge=0, le=30, doc="reminder so many days before the last day; 0 for none")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        check_reminder(self.valid_days, self.reminder_days)
        thresholds = [coupon.minimum_spend_cny for coupon in self.coupons]
        if any(b <= a for a, b in pairwise(thresholds)):
            raise ValueError(f"minimum_spend_cny of coupons must rise (they are {thresholds}); order them")
        return self

    @property
    def terms(self) -> tuple[CouponTerms, ...]:
        """What its coupons promise."""
        return tuple(
            CouponTerms(
                off_cents=cents(coupon.off_cny), minimum_cents=cents(coupon.minimum_spend_cny),
                valid_days=self.valid_days, reminder_days=self.reminder_days, slot=f"bundle_{number}",
            )
            for number, coupon in enumerate(self.coupons, start=1)
        )  # fmt: skip

    def carries(self) -> tuple[type[Columns], ...]:
        return carried(*(terms for terms in self.terms if terms.off_cents))

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.coupons or not self.calendar.times(world.day, world.date):
            return
        meant = self.audience.mask(world.customers, world.day)
        for terms in self.terms:
            if terms.off_cents:
                give(world, np.flatnonzero(meant & ~holding(world, terms)), terms, name)
