"""The policy: what the operator does. It never changes who exists."""

from __future__ import annotations

from agents.actions.base import Action
from agents.scenario import Scenario
from sim.errors import SpecError
from sim.spec import Spec, parameter


class Policy(Spec):
    """Named actions and the limits that the operator keeps."""

    title: str = parameter(doc="what this policy is, in one line")
    actions: dict[str, Action] = parameter(default_factory=dict, doc="operator actions by name")
    frequency_cap_per_week: int | None = parameter(
        None, ge=0, le=200, doc="messages a customer receives a week at most; none for no cap"
    )
    plugins: tuple[str, ...] = parameter((), doc="modules to import before this document is read")

    def check(self, scenario: Scenario) -> None:
        """Raise SpecError when an action cannot work in this scenario."""
        for name, action in self.actions.items():
            for rule, field, cure in action.problems(scenario):
                raise SpecError(rule, place=f"policy '{self.title}': actions.{name}.{field}", cure=cure)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        """What the policy costs over the horizon whatever customers do: wages, media, production."""
        return sum(action.fixed_cost_cny(scenario) for action in self.actions.values())


DO_NOTHING = Policy(title="do nothing")
