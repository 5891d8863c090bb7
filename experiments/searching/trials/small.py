"""A smaller world of the same kind: fewer customers, and in proportion less of all that they share.

What grows with the number of customers is declared where it belongs: actions and behaviours name such fields as
``extensive``, those of a scenario stand below. Customers, their prices and whatever is said of one of them stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from agents.actions.base import Action
from agents.behaviours import DEFAULTS
from agents.behaviours.base import Behaviour
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.aims import METRICS
from sim.errors import SpecError
from sim.spec import validate

P = TypeVar("P", Action, Behaviour)

PLACE = "search: first_at"
FEWEST_CUSTOMERS = 50  # of the smaller world; with fewer nearly all that it shows is luck; assumed

OF_A_SCENARIO = ("population.size", "channels.*.volume", "channels.*.organic_per_day", "staff.hours_per_week")
OF_ONE = ("currency a customer", "a week", "share")  # units of metrics that do not grow with the number of customers


def smaller(scenario: Scenario, share: float) -> Scenario:
    """The scenario with this share of its customers, prospects and staff.

    Its first customers are those of the whole, with the same luck. Numbers of people are rounded, to no less than one.
    """
    whole = _scaled_all(scenario.model_dump(mode="json"), OF_A_SCENARIO, share)
    parts = dict(scenario.behaviours)
    if not scenario.only_named_behaviours:  # a default that is for all customers together is named, to be scaled
        parts |= {kind.kind: kind() for kind in DEFAULTS if kind.extensive and kind.kind not in parts}
    behaviours = {name: smaller_part(part, share) for name, part in parts.items()}
    return validate(Scenario, whole).model_copy(update={"behaviours": behaviours})


def smaller_policy(policy: Policy, share: float) -> Policy:
    """What the policy is in a world with this share of the customers: the same for each of them."""
    return policy.model_copy(update={"actions": {n: smaller_part(part, share) for n, part in policy.actions.items()}})


def smaller_part(part: P, share: float) -> P:
    """An action or a behaviour in a world with this share of the customers."""
    return validate(type(part), _scaled_all(part.model_dump(mode="json"), part.extensive, share))


def as_whole(values: Mapping[str, Sequence[float]], share: float) -> dict[str, list[float]]:
    """Values of a smaller world as the whole one would have them: totals are divided by the share."""
    return {
        name: list(series) if name in METRICS and METRICS[name].unit in OF_ONE else [value / share for value in series]
        for name, series in values.items()
    }


def check_smaller(share: float, scenario: Scenario, policy: Policy, *, learned: bool) -> None:
    """Try whether there is a smaller world of this kind.

    Parameters
    ----------
    learned : whether the customers come from logs.

    Raises
    ------
    SpecError
        When the customers are those of the logs, when too few would be left, or when a part of the documents cannot
        be so small.
    """
    if learned:
        raise SpecError(
            "a world from logs has its own customers: there is no smaller one of the same kind", place=PLACE,
            value=share, cure="leave first_at out",
        )  # fmt: skip
    people = scenario.population.size or sum(channel.volume for channel in scenario.channels.values())
    if people * share < FEWEST_CUSTOMERS:
        raise SpecError(
            f"the smaller world would have {people * share:.0f} customers of {people:,}, and needs {FEWEST_CUSTOMERS}",
            place=PLACE, value=share, cure="raise it, or leave it out: so small a world is quick as it is",
        )  # fmt: skip
    smaller_policy(policy, share).check(smaller(scenario, share))


def _scaled_all(data: Any, paths: Iterable[str], share: float) -> Any:
    for path in paths:
        data = scaled(data, path, share)
    return data


def scaled(data: Any, path: str, share: float) -> Any:
    """Plain data with the numbers at a dotted path scaled, ``*`` for any step. What is not there stays so."""
    return _scaled(data, path.split("."), share)


def _scaled(node: Any, steps: Sequence[str], share: float) -> Any:
    if not steps:
        return _amount(node, share)
    step, rest = steps[0], steps[1:]
    if isinstance(node, dict):
        return {key: _scaled(value, rest, share) if step in ("*", key) else value for key, value in node.items()}
    if isinstance(node, list):
        return [_scaled(value, rest, share) if step in ("*", str(i)) else value for i, value in enumerate(node)]
    return node


def _amount(value: Any, share: float) -> Any:
    if isinstance(value, int):
        return max(round(value * share), 1) if value > 0 else value
    return value * share if isinstance(value, float) else value  # a stock without limit has none
