"""Group joining: who follows an invitation to a community."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.actions.community import Community, runs_communities
from agents.behaviours.base import Behaviour
from agents.customers import Interested, Sociable
from agents.models.hazard import sigmoid
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.mood import Rows
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class GroupJoining(Behaviour):
    """Those who see an invitation join by trust, sociability, interest in what is posted, and the hope of a deal."""

    kind = "group_joining"
    phase = "respond"

    at_rest: float = parameter(-2.0, doc="log-odds of joining, median person without any trust", source="assumed: 12 %")
    per_trust: float = parameter(2.5, ge=0, doc="log-odds from no trust to full trust", source="assumed")
    per_log_sociability: float = parameter(0.5, ge=0, doc="log-odds per unit of log sociability", source="assumed")
    per_log_interest: float = parameter(0.5, ge=0, doc="log-odds per unit of log interest", source="assumed")
    per_log_price: float = parameter(
        0.5, ge=0, doc="log-odds per unit of log price sensitivity", source="S4: hunters come for deals; size assumed"
    )

    opening_activity: float = parameter(
        0.05, ge=0, le=1, doc="activity of a group that has just opened", source="assumed: people say hello"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return runs_communities(policy)

    def carries(self) -> tuple[type[Columns], ...]:
        return Sociable, Interested

    def apply(self, world: PrivateDomain) -> None:
        groups, c = world.communities, world.customers
        invitation = world.today.group_invitation
        come = [
            self._accept(world, rows, invitation)
            for message, seen in world.today.seen if message.luck == invitation
            for rows in world.pieces(seen)
        ]  # fmt: skip
        rows = np.concatenate([np.empty(0, np.intp), *come])
        if not len(rows):
            return
        rows = rows[np.argsort(c.key[rows])]  # seats are given by key, whoever stands where in the columns
        action = world.policy.actions[groups.name]
        assert isinstance(action, Community)
        before = len(groups)
        seats = groups.seat(
            c.interest_group[rows], size=action.size, most=action.most_groups, opening=self.opening_activity
        )
        for number in range(before, len(groups)):
            world.ledger.record_shared(world.day, "group_opened", number, groups.name)
        (seated,) = (seats >= 0).nonzero()
        c.community[rows[seated]] = seats[seated]
        c.seated_day[rows[seated]] = world.day
        world.record("group_joined", rows[seated], seats[seated].astype(np.int64), groups.name)

    def _accept(self, world: PrivateDomain, rows: Rows, invitation: str) -> Rows:
        c = world.customers
        trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0), 1.0)
        logit = self.at_rest + self.per_trust * trust
        for weight, trait in (
            (self.per_log_sociability, c.sociability),
            (self.per_log_interest, c.interest),
            (self.per_log_price, c.price_sensitivity),
        ):
            logit += weight * np.log(trait[rows].astype(np.float64))
        return rows[world.draws.uniform(f"group.join.{invitation}", world.day, c.key[rows]) < sigmoid(logit)]
