"""Facts among the fields of a policy, such as the price of a message: bettering one is no decision, so none moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents.policy import Policy
from experiments.searching.space.levers import Lever, Rising, Switch
from sim.errors import SpecError
from sim.spec import Spec


def refuse_facts(path: str, lever: Lever, policy: Policy) -> None:
    """Raise SpecError where a lever moves a fact by itself.

    A switch or a choice of whole parts may bring facts with it: another item has another price elsewhere.
    """
    for target in _targets(path, lever):
        fact = fact_on(policy, target)
        if fact:
            raise SpecError(
                f"{fact} is a fact, which a search cannot better: money found by moving it would not be there",
                place=f"space: {path}",
                cure="give it in the policy as it is; to compare offers, let the whole part have choices",
            )


def fact_on(policy: Policy, target: str) -> str:
    """The fact that stands on a dotted path, by its own path; empty without one."""
    node: Any = policy
    steps = target.split(".")
    for number, step in enumerate(steps, start=1):
        if isinstance(node, Spec):
            if node.is_fact(step):
                return ".".join(steps[:number])
            node = getattr(node, step, None)
        elif isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, tuple) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            return ""
    return ""


def _targets(path: str, lever: Lever) -> Iterator[str]:
    if isinstance(lever, Rising):
        yield from (f"{path}.0.{column}" for column in lever.rising)
    elif not isinstance(lever, Switch):
        yield from lever.paths(path)
