"""Coupons that something of the customer's own sets off: joining, a birthday, a silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from agents.actions.coupon import CouponGiver
from agents.birthdays import Birthdays, birthday_on
from agents.calendar import Calendar
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

SLOTS = {"joining": "newcomer", "birthday": "birthday", "silence": "winback"}


class TriggeredCoupon(CouponGiver):
    """Hand out a coupon on the day that one joins, has a birthday, or has been silent for so many days.

    Each happens once: to a newcomer, in a year, in a silence between two orders. On days that the calendar leaves out
    nobody gets it. Each kind of trigger has a slot of its own in hand.
    """

    kind = "coupon_trigger"

    on: Literal["joining", "birthday", "silence"] = parameter(doc="what sets it off (S2 birthday; S4 all three)")
    silence_days: int = parameter(30, ge=1, le=3650, doc="days since the last order, where a silence sets it off")
    calendar: Calendar = parameter(Calendar(every_days=1), doc="days on which it may be set off")

    @property
    def lies_in(self) -> str:
        return SLOTS[self.on]

    def carries(self) -> tuple[type[Columns], ...]:
        return (*super().carries(), *((Birthdays,) if self.on == "birthday" else ()))

    def due(self, world: PrivateDomain) -> NDArray[np.bool_]:
        c = world.customers
        if self.on == "joining":
            happens = c.joined == world.day
        elif self.on == "birthday":
            happens = c.birthday == birthday_on(world.date)
        else:
            happens = (c.orders > 0) & (c.last_order == world.day - self.silence_days)
        due: NDArray[np.bool_] = happens & super().due(world)
        return due
