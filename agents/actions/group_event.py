"""Group events: what new-product days, welfare days, lotteries and festivals have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat

from agents.actions.base import Problem, ScheduledAction, cents
from agents.actions.community import runs_communities
from agents.audience import Audience
from agents.calendar import times_before
from agents.coupon_book import CouponTerms, give, holding
from agents.gatherings import Announcement
from agents.media import MediumName, columns_of
from agents.staff import hours_there_are
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.gathering import Gathering
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Rows = NDArray[np.intp]


class GroupEvent(ScheduledAction):
    """An event that is announced, and to which those come who take note.

    Where the operator runs communities it is posted in these, else sent to every contact of the audience. Announcements
    are adverts: each is one more chance to be noticed, and tires everybody who sees it. What nobody had time to prepare
    nobody notices.
    """

    appeal: ClassVar[Literal["interest", "price_sensitivity"]]
    """Trait of those who look out for it."""
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_event", "production_cny")

    announcements: int = parameter(1, ge=1, le=6, doc="announcements on the day")
    cost_cny: float = parameter(
        0.02, ge=0, le=10, doc="cost of one announcement to one customer, CNY", source="assumed", fact=True
    )
    production_cny: NonNegativeFloat = parameter(0.0, doc="cost of each event, whoever comes, CNY", fact=True)
    hours_per_event: NonNegativeFloat = parameter(
        3.0, le=1000, doc="staff hours to prepare and host it", source="assumed"
    )
    in_groups: bool = parameter(True, doc="announced in the communities, if there are any; to every contact otherwise")
    audience: Audience = parameter(Audience(), doc="to whom it is announced")

    @property
    def idle(self) -> bool:
        """Whether there is nothing on offer, so that nothing is announced and nobody works for it."""
        raise TypeError(f"{type(self).__name__} does not say when it is idle: define idle")

    @property
    def choices(self) -> int:
        """Number of things that those who come choose from; each takes time to prepare."""
        return 1

    def carries(self) -> tuple[type[Columns], ...]:
        return (columns_of("group", ("advert",)),) if self.in_groups else ()

    def hours_asked_per_week(self) -> float:
        return 0.0 if self.idle else self.hours_per_event * self.calendar.per_week_on_average()

    def hours_asked_on(self, scenario: Scenario, day: int, date: dt.date) -> float:
        return 0.0 if self.idle or not self.calendar.times(day, date) else self.hours_per_event

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        return 0.0 if self.idle else self.cost_of_event_cny() * self._events(scenario)

    def cost_of_event_cny(self) -> float:
        """What each event costs, whoever comes, CNY."""
        return self.production_cny

    def _events(self, scenario: Scenario) -> int:
        before = times_before(self.calendar, scenario.start, scenario.horizon_days)
        return sum(b > a for a, b in pairwise(before))

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if not self.idle and not self.hours_per_event:
            yield (
                "nobody prepares this event (hours_per_event 0), and what nobody prepares nobody notices",
                "hours_per_event",
                "raise hours_per_event, or leave the event out",
            )

    def conflicts(self, policy: Policy, scenario: Scenario) -> Iterator[Problem]:
        asks = False
        for day in range(scenario.horizon_days):
            if self.hours_asked_on(scenario, day, scenario.start + dt.timedelta(days=day)):
                asks = True
                if hours_there_are(scenario, policy, day):
                    return
        if asks:
            yield (
                f"no staff work on its days, of {self.hours_per_event:g} hours that it asks for",
                "hours_per_event",
                "give the scenario staff.hours_per_week on these weekdays, add an agency, or leave the event out",
            )

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.idle or not self.calendar.times(world.day, world.date):
            return
        hours = self.prepare(world, name)
        if self.cost_of_event_cny():
            world.ledger.record_shared(world.day, "setup", cents(self.cost_of_event_cny()), name)
        self.announce(world, name, hours, self.announcements)

    def prepare(self, world: PrivateDomain, name: str) -> float:
        """Let staff prepare today's event; return the hours that they had."""
        if not self.hours_per_event:
            return 0.0
        before, after = world.staff.put_to_work(world, name)
        return after - before

    def announce(self, world: PrivateDomain, name: str, hours: float, times: int) -> None:
        """Send so many announcements of an event that staff had so many hours for."""
        meant = self.audience.mask(world.customers, world.day)
        medium: MediumName = "direct"
        if self.in_groups and runs_communities(world.policy):
            meant &= world.customers.community >= 0
            medium = "group"
        rows = np.flatnonzero(meant)
        for _ in range(times):
            world.send("advert", rows, name, self.cost_cny, medium=medium)
            world.today.announced[f"{name}.{world.today.posted[name]}"] = Announcement(name, self, hours / self.choices)

    def welcome(self, world: PrivateDomain, rows: Rows, name: str, gathering: Gathering) -> None:
        """Give those who came what the event has for them; each row once."""
        raise TypeError(f"{type(self).__name__} does not say what it gives: define welcome()")


def flash_terms(depth: float, minimum_cny: float) -> CouponTerms:
    """A price for today alone, which those who took note of it mean to use."""
    return CouponTerms(depth, minimum_cents=cents(minimum_cny), valid_days=1, slot="flash_price", sure=True)


def flash_price(world: PrivateDomain, rows: Rows, depth: float, minimum_cny: float, name: str) -> None:
    """Give the price for today to those of these customers who have none as deep."""
    if depth > 0:
        terms = flash_terms(depth, minimum_cny)
        give(world, rows[~holding(world, terms)[rows]], terms, name)
