"""Distributors: customers who apply to sell to their friends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.customers import Contact
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class Distributors(Behaviour):
    """The sociable apply more readily. Where places are scarce the keenest get them."""

    kind = "distributors"
    phase = "respond"

    apply_at_opening: float = parameter(
        0.02, ge=0, le=1, doc="chance of applying at an opening, at median sociability", source="assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(action.kind == "distribution" for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        for opening in world.today.openings:
            rows = opening.rows[c.contact[opening.rows] != Contact.DELETED]  # since the morning
            u = world.draws.uniform(f"distribution.apply.{opening.name}", world.day, c.key[rows])
            # Of somebody twice as sociable the chance is that of two tries.
            chance = 1.0 - (1.0 - self.apply_at_opening) ** c.sociability[rows].astype(np.float64)
            applies = u < chance
            rows, u = rows[applies], u[applies]
            if opening.places is not None:
                there = c.distributor & (c.contact != Contact.DELETED)  # who left has left a place
                free = opening.places - int(np.count_nonzero(there))
                rows = np.sort(rows[np.argsort(u, kind="stable")[: max(free, 0)]])
            c.distributor[rows] = True
            world.record("distributor", rows, 0, opening.name)
