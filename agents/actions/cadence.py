"""Content and advert cadence: value content builds trust, adverts sell and tire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import ScheduledAction, cents
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario


class Cadence(ScheduledAction):
    """Messages of one kind to an audience, so many times a week."""

    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("production_cny",)

    cost_cny: float = parameter(
        0.02, ge=0, le=10, doc="cost of one message to one customer, CNY", source="assumed", fact=True
    )
    production_cny: float = parameter(0.0, ge=0, doc="cost of making one post, whoever receives it, CNY", fact=True)

    def apply(self, world: PrivateDomain, name: str) -> None:
        for _ in range(self.calendar.times(world.day, world.date)):
            if self.production_cny:
                world.ledger.record_shared(world.day, "setup", cents(self.production_cny), name)
            rows = np.flatnonzero(self.audience.mask(world.customers, world.day))
            world.send(self.kind, rows, name, self.cost_cny)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        return self.production_cny * self.calendar.days(scenario.start, scenario.horizon_days)


class Advert(Cadence):
    """Selling messages: Moments adverts, broadcast offers."""

    kind = "advert"


class Content(Cadence):
    """Value content: recipes, care, interest-group posts."""

    kind = "content"
    production_cny: float = parameter(30.0, ge=0, doc="cost of making one post, CNY", source="assumed", fact=True)
