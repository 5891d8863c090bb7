"""Guests: friends who agreed yesterday add the contact today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.coupon_book import give
from agents.customers import Contact, Level, Source
from agents.friends import friend_keys, people_who_are_friends
from agents.invitations import Inviting, invites, programme_at, reward

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario
    from sim.columns import Columns

JOINED_BY = "referral"  # source of the joining of those whom friends brought


class Guests(Behaviour):
    """A friend who joins is like the inviter and trusts the brand as far as the inviter's trust carries.

    The newcomer's coupon is given at once, and so is the inviter's reward where it is due on joining.
    """

    kind = "guests"
    phase = "arrive"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return invites(scenario, policy)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Inviting,)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        (hosts,) = (c.guest > 0).nonzero()
        if not len(hosts):
            return
        programme = c.guest_programme[hosts]
        rows = self._join(world, hosts)
        for index in np.unique(programme[programme >= 0]).tolist():
            (mine,) = (programme == index).nonzero()
            self._welcome(world, rows[mine], hosts[mine], index)

    def _join(self, world: PrivateDomain, hosts: NDArray[np.intp]) -> NDArray[np.intp]:
        """Let the guests of these hosts join; return their rows."""
        c = world.customers
        keys = friend_keys(world, c.key[hosts], c.guest[hosts] - 1)
        traits, kin = people_who_are_friends(world, hosts, keys)
        trust = np.minimum(np.maximum(c.resting_trust[hosts].astype(np.float64) + c.goodwill[hosts], 0.0), 1.0)
        inviter, programme = c.key[hosts], c.guest_programme[hosts]
        c.guest[hosts] = 0
        c.brought[hosts] += 1
        new = c.append(
            len(hosts), key=keys, joined=world.day, contact=Contact.CONTACT, level=Level.STRANGER,
            channel=Source.FRIEND, resting_trust=world.spec.friends.trust * trust, inviter=inviter,
            programme=programme, owed=programme >= 0, **traits, **kin,
        )  # fmt: skip
        rows = np.arange(new.start, new.stop)
        world.record("join", rows, 0, JOINED_BY)
        world.today.arrived = np.concatenate([world.today.arrived, rows])
        return rows

    def _welcome(self, world: PrivateDomain, rows: NDArray[np.intp], hosts: NDArray[np.intp], index: int) -> None:
        """Give what the programme gives on joining."""
        name, action = programme_at(world, index)
        if action.newcomer_terms is not None:
            give(world, rows, action.newcomer_terms, name)
        if action.due_from_cents == 0:
            reward(world, rows, hosts, action, name)
