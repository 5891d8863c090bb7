"""The policy: what the operator does. It never changes who exists."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from agents.actions.base import Action
from agents.scenario import Scenario
from agents.stacking import Stacking
from agents.staff import hours_granted, team_of
from sim.errors import SpecError, nearest
from sim.spec import PartName, Spec, parameter


class Policy(Spec):
    """Named actions and the limits that the operator keeps."""

    title: str = parameter(doc="what this policy is, in one line")
    actions: dict[PartName, Action] = parameter(default_factory=dict, doc="operator actions by name")
    frequency_cap_per_week: int | None = parameter(
        None, ge=0, le=200, doc="messages a customer receives a week at most; none for no cap"
    )
    stacking: Stacking = Stacking()
    priority: tuple[str, ...] = parameter(
        (), doc="actions that get their staff hours first, in this order; the others share what is left in proportion"
    )
    plugins: tuple[str, ...] = parameter((), doc="modules to import before this document is read")

    @model_validator(mode="after")
    def _single(self) -> Self:
        kinds = [action.kind for action in self.actions.values() if action.single]
        for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
            names = ", ".join(name for name, action in self.actions.items() if action.kind == kind)
            raise ValueError(f"a policy has one action of kind '{kind}' at most (found {names}); keep one")
        return self

    @model_validator(mode="after")
    def _one_ruler(self) -> Self:
        rulers: dict[str, tuple[str, tuple[object, ...]]] = {}
        for name, action in self.actions.items():
            for what, field, *value in action.claims():
                place = f"actions.{name}.{field}"
                first, set_to = rulers.setdefault(what, (place, tuple(value)))
                if first != place and (not value or set_to != tuple(value)):
                    raise ValueError(f"{first} and {place} contradict each other: both set {what}; keep one")
        return self

    @model_validator(mode="after")
    def _ranked(self) -> Self:
        for name in self.priority:
            if name not in self.actions:
                raise ValueError(f"priority: no action '{name}'; {nearest(name, self.actions)}")
        if len(set(self.priority)) < len(self.priority):
            raise ValueError("priority names an action twice; keep its first place")
        return self

    @model_validator(mode="after")
    def _met(self) -> Self:
        kinds = {action.kind for action in self.actions.values()}
        for name, action in self.actions.items():
            for kind, field in action.needs():
                if kind not in kinds:
                    raise ValueError(f"actions.{name}.{field} needs an action of kind '{kind}'; add one, or change it")
        return self

    def hours_asked_per_week(self) -> float:
        """Staff hours a week that all actions together ask for; see ``agents.staff`` for what they get."""
        return sum(action.hours_asked_per_week() for action in self.actions.values())

    def check(self, scenario: Scenario) -> None:
        """Raise SpecError when an action cannot work in this scenario."""
        for name, action in self.actions.items():
            for rule, field, cure in (*action.problems(scenario), *action.conflicts(self, scenario)):
                raise SpecError(rule, place=f"policy '{self.title}': actions.{name}.{field}", cure=cure)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        """What the policy costs over the horizon whatever customers do: wages, media, production."""
        days = range(scenario.horizon_days) if self.hours_asked_per_week() else ()
        hours = sum(sum(hours_granted(scenario, self, day).values()) for day in days)
        wages = hours * scenario.staff.wage_cny_per_hour * team_of(self).about.wage
        return wages + sum(action.fixed_cost_cny(scenario) for action in self.actions.values())


DO_NOTHING = Policy(title="do nothing")
