"""The space of a search: its levers together, as coordinates of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.space.conditions import conditions, in_order
from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.corners import try_ends
from experiments.searching.space.levers import OFF, AnyLever, Lever, Params, Switch, switched_off
from experiments.searching.space.paths import Value, dump, read_path, with_values, write_path
from experiments.searching.space.rules import contradictions
from sim.errors import SpecError
from sim.spec import Spec, parameter


class SearchSpace(Spec):
    """What may move in a policy, and how far.

    Everything that is said of a policy is said from where a base policy stands, the status quo: a lever that is
    inactive leaves what the base has.
    """

    title: str = parameter(doc="what is searched, in one line")
    space: dict[str, AnyLever] = parameter(min_length=1, doc="levers: dotted paths into the policy")

    @field_validator("space", mode="before")
    @classmethod
    def _not_empty(cls, space: Any) -> Any:
        if space == {}:
            raise PydanticCustomError("space", "the space is empty, so nothing could be found; name a lever")
        return space

    @field_validator("space")
    @classmethod
    def _without_contradictions(cls, space: dict[str, Lever]) -> dict[str, Lever]:
        contradictions(space)
        return space

    # -- coordinates --------------------------------------------------------------------------------------------

    def dimensions(self) -> tuple[Dimension, ...]:
        """All coordinates, lever by lever.

        A dimension names one condition. Of several the one that hangs on most others is named; where the others are
        not among those, the dimension may seem to matter where it does not, and moving it there changes nothing.
        """
        found: list[Dimension] = []
        for path, lever in self.space.items():
            own = conditions(self.space, path)
            deepest = max(own, key=lambda c: len(self._above(c.path)), default=None)
            for d in lever.dimensions(path):
                when = d.when or ((deepest.path, deepest.labels) if deepest else None)
                found.append(replace(d, when=when))
        return tuple(found)

    def active(self, params: Params) -> dict[str, bool]:
        """Whether each lever matters at these coordinates."""
        return {path: self.is_active(path, params) for path in self.space}

    def params_of(self, policy: Policy) -> dict[str, Any]:
        """Coordinates of a policy, inactive ones included. Raises SpecError when an active one is out of bounds."""
        data, params = dump(policy), dict[str, Any]()
        for path in in_order(self.space):
            lever = self.space[path]
            if self.is_active(path, params):
                params |= lever.encode(path, data)
                if isinstance(lever, Switch) and params[path] == OFF:
                    write_path(data, path, lever.when_on(path, data))  # where the levers inside would begin
            else:
                params |= lever.nearest(path, data, next(iter(lever.corners(path))))
        return params

    def nearest(self, policy: Policy, base: Policy) -> dict[str, Any]:
        """Coordinates that come nearest to a policy, which may lie outside and lack what the base has."""
        return self._nearest(dump(policy), self.params_of(base))

    def least(self, base: Policy) -> dict[str, Any]:
        """Coordinates at which what moves does nothing, as far as the bounds allow."""
        data = dump(base)
        data["actions"] = {name: switched_off(action) for name, action in data["actions"].items()}
        return self._nearest(data, self.params_of(base))

    def values(self, params: Params, base: Policy) -> dict[str, Value]:
        """Values of the policy by dotted path, outer paths before inner ones.

        A lever that is inactive shows what the policy has there; a path that the policy does not have, such as a tier
        of a programme that is switched off, is left out.
        """
        data, active = dump(base), self.active(params)
        values: dict[str, Value] = {}
        for path in in_order(self.space):
            if active[path]:
                for target, value in self.space[path].decode(path, params, data).items():
                    write_path(data, target, value)
                    values[target] = value
        switched = {
            target
            for path, lever in self.space.items()
            if isinstance(lever, Switch) and active[path]
            for target in lever.settings(path, dump(base))
        }
        return self._in_full(values, switched, active, data)

    def policy(self, base: Policy, params: Params, title: str | None = None) -> Policy:
        """The policy at these coordinates."""
        return with_values(base, self.values(params, base), title=title)

    def values_of(self, policy: Policy) -> dict[str, Value]:
        """The policy's own value at every path that a lever sets."""
        return self.values(self.params_of(policy), policy)

    def bounds(self, base: Policy) -> dict[str, str]:
        """Bounds in words by dotted path of the policy: every path that a lever may set."""
        data, found = dump(base), dict[str, str]()
        for path in in_order(self.space):
            found |= self.space[path].bounds(path, data)
        return {target: words for target, words in found.items() if not self._is_inside_a_lever(target)}

    def single_changes(self, base: Policy) -> list[tuple[str, dict[str, Any]]]:
        """(what is moved, coordinates) of the policy with one thing alone moved, for each lever that is active there.

        They tell the sampler what each lever does from where the operator stands; a random start in many dimensions
        spends its trials on policies that nobody would run.
        """
        here = self.params_of(base)
        active = self.active(here)
        return [
            (label, {**here, **step})
            for path, lever in self.space.items()
            if active[path]
            for label, step in lever.steps(path, here)
        ]

    def changed(self, params: Params, base: Policy) -> list[str]:
        """Levers that do something else than the base policy does; not those inside an action that is off."""
        data, here, active = dump(base), self.params_of(base), self.active(params)

        def moved(path: str, lever: Lever) -> bool:
            if isinstance(lever, Switch):
                return bool(params[path] != here[path])
            return lever.decode(path, params, data) != lever.decode(path, here, data)

        return [path for path, lever in self.space.items() if active[path] and moved(path, lever)]

    def check(self, policy: Policy, scenario: Scenario) -> None:
        """Try the ends of every lever, and all pairs of ends within an action, against the policy.

        Raises
        ------
        SpecError
            Naming the lever, the end that the policy's own limits refuse, and the cure.
        """
        try_ends(self, policy, scenario)

    def activated(self, path: str, params: Params) -> dict[str, Any]:
        """Coordinates at which a lever matters, as near to these as its conditions allow."""
        found = dict(params)
        for condition in conditions(self.space, path):
            found = self.activated(condition.path, found)
            if not condition.is_met(found):
                found[condition.path] = condition.labels[0]
        return found

    def _above(self, path: str) -> set[str]:
        """All levers that must be right for a lever to matter, itself included."""
        return {path}.union(*(self._above(c.path) for c in conditions(self.space, path)))

    def is_active(self, path: str, params: Params) -> bool:
        """Whether a lever matters at these coordinates."""
        return all(self.is_active(c.path, params) and c.is_met(params) for c in conditions(self.space, path))

    def _nearest(self, data: dict[str, Value], here: dict[str, Any]) -> dict[str, Any]:
        params = dict(here)
        for path in in_order(self.space):
            params |= self.space[path].nearest(path, data, params)
        return params

    def _is_inside_a_lever(self, target: str) -> bool:
        """Whether a switch sets a part of what another lever sets as a whole, which then tells it."""
        outer = (t for path, lever in self.space.items() if not isinstance(lever, Switch) for t in lever.paths(path))
        return any(target.startswith(f"{other}.") for other in outer)

    def _in_full(
        self, values: dict[str, Value], switched: set[str], active: Mapping[str, bool], data: dict[str, Value]
    ) -> dict[str, Value]:
        """Values as the policy ends up with, those of inactive levers among them."""
        found: dict[str, Value] = {}
        for target, value in values.items():
            if target not in switched:
                found[target] = value
            elif not self._is_inside_a_lever(target):
                found[target] = read_path(data, target)  # levers inside have moved it since
        for path, lever in self.space.items():
            if not active[path]:
                found |= _shown(path, lever, data)
        return found


def _shown(path: str, lever: Lever, data: dict[str, Value]) -> dict[str, Value]:
    """What a policy has where a lever does not act, in the lever's own words if it has any for it."""
    try:
        return lever.decode(path, lever.encode(path, data), data)
    except SpecError:
        found = {}
        for target in lever.paths(path):
            try:
                found[target] = read_path(data, target)
            except SpecError:
                continue
        return found
