"""Group leaving: members go, from dead and from noisy groups first; who deletes the brand is in no group of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.actions.community import runs_communities
from agents.behaviours.base import Behaviour
from agents.communities import NO_GROUP
from agents.customers import Contact
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.mood import Rows
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class GroupLeaving(Behaviour):
    """Chances a day of leaving a community."""

    kind = "group_leaving"
    phase = "churn"

    leave_per_day: float = parameter(0.001, ge=0, le=1, doc="chance a day in a living group", source="assumed")
    leave_dead_per_day: float = parameter(0.02, ge=0, le=1, doc="chance a day in a dead group", source="assumed")
    per_advert: float = parameter(
        0.5, ge=0, doc="share of the chance that each advert carried from the group adds", source="assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return runs_communities(policy)

    def apply(self, world: PrivateDomain) -> None:
        groups, c = world.communities, world.customers
        if not len(groups):
            return
        chance = np.where(groups.alive, self.leave_per_day, self.leave_dead_per_day)
        chance = np.minimum(chance * (1.0 + self.per_advert * groups.load), 1.0)
        for chunk in world.chunks():
            rows = (c.community[chunk] >= 0).nonzero()[0] + chunk.start
            gone = c.contact[rows] == Contact.DELETED
            near, u = world.draws.below("group.leave", world.day, c.key[rows], chance.max())
            leaves = near[u < chance[c.community[rows[near]]]]
            gone[leaves] = True
            self._leave(world, rows[gone])

    def _leave(self, world: PrivateDomain, rows: Rows) -> None:
        groups, c = world.communities, world.customers
        left = c.community[rows]
        groups.members -= groups.counted(left)
        c.community[rows] = NO_GROUP
        world.record("group_left", rows, left.astype(np.int64), groups.name)
