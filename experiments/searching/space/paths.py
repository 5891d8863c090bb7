"""Dotted paths into a document's plain data: read a value, write one, or make a copy of a policy with other values."""

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


def read_path(data: Any, path: str, *, owner: str = "the status quo", section: str = "space") -> Value:
    """The value at a dotted path of plain data. Raises SpecError with the nearest known step.

    ``owner`` and ``section`` are the error's words for whose data it is and which part of a document names the path.
    """
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
                f"{owner} has no '{step}' at {repr('.'.join(walked)) if walked else 'its top'}",
                place=f"{section}: {path}",
                cure=nearest(step, known) if known else f"end the path there, or give {owner} more there",
            )
        walked.append(step)
    return node


def write_path(data: Any, path: str, value: Value, *, owner: str = "the status quo", section: str = "space") -> None:
    """Put a value at a dotted path that plain data has. Parameters and errors are those of :func:`read_path`."""
    read_path(data, path, owner=owner, section=section)
    *parents, last = path.split(".")
    node = read_path(data, ".".join(parents)) if parents else data
    node[int(last) if isinstance(node, list) else last] = value


def with_values(policy: Policy, values: Mapping[str, Value], title: str | None = None) -> Policy:
    """A copy of a policy in which the dotted paths have these values. Raises SpecError when a limit is broken."""
    data = dump(policy)
    for path, value in values.items():
        write_path(data, path, value)
    if title:
        data["title"] = title
    return validate(Policy, data)
