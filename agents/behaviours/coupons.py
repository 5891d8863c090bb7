"""Coupons in hand: noticed or not, used or run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.coupon_book import CouponTerms, Slot, take_away
from agents.customers import NEVER
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]


class CouponUse(Behaviour):
    """Who means to use a coupon is decided when it is handed out, and once more when a reminder is seen."""

    kind = "coupon_use"
    phase = "respond"

    take_up: float = parameter(0.35, ge=0, le=1, doc="share of receivers who mean to use a coupon", source="assumed")
    reminder_take_up: float = parameter(
        0.25, ge=0, le=1, doc="share of the others whom a reminder that is seen wins", source="assumed"
    )
    scarcity_lift: float = parameter(
        0.208, ge=0, le=5, doc="share by which take-up rises when nearly all of a limited stock is gone",
        source="Cui, Zhang & Bassamboo (2019): 10 % more claimed, 2.08 % more carted; as linear in the share claimed",
    )  # fmt: skip

    def coupons_given(self, world: PrivateDomain, terms: CouponTerms, rows: Rows) -> None:
        slot = world.slot(terms.slot)
        once = min(self.take_up * (1.0 + self.scarcity_lift * terms.gone), 1.0)
        for piece in world.pieces(rows):
            self._win(world, slot, piece, once, f"{slot.luck}.notice")

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        for slot in world.slots:
            # All at once: in which order actions come in the ledger must not depend on where rows are cut. Few run out,
            # so days are compared first; columns of days are narrow.
            until = slot.of(c, "until")
            if until.max(initial=NEVER) >= world.day - 1:
                (over,) = (until == world.day - 1).nonzero()  # what ran out before is gone
                take_away(world, over[slot.held(c, over)], slot.name)
        for message, seen in world.today.seen:
            if message.reminds:
                slot = world.slot(message.reminds)
                for rows in world.pieces(seen):
                    unsure = rows[slot.held(c, rows) & ~slot.of(c, "noticed")[rows]]
                    self._win(world, slot, unsure, self.reminder_take_up, f"{slot.luck}.remind")

    def _win(self, world: PrivateDomain, slot: Slot, rows: Rows, once: float, luck: str) -> None:
        """Decide who means to use the coupon; one of doubled price sensitivity does with the odds of two tries."""
        c = world.customers
        chance = 1.0 - (1.0 - once) ** c.price_sensitivity[rows].astype(np.float64)
        slot.of(c, "noticed")[rows] = world.draws.uniform(luck, world.day, c.key[rows]) < chance
