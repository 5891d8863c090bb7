"""Conversation: who answers a chat, for how many rounds, and what an answered round does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.behaviours.mood import ByLevel, Rows, by, pull, warm
from agents.customers import Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.messages import Message


class Conversation(Behaviour):
    """The part of attention that is paid to one-to-one chats."""

    fatigue_scale: float = parameter(4.0, gt=0, doc="messages' worth of fatigue that halve a pull", source="assumed")
    chat_load: float = parameter(0.1, ge=0, doc="fatigue of a chat, in adverts", source="assumed")
    chat_receptivity: ByLevel = parameter(
        (0.1, 0.3, 0.6, 1.0, 1.0, 1.0), doc="pull of chats, L0 … L5", source="assumed"
    )
    chat_goodwill: float = parameter(0.06, ge=0, le=1, doc="share of missing trust that a round adds", source="assumed")
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

    def _see_chat(self, world: PrivateDomain, rows: Rows, message: Message) -> None:
        c = world.customers
        chance, further = self._reply(world, rows), self.next_round_chance
        u = world.draws.uniform(f"attention.reply.{message.luck}", world.day, c.key[rows])
        c.fatigue[rows] += np.float32(self.chat_load)
        (answers,) = (u < chance).nonzero()
        if not len(answers):
            return
        rows, u, chance = rows[answers], u[answers], chance[answers]
        rounds = 1 + (u < chance * further).astype(np.int16) + (u < chance * further**2)
        world.staff.hear(message.source, int(rounds.sum()))
        level = c.level[rows]
        conversion = world.staff.skill(world, "conversion")
        pull(world, rows, world.effects["chat"] * conversion * by(self.chat_receptivity)[level], self.fatigue_scale)
        each = min(self.chat_goodwill * world.staff.skill(world, "chat"), 1.0)
        warm(world, rows, 1.0 - (1.0 - each) ** rounds.astype(np.float64))
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
            chance = world.contact.chance("reply", c, rows, world.day, world.weekday)
        else:
            chance = by(self.reply_chance)[c.level[rows]]
        skill = world.staff.skill(world, "chat")
        if skill != 1.0:  # as a factor of the odds
            chance = chance * skill / (1.0 - chance + chance * skill)
        return chance
