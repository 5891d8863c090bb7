"""Dotted paths into a policy's plain data: read a value, or make a copy of the policy with other values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.policy import Policy
from sim.errors import SpecError, nearest
from sim.spec import validate

Value = Any


def dump(policy: Policy) -> dict[str, Value]:
    """The policy as plain data."""
    return policy.model_dump(mode="json")


def read_path(data: Any, path: str) -> Value:
    """The value at a dotted path of a policy's plain data. Raises SpecError with the nearest known step."""
    node = data
    walked: list[str] = []
    for step in path.split("."):
        if isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        elif isinstance(node, dict) and step in node:
            node = node[step]
        else:
            inside = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
            known = [str(name) for name in inside]
            raise SpecError(
                f"the status quo has no '{step}' at {repr('.'.join(walked)) if walked else 'its top'}",
                place=f"space: {path}",
                cure=nearest(step, known) if known else "end the path there, or give the status quo more there",
            )
        walked.append(step)
    return node


def with_values(policy: Policy, values: Mapping[str, Value], title: str | None = None) -> Policy:
    """A copy of a policy in which the dotted paths have these values. Raises SpecError when a limit is broken."""
    data = dump(policy)
    for path, value in values.items():
        *parents, last = path.split(".")
        node = read_path(data, ".".join(parents)) if parents else data
        if isinstance(node, list):
            node[int(last)] = value
        else:
            read_path(data, path)
            node[last] = value
    if title:
        data["title"] = title
    return validate(Policy, data)
