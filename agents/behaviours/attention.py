"""Attention: what a customer sees of the messages sent, and what it does to trust, fatigue and the wish to buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.conversation import Conversation
from agents.behaviours.mood import ByLevel, Rows, by, pull, warm
from agents.behaviours.reach import allowed, capped, new_periods, noticed, recoveries, wear
from agents.customers import Contact, Level
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.media import Medium
    from agents.messages import Message


class Attention(Conversation):
    """Adverts pull those who trust and tire everybody; hard selling to L0 and L1 costs trust. Content builds trust.

    The pull of a message on the log-odds of ordering is the effect of its kind (``Scenario.effects``) times the
    receptivity of the receiver's trust level times 2^(−fatigue / (fatigue_scale · tolerance)); it fades.
    """

    kind = "attention"
    phase = "receive"

    muted_reach: float = parameter(
        0.1, ge=0, le=1, doc="chance that someone who muted sees a direct message", source="assumed"
    )
    fit: float = parameter(
        1.5, ge=0, le=10, doc="strength of what is made for the receiver's group of interest", source="assumed"
    )
    misfit: float = parameter(
        0.6, ge=0, le=10, doc="strength of what is made for another group of interest", source="assumed"
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
        new_periods(world)
        fading = np.float32(2 ** (-1 / self.stimulus_half_life_days))
        resting = np.float32(2 ** (-1 / self.fatigue_half_life_days))
        cooling = np.float32(2 ** (-1 / self.goodwill_half_life_days))
        recovering = recoveries(world)
        for chunk in world.chunks():
            c.stimulus[chunk] *= fading
            c.fatigue[chunk] *= resting
            c.goodwill[chunk] *= cooling
            for column, left in recovering.items():
                getattr(c, column)[chunk] *= left
        for message in world.today.outbox:
            for rows in world.pieces(message.rows):
                self._deliver(world, message, rows)

    def _deliver(self, world: PrivateDomain, message: Message, rows: Rows) -> None:
        medium = world.spec.media.of(message.medium)
        if message.kind == "chat":
            world.record("chat", rows, message.cost(world, rows), message.source)
        else:
            rows = self._let_through(world, message, medium, rows)
            world.record(f"message_{message.kind}", rows, message.cost(world, rows), message.source)
        if medium is None:
            rows = self._unmuted(world, message, rows)
        elif medium.delivered:
            rows = noticed(world, message, medium, rows)
        if len(rows):
            world.record("view", rows, getattr(self, f"{message.kind}_seconds"), message.source)
            if message.kind == "chat":
                self._see_chat(world, rows, message)
            else:
                see = self._see_advert if message.kind == "advert" else self._see_content
                see(world, message, rows, self._strength(world, message, medium, rows), medium.load if medium else 1.0)
            world.today.seen.append((message, rows.astype(np.int32)))

    def _let_through(self, world: PrivateDomain, message: Message, medium: Medium | None, rows: Rows) -> Rows:
        """Whom a post reaches: as the platform and the operator's frequency cap allow; in a feed, by chance."""
        c, cap = world.customers, world.policy.frequency_cap_per_week
        in_feed = medium is not None and not medium.delivered
        if not in_feed:
            rows = capped(c.week_messages, rows, cap)
        if medium is not None:
            rows = allowed(world, message.medium, medium, rows)
        if medium is not None and in_feed:
            rows = capped(c.week_messages, noticed(world, message, medium, rows), cap)
        c.week_messages[rows] += 1
        return rows

    def _unmuted(self, world: PrivateDomain, message: Message, rows: Rows) -> Rows:
        """Who sees a direct message: contacts, and by chance some of those who muted."""
        c = world.customers
        seen = c.contact[rows] == Contact.CONTACT
        (muted,) = (~seen).nonzero()
        if not len(muted):
            return rows
        chance = world.draws.uniform(f"attention.muted.{message.luck}", world.day, c.key[rows[muted]])
        seen[muted] = chance < self.muted_reach
        left: Rows = rows[seen.nonzero()[0]]
        return left

    def _strength(
        self, world: PrivateDomain, message: Message, medium: Medium | None, rows: Rows
    ) -> NDArray[np.float64] | float:
        """What a message is worth to those who see it, in direct messages for everybody; seeing it wears it out."""
        c, strength = world.customers, np.ones(())
        if message.kind == "content":
            strength = strength * world.staff.skill(world, "content")
        if message.topic >= 0:
            strength = strength * np.where(c.interest_group[rows] == message.topic, self.fit, self.misfit)
        return strength if medium is None else strength * wear(c, message, medium, rows)

    def _see_advert(
        self, world: PrivateDomain, message: Message, rows: Rows, strength: NDArray[np.float64] | float, load: float
    ) -> None:
        c = world.customers
        level = c.level[rows]
        # Adverts leave some levels cold and do not change how others think of the brand: these are not computed.
        receptivity, goodwill = by(self.advert_receptivity), by(self.advert_goodwill)
        (moved,) = (receptivity != 0).take(level, mode="clip").nonzero()
        moved = moved[:0] if message.foreign else moved  # another brand's advert sells nothing of ours
        part = strength if np.ndim(strength) == 0 else np.asarray(strength)[moved]
        pull(world, rows[moved], world.effects["advert"] * receptivity[level[moved]] * part, self.fatigue_scale)
        (moved,) = (goodwill != 0).take(level, mode="clip").nonzero()
        c.goodwill[rows[moved]] += goodwill[level[moved]] * load
        c.fatigue[rows] += np.float32(load)

    def _see_content(
        self, world: PrivateDomain, message: Message, rows: Rows, strength: NDArray[np.float64] | float, load: float
    ) -> None:
        c = world.customers
        interest = c.interest[rows].astype(np.float64)
        pull(world, rows, world.effects["content"] * interest * strength, self.fatigue_scale)
        warm(world, rows, np.minimum(self.content_goodwill * interest * strength, 1.0))
        c.fatigue[rows] += np.float32(self.content_load * load)
        (strangers,) = (c.level[rows] == Level.STRANGER).nonzero()
        if len(strangers):
            candidates = rows[strangers]
            chance = np.minimum(self.interact_chance * interest[strangers], 1.0)
            near, u = world.draws.below(
                f"attention.interact.{message.luck}", world.day, c.key[candidates], chance.max()
            )
            reacts = candidates[near[u < chance[near]]]
            world.record("interact", reacts, 0, "attention")
            if not world.learns("rise_0"):
                world.set_level(reacts, Level.ACQUAINTED)
