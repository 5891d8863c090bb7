"""Acquisition: spend a day on each channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import NonNegativeFloat

from agents.actions.base import Action, Problem, cents
from agents.calendar import Calendar
from sim.errors import nearest
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario


class Acquisition(Action):
    """Media spend. Returns diminish because a channel's pool of prospects is used up."""

    kind = "acquisition"
    off: ClassVar[dict[str, Any]] = {"spend_cny_per_day": {}}
    extensive: ClassVar[tuple[str, ...]] = ("spend_cny_per_day.*",)

    spend_cny_per_day: dict[str, NonNegativeFloat] = parameter(
        doc="spend on each channel, CNY on a day of the calendar"
    )
    calendar: Calendar = parameter(Calendar(every_days=1), doc="when")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.calendar.times(world.day, world.date):
            return
        for channel, spend in self.spend_cny_per_day.items():
            if spend > 0:
                world.channels[channel].push(spend)
                world.ledger.record_shared(world.day, "media", cents(spend), f"{name}.{channel}")

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        for channel in self.spend_cny_per_day:
            if channel not in scenario.channels:
                yield (
                    f"the scenario has no channel '{channel}'",
                    f"spend_cny_per_day.{channel}",
                    nearest(channel, scenario.channels),
                )

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        days = self.calendar.days(scenario.start, scenario.horizon_days)
        return days * sum(self.spend_cny_per_day.values())
