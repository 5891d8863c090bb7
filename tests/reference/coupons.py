"""Coupons in one customer's hand: given, noticed, reminded, run out, used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.coupon_book import CouponTerms

from .people import Customer, chance_above, expected_basket, single, stretch_of

if TYPE_CHECKING:
    from .world import ReferenceWorld


@dataclass
class InHand:
    """A coupon that somebody has."""

    terms: CouponTerms
    until: int
    source: str
    noticed: bool

    @property
    def depth(self) -> float:
        """The share off as the engine stores it."""
        return single(self.terms.depth)


def holds(c: Customer, terms: CouponTerms, day: int) -> bool:
    """Whether a valid coupon of that slot takes off as much."""
    held = c.coupons.get(terms.slot)
    return (
        held is not None
        and held.until >= day
        and held.depth >= single(terms.depth)
        and held.terms.off_cents >= terms.off_cents
    )


def give(world: ReferenceWorld, c: Customer, terms: CouponTerms, source: str) -> None:
    """A coupon in hand; the one that lay in its place goes unused."""
    if terms.slot in c.coupons:
        drop(world, c, terms.slot)
    c.coupons[terms.slot] = InHand(terms, world.day + terms.valid_days - 1, source, terms.sure)
    if terms.off_cents:
        world.book(c, "voucher_issued", terms.off_cents, source)
    else:
        world.book(c, "coupon_issued", round(terms.depth * 1000), source)
    if not terms.sure:
        rule = world.rules["coupon_use"]
        once = min(rule.take_up * (1.0 + rule.scarcity_lift * terms.gone), 1.0)
        c.coupons[terms.slot].noticed = wins(world, c, once, f"{gift(terms.slot)}.notice")


def gift(slot: str) -> str:
    """Parts of one gift lie in slots that differ by their number."""
    return slot.rstrip("_0123456789")


def drop(world: ReferenceWorld, c: Customer, slot: str) -> None:
    """A coupon leaves the hand unused."""
    world.book(c, "coupon_expired", 0, c.coupons.pop(slot).source)


def wins(world: ReferenceWorld, c: Customer, once: float, luck: str) -> bool:
    return world.draws.one(luck, world.day, c.key) < 1.0 - (1.0 - once) ** c.price_sensitivity


def side_by_side(c: Customer) -> list[str]:
    """Slots with a coupon in them: the plain one first, the others by name."""
    return sorted(c.coupons, key=lambda slot: (slot != "coupon", slot))


def mind_coupons(world: ReferenceWorld) -> None:
    """Coupons run out, and reminders are heeded."""
    for c in world.customers:
        for slot in side_by_side(c):
            if c.coupons[slot].until < world.day:
                drop(world, c, slot)
    for c, message in world.seen:
        held = c.coupons.get(message.reminds)
        if held and not held.noticed:
            held.noticed = wins(world, c, world.rules["coupon_use"].reminder_take_up, f"{gift(message.reminds)}.remind")


def worth(world: ReferenceWorld, c: Customer) -> float:
    """Share of an expected order that the best coupons take off, as many as one order may use."""
    shares, basket = [], world.models.basket
    for held in c.coupons.values():
        if held.noticed:
            mean = expected_basket(basket, c, world.day, world.weekday, world.season[1])
            usable = 1.0
            if held.terms.minimum_cents > 0:
                stretch = stretch_of(basket, c, world.day, world.weekday)
                usable = chance_above(basket, held.terms.minimum_cents / mean, stretch)
            shares.append((held.depth + min(held.terms.off_cents / mean, 1.0)) * usable)
    paid = 1.0
    for share in sorted(shares, reverse=True)[: world.policy.stacking.coupons_per_order]:
        paid *= 1.0 - share
    return 1.0 - paid


def discounts(world: ReferenceWorld, c: Customer, gross: int) -> tuple[list[tuple[InHand, int]], int, int]:
    """Coupons that an order uses with what each takes off, what the member price is on, and what it takes off."""
    rule = world.policy.stacking
    together, price = rule.with_member_price, c.member_price
    price_first = together and rule.first == "member_price"
    least = round(rule.least_paid_cny * 100)
    alone = max(min(round(gross * price), gross - least), 0)
    left = gross - alone if price_first else gross
    uses: list[tuple[str, int]] = []
    usable = [s for s in side_by_side(c) if c.coupons[s].noticed and gross >= c.coupons[s].terms.minimum_cents]
    while usable and len(uses) < rule.coupons_per_order:
        offs = {slot: min(takes_off(c.coupons[slot], left), max(left - least, 0)) for slot in usable}
        best = max(usable, key=lambda slot: offs[slot])  # the first of equals
        if offs[best] <= 0:
            break
        uses.append((best, offs[best]))
        usable.remove(best)
        left -= offs[best]
    if uses and not together:
        if sum(off for _, off in uses) > alone:
            price = 0.0
        else:
            uses = []
    used = [(c.coupons.pop(slot), off) for slot, off in uses]
    remains = gross - sum(off for _, off in used)
    base = gross if price_first else remains
    return used, base, max(min(round(base * price), remains - least), 0)


def takes_off(held: InHand, left: int) -> int:
    return round(left * held.depth) + min(held.terms.off_cents, left)
