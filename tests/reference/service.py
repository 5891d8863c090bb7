"""Staff and after-sales: who gets the hours of a day, how they are paid, what waits, and what a problem does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.actions import AfterSales, Agency, Chat, GroupEvent, LiveStream, Posts, QuoteDesk, Team
from agents.calendar import Calendar
from agents.customers import NEVER, Contact

from .people import Customer, single, whole_cents

if TYPE_CHECKING:
    from .world import ReferenceWorld


def whole(things: float) -> int:
    """Whole things done; rounding guards against 6.999…"""
    return math.floor(round(things, 9))


# -- hours ----------------------------------------------------------------------------------------------------------


def team(world: ReferenceWorld) -> Team:
    return next((a for a in world.policy.actions.values() if isinstance(a, Team)), Team())


def agencies(world: ReferenceWorld) -> list[Agency]:
    return list(named_agencies(world).values())


def named_agencies(world: ReferenceWorld) -> dict[str, Agency]:
    return {name: a for name, a in world.policy.actions.items() if isinstance(a, Agency)}


def present(world: ReferenceWorld, agency: Agency) -> bool:
    return agency.from_day <= world.day <= (math.inf if agency.until_day is None else agency.until_day)


def part_of_week(world: ReferenceWorld) -> float:
    shares = world.spec.staff.weekdays
    return shares[world.weekday] if shares else 1 / 7


def asked_today(world: ReferenceWorld, name: str) -> float:
    """What an action wants today: a week's hours over the days on which it acts; posts and streams have their day."""
    action = world.policy.actions[name]
    week, calendar = action.hours_asked_per_week(), getattr(action, "calendar", None)
    if isinstance(action, Posts):
        return action.hours_per_post * action.calendar.times(world.day, world.date)
    if isinstance(action, LiveStream):
        return action.hosts * action.length_hours * action.calendar.times(world.day, world.date)
    if isinstance(action, GroupEvent):
        return action.hours_per_event if week and action.calendar.times(world.day, world.date) else 0.0
    if isinstance(action, Chat) and calendar is not None:
        return week * spread(calendar, world)
    return week * part_of_week(world)


def spread(calendar: Calendar, world: ReferenceWorld) -> float:
    times = calendar.times(world.day, world.date)
    if times and calendar.weekdays:
        return 1 / len(set(calendar.weekdays))
    if times and calendar.per_week:
        return times / calendar.per_week
    return times * (calendar.every_days or 1) / 7


def granted(world: ReferenceWorld) -> dict[str, float]:
    """Those of the policy's priority one after the other, the rest in proportion."""
    week = world.spec.staff.hours_per_week * team(world).about.hours
    week += sum(a.hours_per_week for a in agencies(world) if present(world, a))
    left, got = week * part_of_week(world), {}
    for name in world.policy.priority:
        got[name] = min(asked_today(world, name), left)
        left -= got[name]
    others = {name: asked_today(world, name) for name in world.policy.actions if name not in got}
    for name, asked in others.items():
        got[name] = asked if sum(others.values()) <= left else asked * (left / sum(others.values()))
    return got


def put_to_work(world: ReferenceWorld, name: str) -> float:
    """Hours of an action today, paid."""
    wage, got = world.spec.staff.wage_cny_per_hour * team(world).about.wage, granted(world)[name]
    before = world.worked.get(name, 0.0)
    after = world.worked[name] = before + got
    pay = whole_cents(after * wage) - whole_cents(before * wage)
    if pay > 0:
        world.book_shared("wages", pay, name)
    return got


def attend(world: ReferenceWorld, name: str, hours: float, minutes_per_round: float) -> float:
    """Hours that rounds answered by customers take before anything new is opened."""
    used = min(max(world.heard.get(name, 0) * minutes_per_round / 60 - world.attended.get(name, 0.0), 0.0), hours)
    world.attended[name] = world.attended.get(name, 0.0) + used
    return used


def skill_of(world: ReferenceWorld, name: str) -> float:
    """Mean skill of those who are there, and what agencies that left have taught."""
    about = team(world).about
    own = getattr(about.skill, name)
    people = [(world.spec.staff.hours_per_week * about.hours, own)]
    people += [(a.hours_per_week, getattr(a.skill, name)) for a in agencies(world) if present(world, a)]
    taught = 0.0
    for label, a in named_agencies(world).items():
        if a.hours_per_week and world.day > (math.inf if a.until_day is None else a.until_day):
            learned = min(world.lessons[label] / a.learning_hours, 1.0)
            taught = max(taught, a.teaches * learned * (getattr(a.skill, name) - own))
    hours = sum(h for h, _ in people)
    return (sum(h * skill for h, skill in people) / hours if hours else own) + taught


def organise(world: ReferenceWorld, name: str, action: Team) -> None:
    if world.day == 0 and action.setup_cny:
        world.book_shared("setup", whole_cents(action.setup_cny), name)
    for channel, spec in world.spec.channels.items():
        factor = action.about.reach.get(spec.preset or channel)
        if factor is not None:
            spend = max(factor - 1.0, 0.0) * spec.organic_per_day * spec.cost_per_reach_cny
            world.pressure[channel] += spend / (spec.volume * spec.cost_per_reach_cny)


def hire(world: ReferenceWorld, name: str, action: Agency) -> None:
    if not present(world, action):
        return
    # Whoever is there works alike: each week's hour of theirs is put to work as much as any other.
    week = world.spec.staff.hours_per_week * team(world).about.hours
    week += sum(a.hours_per_week for a in agencies(world) if present(world, a))
    works = sum(granted(world).values()) / week if week else 0.0
    world.lessons[name] = world.lessons.get(name, 0.0) + works * action.hours_per_week
    since = world.day - action.from_day
    due = whole_cents(action.fee_cny_per_week / 7 * (since + 1)) - whole_cents(action.fee_cny_per_week / 7 * since)
    due += whole_cents(action.setup_cny) if since == 0 else 0
    if due > 0:
        world.book_shared("setup", due, name)


def queues(world: ReferenceWorld) -> list[tuple[str, int]]:
    """What waits for staff, by action."""
    waits = []
    for name, action in world.policy.actions.items():
        if isinstance(action, AfterSales) and action.hours_per_week:
            waits.append((name, len(in_line(world))))
        elif isinstance(action, QuoteDesk) and action.hours_per_week:
            waits.append((name, len(asking(world))))
        elif isinstance(action, Chat) and action.minutes_per_round:
            done = whole(world.attended.get(name, 0.0) * 60 / action.minutes_per_round)
            waits.append((name, world.heard.get(name, 0) - done))
    return waits


def answer_first_asked(world: ReferenceWorld, name: str, action: QuoteDesk) -> list[Customer]:
    """Whom the quote desk answers today."""
    before = world.worked.get(name, 0.0)
    after, per_hour = before + put_to_work(world, name), 60 / action.minutes_per_quote
    places = whole(after * per_hour) - whole(before * per_hour)
    line = sorted(asking(world), key=lambda c: (c.quote_day, world.draws.one("quotes.line", c.quote_day, c.key)))
    return [c for c in asking(world) if c in line[:places]]


def asking(world: ReferenceWorld) -> list[Customer]:
    return [c for c in world.customers if c.here and c.quote_day != NEVER]


# -- problems -------------------------------------------------------------------------------------------------------


def in_line(world: ReferenceWorld) -> list[Customer]:
    return [c for c in world.customers if c.here and c.problem_day is not None and not c.problem_refused]


def settle_problems(world: ReferenceWorld, name: str, action: AfterSales) -> None:
    """First come, first served; of one day by luck."""
    if not action.hours_per_week:
        return
    before = world.worked.get(name, 0.0)
    after, per_hour = before + put_to_work(world, name), 60 / action.minutes_per_case
    places = whole(after * per_hour) - whole(before * per_hour)
    line = sorted(
        in_line(world), key=lambda c: (c.problem_day, world.draws.one("after_sales.line", c.problem_day, c.key))
    )
    for c in line[:places]:
        waited = world.day - c.problem_day
        if world.draws.one("after_sales.favour", world.day, c.key) < action.in_favour:
            c.problem_day = None
            world.book(c, "settled", waited, name)
            given = round(c.problem_cents * action.compensation_share) + whole_cents(action.gift_cny)
            if given > 0:
                world.book(c, "compensation", given, name)
            world.settled.append((c, waited, given / max(c.problem_cents, 1)))
        else:
            c.problem_refused = True
            world.book(c, "refused", waited, name)


def make_up(world: ReferenceWorld) -> None:
    """What a settlement gives back: fair, prompt, skilled."""
    rule, skill = world.rules["recovery"], skill_of(world, "after_sales")
    for c, waited, given in world.settled:
        fair = 1.0 - (1.0 - rule.fair_without) * 2 ** (-given / rule.half_at)
        satisfaction = min(fair * 2 ** (-waited / rule.half_life_days) * skill, 1.0)
        c.resting_trust += rule.recovery * satisfaction * (1.0 - c.resting_trust)
    world.settled.clear()


def have_problems(world: ReferenceWorld) -> None:
    """Quarrels over what is refused or overdue; then the problems of today's orders."""
    rule = world.rules["problems"]
    if not rule.per_order:
        return
    for c in world.customers:
        overdue = c.problem_day is not None and world.day - c.problem_day > rule.patience_days
        if c.here and (overdue or c.problem_refused):
            quarrel(world, c)
    for c, net, _ in world.sales:
        unlucky = world.draws.one("problems.arise", world.day, c.key) < rule.per_order
        if c.here and c.problem_day is None and unlucky:
            c.problem_day, c.problem_cents = world.day, net
            c.resting_trust *= single(1.0 - rule.hurt)
            world.book(c, "problem", 0, "problems")


def quarrel(world: ReferenceWorld, c: Customer) -> None:
    rule = world.rules["problems"]
    c.problem_day, c.problem_refused = None, False
    world.book(c, "quarrel", 0, "problems")
    c.resting_trust *= single(1.0 - rule.quarrel_loss)
    c.goodwill = min(c.goodwill, 0.0)
    left = world.draws.one("problems.leave", world.day, c.key) < rule.quarrel_delete
    if left and not world.learns("delete"):
        world.set_contact(c, Contact.DELETED, "delete", "problems")
