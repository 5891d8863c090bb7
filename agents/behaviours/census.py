"""Census: how many customers stand where, written to the ledger on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.customers import CONTACTS, LEVELS, TIERS, is_contact
from agents.segments import class_of

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Census(Behaviour):
    """Counts of contact states, of levels, tiers, members and segments among the contacts, of what waits for staff.

    By segment also the orders so far of all who ever were in it (``orders.region.east``), so that the orders between
    two censuses can be told.
    """

    kind = "census"
    phase = "observe"

    def apply(self, world: PrivateDomain) -> None:
        if world.day % world.spec.census_days and world.day != world.horizon_days - 1:
            return
        c = world.customers
        here = is_contact(c.contact)
        for axis, names, column in (
            ("contact", CONTACTS, c.contact),
            ("level", LEVELS, c.level[here]),
            ("tier", TIERS, c.tier[here & (c.orders > 0)]),
        ):
            for name, n in zip(names, np.bincount(column, minlength=len(names)), strict=True):
                world.ledger.record_shared(world.day, "census", int(n), f"{axis}.{name}")
        for dimension, classes in world.spec.traits.segments.items():
            own = class_of(world.spec.traits.segments, dimension, c.segment)
            for code, name in enumerate(classes):
                contacts = int(np.count_nonzero((own == code) & here))
                orders = int(c.orders[own == code].sum())
                world.ledger.record_shared(world.day, "census", contacts, f"segment.{dimension}.{name}")
                world.ledger.record_shared(world.day, "census", orders, f"orders.{dimension}.{name}")
        for name, action in world.policy.actions.items():
            queue = action.waiting(world, name)
            if queue is not None:
                world.ledger.record_shared(world.day, "census", queue, f"queue.{name}")
        members = int(np.count_nonzero(here & ((c.member_level > 0) | (c.card_until >= world.day))))
        world.ledger.record_shared(world.day, "census", members, "member.any")
        for number, name in enumerate(world.club.plans if world.club and world.club.runs(world.day) else ()):
            holders = int(np.count_nonzero(here & (c.card_until >= world.day) & (c.card_plan == number)))
            world.ledger.record_shared(world.day, "census", holders, f"plan.{name}")
