"""Attention: what a customer sees of the messages sent, and what it does to trust, fatigue and the wish to buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact, Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import Message, PrivateDomain

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
        if message.kind == "chat":
            world.record("chat", rows, message.cents(world.day, c.key[rows]), message.source)
        else:
            cap = world.policy.frequency_cap_per_week
            if cap is not None:
                rows = rows[c.week_messages[rows] < cap]
            c.week_messages[rows] += 1
            world.record(f"message_{message.kind}", rows, message.cents(world.day, c.key[rows]), message.source)
        seen = c.contact[rows] == Contact.CONTACT
        if not seen.all():
            chance = world.draws.uniform(f"attention.muted.{message.luck}", world.day, c.key[rows])
            rows = rows[seen | (chance < self.muted_reach)]
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
        missing = 1.0 - np.clip(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0, 1.0)
        c.goodwill[rows] += share * missing

    def _see_advert(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        level = c.level[rows]
        self._pull(world, rows, "advert", np.array(self.advert_receptivity)[level])
        c.goodwill[rows] += np.array(self.advert_goodwill)[level]
        c.fatigue[rows] += np.float32(1.0)

    def _see_content(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        interest = c.interest[rows].astype(np.float64)
        self._pull(world, rows, "content", interest)
        self._warm(world, rows, np.minimum(self.content_goodwill * interest, 1.0))
        c.fatigue[rows] += np.float32(self.content_load)
        strangers = c.level[rows] == Level.STRANGER
        if strangers.any():
            candidates, interest = rows[strangers], interest[strangers]
            u = world.draws.uniform(f"attention.interact.{luck}", world.day, c.key[candidates])
            reacts = candidates[u < np.minimum(self.interact_chance * interest, 1.0)]
            world.record("interact", reacts, 0, "attention")
            world.set_level(reacts, Level.ACQUAINTED)

    def _see_chat(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        level = c.level[rows]
        u = world.draws.uniform(f"attention.reply.{luck}", world.day, c.key[rows])
        chance, further = np.array(self.reply_chance)[level], self.next_round_chance
        rounds = sum((u < chance * further**k).astype(np.int16) for k in range(3))
        c.fatigue[rows] += np.float32(self.chat_load)
        answers = rounds > 0
        rows, rounds = rows[answers], np.asarray(rounds)[answers]
        self._pull(world, rows, "chat", np.array(self.chat_receptivity)[c.level[rows]])
        self._warm(world, rows, 1.0 - (1.0 - self.chat_goodwill) ** rounds)
        c.rounds[rows] += rounds
        world.record("reply", rows, rounds.astype(np.int64), "attention")
        world.set_level(rows[c.level[rows] < Level.ACQUAINTED], Level.ACQUAINTED)
        talking = (c.level[rows] == Level.ACQUAINTED) & (c.rounds[rows] >= self.rounds_to_talk)
        world.set_level(rows[talking], Level.IN_CONVERSATION)
