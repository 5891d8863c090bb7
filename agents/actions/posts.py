"""Posts through a medium to many: Moments, groups, broadcasts, the official account."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Problem, ScheduledAction, cents
from agents.actions.community import runs_communities
from agents.audience import unknown_interest
from agents.calendar import times_before
from agents.customers import Interested
from agents.media import MediumName, columns_of, kinds_of
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain, Rows
    from agents.scenario import Scenario


class Posts(ScheduledAction):
    """Posts to an audience, some of them adverts and the others value content, evenly mixed.

    Where staff hours are short, the same share of posts is left undone.
    """

    kind = "posts"
    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("production_cny", "hours_per_post")

    medium: MediumName = parameter("moments", doc="the way to the receivers; see scenario.media")
    advert_share: float = parameter(
        0.0, ge=0, le=1, doc="share of posts that are adverts; the others are value content"
    )
    interest_group: str | None = parameter(
        None, min_length=1, doc="group of interest that they are made for; a group post goes to that group alone"
    )
    cost_cny: float = parameter(0.0, ge=0, le=10, doc="cost of a post to one receiver, CNY", fact=True)
    production_cny: float = parameter(0.0, ge=0, doc="what one planned post costs to buy or make ahead, CNY", fact=True)
    hours_per_post: float = parameter(0.0, ge=0, le=1000, doc="staff hours that making one post takes", fact=True)

    def apply(self, world: PrivateDomain, name: str) -> None:
        before = times_before(self.calendar, world.start, world.horizon_days)
        planned = before[world.day + 1] - before[world.day]
        if not planned:
            return
        if self.production_cny:
            for _ in range(planned):
                world.ledger.record_shared(world.day, "setup", cents(self.production_cny), name)
        done = self._done(world, name, before[world.day], planned)
        rows = self._receivers(world) if len(done) else np.empty(0, np.intp)
        topic = (
            -1 if self.interest_group is None else list(world.spec.traits.interest_groups).index(self.interest_group)
        )
        for number in done:
            advert = whole(self.advert_share * (number + 1)) > whole(self.advert_share * number)
            kind = "advert" if advert else "content"
            world.send(kind, rows, name, self.cost_cny, medium=self.medium, topic=topic)

    def _done(self, world: PrivateDomain, name: str, before: int, planned: int) -> range:
        """Numbers of the posts of today that staff have the time to make, counted from the first of the run."""
        if not self.hours_per_post:
            return range(before, before + planned)
        hours = world.staff.put_to_work(world, name)  # so far, before and after today
        return range(*(whole(so_far / self.hours_per_post) for so_far in hours))

    def _receivers(self, world: PrivateDomain) -> Rows:
        c = world.customers
        meant = self.audience.mask(c, world.day)
        if self.medium == "group" and runs_communities(world.policy):
            meant &= c.community >= 0
        if self.medium == "group" and self.interest_group is not None:
            meant &= c.interest_group == list(world.spec.traits.interest_groups).index(self.interest_group)
        return np.flatnonzero(meant)

    def carries(self) -> tuple[type[Columns], ...]:
        found = (Interested,) if self.interest_group is not None else ()
        return found if self.medium == "direct" else (*found, columns_of(self.medium, kinds_of(self.advert_share)))

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if self.interest_group is not None:
            yield from unknown_interest(scenario, self.interest_group, "interest_group")
        yield from platform_refuses(scenario, self, self.medium)

    def hours_asked_per_week(self) -> float:
        return self.hours_per_post * self.calendar.per_week_on_average()

    def hours_asked_on(self, scenario: Scenario, day: int, date: dt.date) -> float:
        return self.hours_per_post * self.calendar.times(day, date)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        return self.production_cny * self.calendar.days(scenario.start, scenario.horizon_days)


def whole(number: float) -> int:
    """A running sum in whole pieces; rounding guards against 2.999… where three are meant."""
    return math.floor(round(number, 9))


def platform_refuses(scenario: Scenario, action: ScheduledAction, medium: MediumName) -> Iterator[Problem]:
    """The problem, if it is one, that an action on its calendar always exceeds what the platform lets through."""
    limits = scenario.media.of(medium)
    if limits is None or not action.audience.lasting:
        return
    before = times_before(action.calendar, scenario.start, scenario.horizon_days)
    days = [scenario.start + dt.timedelta(days=day) for day in range(scenario.horizon_days)]
    dates = [date for date, n, m in zip(days, before, before[1:], strict=False) for _ in range(m - n)]
    if limits.always_exceeded(dates, days[0], days[-1]):
        yield (
            f"every {limits.per} has more posts than the {limits.limit} that the platform lets through",
            "calendar",
            f"post less often, or raise media.{medium}.limit if the platform lets you",
        )
