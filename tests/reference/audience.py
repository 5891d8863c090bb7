"""Whom an action addresses, one customer at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.audience import Audience
from agents.customers import LEVELS, TIERS, Contact

from .people import Customer

if TYPE_CHECKING:
    from .world import ReferenceWorld


def addresses(audience: Audience, c: Customer, day: int) -> bool:
    """Whether a customer satisfies every condition of an audience."""
    if c.contact != Contact.CONTACT and not (audience.muted and c.contact == Contact.MUTED):
        return False
    if audience.levels is not None and LEVELS[c.level] not in audience.levels:
        return False
    if audience.tiers is not None and TIERS[c.tier] not in audience.tiers:
        return False
    if audience.members is not None and (c.member_level > 0 or c.card_until >= day) != audience.members:
        return False
    if audience.interest_groups is not None and c.interest_name not in audience.interest_groups:
        return False
    if any(c.segments[dimension] not in classes for dimension, classes in (audience.segments or {}).items()):
        return False
    recency = day - c.last_order if c.orders else None
    for low, high, value in (
        (audience.recency_days_min, audience.recency_days_max, recency),
        (audience.orders_min, audience.orders_max, c.orders),
        (audience.joined_days_min, audience.joined_days_max, day - c.joined),
    ):
        if low is None and high is None:
            continue
        if value is None or (low is not None and value < low) or (high is not None and value > high):
            return False
    return True


def addressed(world: ReferenceWorld, audience: Audience) -> list[Customer]:
    return [c for c in world.customers if addresses(audience, c, world.day)]
