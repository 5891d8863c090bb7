"""Distribution (分销): customers who sell to their friends for a commission (S1, S4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import ScheduledAction
from agents.actions.programme import Programme
from agents.invitations import Opening
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Distributing(Columns):
    """Columns of customers where some are distributors."""

    distributor = column("?", False, unit="flag", doc="sells to friends for a commission")


class Distribution(Programme, ScheduledAction):
    """Customers of the audience may apply on the days of the calendar; distributors bring friends on any day.

    A distributor gets a share of what those whom they brought pay, for a time; of one level alone, since more than two
    below the seller are unlawful (Regulations on Prohibition of Pyramid Selling, 2005).
    """

    kind = "distribution"
    single = True
    off: ClassVar[dict[str, Any]] = {"commission": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("places",)

    commission: float = parameter(ge=0, le=0.5, doc="share of what the newcomer pays")
    commission_days: int = parameter(180, ge=1, le=3660, doc="days on which it is paid, from that of joining on")
    places: int | None = parameter(None, ge=0, doc="distributors there may be at a time; none for no limit")
    expected_orders: float = parameter(
        3.0, ge=0, le=1000, doc="orders of a friend that a distributor reckons with", source="assumed", fact=True
    )

    def carries(self) -> tuple[type[Columns], ...]:
        return (Distributing, *super().carries())

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.commission:
            return
        c = world.customers
        self.invite(world, name, np.flatnonzero(c.distributor))
        if self.calendar.times(world.day, world.date):
            rows = np.flatnonzero(self.audience.mask(c, world.day) & ~c.distributor)
            world.today.openings.append(Opening(name, rows, self.places))

    @property
    def commission_terms(self) -> tuple[float, int]:
        return self.commission, self.commission_days

    def worth(self, world: PrivateDomain, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return world.expected_basket(rows) / 100 * (self.commission * self.expected_orders)
