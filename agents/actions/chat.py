"""One-to-one chat: finite staff hours shared out by trust level and tier."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action
from agents.audience import Audience
from agents.calendar import Calendar
from agents.customers import LEVELS, Tier
from agents.staff import whole_since
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario

TOP = len(LEVELS)  # number of the group that ``top_share`` is for
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

    Hours are granted by the day (``agents.staff``) and paid when they are worked. Rounds that customers answered are
    attended to before new conversations are opened; what does not fit waits for the next day.
    """

    kind = "chat"
    off: ClassVar[dict[str, Any]] = {f"hours_per_week.{level}": 0.0 for level in LEVELS}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week.*",)

    hours_per_week: HoursByLevel = parameter(doc="hours by trust level")
    top_share: float | None = parameter(
        None, ge=0, le=1, doc="share of all hours for the high-value tier, whatever its levels; none for no segmenting"
    )
    minutes_per_chat: float = parameter(
        6.0, gt=0, le=480, doc="minutes of one conversation", source="assumed", fact=True
    )
    minutes_per_round: float = parameter(
        0.0, ge=0, le=480, doc="further minutes of each round that a customer answers", source="assumed", fact=True
    )
    cost_cny: float = parameter(0.0, ge=0, doc="material cost of one conversation, CNY", fact=True)
    calendar: Calendar | None = parameter(None, doc="when; none for every day on which staff work")
    audience: Audience = parameter(Audience(muted=False), doc="whom, within the levels")

    def hours_asked_per_week(self) -> float:
        return sum(self.hours_per_week.values())

    def hours_asked_on(self, scenario: Scenario, day: int, date: dt.date) -> float:
        if self.calendar is None:
            return super().hours_asked_on(scenario, day, date)
        return self.hours_asked_per_week() * self.calendar.share_of_week(day, date)

    def waiting(self, world: PrivateDomain, name: str) -> int | None:
        return world.staff.rounds_waiting(name, self.minutes_per_round) if self.minutes_per_round else None

    def apply(self, world: PrivateDomain, name: str) -> None:
        asked = self.hours_asked_per_week()
        if asked == 0:
            return
        before, after = world.staff.put_to_work(world, name)
        if self.minutes_per_round:
            before, after = world.staff.answer_first(name, after - before, self.minutes_per_round)
        shares = [hours / asked * (1.0 - (self.top_share or 0.0)) for hours in self.hours_per_week.values()]
        shares.append(self.top_share or 0.0)
        per_hour = 60 / self.minutes_per_chat
        capacity = [whole_since(before * share, after * share, per_hour) for share in shares]
        if any(capacity):
            rows = self._meet(world, capacity, name)
            world.send("chat", rows, name, self.cost_cny)

    def _group(self, world: PrivateDomain) -> NDArray[np.int8]:
        """Level of everybody, or the number after the last level for those whom ``top_share`` is for. Shape (n,)."""
        c = world.customers
        if self.top_share is None:
            level: NDArray[np.int8] = c.level
            return level
        return np.where(c.tier == Tier.HIGH_VALUE, np.int8(TOP), c.level)

    def _meet(self, world: PrivateDomain, capacity: list[int], name: str) -> NDArray[np.intp]:
        """Rows of those met: within each group as many as there is time for, the smallest draws first."""
        group, meant = self._group(world), self.audience.mask(world.customers, world.day)
        there = [int(np.count_nonzero(meant & (group == number))) if k else 0 for number, k in enumerate(capacity)]
        met = [np.flatnonzero(meant & (group == number)) for number, n in enumerate(there) if 0 < n <= capacity[number]]
        contested = {number: k for number, k in enumerate(capacity) if 0 < k < there[number]}
        # Nobody looks at draws far above the last that can be met; should too few lie below, everybody's are looked at.
        enough = np.zeros(TOP + 1)
        for number, k in contested.items():
            enough[number] = (k + FAR * math.sqrt(k) + FAR) / there[number]
        for most in (enough, np.ones(TOP + 1)):
            rows, u = self._first(world, meant, group, most, name)
            rows = rows[np.lexsort((u, group[rows]))]
            first = np.searchsorted(group[rows], np.arange(TOP + 2)).tolist()
            if all(first[number] + k <= first[number + 1] for number, k in contested.items()):
                break
        met += [rows[first[number] : first[number] + k] for number, k in contested.items()]
        return np.sort(np.concatenate(met)) if met else rows[:0]

    def _first(
        self,
        world: PrivateDomain,
        meant: NDArray[np.bool_],
        group: NDArray[np.int8],
        most: NDArray[np.float64],
        name: str,
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows of those meant whose draw is below ``most`` of their group, and these draws."""
        found = [(np.empty(0, np.intp), np.empty(0))]
        for chunk in world.chunks():
            rows = meant[chunk].nonzero()[0] + chunk.start
            near, u = world.draws.below(f"chat.pick.{name}", world.day, world.customers.key[rows], most.max())
            rows = rows[near]
            (first,) = (u < most[group[rows]]).nonzero()
            found.append((rows[first], u[first]))
        return np.concatenate([rows for rows, _ in found]), np.concatenate([u for _, u in found])
