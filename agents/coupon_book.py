"""Coupons in customers' hands: one way to give them, whoever gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class CouponTerms:
    """What a coupon promises: a share off an order from a minimum on, for some days, the day of issue included."""

    depth: float
    minimum_cents: int = 0
    valid_days: int = 7
    reminder_days: int = 0


def holding(world: PrivateDomain, depth: float) -> NDArray[np.bool_]:
    """Who holds a valid coupon at least as deep. Shape (n,)."""
    c = world.customers
    held: NDArray[np.bool_] = (c.coupon_until >= world.day) & (c.coupon_depth >= np.float32(depth))
    return held


def give(world: PrivateDomain, rows: Rows, terms: CouponTerms, source: str) -> None:
    """Give these customers a coupon; what they hold goes. It costs when it is redeemed, never before."""
    if not len(rows):
        return
    c = world.customers
    take_away(world, rows[c.coupon_depth[rows] > 0])  # replaced by a deeper one, or ran out yesterday
    c.coupon_depth[rows] = terms.depth
    c.coupon_minimum[rows] = terms.minimum_cents
    c.coupon_until[rows] = world.day + terms.valid_days - 1
    c.coupon_reminder[rows] = terms.reminder_days
    c.coupon_source[rows] = world.ledger.source_code(source)
    c.coupon_noticed[rows] = False
    world.record("coupon_issued", rows, round(terms.depth * 1000), source)
    world.issued.append(rows.astype(np.int32))


def take_away(world: PrivateDomain, rows: Rows) -> None:
    """Take coupons out of hand unused and write it down under the actions that issued them."""
    c = world.customers
    for code in np.unique(c.coupon_source[rows]):
        world.record("coupon_expired", rows[c.coupon_source[rows] == code], 0, world.ledger.sources[code])
    c.coupon_depth[rows] = 0.0
