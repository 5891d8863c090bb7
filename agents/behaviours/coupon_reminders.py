"""Reminders of coupons that run out: messages like any other, which are seen and tire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.coupon_book import issuers
from agents.customers import is_contact
from agents.messages import Message
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class CouponReminders(Behaviour):
    """Who still holds a coupon some days before its last is sent an advert for it, as the coupon's terms say.

    It counts under the frequency cap after whatever actions send on the day, is seen or not, pulls, tires and annoys as
    any advert does. What it does to the coupon itself is up to ``coupon_use``.
    """

    kind = "coupon_reminders"
    phase = "receive"

    cost_cny: float = parameter(0.02, ge=0, le=10, doc="cost of one reminder, CNY", source="assumed: as an advert")

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(getattr(action, "reminder_days", 0) for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        for slot in world.slots:
            reminder = slot.of(c, "reminder")
            if reminder.max(initial=0) == 0:
                continue
            due = np.flatnonzero(slot.of(c, "until") - reminder == world.day)  # few are; columns of days are narrow
            due = due[(reminder[due] > 0) & slot.held(c, due)]
            due = due[is_contact(c.contact[due])]
            source = slot.of(c, "source")[due]
            for code in issuers(source):
                name, rows = world.ledger.sources[code], due[source == code].astype(np.int32)
                # An address of its own, so that nobody's luck depends on what else was sent.
                luck = f"{name}.{slot.name}.reminder"
                world.today.outbox.append(Message("advert", rows, name, self.cost_cny, luck, reminds=slot.name))
