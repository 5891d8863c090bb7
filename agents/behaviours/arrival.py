"""Arrival: channels reach prospects, and some of the reached add the contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact, Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.channels import Channel
    from agents.domain import PrivateDomain


class Arrival(Behaviour):
    """Prospects become customers of the world when they are reached; their key decides who they are."""

    kind = "arrival"
    phase = "arrive"

    patience_days: int = parameter(
        60,
        ge=0,
        doc="days for which a reached person may still add the contact",
        source="assumed",
    )

    def apply(self, world: PrivateDomain) -> None:
        self._late(world)
        first = len(world.customers)
        for channel in world.channels.values():
            channel.push(channel.spec.organic_per_day * channel.spec.cost_per_reach_cny)
            keys = channel.fetch()
            if len(keys):
                self._reach(world, channel, keys)
        world.arrived = np.arange(first, len(world.customers))

    def _reach(self, world: PrivateDomain, channel: Channel, keys: NDArray[np.int64]) -> None:
        spec = channel.spec
        traits = channel.traits.draw(world.draws, keys, world.customers.DECLARED)
        spec.shift(traits)
        rows = world.customers.append(
            len(keys), key=keys, joined=world.day, contact=Contact.REACHED, level=Level.STRANGER,
            channel=channel.index, resting_trust=spec.trust, **traits,
        )  # fmt: skip
        reached = np.arange(rows.start, rows.stop)
        world.record("reached", reached, 0, channel.name)
        adds = world.draws.uniform("channel.add", world.day, keys) < spec.add_rate
        self._join(world, reached[adds], channel.name)

    def _late(self, world: PrivateDomain) -> None:
        """Reached people who did not add the contact at once may do so later."""
        c = world.customers
        (rows,) = ((c.contact == Contact.REACHED) & (c.joined >= world.day - self.patience_days)).nonzero()
        if not len(rows):
            return
        most = max(channel.spec.add_later for channel in world.channels.values())
        near, u = world.draws.below("channel.add_later", world.day, c.key[rows], most)
        if not len(near):
            return
        rows = rows[near]
        of = c.channel[rows]
        for channel in world.channels.values():
            self._join(world, rows[(of == channel.index) & (u < channel.spec.add_later)], channel.name)

    def _join(self, world: PrivateDomain, rows: NDArray[np.intp], channel: str) -> None:
        if not len(rows):
            return
        world.customers.contact[rows] = Contact.CONTACT
        world.customers.joined[rows] = world.day
        world.record("join", rows, 0, channel)
