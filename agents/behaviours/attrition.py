"""Attrition: contacts clear out what they no longer need, and some who muted come round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact
from agents.models.contact import first_or_second
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.models import ContactModels

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

MOVING = {Contact.CONTACT: (Contact.MUTED, "mute"), Contact.MUTED: (Contact.CONTACT, "unmute")}
DELETING = {Contact.CONTACT: "delete", Contact.MUTED: "delete_muted"}  # learned transition by contact state


class Attrition(Behaviour):
    """Hazards a day that no message causes. Where logs have mutes and deletions, the learned hazards of all of them.

    Learned hazards read today's messages and those before. What the logs do not have keeps the rates below.
    """

    kind = "attrition"
    phase = "churn"

    delete_per_day: float = parameter(
        0.0002,
        ge=0,
        le=1,
        doc="chance a day of deletion, without any trust",
        source="assumed",
    )
    unmute_per_day: float = parameter(0.004, ge=0, le=1, doc="chance a day that a mute ends", source="assumed")

    def apply(self, world: PrivateDomain) -> None:
        if world.contact:
            self._apply_learned(world, world.contact)
            return
        c = world.customers
        for chunk in world.chunks():
            # Few draws are small enough to matter: look at those alone.
            most = max(self.delete_per_day, self.unmute_per_day)
            near, u = world.draws.below("attrition", world.day, c.key[chunk], most)
            rows = near + chunk.start
            contact = c.contact[rows]
            (touched,) = ((contact == Contact.MUTED) | (u < self.delete_per_day)).nonzero()
            if not len(touched):
                continue
            rows, u, contact = rows[touched], u[touched], contact[touched]
            trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0), 1.0)
            muted = contact == Contact.MUTED
            deletes = (muted | (contact == Contact.CONTACT)) & (u < self.delete_per_day * (1.0 - trust))
            unmutes = ~deletes & muted & (u < self.unmute_per_day)
            world.set_contact(rows[deletes], Contact.DELETED, "delete", "attrition")
            world.set_contact(rows[unmutes], Contact.CONTACT, "unmute", "attrition")

    def _apply_learned(self, world: PrivateDomain, models: ContactModels) -> None:
        c = world.customers
        for chunk in world.chunks():
            deleting = max(
                models.at_most(name, c, chunk) if name in models else self.delete_per_day for name in DELETING.values()
            )
            moving = max(models.at_most("mute", c, chunk), models.at_most("unmute", c, chunk), self.unmute_per_day)
            near, u = world.draws.below("attrition", world.day, c.key[chunk], deleting + moving)
            rows = near + chunk.start
            contact = c.contact[rows]
            for state, (new, kind) in MOVING.items():
                (here,) = (contact == state).nonzero()
                if not len(here):
                    continue
                at, luck = rows[here], u[here]
                p = self._deleting(world, models, DELETING[state], at)
                q = self._moving(world, models, kind, at)
                deletes, moves = first_or_second(luck, p, q)
                world.set_contact(at[deletes], Contact.DELETED, "delete", "attrition")
                world.set_contact(at[moves], new, kind, "attrition")

    def _deleting(self, world: PrivateDomain, models: ContactModels, name: str, rows: Rows) -> Floats:
        """Chance of a deletion today: learned, or falling with trust."""
        c = world.customers
        if name in models:
            return models.chance(name, c, rows, world.day, world.weekday)
        trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0), 1.0)
        return np.asarray(self.delete_per_day * (1.0 - trust))

    def _moving(self, world: PrivateDomain, models: ContactModels, name: str, rows: Rows) -> Floats:
        """Chance of the other transition today. No mute falls from the sky unless the logs say so."""
        if name in models:
            return models.chance(name, world.customers, rows, world.day, world.weekday)
        return np.full(len(rows), self.unmute_per_day if name == "unmute" else 0.0)
