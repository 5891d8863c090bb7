"""What draws a customer to one item at its own price, whoever sells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.actions.item import Item
    from agents.domain import PrivateDomain

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class ItemDemand(Behaviour):
    """Log-odds that an item's price and the seller's standing add.

    The discount works as a coupon of that depth does; trust short of neutral costs odds, as with a first order; an item
    that costs more than one usually spends costs odds with the logarithm of how many times as much it is.
    """

    neutral_trust: float = parameter(0.6, ge=0, le=1, doc="trust from which it no longer matters", source="assumed")
    distrust: float = parameter(
        6.0, ge=0, doc="log-odds lost per unit of trust short of neutral", source="assumed, as for a first order"
    )
    stretch: float = parameter(
        1.0, ge=0, doc="log-odds lost per unit of log(price / usual order value) above it", source="assumed"
    )

    def appeal(self, world: PrivateDomain, rows: Rows, item: Item) -> Floats:
        """Log-odds that the item at its price has for these customers. Shape (n,)."""
        c = world.customers
        trust = np.clip(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0, 1.0)
        appeal: Floats = world.effects["coupon"] * item.depth * c.price_sensitivity[rows].astype(np.float64)
        appeal -= self.distrust * np.maximum(self.neutral_trust - trust, 0.0)
        usual = np.maximum(world.expected_basket(rows), 1.0)
        appeal -= self.stretch * np.maximum(np.log(item.price_cny * 100 / usual), 0.0)
        return appeal
