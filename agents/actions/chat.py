"""One-to-one chat: finite staff hours shared out by trust level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action, cents
from agents.audience import Audience
from agents.customers import LEVELS
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class HoursByLevel(Spec):
    """Hours a week for each trust level."""

    L0: float = parameter(0.0, ge=0, le=10_000, doc="hours a week for strangers")
    L1: float = parameter(0.0, ge=0, le=10_000, doc="hours a week for the acquainted")
    L2: float = parameter(0.0, ge=0, le=10_000, doc="hours a week for those in conversation")
    L3: float = parameter(0.0, ge=0, le=10_000, doc="hours a week for fans")
    L4: float = parameter(0.0, ge=0, le=10_000, doc="hours a week for buyers")
    L5: float = parameter(0.0, ge=0, le=10_000, doc="hours a week for super users")

    def values(self) -> tuple[float, ...]:
        """Hours for L0 … L5."""
        return tuple(getattr(self, level) for level in LEVELS)


class Chat(Action):
    """Staff open conversations; who is met within a level is luck with an address.

    When all actions together ask more hours than the scenario has, all are cut in proportion. Wages are paid for the
    hours worked.
    """

    kind = "chat"
    off: ClassVar[dict[str, Any]] = {f"hours_per_week.{level}": 0.0 for level in LEVELS}

    hours_per_week: HoursByLevel = parameter(doc="hours by trust level")
    minutes_per_chat: float = parameter(6.0, gt=0, le=480, doc="minutes of one conversation", source="assumed")
    cost_cny: float = parameter(0.0, ge=0, doc="material cost of one conversation, CNY")
    audience: Audience = parameter(Audience(muted=False), doc="whom, within the levels")

    def hours_asked_per_week(self) -> float:
        return sum(self.hours_per_week.values())

    def apply(self, world: PrivateDomain, name: str) -> None:
        share = world.staff.granted_share(world.policy.hours_asked_per_week())
        hours = tuple(asked * share for asked in self.hours_per_week.values())
        if sum(hours) == 0:
            return
        wages = [cents(sum(hours) / 7 * day * world.spec.staff.wage_cny_per_hour) for day in (world.day, world.day + 1)]
        if wages[1] > wages[0]:  # differences of a running sum, so that rounding never adds up
            world.ledger.record_shared(world.day, "wages", wages[1] - wages[0], name)
        meant = self.audience.mask(world.customers, world.day)
        met = []
        for level, level_hours in enumerate(hours):
            per_day = level_hours / 7 * 60 / self.minutes_per_chat
            capacity = math.floor(round((world.day + 1) * per_day, 9)) - math.floor(round(world.day * per_day, 9))
            if capacity > 0:
                rows = np.flatnonzero(meant & (world.customers.level == level))
                met.append(self._meet(world, rows, capacity, name))
        if met:
            world.send("chat", np.sort(np.concatenate(met)), name, self.cost_cny)

    def _meet(self, world: PrivateDomain, rows: NDArray[np.intp], capacity: int, name: str) -> NDArray[np.intp]:
        if len(rows) <= capacity:
            return rows
        u = world.draws.uniform(f"chat.pick.{name}", world.day, world.customers.key[rows])
        return np.sort(rows[np.argpartition(u, capacity - 1)[:capacity]])
