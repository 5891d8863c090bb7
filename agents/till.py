"""The till: an order is booked at list price, and what comes off it under the action that gave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.coupon_book import issuers
from agents.membership_book import book_member_price, book_saving

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


@dataclass(frozen=True)
class OwnPrice:
    """Orders of an item with a price of its own: cost of goods of each in cents, and whether benefits come off too."""

    goods: Cents
    stacks: bool = False


def sell(
    world: PrivateDomain,
    rows: Rows,
    gross: Cents,
    organic: NDArray[np.bool_],
    source: str,
    own: OwnPrice | None = None,
) -> Sale:
    """Book orders: list price, goods, discounts by the policy's rules of stacking.

    ``organic`` marks those who would have ordered today anyway; a coupon that one of them uses is subsidised. An item
    with its ``own`` price has its own cost of goods, and nothing comes off it unless it says so.
    """
    world.record("order", rows, gross, source)
    goods = own.goods if own else np.rint(gross * (1 - world.spec.margin)).astype(np.int64)
    world.record("goods", rows, goods, source)
    listed = own is None or own.stacks
    return Sale(rows, gross, _discounted(world, rows, gross, organic) if listed else gross.copy(), organic)


def _discounted(world: PrivateDomain, rows: Rows, gross: Cents, organic: NDArray[np.bool_]) -> Cents:
    """Use coupons and give the member price; return what is left to pay, cents."""
    rule, price = world.policy.stacking, world.customers.member_price[rows].astype(np.float64)
    price_first = rule.first == "member_price" and rule.with_member_price
    least = round(rule.least_paid_cny * 100)
    alone = _price_off(gross, price, gross - least)
    coupons = _best_coupons(world, rows, gross, gross - alone if price_first else gross, least)
    if not rule.with_member_price and coupons:
        coupons, price = _either(coupons, gross, alone, price)
    net = gross.copy()
    for used in coupons:
        net[used.at] -= used.off
        _redeem(world, rows, used, organic)
    (members,) = ((price > 0) | (world.customers.card_until[rows] >= world.day)).nonzero()
    if len(members):
        base = (gross if price_first else net)[members]
        off = _price_off(base, price[members], net[members] - least)
        book_member_price(world, rows[members], base, off)
        net[members] -= off
    return net


def _price_off(base: Cents, price: NDArray[np.float64], room: Cents) -> Cents:
    """What the member price takes off, no more than there is room for."""
    off: Cents = np.minimum(np.rint(base * price).astype(np.int64), np.maximum(room, 0))
    return off


def whole_day(sales: Sequence[Sale]) -> Sale | None:
    """One sale for everything that each customer bought today; none when nobody did.

    It is organic if any part of it is.
    """
    sales = [sale for sale in sales if len(sale.rows)]
    if len(sales) < 2:
        return sales[0] if sales else None
    rows, at = np.unique(np.concatenate([sale.rows for sale in sales]), return_inverse=True)
    gross, net, organic = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
    np.add.at(gross, at, np.concatenate([sale.gross for sale in sales]))
    np.add.at(net, at, np.concatenate([sale.net for sale in sales]))
    np.logical_or.at(organic, at, np.concatenate([sale.organic for sale in sales]))
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


def _best_coupons(world: PrivateDomain, rows: Rows, gross: Cents, left: Cents, least: int) -> list[Use]:
    """The coupons that orders use: of those noticed whose minimum the list price reaches, the best on what is left.

    So much at least remains to pay.
    """
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
            off[number, at] = np.minimum(slot.off(c, rows[at], left[at]), np.maximum(left[at] - least, 0))
        best, most = off.argmax(axis=0), off.max(axis=0)
        left -= most
        for number, (slot, at) in enumerate(usable):
            chosen = (best[at] == number) & (most[at] > 0)
            used.append(Use(slot, at[chosen], most[at[chosen]]))
            usable[number] = (slot, at[~chosen])
    return used


def _either(
    coupons: list[Use], gross: Cents, alone: Cents, price: NDArray[np.float64]
) -> tuple[list[Use], NDArray[np.float64]]:
    """Coupons or what the member price takes off alone, whichever is more; the member price when it is the same."""
    total = np.zeros(len(gross), np.int64)
    for used in coupons:
        total[used.at] += used.off
    better = total > alone
    return [used.only(better) for used in coupons], np.where(better, 0.0, price)


def _redeem(world: PrivateDomain, rows: Rows, used: Use, organic: NDArray[np.bool_]) -> None:
    """Take used coupons out of hand and book what they take off."""
    c, at = world.customers, used.at
    source = used.slot.of(c, "source")[rows[at]]
    for code in issuers(source):
        mine = source == code
        world.record("coupon_redeemed", rows[at[mine]], used.off[mine], world.ledger.sources[code])
        book_saving(world, rows[at[mine]], used.off[mine], world.ledger.sources[code])
        anyway = mine & organic[at]
        world.record("subsidised", rows[at[anyway]], used.off[anyway], world.ledger.sources[code])
    used.slot.empty(c, rows[at])
