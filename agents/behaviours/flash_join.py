"""Joining a flash group: those who saw the invitation decide by trust, interest and the discount."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.flash_group import FlashGroup, flash_groups
from agents.behaviours.base import Behaviour
from agents.models.hazard import sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.messages import Message
    from agents.policy import Policy
    from agents.scenario import Scenario


class FlashJoin(Behaviour):
    """Log-odds of joining when an invitation is seen."""

    kind = "flash_join"
    phase = "respond"

    join: float = parameter(
        2.0,
        doc="log-odds of joining at trust 0.5, median interest and no discount",
        source="assumed; S3: over 85 % join after two months of nurture",
    )
    per_trust: float = parameter(8.0, ge=0, doc="log-odds from no trust to full trust", source="assumed")
    per_interest: float = parameter(1.0, ge=0, doc="log-odds per unit of log interest", source="assumed")
    per_discount: float = parameter(
        1.5, ge=0, doc="log-odds per unit of depth, at price sensitivity 1", source="assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return bool(flash_groups(policy.actions))

    def apply(self, world: PrivateDomain) -> None:
        for message, rows in world.today.seen:
            action = world.policy.actions.get(message.source)
            if message.kind == "advert" and isinstance(action, FlashGroup):
                for piece in world.pieces(rows):
                    self._decide(world, action, message, piece)

    def _decide(self, world: PrivateDomain, action: FlashGroup, message: Message, rows: NDArray[np.intp]) -> None:
        c = world.customers
        rows = rows[c.flash_group[rows] < 0]  # two invitations on one day: the first counts
        trust = np.clip(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0, 1.0)
        logit = self.join + self.per_trust * (trust - 0.5)
        logit += self.per_interest * np.log(c.interest[rows].astype(np.float64))
        logit += self.per_discount * action.item.depth * c.price_sensitivity[rows].astype(np.float64)
        u = world.draws.uniform(f"flash.join.{message.source}", world.day, c.key[rows])
        joins = rows[u < sigmoid(logit)]
        c.flash_group[joins] = world.ledger.source_code(message.source)
        world.record("flash_join", joins, 0, message.source)
