"""A number: fractions, whole numbers, a grid, a logarithmic scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import Lever, Params, Step
from experiments.searching.space.levers.span import Span
from experiments.searching.space.paths import Value, read_path
from sim.errors import SpecError


class Number(Span, Lever):
    """A numeric lever."""

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        return (Dimension(path, self.distribution()),)

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        return {path: self.snap(params[path])}

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        return {path: self.read(read_path(data, path), path)}

    def nearest(self, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
        return nearest_number(self, path, data, here)

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        yield from ({path: value} for value in self.ends())

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        yield path, {path: self.stride(float(params[path]))}

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        return {path: self.words()}


def nearest_number(span: Span, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
    """The coordinate nearest to the number at a path; that of ``here`` where the policy has none."""
    try:
        value = read_path(data, path)
    except SpecError:
        value = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {path: span.clip(value)}
    return {path: here[path]} if path in here else {}
