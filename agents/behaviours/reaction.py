"""Reaction: the tired and the distrustful mute or delete on the message that was one too many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact, Level
from agents.models.hazard import Singles, possible, sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.messages import Message


class Reaction(Behaviour):
    """Log-odds of muting and of deleting, for each message seen; the odds are times the load of its medium.

    Where the logs have mutes or deletions, their learned hazards decide these once a day instead (``Attrition``).
    """

    kind = "reaction"
    phase = "respond"

    mute: float = parameter(
        -7.0, le=0, doc="log-odds of muting on a message, rested and without trust", source="assumed"
    )
    delete: float = parameter(
        -8.5,
        le=0,
        doc="log-odds of deleting on a message, rested and without trust",
        source="assumed",
    )
    per_fatigue: float = parameter(
        0.3, ge=0, doc="log-odds per advert's worth of fatigue / tolerance", source="assumed"
    )
    per_trust: float = parameter(-2.0, le=0, doc="log-odds from no trust to full trust", source="assumed")
    hard_sell: float = parameter(1.5, ge=0, doc="log-odds of an advert to L0 or L1", source="S3 names it; size assumed")

    def apply(self, world: PrivateDomain) -> None:
        if world.learns("mute") and world.learns("delete"):
            return
        for message, seen in world.today.seen:
            if world.spec.media.load(message.medium) == 0:
                continue
            for rows in world.pieces(seen):
                self._react(world, message, rows)

    def _react(self, world: PrivateDomain, message: Message, rows: NDArray[np.intp]) -> None:
        c = world.customers
        # One number decides both: the angriest delete, the next mute. So a higher hazard only adds to either.
        u = world.draws.uniform(f"reaction.{message.luck}", world.day, c.key[rows])
        near = possible(u, self.at_most(world, message, rows))
        u, rows = u[near], rows[near]
        trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0), 1.0)
        push = self.per_fatigue * (c.fatigue[rows].astype(np.float64) / c.tolerance[rows]) + self.per_trust * trust
        push += math.log(world.spec.media.load(message.medium))
        if message.kind == "advert":
            push += self.hard_sell * (c.level[rows] <= Level.ACQUAINTED)
        deletes = u < sigmoid(self.delete + push)
        if world.learns("delete"):
            deletes[:] = False
        mutes = ~deletes & (u < sigmoid(self.mute + push)) & (c.contact[rows] == Contact.CONTACT)
        if not world.learns("mute"):
            world.set_contact(rows[mutes], Contact.MUTED, "mute", "reaction")
        world.set_contact(rows[deletes & (c.contact[rows] != Contact.DELETED)], Contact.DELETED, "delete", "reaction")

    def at_most(self, world: PrivateDomain, message: Message, rows: NDArray[np.intp]) -> Singles:
        """What neither log-odds can exceed: those of someone without any trust. Shape (n,)."""
        c = world.customers
        x: Singles = c.fatigue[rows]
        x /= c.tolerance[rows]
        x *= np.float32(self.per_fatigue)
        load = math.log(world.spec.media.load(message.medium))
        x += np.float32(max(self.mute, self.delete) + load + (self.hard_sell if message.kind == "advert" else 0.0))
        return x
