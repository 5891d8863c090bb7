"""First contacts of newcomers, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.customers import NEVER, Contact, Level

from .people import Customer

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


def buys_at_first_contact(world: ReferenceWorld, c: Customer) -> bool:
    """Whether a newcomer orders today because they came to buy, and has not bought anything else already."""
    if any(buyer is c for buyer, *_ in world.sales):
        return False
    return c.joined == world.day and c.first_contact == BOUGHT and c.contact == Contact.CONTACT
