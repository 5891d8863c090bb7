"""Group buying, rule by rule: opening, asking, joining, and what becomes of the money."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING

from agents.actions import GroupBuy

from .audience import addresses
from .flash import appeal, left_share, sell_item, take
from .operator import RULES, whole_cents
from .people import Customer, sigmoid

if TYPE_CHECKING:
    from .world import ReferenceWorld


def offer_deal(world: ReferenceWorld, name: str, action: GroupBuy) -> None:
    """The offer stands in the shop."""


def group_buying(world: ReferenceWorld) -> None:
    for name, action in world.policy.actions.items():
        if isinstance(action, GroupBuy):
            if (
                action.calendar.times(world.day, world.date)
                and action.item.stock != 0
                and left_share(world, action.item)
            ):
                open_groups(world, name, action)
            ask(world, name, action)
            for host in [c for c in world.customers if c.deal == name and c.deal_host == c.key]:
                settle(world, name, action, [c for c in world.customers if c.deal == name and c.deal_host == host.key])
            sell_filled(world, name, action)


def open_groups(world: ReferenceWorld, name: str, action: GroupBuy) -> None:
    rule = world.rules["group_buying"]
    for c in world.customers:
        if c.deal or not addresses(action.audience, c, world.day):
            continue
        logit = appeal(world, c, action.item, "group_buying") + rule.open
        logit += rule.per_sociability * math.log(c.sociability)
        if world.draws.one(f"deal.open.{name}", world.day, c.key) < sigmoid(logit):
            c.deal, c.deal_host, c.deal_paid = name, c.key, 0
            c.deal_until = min(world.day + action.days_open, world.spec.horizon_days) - 1
            world.book(c, "deal_opened", 0, name)


def ask(world: ReferenceWorld, name: str, action: GroupBuy) -> None:
    """Whoever is asked is asked by one of the hosts of the circle, in proportion to how many each asks."""
    rule = world.rules["group_buying"]
    hosts = sorted((c for c in world.customers if c.deal == name and c.deal_host == c.key), key=lambda c: c.key)
    free = [c for c in world.customers if not c.deal and c.here]
    for c in free:
        mine = [host for host in hosts if circle_of(host) == circle_of(c)]
        upto = list(accumulate(rule.asks_per_day * host.sociability for host in mine))
        circle = sum(circle_of(other) == circle_of(c) for other in free)
        if not mine or world.draws.one(f"deal.asked.{name}", world.day, c.key) >= upto[-1] / circle:
            continue
        logit = appeal(world, c, action.item, "group_buying") + rule.join
        if world.draws.one(f"deal.join.{name}", world.day, c.key) < sigmoid(logit):
            place = world.draws.one(f"deal.by.{name}", world.day, c.key) * upto[-1]
            number = min(sum(place >= edge for edge in upto), len(mine) - 1)
            c.deal, c.deal_host, c.deal_until, c.deal_paid = name, mine[number].key, mine[number].deal_until, 0
            world.book(c, "deal_joined", 0, name)


def circle_of(c: Customer) -> tuple[str, int]:
    """Those of one community ask each other; those in none, others of their group of interest."""
    return ("community", c.community) if c.community >= 0 else ("interest", c.interest_group)


def settle(world: ReferenceWorld, name: str, action: GroupBuy, members: list[Customer]) -> None:
    host = next(c for c in members if c.key == c.deal_host)
    if len(members) >= action.people:
        world.book(host, "deal_filled", len(members), name)
        world.filled += [(c, c is host) for c in members]
    elif host.deal_until <= world.day:
        world.book(host, "deal_failed", len(members), name)
        for c in members:
            pay_back(world, c, action, name)
            c.deal = ""
    else:
        for c in members:
            pay(world, c, action, name)


def sell_filled(world: ReferenceWorld, name: str, action: GroupBuy) -> None:
    """Filled groups share what is left of the stock by luck."""
    queue = [c for c, _ in world.filled]
    if action.item.stock is not None:
        queue.sort(key=lambda c: world.draws.one(f"deal.stock.{name}", world.day, c.key))
    for c in queue:
        if take(world, action.item, 1):
            if c.deal_paid:
                world.book(c, "refund", c.deal_paid, name)
            sell_item(world, c, action.item, 1, name)
        else:
            pay_back(world, c, action, name)
    for c, hosts in world.filled:
        if hosts and action.commission_cny:
            world.book(c, "commission", whole_cents(action.commission_cny), name)
        c.deal = ""
    world.filled.clear()


def pay(world: ReferenceWorld, c: Customer, action: GroupBuy, name: str) -> None:
    if not c.deal_paid:
        c.deal_paid = whole_cents(action.item.price_cny)
        world.book(c, "fee", c.deal_paid, name)


def pay_back(world: ReferenceWorld, c: Customer, action: GroupBuy, name: str) -> None:
    pay(world, c, action, name)
    world.book(c, "refund", c.deal_paid, name)


RULES[GroupBuy] = offer_deal
