"""The search plan: which levers of the policy may move, how far, and how the search is run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from agents.policy import Policy
from experiments.searching.aims import METRICS, RISK, Limit
from experiments.searching.objective import Objective
from experiments.searching.space.paths import dump
from experiments.searching.space.space import SearchSpace
from experiments.searching.trials.first_look import FEWEST_REPLICATES
from sim.errors import SpecError, nearest
from sim.spec import parameter

ROUNDING = 1e-9  # of a value: how far coordinates may carry a number that goes there and back


class SearchPlan(SearchSpace):
    """Space, budget and effort of a search."""

    budget: float | None = parameter(None, gt=0, doc="what the policy may spend over the horizon, scenario currency")
    limits: dict[str, Limit] = parameter(
        default_factory=dict, doc="what metrics may be, as means over replicates: hours: {at_most: 40}"
    )
    objective: Objective = Objective()
    fronts: tuple[str, ...] = parameter(("spend",), doc="metrics that are weighed against CLV in a front; also risk")
    playbooks: tuple[str, ...] = parameter((), doc="policies, by name or path, that are always among the first trials")
    engine: Literal["auto", "gp", "tpe", "cma"] = parameter(
        "auto", doc="who proposes: Gaussian process, TPE or CMA-ES; auto takes the first for few levers and trials"
    )
    trials: int = parameter(100, ge=3, le=100_000, doc="policies to try; a pilot shares out their effort")
    replicates: Annotated[int, Field(ge=2, le=10_000)] | Literal["auto"] = parameter(
        "auto", doc="paired replicates of each trial, the same seeds in all; auto lets a pilot choose"
    )
    racing: bool | Literal["auto"] = parameter("auto", doc="give up trials that are surely worse than the best so far")
    first_at: float | None = parameter(
        None, ge=0.01, le=0.9,
        doc="share of the population on which a policy is tried first, and given up when surely worse there; only "
        "where the first trials show that it ranks policies as the whole does",
    )  # fmt: skip
    batch: int = parameter(8, ge=1, le=256, doc="policies proposed together; results do not depend on processes")
    patience: int = parameter(3, ge=0, le=1000, doc="batches without hope after which the search stops; 0 for never")
    finalists: int = parameter(10, ge=1, le=100, doc="best trials that are judged again on fresh seeds")
    final_replicates: int = parameter(32, ge=2, le=10_000, doc="fresh replicates of the first round of judgement")
    final_rounds: int = parameter(3, ge=1, le=6, doc="rounds of judgement, each with twice the replicates of the last")
    holdout_replicates: int = parameter(32, ge=2, le=10_000, doc="holdout replicates on which the claim is made")
    design: int = parameter(64, ge=0, le=10_000, doc="policies of the design that tells what mattered; 0 for none")
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

    @model_validator(mode="after")
    def _race_for_the_mean(self) -> Self:
        if self.racing is True and self.objective.measure != "mean":
            raise ValueError(f"a race compares means, and the objective is {self.objective.measure}; leave racing out")
        return self

    @model_validator(mode="after")
    def _generation(self) -> Self:
        if self.engine == "cma" and self.batch < 5:
            raise ValueError(f"a generation of CMA-ES needs a batch of 5 or more (it is {self.batch}); raise it")
        return self

    @model_validator(mode="after")
    def _first_look(self) -> Self:
        if self.first_at is None:
            return self
        if self.objective.measure != "mean":
            raise ValueError(
                f"first_at gives up policies whose mean uplift is worse, and the objective is "
                f"{self.objective.measure}; leave first_at out"
            )
        if self.replicates != "auto" and self.replicates < FEWEST_REPLICATES:
            raise ValueError(
                f"with first_at a trial needs {FEWEST_REPLICATES} replicates, for with {self.replicates} no difference "
                "is sure; raise replicates, or leave first_at out"
            )
        return self

    def most_replicates(self) -> int:
        """Replicates that a trial may have; without a number of their own, as many as the objective needs."""
        return 10_000 if self.replicates == "auto" else self.replicates

    def trial_digest(self) -> str:
        """Hash of what decides which policies are tried: more trials, or another judgement, go on in the same study."""
        after = {
            "title": "", "fronts": (), "finalists": 1, "final_replicates": 2, "final_rounds": 1,
            "holdout_replicates": 2, "design": 0,
        }  # fmt: skip
        if self.replicates != "auto":  # a pilot shares out the effort of so many trials
            after["trials"] = 3
        return self.model_copy(update=after).digest()

    def playbook(self, policy: Policy, base: Policy, name: str) -> Policy:
        """A playbook that lies within the space.

        Raises
        ------
        SpecError
            Where it does something that no lever can.
        """
        own = self.policy(base, self.params_of(policy), title=policy.title)
        where = next(_differences(dump(policy), dump(own)), None)
        if where is not None:
            raise SpecError(
                "the playbook differs from the status quo in something that no lever moves",
                place=f"search: playbooks: {name}: {where}",
                cure="add a lever for it, or take it out of the playbook",
            )
        return own


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Dotted paths at which two pieces of plain data differ by more than rounding, the title aside."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            if path or key not in ("title", "plugins"):
                yield from _differences(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _differences(a, b, f"{path}.{number}")
    elif isinstance(one, float) and isinstance(other, int | float):
        if not math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING):  # shares are fractions of their total
            yield path
    elif one != other:
        yield path
