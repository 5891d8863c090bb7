"""One world and one size of logs: learn, search, and live what was recommended in the hidden world."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import DO_NOTHING, Policy
from experiments.closed_loop import product
from experiments.closed_loop.analyst import naive_policy
from experiments.closed_loop.future import Future, FutureWorkers, spread_sample
from experiments.closed_loop.hidden import (
    FUTURE_DAYS,
    LOG_DAYS,
    START,
    Truth,
    history,
    lived,
    scenario_of,
    status_quo,
    truth_of,
)
from experiments.closed_loop.logbook import write_logs
from experiments.closed_loop.space import Effort, plan_of
from experiments.data import load_logs
from experiments.experiment import Experiment, Sensitivity
from experiments.ground import Ground
from experiments.results import paired
from experiments.run import seeds_for
from experiments.search import search_ground
from experiments.searching.plan import SearchPlan
from experiments.searching.replicates.digests import search_code

Floats = NDArray[np.float64]

ARMS = ("best", "product", "naive", "nothing")
NO_GAIN = 0.005  # of a customer's value: a world whose best policy gains less has nothing to regret a share of; assumed


@dataclass(frozen=True)
class Cell:
    """What came of one world at one size of logs. Money per customer over the days to come.

    Attributes
    ----------
    world, customers : which one; how many customers its logs hold.
    truth : what is true there.
    value : of a customer under the status quo.
    uplift, error : true uplift over the status quo of the best attainable policy, the product's, the naive analyst's
        and of doing nothing, with its standard error.
    lost_by : action to what the best policy loses when it takes that action as the product has it: whence the regret.
    levers : values of the levers of each policy.
    claimed, low, high : the product's claim and the 90 % of worlds that it gives for it.
    mean_low, mean_high : its 95 % interval of the mean over replicates, which knows of no other uncertainty.
    effects : name to mean, standard deviation and whether the logs identified it, as the product used them.
    notes : what the product said that it took from the logs.
    made_from : hash of world and effort.
    code : hash of the code that lives worlds and searches.
    seconds : by stage.
    """

    world: int
    customers: int
    truth: dict[str, Any]
    value: float
    uplift: dict[str, float]
    error: dict[str, float]
    lost_by: dict[str, float]
    levers: dict[str, dict[str, Any]]
    claimed: float
    low: float
    high: float
    mean_low: float
    mean_high: float
    effects: dict[str, tuple[float, float, bool]]
    notes: tuple[str, ...]
    made_from: str
    code: str
    seconds: dict[str, float]

    @property
    def attainable(self) -> float:
        """What the best policy of the space gains over the status quo."""
        return self.uplift["best"]

    @property
    def worthwhile(self) -> bool:
        """Whether there is enough to gain to speak of a share of it."""
        return self.attainable > max(NO_GAIN * abs(self.value), 2 * self.error["best"])

    def missed(self, arm: str) -> float:
        """What a policy misses of the best one's gain, per customer."""
        return self.attainable - self.uplift[arm]

    def regret(self, arm: str) -> float:
        """The same as a share of what is attainable; NaN where there is nothing to gain."""
        return self.missed(arm) / self.attainable if self.worthwhile else float("nan")

    @property
    def covered(self) -> bool:
        """Whether the claim's interval over worlds holds the truth."""
        return self.low <= self.uplift["product"] <= self.high

    @property
    def mean_covered(self) -> bool:
        """Whether the interval of the mean does."""
        return self.mean_low <= self.uplift["product"] <= self.mean_high

    def harms(self, arm: str) -> bool:
        """Whether a policy is surely worse than going on as before; the status quo, than doing nothing."""
        if arm == "status quo":
            return self.uplift["nothing"] > 2 * self.error["nothing"]
        return self.uplift[arm] < -2 * self.error[arm]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Cell:
        """The cell of :meth:`as_dict`, through JSON or not."""
        known = {field.name: data[field.name] for field in fields(cls)}
        known["effects"] = {name: tuple(effect) for name, effect in known["effects"].items()}
        return cls(**{**known, "notes": tuple(known["notes"])})


def made_from(world: int, effort: Effort) -> str:
    """Hash of what decides a cell beside the code and the size of its logs."""
    truth = truth_of(world)
    documents = (
        scenario_of(truth, customers=1, days=LOG_DAYS), history(truth), status_quo(truth), plan_of(truth, effort, world)
    )  # fmt: skip
    parts = [effort.as_dict(), FUTURE_DAYS, product.PRIORS, [document.digest() for document in documents]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def future_of(truth: Truth, world: int, customers: int, logs: Path | None = None) -> Future:
    """Where a hidden world stands after its logs, which are written to a folder if one is given."""
    past = lived(truth, world=world, customers=customers)
    if logs is not None:
        write_logs(past, logs, suffix="parquet")
    start = START + dt.timedelta(days=LOG_DAYS)
    return Future.of(past, scenario_of(truth, customers=customers, days=FUTURE_DAYS, start=start))


def best_policy(world: int, effort: Effort) -> Policy:
    """The best that the same search finds in the hidden world itself: it knows all there is to know."""
    truth = truth_of(world)
    # Nothing is uncertain there, so that half as many replicates tell as much; and nobody wants a claim.
    less = replace(effort, replicates=max(effort.replicates // 2, 2), judged=max(effort.judged // 4, 2), claims=2)
    future, plan = future_of(truth, world, effort.customers), plan_of(truth, less, world)
    ground = Ground(future.scenario, status_quo(truth), plan, None, None, {}, ())
    design = Experiment(title="truth", scenario="", policy="", search="", sensitivity=Sensitivity(replicates=0))
    with tempfile.TemporaryDirectory() as folder:
        found = search_ground(ground, design, out=Path(folder), processes=1, workers=FutureWorkers(future))
    return found.winner.policy


def cell(world: int, customers: int, best: Policy, effort: Effort) -> Cell:
    """One world and one size of logs, from the logs to the score."""
    truth, seconds = truth_of(world), dict[str, float]()
    base, plan = status_quo(truth), plan_of(truth, effort, world)

    def timed(stage: str, since: float) -> float:
        seconds[stage] = round(time.perf_counter() - since, 1)
        return time.perf_counter()

    clock = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        future = future_of(truth, world, customers, folder / "logs")
        clock = timed("logs", clock)
        asked = product.documents(truth, base, effort, folder, world)
        ground = product.learn(asked, effort)
        clock = timed("learning", clock)
        found = product.search(ground, asked, folder / "search")
        clock = timed("search", clock)
        logs = load_logs(str(folder / "logs"))
        naive = naive_policy(logs, plan, base, margin=truth.margin, guesses=effort.guesses, seed=world)
        clock = timed("naive analyst", clock)
    policies = {"best": best, "product": found.winner.policy, "naive": naive, "nothing": DO_NOTHING}
    mixed = {name: with_action(best, found.winner.policy, name) for name in base.actions}
    value, up = scores(future, base, {**policies, **mixed}, world, effort)
    timed("scoring", clock)
    claim = found.claim
    return Cell(
        world=world,
        customers=customers,
        truth=truth.as_dict(),
        value=value,
        uplift={arm: float(up[arm].mean()) for arm in policies},
        error={arm: float(up[arm].std(ddof=1)) / len(up[arm]) ** 0.5 for arm in policies},
        lost_by={name: float((up["best"] - up[name]).mean()) for name in mixed},
        levers={arm: _levers(plan, policies[arm]) for arm in ("best", "product", "naive")},
        claimed=claim.mean,
        low=claim.world_low,
        high=claim.world_high,
        mean_low=claim.low,
        mean_high=claim.high,
        effects={
            name: (effect.mean, effect.sd, effect.identified)
            for name, effect in ((n, getattr(ground.scenario.effects, n)) for n in ("coupon", "advert"))
        },
        notes=ground.notes,
        made_from=made_from(world, effort),
        code=search_code(),
        seconds=seconds,
    )


def with_action(policy: Policy, other: Policy, name: str) -> Policy:
    """A policy that does one action as another does it, or not at all where the other does without it."""
    actions = {n: action for n, action in policy.actions.items() if n != name}
    return policy.model_copy(
        update={"actions": actions | {n: action for n, action in other.actions.items() if n == name}}
    )


def _levers(plan: SearchPlan, policy: Policy) -> dict[str, Any]:
    return dict(plan.values_of(policy)) if policy.actions else {}


def scores(
    future: Future, base: Policy, policies: dict[str, Policy], world: int, effort: Effort
) -> tuple[float, dict[str, Floats]]:
    """Value of a customer under the status quo, and each policy's uplift over it on seeds that nobody has seen.

    All policies meet the same customers with the same luck.
    """
    people = future.sample(spread_sample(future.people, effort.scored_customers))
    seeds = seeds_for("closed loop", effort.scored, world)

    def live(policy: Policy) -> list[Any]:
        return [people.live(policy, seed) for seed in seeds]

    before = live(base)
    value = float(np.mean([outcome.values["clv"] for outcome in before]))
    return value, {arm: paired(live(policy), before, "clv") for arm, policy in policies.items()}
