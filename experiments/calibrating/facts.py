"""Facts: what was measured of the real brand, and how the same is measured in a replicate."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import field_validator, model_validator

from agents.customers import LEVELS, TIERS
from agents.scenario import Scenario
from experiments.metrics import DAYS_A_WEEK, Outcome
from sim.errors import nearest
from sim.spec import Kind, parameter

LOGS = "logs"
Figure = float | Literal["logs"]
Weeks = tuple[int, int]
MONTH = re.compile(r"(\d{4})-(\d{2})")
WHOLE = 0.02  # by which rounded shares of a whole may miss 1; assumed


class Fact(Kind):
    """Something measured of the real brand, with what the figure may be off by and where it comes from."""

    from_logs: ClassVar[bool] = False
    """Whether ``value: logs`` can be counted in touches and orders."""

    tolerance: float | None = parameter(None, gt=0, doc="sd of the error of the figure, in its own unit")
    tolerance_share: float | None = parameter(None, gt=0, le=1, doc="the same as a share of the figure, in its place")
    source: str = parameter(min_length=1, doc="where the figure comes from, or assumed")
    measured: str = parameter(min_length=1, doc="when it was measured")

    @model_validator(mode="after")
    def _one_tolerance(self) -> Self:
        if (self.tolerance is None) == (self.tolerance_share is None):
            raise ValueError("a fact needs either 'tolerance', in its own unit, or 'tolerance_share'; give one of them")
        return self

    def figures(self) -> dict[str, Figure]:
        """What was measured, by part; a fact of one number has one part without a name."""
        raise TypeError(f"{type(self).__name__} does not say what was measured: define figures()")

    def measure(self, lived: Outcome, scenario: Scenario) -> list[float]:
        """The same in a replicate, in the order of :meth:`figures`."""
        raise TypeError(f"{type(self).__name__} does not say how it is measured: define measure()")

    def last_day(self, scenario: Scenario) -> int:
        """Last day that a replicate must live to be measured. Raises ValueError when the horizon is too short."""
        raise TypeError(f"{type(self).__name__} does not say until when it is measured: define last_day()")

    def sd(self, figure: float) -> float:
        """Tolerance of one of the figures as a standard deviation in its unit."""
        return self.tolerance if self.tolerance is not None else float(self.tolerance_share or 0) * figure


# -- rates and sums over weeks ----------------------------------------------------------------------------------------


class OverWeeks(Fact):
    """One number measured over whole weeks."""

    from_logs = True
    bounded: ClassVar[bool] = False  # a share of something

    value: Figure = parameter(doc="the figure, or logs: counted in the logs of the experiment")
    weeks: Weeks | None = parameter(None, doc="first and last simulated week, from 1; all whole weeks without")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        value = 0.5 if isinstance(self.value, str) else self.value
        if value < 0:
            raise ValueError(f"the figure must be at least 0 (it is {value:g})")
        if value == 0 and self.tolerance is None:
            raise ValueError("a figure of 0 has no share of itself; give 'tolerance'")
        if self.bounded and value > 1:
            raise ValueError(f"a share must be at most 1 (it is {value:g}); write 12 % as 0.12")
        if self.weeks is not None and not 1 <= self.weeks[0] <= self.weeks[1]:
            raise ValueError(f"weeks must rise from 1 (they are {self.weeks[0]} to {self.weeks[1]})")
        return self

    def figures(self) -> dict[str, Figure]:
        return {"": self.value}

    def span(self, scenario: Scenario) -> Weeks:
        """First and last week, from 1."""
        return self.weeks or (1, max(scenario.horizon_days // DAYS_A_WEEK, 1))

    def last_day(self, scenario: Scenario) -> int:
        last = self.span(scenario)[1] * DAYS_A_WEEK - 1
        if last >= scenario.horizon_days:
            raise ValueError(
                f"week {self.span(scenario)[1]} ends on day {last}, and the scenario lives {scenario.horizon_days} days"
            )
        return last

    def measure(self, lived: Outcome, scenario: Scenario) -> list[float]:
        first, last = self.span(scenario)
        weeks = slice(first - 1, last)
        here = people(lived, (first - 1) * DAYS_A_WEEK, last * DAYS_A_WEEK - 1)
        return [self.rate({name: float(lived.weekly[name][weeks].sum()) for name in COUNTS}, here, last - first + 1)]

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        """The figure.

        Parameters
        ----------
        sums : of events (``COUNTS``) over these weeks; ``revenue`` is net of discounts, in currency.
        people : contacts, and how many of them are not muted; means over these weeks.
        """
        raise TypeError(f"{type(self).__name__} does not say what it counts: define rate()")


COUNTS = ("orders", "revenue", "mutes", "deletes", "chats", "replies")


def people(lived: Outcome, first: int, last: int) -> tuple[float, float]:
    """Mean number of contacts and of those not muted, over the counts between two days (else the one before)."""
    days = sorted({day for day, _ in lived.census})
    inside = [d for d in days if first <= d <= last] or [max(d for d in days if d <= last)]
    reachable = float(np.mean([lived.census[d, "contact.contact"] for d in inside]))
    return reachable + float(np.mean([lived.census[d, "contact.muted"] for d in inside])), reachable


def ratio(part: float, whole: float) -> float:
    """A share; 0 where there is nothing to take a share of."""
    return part / whole if whole > 0 else 0.0


class _Hazard(OverWeeks):
    per_days: int = parameter(30, ge=1, le=366, doc="days for which the figure holds")

    def _per(self, n: float, people: float, weeks: int) -> float:
        return ratio(n, people * weeks * DAYS_A_WEEK) * self.per_days


class MuteRate(_Hazard):
    """Mutes in so many days, for one contact who has not muted."""

    kind = "mute_rate"
    bounded = True

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        return self._per(sums["mutes"], people[1], weeks)


class DeleteRate(_Hazard):
    """Deletions in so many days, for one contact, muted or not."""

    kind = "delete_rate"
    bounded = True

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        return self._per(sums["deletes"], people[0], weeks)


class ReplyRate(OverWeeks):
    """Share of one-to-one chats that are answered."""

    kind = "reply_rate"
    bounded = True

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        return ratio(sums["replies"], sums["chats"])


class WeeklyOrders(OverWeeks):
    """Orders a week, of everybody together."""

    kind = "weekly_orders"

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        return sums["orders"] / weeks


class WeeklyNet(OverWeeks):
    """Sales a week net of discounts, of everybody together, in the scenario's currency."""

    kind = "weekly_net"

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        return sums["revenue"] / weeks


class OrdersPerCustomer(_Hazard):
    """Orders in so many days, for one contact, muted or not."""

    kind = "orders_per_customer"

    def rate(self, sums: Mapping[str, float], people: tuple[float, float], weeks: int) -> float:
        return self._per(sums["orders"], people[0], weeks)


# -- shares and counts on a day ---------------------------------------------------------------------------------------

When = int | str


class OnDays(Fact):
    """Where contacts stand, on days or at the ends of months."""

    axis: ClassVar[str] = ""
    states: ClassVar[tuple[str, ...]] = ()

    at: dict[When, dict[str, float]] = parameter(
        min_length=1, doc="by day of the run, or month as 2024-03 (its last day): by state, the share or number there"
    )
    counts: bool = parameter(False, doc="the figures are numbers of customers; shares without")

    @field_validator("at")
    @classmethod
    def _days_and_states(cls, at: dict[When, dict[str, float]]) -> dict[When, dict[str, float]]:
        for when, figures in at.items():
            if not isinstance(when, int) and not when.isdigit() and not _is_month(when):
                raise ValueError(f"'{when}' is neither a day of the run nor a month; write 90 or 2024-03")
            for state in figures:
                if state not in cls.states:
                    raise ValueError(f"no state '{state}'; {nearest(state, cls.states)}")
        return at

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for when, figures in self.at.items():
            if not figures or min(figures.values()) < 0:
                raise ValueError(f"{when}: give figures of at least 0")
            total = sum(figures.values())
            if not self.counts and total > 1 + WHOLE:
                raise ValueError(f"{when}: the shares add up to {total:.3g}, and all together are 1; lower them")
            if not self.counts and len(figures) == len(self.states) > 1 and total < 1 - WHOLE:
                raise ValueError(f"{when}: these are all states, and their shares add up to {total:.3g}; make it 1")
        return self

    def figures(self) -> dict[str, Figure]:
        return {f"{when} {state}".strip(): value for when, row in self.at.items() for state, value in row.items()}

    def last_day(self, scenario: Scenario) -> int:
        return max(day_of(when, scenario) for when in self.at)

    def measure(self, lived: Outcome, scenario: Scenario) -> list[float]:
        found: list[float] = []
        days = sorted({day for day, _ in lived.census})
        for when, row in self.at.items():
            wanted = day_of(when, scenario)
            day = max(d for d in days if d <= wanted)
            whole = 1.0 if self.counts else self.whole(lived, day)
            found += [ratio(float(lived.census[day, f"{self.axis}.{state}"]), whole) for state in row]
        return found

    def whole(self, lived: Outcome, day: int) -> float:
        """Of how many customers the shares are."""
        return float(sum(lived.census[day, f"{self.axis}.{state}"] for state in self.states))


class TrustLevelsFact(OnDays):
    """Contacts by trust level L0 … L5, from CRM tags."""

    kind = "trust_levels"
    axis, states = "level", LEVELS


class TierSharesFact(OnDays):
    """Buyers among the contacts by value tier."""

    kind = "value_tiers"
    axis, states = "tier", TIERS


class MemberShare(OnDays):
    """Contacts who are members, paid or free, as ``{any: 0.2}``."""

    kind = "members"
    axis, states = "member", ("any",)

    def whole(self, lived: Outcome, day: int) -> float:
        return float(lived.census[day, "contact.contact"] + lived.census[day, "contact.muted"])


def _is_month(when: str) -> bool:
    found = MONTH.fullmatch(when)
    return found is not None and 1 <= int(found[2]) <= 12


def day_of(when: When, scenario: Scenario) -> int:
    """Day of the run. Raises ValueError when it is not lived."""
    if isinstance(when, int) or when.isdigit():
        day = int(when)
    else:
        year, month = (int(part) for part in when.split("-"))
        day = (dt.date(year, month, calendar.monthrange(year, month)[1]) - scenario.start).days
    if not 0 <= day < scenario.horizon_days:
        end = scenario.start + dt.timedelta(days=scenario.horizon_days - 1)
        raise ValueError(f"'{when}' is not lived: the scenario lives from {scenario.start} to {end}")
    return day


def keyed(fact: Fact) -> list[tuple[Any, ...]]:
    """What each figure of a fact is of, whatever its value: equal keys of two facts mean the same figure."""
    extra = (getattr(fact, "weeks", None), getattr(fact, "per_days", None), getattr(fact, "counts", None))
    return [(fact.kind, part, *extra) for part in fact.figures()]
