"""Coupons and adverts of an operator who targets: a share of an audience gets them, which need not be all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.cadence import Advert
from agents.actions.coupon import Coupon
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Campaign(Coupon):
    """A coupon that reaches each of its audience with the same chance.

    Two of them with audiences that complement each other and unequal chances are one targeted campaign that overlaps:
    whom it prefers is confounded with whoever buys anyway, and who got it among equals is luck.
    """

    kind = "loop_campaign"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0, "chance": 0.0}

    chance: float = parameter(ge=0, le=1, doc="share of the audience that gets it, drawn anew every time")
    campaign: str = parameter(min_length=1, doc="name that its parts share in the logs")
    randomised: bool = parameter(False, doc="whether the operator's systems log the chance as a propensity")

    def _within_stock(self, world: PrivateDomain, rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        u = world.draws.uniform(f"campaign.{name}", world.day, world.customers.key[rows])
        return super()._within_stock(world, rows[u < self.chance], name)


class Reach(Advert):
    """An advert that reaches each of its audience with the same chance, as a feed does that shows it to some."""

    kind = "loop_advert"
    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0, "chance": 0.0}

    chance: float = parameter(ge=0, le=1, doc="share of the audience that it reaches, drawn anew every time")
    randomised: bool = parameter(False, doc="whether the operator's systems log the chance as a propensity")

    def apply(self, world: PrivateDomain, name: str) -> None:
        for number in range(self.calendar.times(world.day, world.date)):
            meant = np.flatnonzero(self.audience.mask(world.customers, world.day))
            u = world.draws.uniform(f"reach.{name}.{number}", world.day, world.customers.key[meant])
            world.send("advert", meant[u < self.chance], name, self.cost_cny)
