"""Cards: who buys a paid membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.models.hazard import sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import Offer, PrivateDomain

YOUNG_DAYS = 30  # a personal order rate is judged over at least a month


class CardChoice(Behaviour):
    """A customer weighs what a card would save against its fee.

    The expected saving is the personal order rate times the expected order times the discount gained. The log-odds of
    buying rise with the logarithm of saving over fee, more steeply for the price-sensitive.
    """

    kind = "card_choice"
    phase = "respond"

    at_par: float = parameter(
        -3.0, doc="log-odds of buying at an offer when the saving equals the fee", source="assumed"
    )
    per_log_ratio: float = parameter(2.0, ge=0, doc="log-odds per unit of log(saving / fee)", source="assumed")

    def apply(self, world: PrivateDomain) -> None:
        for offer in world.offers:
            self._answer(world, offer)
        world.offers.clear()

    def _answer(self, world: PrivateDomain, offer: Offer) -> None:
        c, rows = world.customers, offer.rows
        tenure = np.maximum(world.day - c.joined[rows], YOUNG_DAYS)
        orders = c.orders[rows] / tenure * offer.card.term_days
        saving = orders * world.expected_basket(rows) * np.maximum(offer.card.discount - offer.member_price, 0.0)
        worth = np.log(np.maximum(saving, 1.0) / max(offer.card.fee_cny * 100, 1.0))
        logit = self.at_par + self.per_log_ratio * worth * c.price_sensitivity[rows]
        buys = rows[world.draws.uniform("card", world.day, c.key[rows]) < sigmoid(logit)]
        offer.action.enrol(world, offer.card, buys, offer.source)
