"""The book of paid plans: who holds which, what was saved with it, and what the member price takes off an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.customers import NEVER
from sim.columns import Columns, column

if TYPE_CHECKING:
    from agents.actions.membership import Membership
    from agents.actions.plans import Plan
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Cents = NDArray[np.int64]
MOST_CENTS = np.iinfo(np.int32).max  # sums of money in four bytes stop here: 21 million CNY


class Holders(Columns):
    """Columns of customers where paid plans are sold."""

    card_plan = column("i1", -1, unit="index", doc="plan of the running card, in the programme's order; -1 for none")
    card_saved = column("i4", 0, unit="cents", doc="saved with the running card beyond what the free level gives")


class LimitedHolders(Columns):
    """Columns of customers where some plan is a trial or ends with an order."""

    card_orders = column("i2", 0, unit="count", doc="orders placed with the running card")
    tried = column("?", False, unit="flag", doc="had a trial card once")


class CashbackHolders(Columns):
    """Columns of customers where some plan gives cashback."""

    cashback_due = column("i4", 0, unit="cents", doc="worth of the cashback voucher that tomorrow brings")


class Multiplied(Columns):
    """Columns of customers where membership multiplies points."""

    points_multiplier = column("f4", 1.0, unit="factor", doc="points earned with an order, times the base rate")


@dataclass(frozen=True)
class Offer:
    """Plans offered today: to whom, and which of the programme's plans are open to each. Shape (n,), (n, plans)."""

    rows: Rows
    open: NDArray[np.bool_]


def enrol(world: PrivateDomain, club: Membership, rows: Rows, plan: int) -> None:
    """Sell a plan to these customers."""
    c = world.customers
    name, terms = list(club.plans.items())[plan]
    c.card_plan[rows] = plan
    c.card_until[rows] = world.day + terms.term_days - 1
    c.card_saved[rows] = 0
    if club.limited:
        c.card_orders[rows] = 0
        c.tried[rows] |= terms.trial_of is not None
    world.record("fee", rows, round(terms.fee_cny * 100), f"{world.programme}.{name}")
    club.set_benefits(world, rows)


def close_ended(world: PrivateDomain, club: Membership) -> Rows:
    """Close cards that ended yesterday, refund where promised; return their rows."""
    c = world.customers
    rows: Rows = np.flatnonzero(c.card_until == world.day - 1)
    for name, terms, mine in by_plan(world, club, rows):
        if terms.refund_if_not_saved:
            due = np.maximum(round(terms.fee_cny * 100) - c.card_saved[mine].astype(np.int64), 0)
            world.record("refund", mine[due > 0], due[due > 0], f"{world.programme}.{name}")
    c.card_until[rows] = NEVER
    return rows


def close_running(world: PrivateDomain, club: Membership, last_day: int) -> None:
    """Give back what cards earn after a last day, and what was promised of the rest.

    On the last day it keeps a policy from winning by selling cards just before the end; at the end of a programme it
    is what members are owed.
    """
    c = world.customers
    rows = np.flatnonzero(c.card_until >= world.day)
    for name, terms, mine in by_plan(world, club, rows):
        fee = round(terms.fee_cny * 100)
        left = c.card_until[mine].astype(np.int64) - last_day
        unearned = np.rint(fee * left / terms.term_days).astype(np.int64)
        short = np.maximum(fee - unearned - c.card_saved[mine], 0) if terms.refund_if_not_saved else 0
        due = unearned + short
        world.record("refund", mine[due > 0], due[due > 0], f"{world.programme}.{name}")


def by_plan(world: PrivateDomain, club: Membership, rows: Rows) -> list[tuple[str, Plan, Rows]]:
    """These holders, plan by plan."""
    plan = world.customers.card_plan[rows]
    parts = [(name, terms, rows[plan == number]) for number, (name, terms) in enumerate(club.plans.items())]
    return [part for part in parts if len(part[2])]


def book_member_price(world: PrivateDomain, rows: Rows, base: Cents, off: Cents) -> None:
    """Book what the member price takes off orders of members and holders, each once, of what was left to pay, cents.

    What a card takes off beyond the price of the free level counts as saved with it.
    """
    c, club = world.customers, world.club
    holds = (c.card_until[rows] >= world.day) if club and club.plans else np.zeros(len(rows), bool)
    _book_discount(world, rows[~holds], off[~holds], world.programme)
    if club is None or not holds.any():
        return
    at, off = rows[holds], off[holds]
    more = off - np.rint(base[holds] * club.level_price(world, at)).astype(np.int64)
    c.card_saved[at] = np.minimum(c.card_saved[at] + np.maximum(more, 0), MOST_CENTS)
    plan = c.card_plan[at]
    for number, (name, terms) in enumerate(club.plans.items()):
        mine = plan == number
        _book_discount(world, at[mine], off[mine], f"{world.programme}.{name}")
        if terms.cashback:
            paid = base[holds][mine] - off[mine]
            back = c.cashback_due[at[mine]] + np.rint(paid * terms.cashback.share).astype(np.int64)
            c.cashback_due[at[mine]] = np.minimum(back, MOST_CENTS)
        book_partner(world, terms, at[mine], off[mine], name)
    _count_orders(world, club, at)


def book_saving(world: PrivateDomain, rows: Rows, off: Cents, source: str) -> None:
    """What a plan's own vouchers take off was saved with it, as long as it runs."""
    club, c = world.club, world.customers
    name = source.removeprefix(f"{world.programme}.")
    if club is None or name == source or name not in club.plans:
        return
    runs = (c.card_until[rows] >= world.day) & (c.card_plan[rows] == list(club.plans).index(name))
    (holds,) = runs.nonzero()
    at = rows[holds]
    c.card_saved[at] = np.minimum(c.card_saved[at] + off[holds], MOST_CENTS)
    book_partner(world, club.plans[name], at, off[holds], name)


def _book_discount(world: PrivateDomain, rows: Rows, off: Cents, source: str) -> None:
    given = off > 0
    world.record("member_discount", rows[given], off[given], source)


def book_partner(world: PrivateDomain, terms: Plan, rows: Rows, cost: Cents, name: str) -> None:
    """A partner brand pays its share of what a co-branded card costs."""
    if terms.partner_share:
        share = np.rint(cost * terms.partner_share).astype(np.int64)
        world.record("partner", rows[share > 0], share[share > 0], f"{world.programme}.{name}")


def _count_orders(world: PrivateDomain, club: Membership, rows: Rows) -> None:
    """Cards that are good for so many orders end with the last of them."""
    if not club.limited:
        return
    c = world.customers
    c.card_orders[rows] += 1
    for _, terms, mine in by_plan(world, club, rows):
        if terms.orders is not None:
            c.card_until[mine[c.card_orders[mine] >= terms.orders]] = world.day
