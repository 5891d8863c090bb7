"""Contradictions between the levers of a space, which the document alone shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from experiments.searching.space.conditions import Space, action_of, in_order, switches_over
from experiments.searching.space.levers import OFF, Switch
from sim.errors import nearest

Finding = tuple[tuple[str, ...], str]  # where in the space, and what is wrong with its cure


def contradictions(space: Space) -> None:
    """Raise pydantic's ValidationError with the place of everything in which levers contradict each other."""
    found = [*_misplaced(space), *_twice(space), *_conditions(space)]
    found = found or list(_circles(space))
    if found:
        raise ValidationError.from_exception_data(
            "space",
            [
                InitErrorDetails(type=PydanticCustomError("value_error", "{text}", {"text": text}), loc=loc, input=None)
                for loc, text in found
            ],
        )


def _misplaced(space: Space) -> Iterator[Finding]:
    for path, lever in space.items():
        if isinstance(lever, Switch) and not (path.startswith("actions.") and path.count(".") == 1):
            yield (path,), "only a whole action can be switched; write it as actions.NAME"
        over = switches_over(space, path)
        if over and len({action_of(target) for target in lever.paths(path)}) > 1:
            yield (path,), f"it divides over several actions, and {over[0]} can be switched off; drop that switch"


def _twice(space: Space) -> Iterator[Finding]:
    """Levers that set the same, or one inside another; a switch is made for having levers inside."""
    targets = [(path, target) for path, lever in space.items() for target in lever.paths(path)]
    for (one, a), (other, b) in itertools.combinations(targets, 2):
        if one == other or isinstance(space[one], Switch) or isinstance(space[other], Switch):
            continue
        if a == b:
            yield (other,), f"it sets {b}, which the lever {one} sets as well; drop one of them"
        elif b.startswith(f"{a}.") or a.startswith(f"{b}."):
            yield (other,), f"it sets {b}, and the lever {one} sets {a}: one is inside the other; drop one of them"


def _conditions(space: Space) -> Iterator[Finding]:
    for path, lever in space.items():
        for other, values in lever.when.items():
            place = (path, "when", other)
            if other not in space:
                yield place, f"no lever has this path; {nearest(other, space)}"
                continue
            for value in values:
                try:
                    label = space[other].label(value)
                except ValueError as error:
                    yield place, f"the lever {other} {error}"
                    continue
                if label == OFF and other in switches_over(space, path):
                    yield place, "a lever inside an action that is off matters nothing; drop the condition"


def _circles(space: Space) -> Iterator[Finding]:
    try:
        in_order(space)
    except ValueError as error:
        path = str(error).split(" → ")[0]
        yield (path, "when"), f"its condition leads back to itself: {error}; break the circle"
