"""New-product day: a few new things shown on a fixed day of the week."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import NonNegativeFloat

from agents.actions.group_event import GroupEvent, Rows
from agents.calendar import Calendar
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.gathering import Gathering
    from agents.domain import PrivateDomain


class NewProductDay(GroupEvent):
    """Show some new items. More of them fit more tastes, are harder to choose from, and each costs money and time."""

    kind = "new_product_day"
    appeal = "interest"
    off: ClassVar[dict[str, Any]] = {"items": 0}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_event", "production_cny", "item_cost_cny")

    items: int = parameter(2, ge=0, le=50, doc="new items shown", source="S4: exactly two")
    item_cost_cny: NonNegativeFloat = parameter(
        60.0, doc="cost of introducing one item: samples, pictures, CNY", source="assumed", fact=True
    )
    calendar: Calendar = parameter(Calendar(weekdays=("wed",)), doc="when", source="S4: Wednesday")

    @property
    def idle(self) -> bool:
        return self.items == 0

    @property
    def choices(self) -> int:
        return self.items

    def cost_of_event_cny(self) -> float:
        return self.production_cny + self.items * self.item_cost_cny

    def welcome(self, world: PrivateDomain, rows: Rows, name: str, gathering: Gathering) -> None:
        best = 1.0 + gathering.variety * math.log(self.items)
        world.customers.stimulus[rows] += world.effects["novelty"] * best
