"""A switch for a whole action."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Literal

from optuna.distributions import CategoricalDistribution

from agents.actions import Action
from agents.calendar import RULES
from agents.policy import Policy
from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import Lever, Params, Plain, Step
from experiments.searching.space.paths import Value, dump, read_path, write_path
from sim.errors import SpecError
from sim.spec import parameter, validate

ON, OFF = "on", "off"
POSITIONS = (OFF, ON)


class Switch(Lever):
    """Whether an action is done at all. While it is off, the levers inside the action matter nothing."""

    switch: Literal["on_off"] | dict[str, Plain] = parameter(
        doc="on_off: as in the status quo, or off; or, where the status quo has it off, its fields when it is on"
    )

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        return (Dimension(path, CategoricalDistribution(POSITIONS)),)

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        position = POSITIONS.index(params[path])
        return {target: pair[position] for target, pair in self.settings(path, data).items()}

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        action = self.action(path, data)
        return {path: OFF if switched_off(action) == action else ON}

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        yield from ({path: position} for position in POSITIONS)

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        yield path, {path: OFF if params[path] == ON else ON}

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        return dict.fromkeys(self.settings(path, data), "on or off")

    def label(self, value: Value) -> Any:
        if value not in POSITIONS:
            raise ValueError(f"is on or off, never {value!r}")
        return value

    def action(self, path: str, data: dict[str, Value]) -> dict[str, Value]:
        """The action of a policy that it switches. Raises SpecError where there is none."""
        found = read_path(data, path)
        if not (isinstance(found, dict) and "kind" in found):
            raise SpecError("only an action can be switched", place=f"space: {path}", cure="write it as actions.NAME")
        return found

    def settings(self, path: str, data: dict[str, Value]) -> dict[str, tuple[Value, Value]]:
        """What it sets when off and when on, by dotted path: the fields stated for it, and all that differs."""
        off = switched_off(self.action(path, data))
        if not isinstance(self.switch, dict):
            return _differences(off, self.action(path, data), path)
        on = self.when_on(path, data)
        pairs = {f"{path}.{key}": (read_path(off, key), read_path(on, key)) for key in self.switch}
        for key, value in self.switch.items():
            if isinstance(value, str):  # a preset's name says more than what it stands for
                pairs[f"{path}.{key}"] = (read_path(off, key), value)
        rest = _differences(off, on, path)
        return pairs | {target: pair for target, pair in rest.items() if not _within(target, pairs)}

    def when_on(self, path: str, data: dict[str, Value]) -> dict[str, Value]:
        """The action when it is on, before the levers inside it."""
        if not isinstance(self.switch, dict):
            return self.action(path, data)
        changed = copy.deepcopy(data)
        for key, value in self.switch.items():
            write_path(changed, f"{path}.{key}", value)
        return self.action(path, dump(validate(Policy, changed)))


def switched_off(action: dict[str, Value]) -> dict[str, Value]:
    """A copy of an action's plain data with the values at which it does nothing and costs nothing."""
    kind = Action.REGISTRY[action["kind"]]
    found = copy.deepcopy(action)
    for key, value in getattr(kind, "off", {}).items():
        *parents, rule = key.split(".")
        if parents == ["calendar"] and rule in RULES:
            found["calendar"] |= {**dict.fromkeys(RULES), rule: value}  # a calendar has one rule
            continue
        here = read_path(found, key)
        if value == {} and isinstance(here, dict):
            value = dict.fromkeys(here, 0.0)  # so that the levers of its entries still have something to set
        write_path(found, key, list(value) if isinstance(value, tuple) else value)
    return found


def _differences(off: Value, on: Value, path: str) -> dict[str, tuple[Value, Value]]:
    if isinstance(off, dict) and isinstance(on, dict) and off.keys() == on.keys():
        found: dict[str, tuple[Value, Value]] = {}
        for key in on:
            found |= _differences(off[key], on[key], f"{path}.{key}")
        return found
    return {} if off == on else {path: (off, on)}


def _within(path: str, others: Any) -> bool:
    return any(path == other or path.startswith(f"{other}.") for other in others)
