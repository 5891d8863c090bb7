"""Family A: geometric retention, and money spent on it.

Each period the operator pays a, the customer stays with r(a) = r_max - (r_max - r0) exp(-k a) and, if so, brings the
margin m one period later: V(a) = (m r(a) - a (1 + d)) / (1 + d - r(a)). With nothing to gain from spending this is the
textbook CLV m r / (1 + d - r).
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import model_validator
from scipy.special import wrightomega

from agents.actions.base import ScheduledAction, cents
from agents.behaviours.base import Behaviour
from agents.calendar import Calendar
from agents.customers import Contact
from agents.policy import DO_NOTHING, Policy
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


class RetentionSpend(ScheduledAction):
    """Care that costs the same for each of its audience."""

    kind = "retention_spend"
    off: ClassVar[dict[str, Any]] = {"spend_cny": 0.0}

    spend_cny: float = parameter(ge=0, doc="spend on one customer at a time, CNY")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.spend_cny > 0 and self.calendar.times(world.day, world.date):
            rows = np.flatnonzero(self.audience.mask(world.customers, world.day))
            world.send("content", rows, name, self.spend_cny)


class RetainedMargin(Behaviour):
    """Every contact brings the same margin at the start of each period but the first."""

    kind = "retained_margin"
    phase = "purchase"

    margin_cny: float = parameter(gt=0, doc="margin a period, CNY")
    period_days: int = parameter(1, ge=1, doc="days of a period")

    def apply(self, world: PrivateDomain) -> None:
        if world.day == 0 or world.day % self.period_days:
            return
        rows = np.flatnonzero(world.customers.contact == Contact.CONTACT)
        world.sell(rows, np.full(len(rows), cents(self.margin_cny)))


class CaredRetention(Behaviour):
    """Contacts stay for another period with a chance that rises, with diminishing returns, in what was spent."""

    kind = "cared_retention"
    phase = "churn"

    lowest: float = parameter(ge=0, le=1, doc="chance of staying without any care")
    highest: float = parameter(ge=0, le=1, doc="chance of staying that no spend exceeds")
    per_cny: float = parameter(ge=0, doc="decay of the missing chance per CNY")
    period_days: int = parameter(1, ge=1, doc="days of a period")

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.period_days:
            return
        c = world.customers
        care = np.zeros(len(c))
        for message in world.today.outbox:
            cost = message.cents(world.day, c.key[message.rows])
            world.record(f"message_{message.kind}", message.rows, cost, message.source)
            care[message.rows] += message.cost_cny
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        stays = self.highest - (self.highest - self.lowest) * np.exp(-self.per_cny * care[rows])
        leaves = world.draws.uniform("cared_retention", world.day, c.key[rows]) >= stays
        world.set_contact(rows[leaves], Contact.DELETED, "delete", self.kind)


class Retention(Family):
    """Geometric retention with retention spend. The lever is ``spend``, per customer and period."""

    margin: float = parameter(100.0, gt=0, doc="m: margin of a period survived")
    lowest: float = parameter(0.60, ge=0, le=1, doc="r0: retention without spend")
    highest: float = parameter(0.95, ge=0, le=1, doc="r_max: retention that no spend exceeds")
    gain: float = parameter(0.08, ge=0, doc="k: decay of the missing retention per unit spent")
    discount: float = parameter(0.10, gt=0, doc="d: discount rate of a period; the factor is 1 / (1 + d)")

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.highest < self.lowest:
            raise ValueError(f"highest {self.highest} is below lowest {self.lowest}; swap them")
        return self

    @property
    def period_days(self) -> int:
        """Model days that stand for a period."""
        return shortest_period(math.log1p(self.discount))

    def retention(self, spend: float) -> float:
        """r(a)."""
        return self.highest - (self.highest - self.lowest) * math.exp(-self.gain * spend)

    def scenario(self, *, customers: int, periods: int) -> Scenario:
        """The world for so many periods, the margin at the end of the last included."""
        days = self.period_days
        behaviours: dict[str, Behaviour] = {
            "margin": RetainedMargin(margin_cny=self.margin * UNIT_CNY, period_days=days),
            "retention": CaredRetention(
                lowest=self.lowest, highest=self.highest, per_cny=self.gain / UNIT_CNY, period_days=days
            ),
        }
        return world_of(
            behaviours,
            title="geometric retention",
            module=__name__,
            customers=customers,
            days=periods * days + 1,
            discount_rate=annual_rate(math.log1p(self.discount), days),
        )

    def policy(self, *, spend: float, periods: int) -> Policy:
        """Spend this on every customer at the start of each period."""
        if spend == 0:
            return DO_NOTHING
        calendar = Calendar(every_days=self.period_days, until_day=(periods - 1) * self.period_days)
        care = RetentionSpend(spend_cny=spend * UNIT_CNY, calendar=calendar)
        return Policy(title=f"care for {spend:g}", actions={"care": care}, plugins=(__name__,))

    def exact(self, *, spend: float, periods: int | None = None) -> float:
        """Value of a customer over so many periods, or for ever."""
        q = self.retention(spend) / (1 + self.discount)
        lasting = 1.0 if periods is None else 1 - q**periods
        return (self.margin * q - spend) * lasting / (1 - q)

    def moments(self, *, spend: float, periods: int) -> Moments:
        """Mean and standard deviation of a customer's value over so many periods, by recursion."""
        return annuity(-spend, self.margin, self.retention(spend), 1 / (1 + self.discount), periods)

    def optimum(self, *, periods: int | None = None) -> Optimum:
        """The spend of greatest value: V'(a) = 0 solved with Lambert's W for ever, by search over fewer periods."""
        spend, missing = 0.0, self.highest - self.lowest
        if missing > 0 and self.gain > 0:
            # wrightomega(z) is W0(exp(z)): the argument of W0 overflows when k·m is large.
            z = math.log((1 + self.discount - self.highest) / missing) + self.gain * self.margin - 1
            spend = max(self.margin - (1 + float(wrightomega(z))) / self.gain, 0.0)
        if periods is not None:
            spend = highest_of(lambda a: self.exact(spend=a, periods=periods), 0.0, self.margin)
        return Optimum({"spend": spend}, self.exact(spend=spend, periods=periods))

    def truth(self, policy: Policy, *, periods: int) -> float:
        """Value of a customer under a policy with this family's care or none, in the scenario's currency."""
        spend_cny = lever(policy, self.policy(spend=self.margin, periods=periods), "spend_cny")
        return self.exact(spend=(spend_cny or 0.0) / UNIT_CNY, periods=periods) * UNIT_CNY

    def question(self, *, customers: int = 30_000, periods: int = 40) -> Question:
        """How much to spend on each customer and period. The long run's answer is that of ``optimum()``."""
        best = self.optimum(periods=periods)
        a = best.levers["spend"]
        # Much too little or much too much, whichever costs more.
        wrong = min((a / 5, (a + self.margin) / 2), key=lambda spend: self.exact(spend=spend, periods=periods))
        return Question(
            scenario=self.scenario(customers=customers, periods=periods),
            status_quo=self.policy(spend=wrong, periods=periods),
            space={"actions.care.spend_cny": {"low": 0.0, "high": self.margin * UNIT_CNY}},
            truth=partial(self.truth, periods=periods),
            best=best.value * UNIT_CNY,
        )
