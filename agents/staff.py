"""Staff: the hours that there are on a day are never exceeded; who gets them is the policy's order of priority."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from agents.actions.base import cents
from agents.actions.team import Agency, Skill, Team
from sim.world import Actor

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

AS_THEY_ARE = Team()
HOURS = ("worked", "opened", "answered", "heard")


def team_of(policy: Policy) -> Team:
    """Who the staff are: the scenario's people, as the policy organises them."""
    return next((action for action in policy.actions.values() if isinstance(action, Team)), AS_THEY_ARE)


def agencies_of(policy: Policy) -> list[Agency]:
    """The agencies that the policy hires."""
    return [action for action in policy.actions.values() if isinstance(action, Agency)]


def hours_there_are(scenario: Scenario, policy: Policy, day: int) -> float:
    """Staff hours on a day of the run: the team's, and those of agencies that are there. No day has more."""
    week = scenario.staff.hours_per_week * team_of(policy).about.hours
    week += sum(agency.hours_per_week for agency in agencies_of(policy) if agency.is_there(day))
    return week * scenario.staff.share_of_week(_date(scenario, day))


def hours_granted(scenario: Scenario, policy: Policy, day: int) -> dict[str, float]:
    """Hours that each action gets on a day. Whoever stands in ``policy.priority`` is served in that order; what is left
    is shared among the others in proportion to what they ask."""
    date = _date(scenario, day)
    asked = {name: action.hours_asked_on(scenario, day, date) for name, action in policy.actions.items()}
    left, granted = hours_there_are(scenario, policy, day), {}
    for name in policy.priority:
        granted[name] = min(asked.pop(name), left)
        left -= granted[name]
    wanted = sum(asked.values())
    share = 1.0 if wanted <= left else left / wanted
    return granted | {name: hours * share for name, hours in asked.items()}


def hours_of_agency(scenario: Scenario, policy: Policy, agency: Agency, until_day: int) -> float:
    """Hours that an agency's people are put to work up to a day: of what the actions get, its part in those there."""
    worked = 0.0
    for day in range(agency.from_day, until_day + 1):
        there = hours_there_are(scenario, policy, day)
        if there:
            part = agency.hours_per_week * scenario.staff.share_of_week(_date(scenario, day)) / there
            worked += part * sum(hours_granted(scenario, policy, day).values())
    return worked


def _date(scenario: Scenario, day: int) -> dt.date:
    return scenario.start + dt.timedelta(days=day)


class Staff(Actor):
    """People with finite hours. A plan that gets fewer than it asked is cut; a queue that does waits longer."""

    def __init__(self, world: PrivateDomain) -> None:
        super().__init__(world)
        self.team = team_of(world.policy)
        self.wage_cny_per_hour = world.spec.staff.wage_cny_per_hour * self.team.about.wage
        self.worked: dict[str, float] = {}  # hours so far, by action
        self.opened: dict[str, float] = {}  # those of them for new conversations
        self.answered: dict[str, float] = {}  # those of them for rounds that were answered
        self.heard: dict[str, int] = {}  # rounds answered by customers, by action
        self._learned: dict[int, float] = {}  # what stays of an agency's lead, by its place; follows from the schedule
        self._granted: tuple[int, dict[str, float]] = (-1, {})

    def granted(self, world: PrivateDomain) -> dict[str, float]:
        """Hours that each action gets today."""
        if self._granted[0] != world.day:
            self._granted = world.day, hours_granted(world.spec, world.policy, world.day)
        return self._granted[1]

    def put_to_work(self, world: PrivateDomain, name: str) -> tuple[float, float]:
        """Put the hours that an action gets today to work and pay them; hours so far, before and after."""
        before = self.worked.get(name, 0.0)
        after = self.worked[name] = before + self.granted(world)[name]
        # Differences of a running sum, so that rounding never adds up.
        pay = cents(after * self.wage_cny_per_hour) - cents(before * self.wage_cny_per_hour)
        if pay > 0:
            world.ledger.record_shared(world.day, "wages", pay, name)
        return before, after

    def hear(self, name: str, rounds: int) -> None:
        """Customers answered an action's chats for so many rounds, which want to be attended to."""
        self.heard[name] = self.heard.get(name, 0) + rounds

    def answer_first(self, name: str, hours: float, minutes_per_round: float) -> tuple[float, float]:
        """Attend to the rounds that wait; hours for new conversations so far, before and after."""
        answered = self.answered.get(name, 0.0)
        owed = self.heard.get(name, 0) * minutes_per_round / 60 - answered
        used = min(max(owed, 0.0), hours)
        self.answered[name] = answered + used
        before = self.opened.get(name, 0.0)
        after = self.opened[name] = before + (hours - used)
        return before, after

    def rounds_waiting(self, name: str, minutes_per_round: float) -> int:
        """Rounds that customers answered and that nobody has attended to in full."""
        return self.heard.get(name, 0) - math.floor(round(self.answered.get(name, 0.0) * 60 / minutes_per_round, 9))

    def skill(self, world: PrivateDomain, name: str) -> float:
        """Skill of those who work today in chat, conversion, content or after_sales; 1 is the scenario's people's.

        Those of the team and of agencies that are there count by their hours. What an agency taught stays, and it
        teaches by working.
        """
        own: float = getattr(self.team.about.skill, name)
        own_hours = world.spec.staff.hours_per_week * self.team.about.hours
        hours, total = own_hours, own * own_hours
        taught = 0.0
        for place, agency in enumerate(agencies_of(world.policy)):
            lead = getattr(agency.skill, name)
            if agency.is_there(world.day):
                hours, total = hours + agency.hours_per_week, total + lead * agency.hours_per_week
            elif agency.until_day is not None and world.day > agency.until_day and agency.hours_per_week:
                if place not in self._learned:
                    worked = hours_of_agency(world.spec, world.policy, agency, agency.until_day)
                    self._learned[place] = agency.teaches * min(worked / agency.learning_hours, 1.0)
                taught = max(taught, self._learned[place] * (lead - own))
        return total / hours + taught if hours else own + taught

    def state(self) -> dict[str, float]:
        return {f"{what}.{name}": value for what in HOURS for name, value in getattr(self, what).items()}

    def restore(self, state: dict[str, float]) -> None:
        for what in HOURS:
            setattr(self, what, {key.partition(".")[2]: v for key, v in state.items() if key.startswith(f"{what}.")})


def whole_since(before: float, after: float, per_hour: float) -> int:
    """Whole things done between two amounts of hours; rounding guards against 6.999…"""
    return math.floor(round(after * per_hour, 9)) - math.floor(round(before * per_hour, 9))


__all__ = ["Skill", "Staff", "agencies_of", "hours_granted", "hours_there_are", "team_of", "whole_since"]
