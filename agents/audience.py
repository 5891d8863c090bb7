"""Whom an action addresses: a predicate on the three state axes and on observed segments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agents.customers import LEVELS, TIERS, Contact, Interested
from agents.segments import class_of
from sim.columns import Columns
from sim.errors import nearest
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.scenario import Scenario

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
    joined_days_min: int | None = parameter(None, ge=0, doc="joined at least so many days ago")
    joined_days_max: int | None = parameter(None, ge=0, doc="joined at most so many days ago")
    interest_groups: tuple[str, ...] | None = parameter(
        None, min_length=1, doc="groups of interest, by their names in traits.interest_groups"
    )
    segments: dict[str, tuple[str, ...]] | None = parameter(
        None, min_length=1, doc="classes by dimension, of traits.segments; of all dimensions that are named"
    )
    in_community: bool | None = parameter(None, doc="only members of a group (true), only others (false)")

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
        for name in ("recency_days", "orders", "joined_days"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if low is not None and high is not None and low > high:
                raise ValueError(f"{name}_min {low} exceeds {name}_max {high}: nobody can be meant; swap them")
        return self

    def carries(self) -> tuple[type[Columns], ...]:
        """Columns of customers that it looks at, beside those that everybody has."""
        return () if self.interest_groups is None else (Interested,)

    def problems(self, scenario: Scenario, field: str) -> Iterator[tuple[str, str, str]]:
        """What no scenario like this one has, as (rule, field, cure); ``field`` is where the audience stands."""
        for name in self.interest_groups or ():
            yield from unknown_interest(scenario, name, f"{field}.interest_groups")
        known = scenario.traits.segments
        for dimension, classes in (self.segments or {}).items():
            place = f"{field}.segments.{dimension}"
            if dimension not in known:
                cure = nearest(dimension, known) if known else "name it in traits.segments of the scenario"
                yield f"the scenario has no dimension '{dimension}' of segments", place, cure
                continue
            if not classes:
                yield "no class is meant, so nobody is", place, "name one, or leave the dimension out"
            for name in classes:
                if name not in known[dimension]:
                    yield f"'{dimension}' has no class '{name}'", place, nearest(name, known[dimension])

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
        if self.joined_days_min is not None:
            meant &= day - customers.joined >= self.joined_days_min
        if self.joined_days_max is not None:
            meant &= day - customers.joined <= self.joined_days_max
        if self.interest_groups is not None:
            names = list(customers.traits.interest_groups)
            meant &= np.isin(customers.interest_group, [names.index(name) for name in self.interest_groups])
        for dimension, classes in (self.segments or {}).items():
            known = customers.traits.segments
            numbers = [list(known[dimension]).index(name) for name in classes]
            meant &= np.isin(class_of(known, dimension, customers.segment), numbers)
        if self.in_community is not None:
            # Without communities nobody is in one.
            seated = customers.community >= 0 if "community" in customers.DECLARED else False
            meant &= np.equal(seated, self.in_community)
        return meant


def unknown_interest(scenario: Scenario, name: str, field: str) -> Iterator[tuple[str, str, str]]:
    """The problem, if it is one, that a scenario has no group of interest of this name."""
    groups = scenario.traits.interest_groups
    if name not in groups:
        cure = nearest(name, groups) if groups else "name it in traits.interest_groups of the scenario"
        yield f"the scenario has no group of interest '{name}'", field, cure


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
