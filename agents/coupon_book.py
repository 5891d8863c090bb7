"""Coupons in customers' hands: one way to give them, whoever gives, in slots that lie side by side.

A slot holds one coupon of a customer; a new one replaces what lies there. The plain slot ``coupon`` is everybody's;
others exist in a world only where a part of it says by :func:`carried` that it gives coupons there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.customers import NEVER
from sim.columns import Columns, column

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

PLAIN: Final = "coupon"
CONTENTS: Final = ("depth", "off", "minimum", "until", "reminder", "source", "noticed")


@dataclass(frozen=True)
class CouponTerms:
    """What a coupon promises, the day of issue counted among the days of validity.

    Attributes
    ----------
    depth, off_cents : a share off the order, or an amount; one of the two.
    minimum_cents : order value at list price from which it counts.
    reminder_days : reminder so many days before the last; 0 for none.
    slot : where it lies in hand; it replaces what lies there.
    sure : the receiver surely means to use it, as one does who asked for it.
    gone : share of a limited stock that is gone when it is handed out, 0 … 1; makes scarcity felt.
    """

    depth: float = 0.0
    off_cents: int = 0
    minimum_cents: int = 0
    valid_days: int = 7
    reminder_days: int = 0
    slot: str = PLAIN
    sure: bool = False
    gone: float = 0.0

    def __post_init__(self) -> None:
        if self.depth and self.off_cents:
            raise ValueError(f"a coupon takes off a share ({self.depth:g}) or an amount ({self.off_cents}), not both")


@dataclass(frozen=True)
class Slot:
    """Columns of one slot; a slot has amounts only where somebody gives them."""

    name: str
    amounts: bool

    @cached_property
    def _columns(self) -> dict[str, str]:
        """Names of its columns by what is in them: made once, since they are asked for hundreds of times a day."""
        return {what: f"{self.name}_{what}" for what in CONTENTS}

    def of(self, customers: Columns, what: str) -> NDArray[Any]:
        """A column of the slot, live: depth, off, minimum, until, reminder, source or noticed."""
        live: NDArray[Any] = getattr(customers, self._columns[what])
        return live

    @property
    def luck(self) -> str:
        """Address of the luck in noticing: parts of one gift, in slots that are numbered, are noticed together."""
        return self.name.rstrip("_0123456789")

    def held(self, customers: Columns, rows: Rows | slice) -> NDArray[np.bool_]:
        """Who has a coupon in hand here. Shape of ``rows``."""
        held: NDArray[np.bool_] = self.of(customers, "depth")[rows] > 0
        if self.amounts:
            held |= self.of(customers, "off")[rows] > 0
        return held

    def noticed(self, customers: Columns, rows: Rows) -> Rows:
        """Positions within ``rows`` of those who mean to use the coupon that they have in hand here."""
        (meant,) = self.of(customers, "noticed")[rows].nonzero()
        found: Rows = meant[self.held(customers, rows[meant])]
        return found

    def off(self, customers: Columns, rows: Rows, left: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the coupons in hand here take off of what is left to pay, cents."""
        off: NDArray[np.int64] = np.rint(left * self.of(customers, "depth")[rows].astype(np.float64)).astype(np.int64)
        if self.amounts:
            off += np.minimum(self.of(customers, "off")[rows], left)
        return off

    def empty(self, customers: Columns, rows: Rows) -> None:
        """Nothing lies here any more."""
        self.of(customers, "depth")[rows] = 0.0
        self.of(customers, "noticed")[rows] = False
        if self.amounts:
            self.of(customers, "off")[rows] = 0


def carried(*terms: CouponTerms) -> tuple[type[Columns], ...]:
    """Columns that customers have for the sake of such coupons: what a part's ``carries()`` returns."""
    return tuple(_columns(one.slot, one.off_cents > 0) for one in terms)


@lru_cache
def _columns(slot: str, amounts: bool) -> type[Columns]:
    columns: dict[str, Any] = {}
    if slot != PLAIN:
        columns = {
            f"{slot}_depth": column("f4", 0.0, unit="share", doc=f"depth of the {slot} coupon; 0 without one"),
            f"{slot}_minimum": column("i4", 0, unit="cents", doc=f"minimum spend of the {slot} coupon"),
            f"{slot}_until": column("i2", NEVER, unit="day", doc=f"last valid day of the {slot} coupon"),
            f"{slot}_reminder": column("i2", 0, unit="days", doc="reminder so many days before expiry; 0 for none"),
            f"{slot}_source": column("i2", -1, unit="source", doc=f"action that issued the {slot} coupon"),
            f"{slot}_noticed": column("?", False, unit="flag", doc="the customer means to use it", access="latent"),
        }
    if amounts:
        columns[f"{slot}_off"] = column("i4", 0, unit="cents", doc=f"amount off of the {slot} coupon; 0 without one")
    return type(f"{slot}_columns", (Columns,), columns)


def check_reminder(valid_days: int, reminder_days: int) -> None:
    """Raise ValueError when a reminder would have to go out before the coupon does."""
    if reminder_days >= valid_days:
        raise ValueError(
            f"reminder_days {reminder_days} and valid_days {valid_days} contradict each other: a coupon good for "
            f"{valid_days} days, that of issue included, cannot be reminded of {reminder_days} days before its last; "
            f"lower reminder_days to {valid_days - 1} at most (0 for none), or lengthen valid_days"
        )


def slots_of(declared: Collection[str]) -> tuple[Slot, ...]:
    """The slots of a world with these columns: the plain one first, the others by name."""
    names = {name.removesuffix("_noticed") for name in declared if name.endswith("_noticed")}
    return tuple(
        Slot(name, f"{name}_off" in declared) for name in sorted(names, key=lambda name: (name != PLAIN, name))
    )


def holding(world: PrivateDomain, terms: CouponTerms) -> NDArray[np.bool_]:
    """Who holds a valid coupon in that slot with as much off. Shape (n,)."""
    c, slot = world.customers, world.slot(terms.slot)
    held: NDArray[np.bool_] = slot.of(c, "until") >= world.day
    held &= slot.of(c, "depth") >= np.float32(terms.depth)
    if slot.amounts:
        held &= slot.of(c, "off") >= terms.off_cents
    return held


def give(
    world: PrivateDomain, rows: Rows, terms: CouponTerms, source: str, amounts: NDArray[np.int64] | None = None
) -> None:
    """Give these customers, each once, a coupon; what lies in its slot goes. It costs when it is redeemed, not before.

    ``amounts`` off, in cents, may differ by customer; those of the terms otherwise. May be called in any phase.
    Behaviours hear of it at once and decide who means to use it, unless that is sure.
    """
    if not len(rows):
        return
    c, slot = world.customers, world.slot(terms.slot)
    take_away(world, rows[slot.held(c, rows)], terms.slot)  # replaced by a better one, or ran out yesterday
    slot.of(c, "depth")[rows] = terms.depth
    if slot.amounts:
        slot.of(c, "off")[rows] = terms.off_cents if amounts is None else amounts
    slot.of(c, "minimum")[rows] = terms.minimum_cents
    slot.of(c, "until")[rows] = world.day + terms.valid_days - 1
    slot.of(c, "reminder")[rows] = terms.reminder_days
    slot.of(c, "source")[rows] = world.ledger.source_code(source)
    slot.of(c, "noticed")[rows] = terms.sure
    if terms.off_cents:
        world.record("voucher_issued", rows, terms.off_cents if amounts is None else amounts, source)
    else:
        world.record("coupon_issued", rows, round(terms.depth * 1000), source)
    if not terms.sure:
        for behaviour in world.behaviours:
            behaviour.coupons_given(world, terms, rows)


def take_away(world: PrivateDomain, rows: Rows, slot: str = PLAIN) -> None:
    """Take coupons out of hand unused and write it down under the actions that issued them."""
    here = world.slot(slot)
    source = here.of(world.customers, "source")[rows]
    for code in issuers(source):
        world.record("coupon_expired", rows[source == code], 0, world.ledger.sources[code])
    here.empty(world.customers, rows)


def issuers(source: NDArray[np.int16]) -> list[int]:
    """Codes of the actions that issued some coupons, ascending, each once."""
    codes: list[int] = np.bincount(source).nonzero()[0].tolist()
    return codes


def worth(world: PrivateDomain, rows: Rows) -> Floats | None:
    """Share of an expected order that the coupons take off which these customers mean to use. Shape (n,).

    A minimum counts by the chance that an order reaches it, an amount by its share of an expected order. Of several
    coupons the best count, as many as the policy lets one order use. None where nobody has any.
    """
    c, rule = world.customers, world.policy.stacking
    held = [_Held.of(slot, c, rows, at) for slot in world.slots if len(at := slot.noticed(c, rows))]
    if not held:
        return None
    mean = _orders_asked_for(world, rows, held)
    together = np.concatenate([one.at for one in held])  # asking once saves more than the copies cost
    minimum = np.concatenate([one.minimum for one in held])
    chance, low = world.chance_of_basket(rows[together], minimum, mean[together]), 0
    shares = np.zeros((len(held), len(rows)))
    for own, one in zip(shares, held, strict=True):
        own[one.at] = one.share_of(mean) * chance[low : low + len(one.at)]
        low += len(one.at)
    if min(len(shares), rule.coupons_per_order) > 1:
        best: Floats = 1.0 - np.prod(1.0 - np.sort(shares, axis=0)[-rule.coupons_per_order :], axis=0)
    else:
        best = shares[0] if len(shares) == 1 else shares.max(axis=0)
    return best


class _Held(NamedTuple):
    """Coupons of one slot that some customers mean to use: at which positions among these, and what they promise."""

    at: Rows
    depth: Singles
    minimum: NDArray[np.int32]
    off: NDArray[np.int32] | None  # none in a slot without amounts

    @classmethod
    def of(cls, slot: Slot, customers: Columns, rows: Rows, at: Rows) -> _Held:
        own = rows[at]
        off = slot.of(customers, "off")[own] if slot.amounts else None
        return cls(at, slot.of(customers, "depth")[own], slot.of(customers, "minimum")[own], off)

    def share_of(self, orders: Floats) -> Floats:
        """What the coupons take off orders of such values, cents, as a share of them."""
        share = self.depth.astype(np.float64)
        if self.off is not None:
            (given,) = (self.off > 0).nonzero()
            share[given] = np.minimum(self.off[given] / orders[self.at[given]], 1.0)
        return share


def _orders_asked_for(world: PrivateDomain, rows: Rows, held: Sequence[_Held]) -> Floats:
    """Expected orders of those whose coupons have an amount or a minimum, each worked out once; 1 for the others."""
    asked, mean = np.zeros(len(rows), bool), np.ones(len(rows))
    for one in held:
        asked[one.at[one.minimum > 0]] = True
        if one.off is not None:
            asked[one.at[one.off > 0]] = True
    (which,) = asked.nonzero()
    if len(which):
        mean[which] = world.expected_basket(rows[which])
    return mean


def worth_at_most(world: PrivateDomain) -> Singles:
    """What :func:`worth` cannot exceed: minimums are left out, and an order is as small as one can be expected to be.

    Of everybody, shape (customers,).
    """
    c, most, amounts = world.customers, np.zeros(len(world.customers), np.float32), None
    highest = world.policy.stacking.coupons_per_order == 1  # else they are added up
    for slot in world.slots:
        (at,) = slot.of(c, "noticed").nonzero()
        if not len(at):
            continue
        share = slot.of(c, "depth")[at]
        if slot.amounts:
            amounts = _inverse_of_least_basket(world) if amounts is None else amounts
            off = slot.of(c, "off")[at] * amounts[at]
            np.maximum(share, np.minimum(off, np.float32(1.0), out=off), out=share)
        most[at] = np.maximum(most[at], share) if highest else most[at] + share
    return most


def _inverse_of_least_basket(world: PrivateDomain) -> Singles:
    """One over the least order, in cents, that each can be expected to place; 1 for a cent and where that is open."""
    logs = world.customers.basket + np.float32(world.models.basket.least_log_cents + world.season.basket[world.day])
    np.maximum(logs, np.float32(0.0), out=logs)
    inverse: Singles = np.exp(np.negative(logs, out=logs), out=logs)
    return inverse
