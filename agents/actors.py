"""The few: operator, staff, channels. Each is a mesa agent of the world and keeps what a snapshot must keep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import cents
from agents.scenario import ChannelSpec
from sim.world import Actor

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

FIRST_LOOK = 0.02  # share of a channel's pool that is looked up at first
LOOK_ROWS = 65_536  # prospects looked up at once
KEY_BLOCK = 1 << 40  # keys of a channel's prospects start at (index + 1) times this; the initial contacts lie below


class Operator(Actor):
    """Keeps the stock of coupons."""

    def __init__(self, world: PrivateDomain) -> None:
        super().__init__(world)
        self.stock: dict[str, int] = {}

    def take(self, name: str, wanted: int, stock: int) -> int:
        """Take up to ``wanted`` pieces from a stock that began with ``stock``; return how many there were."""
        left = self.stock.get(name, stock)
        taken = min(left, wanted)
        self.stock[name] = left - taken
        return taken

    def state(self) -> dict[str, float]:
        return dict(self.stock)

    def restore(self, state: dict[str, float]) -> None:
        self.stock = {name: int(left) for name, left in state.items()}


class Staff(Actor):
    """Finite hours. What is asked beyond the hours that exist is cut in proportion."""

    def __init__(self, world: PrivateDomain, hours_per_week: float) -> None:
        super().__init__(world)
        self.hours_per_week = hours_per_week

    def work(self, world: PrivateDomain, name: str, asked_per_week: float) -> float:
        """Put an action's hours to work today, pay them, and return how many a week it gets."""
        hours = asked_per_week * self.granted_share(world.policy.hours_asked_per_week())
        paid = [cents(hours / 7 * day * world.spec.staff.wage_cny_per_hour) for day in (world.day, world.day + 1)]
        if paid[1] > paid[0]:  # differences of a running sum, so that rounding never adds up
            world.ledger.record_shared(world.day, "wages", paid[1] - paid[0], name)
        return hours

    def granted_share(self, asked_per_week: float) -> float:
        """Share of the asked hours that exist, at most 1."""
        return 1.0 if asked_per_week <= self.hours_per_week else self.hours_per_week / asked_per_week

    def state(self) -> dict[str, float]:
        return {}


class Channel(Actor):
    """A source of contacts with a finite pool of prospects.

    Each prospect has one uniform number v; it is reached on the day when 1 − exp(−pressure) passes v. Pressure adds up
    over spend, so more spend never un-reaches anybody, and returns diminish as the pool is used up.
    """

    def __init__(self, world: PrivateDomain, index: int, name: str, spec: ChannelSpec) -> None:
        super().__init__(world)
        self.index, self.name, self.spec = index, name, spec
        self.pressure = 0.0
        self.served = 0.0  # pressure up to which prospects have been fetched
        # Prospects whose number lies below ``_seen``, in the order of their numbers; the rest of the pool is not kept.
        self._seen = 0.0
        self._keys, self._v = np.empty(0, np.int64), np.empty(0)

    def push(self, spend_cny: float) -> None:
        """Spend on this channel today."""
        self.pressure += spend_cny / (self.spec.volume * self.spec.cost_per_reach_cny)

    def fetch(self) -> NDArray[np.int64]:
        """Keys of the prospects reached since the last call."""
        if self.pressure <= self.served:
            return np.empty(0, np.int64)
        past, reached = (-math.expm1(-p) for p in (self.served, self.pressure))
        if reached > self._seen:
            self._look_ahead(past, min(max(2 * reached, FIRST_LOOK), 1.0))
        low, high = np.searchsorted(self._v, (past, reached), side="left")
        self.served = self.pressure
        return np.sort(self._keys[low:high])

    def _look_ahead(self, low: float, high: float) -> None:
        """Keep the prospects whose numbers lie from low to high. Twice as many each time: few looks, little memory."""
        found = []
        for first in range(0, self.spec.volume, LOOK_ROWS):
            last = min(first + LOOK_ROWS, self.spec.volume)
            keys = KEY_BLOCK * (self.index + 1) + np.arange(first, last, dtype=np.int64)
            v = self.model.draws.uniform("channel.reach", 0, keys)
            near = np.flatnonzero((v >= low) & (v <= high))
            found.append((keys[near], v[near]))
        keys, v = (np.concatenate([part[i] for part in found]) for i in (0, 1))
        order = np.argsort(v, kind="stable")
        self._keys, self._v, self._seen = keys[order], v[order], high

    def state(self) -> dict[str, float]:
        return {"pressure": self.pressure, "served": self.served}
