"""Attrition: contacts clear out what they no longer need, and some who muted come round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.customers import Contact
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Attrition(Behaviour):
    """Hazards a day that no message causes."""

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
