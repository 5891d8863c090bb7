"""Swapping: a partner brand shows our advert to its people for each of its adverts that ours have seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agents.actions.partner_swap import PartnerSwap
from agents.behaviours.base import Behaviour

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class Swapping(Behaviour):
    """The partner reaches people of its pool in return, ``reciprocity`` of them for each advert seen."""

    kind = "swapping"
    phase = "respond"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(isinstance(action, PartnerSwap) for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        shown: Counter[str] = Counter()  # whole numbers first, so that the sum does not depend on chunks
        for message, rows in world.today.seen:
            if message.foreign:
                shown[message.source] += len(rows)
        for name, action in world.policy.actions.items():
            if isinstance(action, PartnerSwap) and shown[name]:
                channel = world.channels[action.channel]
                channel.push(shown[name] * channel.spec.reciprocity * channel.spec.cost_per_reach_cny)
