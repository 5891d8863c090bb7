"""Gathering: who takes note of an event's announcements, and who is not put off by the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.community import runs_communities
from agents.actions.group_event import GroupEvent
from agents.behaviours.base import Behaviour
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.mood import Rows
    from agents.domain import PrivateDomain
    from agents.gatherings import Announcement
    from agents.policy import Policy
    from agents.scenario import Scenario


class Gathering(Behaviour):
    """Each announcement is a chance to take note; the tired read less, and a long list puts off.

    The best of n items that fit at random gains with log n (extreme values); reading to the end of n items and choosing
    falls with every item. Neither knows the best number of items: it is where they meet.
    """

    kind = "gathering"
    phase = "respond"
    extensive: ClassVar[tuple[str, ...]] = ("preparation_hours",)  # a smaller world has fewer staff

    notice: float = parameter(
        0.5, ge=0, le=1, doc="chance that someone of median interest takes note of what is seen", source="assumed"
    )
    tired: float = parameter(6.0, gt=0, doc="messages' worth of fatigue that halve this chance", source="assumed")
    preparation_hours: float = parameter(
        0.5, gt=0, doc="hours for each thing shown that halve what is missed of it", source="assumed"
    )
    effort: float = parameter(
        0.145,
        ge=0,
        doc="hazard of giving up that each further item to choose from adds, median interest",
        source="Iyengar & Lepper (2000): of 24 jams a tenth was bought of what was of 6; no effect on average in "
        "Scheibehenne, Greifeneder & Todd (2010)",
    )
    variety: float = parameter(
        0.75, ge=0, doc="gain of the best item per unit of log number of items, in pulls of one",
        source="tuned once, on sparkling_drinks, for 2 items to beat 1 and 5 (S4), `siyu validate facts events`; the "
        "best of n gains log n times the spread of tastes (log-sum, McFadden 1978)",
    )  # fmt: skip

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(isinstance(action, GroupEvent) for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        come: dict[str, list[Rows]] = {}
        for message, seen in world.today.seen:
            announcement = world.today.announced.get(message.luck)
            if announcement:
                found = come.setdefault(announcement.name, [])
                found += [self._notice(world, rows, announcement, message.luck) for rows in world.pieces(seen)]
        for name, found in come.items():
            action = world.policy.actions[name]
            assert isinstance(action, GroupEvent)
            rows = np.unique(np.concatenate(found))
            world.record("attend", rows, 0, name)
            if runs_communities(world.policy):  # whose members talk about it
                world.today.attended.append(rows)
            action.welcome(world, rows, name, self)

    def _notice(self, world: PrivateDomain, rows: Rows, announcement: Announcement, luck: str) -> Rows:
        c, action = world.customers, announcement.action
        interest: NDArray[np.float64] = c.interest[rows].astype(np.float64)
        appeal = interest if action.appeal == "interest" else c.price_sensitivity[rows].astype(np.float64)
        chance = 1.0 - (1.0 - self.notice) ** appeal
        chance *= np.exp2(-c.fatigue[rows].astype(np.float64) / (self.tired * c.tolerance[rows]))
        chance *= 1.0 - 2 ** (-announcement.hours / self.preparation_hours)
        if action.choices > 1:
            chance *= np.exp(-self.effort * (action.choices - 1) / interest)
        notes: Rows = rows[world.draws.uniform(f"gathering.{luck}", world.day, c.key[rows]) < chance]
        return notes
