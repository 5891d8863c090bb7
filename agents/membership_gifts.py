"""What members get beside the price: benefits, vouchers and cashback, and the advice of experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import cents
from agents.actions.plans import DAYS_A_MONTH, Benefit, MemberTier, Plan
from agents.coupon_book import CouponTerms, give
from agents.customers import Contact, is_contact
from agents.membership_book import book_partner, by_plan
from agents.staff import whole_since

if TYPE_CHECKING:
    from agents.actions.membership import Membership
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
CASHBACK = "cashback"  # slot of the cashback voucher
EXPERT_MINUTES = 30.0  # minutes of one conversation with an expert; assumed


def give_benefits(world: PrivateDomain, club: Membership, name: str) -> None:
    """Once a month: to levels on the programme's own months, to holders counted from the day after buying."""
    c = world.customers
    here = is_contact(c.contact)
    if (world.day - club.calendar.from_day) % DAYS_A_MONTH == 0:
        for number, tier in enumerate(club.tiers, start=1):
            rows = np.flatnonzero(here & (c.member_level == number))
            _give(world, rows, tier.benefits, name)
            _give_vouchers(world, rows, tier, name)
    if not any(plan.benefits or plan.vouchers for plan in club.plans.values()):
        return
    holders = np.flatnonzero(here & (c.card_until >= world.day))
    for plan_name, plan, mine in by_plan(world, club, holders):
        bought = c.card_until[mine].astype(np.int64) - plan.term_days + 1
        mine = mine[(world.day - bought - 1) % DAYS_A_MONTH == 0]
        cost = _give(world, mine, plan.benefits, f"{name}.{plan_name}")
        book_partner(world, plan, mine, np.full(len(mine), cost, np.int64), plan_name)
        _give_vouchers(world, mine, plan, f"{name}.{plan_name}")


def _give_vouchers(world: PrivateDomain, rows: Rows, part: MemberTier | Plan, source: str) -> None:
    for terms in part.monthly():
        give(world, rows, terms, source)


def give_cashback(world: PrivateDomain, club: Membership, name: str) -> None:
    """Cashback on yesterday's orders, as vouchers, each of its own worth."""
    c = world.customers
    due = np.flatnonzero(c.cashback_due > 0)
    there = due[is_contact(c.contact[due])]
    for plan_name, plan, mine in by_plan(world, club, there):
        if plan.cashback:
            terms = CouponTerms(off_cents=1, valid_days=plan.cashback.valid_days, slot=CASHBACK, sure=True)
            give(world, mine, terms, f"{name}.{plan_name}", amounts=c.cashback_due[mine].astype(np.int64))
    c.cashback_due[due] = 0


def _give(world: PrivateDomain, rows: Rows, benefits: dict[str, Benefit], source: str) -> int:
    """Give these members their benefits; return what each costs, cents."""
    cost = sum(cents(benefit.cost_cny) for benefit in benefits.values())
    if cost and len(rows):
        world.record("benefit", rows, cost, source)
        world.today.gifts.append((rows, cost))
    return cost


def advise(world: PrivateDomain, club: Membership, before: float, after: float, name: str) -> None:
    """Experts, hired for the whole run, talk to holders, as many as there is time for; who comes first is luck.

    ``before`` and ``after`` are the hours that they have worked so far.
    """
    c, asked = world.customers, club.hours_asked_per_week()
    for number, (plan_name, plan) in enumerate(club.plans.items()):
        part = plan.expert_hours_per_week / asked if asked else 0.0
        k = whole_since(before * part, after * part, 60 / EXPERT_MINUTES)
        if not k:
            continue
        holds = (c.card_until >= world.day) & (c.contact == Contact.CONTACT)
        rows = np.flatnonzero(holds & (c.card_plan == number))
        u = world.draws.uniform(f"expert.{name}.{plan_name}", world.day, c.key[rows])
        world.send("chat", np.sort(rows[np.argsort(u, kind="stable")[:k]]), f"{name}.{plan_name}", 0.0)
