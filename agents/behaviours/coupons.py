"""Coupons in hand: noticed or not, reminded, used or run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.coupon_book import take_away
from agents.customers import Contact
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class CouponUse(Behaviour):
    """Who means to use a coupon is decided when it is handed out, and once more when a reminder comes."""

    kind = "coupon_use"
    phase = "respond"

    take_up: float = parameter(0.35, ge=0, le=1, doc="share of receivers who mean to use a coupon", source="assumed")
    reminder_take_up: float = parameter(
        0.25, ge=0, le=1, doc="share of the others whom a reminder wins", source="assumed"
    )
    reminder_cents: int = parameter(2, ge=0, doc="cost of a reminder, cents", source="assumed: as an advert")

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        for rows in (piece for issued in world.issued for piece in world.pieces(issued)):
            # A customer of doubled price sensitivity means to use it with the odds of two tries.
            chance = 1.0 - (1.0 - self.take_up) ** c.price_sensitivity[rows].astype(np.float64)
            c.coupon_noticed[rows] = world.draws.uniform("coupon.notice", world.day, c.key[rows]) < chance
        world.issued.clear()
        for chunk in world.chunks():
            held = np.flatnonzero(c.coupon_depth[chunk] > 0) + chunk.start
            if not len(held):
                continue
            left = c.coupon_until[held] - world.day
            take_away(world, held[left < 0])
            self._remind(world, held[(left >= 0) & (left == c.coupon_reminder[held]) & (c.coupon_reminder[held] > 0)])

    def _remind(self, world: PrivateDomain, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        c, cap = world.customers, world.policy.frequency_cap_per_week
        rows = rows[(c.contact[rows] == Contact.CONTACT) | (c.contact[rows] == Contact.MUTED)]
        if cap is not None:
            rows = rows[c.week_messages[rows] < cap]
        if not len(rows):
            return
        c.week_messages[rows] += 1
        for code in np.unique(c.coupon_source[rows]):
            world.record(
                "message_advert", rows[c.coupon_source[rows] == code], self.reminder_cents, world.ledger.sources[code]
            )
        rows = rows[(c.contact[rows] == Contact.CONTACT) & ~c.coupon_noticed[rows]]
        chance = 1.0 - (1.0 - self.reminder_take_up) ** c.price_sensitivity[rows].astype(np.float64)
        c.coupon_noticed[rows] = world.draws.uniform("coupon.remind", world.day, c.key[rows]) < chance
