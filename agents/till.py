"""The till: an order is booked at list price, and what comes off it under the action that gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agents.coupon_book import Slot
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
    """Book orders: list price, discounts by the policy's rules of stacking, goods.

    ``organic`` marks those who would have ordered today anyway; a coupon that one of them uses is subsidised.
    """
    world.record("order", rows, gross, source)
    world.record("goods", rows, np.rint(gross * (1 - world.spec.margin)).astype(np.int64), source)
    rule, price = world.policy.stacking, world.customers.member_price[rows].astype(np.float64)
    price_first = rule.first == "member_price" and rule.with_member_price
    left = gross - np.rint(gross * price).astype(np.int64) if price_first else gross
    coupons = _best_coupons(world, rows, gross, left)
    if not rule.with_member_price and coupons:
        coupons, price = _either(coupons, gross, price)
    net = gross.copy()
    for used in coupons:
        net[used.at] -= used.off
        _redeem(world, rows, used, organic)
    (priced,) = (price > 0).nonzero()
    if len(priced):
        off = np.rint((gross if price_first else net)[priced] * price[priced]).astype(np.int64)
        _give_member_price(world, rows[priced], off)
        net[priced] -= off
    return Sale(rows, gross, net, organic)


@dataclass(frozen=True)
class Use:
    """Coupons of one slot that orders use: at which positions of the orders, and what each takes off, cents."""

    slot: Slot
    at: Rows
    off: Cents

    def only(self, kept: NDArray[np.bool_]) -> Use:
        """Those of orders that are kept. ``kept`` has the shape of the orders."""
        return Use(self.slot, self.at[kept[self.at]], self.off[kept[self.at]])


def _best_coupons(world: PrivateDomain, rows: Rows, gross: Cents, left: Cents) -> list[Use]:
    """The coupons that orders use: of those noticed whose minimum the list price reaches, the best on what is left."""
    c, usable = world.customers, []
    for slot in world.slots:
        at = slot.noticed(c, rows)
        at = at[gross[at] >= slot.of(c, "minimum")[rows[at]]]
        if len(at):
            usable.append((slot, at))
    left, used = left.copy(), []
    for _ in range(min(world.policy.stacking.coupons_per_order, len(usable))):
        off = np.zeros((len(usable), len(rows)), np.int64)
        for number, (slot, at) in enumerate(usable):
            off[number, at] = slot.off(c, rows[at], left[at])
        best, most = off.argmax(axis=0), off.max(axis=0)
        left -= most
        for number, (slot, at) in enumerate(usable):
            chosen = (best[at] == number) & (most[at] > 0)
            used.append(Use(slot, at[chosen], most[at[chosen]]))
            usable[number] = (slot, at[~chosen])
    return used


def _either(coupons: list[Use], gross: Cents, price: NDArray[np.float64]) -> tuple[list[Use], NDArray[np.float64]]:
    """Coupons or the member price, whichever takes more off; the member price when they take off the same."""
    total = np.zeros(len(gross), np.int64)
    for used in coupons:
        total[used.at] += used.off
    better = total > np.rint(gross * price)
    return [used.only(better) for used in coupons], np.where(better, 0.0, price)


def _redeem(world: PrivateDomain, rows: Rows, used: Use, organic: NDArray[np.bool_]) -> None:
    """Take used coupons out of hand and book what they take off."""
    c, at = world.customers, used.at
    source = used.slot.of(c, "source")[rows[at]]
    for code in np.unique(source):
        mine = source == code
        world.record("coupon_redeemed", rows[at[mine]], used.off[mine], world.ledger.sources[code])
        anyway = mine & organic[at]
        world.record("subsidised", rows[at[anyway]], used.off[anyway], world.ledger.sources[code])
    used.slot.empty(c, rows[at])


def _give_member_price(world: PrivateDomain, rows: Rows, off: Cents) -> None:
    """Book what the member price takes off, cents."""
    c = world.customers
    world.record("member_discount", rows, off, world.programme)
    holds = c.card_until[rows] >= world.day
    c.card_saved[rows[holds]] += off[holds].astype(np.int32)
