"""Assumptions: what a recommendation rests on that nobody has measured, each with its plausible range.

Two kinds: an effect of the scenario, which is a normal distribution, and a value of the scenario that the experiment
calls uncertain. Both say how to make worlds in which they are otherwise and what they were in a replicate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agents.effects import EFFECT_NAMES, Effect
from agents.scenario import Scenario
from experiments.searching.space.paths import Value
from experiments.searching.worlds import Alternatives, Span, Uncertain, World, scenario_with, value_in
from sim.draws import Draws

Floats = NDArray[np.float64]

PLAUSIBLE = 0.90  # central share of a prior that counts as plausible
Z_PLAUSIBLE = 1.6449  # its two-sided normal point
LEAST_FACTOR, MOST_FACTOR = 0.0, 4.0  # how far a factor is tried: absent to four times as strong
FACTORS = (LEAST_FACTOR, 0.5, 2.0, MOST_FACTOR)  # beside 1; halved and doubled are what a report tells

SUBJECTS = {  # effect: what works, and in how many
    "coupon": ("coupons", "work"),
    "member_price": ("member prices", "work"),
    "advert": ("adverts", "work"),
    "content": ("value content", "works"),
    "chat": ("chats", "work"),
    "trust": ("goodwill", "works"),
    "quote": ("answered requests for a quote", "work"),
    "live": ("live streams", "work"),
    "community": ("communities", "work"),
    "novelty": ("new products", "work"),
}


@dataclass(frozen=True)
class Unknown:
    """What one assumption was in each replicate, on a standard scale.

    Attributes
    ----------
    name, words : of the assumption.
    prior : ``normal`` (mean 0, sd 1), ``uniform`` (−1 to 1) or ``discrete`` (0 … levels − 1, equally likely).
    standard : shape (replicates,).
    levels : of a discrete prior; 0 otherwise.
    """

    name: str
    words: str
    prior: Literal["normal", "uniform", "discrete"]
    standard: Floats
    levels: int = 0


@dataclass(frozen=True)
class AssumedEffect:
    """An effect on the log-odds of ordering; its sweep is over factors of its strength."""

    name: str
    effect: Effect

    @property
    def words(self) -> str:
        """``coupons``."""
        return SUBJECTS.get(self.name, (self.name.replace("_", " "), ""))[0]

    @property
    def verb(self) -> str:
        """``work``."""
        return SUBJECTS.get(self.name, ("", "works"))[1]

    @property
    def here(self) -> float:
        """The factor as assumed."""
        return 1.0

    @property
    def ordered(self) -> bool:
        """Factors lie on a line."""
        return True

    def place(self, factor: Value) -> float:
        """Where on a line a factor lies, so that uplift is about straight between two of them."""
        return float(factor)

    def value(self, place: float) -> float:
        """The factor that lies there."""
        return place

    @property
    def grid(self) -> tuple[float, ...]:
        """Factors to try first, beside 1; the extremes at both ends."""
        return FACTORS

    @property
    def plausible(self) -> tuple[float, float] | None:
        """Central 90 % of the prior as factors; None for an effect of mean 0, which no factor moves."""
        if self.effect.mean == 0:
            return None
        reach = Z_PLAUSIBLE * self.effect.sd / abs(self.effect.mean)
        return 1 - reach, 1 + reach

    def at(self, scenario: Scenario, factor: Value) -> Scenario:
        """The scenario in which the effect is so many times as strong."""
        return scenario.model_copy(update={"effects": scenario.effects.scaled(self.name, float(factor))})

    def unknown(self, scenario: Scenario, seeds: Sequence[int]) -> Unknown:
        """What the effect was in the replicates of these seeds, from the draw that the world makes."""
        drawn = np.array([scenario.effects.draw(Draws(seed))[self.name] for seed in seeds])
        return Unknown(self.name, self.words, "normal", (drawn - self.effect.mean) / self.effect.sd)


@dataclass(frozen=True)
class AssumedValue:
    """An uncertain value of the scenario; its sweep is over the values that are plausible."""

    name: str  # the dotted path
    spread: Span | Alternatives
    here: Value

    @property
    def words(self) -> str:
        """``buying: orders per year``."""
        *owners, last = self.name.split(".")
        owners = [step for step in owners if step not in ("behaviours", "channels")]
        return ": ".join(step.replace("_", " ") for step in (*owners, last))

    @property
    def ordered(self) -> bool:
        """Whether its values lie on a line, so that a flip has a place between two of them."""
        return isinstance(self.spread, Span)

    def place(self, value: Value) -> float:
        """Where on a line a value lies: −1 at the low end to 1 at the high one; the number of an alternative."""
        if isinstance(self.spread, Span):
            return self.spread.standard(float(value))
        return float(list(self.spread.values).index(value)) if value in self.spread.values else -1.0

    def value(self, place: float) -> float:
        """The number that lies there on the span."""
        return float(self.spread.at((place + 1) / 2))

    @property
    def grid(self) -> tuple[Value, ...]:
        """Values to try first, beside the scenario's own: the ends at both ends, on a line one halfway to each."""
        if isinstance(self.spread, Alternatives):
            return tuple(value for value in self.spread.values if value != self.here)
        found = [
            self.spread.low,
            *(self._halfway(end) for end in (self.spread.low, self.spread.high)),
            self.spread.high,
        ]
        return tuple(sorted({value for value in found if not math.isclose(value, self.here)}))

    def _halfway(self, end: float) -> float:
        return self.value((self.place(end) + self.place(self.here)) / 2)

    @property
    def plausible(self) -> tuple[float, float] | None:
        """The whole span; of calibrated values the central 90 %."""
        return self.spread.central if isinstance(self.spread, Span) else None

    def at(self, scenario: Scenario, value: Value) -> Scenario:
        """The scenario with another value at the path."""
        return scenario_with(scenario, {self.name: value})

    def unknown(self, worlds: Sequence[World], world: NDArray[np.intp]) -> Unknown:
        """What the value was in replicates that lived in these worlds. ``world`` holds their numbers."""
        values = [worlds[w].values[self.name] for w in world]
        if isinstance(self.spread, Span):
            return Unknown(self.name, self.words, "uniform", np.array([self.spread.evenly(v) for v in values]))
        known = list(self.spread.values)
        standard = np.array([known.index(v) for v in values], dtype=np.float64)
        return Unknown(self.name, self.words, "discrete", standard, len(known))


Assumption = AssumedEffect | AssumedValue


def assumed_effects(scenario: Scenario, names: Iterable[str] = EFFECT_NAMES) -> tuple[AssumedEffect, ...]:
    """Effects of a scenario by name."""
    return tuple(AssumedEffect(name, getattr(scenario.effects, name)) for name in names)


def assumed_values(scenario: Scenario, uncertain: Mapping[str, Uncertain]) -> tuple[AssumedValue, ...]:
    """Uncertain values of a scenario, in the order of the document."""
    return tuple(AssumedValue(path, spread, value_in(scenario, path)) for path, spread in uncertain.items())


def unknowns(
    scenario: Scenario, uncertain: Mapping[str, Uncertain], worlds: Sequence[World],
    seeds: Sequence[int], world: NDArray[np.intp],
) -> tuple[Unknown, ...]:  # fmt: skip
    """Everything that was uncertain in the replicates of these seeds, which lived in these worlds.

    Effects without a standard deviation are known, and no replicate tells anything about them.
    """
    effects = tuple(a.unknown(scenario, seeds) for a in assumed_effects(scenario) if a.effect.sd > 0)
    return effects + tuple(a.unknown(worlds, world) for a in assumed_values(scenario, uncertain))
