"""Standing: trust levels and value tiers, re-estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.behaviours.base import Behaviour
from agents.customers import LEVELS, Level, is_contact
from agents.models.contact import first_or_second
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.models import ContactModels

LEARNED = {level: (f"rise_{level}", f"fall_{level}") for level in range(len(LEVELS))}  # transitions out of each level


class TrustLevels(Behaviour):
    """Levels that rest on trust: a fan likes the brand, a super user buys often and trusts. Both can be lost again.

    Where the logs date the tags that staff keep, learned hazards decide instead, every day and in both directions.
    """

    kind = "trust_levels"
    phase = "update"

    every_days: int = parameter(7, ge=1, doc="days between reviews", source="assumed")
    fan_trust: float = parameter(0.5, ge=0, le=1, doc="trust that makes a fan", source="assumed")
    super_trust: float = parameter(0.75, ge=0, le=1, doc="trust that a super user has", source="assumed")
    super_orders: int = parameter(5, ge=1, doc="orders that a super user has", source="S3: repeated purchases")
    super_recency_days: int = parameter(60, ge=1, doc="a super user has ordered within so many days", source="assumed")
    slack: float = parameter(0.1, ge=0, le=1, doc="trust that may be lost before a level is", source="assumed")

    def begin(self, world: PrivateDomain) -> None:
        self._review(world)

    def apply(self, world: PrivateDomain) -> None:
        if world.contact and world.contact.trust:
            self._follow_logs(world, world.contact)
        if (world.day + 1) % self.every_days == 0:
            self._review(world)

    def _follow_logs(self, world: PrivateDomain, models: ContactModels) -> None:
        """Transitions that were learned from dated tags, every day: up first, else down."""
        c = world.customers
        for chunk in world.chunks():
            most = max(models.at_most(up, c, chunk) + models.at_most(down, c, chunk) for up, down in LEARNED.values())
            near, u = world.draws.below("trust_level", world.day, c.key[chunk], most)
            rows = near + chunk.start
            level, here = c.level[rows], is_contact(c.contact[rows])
            for old, (up, down) in LEARNED.items():
                (at,) = (here & (level == old)).nonzero()
                if not len(at) or not (up in models or down in models):
                    continue
                p, q = (models.chance(name, c, rows[at], world.day, world.weekday) for name in (up, down))
                rises, falls = first_or_second(u[at], p, q)
                world.set_level(rows[at[rises]], old + 1)
                world.set_level(rows[at[falls]], old - 1)

    def _review(self, world: PrivateDomain) -> None:
        c = world.customers
        for chunk in world.chunks():
            trust = np.clip(c.resting_trust[chunk].astype(np.float64) + c.goodwill[chunk], 0.0, 1.0)
            level, contact = c.level[chunk], c.contact[chunk]
            often = (c.orders[chunk] >= self.super_orders) & (
                world.day - c.last_order[chunk] <= self.super_recency_days
            )
            steps = (
                ("rise_2", Level.IN_CONVERSATION, trust >= self.fan_trust, Level.FAN),
                ("fall_3", Level.FAN, trust < self.fan_trust - self.slack, Level.IN_CONVERSATION),
                ("rise_4", Level.BUYER, often & (trust >= self.super_trust), Level.SUPER_USER),
                ("fall_5", Level.SUPER_USER, ~often | (trust < self.super_trust - self.slack), Level.BUYER),
            )
            here = is_contact(contact)
            moves = [
                (np.flatnonzero(here & (level == old) & due) + chunk.start, new)
                for name, old, due, new in steps
                if not world.learns(name)
            ]
            for rows, new in moves:
                world.set_level(rows, new)


class ValueTiers(Behaviour):
    """Tiers by net spend in the running season and the one before, at cut-offs that are themselves re-estimated."""

    kind = "value_tiers"
    phase = "update"

    every_days: int = parameter(28, ge=1, doc="days between estimations", source="S2: re-estimated regularly")
    season_days: int = parameter(91, ge=7, le=366, doc="days of a season; membership thresholds use it too")
    shares: tuple[float, float, float] = parameter(
        (0.45, 0.35, 0.20),
        doc="shares of buyers that are general, core, high-value",
        source="S0: 30–50 %, 20–40 %, 10–20 %",
    )
    cut_offs_cny: tuple[float, float] | None = parameter(
        None, doc="fixed cut-offs of core and high-value in place of shares, net spend in a season, CNY"
    )

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(f"shares must be ≥ 0 and add up to 1 (they add up to {sum(self.shares):.6g})")
        return self

    def begin(self, world: PrivateDomain) -> None:
        self._estimate(world, 0)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        tomorrow = world.day + 1
        if tomorrow % self.every_days == 0:
            self._estimate(world, world.day % self.season_days + 1)
        if tomorrow % self.season_days == 0:
            c.spend_before[:] = c.spend_season
            c.spend_season[:] = 0
            if "points_season" in c.DECLARED:
                c.points_before[:] = c.points_season
                c.points_season[:] = 0

    def _estimate(self, world: PrivateDomain, season_day: int) -> None:
        c = world.customers
        past = 1.0 - season_day / self.season_days
        spend = c.spend_season + past * c.spend_before.astype(np.float64)
        buyers = (c.orders > 0) & is_contact(c.contact)
        tier = np.searchsorted(self._cut_offs(spend[buyers]), spend, side="right").astype(np.int8)
        tier[~buyers] = 0
        rows = np.flatnonzero(tier != c.tier)
        c.tier[rows] = tier[rows]
        world.record("value_tier", rows, tier[rows].astype(np.int64), "value_tiers")

    def _cut_offs(self, spend: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.cut_offs_cny is not None:
            return np.array(self.cut_offs_cny) * 100
        if not len(spend):
            return np.array([np.inf, np.inf])
        cut_offs = np.quantile(spend, [self.shares[0], self.shares[0] + self.shares[1]])
        return np.maximum(cut_offs, 1.0)  # who spent nothing is general
