"""Viewing: who watches a live stream, and what watching does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.live_stream import LiveStream, Stream
from agents.behaviours.base import Behaviour
from agents.behaviours.mood import ByLevel, Rows, by, warm
from agents.customers import Contact, Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class Viewing(Behaviour):
    """Contacts come upon a stream in each of its hours, for its content and for its gift; it sells and entertains.

    The chance of an hour is that of the announced or of passers-by, times interest · trust + ``gift_draw`` · gift ·
    price sensitivity. Nobody is tired by what they chose to watch.
    """

    kind = "viewing"
    phase = "receive"

    announced_chance: float = parameter(
        0.1,
        ge=0,
        le=1,
        doc="chance an hour to watch: full trust, median interest, saw the announcement",
        source="assumed",
    )
    passing_chance: float = parameter(
        0.01, ge=0, le=1, doc="the same of contacts who did not see an announcement", source="assumed"
    )
    gift_draw: float = parameter(
        0.03,
        ge=0,
        le=10,
        doc="what 1 CNY of gift adds to interest · trust, at median price sensitivity",
        source="assumed",
    )
    receptivity: ByLevel = parameter(
        (0.05, 0.15, 0.4, 0.8, 1.0, 1.1), doc="pull of a stream that is watched, L0 … L5", source="assumed"
    )
    goodwill: float = parameter(
        0.04, ge=0, le=1, doc="share of missing trust that watching adds, at median interest", source="assumed"
    )
    interact_chance: float = parameter(
        0.2, ge=0, le=1, doc="chance that a stranger who watches reacts in public", source="assumed"
    )
    seconds: int = parameter(600, ge=0, doc="seconds spent with a stream", source="assumed")

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(isinstance(action, LiveStream) for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        for stream in world.today.streams:
            told = np.zeros(len(world.customers), bool)
            for message, seen in world.today.seen:
                if message.luck == stream.announced:
                    told[seen] = True
            for rows in world.pieces(stream.rows):
                self._watch(world, stream, rows, told[rows])

    def _watch(self, world: PrivateDomain, stream: Stream, rows: Rows, told: NDArray[np.bool_]) -> None:
        c = world.customers
        u = world.draws.uniform(stream.luck, world.day, c.key[rows])
        watches = u < self._chance(world, stream, rows, told)
        rows = rows[watches.nonzero()[0]]
        world.record("live_viewer", rows, 0, stream.source)
        if stream.gift_cents:
            world.record("gift", rows, stream.gift_cents, stream.source)
        world.record("view", rows, self.seconds, stream.source)
        skill = world.staff.skill(world, "content")
        c.stimulus[rows] += world.effects["live"] * skill * by(self.receptivity)[c.level[rows]]
        warm(world, rows, np.minimum(self.goodwill * skill * c.interest[rows].astype(np.float64), 1.0))
        strangers = rows[c.level[rows] == Level.STRANGER]
        u = world.draws.uniform(f"{stream.luck}.interact", world.day, c.key[strangers])
        reacts = strangers[u < self.interact_chance]
        world.record("interact", reacts, 0, "viewing")
        if not world.learns("rise_0"):
            world.set_level(reacts, Level.ACQUAINTED)

    def _chance(self, world: PrivateDomain, stream: Stream, rows: Rows, told: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Chance to watch at least some of a stream."""
        c = world.customers
        passing = np.where(c.contact[rows] == Contact.CONTACT, self.passing_chance, 0.0)
        trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0), 1.0)
        appeal = c.interest[rows] * trust
        appeal += self.gift_draw * (stream.gift_cents / 100) * c.price_sensitivity[rows].astype(np.float64)
        hourly = np.minimum(np.where(told, self.announced_chance, passing) * appeal, 1.0)
        chance: NDArray[np.float64] = 1.0 - (1.0 - hourly) ** stream.hours
        return chance
