"""Service: what an order leaves behind — history, points, experience, and for some the last order for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact, Level
from agents.membership_book import MOST_CENTS
from agents.models.features import PRIOR_BASKETS
from agents.models.hazard import sigmoid
from agents.models.history import record_orders
from agents.till import whole_day
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.till import Sale


UNKNOWN_ORDERS = PRIOR_BASKETS  # orders after which history weighs as much as a trait


class Service(Behaviour):
    """Paid trust is real trust: the first order makes a buyer, each further one adds to resting trust."""

    kind = "service"
    phase = "serve"

    experience: float = parameter(
        0.03,
        ge=0,
        le=1,
        doc="share of missing trust that an order adds for good",
        source="assumed",
    )
    habit: float = parameter(
        0.2, ge=0, le=1, doc="share of the orders that only the operator brought which become habit", source="assumed"
    )

    def apply(self, world: PrivateDomain) -> None:
        # Several orders on one day are one order day: one experience, one chance to lapse, one line of history.
        day = whole_day(world.today.sales)
        if day:
            self._serve(world, day)

    def _serve(self, world: PrivateDomain, sale: Sale) -> None:
        c, rows, net = world.customers, sale.rows, sale.net
        back = c.lapsed[rows]
        world.record("comeback", rows[back], 0, "service")
        # A learned rate tells customers apart; an order that was bought from one does not make him another.
        habit = sale.organic.copy()
        (bought,) = (~habit).nonzero()
        if len(bought):
            habit[bought] = world.draws.uniform("habit", world.day, c.key[rows[bought]]) < self.habit
        record_orders(c, rows, world.day, net, habit)
        self._leave_to_history(world, rows)
        c.spend_season[rows] = np.minimum(c.spend_season[rows] + net, MOST_CENTS)
        c.resting_trust[rows] += self.experience * (1.0 - c.resting_trust[rows].astype(np.float64))
        first = rows[(c.level[rows] < Level.BUYER) & (c.contact[rows] != Contact.DELETED)]
        world.set_level(first, Level.BUYER)
        rows = rows[habit | back]  # an extra order in between is no occasion to lapse
        logit = world.models.lapse.logit_at(c, rows, world.day, world.weekday)
        logit -= world.effects["trust"] * c.goodwill[rows]
        lapses = world.draws.uniform("lapse", world.day, c.key[rows]) < sigmoid(logit)
        c.lapsed[rows] = lapses
        world.record("lapse", rows[lapses], 0, "service")

    def _leave_to_history(self, world: PrivateDomain, rows: NDArray[np.intp]) -> None:
        """Fade the traits of those who ordered, where the models read what the order revealed of them.

        A trait says what is not known of a newcomer. Kept beside covariates that have learned it, it would count at
        every order anew: a basket half as large again would grow without end.
        """
        c, models = world.customers, world.models
        if not (models.knows_rates or models.knows_baskets):
            return
        orders = c.orders[rows]
        fade = (UNKNOWN_ORDERS + orders - 1) / (UNKNOWN_ORDERS + orders)  # telescopes to 3 / (3 + orders)
        if models.knows_rates:
            c.rate[rows] *= fade
        if models.knows_baskets:
            c.basket[rows] *= fade
