"""What every lever is.

A lever stands under a dotted path. It has one coordinate or several (:meth:`Lever.dimensions`), turns their values
into values of the policy (:meth:`Lever.decode`) and reads those of a given policy back (:meth:`Lever.encode`). Policies
come as plain data, in which the levers above it have been set already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.paths import Value, read_path
from sim.errors import SpecError
from sim.spec import Spec, parameter

Params = Mapping[str, Any]
"""Values of coordinates by name, as a sampler knows them. Inactive ones may be missing."""

Step = tuple[str, dict[str, Any]]
"""What is moved, as a dotted path, and the coordinates that differ."""

SAME = 1e-9  # of a lever's scale: what rounding may do on the way through coordinates and back


def plain(value: Value) -> Value:
    """A value of a document as the policy's plain data has it, where dates are text."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date) else value


Plain = Annotated[Value, BeforeValidator(plain)]


class Lever(Spec):
    """What every lever is. A new kind is a class with these methods and its line in ``LEVERS``."""

    when: dict[str, Annotated[tuple[Plain, ...], Field(min_length=1)]] = parameter(
        default_factory=dict, doc="matters only where these levers have one of these values; else as in the status quo"
    )

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        """Its coordinates."""
        raise TypeError(f"{type(self).__name__} does not say what its coordinates are: define dimensions()")

    def paths(self, path: str) -> tuple[str, ...]:
        """Dotted paths of the policy that it sets, with all that is inside them."""
        return (path,)

    def examine(self, path: str, data: dict[str, Value]) -> None:
        """Raise SpecError where the status quo has nothing that could be set."""
        for target in self.paths(path):
            read_path(data, target)

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        """Values of the policy by dotted path."""
        raise TypeError(f"{type(self).__name__} does not say what it sets: define decode()")

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        """Coordinates of a policy. Raises SpecError when the policy lies outside the lever's bounds."""
        raise TypeError(f"{type(self).__name__} cannot read a policy: define encode()")

    def nearest(self, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
        """Coordinates within the bounds that come nearest to a policy; ``here`` where nothing can be compared."""
        try:
            return self.encode(path, data)
        except SpecError:
            return {d.name: here[d.name] for d in self.dimensions(path) if d.name in here}

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        """Coordinates that the policy's own limits must allow: ends, and one between them."""
        raise TypeError(f"{type(self).__name__} does not say its ends: define corners()")

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        """Single moves from where the policy stands, for the first trials."""
        raise TypeError(f"{type(self).__name__} does not say how it moves: define steps()")

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        """Bounds in words, as ``0 … 7``, by dotted path of the policy."""
        raise TypeError(f"{type(self).__name__} does not say its bounds: define bounds()")

    def label(self, value: Value) -> Any:
        """The coordinate at which it has this value, for conditions. Raises ValueError where it never has it."""
        raise ValueError("has no single value that a condition could name; name a switch, a choice or a whole number")


def settled(value: float, here: Value, scale: float) -> float:
    """A number as the policy has it, where coordinates and back have changed no more than its last digits.

    So the status quo decodes to itself to the byte, and is recognised as itself.
    """
    is_number = isinstance(here, int | float) and not isinstance(here, bool)
    return here if is_number and abs(value - here) <= SAME * scale else value
