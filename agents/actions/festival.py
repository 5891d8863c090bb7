"""Festivals of one's own making: a deep price on dates of the operator's choice, announced for days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.group_event import GroupEvent, Rows, flash_price, flash_terms
from agents.calendar import Calendar
from agents.coupon_book import carried
from agents.customers import NEVER, is_contact
from agents.staff import hours_granted
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.gathering import Gathering
    from agents.domain import PrivateDomain


class Expectant(Columns):
    """Columns of customers where festivals are announced ahead."""

    festival_day = column("i2", NEVER, unit="day", doc="day of the festival heard of last", access="latent")


class Festival(GroupEvent):
    """A price for the day for all who took note of it on the days before or on the day itself."""

    kind = "festival"
    single = True
    appeal = "price_sensitivity"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0}

    depth: float = parameter(0.2, ge=0, le=0.5, doc="price of the day: share off an order", source="assumed")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    run_up_days: int = parameter(5, ge=0, le=30, doc="days before, on each of which it is announced", source="assumed")
    calendar: Calendar = parameter(doc="when; give dates")

    @property
    def idle(self) -> bool:
        return self.depth == 0

    def carries(self) -> tuple[type[Columns], ...]:
        deal = carried(flash_terms(self.depth, self.minimum_spend_cny)) if self.depth else ()
        return (*super().carries(), Expectant, *deal)

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.idle:
            return
        ahead = self.next_in(world)
        if ahead == 0:
            c = world.customers
            here = is_contact(c.contact)
            remember = np.flatnonzero(here & (c.festival_day == world.day))
            flash_price(world, remember, self.depth, self.minimum_spend_cny, name)
        elif ahead is not None:
            # What is announced is what staff will have had hours for on the day.
            hours = hours_granted(world.spec, world.policy, world.day + ahead)[name] if self.hours_per_event else 0.0
            self.announce(world, name, hours, times=1)
        super().apply(world, name)

    def next_in(self, world: PrivateDomain) -> int | None:
        """Days until the next festival that is announced by now; none when none is."""
        for ahead in range(min(self.run_up_days, world.horizon_days - 1 - world.day) + 1):
            if self.calendar.times(world.day + ahead, world.date + dt.timedelta(days=ahead)):
                return ahead
        return None

    def welcome(self, world: PrivateDomain, rows: Rows, name: str, gathering: Gathering) -> None:
        ahead = self.next_in(world)
        if ahead:
            world.customers.festival_day[rows] = world.day + ahead
        else:
            flash_price(world, rows, self.depth, self.minimum_spend_cny, name)
