"""Who is handed a coupon on a day: on a schedule, set off by something of the customer's own, or in bundles."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.actions import Coupon, CouponBundle, TriggeredCoupon
from agents.coupon_book import CouponTerms

from .audience import addressed
from .coupons import give, holds
from .operator import RULES
from .people import Customer, whole_cents

if TYPE_CHECKING:
    from .world import ReferenceWorld


def hand_out(world: ReferenceWorld, name: str, action: Coupon) -> None:
    distribute(world, name, action, action.slot, addressed(world, action.audience))


def hand_out_if(world: ReferenceWorld, name: str, action: TriggeredCoupon) -> None:
    """On the day that one joins, has a birthday, or has been silent for so long."""
    slot = {"joining": "newcomer", "birthday": "birthday", "silence": "winback"}[action.on]
    distribute(world, name, action, slot, [c for c in addressed(world, action.audience) if set_off(world, c, action)])


def set_off(world: ReferenceWorld, c: Customer, action: TriggeredCoupon) -> bool:
    if action.on == "joining":
        return c.joined == world.day
    if action.on == "silence":
        return c.orders > 0 and world.day - c.last_order == action.silence_days
    born = dt.date(2023, 1, 1) + dt.timedelta(days=int(world.draws.one("trait.birthday", 0, c.key) * 365))
    return (born.month, born.day) == (world.date.month, world.date.day)


def distribute(
    world: ReferenceWorld, name: str, action: Coupon | TriggeredCoupon, slot: str, meant: list[Customer]
) -> None:
    """A coupon for each who holds none as good, while stock lasts; scarce ones go by luck."""
    if (action.depth <= 0 and action.off_cny <= 0) or not action.calendar.times(world.day, world.date):
        return
    terms = CouponTerms(
        action.depth, whole_cents(action.off_cny), whole_cents(action.minimum_spend_cny), action.valid_days,
        action.reminder_days, slot,
    )  # fmt: skip
    chosen = [c for c in meant if not holds(c, terms, world.day)]
    if action.stock is not None and chosen:
        stock = f"stock.{action.shared_stock}" if action.shared_stock else name
        left = world.stock.get(stock, action.stock)
        terms = replace(terms, gone=1.0 - left / action.stock if action.stock else 1.0)
        if len(chosen) > left:
            lucky = sorted(chosen, key=lambda c: world.draws.one(f"coupon.stock.{name}", world.day, c.key))[:left]
            keys = {c.key for c in lucky}
            chosen = [c for c in chosen if c.key in keys]
        world.stock[stock] = left - len(chosen)
    for c in chosen:
        give(world, c, terms, name)


def hand_out_bundle(world: ReferenceWorld, name: str, action: CouponBundle) -> None:
    """Coupons of amounts with rising thresholds."""
    if not action.calendar.times(world.day, world.date):
        return
    for c in addressed(world, action.audience):
        for number, coupon in enumerate(action.coupons, start=1):
            terms = CouponTerms(
                0.0, whole_cents(coupon.off_cny), whole_cents(coupon.minimum_spend_cny), action.valid_days,
                action.reminder_days, f"bundle_{number}",
            )  # fmt: skip
            if coupon.off_cny > 0 and not holds(c, terms, world.day):
                give(world, c, terms, name)


RULES[Coupon] = hand_out
RULES[TriggeredCoupon] = hand_out_if
RULES[CouponBundle] = hand_out_bundle
