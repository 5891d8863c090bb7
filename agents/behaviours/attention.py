"""Attention: what a customer sees of the messages sent, and what it does to trust, fatigue and the wish to buy."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact, Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.messages import Message

ByLevel = tuple[float, float, float, float, float, float]
Rows = NDArray[np.intp]


class Attention(Behaviour):
    """Adverts pull those who trust and tire everybody; hard selling to L0 and L1 costs trust. Content builds trust.

    The pull of a message on the log-odds of ordering is the effect of its kind (``Scenario.effects``) times the
    receptivity of the receiver's trust level times 2^(−fatigue / (fatigue_scale · tolerance)); it fades.
    """

    kind = "attention"
    phase = "receive"

    muted_reach: float = parameter(
        0.1, ge=0, le=1, doc="chance that someone who muted sees a message", source="assumed"
    )
    stimulus_half_life_days: float = parameter(2.0, gt=0, doc="half-life of a message's pull", source="assumed")
    fatigue_half_life_days: float = parameter(
        4.0,
        gt=0,
        doc="half-life of fatigue",
        source="assumed",
    )
    fatigue_scale: float = parameter(4.0, gt=0, doc="messages' worth of fatigue that halve a pull", source="assumed")
    content_load: float = parameter(0.35, ge=0, doc="fatigue of a piece of content, in adverts", source="assumed")
    chat_load: float = parameter(0.1, ge=0, doc="fatigue of a chat, in adverts", source="assumed")
    goodwill_half_life_days: float = parameter(45.0, gt=0, doc="half-life of goodwill under neglect", source="assumed")
    advert_receptivity: ByLevel = parameter(
        (0.0, 0.0, 0.15, 0.6, 1.0, 1.2), doc="pull of adverts, L0 … L5", source="S3"
    )
    chat_receptivity: ByLevel = parameter(
        (0.1, 0.3, 0.6, 1.0, 1.0, 1.0), doc="pull of chats, L0 … L5", source="assumed"
    )
    advert_goodwill: ByLevel = parameter(
        (-0.02, -0.015, -0.005, 0.0, 0.0, 0.0),
        doc="goodwill that an advert adds, L0 … L5",
        source="S3: hard selling backfires at L0–L1; sizes assumed",
    )
    content_goodwill: float = parameter(
        0.02, ge=0, le=1, doc="share of missing trust that content adds", source="assumed"
    )
    chat_goodwill: float = parameter(0.06, ge=0, le=1, doc="share of missing trust that a round adds", source="assumed")
    interact_chance: float = parameter(
        0.05,
        ge=0,
        le=1,
        doc="chance that content makes one react in public",
        source="assumed",
    )
    reply_chance: ByLevel = parameter(
        (0.12, 0.3, 0.55, 0.6, 0.65, 0.8),
        doc="chance of a reply, L0 … L5",
        source="assumed",
    )
    next_round_chance: float = parameter(
        0.6,
        ge=0,
        le=1,
        doc="chance of each further round, up to three",
        source="assumed",
    )
    rounds_to_talk: int = parameter(3, ge=1, le=100, doc="rounds that make L2", source="S3: at least three")

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        if world.day % 7 == 0:
            c.week_messages[:] = 0
        fading = np.float32(2 ** (-1 / self.stimulus_half_life_days))
        resting = np.float32(2 ** (-1 / self.fatigue_half_life_days))
        cooling = np.float32(2 ** (-1 / self.goodwill_half_life_days))
        for chunk in world.chunks():
            c.stimulus[chunk] *= fading
            c.fatigue[chunk] *= resting
            c.goodwill[chunk] *= cooling
        for message in world.outbox:
            for rows in world.pieces(message.rows):
                self._deliver(world, message, rows)
        world.outbox.clear()

    def _deliver(self, world: PrivateDomain, message: Message, rows: Rows) -> None:
        c = world.customers
        kind = message.kind
        if kind != "chat":
            kind = f"message_{kind}"
            cap = world.policy.frequency_cap_per_week
            week = c.week_messages[rows]
            if cap is not None and week.max() >= cap:
                (free,) = (week < cap).nonzero()
                rows, week = rows[free], week[free]
            c.week_messages[rows] = week + 1
        world.record(kind, rows, message.cost(world, rows), message.source)
        seen = c.contact[rows] == Contact.CONTACT
        (muted,) = (~seen).nonzero()
        if len(muted):
            chance = world.draws.uniform(f"attention.muted.{message.luck}", world.day, c.key[rows[muted]])
            seen[muted] = chance < self.muted_reach
            rows = rows[seen.nonzero()[0]]
        if len(rows):
            getattr(self, f"_see_{message.kind}")(world, rows, message.luck)
            world.seen.append((message, rows.astype(np.int32)))

    def _pull(self, world: PrivateDomain, rows: Rows, effect: str, receptivity: NDArray[np.float64] | float) -> None:
        c = world.customers
        freshness = np.exp2(-c.fatigue[rows].astype(np.float64) / (self.fatigue_scale * c.tolerance[rows]))
        c.stimulus[rows] += world.effects[effect] * receptivity * freshness

    def _warm(self, world: PrivateDomain, rows: Rows, share: NDArray[np.float64] | float) -> None:
        """Add a share of the trust that is missing."""
        c = world.customers
        goodwill = c.goodwill[rows]
        trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + goodwill, 0.0), 1.0)
        c.goodwill[rows] = goodwill + share * (1.0 - trust)

    def _see_advert(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        level = c.level[rows]
        # Adverts leave some levels cold and do not change how others think of the brand: these are not computed.
        for values, change in ((self.advert_receptivity, self._attract), (self.advert_goodwill, self._annoy)):
            by_level = by(values)
            (moved,) = (by_level != 0).take(level, mode="clip").nonzero()
            change(world, rows[moved], by_level[level[moved]])
        c.fatigue[rows] += np.float32(1.0)

    def _attract(self, world: PrivateDomain, rows: Rows, receptivity: NDArray[np.float64]) -> None:
        self._pull(world, rows, "advert", receptivity)

    def _annoy(self, world: PrivateDomain, rows: Rows, goodwill: NDArray[np.float64]) -> None:
        world.customers.goodwill[rows] += goodwill

    def _see_content(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        interest = c.interest[rows].astype(np.float64)
        self._pull(world, rows, "content", interest)
        self._warm(world, rows, np.minimum(self.content_goodwill * interest, 1.0))
        c.fatigue[rows] += np.float32(self.content_load)
        (strangers,) = (c.level[rows] == Level.STRANGER).nonzero()
        if len(strangers):
            candidates = rows[strangers]
            chance = np.minimum(self.interact_chance * interest[strangers], 1.0)
            near, u = world.draws.below(f"attention.interact.{luck}", world.day, c.key[candidates], chance.max())
            reacts = candidates[near[u < chance[near]]]
            world.record("interact", reacts, 0, "attention")
            if not world.learns("rise_0"):
                world.set_level(reacts, Level.ACQUAINTED)

    def _see_chat(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        chance, further = self._reply(world, rows), self.next_round_chance
        u = world.draws.uniform(f"attention.reply.{luck}", world.day, c.key[rows])
        c.fatigue[rows] += np.float32(self.chat_load)
        (answers,) = (u < chance).nonzero()
        if not len(answers):
            return
        rows, u, chance = rows[answers], u[answers], chance[answers]
        rounds = 1 + (u < chance * further).astype(np.int16) + (u < chance * further**2)
        level = c.level[rows]
        self._pull(world, rows, "chat", by(self.chat_receptivity)[level])
        self._warm(world, rows, 1.0 - (1.0 - self.chat_goodwill) ** rounds.astype(np.float64))
        c.rounds[rows] += rounds
        world.record("reply", rows, rounds.astype(np.int64), "attention")
        if not world.learns("rise_0"):
            world.set_level(rows[level < Level.ACQUAINTED], Level.ACQUAINTED)
        if not world.learns("rise_1"):
            talking = (c.level[rows] == Level.ACQUAINTED) & (c.rounds[rows] >= self.rounds_to_talk)
            world.set_level(rows[talking], Level.IN_CONVERSATION)

    def _reply(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """Chance of a reply to a chat that is seen."""
        c = world.customers
        if world.contact and "reply" in world.contact:
            return world.contact.chance("reply", c, rows, world.day, world.weekday)
        chance: NDArray[np.float64] = by(self.reply_chance)[c.level[rows]]
        return chance


@lru_cache
def by(values: ByLevel) -> NDArray[np.float64]:
    """Numbers by level as an array, made once."""
    array = np.array(values)
    array.flags.writeable = False
    return array
