"""Partner swaps: show a partner brand's advert to one's own customers, and be shown to its customers in return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Problem, ScheduledAction
from agents.calendar import Calendar
from sim.errors import nearest
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario


class PartnerSwap(ScheduledAction):
    """Adverts of a partner brand to one's own customers (异业合作).

    They tire and annoy as any advert does, and sell nothing of ours. For each that is seen the partner shows ours to
    ``reciprocity`` people of its own pool, a channel of the scenario with ``partner: true``; they come from the next
    day on, as those do whom media reach.
    """

    kind = "partner_swap"
    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0}

    channel: str = parameter(doc="the partner's pool: a channel of the scenario with partner: true")
    calendar: Calendar = parameter(Calendar(per_week=1), doc="when")
    cost_cny: float = parameter(
        0.02, ge=0, le=10, doc="cost of one advert to one customer, CNY", source="assumed", fact=True
    )

    def apply(self, world: PrivateDomain, name: str) -> None:
        for _ in range(self.calendar.times(world.day, world.date)):
            rows = np.flatnonzero(self.audience.mask(world.customers, world.day))
            world.send("advert", rows, name, self.cost_cny, foreign=True)

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        partners = [name for name, channel in scenario.channels.items() if channel.partner]
        if self.channel not in scenario.channels:
            yield f"the scenario has no channel '{self.channel}'", "channel", nearest(self.channel, partners)
        elif self.channel not in partners:
            known = f"name one of {', '.join(partners)}" if partners else "add a channel with preset: partner_brand"
            yield (
                f"channel '{self.channel}' is no partner's pool",
                "channel",
                f"{known}, or set channels.{self.channel}.partner: true",
            )
