"""Welfare day: a flash sale for a day, a limited gift with purchase, something extra for members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import cents
from agents.actions.group_event import GroupEvent, Rows, flash_price, flash_terms
from agents.calendar import Calendar
from agents.coupon_book import carried
from agents.gatherings import Promise, Promised
from sim.columns import Columns
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.behaviours.gathering import Gathering
    from agents.domain import PrivateDomain

LARGEST_WORTH = 0.5  # share of an order that a gift is worth at most, as the deepest coupon: assumed


class Gift(Spec):
    """A gift with each order of the day, while it lasts."""

    cost_cny: float = parameter(5.0, ge=0, le=10_000, doc="cost of one piece, CNY", source="assumed", fact=True)
    worth_cny: float = parameter(
        8.0, ge=0, le=10_000, doc="what a piece is worth to a customer, CNY", source="assumed", fact=True
    )
    stock: int | None = parameter(None, ge=0, doc="pieces for each event; none for no limit")

    def hoped_for(self, came: int) -> float:
        """Chance of a piece as those see it who came: each sees how many are there, and reckons with all of them."""
        return 1.0 if self.stock is None else min(self.stock / came, 1.0)


class WelfareDay(GroupEvent):
    """A flash price today for those who take note, deeper for members; a gift with the first orders.

    Announced at noon and again in the evening: two chances to be noticed, and twice the load.
    """

    kind = "welfare_day"
    appeal = "price_sensitivity"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0, "member_extra": 0.0, "gift": None}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_event", "production_cny", "gift.stock")

    depth: float = parameter(0.1, ge=0, le=0.5, doc="flash price: share off an order today", source="assumed")
    member_extra: float = parameter(0.0, ge=0, le=0.5, doc="further share off for members")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    gift: Gift | None = parameter(None, doc="gift with purchase; none for none")
    announcements: int = parameter(
        2, ge=1, le=6, doc="announcements on the day", source="S4: at noon and in the evening"
    )
    calendar: Calendar = parameter(Calendar(weekdays=("fri",)), doc="when", source="S4: Friday")

    @property
    def idle(self) -> bool:
        return self.depth == 0 and self.member_extra == 0 and self.gift is None

    def carries(self) -> tuple[type[Columns], ...]:
        depth = self.depth + self.member_extra
        deal = carried(flash_terms(depth, self.minimum_spend_cny)) if depth > 0 else ()
        return (*super().carries(), *deal, *((Promised,) if self.gift else ()))

    def welcome(self, world: PrivateDomain, rows: Rows, name: str, gathering: Gathering) -> None:
        c = world.customers
        member = (c.member_level[rows] > 0) | (c.card_until[rows] >= world.day)
        for chosen, depth in ((~member, self.depth), (member, self.depth + self.member_extra)):
            flash_price(world, rows[chosen], depth, self.minimum_spend_cny, name)
        if self.gift and self.gift.stock != 0 and len(rows):  # without a piece nobody hears of it
            worth = np.minimum(self.gift.worth_cny * 100 / world.expected_basket(rows), LARGEST_WORTH)
            c.gift_hope[rows] += worth * self.gift.hoped_for(len(rows))
            world.today.promised.append(Promise(name, rows, cents(self.gift.cost_cny), self.gift.stock))
