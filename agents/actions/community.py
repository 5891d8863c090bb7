"""Communities: groups of about two hundred, whom they invite and who hosts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import NonNegativeFloat

from agents.actions.base import Problem, ScheduledAction
from agents.audience import Audience
from agents.communities import InCommunity
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

SIZE = 200  # S4: groups of about two hundred


class Community(ScheduledAction):
    """Run communities: invite contacts who are in none, seat those who come by interest, host what lives.

    On the calendar everybody of the audience who is in no community is invited, each again after ``again_days`` at the
    earliest. A new group opens when those of an interest are full. Hosting hours are shared evenly among living groups.
    """

    kind = "community"
    single = True
    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0, "hours_per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week", "most_groups")

    hours_per_week: NonNegativeFloat = parameter(
        2.0, le=10_000, doc="hosting hours a week, for all groups together", source="assumed"
    )
    size: int = parameter(SIZE, ge=2, le=500, doc="seats of a group", source="S4: about 200; WeChat's limit is 500")
    most_groups: int | None = parameter(None, ge=1, doc="groups that live at a time at most; none for no limit")
    invitation_cost_cny: float = parameter(
        0.02, ge=0, le=10, doc="cost of one invitation, CNY", source="assumed", fact=True
    )
    again_days: int = parameter(30, ge=1, le=3660, doc="days before somebody is invited again", source="assumed")
    audience: Audience = parameter(Audience(muted=False), doc="who is invited")

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if self.idle and self.hours_per_week:
            yield (
                f"hosts are asked for {self.hours_per_week:g} hours a week, and nobody is ever invited to a community",
                "hours_per_week",
                "set hours_per_week to 0, or calendar.per_week above 0",
            )

    def carries(self) -> tuple[type[Columns], ...]:
        return (InCommunity,)

    def hours_asked_per_week(self) -> float:
        return self.hours_per_week

    def apply(self, world: PrivateDomain, name: str) -> None:
        groups = world.communities
        groups.name = name
        if self.hours_per_week:
            before, after = world.staff.put_to_work(world, name)
            world.today.group_hours = 7 * (after - before) / max(int(np.count_nonzero(groups.alive)), 1)
        if self.calendar.times(world.day, world.date):
            self._invite(world, name)

    @property
    def idle(self) -> bool:
        """Whether it invites nobody, ever."""
        return self.calendar.per_week == 0

    def _invite(self, world: PrivateDomain, name: str) -> None:
        c = world.customers
        free = (c.community < 0) & (c.invited_day.astype(np.int32) <= world.day - self.again_days)
        rows = np.flatnonzero(free & self.audience.mask(c, world.day))
        c.invited_day[rows] = world.day
        world.today.group_invitation = world.send("advert", rows, name, self.invitation_cost_cny)


def runs_communities(policy: Policy) -> bool:
    """Whether an operator has communities at all."""
    return any(isinstance(action, Community) and not action.idle for action in policy.actions.values())
