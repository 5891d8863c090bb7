"""Quote desk: staff answer those who asked for a quote, first come, first served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action
from agents.behaviours.first_contact import Asking
from agents.customers import NEVER, is_contact
from agents.staff import whole_since
from agents.waiting_line import first_in_line
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class QuoteDesk(Action):
    """An answer is a one-to-one chat with whoever has waited longest; what a wait does is the customers' matter.

    Without it only chance brings an answer: a chat that happens to meet who asked.
    """

    kind = "quote_desk"
    off: ClassVar[dict[str, Any]] = {"hours_per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week",)

    hours_per_week: float = parameter(ge=0, le=10_000, doc="hours of the desk a week")
    minutes_per_quote: float = parameter(10.0, gt=0, le=480, doc="minutes of one answer", source="assumed", fact=True)
    cost_cny: float = parameter(0.0, ge=0, doc="material cost of one answer (a sample, a catalogue), CNY", fact=True)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Asking,)

    def hours_asked_per_week(self) -> float:
        return self.hours_per_week

    def waiting(self, world: PrivateDomain, name: str) -> int | None:
        return len(self._line(world)) if self.hours_per_week else None

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.hours_per_week:
            return
        before, after = world.staff.put_to_work(world, name)
        places, rows = whole_since(before, after, 60 / self.minutes_per_quote), self._line(world)
        asked = world.customers.quote_day[rows]
        world.send("chat", first_in_line(world, rows, asked, places, "quotes.line"), name, self.cost_cny)

    def _line(self, world: PrivateDomain) -> NDArray[np.intp]:
        """Rows of the contacts who wait for a quote."""
        c = world.customers
        (rows,) = (c.quote_day != NEVER).nonzero()
        here: NDArray[np.intp] = rows[is_contact(c.contact[rows])]
        return here
