"""A vector: one number for each segment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import ValidationError, model_validator

from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import Lever, Params, Step
from experiments.searching.space.levers.number import nearest_number
from experiments.searching.space.levers.span import Span
from experiments.searching.space.paths import Value, read_path
from sim.errors import nearest
from sim.spec import Spec, parameter


class Own(Spec):
    """What differs for one entry."""

    low: float | None = parameter(None, doc="lowest value of this entry")
    high: float | None = parameter(None, doc="highest value of this entry")
    step: float | None = parameter(None, gt=0, doc="grid of this entry")
    log: bool | None = parameter(None, doc="logarithmic scale for this entry")


class Each(Span, Lever):
    """A number for each entry of a mapping or list: by trust level, value tier, channel.

    It is the same space as one numeric lever for each entry.
    """

    each: tuple[str | int, ...] = parameter(min_length=1, doc="keys or positions under the path; deeper ones dotted")
    own: dict[str, Own] = parameter(default_factory=dict, doc="entries whose bounds differ: entry to what differs")

    @model_validator(mode="after")
    def _entries(self) -> Self:
        entries = [str(entry) for entry in self.each]
        for entry in entries:
            if entries.count(entry) > 1:
                raise ValueError(f"the entry {entry} stands there twice; drop one")
        for entry in self.own:
            if entry not in entries:
                raise ValueError(f"own names '{entry}', which is not among each; {nearest(entry, entries)}")
            try:
                self.span(entry)
            except ValidationError as error:
                rule = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"own.{entry}: {rule}") from None
        return self

    def span(self, entry: str) -> Span:
        """Bounds of one entry."""
        shared = {name: getattr(self, name) for name in Span.model_fields}
        own = self.own[entry].model_dump(exclude_none=True) if entry in self.own else {}
        return Span.model_validate({**shared, **own})

    def spans(self, path: str) -> dict[str, Span]:
        """Bounds by dotted path of the policy."""
        return {f"{path}.{entry}": self.span(str(entry)) for entry in self.each}

    def paths(self, path: str) -> tuple[str, ...]:
        return tuple(self.spans(path))

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        return tuple(Dimension(target, span.distribution()) for target, span in self.spans(path).items())

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        return {target: span.snap(params[target]) for target, span in self.spans(path).items()}

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        return {target: span.read(read_path(data, target), target) for target, span in self.spans(path).items()}

    def nearest(self, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for target, span in self.spans(path).items():
            found |= nearest_number(span, target, data, here)
        return found

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        ends = {target: span.ends() for target, span in self.spans(path).items()}
        for number in range(max(map(len, ends.values()))):
            yield {target: found[min(number, len(found) - 1)] for target, found in ends.items()}

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        for target, span in self.spans(path).items():
            yield target, {target: span.stride(float(params[target]))}

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        return {target: span.words() for target, span in self.spans(path).items()}
