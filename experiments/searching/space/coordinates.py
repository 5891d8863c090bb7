"""The sampler's view of a search space: every policy a row of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import qmc

from sim.errors import SpecError, nearest

Floats = NDArray[np.float64]

NEUTRAL = 0.5
"""Where a number stands while it is inactive: the middle of its range. An inactive category stands at its first."""
SLACK = 1e-9  # of the range by which rounding may carry a value past a bound


@dataclass(frozen=True)
class Dimension:
    """One coordinate of a search space.

    Attributes
    ----------
    name : lever path, with a part in brackets where a lever has several coordinates.
    distribution : what values it takes.
    when : (name of another dimension, its values) under which this one matters; None for always.
    """

    name: str
    distribution: optuna.distributions.BaseDistribution
    when: tuple[str, tuple[Any, ...]] | None = None


class Coordinates:
    """A search space as a table with one column for each dimension.

    A number lies in [0, 1] between its bounds (on the logarithmic scale where its distribution is logarithmic, on its
    grid where it has one), a category is the index of its choice. While a conditional dimension is inactive its column
    holds a constant (:data:`NEUTRAL`), so policies that differ there alone are the same row.

    Parameters
    ----------
    dimensions : in the order of the columns. A condition may name any other dimension.

    Attributes
    ----------
    names : names of the columns.
    sizes : number of choices of each column, 0 for numbers. Shape (k,).

    Raises
    ------
    SpecError
        Where a name stands twice, a condition names no dimension, no value of it, or leads back to itself.
    """

    def __init__(self, dimensions: tuple[Dimension, ...]) -> None:
        self.dimensions = dimensions
        self.names = tuple(d.name for d in dimensions)
        if not dimensions:
            raise SpecError("the space has no dimension", place="space", cure="give at least one lever")
        for name in self.names:
            if self.names.count(name) > 1:
                raise SpecError("two dimensions have this name", place="space", value=name, cure="rename one")
        self._axes = tuple(_axis(d) for d in dimensions)
        self.sizes: NDArray[np.int64] = np.array([a.size if isinstance(a, _Choices) else 0 for a in self._axes])
        self._neutral = np.where(self.sizes > 0, 0.0, NEUTRAL)
        self._conditions = self._in_order()

    def __len__(self) -> int:
        return len(self.dimensions)

    def row(self, params: Mapping[str, Any]) -> Floats:
        """Coordinates of a policy. Shape (k,). Inactive dimensions may be missing; a grid is not enforced.

        Raises
        ------
        SpecError
            Where an active dimension is missing or lies outside its bounds.
        """
        row = self._neutral.copy()
        for column, (name, axis) in enumerate(zip(self.names, self._axes, strict=True)):
            if name in params:
                row[column] = axis.unit(name, params[name])
        active = self.active(row[None])[0]
        for name, needed in zip(self.names, active, strict=True):
            if needed and name not in params:
                raise SpecError("this dimension has no value", place=f"space: {name}", cure="give it one")
        return np.where(active, row, self._neutral)

    def params(self, row: Floats) -> dict[str, Any]:
        """Values of a row by name, on their grids, without the inactive ones."""
        snapped = self.snap(row[None])
        active = self.active(snapped)[0]
        return {
            name: axis.value(float(unit))
            for name, axis, unit, on in zip(self.names, self._axes, snapped[0], active, strict=True)
            if on
        }

    def snap(self, rows: Floats) -> Floats:
        """The nearest rows that stand for policies: inside the bounds, on the grids, neutral where inactive."""
        rows = np.column_stack([axis.snap(rows[:, c]) for c, axis in enumerate(self._axes)])
        return np.where(self.active(rows), rows, self._neutral)

    def active(self, rows: Floats) -> NDArray[np.bool_]:
        """Which dimensions matter in each row. Shape (n, k)."""
        active = np.ones(rows.shape, dtype=bool)
        for column, parent, units in self._conditions:
            here = np.isclose(rows[:, parent, None], units, rtol=0, atol=SLACK).any(axis=1)
            active[:, column] = here & active[:, parent]
        return active

    def spread(self, unit: Floats) -> Floats:
        """Rows for points of the unit cube, shape (n, k): each choice and each step of a grid gets an equal share."""
        rows = np.column_stack([axis.share(unit[:, c]) for c, axis in enumerate(self._axes)])
        return np.where(self.active(rows), rows, self._neutral)

    def sobol(self, n: int, seed: int) -> Floats:
        """Space-filling rows from a scrambled Sobol sequence, choices and grids in equal shares. Shape (n, k)."""
        power = max(math.ceil(math.log2(max(n, 1))), 1)
        return self.spread(qmc.Sobol(len(self), scramble=True, seed=seed).random_base2(power)[:n])

    def value(self, column: int, unit: float) -> Any:
        """What one coordinate stands for, whether its dimension is active or not."""
        return self._axes[column].value(float(self._axes[column].snap(np.array([unit]))[0]))

    def grid(self, column: int, points: int) -> Floats:
        """Up to so many different coordinates of one column, from end to end; all choices of a category."""
        axis = self._axes[column]
        if isinstance(axis, _Choices):
            return np.arange(axis.size, dtype=float)
        return np.unique(axis.snap(np.linspace(0.0, 1.0, points)))

    def _in_order(self) -> tuple[tuple[int, int, Floats], ...]:
        """(column, column that it hangs on, coordinates there that switch it on), parents first."""
        parents = {d.name: d.when[0] for d in self.dimensions if d.when is not None}
        for name, parent in parents.items():
            if parent not in self.names:
                raise SpecError(
                    "its condition names no dimension", place=f"space: {name}", value=parent,
                    cure=nearest(parent, self.names),
                )  # fmt: skip
        found = []
        for name in sorted(parents, key=lambda n: (self._depth(n, parents), self.names.index(n))):
            column, above = self.names.index(name), self.names.index(parents[name])
            when = self.dimensions[column].when
            values = when[1] if when else ()
            units = [self._axes[above].unit(f"{name}, whose condition is {parents[name]}", v) for v in values]
            if not units:
                raise SpecError("its condition is never met", place=f"space: {name}", cure="name a value, or drop it")
            found.append((column, above, np.array(units)))
        return tuple(found)

    def _depth(self, name: str, parents: Mapping[str, str]) -> int:
        depth, here = 0, name
        while here in parents:
            depth, here = depth + 1, parents[here]
            if depth > len(parents):
                raise SpecError("its condition leads back to itself", place=f"space: {name}", cure="break the circle")
        return depth


@dataclass(frozen=True)
class _Choices:
    """A category."""

    distribution: CategoricalDistribution

    @property
    def size(self) -> int:
        return len(self.distribution.choices)

    def unit(self, name: str, value: Any) -> float:
        try:
            return float(self.distribution.to_internal_repr(value))
        except ValueError:
            cure = f"known: {', '.join(map(str, self.distribution.choices))}"
            raise SpecError("not among the choices", place=f"space: {name}", value=value, cure=cure) from None

    def value(self, unit: float) -> Any:
        return self.distribution.choices[int(unit)]

    def snap(self, units: Floats) -> Floats:
        return np.clip(np.rint(units), 0, self.size - 1)

    def share(self, units: Floats) -> Floats:
        return np.minimum(np.floor(units * self.size), self.size - 1)


@dataclass(frozen=True)
class _Number:
    """A number; ``half`` is half a step of its grid, 0 without one."""

    distribution: FloatDistribution | IntDistribution

    @property
    def half(self) -> float:
        return (self.distribution.step or 0.0) / 2

    @property
    def low(self) -> float:
        return self._scale(self.distribution.low)

    @property
    def span(self) -> float:
        return self._scale(self.distribution.high) - self.low

    def unit(self, name: str, value: Any) -> float:
        low, high = self.distribution.low, self.distribution.high
        slack = SLACK * (high - low)
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not (number and low - slack <= value <= high + slack):
            raise SpecError(
                f"outside {low:g} … {high:g}",
                place=f"space: {name}",
                value=value,
                cure="widen the bounds to take it in",
            )
        if self.span <= 0:
            return NEUTRAL
        return float((self._scale(min(max(float(value), low), high)) - self.low) / self.span)

    def value(self, unit: float) -> float | int:
        return self._values(np.array([unit]))[0].item()  # type: ignore[no-any-return]

    def snap(self, units: Floats) -> Floats:
        return self._units(self._values(np.clip(units, 0.0, 1.0)))

    def share(self, units: Floats) -> Floats:
        """Each step of a grid in proportion to its width, as Optuna's samplers count it."""
        low, high = (self._scale(x) for x in (self.distribution.low - self.half, self.distribution.high + self.half))
        return self.snap((low + units * (high - low) - self.low) / self.span) if self.span > 0 else self.snap(units)

    def _values(self, units: Floats) -> NDArray[Any]:
        d = self.distribution
        values = self.low + units * self.span
        values = np.exp(values) if d.log else values
        if self.half:
            values = d.low + np.rint((values - d.low) / (2 * self.half)) * 2 * self.half
        values = np.clip(values, d.low, d.high)
        if isinstance(d, IntDistribution):
            return np.rint(values).astype(np.int64)
        return np.round(values, 12) if self.half else values  # 0.1 + 2 · 0.1 is 0.3 to a reader

    def _units(self, values: NDArray[Any]) -> Floats:
        if self.span <= 0:
            return np.full(values.shape, NEUTRAL)
        scaled = np.log(values) if self.distribution.log else values.astype(float)
        return np.asarray((scaled - self.low) / self.span)

    def _scale(self, value: float) -> float:
        return math.log(value) if self.distribution.log else float(value)


def _axis(dimension: Dimension) -> _Choices | _Number:
    d = dimension.distribution
    if isinstance(d, CategoricalDistribution):
        return _Choices(d)
    if isinstance(d, FloatDistribution | IntDistribution):
        return _Number(d)
    raise SpecError("unknown kind of distribution", place=f"space: {dimension.name}", value=type(d).__name__)
