"""Whom an action addresses: a predicate on the three state axes and on observed segments."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agents.customers import LEVELS, TIERS, Contact
from sim.errors import nearest
from sim.spec import Spec, parameter

LevelName = Literal["L0", "L1", "L2", "L3", "L4", "L5"]
TierName = Literal["general", "core", "high_value"]


class Audience(Spec):
    """Contacts that satisfy every given condition. A name in YAML stands for a preset: ``audience: lapsing``."""

    levels: tuple[LevelName, ...] | None = parameter(None, min_length=1, doc="trust levels")
    tiers: tuple[TierName, ...] | None = parameter(None, min_length=1, doc="value tiers")
    members: bool | None = parameter(None, doc="only members and card holders (true), only others (false)")
    muted: bool = parameter(True, doc="also those who muted; only a few of them will see it")
    recency_days_min: int | None = parameter(None, ge=0, doc="last order at least so many days ago")
    recency_days_max: int | None = parameter(None, ge=0, doc="last order at most so many days ago")
    orders_min: int | None = parameter(None, ge=0, doc="at least so many orders so far")
    orders_max: int | None = parameter(None, ge=0, doc="at most so many orders so far")
    joined_days_max: int | None = parameter(None, ge=0, doc="joined at most so many days ago")

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in PRESETS:
                raise ValueError(f"no audience named '{value}'; {nearest(value, PRESETS)}")
            return PRESETS[value]
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A preset's name or a mapping of conditions."""
        return {"anyOf": [{"enum": sorted(PRESETS)}, handler(core)]}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name in ("recency_days", "orders"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if low is not None and high is not None and low > high:
                raise ValueError(f"{name}_min {low} exceeds {name}_max {high}: nobody can be meant; swap them")
        return self

    @property
    def lasting(self) -> bool:
        """Whether no condition is one that passes by itself with the days."""
        passing = ("recency_days_min", "recency_days_max", "joined_days_max")
        return all(getattr(self, name) is None for name in passing)

    def mask(self, customers: Any, day: int) -> NDArray[np.bool_]:
        """Which rows are addressed on this day. Shape (n,). Reads observed columns only."""
        c = customers.contact
        meant: NDArray[np.bool_] = c == Contact.CONTACT
        if self.muted:
            meant |= c == Contact.MUTED
        if self.levels is not None:
            meant &= _among(customers.level, [LEVELS.index(name) for name in self.levels], len(LEVELS))
        if self.tiers is not None:
            meant &= _among(customers.tier, [TIERS.index(name) for name in self.tiers], len(TIERS))
        if self.members is not None:
            meant &= ((customers.member_level > 0) | (customers.card_until >= day)) == self.members
        if self.recency_days_min is not None or self.recency_days_max is not None:
            since = day - customers.last_order
            meant &= customers.orders > 0
            meant &= since >= (self.recency_days_min or 0)
            if self.recency_days_max is not None:
                meant &= since <= self.recency_days_max
        if self.orders_min is not None:
            meant &= customers.orders >= self.orders_min
        if self.orders_max is not None:
            meant &= customers.orders <= self.orders_max
        if self.joined_days_max is not None:
            meant &= day - customers.joined <= self.joined_days_max
        return meant


def _among(column: NDArray[np.int8], chosen: list[int], size: int) -> NDArray[np.bool_]:
    table = np.zeros(size, bool)
    table[chosen] = True
    picked: NDArray[np.bool_] = table[column]
    return picked


PRESETS: dict[str, dict[str, Any]] = {
    "everybody": {},
    "prospects_to_fans": {"levels": ("L0", "L1", "L2")},
    "fans_and_up": {"levels": ("L3", "L4", "L5")},
    "buyers": {"levels": ("L4", "L5")},
    "super_users": {"levels": ("L5",)},
    "core_and_high": {"tiers": ("core", "high_value")},
    "high_value": {"tiers": ("high_value",)},
    "general": {"tiers": ("general",)},
    "lapsing": {"recency_days_min": 14, "recency_days_max": 55},
    "lapsed": {"recency_days_min": 56},
    "newcomers": {"orders_max": 0},
}
