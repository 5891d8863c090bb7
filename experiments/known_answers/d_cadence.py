"""Family D: how often to write when messages sell, and tire.

n messages a week earn 1 + 6 (1 - exp(-.6 n)) - .05 n at the start of the week; the customer outlives the week with
exp(-(.004 + .0016 n²)), and a week discounts by exp(-.0019). Hazard and discount are continuous rates: with q the
exponential of minus their sum, V(n) = profit / (1 - q), times 1 - q^T over T weeks.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Action, ScheduledAction
from agents.actions.cadence import Advert
from agents.behaviours.base import Behaviour
from agents.calendar import Calendar
from agents.customers import Contact
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.known_answers.family import (
    UNIT_CNY,
    Family,
    Moments,
    Optimum,
    annual_rate,
    annuity,
    highest_of,
    lever,
    shortest_period,
    world_of,
)
from experiments.known_answers.question import Question
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

WEEK_DAYS = 7


class SteadyCadence(ScheduledAction):
    """A fractional number of adverts for each of the audience, as one parcel on each day of the calendar.

    A calendar of 1.5 a week means one advert in one week and two in the next, which is another thing when effects are
    not linear.
    """

    kind = "steady_cadence"
    off: ClassVar[dict[str, Any]] = {"messages": 0.0}

    messages: float = parameter(ge=0, doc="adverts in a parcel, any fraction")
    cost_cny: float = parameter(ge=0, doc="cost of one advert to one customer, CNY")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.messages > 0 and self.calendar.times(world.day, world.date):
            rows = np.flatnonzero(self.audience.mask(world.customers, world.day))
            world.send("advert", rows, name, self.messages * self.cost_cny)


class FatiguedReturn(Behaviour):
    """Messages of the week are received and counted; each contact earns a sum with diminishing returns in them."""

    kind = "fatigued_return"
    phase = "purchase"

    base_cny: float = parameter(ge=0, doc="earned in a week without messages, CNY")
    gain_cny: float = parameter(ge=0, doc="earned beyond it by countless messages, CNY")
    saturation: float = parameter(ge=0, doc="decay of the missing gain per message")
    week_days: int = parameter(WEEK_DAYS, ge=1, doc="days that stand for a week")

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.week_days:
            return
        c = world.customers
        c.fatigue[:] = 0
        for message in world.today.outbox:
            cost = message.cents(world.day, c.key[message.rows])
            world.record(f"message_{message.kind}", message.rows, cost, message.source)
            c.fatigue[message.rows] += _load(world.policy.actions[message.source])
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        earned = self.base_cny - self.gain_cny * np.expm1(-self.saturation * c.fatigue[rows].astype(np.float64))
        world.sell(rows, np.rint(earned * 100).astype(np.int64))


class FatiguedDeparture(Behaviour):
    """Contacts leave at a rate that rises with the square of the week's messages."""

    kind = "fatigued_departure"
    phase = "churn"

    per_week: float = parameter(ge=0, doc="rate of leaving without messages, a week")
    per_square: float = parameter(ge=0, doc="rate of leaving per message squared, a week")
    week_days: int = parameter(WEEK_DAYS, ge=1, doc="days that stand for a week")

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.week_days:
            return
        c = world.customers
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        rate = self.per_week + self.per_square * c.fatigue[rows].astype(np.float64) ** 2
        leaves = world.draws.uniform("fatigued_departure", world.day, c.key[rows]) < -np.expm1(-rate)
        world.set_contact(rows[leaves], Contact.DELETED, "delete", self.kind)


def _load(action: Action) -> float:
    return action.messages if isinstance(action, SteadyCadence) else 1.0


class Cadence(Family):
    """Cadence with fatigue. The lever is ``messages`` a week."""

    base: float = parameter(1.0, ge=0, doc="profit of a week without messages")
    gain: float = parameter(6.0, ge=0, doc="profit that countless messages add")
    saturation: float = parameter(0.6, ge=0, doc="decay of the missing profit per message")
    cost: float = parameter(0.05, ge=0, doc="cost of a message")
    hazard: float = parameter(0.004, ge=0, doc="rate of leaving without messages, a week")
    hazard_per_square: float = parameter(0.0016, ge=0, doc="rate of leaving per message squared, a week")
    discount: float = parameter(0.0019, ge=0, doc="discount rate a week; the factor is exp(-discount)")

    @property
    def week_days(self) -> int:
        """Fewest model days that can stand for a week: the longest horizon in weeks."""
        return shortest_period(self.discount)

    def profit(self, messages: float) -> float:
        """Profit of a week."""
        return self.base - self.gain * math.expm1(-self.saturation * messages) - self.cost * messages

    def rate(self, messages: float) -> float:
        """Rate of leaving and discount together, a week."""
        return self.hazard + self.hazard_per_square * messages**2 + self.discount

    def scenario(self, *, customers: int, weeks: int, week_days: int | None = None) -> Scenario:
        """The world for so many weeks. A week takes ``week_days`` model days, by default the fewest possible."""
        days = week_days or self.week_days
        behaviours: dict[str, Behaviour] = {
            "return": FatiguedReturn(
                base_cny=self.base * UNIT_CNY,
                gain_cny=self.gain * UNIT_CNY,
                saturation=self.saturation,
                week_days=days,
            ),
            "departure": FatiguedDeparture(per_week=self.hazard, per_square=self.hazard_per_square, week_days=days),
        }
        return world_of(
            behaviours,
            title="cadence with fatigue",
            module=__name__,
            customers=customers,
            days=(weeks - 1) * days + 1,
            discount_rate=annual_rate(self.discount, days),
        )

    def policy(self, *, messages: float, week_days: int | None = None) -> Policy:
        """So many adverts a week, any fraction, as one parcel."""
        cadence = SteadyCadence(
            messages=messages, cost_cny=self.cost * UNIT_CNY, calendar=Calendar(every_days=week_days or self.week_days)
        )
        return Policy(title=f"{messages:g} adverts a week", actions={"cadence": cadence}, plugins=(__name__,))

    def adverts(self, *, messages: int, week_days: int | None = None) -> Policy:
        """The same for whole numbers, with the product's own adverts."""
        weekly = Calendar(every_days=week_days or self.week_days)
        advert = Advert(calendar=weekly, cost_cny=self.cost * UNIT_CNY)
        return Policy(title=f"{messages} adverts a week", actions={f"advert_{i}": advert for i in range(messages)})

    def exact(self, *, messages: float, weeks: int | None = None) -> float:
        """Value of a customer over so many weeks, or for ever."""
        lasting = 1.0 if weeks is None else -math.expm1(-self.rate(messages) * weeks)
        return -self.profit(messages) * lasting / math.expm1(-self.rate(messages))

    def moments(self, *, messages: float, weeks: int) -> Moments:
        """Mean and standard deviation of a customer's value over so many weeks, by recursion."""
        survival = math.exp(self.discount - self.rate(messages))
        return annuity(self.profit(messages), 0.0, survival, math.exp(-self.discount), weeks)

    def optimum(self, *, weeks: int | None = None, most: float = 28.0) -> Optimum:
        """The cadence of greatest value over so many weeks or for ever, up to ``most`` messages a week."""
        messages = highest_of(lambda n: self.exact(messages=n, weeks=weeks), 0.0, most)
        return Optimum({"messages": messages}, self.exact(messages=messages, weeks=weeks))

    def truth(self, policy: Policy, *, weeks: int) -> float:
        """Value of a customer under a policy with this family's cadence or none, in the scenario's currency."""
        messages = lever(policy, self.policy(messages=1), "messages")
        return self.exact(messages=messages or 0.0, weeks=weeks) * UNIT_CNY

    def question(self, *, customers: int = 5000, weeks: int = 600, most: float = 7.0) -> Question:
        """How often to write. The long run's answer is that of ``optimum()``; a year's would be another."""
        best = self.optimum(weeks=weeks, most=most)
        often = max((0.0, most / 2), key=lambda n: abs(n - best.levers["messages"]))
        return Question(
            scenario=self.scenario(customers=customers, weeks=weeks),
            status_quo=self.policy(messages=often),
            space={"actions.cadence.messages": {"low": 0.0, "high": most}},
            truth=partial(self.truth, weeks=weeks),
            best=best.value * UNIT_CNY,
        )
