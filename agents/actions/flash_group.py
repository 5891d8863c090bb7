"""Flash groups (快闪群, S3): weeks of nurture, an invitation, a short sale of one item, and the group dissolves."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Action, Claim, Problem, ScheduledAction, cents
from agents.actions.item import FlashItem
from agents.calendar import Calendar
from agents.customers import FlashMembers
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario
    from sim.columns import Columns


class FlashGroup(ScheduledAction):
    """A sales group that lives for days. The calendar gives the days of sale; those after the run do not count.

    Before a sale its audience gets value content at a cadence; some days before, an invitation. Whoever joins may buy
    the item while the sale is open, and at its end the group dissolves. One is in one flash group at a time.
    """

    kind = "flash_group"
    off: ClassVar[dict[str, Any]] = {"item.stock": 0}
    extensive: ClassVar[tuple[str, ...]] = ("item.stock", "production_cny")

    item: FlashItem = parameter(doc="what is sold")
    hours_open: float = parameter(
        24.0, gt=0, le=24, unit="hours", doc="hours for which the sale is open (S3: 24, or a half)"
    )
    nurture_days: int = parameter(60, ge=0, le=366, doc="days of nurture before a sale (S3: two months)")
    nurture_per_week: float = parameter(4.0, ge=0, le=28, doc="pieces of value content a week during nurture")
    invite_days: int = parameter(3, ge=0, le=30, doc="days between the invitation and the sale")
    cost_cny: float = parameter(
        0.02, ge=0, le=10, doc="cost of one message to one customer, CNY", source="assumed", fact=True
    )
    production_cny: float = parameter(
        30.0, ge=0, doc="cost of making one piece of content, CNY", source="assumed", fact=True
    )

    def carries(self) -> tuple[type[Columns], ...]:
        return (FlashMembers,)

    def claims(self) -> Iterator[Claim]:
        return self.item.claims()

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.item.stock == 0:
            return
        days = self._days(world.start, world.horizon_days)
        posts = self._posts(world.day, days)
        invites = world.day + self.invite_days in days
        if not (posts or invites):
            return
        c = world.customers
        rows = np.flatnonzero(self.audience.mask(c, world.day))
        for _ in range(posts):
            if self.production_cny:
                world.ledger.record_shared(world.day, "setup", cents(self.production_cny), name)
            world.send("content", rows, name, self.cost_cny)
        if invites:
            world.send("advert", rows[c.flash_group[rows] < 0], name, self.cost_cny, series="invitation")

    def sells_on(self, day: int, start: dt.date, horizon_days: int) -> bool:
        """Whether a day of the run is a day of sale."""
        return self.item.stock != 0 and day in self._days(start, horizon_days)

    def _days(self, start: dt.date, horizon_days: int) -> tuple[int, ...]:
        return sale_days(self.calendar, start, horizon_days)

    def _posts(self, day: int, days: tuple[int, ...]) -> int:
        """Pieces of content on a day: at the cadence while a sale lies ahead within the days of nurture."""
        if not any(day < sale <= day + self.nurture_days for sale in days):
            return 0
        per_day = self.nurture_per_week / 7
        return math.floor(round((day + 1) * per_day, 9)) - math.floor(round(day * per_day, 9))

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        days = self._days(scenario.start, scenario.horizon_days)
        if days and days[0] < self.invite_days:
            yield (
                f"the first sale is on day {days[0]}, but its invitation goes out {self.invite_days} days before",
                "calendar",
                "begin later (calendar.from_day) or lower invite_days",
            )
        near = next((pair for pair in pairwise(days) if pair[1] - pair[0] <= self.invite_days), None)
        if near:
            yield (
                f"sales on days {near[0]} and {near[1]}: the second group is invited while the first still runs",
                "calendar",
                f"leave more than invite_days ({self.invite_days}) days between sales",
            )

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        if self.item.stock == 0:
            return 0.0
        days = self._days(scenario.start, scenario.horizon_days)
        return self.production_cny * sum(self._posts(day, days) for day in range(scenario.horizon_days))


@lru_cache(maxsize=256)
def sale_days(calendar: Calendar, start: dt.date, horizon_days: int) -> tuple[int, ...]:
    """Days of a run on which a calendar comes up."""
    return tuple(day for day in range(horizon_days) if calendar.times(day, start + dt.timedelta(days=day)))


def flash_groups(actions: dict[str, Action]) -> list[tuple[str, FlashGroup]]:
    """The flash groups among a policy's actions, by name."""
    return [(name, action) for name, action in actions.items() if isinstance(action, FlashGroup)]
