"""The search plan: which levers of the policy may move, how far, and how the search is run."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.aims import METRICS, RISK, Limit
from experiments.searching.coordinates import Dimension
from experiments.searching.levers import Choice, Number, Params, short
from experiments.searching.paths import Value, dump, read_path, with_values
from sim.errors import SpecError, nearest
from sim.spec import Spec, parameter

LEVERS: dict[str, type[Spec]] = {"choices": Choice, "low": Number}
"""Kinds of lever by the key that tells them apart; the first that a mapping has counts."""


def _kind(value: Any) -> str:
    """The telling key of a lever given as a mapping or as an object."""
    known = value if isinstance(value, dict) else type(value).model_fields
    return next((key for key in LEVERS if key in known), "low")


AnyLever = Annotated[Annotated[Choice, Tag("choices")] | Annotated[Number, Tag("low")], Discriminator(_kind)]


class SearchPlan(Spec):
    """Space, budget and effort of a search."""

    title: str = parameter(doc="what is searched, in one line")
    space: dict[str, AnyLever] = parameter(min_length=1, doc="levers: dotted paths into the policy")
    budget: float | None = parameter(None, gt=0, doc="what the policy may spend over the horizon, scenario currency")
    limits: dict[str, Limit] = parameter(
        default_factory=dict, doc="what metrics may be, as means over replicates: hours: {at_most: 40}"
    )
    fronts: tuple[str, ...] = parameter(("spend",), doc="metrics that are weighed against CLV in a front; also risk")
    playbooks: tuple[str, ...] = parameter((), doc="policies, by name or path, that are always among the first trials")
    engine: Literal["auto", "gp", "tpe", "cma"] = parameter(
        "auto", doc="who proposes: Gaussian process, TPE or CMA-ES; auto takes the first for few levers and trials"
    )
    trials: int = parameter(100, ge=3, le=100_000, doc="policies to try; with replicates: auto the effort of so many")
    replicates: Annotated[int, Field(ge=2, le=10_000)] | Literal["auto"] = parameter(
        "auto", doc="paired replicates of each trial, the same seeds in all; auto lets a pilot choose"
    )
    racing: bool | Literal["auto"] = parameter("auto", doc="give up trials that are surely worse than the best so far")
    batch: int = parameter(8, ge=1, le=256, doc="policies proposed together; results do not depend on processes")
    patience: int = parameter(3, ge=0, le=1000, doc="batches without hope after which the search stops; 0 for never")
    finalists: int = parameter(10, ge=1, le=100, doc="best trials that are judged again on fresh seeds")
    final_replicates: int = parameter(
        32, ge=2, le=10_000, doc="fresh replicates of the first round of judgement"
    )
    final_rounds: int = parameter(3, ge=1, le=6, doc="rounds of judgement, each with twice the replicates of the last")
    holdout_replicates: int = parameter(32, ge=2, le=10_000, doc="holdout replicates on which the claim is made")
    design: int = parameter(
        64, ge=0, le=10_000, doc="policies of the design that tells what mattered; 0 for none"
    )
    seed: int = parameter(1, ge=0, doc="seed of the sampler and of the replicates")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.budget is not None and "spend" in self.limits:
            raise ValueError("budget is the limit on spend, and limits.spend is another; drop one")
        return self

    @field_validator("limits")
    @classmethod
    def _measured(cls, limits: dict[str, Limit]) -> dict[str, Limit]:
        for name in limits:
            if name not in METRICS:
                raise ValueError(f"nothing called '{name}' is measured; {nearest(name, METRICS)}")
        return limits

    @field_validator("fronts")
    @classmethod
    def _weighed(cls, fronts: tuple[str, ...]) -> tuple[str, ...]:
        for name in fronts:
            if name not in (*METRICS, RISK):
                raise ValueError(f"nothing called '{name}' is measured; {nearest(name, (*METRICS, RISK))}")
        return fronts

    def all_limits(self) -> dict[str, Limit]:
        """The limits by metric, the budget among them."""
        return ({} if self.budget is None else {"spend": Limit(at_most=self.budget)}) | self.limits

    # -- coordinates --------------------------------------------------------------------------------------------

    def dimensions(self) -> tuple[Dimension, ...]:
        """All coordinates, lever by lever."""
        return tuple(d for path, lever in self.space.items() for d in lever.dimensions(path))

    def params_of(self, policy: Policy) -> dict[str, Any]:
        """Coordinates of a policy. Raises SpecError when one lies outside its bounds."""
        params: dict[str, Any] = {}
        for path, lever in self.space.items():
            params |= lever.encode(path, policy)
        return params

    def values(self, params: Params) -> dict[str, Value]:
        """Values of the policy by dotted path."""
        values: dict[str, Value] = {}
        for path, lever in self.space.items():
            values |= lever.decode(path, params)
        return values

    def policy(self, base: Policy, params: Params, title: str | None = None) -> Policy:
        """The policy at these coordinates."""
        return with_values(base, self.values(params), title=title)

    def values_of(self, policy: Policy) -> dict[str, Value]:
        """The policy's own value at every path that a lever sets."""
        return self.values(self.params_of(policy))

    def single_changes(self, policy: Policy) -> list[tuple[str, dict[str, Any]]]:
        """(lever, coordinates) of the policy with one lever alone moved, for each.

        They tell the sampler what each lever does from where the operator stands; a random start in many dimensions
        spends its trials on policies that nobody would run.
        """
        here = self.params_of(policy)
        return [(path, {**here, **step}) for path, lever in self.space.items() for step in lever.steps(path, here)]

    # -- checks -------------------------------------------------------------------------------------------------

    def check(self, policy: Policy, scenario: Scenario) -> None:
        """Try the ends of every lever, and all pairs of ends within an action, against the policy.

        Raises
        ------
        SpecError
            Naming the lever, the end that the policy's own limits refuse, and the cure.
        """
        data = dump(policy)
        for path, lever in self.space.items():
            for target in lever.paths(path):
                read_path(data, target)
        for path, lever in self.space.items():
            for corner in lever.corners(path):
                self._try(policy, scenario, lever.decode(path, corner), path, lever)
        self.params_of(policy)
        for one, other in itertools.combinations(self.space, 2):
            if one.split(".")[:2] == other.split(".")[:2]:
                first, second = self.space[one], self.space[other]
                for a, b in itertools.product(first.corners(one), second.corners(other)):
                    both = {**first.decode(one, a), **second.decode(other, b)}
                    shown = " with ".join(f"{path} = {value}" for path, value in both.items())
                    self._try(policy, scenario, both, shown, first, second)

    def _try(
        self, policy: Policy, scenario: Scenario, values: Mapping[str, Value], place: str, *levers: Spec
    ) -> None:  # fmt: skip
        try:
            with_values(policy, values).check(scenario)
        except SpecError as error:
            shown = next(iter(values.values())) if len(values) == 1 else None
            rule = error.rule if error.place in ("", place) else f"{error.place}: {error.rule}"
            cure = "narrow the bounds"
            if any(isinstance(lever, Choice) for lever in levers):
                cure = "mend this choice or drop it"
            elif "whole number" in error.rule:
                cure = "add step: 1"
            raise SpecError(
                f"the policy refuses this value: {rule}", place=f"space: {place}", value=short(shown), cure=cure
            ) from None
