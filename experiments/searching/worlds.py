"""Worlds: one scenario under other values of what nobody knows, as an ensemble that every policy meets alike.

Replicate i lives in world i mod n, whatever the policy: so two policies meet the same (seed, world) pairs, and each
world has the same number of replicates when their number is a multiple of n. Effects are distributions already, drawn
anew in every replicate; an ensemble adds what stands in the scenario as one number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Tag, model_validator
from scipy.stats import qmc

from agents.behaviours import DEFAULTS
from agents.scenario import Scenario
from experiments.searching.space.paths import Value, read_path, write_path
from sim.errors import SpecError
from sim.spec import Spec, parameter, validate

SECTION, OWNER = "uncertain", "the scenario"
BETWEEN = 0.381966  # of the way from end to end: not a whole number, whatever the ends

SAME_PEOPLE = ("every world must hold the same people: their luck is tied to who they are", "drop it")
NO_ASSUMPTION = ("this says nothing about how the world works", "drop it")
REFUSED: dict[str, tuple[str, str]] = {  # path, with * for any step: rule, cure
    "population.size": SAME_PEOPLE,
    "channels.*.volume": SAME_PEOPLE,
    "horizon_days": ("every world must live the same days, or values per customer cannot be compared", "drop it"),
    "start": ("every world must live the same days, or values per customer cannot be compared", "drop it"),
    "effects": ("effects are distributions already, drawn anew in every replicate", "set its mean and sd there"),
    "title": NO_ASSUMPTION,
    "currency": NO_ASSUMPTION,
    "census_days": NO_ASSUMPTION,
    "plugins": NO_ASSUMPTION,
    "only_named_behaviours": NO_ASSUMPTION,
}
LOGS_SAY = {"buying": "learned models take its place", "population": "the customers of the logs take its place"}


class Span(Spec):
    """A number that lies somewhere between two ends, evenly or evenly in its logarithm."""

    low: float = parameter(doc="lowest plausible value")
    high: float = parameter(doc="highest plausible value")
    log: bool = parameter(False, doc="spread evenly on a logarithmic scale")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}; what is known needs no span")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic span needs low > 0 (it is {self.low:g}); raise it or leave log out")
        return self

    def at(self, u: float) -> float:
        """The value below which a share ``u`` of the plausible ones lies."""
        if self.log:
            return math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        return self.low + u * (self.high - self.low)

    def standard(self, value: float) -> float:
        """Where a value lies, −1 at the low end and 1 at the high one."""
        low, high, here = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return 2 * (here - low) / (high - low) - 1

    def tried(self) -> tuple[float, ...]:
        """Values that the scenario must allow: both ends, and one between, where a field of whole numbers shows."""
        return self.low, self.high, self.at(BETWEEN)

    def evenly(self, value: float) -> float:
        """Where a value lies among the plausible ones, of which a half lie below 0 and all between −1 and 1."""
        return self.standard(value)

    @property
    def central(self) -> tuple[float, float]:
        """The plausible range."""
        return self.low, self.high


class Calibrated(Span):
    """A number as `siyu calibrate` found it: one value for each parameter set, which belong together over all paths.

    ``low`` and ``high`` take in all sets and the scenario's own value.
    """

    ensemble: str = parameter(doc="the ensemble that the sets come from")
    sets: tuple[float, ...] = parameter(min_length=1, doc="value in each parameter set")
    weights: tuple[float, ...] = parameter(min_length=1, doc="how plausible each set is")

    def evenly(self, value: float) -> float:
        below = sum(w for v, w in zip(self.sets, self.weights, strict=True) if v < value)
        same = sum(w for v, w in zip(self.sets, self.weights, strict=True) if v == value)
        return 2 * (below + same / 2) / sum(self.weights) - 1

    @property
    def central(self) -> tuple[float, float]:
        """The central 90 % of the sets."""
        order = np.argsort(self.sets, kind="stable")
        below = np.cumsum(np.array(self.weights)[order]) / sum(self.weights)
        low, high = np.minimum(np.searchsorted(below, (0.05, 0.95)), len(order) - 1)
        return self.sets[order[low]], self.sets[order[high]]


class Alternatives(Spec):
    """A number, word or whole part that is one of several, each as plausible as the others."""

    values: tuple[Value, ...] = parameter(min_length=2, doc="alternatives, plain data as in the scenario")

    @model_validator(mode="after")
    def _different(self) -> Self:
        shown = [str(value) for value in self.values]
        for text in shown:
            if shown.count(text) > 1:
                raise ValueError(f"the value {text} stands there twice; drop one")
        return self

    def at(self, u: float) -> Value:
        """The value below which a share ``u`` of the alternatives lies."""
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def tried(self) -> tuple[Value, ...]:
        """Values that the scenario must allow: all."""
        return self.values


def _kind(value: Any) -> str:
    known = value if isinstance(value, dict) else type(value).model_fields
    return next((tag for tag in ("values", "sets") if tag in known), "low")


Uncertain = Annotated[
    Annotated[Alternatives, Tag("values")] | Annotated[Calibrated, Tag("sets")] | Annotated[Span, Tag("low")],
    Discriminator(_kind),
]
"""What is plausible for one value of a scenario: ``{low, high[, log]}`` or ``{values: […]}``; sets are calibrated."""


@dataclass(frozen=True)
class World:
    """One member of an ensemble: its scenario, and the values that it was given by path."""

    scenario: Scenario
    values: dict[str, Value]


def ensemble(scenario: Scenario, uncertain: Mapping[str, Uncertain], n: int, seed: int) -> tuple[World, ...]:
    """Worlds that cover what is plausible by a Latin hypercube: each n-th of every span once, as evenly as pairs allow.

    Values that were calibrated come from whole parameter sets, drawn as evenly as their weights allow.

    Parameters
    ----------
    uncertain : plausible values by dotted path, which :func:`check` has passed. Without any the scenario is the only
        world. The order of the paths does not matter.
    n : worlds; powers of two cover pairs of paths best.
    seed : the same seed gives the same worlds.

    Raises
    ------
    SpecError
        When the scenario refuses a combination, though it allows each value alone, or when there are too few worlds to
        tell one uncertain value's part from another's.
    """
    if not uncertain:
        return (World(scenario, {}),)
    paths = sorted(uncertain)
    columns = 1 + sum(len(u.values) - 1 if isinstance(u, Alternatives) else 1 for u in uncertain.values())
    if n < columns:
        raise SpecError(
            f"{len(paths)} uncertain values need {columns} worlds to be told apart", place="worlds", value=n,
            cure=f"raise it to {1 << (columns - 1).bit_length()}, or call fewer values uncertain",
        )  # fmt: skip
    free = [path for path in paths if not isinstance(uncertain[path], Calibrated)]
    fitted = {path: spread for path, spread in sorted(uncertain.items()) if isinstance(spread, Calibrated)}
    places = (
        qmc.LatinHypercube(d=len(free), optimization="random-cd", seed=seed).random(n) if free else np.empty((n, 0))
    )
    worlds = []
    for row, chosen in zip(places.tolist(), chosen_sets(fitted, n, seed), strict=True):
        values = {path: uncertain[path].at(u) for path, u in zip(free, row, strict=True)}
        values |= {path: spread.sets[chosen] for path, spread in fitted.items()}
        try:
            worlds.append(World(scenario_with(scenario, values), values))
        except SpecError as error:
            shown = ", ".join(f"{path} = {value:.4g}" if isinstance(value, float) else f"{path} = {value}"
                              for path, value in values.items())  # fmt: skip
            raise SpecError(
                f"the scenario refuses values that it allows one by one: {error}",
                place=f"{SECTION}: {shown}", cure="narrow the spans, or leave one of them out",
            ) from None  # fmt: skip
    return tuple(worlds)


def chosen_sets(fitted: Mapping[str, Calibrated], n: int, seed: int) -> list[int]:
    """Numbers of n calibrated sets, drawn by weight along the direction in which they differ most."""
    if not fitted:
        return [0] * n
    spreads = list(fitted.values())
    standard = np.array([[spread.evenly(value) for value in spread.sets] for spread in spreads])
    weights = np.array(spreads[0].weights)
    if len(weights) == 1:
        return [0] * n
    centred = standard - np.average(standard, axis=1, weights=weights)[:, None]
    along = np.linalg.eigh(np.cov(standard, aweights=weights).reshape(len(spreads), -1))[1][:, -1] @ centred
    order = np.argsort(along, kind="stable")
    edges = np.cumsum(weights[order])
    start = float(np.random.default_rng(seed).random())
    places = np.minimum(np.searchsorted(edges, (np.arange(n) + start) / n * edges[-1], side="right"), len(order) - 1)
    return [int(order[place]) for place in places]


def world_of(replicates: int, worlds: int) -> NDArray[np.intp]:
    """World in which each replicate lives. Shape (replicates,)."""
    return np.arange(replicates) % worlds


def scenario_with(scenario: Scenario, values: Mapping[str, Value]) -> Scenario:
    """A copy of a scenario in which the dotted paths have these values. Raises SpecError when it refuses one."""
    data = _plain(scenario, values)
    for path, value in values.items():
        write_path(data, path, value, owner=OWNER, section=SECTION)
    return validate(Scenario, data)


def value_in(scenario: Scenario, path: str) -> Value:
    """The value at a dotted path of a scenario. Raises SpecError with the nearest known step."""
    return read_path(_plain(scenario, (path,)), path, owner=OWNER, section=SECTION)


def _plain(scenario: Scenario, paths: Mapping[str, Value] | tuple[str, ...]) -> dict[str, Any]:
    """Plain data, with the default behaviours that paths lead into, which a scenario need not name."""
    data = scenario.model_dump(mode="json")
    if not scenario.only_named_behaviours and any(path.startswith("behaviours.") for path in paths):
        data["behaviours"] = {**{kind.kind: kind().dump() for kind in DEFAULTS}, **data["behaviours"]}
    return data


def check(scenario: Scenario, uncertain: Mapping[str, Uncertain], *, learned: bool = False) -> None:
    """Try every uncertain value on the scenario before anything long begins.

    Parameters
    ----------
    learned : the world stands on models and customers from logs, so that some paths decide nothing.

    Raises
    ------
    SpecError
        For the first path that the scenario does not have, that may not vary or decides nothing, and the first value
        that the scenario refuses.
    """
    for path, spread in uncertain.items():
        _may_vary(path, learned)
        here = value_in(scenario, path)
        for value in spread.tried():
            try:
                scenario_with(scenario, {path: value})
            except SpecError as error:
                cure = "list whole numbers under `values`" if "whole number" in error.rule else "narrow it"
                rule = error.rule if error.place in ("", path) else f"{error.place}: {error.rule}"
                raise SpecError(
                    f"the scenario refuses this value: {rule}", place=f"{SECTION}: {path}", value=value, cure=cure
                ) from None
        _takes_in(scenario, path, spread, here)
    for one in uncertain:
        for other in uncertain:
            if other.startswith(f"{one}."):
                raise SpecError(f"'{one}' holds this path already", place=f"{SECTION}: {other}", cure="drop one")


def _may_vary(path: str, learned: bool) -> None:
    steps = path.split(".")
    for pattern, (rule, cure) in REFUSED.items():
        fixed = pattern.split(".")
        if len(steps) >= len(fixed) and all(f in ("*", s) for f, s in zip(fixed, steps, strict=False)):
            raise SpecError(rule, place=f"{SECTION}: {path}", cure=cure)
    if steps == ["population"] or (steps[0] == "channels" and len(steps) < 3):
        rule, cure = SAME_PEOPLE
        raise SpecError(rule, place=f"{SECTION}: {path}", cure="name the value inside that is uncertain")
    if learned and steps[0] in LOGS_SAY:
        raise SpecError(
            f"in a world from logs this decides nothing: {LOGS_SAY[steps[0]]}", place=f"{SECTION}: {path}",
            cure="drop it",
        )  # fmt: skip


def _takes_in(scenario: Scenario, path: str, spread: Span | Alternatives, here: Value) -> None:
    """Raise SpecError when the scenario's own value is not among the plausible ones."""
    if isinstance(spread, Span):
        if isinstance(here, bool) or not isinstance(here, int | float):
            raise SpecError(
                "the scenario has no number here", place=f"{SECTION}: {path}", value=here, cure="list `values` instead"
            )
        if not spread.low <= here <= spread.high:
            raise SpecError(
                f"the scenario's own value lies outside {spread.low:g} … {spread.high:g}",
                place=f"{SECTION}: {path}", value=here, cure="widen the span to take it in",
            )  # fmt: skip
        return
    # An alternative may be written shorter than its dump, so compare the scenarios that they make.
    own = scenario_with(scenario, {path: here})
    if all(scenario_with(scenario, {path: value}) != own for value in spread.values):
        raise SpecError(
            "the scenario's own value is not among the alternatives", place=f"{SECTION}: {path}", value=here,
            cure="add it to them",
        )  # fmt: skip
