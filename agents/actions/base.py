"""What every operator action is: a schema, a calendar, an audience, a cost, and what it does on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from agents.audience import Audience
from agents.calendar import Calendar
from sim.columns import Columns
from sim.spec import Kind, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Problem = tuple[str, str, str]  # rule, field, cure
Claim = tuple[str, str] | tuple[str, str, object]  # what is ruled over, field, what it is set to
Need = tuple[str, str]  # kind of another action, field


class Action(Kind):
    """An operator action.

    A new one is a file in ``agents/actions/`` with a class that sets ``kind`` and ``off`` and defines :meth:`apply`.
    """

    off: ClassVar[dict[str, Any]] = {}
    """Values of its fields (dotted) at which it does nothing and costs nothing."""

    single: ClassVar[bool] = False
    """Whether a policy may have one action of this kind only, since customers have one column for it."""

    extensive: ClassVar[tuple[str, ...]] = ()
    """Fields (dotted, ``*`` for any step) that are amounts for all customers together: a world of half as many has half
    of them. What is said of one customer, one order or one message is none of them."""

    def apply(self, world: PrivateDomain, name: str) -> None:
        """Act on this day. ``name`` is the action's name in the policy: the source of its events."""
        raise TypeError(f"{type(self).__name__} does not say what it does: define apply()")

    def close(self, world: PrivateDomain, name: str) -> None:
        """Close its books on the last day, after everything else: what is owed then is booked as if it fell due."""

    def carries(self) -> tuple[type[Columns], ...]:
        """Columns that customers have for its sake, beside those that everybody has."""
        return ()

    def claims(self) -> Iterator[Claim]:
        """What it rules over, as (what, field): a policy in which two actions claim the same is refused.

        As (what, field, value) it shares the rule with those who set it to the same value.
        """
        return iter(())

    def needs(self) -> Iterator[Need]:
        """Kinds of action without which it is pointless, as (kind, field): a policy that lacks one is refused."""
        return iter(())

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """Whatever makes this action impossible in a scenario, as (rule, field, cure)."""
        calendar = getattr(self, "calendar", None)
        if isinstance(calendar, Calendar) and not calendar.ever(scenario.start, scenario.horizon_days):
            end = scenario.start.toordinal() + scenario.horizon_days - 1
            yield (
                f"the calendar never comes up between {scenario.start} and {scenario.start.fromordinal(end)}",
                "calendar",
                "change the calendar, the scenario's start or its horizon_days",
            )
        for field, audience in self.audiences():
            yield from audience.problems(scenario, field)

    def conflicts(self, policy: Policy, scenario: Scenario) -> Iterator[Problem]:
        """Whatever in the policy as a whole makes it pointless in a scenario, as (rule, field, cure)."""
        return iter(())

    def audiences(self) -> Iterator[tuple[str, Audience]]:
        """Audiences that it addresses, with their fields."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Audience):
                yield name, value

    def hours_asked_per_week(self) -> float:
        """Staff hours a week that this action asks for; all actions together get no more than there are."""
        return 0.0

    def hours_asked_on(self, scenario: Scenario, day: int, date: dt.date) -> float:
        """Staff hours that it asks for on a day: those of a week as the staff's own hours fall, unless it says more."""
        return self.hours_asked_per_week() * scenario.staff.share_of_week(date)

    def waiting(self, world: PrivateDomain, name: str) -> int | None:
        """How much work waits in its queue; none without a queue."""
        return None

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        """Cost over the horizon whatever customers do, CNY; without wages, which are the whole policy's matter."""
        return 0.0


class ScheduledAction(Action):
    """An action with a calendar and an audience."""

    calendar: Calendar = parameter(doc="when")
    audience: Audience = parameter(Audience(), doc="whom")


def cents(cny: float) -> int:
    """An amount of money in whole cents, halves to even."""
    return round(cny * 100)
