"""A choice between alternatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from optuna.distributions import CategoricalDistribution
from pydantic import model_validator

from agents.policy import Policy
from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import Lever, Params, Plain, Step
from experiments.searching.space.paths import Value, dump, read_path, with_values
from sim.errors import SpecError
from sim.spec import parameter, validate


class Choice(Lever):
    """A lever with alternatives: audiences, calendars, whole sub-documents."""

    choices: tuple[Plain, ...] = parameter(min_length=2, doc="alternatives, plain data as in the policy")

    @model_validator(mode="after")
    def _different(self) -> Self:
        labels = self.labels()
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"the choice {label} stands there twice; drop one")
        return self

    def labels(self) -> tuple[str, ...]:
        """One text for each alternative, which is what the sampler stores."""
        return tuple(str(choice) for choice in self.choices)

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        return (Dimension(path, CategoricalDistribution(self.labels())),)

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        return {path: self.choices[self.labels().index(params[path])]}

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        here = read_path(data, path)
        if here in self.choices:
            return {path: str(self.choices[self.choices.index(here)])}
        policy = validate(Policy, data)
        for choice in self.choices:
            # An alternative may be written shorter than its dump (a preset's name), so compare what it stands for.
            if read_path(dump(with_values(policy, {path: choice})), path) == read_path(dump(policy), path):
                return {path: str(choice)}
        raise SpecError(
            "the status quo's value is not among the choices", place=f"space: {path}", value=short(here),
            cure="add it to them",
        )  # fmt: skip

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        yield from ({path: label} for label in self.labels())

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        labels = self.labels()
        yield path, {path: labels[(labels.index(params[path]) + 1) % len(labels)]}

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        return {path: f"{len(self.choices)} choices"}

    def label(self, value: Value) -> Any:
        if value not in self.choices:
            raise ValueError(f"never has the value {value!r}; known: {', '.join(self.labels())}")
        return str(value)


def short(value: Value) -> Value:
    """A value for an error, without the fields of a mapping that say nothing."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
