"""A table of tiers: thresholds and benefits that rise by construction."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self

from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Discriminator, Tag, model_validator

from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import Lever, Params, Step, settled
from experiments.searching.space.levers.span import ROUNDING, STRIDE, Bounds, form
from experiments.searching.space.levers.sticks import broken, joined
from experiments.searching.space.paths import Value, read_path
from sim.errors import SpecError, nearest
from sim.spec import Spec, parameter

FIRST_GAP = 0.01  # of the span, between rows of the first column where neither gap nor step is given; assumed


class Column(Bounds):
    """Bounds of one column of a table."""

    gap: float | None = parameter(
        None, ge=0, doc="least rise from row to row; without it the first column rises by a step or 1 % of its span"
    )

    @model_validator(mode="after")
    def _on_the_grid(self) -> Self:
        if self.gap and self.step and abs(self.gap / self.step - round(self.gap / self.step)) > ROUNDING:
            raise ValueError(f"gap {self.gap:g} is no multiple of step {self.step:g}; make it one")
        return self

    def least_gap(self, first: bool) -> float:
        """Least rise from row to row."""
        if self.gap is None:
            return (self.step or FIRST_GAP * (self.high - self.low)) if first else 0.0
        return self.gap

    def free(self, rows: int, gap: float) -> float:
        """What of the span is left when every row has risen by its gap."""
        return self.top - self.low - gap * (rows - 1)

    def values(self, coordinates: Sequence[float], gap: float) -> list[float]:
        """Rising values, uniform over all that keep the gap when the coordinates are uniform."""
        rows = len(coordinates)
        cuts = itertools.accumulate(broken(coordinates)[:-1])
        starts = [self.snap(self.low + self.free(rows, gap) * min(cut, 1.0)) for cut in cuts]
        return [start + round(gap) * row if self.whole else start + gap * row for row, start in enumerate(starts)]

    def coordinates(self, values: Sequence[float], gap: float) -> list[float]:
        """The inverse of :meth:`values`; of values that do not rise, or lie outside, those of the nearest that do."""
        rows, free = len(values), self.free(len(values), gap)
        cuts = [min(max((value - self.low - gap * row) / free, 0.0), 1.0) for row, value in enumerate(values)]
        cuts = [0.0, *itertools.accumulate(cuts, max), 1.0]
        return joined([after - before for before, after in itertools.pairwise(cuts)])[:rows]


class Rows(Spec):
    """How many rows a table may have."""

    low: int = parameter(ge=0, le=20, doc="fewest rows")
    high: int = parameter(ge=1, le=20, doc="most rows")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}; for a fixed number write it alone")
        return self


class Rising(Lever):
    """A list of rows in which the first column rises strictly and the others never fall."""

    rising: dict[str, Column] = parameter(min_length=1, doc="columns: field of a row to its bounds; thresholds first")
    rows: Annotated[Annotated[int, Tag("value")] | Annotated[Rows, Tag("bounds")], Discriminator(form)] = parameter(
        doc="number of rows: a whole number, or bounds within which it moves too"
    )

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.most < 1 or self.most > 20:
            raise ValueError(f"rows must be 1 … 20 (they are {self.most})")
        for name, column in self.rising.items():
            gap = self.gap(name)
            if name == self.first and gap <= 0 and self.most > 1:
                raise ValueError(f"{name} must rise from row to row; give it a gap above 0")
            if column.free(self.most, gap) <= 0:
                room = f"{self.most} rows that rise by {gap:g} need more than {column.words()}"
                raise ValueError(f"{name}: {room}; lower gap or rows, or widen the bounds")
        return self

    @property
    def first(self) -> str:
        """The column that rises strictly."""
        return next(iter(self.rising))

    @property
    def fewest(self) -> int:
        """Fewest rows."""
        return self.rows.low if isinstance(self.rows, Rows) else self.rows

    @property
    def most(self) -> int:
        """Most rows."""
        return self.rows.high if isinstance(self.rows, Rows) else self.rows

    def gap(self, name: str) -> float:
        """Least rise of a column from row to row."""
        return self.rising[name].least_gap(name == self.first)

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        found = []
        if isinstance(self.rows, Rows):
            found.append(Dimension(_rows(path), IntDistribution(self.fewest, self.most)))
        for row in range(self.most):
            exists = (_rows(path), tuple(range(row + 1, self.most + 1))) if row >= self.fewest else None
            found += [Dimension(_cell(path, name, row), FloatDistribution(0.0, 1.0), exists) for name in self.rising]
        return tuple(found)

    def examine(self, path: str, data: dict[str, Value]) -> None:
        for row in self._table(path, data):
            for name in self.rising:
                if name not in row:
                    rule = f"a row of the status quo has no '{name}'"
                    raise SpecError(rule, place=f"space: {path}", cure=nearest(name, row))

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        rows = params[_rows(path)] if isinstance(self.rows, Rows) else self.rows
        here = read_path(data, path)
        table = [dict(here[min(row, len(here) - 1)]) if here else {} for row in range(rows)]
        for name, column in self.rising.items():
            found = column.values([params[_cell(path, name, row)] for row in range(rows)], self.gap(name))
            for row, value in enumerate(found):
                known = here[row].get(name) if row < len(here) else None
                table[row][name] = settled(value, known, column.high - column.low)
        return {path: table}

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        table = self._table(path, data)
        if not self.fewest <= len(table) <= self.most:
            allowed = f"{self.fewest} … {self.most}" if isinstance(self.rows, Rows) else str(self.rows)
            raise SpecError(
                f"the status quo's number of rows is not {allowed}", place=f"space: {path}", value=len(table),
                cure="change `rows`, or the status quo",
            )  # fmt: skip
        for name, column in self.rising.items():
            values = [column.read(row.get(name), f"{path}.{n}.{name}", "give it one") for n, row in enumerate(table)]
            gap = self.gap(name)
            if any(after - before < gap - ROUNDING * column.high for before, after in itertools.pairwise(values)):
                rise = f"rise by at least {gap:g}" if gap else "rise or stay"
                cure = "order its rows" if sorted(values) != values else "lower `gap`"
                rule = f"the status quo's {name} does not {rise} from row to row"
                raise SpecError(rule, place=f"space: {path}", value=values, cure=cure)
        return self._params(path, table)

    def nearest(self, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
        """Rows that must be and are not have the highest threshold and the lowest benefits."""
        try:
            table = self._table(path, data)[: self.most]
        except SpecError:
            return super().nearest(path, data, here)
        idle = {name: column.high if name == self.first else column.low for name, column in self.rising.items()}
        missing = max(self.fewest - len(table), 0)
        return self._params(path, [{**idle, **_numbers(row)} for row in table] + [idle] * missing)

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        for rows in sorted({max(self.fewest, 1), self.most}):
            for cut in (0.0, 1.0):
                yield self._at(path, rows, {name: [cut] * rows for name in self.rising})
            even = [(row + 1) / (rows + 1) for row in range(rows)]
            yield self._at(path, rows, dict.fromkeys(self.rising, even))
        if self.fewest == 0:
            yield self._at(path, 0, {name: [] for name in self.rising})

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        rows = params[_rows(path)] if isinstance(self.rows, Rows) else self.rows
        for name in self.rising if rows else ():
            names = [_cell(path, name, row) for row in range(rows)]
            cuts = list(itertools.accumulate(broken([params[n] for n in names])[:-1]))
            far = float(sum(cuts) < rows / 2)
            moved = [0.0, *(cut + (far - cut) * STRIDE for cut in cuts), 1.0]
            spacings = [after - before for before, after in itertools.pairwise(moved)]
            yield f"{path}.{name}", dict(zip(names, joined(spacings), strict=True))
        if isinstance(self.rows, Rows):
            far_rows = self.most if self.most - rows >= rows - self.fewest else self.fewest
            yield f"{path}.rows", {_rows(path): rows + int(math.copysign(1, far_rows - rows))}

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        rows = f"{self.fewest} … {self.most}" if isinstance(self.rows, Rows) else f"{self.rows}"
        columns = ", ".join(f"{name} {column.words()}" for name, column in self.rising.items())
        return {path: f"{rows} rows, rising: {columns}"}

    def _table(self, path: str, data: dict[str, Value]) -> list[dict[str, Value]]:
        here = read_path(data, path)
        if not isinstance(here, list) or not all(isinstance(row, dict) for row in here):
            raise SpecError(
                "the status quo has no list of rows here", place=f"space: {path}",
                cure="end the path at a list, as actions.club.tiers",
            )  # fmt: skip
        return here

    def _params(self, path: str, table: Sequence[dict[str, Value]]) -> dict[str, Any]:
        found: dict[str, Any] = {_rows(path): len(table)} if isinstance(self.rows, Rows) else {}
        cells = {
            name: column.coordinates([row[name] for row in table], self.gap(name))
            for name, column in self.rising.items()
        }
        return found | self._cells(path, cells)

    def _at(self, path: str, rows: int, cuts: dict[str, list[float]]) -> dict[str, Any]:
        """Coordinates with these cumulated shares of the span in each column."""
        found: dict[str, Any] = {_rows(path): rows} if isinstance(self.rows, Rows) else {}
        spacings = {name: [b - a for a, b in itertools.pairwise([0.0, *at, 1.0])] for name, at in cuts.items()}
        return found | self._cells(path, {name: joined(parts) for name, parts in spacings.items()})

    def _cells(self, path: str, cells: dict[str, list[float]]) -> dict[str, Any]:
        """Names for the coordinates; rows that are not there stand in the middle."""
        return {
            _cell(path, name, row): own[row] if row < len(own) else 0.5
            for name, own in cells.items()
            for row in range(self.most)
        }


def _numbers(row: dict[str, Value]) -> dict[str, Value]:
    return {key: v for key, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _rows(path: str) -> str:
    return f"{path}[rows]"


def _cell(path: str, name: str, row: int) -> str:
    return f"{path}[{name}.{row + 1}]"
