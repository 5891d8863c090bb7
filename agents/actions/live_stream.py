"""Live streams: announced, hosted for some hours, with gifts for those who watch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Problem, ScheduledAction, cents
from agents.actions.posts import platform_refuses
from agents.media import MediumName, columns_of
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain, Rows
    from agents.scenario import Scenario


@dataclass(frozen=True)
class Stream:
    """A stream of today: who may watch, under which action, for how long, with which gift, and two addresses of luck.

    ``luck`` decides who watches, ``announced`` is that of its announcement.
    """

    rows: Rows
    source: str
    hours: float
    gift_cents: int
    luck: str
    announced: str = ""


class LiveStream(ScheduledAction):
    """A live stream on each day of the calendar; contacts join by chance, those who saw the announcement sooner.

    Where staff hours are short, the streams are shorter.
    """

    kind = "live_stream"
    off: ClassVar[dict[str, Any]] = {"length_hours": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("hosts", "setup_cny")

    length_hours: float = parameter(2.0, ge=0, le=24, doc="length of a stream, hours", source="assumed")
    hosts: float = parameter(1.0, gt=0, le=100, doc="staff who are there for all of it", source="assumed", fact=True)
    announce: MediumName | None = parameter("broadcast", doc="medium of the announcement on the day; none without one")
    announcement_cost_cny: float = parameter(
        0.0, ge=0, le=10, doc="cost of an announcement to one receiver, CNY", fact=True
    )
    setup_cny: float = parameter(0.0, ge=0, doc="cost of one stream, whoever watches, CNY", fact=True)
    gift_cny: float = parameter(0.0, ge=0, le=1000, doc="gift to each viewer, CNY")

    def apply(self, world: PrivateDomain, name: str) -> None:
        streams = self.calendar.times(world.day, world.date)
        if not self.length_hours or not streams:
            return
        if self.setup_cny:
            for _ in range(streams):
                world.ledger.record_shared(world.day, "setup", cents(self.setup_cny), name)
        hours = self._worked(world, name, streams)
        rows = np.flatnonzero(self.audience.mask(world.customers, world.day))
        for number in range(streams):
            announced = ""
            if self.announce is not None:
                announced = world.send("advert", rows, name, self.announcement_cost_cny, medium=self.announce)
            world.today.streams.append(
                Stream(rows, name, hours, cents(self.gift_cny), f"live.{name}.{number}", announced)
            )  # fmt: skip

    def _worked(self, world: PrivateDomain, name: str, streams: int) -> float:
        """Hours of each of today's streams for which there are hosts."""
        if not self.hosts:
            return self.length_hours
        before, after = world.staff.put_to_work(world, name)
        return (after - before) / self.hosts / streams

    def carries(self) -> tuple[type[Columns], ...]:
        return () if self.announce in (None, "direct") else (columns_of(str(self.announce), ("advert",)),)

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if self.announce is not None and self.length_hours:
            yield from platform_refuses(scenario, self, self.announce)

    def hours_asked_per_week(self) -> float:
        return self.hosts * self.length_hours * self.calendar.per_week_on_average()

    def hours_asked_on(self, scenario: Scenario, day: int, date: dt.date) -> float:
        return self.hosts * self.length_hours * self.calendar.times(day, date)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        held = self.calendar.days(scenario.start, scenario.horizon_days) if self.length_hours else 0
        return self.setup_cny * held
