"""Welcome messages in the groups: one for each who joins, or one for all who joined within some hours (S4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Action, cents
from agents.actions.community import runs_communities
from agents.calendar import Calendar
from agents.customers import NEVER, Contact
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Welcomed(Columns):
    """Columns of customers where newcomers are welcomed."""

    welcome_day = column("i2", NEVER, unit="day", doc="day on which a newcomer was welcomed")


class Welcome(Action):
    """Everybody who joined today or yesterday is welcomed once, in the group.

    Where the policy runs communities, that is whoever took a seat in one of them yesterday: those who join none are in
    no group to be welcomed in.

    A welcome warms the newcomer, one's own more than a shared one. What goes beyond one message an hour tires all who
    are in the group already (``Greeting``), the more of them the more people join on a day.
    """

    kind = "welcome"
    single = True
    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0}

    every_hours: float = parameter(
        1.0, ge=0, le=24, doc="at most one message in so many hours; 0 for one per joiner", source="S4: one an hour"
    )
    group_size: int = parameter(
        200, ge=2, le=500, doc="people in a group where no communities run", source="S4: about 200", fact=True
    )
    cost_cny: float = parameter(0.0, ge=0, le=1000, doc="cost of welcoming one newcomer, CNY", fact=True)
    calendar: Calendar = parameter(Calendar(per_week=7), doc="on which days")

    def carries(self) -> tuple[type[Columns], ...]:
        return (Welcomed,)

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.calendar.times(world.day, world.date):
            return
        c = world.customers
        in_groups = runs_communities(world.policy)
        came = c.seated_day if in_groups else c.joined
        new = (came >= max(world.day - 1, 0)) & (c.contact == Contact.CONTACT) & (c.welcome_day == NEVER)
        if in_groups:
            new &= c.community >= 0
        rows = np.flatnonzero(new)
        c.welcome_day[rows] = world.day
        world.record("welcome", rows, cents(self.cost_cny), name)

    def joiners_an_hour(self, welcomed: int, contacts: int, hours: float) -> float:
        """Newcomers of one group in an hour, on average, when joining is spread evenly over groups and hours."""
        return welcomed / (max(math.ceil(contacts / self.group_size), 1) * hours)

    def joiners_a_message(self, per_hour: float) -> float:
        """Newcomers who share a message, on average."""
        waiting = per_hour * self.every_hours
        return waiting / -math.expm1(-waiting) if waiting > 0 else 1.0

    def surplus_an_hour(self, per_hour: float) -> float:
        """Messages of an hour beyond the first, on average, when people join at random."""
        waiting = per_hour * self.every_hours
        messages = -math.expm1(-waiting) / self.every_hours if waiting > 0 else per_hour
        return max(messages + math.expm1(-per_hour), 0.0)
