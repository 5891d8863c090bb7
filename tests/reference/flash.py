"""Flash groups, rule by rule: nurture, invitation, joining, and a sale in waves."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from agents.actions import FlashGroup
from agents.actions.item import FlashItem, Item
from agents.customers import Contact

from .audience import addressed
from .operator import RULES, Message, whole_cents
from .people import Customer, expected_basket, sigmoid

if TYPE_CHECKING:
    from .world import ReferenceWorld


def nurture(world: ReferenceWorld, name: str, action: FlashGroup) -> None:
    """Content while a sale lies ahead, and an invitation to those who are in no flash group."""
    if action.item.stock == 0:
        return
    ahead = [day for day in range(world.day, world.spec.horizon_days) if sells_on(world, action, day)]
    number, receivers = 0, addressed(world, action.audience)
    if any(0 < day - world.day <= action.nurture_days for day in ahead):
        rate = action.nurture_per_week / 7
        for _ in range(math.floor(round((world.day + 1) * rate, 9)) - math.floor(round(world.day * rate, 9))):
            if action.production_cny:
                world.book_shared("setup", whole_cents(action.production_cny), name)
            world.outbox.append(Message("content", receivers, name, action.cost_cny, f"{name}.{number}"))
            number += 1
    if world.day + action.invite_days in ahead:
        free = [c for c in receivers if not c.flash_group]
        world.outbox.append(Message("advert", free, name, action.cost_cny, f"{name}.invitation.0"))


def sells_on(world: ReferenceWorld, action: FlashGroup, day: int) -> bool:
    return action.calendar.times(day, world.spec.start + dt.timedelta(days=day)) > 0


def join_flash_groups(world: ReferenceWorld) -> None:
    rule = world.rules["flash_join"]
    for c, message in world.seen:
        action = world.policy.actions.get(message.source)
        if message.kind != "advert" or not isinstance(action, FlashGroup) or c.flash_group:
            continue
        logit = rule.join + rule.per_trust * (c.trust - 0.5) + rule.per_interest * math.log(c.interest)
        logit += rule.per_discount * action.item.depth * c.price_sensitivity
        if world.draws.one(f"flash.join.{message.source}", world.day, c.key) < sigmoid(logit):
            c.flash_group = message.source
            world.book(c, "flash_join", 0, message.source)


def appeal(world: ReferenceWorld, c: Customer, item: Item, rule_name: str) -> float:
    """Log-odds of an item at its price."""
    rule = world.rules[rule_name]
    usual = expected_basket(world.models.basket, c, world.day, world.weekday, world.season[1])
    logit = world.effects["coupon"] * item.depth * c.price_sensitivity
    logit -= rule.distrust * max(rule.neutral_trust - c.trust, 0.0)
    return logit - rule.stretch * max(math.log(item.price_cny * 100 / max(usual, 1.0)), 0.0)


def flash_sales(world: ReferenceWorld) -> None:
    for name, action in world.policy.actions.items():
        if isinstance(action, FlashGroup) and action.item.stock != 0 and sells_on(world, action, world.day):
            run_sale(world, name, action)


def run_sale(world: ReferenceWorld, name: str, action: FlashGroup) -> None:
    """Whoever has not bought by a wave may buy in it; in a scarce wave the smallest luck is served first."""
    rule, item = world.rules["flash_sale"], action.item
    group = [c for c in world.customers if c.flash_group == name]
    here = [c for c in group if c.contact in (Contact.CONTACT, Contact.MUTED)]
    hurry = rule.urgency * rule.urgency_hours / (rule.urgency_hours + action.hours_open)
    there = 1.0 - (1.0 - rule.there) * math.exp(-action.hours_open / rule.hours_to_look)
    base = {c.key: appeal(world, c, item, "flash_sale") + rule.buy + hurry for c in here}
    bought: dict[int, int] = {}
    for wave in range(rule.waves):
        moved = rule.proof * len(bought) / max(len(here), 1) + rule.scarcity * (1.0 - left_share(world, item))
        queue = []
        for c in here:
            if c.key in bought:
                continue
            chance = 1.0 - (1.0 - there * sigmoid(base[c.key] + moved)) ** (1.0 / rule.waves)
            u = world.draws.one(f"flash.wave.{name}.{wave}", world.day, c.key)
            if u < chance:
                queue.append((u, c))
        for _, c in sorted(queue, key=lambda place: place[0]):
            got = take(world, item, pieces(world, c, name, item))
            if got:
                bought[c.key] = got
    for c in here:
        if c.key in bought:
            sell_item(world, c, item, bought[c.key], name)
    for c in group:
        c.flash_group = ""


def pieces(world: ReferenceWorld, c: Customer, name: str, item: FlashItem) -> int:
    """One piece, and each further one by the same luck."""
    chance, number = world.rules["flash_sale"].another, 1
    u = world.draws.one(f"flash.pieces.{name}", world.day, c.key)
    while number < item.most_per_customer and u < chance**number:
        number += 1
    return number


def left_share(world: ReferenceWorld, item: Item) -> float:
    return 1.0 if item.stock is None else world.stock.get(f"item.{item.name}", item.stock) / item.stock


def take(world: ReferenceWorld, item: Item, wanted: int) -> int:
    """Pieces that the stock still gives."""
    if item.stock is None:
        return wanted
    left = world.stock.get(f"item.{item.name}", item.stock)
    world.stock[f"item.{item.name}"] = left - min(left, wanted)
    return min(left, wanted)


def sell_item(world: ReferenceWorld, c: Customer, item: Item, number: int, name: str) -> None:
    """An order at the item's own price."""
    from .behaviours import take_benefits

    gross = number * whole_cents(item.price_cny)
    world.book(c, "order", gross, name)
    world.book(c, "goods", number * whole_cents(item.unit_cost_cny), name)
    net = take_benefits(world, c, gross, organic=False) if item.stacks else gross
    world.sales.append((c, net, False))


RULES[FlashGroup] = nurture
