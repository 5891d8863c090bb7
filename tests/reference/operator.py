"""What the operator does on a day, action by action, customer by customer."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.actions import (
    Acquisition,
    Action,
    Advert,
    AfterSales,
    Agency,
    Chat,
    Community,
    Content,
    LiveStream,
    NewcomerBait,
    PartnerSwap,
    Posts,
    QuoteDesk,
    Team,
    Welcome,
)  # fmt: skip
from agents.customers import LEVELS

from .acquisition import hand_out_bait, welcome
from .audience import addressed
from .people import Customer, whole_cents
from .referral import RULES as REFERRAL
from .service import answer_first_asked, attend, hire, organise, put_to_work, settle_problems, whole

if TYPE_CHECKING:
    from .world import ReferenceWorld

CENT_CYCLE = 10_000
TOP = len(LEVELS)


@dataclass
class Message:
    """A message in the post."""

    kind: str
    receivers: list[Customer]
    source: str
    cost_cny: float
    luck: str
    medium: str = "direct"
    topic: int = -1
    foreign: bool = False
    reminds: str = ""  # place in hand of the coupon that it reminds of

    def cents(self, customer: Customer, day: int) -> int:
        """Cost in whole cents; fractions are spread over keys and days."""
        cost, place = round(self.cost_cny * 100, 6), (customer.key + day) % CENT_CYCLE
        return math.floor(round((place + 1) * cost, 6)) - math.floor(round(place * cost, 6))


@dataclass
class Stream:
    """A live stream: who may watch, and what they get."""

    audience: list[Customer]
    source: str
    hours: float
    gift_cents: int
    number: int


# -- acquisition, content, adverts ----------------------------------------------------------------------------------


def acquire(world: ReferenceWorld, name: str, action: Acquisition) -> None:
    if not action.calendar.times(world.day, world.date):
        return
    for channel, spend in action.spend_cny_per_day.items():
        if spend > 0:
            spec = world.spec.channels[channel]
            world.pressure[channel] += spend / (spec.volume * spec.cost_per_reach_cny)
            world.book_shared("media", whole_cents(spend), f"{name}.{channel}")


def swap_audiences(world: ReferenceWorld, name: str, action: PartnerSwap) -> None:
    """Adverts of the partner to our customers."""
    for number in range(action.calendar.times(world.day, world.date)):
        receivers = addressed(world, action.audience)
        world.outbox.append(Message("advert", receivers, name, action.cost_cny, f"{name}.{number}", foreign=True))


def post(world: ReferenceWorld, name: str, action: Advert | Content) -> None:
    for number in range(action.calendar.times(world.day, world.date)):
        if action.production_cny:
            world.book_shared("setup", whole_cents(action.production_cny), name)
        receivers = addressed(world, action.audience)
        world.outbox.append(Message(action.kind, receivers, name, action.cost_cny, f"{name}.{number}"))


def has_communities(world: ReferenceWorld) -> bool:
    """Whether the operator runs groups at all."""
    return any(isinstance(a, Community) and a.calendar.per_week != 0 for a in world.policy.actions.values())


def make_posts(world: ReferenceWorld, name: str, action: Posts) -> None:
    """Posts are made one after the other, as far as staff have the time; so many of them are adverts."""
    earlier = sum(action.calendar.times(day, world.spec.start + dt.timedelta(days=day)) for day in range(world.day))
    today = action.calendar.times(world.day, world.date)
    for _ in range(today if action.production_cny else 0):
        world.book_shared("setup", whole_cents(action.production_cny), name)
    first, last = earlier, earlier + today
    if action.hours_per_post and today:
        put_to_work(world, name)
    if action.hours_per_post:
        last = whole(world.worked.get(name, 0.0) / action.hours_per_post)
        first = world.made.get(name, 0)
        world.made[name] = last
    topic = -1
    receivers = addressed(world, action.audience)
    if action.medium == "group" and has_communities(world):
        receivers = [c for c in receivers if c.community >= 0]
    if action.interest_group is not None:
        topic = list(world.spec.traits.interest_groups).index(action.interest_group)
        if action.medium == "group":
            receivers = [c for c in receivers if c.interest_group == topic]
    for number, made in enumerate(range(first, last)):
        advert = whole(action.advert_share * (made + 1)) > whole(action.advert_share * made)
        kind, luck = "advert" if advert else "content", f"{name}.{number}"
        world.outbox.append(Message(kind, receivers, name, action.cost_cny, luck, action.medium, topic))


def go_live(world: ReferenceWorld, name: str, action: LiveStream) -> None:
    """Streams are as long as there are hosts for them."""
    streams = action.calendar.times(world.day, world.date) if action.length_hours else 0
    for _ in range(streams if action.setup_cny else 0):
        world.book_shared("setup", whole_cents(action.setup_cny), name)
    hours = action.length_hours
    if action.hosts and streams:
        hours = put_to_work(world, name) / action.hosts / streams
    for number in range(streams):
        audience = addressed(world, action.audience)
        if action.announce is not None:
            luck, cost = f"{name}.{number}", action.announcement_cost_cny
            world.outbox.append(Message("advert", audience, name, cost, luck, action.announce))
        world.streams.append(Stream(audience, name, hours, whole_cents(action.gift_cny), number))


# -- staff and chat -------------------------------------------------------------------------------------------------


def chat(world: ReferenceWorld, name: str, action: Chat) -> None:
    """Hours become conversations; within a level those with the smallest draw are met, and so of the top tier."""
    asked = sum(action.hours_per_week.values())
    if not asked:
        return
    got = put_to_work(world, name)
    if action.minutes_per_round:
        got -= attend(world, name, got, action.minutes_per_round)
    before = world.opened.get(name, 0.0)
    after = world.opened[name] = before + got
    top = action.top_share or 0.0
    meant, met = addressed(world, action.audience), set()
    for level, share in enumerate([*(h / asked * (1.0 - top) for h in action.hours_per_week.values()), top]):
        per_hour = 60 / action.minutes_per_chat
        capacity = whole(after * share * per_hour) - whole(before * share * per_hour)
        there = [c for c in meant if (TOP if action.top_share is not None and c.tier == 2 else c.level) == level]
        there.sort(key=lambda c: world.draws.one(f"chat.pick.{name}", world.day, c.key))
        met.update(c.key for c in there[:capacity])
    receivers = [c for c in meant if c.key in met]
    world.outbox.append(Message("chat", receivers, name, action.cost_cny, f"{name}.0"))


def quote(world: ReferenceWorld, name: str, action: QuoteDesk) -> None:
    if action.hours_per_week:
        receivers = answer_first_asked(world, name, action)
        world.outbox.append(Message("chat", receivers, name, action.cost_cny, f"{name}.0"))


# -- the policy -----------------------------------------------------------------------------------------------------

RULES: dict[type[Action], Callable[[ReferenceWorld, str, Any], None]] = {
    Acquisition: acquire, Advert: post, Content: post, Chat: chat, NewcomerBait: hand_out_bait,
    PartnerSwap: swap_audiences, Welcome: welcome,
    Posts: make_posts, LiveStream: go_live,
    AfterSales: settle_problems, QuoteDesk: quote, Team: organise, Agency: hire,
    **REFERRAL,
}  # fmt: skip


def act(world: ReferenceWorld, name: str, action: Action) -> None:
    """Let one action of the policy act today."""
    RULES[type(action)](world, name, action)
