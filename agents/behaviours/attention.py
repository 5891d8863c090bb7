"""Attention: what a customer sees of the messages sent, and what it does to trust, fatigue and the wish to buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.conversation import Conversation
from agents.behaviours.mood import ByLevel, Rows, by, pull, warm
from agents.customers import Contact, Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.messages import Message


class Attention(Conversation):
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
    advert_seconds: int = parameter(4, ge=0, doc="seconds spent with an advert that is seen", source="assumed")
    content_seconds: int = parameter(30, ge=0, doc="seconds spent with a piece of content", source="assumed")
    chat_seconds: int = parameter(20, ge=0, doc="seconds spent with a chat's opening", source="assumed")
    content_load: float = parameter(0.35, ge=0, doc="fatigue of a piece of content, in adverts", source="assumed")
    goodwill_half_life_days: float = parameter(45.0, gt=0, doc="half-life of goodwill under neglect", source="assumed")
    advert_receptivity: ByLevel = parameter(
        (0.0, 0.0, 0.15, 0.6, 1.0, 1.2), doc="pull of adverts, L0 … L5", source="S3"
    )
    advert_goodwill: ByLevel = parameter(
        (-0.02, -0.015, -0.005, 0.0, 0.0, 0.0),
        doc="goodwill that an advert adds, L0 … L5",
        source="S3: hard selling backfires at L0–L1; sizes assumed",
    )
    content_goodwill: float = parameter(
        0.02, ge=0, le=1, doc="share of missing trust that content adds", source="assumed"
    )
    interact_chance: float = parameter(
        0.05,
        ge=0,
        le=1,
        doc="chance that content makes one react in public",
        source="assumed",
    )

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
            world.record("view", rows, getattr(self, f"{message.kind}_seconds"), message.source)
            getattr(self, f"_see_{message.kind}")(world, rows, message.luck)
            world.seen.append((message, rows.astype(np.int32)))

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
        pull(world, rows, world.effects["advert"] * receptivity, self.fatigue_scale)

    def _annoy(self, world: PrivateDomain, rows: Rows, goodwill: NDArray[np.float64]) -> None:
        world.customers.goodwill[rows] += goodwill

    def _see_content(self, world: PrivateDomain, rows: Rows, luck: str) -> None:
        c = world.customers
        interest = c.interest[rows].astype(np.float64)
        pull(world, rows, world.effects["content"] * interest, self.fatigue_scale)
        warm(world, rows, np.minimum(self.content_goodwill * interest, 1.0))
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
