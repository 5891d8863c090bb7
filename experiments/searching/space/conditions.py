"""Conditions: under which values of other levers a lever matters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.searching.space.levers import ON, Lever, Params, Switch

Space = Mapping[str, Lever]


@dataclass(frozen=True)
class Condition:
    """That the lever at a path has one of these coordinates."""

    path: str
    labels: tuple[Any, ...]

    def is_met(self, params: Params) -> bool:
        """Whether it has; not where the coordinate is missing, since the lever is inactive itself then."""
        here = params.get(self.path)
        return any(_same(here, label) for label in self.labels)


def conditions(space: Space, path: str) -> tuple[Condition, ...]:
    """All that must hold for a lever to matter: what it names itself, and the switch of the action that it is in."""
    lever = space[path]
    named = tuple(
        Condition(other, tuple(space[other].label(value) for value in values)) for other, values in lever.when.items()
    )
    return named + tuple(Condition(switch, (ON,)) for switch in switches_over(space, path))


def switches_over(space: Space, path: str) -> list[str]:
    """Switches of the actions in which a lever sets something, itself not among them."""
    actions = dict.fromkeys(action_of(target) for target in space[path].paths(path))
    return [action for action in actions if action != path and isinstance(space.get(action), Switch)]


def action_of(target: str) -> str:
    """``actions.coupon`` for a path inside that action."""
    return ".".join(target.split(".")[:2])


def in_order(space: Space) -> list[str]:
    """Levers in the order of the document, but none before those that it hangs on. Raises ValueError for a circle."""
    found: dict[str, None] = {}
    for path in space:
        for other in _chain(space, path, ()):
            found[other] = None
    return list(found)


def _chain(space: Space, path: str, below: tuple[str, ...]) -> Iterator[str]:
    if path in below:
        raise ValueError(" → ".join((*below[below.index(path) :], path)))
    for other in (*space[path].when, *switches_over(space, path)):
        yield from _chain(space, other, (*below, path))
    yield path


def _same(here: Any, label: Any) -> bool:
    if isinstance(here, float) and isinstance(label, int | float):
        return math.isclose(here, label, rel_tol=1e-9, abs_tol=1e-12)
    return bool(here == label)
