"""Arrival: channels reach prospects, and some of the reached add the contact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.newcomer_bait import NewcomerBait, baits_today
from agents.behaviours.base import Behaviour
from agents.customers import Contact, Level
from agents.models.hazard import sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.channels import Channel
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Baits = dict[str, tuple[str, NewcomerBait]]


class Arrival(Behaviour):
    """Prospects become customers of the world when they are reached; their key decides who they are.

    Some add the contact at once, some later. A bait multiplies the odds of both by exp(effect · price sensitivity ·
    worth), worth being what it saves of an expected order.
    """

    kind = "arrival"
    phase = "arrive"

    patience_days: int = parameter(
        60,
        ge=0,
        doc="days for which a reached person may still add the contact",
        source="assumed",
    )

    def apply(self, world: PrivateDomain) -> None:
        baits = baits_today(world)
        self._late(world, baits)
        first = len(world.customers)
        for channel in world.channels.values():
            channel.push(channel.spec.organic_per_day * channel.spec.cost_per_reach_cny)
            keys = channel.fetch()
            if len(keys):
                self._reach(world, channel, keys, baits)
        world.today.arrived = np.arange(first, len(world.customers))

    def _reach(self, world: PrivateDomain, channel: Channel, keys: NDArray[np.int64], baits: Baits) -> None:
        spec = channel.spec
        traits = channel.traits.draw(world.draws, keys, world.customers.DECLARED)
        spec.shift(traits)
        rows = world.customers.append(
            len(keys), key=keys, joined=world.day, contact=Contact.REACHED, level=Level.STRANGER,
            channel=channel.index, resting_trust=spec.trust, **traits,
        )  # fmt: skip
        reached = np.arange(rows.start, rows.stop)
        world.record("reached", reached, 0, channel.name)
        u = world.draws.uniform("channel.add", world.day, keys)
        self._answer(world, reached, u, spec.add_rate, channel.name, baits)

    def _late(self, world: PrivateDomain, baits: Baits) -> None:
        """Reached people who did not add the contact at once may do so later."""
        c = world.customers
        (rows,) = ((c.contact == Contact.REACHED) & (c.joined >= world.day - self.patience_days)).nonzero()
        if not len(rows):
            return
        # Few draws are small enough to matter, unless a bait raises what they are held against.
        most = 1.0 if baits else max(channel.spec.add_later for channel in world.channels.values())
        near, u = world.draws.below("channel.add_later", world.day, c.key[rows], most)
        if not len(near):
            return
        rows = rows[near]
        of = c.channel[rows]
        for channel in world.channels.values():
            (mine,) = (of == channel.index).nonzero()
            self._answer(world, rows[mine], u[mine], channel.spec.add_later, channel.name, baits)

    def _answer(
        self, world: PrivateDomain, rows: Rows, u: NDArray[np.float64], base: float, channel: str, baits: Baits
    ) -> None:
        """Those add the contact whose number lies below the chance, which a bait raises by its worth to them."""
        adds = u < base
        if channel in baits and 0 < base < 1 and len(rows):
            c, (name, bait) = world.customers, baits[channel]
            pull = world.effects["bait"] * c.price_sensitivity[rows] * bait.worth(world, rows)
            lured = ~adds & (u < sigmoid(math.log(base / (1 - base)) + pull))
            self._join(world, rows[adds | lured], channel)
            c.lured[rows[lured]] = True
            world.record("lured", rows[lured], 0, name)
        else:
            self._join(world, rows[adds], channel)

    def _join(self, world: PrivateDomain, rows: NDArray[np.intp], channel: str) -> None:
        if not len(rows):
            return
        world.customers.contact[rows] = Contact.CONTACT
        world.customers.joined[rows] = world.day
        world.record("join", rows, 0, channel)
