"""The ends of every lever, tried on the status quo before the first trial."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.space.conditions import action_of, in_order
from experiments.searching.space.facts import refuse_facts
from experiments.searching.space.levers import Choice, Lever, Number, Rising, Shares, Switch, short, switched_off
from experiments.searching.space.paths import Value, dump, read_path, with_values, write_path
from sim.errors import SpecError

if TYPE_CHECKING:
    from experiments.searching.space.space import SearchSpace

Corners = dict[str, dict[str, Any]]
"""Coordinates by lever."""


def try_ends(space: SearchSpace, policy: Policy, scenario: Scenario) -> None:
    """Try the ends of every lever, then the status quo, then all pairs of ends within an action.

    Raises
    ------
    SpecError
        Naming the lever, the value that is refused, the rule and the cure.
    """
    levers, data = space.space, dump(policy)
    for path, lever in levers.items():
        lever.examine(path, data)
        refuse_facts(path, lever, policy)
        if isinstance(lever, Switch):
            _check_switch(levers, path, lever, data)
    trial = _Trial(space, policy, scenario)
    for path, lever in levers.items():
        for corner in lever.corners(path):
            trial.run({path: corner})
    space.params_of(policy)
    actions = {path: {action_of(target) for target in lever.paths(path)} for path, lever in levers.items()}
    for one, other in itertools.combinations(levers, 2):
        if actions[one] & actions[other]:
            for a, b in itertools.product(levers[one].corners(one), levers[other].corners(other)):
                trial.run({one: a, other: b})


class _Trial:
    """Tries coordinates on a policy in a scenario, with all other levers where the policy has them."""

    def __init__(self, space: SearchSpace, policy: Policy, scenario: Scenario) -> None:
        self.space, self.policy, self.scenario = space, policy, scenario
        self.order = in_order(space.space)

    def run(self, corners: Corners) -> None:
        """Raise SpecError when the policy or the scenario refuses; do nothing where one excludes the other."""
        params: dict[str, Any] = {}
        for path, corner in corners.items():
            params = {**self.space.activated(path, params), **corner}
        if not all(self.space.is_active(path, params) for path in corners):
            return
        data, values, own = dump(self.policy), dict[str, Value](), dict[str, Value]()
        for path in self.order:
            if path in corners or path in params:  # what a condition hangs on has one coordinate, of its own name
                found = self.space.space[path].decode(path, params, data)
                for target, value in found.items():
                    write_path(data, target, value)
                values |= found
                own |= found if path in corners else {}
        try:
            with_values(self.policy, values).check(self.scenario)
        except SpecError as error:
            raise self._refused(corners, own, error) from None

    def _refused(self, corners: Corners, values: dict[str, Value], error: SpecError) -> SpecError:
        levers = [self.space.space[path] for path in corners]
        place = next(iter(corners))
        if len(corners) > 1:
            place = " with ".join(f"{target} = {short(value)}" for target, value in values.items())
        rule = error.rule if error.place in ("", place) else f"{error.place}: {error.rule}"
        shown = error.value
        if len(corners) == 1 and isinstance(levers[0], Number | Choice):
            shown = short(values[place])
        if "\n" in rule:  # of several the first; they have one cause
            rule = rule.split("\n")[1].strip().rpartition("; ")[0]
        return SpecError(
            f"the policy refuses this value: {rule}", place=f"space: {place}", value=shown, cure=_cure(levers, error)
        )


def _cure(levers: Sequence[Lever], error: SpecError) -> str:
    if any(isinstance(lever, Choice) for lever in levers):
        return "mend this choice or drop it"
    if "whole number" not in error.rule:
        return "narrow the bounds"
    if any(isinstance(lever, Shares) for lever in levers):
        return "leave this part out: shares are no whole numbers"
    return "add step: 1" + (" to its column" if any(isinstance(lever, Rising) for lever in levers) else "")


def _check_switch(levers: dict[str, Any], path: str, lever: Switch, data: dict[str, Value]) -> None:
    """Raise SpecError where a switch has nothing to switch."""
    place = f"space: {path}"
    action = lever.action(path, data)
    is_off = switched_off(action) == action
    if isinstance(lever.switch, dict):
        for key in lever.switch:
            read_path(data, f"{path}.{key}")
        if not is_off:
            raise SpecError(
                "the status quo has this action on, so it says itself what that is", place=place,
                cure="write switch: on_off",
            )  # fmt: skip
    try:
        on = lever.when_on(path, data)
    except SpecError as error:
        rule = f"{error.place}: {error.rule}" if error.place else error.rule
        raise SpecError(
            f"the policy refuses it when it is on: {rule}", place=place, value=error.value, cure="mend its fields"
        ) from None
    inside = [target for other in levers if other != path for target in levers[other].paths(other)]
    if switched_off(on) == on and not any(target.startswith(f"{path}.") for target in inside):
        raise SpecError(
            "the action is off in the status quo, and nothing says what it is when it is on", place=place,
            cure="write the fields that turn it on, as switch: {depth: 0.1}, or add levers inside it",
        )  # fmt: skip
