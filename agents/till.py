"""The till: an order is booked at list price, and what comes off it under the action that gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Cents = NDArray[np.int64]


@dataclass(frozen=True)
class Sale:
    """Orders placed together: rows (each once), gross and net value in cents, and who would have ordered anyway."""

    rows: Rows
    gross: Cents
    net: Cents
    organic: NDArray[np.bool_]


def sell(world: PrivateDomain, rows: Rows, gross: Cents, organic: NDArray[np.bool_], source: str) -> Sale:
    """Book orders: list price, discounts, goods. Coupon first, member price on what remains.

    ``organic`` marks those who would have ordered today anyway; a coupon that one of them uses is subsidised.
    """
    c = world.customers
    world.record("order", rows, gross, source)
    world.record("goods", rows, np.rint(gross * (1 - world.spec.margin)).astype(np.int64), source)
    net = gross.copy()
    (uses,) = (c.coupon_noticed[rows] & (c.coupon_depth[rows] > 0) & (gross >= c.coupon_minimum[rows])).nonzero()
    if len(uses):
        net[uses] -= _redeem(world, rows[uses], gross[uses], organic[uses])
    (priced,) = (c.member_price[rows] > 0).nonzero()
    if len(priced):
        net[priced] -= _give_member_price(world, rows[priced], net[priced])
    return Sale(rows, gross, net, organic)


def _redeem(world: PrivateDomain, rows: Rows, gross: Cents, organic: NDArray[np.bool_]) -> Cents:
    """Use the coupons in hand; return what each takes off the list price, cents."""
    c = world.customers
    off: Cents = np.rint(gross * c.coupon_depth[rows].astype(np.float64)).astype(np.int64)
    source = c.coupon_source[rows]
    for code in np.unique(source):
        mine = source == code
        world.record("coupon_redeemed", rows[mine], off[mine], world.ledger.sources[code])
        anyway = mine & organic
        world.record("subsidised", rows[anyway], off[anyway], world.ledger.sources[code])
    c.coupon_depth[rows] = 0.0
    return off


def _give_member_price(world: PrivateDomain, rows: Rows, net: Cents) -> Cents:
    """Give members their price; return what it takes off what remains to pay, cents."""
    c = world.customers
    off: Cents = np.rint(net * c.member_price[rows].astype(np.float64)).astype(np.int64)
    world.record("member_discount", rows, off, world.programme)
    holds = c.card_until[rows] >= world.day
    c.card_saved[rows[holds]] += off[holds].astype(np.int32)
    return off
