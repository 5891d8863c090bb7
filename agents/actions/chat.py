"""One-to-one chat: finite staff hours shared out by trust level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action
from agents.audience import Audience
from agents.customers import LEVELS
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

FAR = 5.0  # standard deviations beyond the expected draw of the last one met; any number gives the same result


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
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week.*",)

    hours_per_week: HoursByLevel = parameter(doc="hours by trust level")
    minutes_per_chat: float = parameter(6.0, gt=0, le=480, doc="minutes of one conversation", source="assumed")
    cost_cny: float = parameter(0.0, ge=0, doc="material cost of one conversation, CNY")
    audience: Audience = parameter(Audience(muted=False), doc="whom, within the levels")

    def hours_asked_per_week(self) -> float:
        return sum(self.hours_per_week.values())

    def apply(self, world: PrivateDomain, name: str) -> None:
        asked = self.hours_asked_per_week()
        if asked == 0:
            return
        share = world.staff.work(world, name, asked) / asked
        hours = [level_hours * share for level_hours in self.hours_per_week.values()]
        capacity = [self._capacity(world.day, level_hours) for level_hours in hours]
        if any(capacity):
            rows = self._meet(world, capacity, name)
            world.send("chat", rows, name, self.cost_cny)

    def _capacity(self, day: int, hours: float) -> int:
        """Conversations on a day for so many hours a week: differences of a running sum, in whole conversations."""
        per_day = hours / 7 * 60 / self.minutes_per_chat
        return math.floor(round((day + 1) * per_day, 9)) - math.floor(round(day * per_day, 9))

    def _meet(self, world: PrivateDomain, capacity: list[int], name: str) -> NDArray[np.intp]:
        """Rows of those met: within each level as many as there is time for, the smallest draws first."""
        level, meant = world.customers.level, self.audience.mask(world.customers, world.day)
        there = [int(np.count_nonzero(meant & (level == number))) if k else 0 for number, k in enumerate(capacity)]
        met = [np.flatnonzero(meant & (level == number)) for number, n in enumerate(there) if 0 < n <= capacity[number]]
        contested = {number: k for number, k in enumerate(capacity) if 0 < k < there[number]}
        # Nobody looks at draws far above the last that can be met; should too few lie below, everybody's are looked at.
        enough = np.zeros(len(LEVELS))
        for number, k in contested.items():
            enough[number] = (k + FAR * math.sqrt(k) + FAR) / there[number]
        for most in (enough, np.ones(len(LEVELS))):
            rows, u = self._first(world, meant, most, name)
            rows = rows[np.lexsort((u, level[rows]))]
            first = np.searchsorted(level[rows], np.arange(len(LEVELS) + 1)).tolist()
            if all(first[number] + k <= first[number + 1] for number, k in contested.items()):
                break
        met += [rows[first[number] : first[number] + k] for number, k in contested.items()]
        return np.sort(np.concatenate(met)) if met else rows[:0]

    def _first(
        self, world: PrivateDomain, meant: NDArray[np.bool_], most: NDArray[np.float64], name: str
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows of those meant whose draw is below ``most`` of their level, and these draws."""
        found = [(np.empty(0, np.intp), np.empty(0))]
        for chunk in world.chunks():
            rows = meant[chunk].nonzero()[0] + chunk.start
            near, u = world.draws.below(f"chat.pick.{name}", world.day, world.customers.key[rows], most.max())
            rows = rows[near]
            (first,) = (u < most[world.customers.level[rows]]).nonzero()
            found.append((rows[first], u[first]))
        return np.concatenate([rows for rows, _ in found]), np.concatenate([u for _, u in found])
