"""Communities and group events, member by member."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.actions import Community, Festival, GroupEvent, Lottery, NewProductDay, WelfareDay
from agents.coupon_book import CouponTerms
from agents.customers import Contact, Level

from .coupons import give, holds
from .operator import RULES, Message, addressed, has_communities
from .people import Customer, expected_basket, sigmoid, whole_cents
from .service import granted, put_to_work

if TYPE_CHECKING:
    from .world import ReferenceWorld


@dataclass
class Group:
    """One community."""

    interest: int
    activity: float
    alive: bool = True
    load: float = 0.0
    quiet_days: int = 0
    came: int = 0


@dataclass
class Announced:
    """What a message of today announces, with the hours for each thing to show."""

    name: str
    action: GroupEvent
    hours: float


def community_of(world: ReferenceWorld) -> tuple[str, Community] | None:
    """The action that runs communities, and its name."""
    for name, action in world.policy.actions.items():
        if isinstance(action, Community) and action.calendar.per_week != 0:
            return name, action
    return None


def members_of(world: ReferenceWorld, number: int) -> list[Customer]:
    return [c for c in world.customers if c.community == number]


# -- operate --------------------------------------------------------------------------------------------------------


def run_communities(world: ReferenceWorld, name: str, action: Community) -> None:
    hours = put_to_work(world, name) if action.hours_per_week else 0.0
    world.hosting = 7 * hours / max(sum(group.alive for group in world.groups), 1)
    if action.calendar.times(world.day, world.date):
        meant = addressed(world, action.audience)
        asked = [c for c in meant if c.community < 0 and c.invited_day <= world.day - action.again_days]
        for c in asked:
            c.invited_day = world.day
        world.invitation = f"{name}.0"
        world.outbox.append(Message("advert", asked, name, action.invitation_cost_cny, world.invitation))


def idle(action: GroupEvent) -> bool:
    """Nothing on offer."""
    if isinstance(action, NewProductDay):
        return action.items == 0
    if isinstance(action, WelfareDay):
        return action.depth == 0 and action.member_extra == 0 and action.gift is None
    if isinstance(action, Lottery):
        return not any(prize.chance for prize in action.prizes)
    assert isinstance(action, Festival)
    return action.depth == 0


def hold_event(world: ReferenceWorld, name: str, action: GroupEvent) -> None:
    if idle(action):
        return
    if isinstance(action, Festival):
        lead_up(world, name, action)
    if not action.calendar.times(world.day, world.date):
        return
    hours = put_to_work(world, name) if action.hours_per_event else 0.0
    cost, shown = action.production_cny, 1
    if isinstance(action, NewProductDay):
        cost, shown = cost + action.items * action.item_cost_cny, action.items
    if cost:
        world.book_shared("setup", whole_cents(cost), name)
    announce(world, name, action, hours / shown, action.announcements)


def lead_up(world: ReferenceWorld, name: str, action: Festival) -> None:
    """Who remembers a festival has its price; the next one is announced."""
    ahead = next_festival(world, action)
    for c in world.customers:
        if ahead == 0 and c.here and c.festival_day == world.day:
            flash_price(world, name, c, action.depth, action.minimum_spend_cny)
    if ahead:
        today, world.day = world.day, world.day + ahead
        hours = granted(world)[name] if action.hours_per_event else 0.0
        world.day = today
        announce(world, name, action, hours, 1)


def next_festival(world: ReferenceWorld, action: Festival) -> int | None:
    days = [day for day in range(world.day, world.day + action.run_up_days + 1) if day < world.spec.horizon_days]
    found = [day for day in days if action.calendar.times(day, world.spec.start + dt.timedelta(days=day))]
    return found[0] - world.day if found else None


def announce(world: ReferenceWorld, name: str, action: GroupEvent, hours: float, times: int) -> None:
    meant, grouped = addressed(world, action.audience), action.in_groups and has_communities(world)
    for number in range(times):
        luck = f"{name}.{number}"
        receivers = [c for c in meant if c.community >= 0] if grouped else meant
        medium = "group" if grouped else "direct"
        world.outbox.append(Message("advert", receivers, name, action.cost_cny, luck, medium))
        world.announced[luck] = Announced(name, action, hours)


# -- respond --------------------------------------------------------------------------------------------------------


def gather(world: ReferenceWorld) -> None:
    """Who joins a community, who comes to an event, what a day in the groups does."""
    join_groups(world)
    come_to_events(world)
    if world.groups:
        live_in_groups(world)
    world.announced.clear()
    world.invitation = ""
    for group in world.groups:
        group.came = 0


def join_groups(world: ReferenceWorld) -> None:
    found, rule = community_of(world), world.rules["group_joining"]
    if found is None:
        return
    name, action = found
    joiners = []
    for c, message in world.seen:
        if message.luck == world.invitation:
            logit = rule.at_rest + rule.per_trust * c.trust
            logit += rule.per_log_sociability * math.log(c.sociability)
            logit += rule.per_log_interest * math.log(c.interest)
            logit += rule.per_log_price * math.log(c.price_sensitivity)
            if world.draws.one(f"group.join.{message.luck}", world.day, c.key) < sigmoid(logit):
                joiners.append(c)
    for c in sorted(joiners, key=lambda c: (c.interest_group, c.key)):
        number = free_seat(world, c.interest_group, action)
        if number is None and (action.most_groups is None or sum(g.alive for g in world.groups) < action.most_groups):
            number = len(world.groups)
            world.groups.append(Group(c.interest_group, rule.opening_activity))
            world.book_shared("group_opened", number, name)
        if number is not None:
            c.community, c.seated_day = number, world.day
            world.book(c, "group_joined", number, name)


def free_seat(world: ReferenceWorld, interest: int, action: Community) -> int | None:
    for number, group in enumerate(world.groups):
        if group.alive and group.interest == interest and len(members_of(world, number)) < action.size:
            return number
    return None


def come_to_events(world: ReferenceWorld) -> None:
    rule = world.rules["gathering"]
    come: dict[str, dict[int, Customer]] = {}
    for c, message in world.seen:
        announced = world.announced.get(message.luck)
        if announced is None:
            continue
        coming = come.setdefault(announced.name, {})
        appeal = c.interest if announced.action.appeal == "interest" else c.price_sensitivity
        chance = (1.0 - (1.0 - rule.notice) ** appeal) * 2 ** (-c.fatigue / (rule.tired * c.tolerance))
        chance *= 1.0 - 2 ** (-announced.hours / rule.preparation_hours)
        if isinstance(announced.action, NewProductDay):
            chance *= math.exp(-rule.effort * (announced.action.items - 1) / c.interest)
        if world.draws.one(f"gathering.{message.luck}", world.day, c.key) < chance:
            coming[c.key] = c
    for name, customers in come.items():
        for c in customers.values():
            world.book(c, "attend", 0, name)
            if c.community >= 0:
                world.groups[c.community].came += 1
            welcome(world, name, c, len(customers))


def welcome(world: ReferenceWorld, name: str, c: Customer, came: int) -> None:
    """What an event has for one of those who came."""
    action = world.policy.actions[name]
    if isinstance(action, NewProductDay):
        c.stimulus += world.effects["novelty"] * (1.0 + world.rules["gathering"].variety * math.log(action.items))
    if isinstance(action, Lottery):
        draw_prizes(world, name, action, c)
    if isinstance(action, Festival):
        ahead = next_festival(world, action)
        if ahead:
            c.festival_day = world.day + ahead
        else:
            flash_price(world, name, c, action.depth, action.minimum_spend_cny)
    if isinstance(action, WelfareDay):
        member = c.member_level > 0 or c.card_until >= world.day
        flash_price(world, name, c, action.depth + (action.member_extra if member else 0.0), action.minimum_spend_cny)
        if action.gift:
            basket = expected_basket(world.models.basket, c, world.day, world.weekday, world.season[1])
            worth = min(action.gift.worth_cny * 100 / basket, 0.5)
            chance = 1.0 if action.gift.stock is None or action.gift.stock > came else action.gift.stock / came
            c.gift_hope += worth * chance
            world.promised.setdefault(name, []).append(c)


def draw_prizes(world: ReferenceWorld, name: str, action: Lottery, c: Customer) -> None:
    """The first prize won is kept."""
    for number, prize in enumerate(action.prizes, start=1):
        if world.draws.one(f"lottery.{name}.{number}", world.day, c.key) < prize.chance:
            world.book(c, "win", number, name)
            if prize.cost_cny:
                world.book(c, "gift", whole_cents(prize.cost_cny), name)
            terms = CouponTerms(
                prize.depth, whole_cents(prize.off_cny), whole_cents(prize.minimum_spend_cny), prize.valid_days, 0,
                "prize",
            )  # fmt: skip
            if (prize.depth or prize.off_cny) and not holds(c, terms, world.day):
                give(world, c, terms, name)
            return


def flash_price(world: ReferenceWorld, name: str, c: Customer, depth: float, minimum_cny: float) -> None:
    """A coupon for today alone, in a place of its own."""
    terms = CouponTerms(depth, 0, whole_cents(minimum_cny), 1, 0, "flash_price", True)
    if depth > 0 and not holds(c, terms, world.day):
        give(world, c, terms, name)


def live_in_groups(world: ReferenceWorld) -> None:
    rule, name = world.rules["group_life"], community_of(world)[0]  # type: ignore[index]
    sizes = [len(members_of(world, number)) for number in range(len(world.groups))]
    adverts, content = [0] * len(sizes), [0] * len(sizes)
    for c, message in world.seen:
        if c.community >= 0 and message.kind == "content":
            content[c.community] += 1
        elif c.community >= 0 and message.kind == "advert" and message.medium == "group":
            adverts[c.community] += 1
            if not world.groups[c.community].alive:
                c.fatigue += rule.dead_load
    for number, group in enumerate(world.groups):
        size = max(sizes[number], 1)
        group.load = group.load * 2 ** (-1 / rule.load_days) + adverts[number] / size
        spark = rule.content_spark * (content[number] / size) + rule.event_spark * (group.came / size)
        hosting = rule.hosted * world.hosting / (world.hosting + rule.hosting_hours)
        talk = rule.own_accord + hosting + spark + rule.contagion * group.activity
        hazard = talk * 2 ** (-group.load / rule.load_scale)
        spoke = 0
        for c in members_of(world, number):
            if group.alive and c.contact == Contact.CONTACT:
                spoke += take_part(world, c, group.activity / rule.usual_activity, hazard, name)
        kept = 2 ** (-1 / rule.smoothing_days)
        group.activity = group.activity * kept + (1 - kept) * (spoke / size)
        group.quiet_days = group.quiet_days + 1 if group.activity < rule.floor else 0
        if group.alive and group.quiet_days >= rule.patience_days:
            group.alive = False
            world.book_shared("group_dead", number, name)


def take_part(world: ReferenceWorld, c: Customer, activity: float, hazard: float, name: str) -> bool:
    """A day of one member; whether he or she spoke."""
    c.goodwill += min(world.rules["group_life"].goodwill * activity * c.interest, 1.0) * (1.0 - c.trust)
    c.stimulus += world.effects["community"] * activity
    if world.draws.one("group.speak", world.day, c.key) >= -math.expm1(-hazard * c.sociability):
        return False
    world.book(c, "interact", 0, name)
    if c.level == Level.STRANGER and not world.learns("rise_0"):
        world.set_level(c, Level.ACQUAINTED)
    return True


# -- serve and churn ------------------------------------------------------------------------------------------------


def give_gifts(world: ReferenceWorld) -> None:
    """One for each who was promised a gift and ordered, while there are any."""
    for name, customers in world.promised.items():
        gift = world.policy.actions[name].gift  # type: ignore[attr-defined]
        bought = [c for c in customers if c.last_order == world.day]
        bought.sort(key=lambda c: world.draws.one(f"gift.{name}", world.day, c.key))
        for c in bought if gift.stock is None else bought[: gift.stock]:
            world.book(c, "gift", whole_cents(gift.cost_cny), name)
    for c in world.customers:
        c.gift_hope = 0.0
    world.promised.clear()


def leave_groups(world: ReferenceWorld) -> None:
    rule, found = world.rules["group_leaving"], community_of(world)
    for c in world.customers:
        if found is None or c.community < 0:
            continue
        group = world.groups[c.community]
        chance = rule.leave_per_day if group.alive else rule.leave_dead_per_day
        chance = min(chance * (1.0 + rule.per_advert * group.load), 1.0)
        if c.contact == Contact.DELETED or world.draws.one("group.leave", world.day, c.key) < chance:
            world.book(c, "group_left", c.community, found[0])
            c.community = -1


RULES.update({Community: run_communities, **dict.fromkeys((NewProductDay, WelfareDay, Lottery, Festival), hold_event)})
