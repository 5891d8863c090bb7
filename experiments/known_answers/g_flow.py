"""Family G, second part: Little's law. People arrive at a steady pace and leave with a constant hazard.

The stock at the end of day t is (pace / hazard) (1 - (1 - hazard)^t); in the long run pace times mean stay. People
come through the product's own channels and arrival, whose returns diminish; what a steady pace then asks for is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import NonNegativeFloat

from agents.actions.base import Action, Problem, cents
from agents.behaviours.arrival import Arrival
from agents.behaviours.base import Behaviour
from agents.behaviours.census import Census
from agents.channels import ChannelSpec
from agents.customers import Contact
from agents.policy import Policy
from agents.scenario import Population, Scenario
from experiments.known_answers.family import ALIKE, Family, Moments
from sim.errors import nearest
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class SteadyReach(Action):
    """Spend whatever reaches the same number of people a day, on average, from pools that are being used up."""

    kind = "steady_reach"
    off: ClassVar[dict[str, Any]] = {"people_per_day": {}}
    extensive: ClassVar[tuple[str, ...]] = ("people_per_day.*",)

    people_per_day: dict[str, NonNegativeFloat] = parameter(doc="people to be reached a day, by channel")

    def apply(self, world: PrivateDomain, name: str) -> None:
        for place, people in self.people_per_day.items():
            channel = world.channels[place]
            before, after = (spend_cny(channel.spec, people, day) for day in (world.day, world.day + 1))
            channel.push(after - before)
            # Differences of a running sum, so that rounding never adds up.
            if cents(after) > cents(before):
                media = cents(after) - cents(before)
                world.ledger.record_shared(world.day, "media", media, f"{name}.{place}")

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        for place in self.people_per_day:
            if place not in scenario.channels:
                yield (
                    f"the scenario has no channel '{place}'",
                    f"people_per_day.{place}",
                    nearest(place, scenario.channels),
                )

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        days = scenario.horizon_days
        return sum(spend_cny(scenario.channels[place], n, days) for place, n in self.people_per_day.items())


def spend_cny(channel: ChannelSpec, people_per_day: float, days: int) -> float:
    """What it takes to reach so many people a day from a fresh pool, all in all, until nobody is left."""
    days_left = math.ceil(channel.volume / people_per_day) - 1 if people_per_day else 0
    share = people_per_day * min(days, days_left) / channel.volume
    # A prospect is reached when 1 - exp(-pressure) passes a uniform number.
    return -math.log1p(-share) * channel.volume * channel.cost_per_reach_cny


class SteadyDeparture(Behaviour):
    """Contacts leave with the same hazard every day, from the day after they joined."""

    kind = "steady_departure"
    phase = "churn"

    per_day: float = parameter(ge=0, le=1, doc="chance of leaving a day")

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        rows = np.flatnonzero((c.contact == Contact.CONTACT) & (c.joined < world.day))
        leaves = world.draws.uniform("steady_departure", world.day, c.key[rows]) < self.per_day
        world.set_contact(rows[leaves], Contact.DELETED, "delete", self.kind)


class Flow(Family):
    """A stock fed by a steady stream. A model day is the period."""

    arrivals: float = parameter(100.0, gt=0, doc="people who join a period, on average")
    hazard: float = parameter(0.02, gt=0, le=1, doc="chance of leaving a period")
    prospects: int = parameter(50_000, gt=0, doc="people there are to reach")

    def scenario(self, *, days: int) -> Scenario:
        """The world for so many periods, empty at first."""
        market = ChannelSpec(volume=self.prospects, cost_per_reach_cny=1.0, add_rate=1.0)
        return Scenario(
            title="steady flow",
            horizon_days=days,
            census_days=1,
            population=Population(size=0),
            traits=ALIKE,
            channels={"market": market},
            behaviours={
                "arrival": Arrival(),
                "departure": SteadyDeparture(per_day=self.hazard),
                "census": Census(),
            },
            only_named_behaviours=True,
            plugins=(__name__,),
        )

    def policy(self) -> Policy:
        """Reach the steady number. What is spent on a day arrives on the next."""
        reach = SteadyReach(people_per_day={"market": self.arrivals})
        return Policy(title="steady reach", actions={"reach": reach}, plugins=(__name__,))

    def moments(self, *, day: int) -> Moments:
        """Mean and standard deviation of the stock at the end of a day: each prospect is there or not, by itself."""
        if self.arrivals * day > self.prospects:
            raise ValueError(f"{self.prospects} prospects do not last {day} days; give more prospects")
        mean = self.arrivals / self.hazard * (1 - (1 - self.hazard) ** day)
        return Moments(mean, math.sqrt(mean * (1 - mean / self.prospects)))

    def exact(self) -> float:
        """The stock in the long run, by Little's law: pace times mean stay."""
        return self.arrivals / self.hazard
