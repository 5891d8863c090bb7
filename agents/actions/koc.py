"""KOC (key opinion consumers): staff and gifts for the few whose word carries far (S0, S4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import ScheduledAction, cents
from agents.audience import Audience
from agents.calendar import Calendar
from agents.customers import is_contact
from agents.invitations import Inviting
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Cultivated(Inviting):
    """Columns of customers where staff cultivate some."""

    koc_until = column("i2", -1, unit="day", doc="last day on which staff cultivate this customer")
    koc_gift = column("f4", 0.0, unit="CNY", doc="value of the last gift to a cultivated customer")


class Koc(ScheduledAction):
    """On the days of the calendar as many are chosen as there is time for: who brought most friends, then by luck.

    Those still cultivated keep their time, and are chosen anew when their term is over.
    Nobody can see how sociable a customer is; that they brought friends can be seen.
    """

    kind = "koc"
    single = True
    off: ClassVar[dict[str, Any]] = {"hours_per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week",)

    hours_per_week: float = parameter(ge=0, le=10_000, doc="staff hours a week for all of them together")
    minutes_per_week: float = parameter(
        30.0, gt=0, le=2400, doc="minutes a week that one takes", source="assumed", fact=True
    )
    gift_cny: float = parameter(0.0, ge=0, le=100_000, doc="gift for each chosen, each time, CNY")
    term_days: int = parameter(28, ge=1, le=366, doc="days for which one is cultivated", source="assumed")
    calendar: Calendar = parameter(Calendar(every_days=28), doc="when they are chosen anew")
    audience: Audience = parameter(Audience(levels=("L5",)), doc="among whom")

    def carries(self) -> tuple[type[Columns], ...]:
        return (Cultivated,)

    def hours_asked_per_week(self) -> float:
        return self.hours_per_week

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.hours_per_week:
            return
        before, after = world.staff.put_to_work(world, name)
        if self.calendar.times(world.day, world.date):
            asked = self.hours_asked_on(world.spec, world.day, world.date)
            hours = self.hours_per_week * ((after - before) / asked if asked else 1.0)
            c = world.customers
            busy = (c.koc_until >= world.day) & is_contact(c.contact)
            places = math.floor(round(hours * 60 / self.minutes_per_week, 9)) - int(np.count_nonzero(busy))
            rows = self._choose(world, max(places, 0), name)
            c.koc_until[rows] = world.day + self.term_days - 1
            c.koc_gift[rows] = self.gift_cny
            if self.gift_cny:
                world.record("gift", rows, cents(self.gift_cny), name)

    def _choose(self, world: PrivateDomain, many: int, name: str) -> NDArray[np.intp]:
        """Rows of the chosen, ascending."""
        c = world.customers
        rows = np.flatnonzero(self.audience.mask(c, world.day) & (c.koc_until < world.day))
        if many < len(rows):
            u = world.draws.uniform(f"koc.choose.{name}", world.day, c.key[rows])
            rows = rows[np.lexsort((u, -c.brought[rows].astype(np.int64)))[:many]]
        return np.sort(rows)
