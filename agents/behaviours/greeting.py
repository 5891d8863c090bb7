"""Greeting: what welcome messages do to newcomers, and to those who are in the group already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.actions.community import runs_communities
from agents.actions.welcome import Welcome
from agents.behaviours.base import Behaviour
from agents.behaviours.mood import warm
from agents.customers import Contact, is_contact
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class Greeting(Behaviour):
    """A welcome adds trust, less the more newcomers share it; messages beyond one an hour tire those of the group."""

    kind = "greeting"
    phase = "receive"

    goodwill: float = parameter(
        0.05, ge=0, le=1, doc="share of missing trust that a welcome of one's own adds", source="assumed"
    )
    dilution: float = parameter(
        0.3, ge=0, le=1, doc="power by which a welcome weakens with the number who share it", source="assumed"
    )
    surplus_load: float = parameter(
        0.05,
        ge=0,
        le=10,
        doc="fatigue of each welcome beyond one an hour, in adverts",
        source="S4: at most one an hour; size assumed",
    )
    hours_a_day: float = parameter(12.0, gt=0, le=24, doc="hours of a day in which people join", source="assumed")

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return welcome_of(policy) is not None

    def apply(self, world: PrivateDomain) -> None:
        c, action = world.customers, welcome_of(world.policy)
        rows = np.flatnonzero(c.welcome_day == world.day) if action else np.empty(0, np.intp)
        if not action or not len(rows):
            return
        others = (c.contact == Contact.CONTACT) & (c.welcome_day != world.day)
        if runs_communities(world.policy):
            per_hour = world.communities.counted(c.community[rows]) / self.hours_a_day
            warmth, load = np.array([self._of(action, joiners) for joiners in per_hour.tolist()]).T
            warm(world, rows, warmth[c.community[rows]])
            (others,) = (others & (c.community >= 0)).nonzero()
            c.fatigue[others] += load.astype(np.float32)[c.community[others]]
            return
        here = is_contact(c.contact)
        shared, surplus = self._of(
            action, action.joiners_an_hour(len(rows), int(np.count_nonzero(here)), self.hours_a_day)
        )
        warm(world, rows, shared)
        if surplus > 0:
            c.fatigue[others] += np.float32(surplus)

    def _of(self, action: Welcome, per_hour: float) -> tuple[float, float]:
        """Share of missing trust that a welcome adds, and fatigue of a day's surplus, at so many joiners an hour."""
        warmth = self.goodwill * action.joiners_a_message(per_hour) ** -self.dilution
        return warmth, self.surplus_load * action.surplus_an_hour(per_hour) * self.hours_a_day


def welcome_of(policy: Policy) -> Welcome | None:
    """The policy's welcome, of which it has one at most."""
    return next((action for action in policy.actions.values() if isinstance(action, Welcome)), None)
