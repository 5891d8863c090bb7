"""Gratitude: what is given without being asked for adds to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.behaviours.base import Behaviour
from agents.behaviours.mood import warm
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class Gratitude(Behaviour):
    """A gift adds a share of the trust that is missing, as good content does; a dear one more than a cheap one."""

    kind = "gratitude"
    phase = "receive"

    per_cny: float = parameter(
        0.004, ge=0, le=1, doc="share of missing trust that each CNY of a gift adds",
        source="assumed: 5 CNY as much as a piece of content",
    )  # fmt: skip

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(getattr(action, "gives", False) for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        for rows, cost in world.today.gifts:
            warm(world, rows, 1.0 - (1.0 - self.per_cny) ** (cost / 100))
