"""Referral rewards: what falls due when somebody whom a friend brought orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.customers import Contact
from agents.invitations import Inviting, invites, programme_at, reward, rows_of, turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario
    from sim.columns import Columns

    Cents = NDArray[np.int64]
    Rows = NDArray[np.intp]


class ReferralRewards(Behaviour):
    """An order of the newcomer that is large enough makes the reward due; each order pays the distributor's share.

    Whoever deleted the operator is paid neither.
    """

    kind = "referral_rewards"
    phase = "refer"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return invites(scenario, policy)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Inviting,)

    def apply(self, world: PrivateDomain) -> None:
        if not world.today.sales:
            return
        rows, net = (np.concatenate([getattr(sale, what) for sale in world.today.sales]) for what in ("rows", "net"))
        programme = world.customers.programme[rows]
        for index in np.unique(programme[programme >= 0]).tolist():
            (mine,) = (programme == index).nonzero()
            # Payments of one day come in the order of the newcomers' keys, whatever their rows.
            mine = mine[np.argsort(world.customers.key[rows[mine]], kind="stable")]
            self._reward(world, rows[mine], net[mine], index)
            self._commission(world, rows[mine], net[mine], index)

    def _reward(self, world: PrivateDomain, rows: Rows, net: Cents, index: int) -> None:
        name, action = programme_at(world, index)
        c = world.customers
        rows = np.unique(rows[c.owed[rows] & (net >= action.due_from_cents)])
        inviters = c.inviter[rows]
        for turn in turns(c.key[rows], inviters):
            reward(world, rows[turn], rows_of(world, inviters[turn]), action, name)

    def _commission(self, world: PrivateDomain, rows: Rows, net: Cents, index: int) -> None:
        name, action = programme_at(world, index)
        share, days = action.commission_terms
        if not share:
            return
        c = world.customers
        amount = np.rint(net * share).astype(np.int64)
        due = (world.day - c.joined[rows] < days) & (amount > 0)
        sellers, amount = rows_of(world, c.inviter[rows[due]]), amount[due]
        here = c.contact[sellers] != Contact.DELETED
        world.record("commission", sellers[here], amount[here], name)
