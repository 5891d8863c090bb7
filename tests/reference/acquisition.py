"""First contacts of newcomers, one at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.actions import Community, NewcomerBait, PartnerSwap, Welcome
from agents.coupon_book import CouponTerms
from agents.customers import NEVER, Contact, Level

from .coupons import give
from .people import Customer, chance_above, expected_basket, sigmoid, single, stretch_of, whole_cents

if TYPE_CHECKING:
    from .world import ReferenceWorld

SILENT, INTERESTED, QUOTED, BOUGHT = 0, 1, 2, 3


def sort_newcomers(world: ReferenceWorld) -> None:
    """Who joined today through a channel that says so begins in one of four ways; one number decides."""
    channels = list(world.spec.channels.items())
    for c in world.customers:
        if c.joined != world.day or c.contact != Contact.CONTACT:
            continue
        name, spec = channels[c.channel]
        shares = spec.first_contact
        if shares is None:
            continue
        u = world.draws.one("first_contact", 0, c.key)
        if u < shares.bought:
            c.first_contact = BOUGHT
        elif u < shares.bought + shares.quoted:
            c.first_contact = QUOTED
        elif u < shares.bought + shares.quoted + shares.interested:
            c.first_contact = INTERESTED
        else:
            c.first_contact = SILENT
        world.book(c, "first_contact", c.first_contact, name)
        if c.first_contact == QUOTED:
            c.quote_day = world.day
            c.rounds += 1
        if c.first_contact in (INTERESTED, QUOTED) and not world.learns("rise_0"):
            world.set_level(c, Level.ACQUAINTED)


def answer_quotes(world: ReferenceWorld) -> None:
    """A chat that reaches somebody who asked for a quote is an answer; a question left too long costs goodwill."""
    rule = world.rules["quotes"]
    for c, message in world.seen:
        if message.kind == "chat" and c.quote_day != NEVER:
            world.book(c, "quote_answered", world.day - c.quote_day, "quotes")
            c.stimulus += world.effects["quote"]
            c.quote_day = NEVER
    for c in world.customers:
        if c.quote_day != NEVER and world.day - c.quote_day >= rule.wait_days:
            c.quote_day = NEVER
            if c.here:
                c.goodwill += rule.unanswered_goodwill
                world.book(c, "quote_unanswered", 0, "quotes")


# -- baits ----------------------------------------------------------------------------------------------------------


def bait_terms(action: NewcomerBait) -> CouponTerms:
    return CouponTerms(
        action.depth, whole_cents(action.off_cny), whole_cents(action.minimum_spend_cny), action.valid_days,
        action.reminder_days, "bait",
    )  # fmt: skip


def bait_for(world: ReferenceWorld, c: Customer) -> tuple[str, NewcomerBait] | None:
    """The bait that is offered today where somebody is."""
    channel = list(world.spec.channels)[c.channel]
    for name, action in world.policy.actions.items():
        if isinstance(action, NewcomerBait) and channel in action.channels:
            something = action.depth or action.off_cny or action.gift_cny
            if something and action.calendar.times(world.day, world.date):
                return name, action
    return None


def lured_chance(world: ReferenceWorld, c: Customer, action: NewcomerBait, base: float) -> float:
    """The odds of adding rise with what the bait saves of an expected order."""
    if not 0 < base < 1:
        return base
    terms, basket = bait_terms(action), world.models.basket
    order = expected_basket(basket, c, world.day, world.weekday, world.season[1])
    coupon = min(terms.depth + terms.off_cents / order, 1.0)
    if terms.minimum_cents:
        coupon *= chance_above(
            basket, terms.minimum_cents / order, stretch_of(basket, c, world.day, world.weekday)
        )  # fmt: skip
    worth = coupon + min(whole_cents(action.gift_cny) / order, 1.0)
    return sigmoid(math.log(base / (1 - base)) + world.effects["bait"] * c.price_sensitivity * worth)


def hand_out_bait(world: ReferenceWorld, name: str, action: NewcomerBait) -> None:
    """Everybody who added the contact today where a bait lies gets it."""
    for c in world.customers:
        if c.channel < 0 or c.joined != world.day or c.contact != Contact.CONTACT:
            continue
        if bait_for(world, c) == (name, action):
            if action.gift_cny:
                world.book(c, "gift", whole_cents(action.gift_cny), name)
            if action.depth or action.off_cny:
                give(world, c, bait_terms(action), name)


def buys_at_first_contact(world: ReferenceWorld, c: Customer) -> bool:
    """Whether a newcomer orders today because they came to buy, and has not bought anything else already."""
    if any(buyer is c for buyer, *_ in world.sales):
        return False
    return c.joined == world.day and c.first_contact == BOUGHT and c.contact == Contact.CONTACT


# -- swaps and welcomes ---------------------------------------------------------------------------------------------


def swap_back(world: ReferenceWorld) -> None:
    """The partner shows ours to so many of its people for each of its adverts that ours have seen."""
    for name, action in world.policy.actions.items():
        if isinstance(action, PartnerSwap):
            shown = sum(message.source == name for _, message in world.seen)
            spec = world.spec.channels[action.channel]
            world.pressure[action.channel] += shown * spec.reciprocity * spec.cost_per_reach_cny / (
                spec.volume * spec.cost_per_reach_cny
            )  # fmt: skip


def welcome(world: ReferenceWorld, name: str, action: Welcome) -> None:
    """Everybody who joined today or yesterday is welcomed once."""
    if not action.calendar.times(world.day, world.date):
        return
    for c in world.customers:
        came = c.joined
        if grouped(world):
            came = c.seated_day if c.community >= 0 else NEVER
        if came >= max(world.day - 1, 0) and c.contact == Contact.CONTACT and c.welcome_day == NEVER:
            c.welcome_day = world.day
            world.book(c, "welcome", whole_cents(action.cost_cny), name)


def grouped(world: ReferenceWorld) -> bool:
    """Whether the operator runs communities."""
    return any(isinstance(a, Community) and a.calendar.per_week != 0 for a in world.policy.actions.values())


def greet(world: ReferenceWorld) -> None:
    """A welcome warms; shared, it warms less. What goes beyond one an hour tires the others of the group."""
    for action in world.policy.actions.values():
        if isinstance(action, Welcome) and grouped(world):
            for number in range(len(world.groups)):
                greet_in(world, action, [c for c in world.customers if c.community == number], 1)
        elif isinstance(action, Welcome):
            groups = max(math.ceil(sum(c.here for c in world.customers) / action.group_size), 1)
            greet_in(world, action, world.customers, groups)


def greet_in(world: ReferenceWorld, action: Welcome, people: list[Customer], groups: int) -> None:
    """Among people who are spread evenly over so many groups."""
    rule = world.rules["greeting"]
    new = [c for c in people if c.welcome_day == world.day]
    if not new:
        return
    per_hour = len(new) / (groups * rule.hours_a_day)
    if action.every_hours:
        waiting = per_hour * action.every_hours
        some = -math.expm1(-waiting)  # chance that somebody waits for the message
        shared, messages = waiting / some, some / action.every_hours
    else:
        shared, messages = 1.0, per_hour
    for c in new:
        c.goodwill += rule.goodwill * shared**-rule.dilution * (1.0 - c.trust)
    load = single(rule.surplus_load * max(messages + math.expm1(-per_hour), 0.0) * rule.hours_a_day)
    for c in people:
        if c.contact == Contact.CONTACT and c.welcome_day != world.day:
            c.fatigue += load
