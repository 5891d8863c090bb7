"""Shares of a budget: money or hours that are divided, never exceeded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Self

from optuna.distributions import FloatDistribution
from pydantic import Discriminator, PositiveFloat, Tag, model_validator

from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import SAME, Lever, Params, Step, settled
from experiments.searching.space.levers.span import STRIDE, Span, form
from experiments.searching.space.levers.sticks import broken, joined
from experiments.searching.space.paths import Value, read_path
from sim.errors import SpecError, nearest
from sim.spec import parameter


class Shares(Lever):
    """A total, fixed or moving, divided over parts of one or several actions."""

    total: Annotated[Annotated[PositiveFloat, Tag("value")] | Annotated[Span, Tag("bounds")], Discriminator(form)] = (
        parameter(doc="what is divided: a number, or bounds within which it moves too")
    )
    over: tuple[str, ...] = parameter(
        min_length=1, doc="parts: entries under the lever's path, or whole paths, which have a dot"
    )
    slack: bool = parameter(False, doc="whether a part of a fixed total may stay unspent")
    cost: dict[str, PositiveFloat] = parameter(
        default_factory=dict, doc="what one unit of a part takes from the total; 1 where nothing is said"
    )

    @model_validator(mode="after")
    def _parts(self) -> Self:
        for part in self.over:
            if self.over.count(part) > 1:
                raise ValueError(f"the part {part} stands there twice; drop one")
        for part in self.cost:
            if part not in self.over:
                raise ValueError(f"cost names '{part}', which is not among over; {nearest(part, self.over)}")
        if self.slack and isinstance(self.total, Span):
            raise ValueError("a total that moves leaves nothing unspent; drop slack, or fix the total at its highest")
        if len(self.over) == 1 and not self.slack:
            raise ValueError("one part takes the whole total; name another in over, or write a lever {low, high}")
        if isinstance(self.total, Span) and self.total.low < 0:
            raise ValueError(f"a total cannot be divided below 0 (its low is {self.total.low:g}); raise it")
        return self

    def paths(self, path: str) -> tuple[str, ...]:
        return tuple(part if "." in part else f"{path}.{part}" for part in self.over)

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        found = [Dimension(name, FloatDistribution(0.0, 1.0)) for name in self._sticks(path)]
        if isinstance(self.total, Span):
            found.insert(0, Dimension(_total(path), self.total.distribution()))
        return tuple(found)

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        total = self.total.snap(params[_total(path)]) if isinstance(self.total, Span) else self.total
        shares = broken([params[name] for name in self._sticks(path)])
        found = {}
        for part, target, share in zip(self.over, self.paths(path), shares, strict=False):  # the last may be slack
            cost = self.cost.get(part, 1.0)
            found[target] = settled(share * total / cost, read_path(data, target), total / cost)
        return found

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        spent = self._spent(path, data)
        total = sum(spent)
        if isinstance(self.total, Span):
            slack = SAME * self.total.high
            if not self.total.low - slack <= total <= self.total.high + slack:
                rule = f"the status quo's parts add up to a total outside {self.total.words()}"
                raise SpecError(rule, place=f"space: {path}", value=total, cure="widen the bounds to take it in")
        elif total > self.total * (1 + SAME) or not (self.slack or math.isclose(total, self.total, rel_tol=SAME)):
            rule = f"the status quo's parts add up to {total:g}, {'above' if self.slack else 'not to'} the total"
            cure = "set the total to that" + ("" if self.slack or total > self.total else ", or add slack: true")
            raise SpecError(rule, place=f"space: {path}", value=self.total, cure=cure)
        return self._params(path, spent)

    def nearest(self, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
        try:
            return self._params(path, [max(part, 0.0) for part in self._spent(path, data)])
        except SpecError:
            return super().nearest(path, data, here)

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        parts = len(self.over) + self.slack
        ends = self.total.ends()[:2] if isinstance(self.total, Span) else (self.total,)
        for total in ends:
            yield self._at(path, total, [1.0] * parts)
        for number in range(parts):
            yield self._at(path, ends[-1], [float(number == other) for other in range(parts)])

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        shares = broken([params[name] for name in self._sticks(path)])
        for number, target in enumerate(self.paths(path)):
            more = [share * (1 - STRIDE) + STRIDE * (number == other) for other, share in enumerate(shares)]
            yield target, dict(zip(self._sticks(path), joined(more), strict=True))
        if isinstance(self.total, Span):
            yield f"{path}.total", {_total(path): self.total.stride(float(params[_total(path)]))}

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        total = self.total.words() if isinstance(self.total, Span) else f"{self.total:g}"
        return dict.fromkeys(self.paths(path), f"a share of {total}")

    def _sticks(self, path: str) -> list[str]:
        """One coordinate for each part but the last."""
        return [f"{path}[{part}]" for part in (self.over if self.slack else self.over[:-1])]

    def _spent(self, path: str, data: dict[str, Value]) -> list[float]:
        found = []
        for part, target in zip(self.over, self.paths(path), strict=True):
            here = read_path(data, target)
            if isinstance(here, bool) or not isinstance(here, int | float) or here < 0:
                raise SpecError(
                    "the status quo has no number of at least 0 here", place=f"space: {path}: {target}", value=here,
                    cure="give it one, or leave this part out",
                )  # fmt: skip
            found.append(here * self.cost.get(part, 1.0))
        return found

    def _params(self, path: str, spent: list[float]) -> dict[str, Any]:
        """Coordinates nearest to what is spent on each part."""
        total = sum(spent)
        if isinstance(self.total, Span):
            return self._at(path, self.total.clip(total), spent)
        return self._at(path, self.total, [*spent, max(self.total - total, 0.0)] if self.slack else spent)

    def _at(self, path: str, total: float, parts: list[float]) -> dict[str, Any]:
        found = dict(zip(self._sticks(path), joined(parts), strict=True))
        return {_total(path): total, **found} if isinstance(self.total, Span) else found


def _total(path: str) -> str:
    return f"{path}[total]"
