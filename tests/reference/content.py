"""Posts through media, one customer and one post at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.customers import Contact, Level

from .people import Customer, half_life, single
from .service import skill_of

if TYPE_CHECKING:
    from .post import Message
    from .world import ReferenceWorld

INBOX = ("broadcast", "official_account")  # a post arrives with everybody addressed; elsewhere with who sees it


def recover(world: ReferenceWorld, c: Customer) -> None:
    """Wear passes, and platforms count anew."""
    begins = {"day": True, "week": world.weekday == 0, "month": world.date.day == 1}
    for medium in c.sent:
        if begins[getattr(world.spec.media, medium).per]:
            c.sent[medium] = 0
    for medium, kind in c.worn:
        left = half_life(getattr(world.spec.media, medium).wear_half_life_days)
        c.worn[medium, kind] = single(c.worn[medium, kind] * left)


def arrives(world: ReferenceWorld, c: Customer, message: Message) -> bool:
    """Whether the platform lets the post through, and whether it is seen where only that makes it arrive."""
    medium, name, cap = getattr(world.spec.media, message.medium), message.medium, world.policy.frequency_cap_per_week
    inbox = name in INBOX
    if inbox and cap is not None and c.week_messages >= cap:
        return False
    if medium.limit is not None and c.sent.get(name, 0) >= medium.limit:
        return False
    c.sent[name] = c.sent.get(name, 0) + 1
    return inbox or sees(world, c, message)


def stands_out(world: ReferenceWorld, c: Customer, message: Message) -> bool:
    """Whether a post that has arrived is seen."""
    return message.medium not in INBOX or sees(world, c, message)


def sees(world: ReferenceWorld, c: Customer, message: Message) -> bool:
    medium = getattr(world.spec.media, message.medium)
    chance = medium.seen if c.contact == Contact.CONTACT else medium.seen_muted
    return world.draws.one(f"attention.seen.{message.luck}", world.day, c.key) < chance


def strength_of(world: ReferenceWorld, c: Customer, message: Message) -> float:
    """What a post that is seen is worth: its medium, its topic, and how many like it were seen lately."""
    rule, strength = world.rules["attention"], 1.0
    if message.kind == "content":
        strength = skill_of(world, "content")
    if message.topic >= 0:
        strength *= rule.fit if c.interest_group == message.topic else rule.misfit
    if message.medium == "direct":
        return strength
    medium, place = getattr(world.spec.media, message.medium), (message.medium, message.kind)
    if medium.wear_scale is None:
        return strength * medium.strength
    seen = c.worn.get(place, 0.0)
    c.worn[place] = single(seen + 1.0)
    return strength * medium.strength * 2 ** (-seen / medium.wear_scale)


def load_of(world: ReferenceWorld, message: Message) -> float:
    return 1.0 if message.medium == "direct" else getattr(world.spec.media, message.medium).load


def watch(world: ReferenceWorld) -> None:
    """Contacts come upon the live streams of today."""
    rule = world.rules["viewing"]
    for stream in world.streams:
        announced, luck = f"{stream.source}.{stream.number}", f"live.{stream.source}.{stream.number}"
        told = {c.key for c, message in world.seen if message.luck == announced}
        for c in stream.audience:
            hourly = rule.passing_chance if c.contact == Contact.CONTACT else 0.0
            if c.key in told:
                hourly = rule.announced_chance
            hourly *= c.interest * c.trust + rule.gift_draw * stream.gift_cents / 100 * c.price_sensitivity
            if world.draws.one(luck, world.day, c.key) >= 1 - (1 - min(hourly, 1.0)) ** stream.hours:
                continue
            world.book(c, "live_viewer", 0, stream.source)
            if stream.gift_cents:
                world.book(c, "gift", stream.gift_cents, stream.source)
            world.book(c, "view", rule.seconds, stream.source)
            skill = skill_of(world, "content")
            c.stimulus += world.effects["live"] * skill * rule.receptivity[c.level]
            c.goodwill += min(rule.goodwill * skill * c.interest, 1.0) * (1.0 - c.trust)
            u = world.draws.one(f"{luck}.interact", world.day, c.key)
            if c.level == Level.STRANGER and u < rule.interact_chance:
                world.book(c, "interact", 0, "viewing")
                if not world.learns("rise_0"):
                    world.set_level(c, Level.ACQUAINTED)
    world.streams.clear()
