"""Channels: where newcomers come from, what reaching one costs, who they are, and how a first contact begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agents.channel_presets import PRESETS
from agents.customers import Traits
from agents.keys import KEY_BLOCK
from sim.columns import Columns, column
from sim.errors import nearest
from sim.spec import Derived, Spec, parameter
from sim.world import Actor

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

FIRST_LOOK = 0.02  # share of a channel's pool that is looked up at first
LOOK_ROWS = 65_536  # prospects looked up at once

SILENT, INTERESTED, QUOTED, BOUGHT = range(4)
"""How a first contact may begin (S1: 无语, 意向, 报价, 成交): the amounts of ``first_contact`` events."""


class FirstContactShares(Spec):
    """How newcomers of a channel begin, as shares of them. Who is none of these stays silent."""

    interested: float = parameter(0.0, ge=0, le=1, doc="share that shows interest: L1, and open to a chat")
    quoted: float = parameter(0.0, ge=0, le=1, doc="share that asks for a quote and waits for an answer")
    bought: float = parameter(0.0, ge=0, le=1, doc="share that orders on the first day")

    @model_validator(mode="after")
    def _within_all(self) -> Self:
        total = self.interested + self.quoted + self.bought
        if total > 1 + 1e-9:
            raise ValueError(f"interested, quoted and bought must add up to at most 1 (they add up to {total:.6g})")
        return self

    @property
    def edges(self) -> tuple[float, float, float]:
        """Below which uniform number one has bought, has asked for a quote or bought, or is not silent."""
        return self.bought, self.bought + self.quoted, self.bought + self.quoted + self.interested


class ChannelSpec(Spec):
    """Where prospects are, what reaching one costs, and who they are.

    ``preset`` names a kind of channel whose numbers hold where none is given: ``store_qr: {preset: store_qr, volume:
    3000}``. Shifts are what newcomers of this channel differ by from other people.
    """

    preset: str | None = parameter(None, doc="kind of channel whose numbers hold where none is given")
    volume: int = parameter(ge=1, le=100_000_000, doc="people who can be reached through this channel")
    cost_per_reach_cny: float = parameter(gt=0, doc="media cost of reaching one when the pool is fresh, CNY")
    organic_per_day: float = parameter(0.0, ge=0, doc="people reached a day without spending")
    add_rate: float = parameter(0.3, ge=0, le=1, doc="share of the reached who add the contact at once")
    add_later: float = parameter(0.002, ge=0, le=1, doc="chance a day that a reached person adds the contact later")
    trust: float = parameter(0.1, ge=0, le=1, doc="resting trust of a newcomer")
    rate_shift: float = parameter(0.0, doc="shift of a newcomer's order log-odds: quality of the channel")
    basket_shift: float = parameter(0.0, doc="shift of a newcomer's log basket value")
    price_sensitivity_shift: float = parameter(0.0, doc="shift of a newcomer's log price sensitivity")
    tolerance_shift: float = parameter(0.0, doc="shift of a newcomer's log tolerance of messages")
    interest_shift: float = parameter(0.0, doc="shift of a newcomer's log interest in content")
    hunter_share: float | None = parameter(
        None, ge=0, le=1, doc="share of bargain hunters among newcomers; none for that of traits"
    )
    partner: bool = parameter(False, doc="whether the pool is a partner brand's, with which audiences can be swapped")
    reciprocity: float = parameter(
        1.0,
        ge=0,
        le=100,
        doc="prospects of the partner's pool reached for each of its adverts that our customers see",
        source="assumed: one for one",
    )
    first_contact: FirstContactShares | None = parameter(
        None, doc="how newcomers begin (S1); none leaves all of them silent and writes nothing down"
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("preset") is None:
            return value
        if value["preset"] not in PRESETS:
            raise ValueError(f"no channel preset '{value['preset']}'; {nearest(str(value['preset']), PRESETS)}")
        return PRESETS[value["preset"]].numbers | value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A preset by name gives what would otherwise have to be there."""
        schema = handler.resolve_ref_schema(handler(core))
        schema["properties"]["preset"] = {"anyOf": [{"enum": sorted(PRESETS)}, {"type": "null"}], "default": None}
        schema["required"] = ["volume"]
        named = {"required": ["preset"], "properties": {"preset": {"type": "string"}}}
        schema["anyOf"] = [named, {"required": ["cost_per_reach_cny"]}]
        return schema

    def source_of(self, name: str) -> str:
        """Where a value that the document does not give comes from."""
        if self.preset and name in PRESETS[self.preset].numbers:
            return PRESETS[self.preset].source
        return super().source_of(name)

    @property
    def cost_per_contact_cny(self) -> float:
        """Media cost of a contact that is added at once when the pool is fresh, CNY; endless when nobody adds so."""
        return self.cost_per_reach_cny / self.add_rate if self.add_rate else math.inf

    def derived(self) -> Iterator[Derived]:
        """What a contact costs, which practitioners know better than what a reached prospect costs."""
        if self.add_rate:
            yield Derived(
                "cost_per_contact_cny",
                self.cost_per_contact_cny,
                "cost_per_reach_cny / add_rate",
                "media cost of a contact that is added at once when the pool is fresh; after a share s of the pool is "
                "reached, 1 / (1 - s) times as much",
            )

    def people(self, traits: Traits) -> Traits:
        """Traits of those who come by this channel, without their shifts."""
        if self.hunter_share is None:
            return traits
        return traits.model_copy(update={"hunter_share": self.hunter_share})

    def shift(self, traits: dict[str, NDArray[Any]]) -> None:
        """Add the channel's shifts to drawn traits."""
        traits["rate"] += self.rate_shift
        traits["basket"] += self.basket_shift
        for name in ("price_sensitivity", "tolerance", "interest"):
            shift = getattr(self, f"{name}_shift")
            if shift:
                traits[name] *= math.exp(shift)


class Contacted(Columns):
    """Columns of customers where first contacts are sorted."""

    first_contact = column("i1", -1, unit="outcome", doc="how the first contact began, S1; -1 before it, or not sorted")


class Channel(Actor):
    """A source of contacts with a finite pool of prospects.

    Each prospect has one uniform number v; it is reached on the day when 1 − exp(−pressure) passes v. Pressure adds up
    over spend, so more spend never un-reaches anybody, and returns diminish as the pool is used up. Prospects come in
    the arrive phase, which the operator's day follows: what is spent today brings people from tomorrow on.
    """

    def __init__(self, world: PrivateDomain, index: int, name: str, spec: ChannelSpec) -> None:
        super().__init__(world)
        self.index, self.name, self.spec = index, name, spec
        self.traits = spec.people(world.spec.traits)
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
