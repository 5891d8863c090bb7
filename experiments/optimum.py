"""The search against worlds whose best policy is known: does it find it, and is what it claims true?

Fixed policies come first: whether the engine gives the exact value. Then whole searches, by the code that a user runs,
with another seed every time and less effort than by default (``PLAN``); one case has the defaults, pilot and all three
rounds of judgement among them. The policy that a search recommends is valued by the world's formula, not by the engine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from agents.policy import Policy
from experiments.experiment import Experiment, Sensitivity
from experiments.ground import Ground
from experiments.known_answers.a_retention import Retention
from experiments.known_answers.b_habituation import Habituation
from experiments.known_answers.c_budget import SegmentBudget
from experiments.known_answers.c_coupon_depth import CouponDepth, LogitClass
from experiments.known_answers.d_cadence import Cadence
from experiments.known_answers.e_ladder import TrustLadder
from experiments.known_answers.equal_policies import EqualPolicies, aa_tests
from experiments.known_answers.f_group_buy import GroupDeal
from experiments.known_answers.question import Question
from experiments.listener import Listener, Silence
from experiments.run import Task, Workers, seeds_for
from experiments.search import search_ground
from experiments.searching.plan import SearchPlan
from experiments.searching.space.coordinates import Coordinates
from sim.errors import SiyuError, nearest
from sim.spec import validate

STUDIES = 20
FIXED_CUSTOMERS, FIXED_REPLICATES, FIXED_POLICIES = 100_000, 16, 3  # of the fixed policies: lived in all, and how
RARE = 1e-5  # of the best value: smallest standard error, for events too rare to be seen
MOST_Z = 4.0  # standard errors between simulated and exact mean of a fixed policy
MEDIAN_REGRET, P90_REGRET = 0.005, 0.01  # of the optimum
MOST_BIAS = 0.005  # of the truth: mean of claimed less true value over the studies of a family
COVERAGE = (0.90, 0.99)  # share of all studies whose 95 % interval holds the truth
UNLUCKY = 0.001  # chance below which one world's coverage is not luck
MOST_TRIALS, MOST_SECONDS = 300, 120.0
SPEND_SLACK = 0.005  # of a limit: exact spend of a policy that kept it within the error of its seeds
PRICE_SLACK = 0.10  # of the exact shadow price, for the median study


@dataclass(frozen=True)
class Case:
    """A question to search, by name: how it is asked, and what of the plan is not as usual."""

    name: str
    ask: Callable[[], Question]
    plan: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FixedPolicy:
    """A fixed policy: exact value, simulated mean and its standard error, per customer; ``best`` is
    the exact value of the best policy."""

    case: str
    policy: str
    exact: float
    simulated: float
    error: float
    best: float
    customers: int

    @property
    def z(self) -> float:
        """Standard errors apart. An event so rare that nobody saw it counts as known to a hundred-thousandth."""
        return (self.simulated - self.exact) / max(self.error, RARE * abs(self.best))

    @property
    def passes(self) -> bool:
        """Whether the engine is right within four standard errors."""
        return abs(self.z) <= MOST_Z


@dataclass(frozen=True)
class Studied:
    """One search: what it recommends, claims and is worth. Values per customer, in the scenario's currency."""

    case: str
    seed: int
    truth: float
    best: float
    ceiling: float | None
    claimed: float
    low: float
    high: float
    trials: int
    seconds: float
    spend: float | None
    limit: float | None
    shadow_price: float | None
    exact_price: float | None

    @property
    def regret(self) -> float:
        """How far the recommended policy falls short of the best, as a share of it."""
        return (self.best - self.truth) / abs(self.best)

    @property
    def bias(self) -> float:
        """Claimed less true value, as a share of the truth."""
        return (self.claimed - self.truth) / abs(self.truth)

    @property
    def covered(self) -> bool:
        """Whether the claimed interval holds the truth."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class CaseResult:
    """The studies of one case together, and each target that was missed, in words."""

    case: str
    studies: tuple[Studied, ...]

    @property
    def median_regret(self) -> float:
        """Of the studies."""
        return float(np.median([s.regret for s in self.studies]))

    @property
    def p90_regret(self) -> float:
        """90th percentile over the studies."""
        return float(np.quantile([s.regret for s in self.studies], 0.9))

    @property
    def bias(self) -> float:
        """Mean of claimed less true value, as a share."""
        return float(np.mean([s.bias for s in self.studies]))

    @property
    def covered(self) -> int:
        """Studies whose interval holds the truth."""
        return sum(s.covered for s in self.studies)

    @property
    def price_error(self) -> float | None:
        """Median distance of the shadow prices from the exact one, as a share; None without a price."""
        pairs = [(s.shadow_price, s.exact_price) for s in self.studies if s.shadow_price is not None and s.exact_price]
        return float(np.median([abs(p / e - 1) for p, e in pairs])) if pairs else None

    @property
    def overspent(self) -> float | None:
        """Largest exact spend over its limit, as a share; None without a limit."""
        found = [s.spend / s.limit - 1 for s in self.studies if s.spend is not None and s.limit]
        return max(found) if found else None

    def missed(self) -> tuple[str, ...]:
        """Targets that were missed, in words."""
        found = []
        if self.median_regret > MEDIAN_REGRET:
            found.append(f"median regret {self.median_regret:.2%} is above {MEDIAN_REGRET:.1%}")
        if self.p90_regret > P90_REGRET:
            found.append(f"regret of the 90th percentile {self.p90_regret:.2%} is above {P90_REGRET:.0%}")
        if abs(self.bias) > MOST_BIAS:
            found.append(f"claims are {self.bias:+.2%} off on average, more than {MOST_BIAS:.1%}")
        if any(s.ceiling is not None and s.truth > s.ceiling * (1 + 1e-9) for s in self.studies):
            found.append("a policy is worth more than the best that there can be")
        if any(s.trials > MOST_TRIALS for s in self.studies):
            found.append(f"a study took more than {MOST_TRIALS} trials")
        if any(s.seconds > MOST_SECONDS for s in self.studies):
            found.append(f"a study took more than {MOST_SECONDS:.0f} seconds")
        if self.overspent is not None and self.overspent > SPEND_SLACK:
            found.append(f"the limit is exceeded by {self.overspent:.2%}")
        if self.price_error is not None and self.price_error > PRICE_SLACK:
            found.append(f"the shadow price is {self.price_error:.1%} off, more than {PRICE_SLACK:.0%}")
        if stats.binomtest(self.covered, len(self.studies), COVERAGE[0], alternative="less").pvalue < UNLUCKY:
            found.append(f"intervals hold the truth in {self.covered} of {len(self.studies)} studies of this world")
        return tuple(found)


@dataclass(frozen=True)
class OptimumCheck:
    """All that was checked."""

    fixed: tuple[FixedPolicy, ...]
    cases: tuple[CaseResult, ...]
    equal: tuple[EqualPolicies, ...]

    @property
    def coverage(self) -> tuple[int, int]:
        """(studies whose interval holds the truth, studies)."""
        return sum(c.covered for c in self.cases), sum(len(c.studies) for c in self.cases)

    def missed(self) -> tuple[str, ...]:
        """Every target that was missed, in words."""
        found = [f"{f.case}: '{f.policy}' is {f.z:+.1f} standard errors off" for f in self.fixed if not f.passes]
        found += [f"{case.case}: {words}" for case in self.cases for words in case.missed()]
        covered, studies = self.coverage
        if studies and not self.plausible_coverage():
            found.append(f"intervals hold the truth in {covered} of {studies} studies, not in 90 to 99 %")
        found += [str(test) for test in self.equal if not test.passes]
        return tuple(found)

    def plausible_coverage(self) -> bool:
        """Whether the coverage lies within the target, or too few studies were run to say that it does not."""
        covered, studies = self.coverage
        low, high = COVERAGE
        if low <= covered / studies <= high:
            return True
        interval = stats.binomtest(covered, studies).proportion_ci(0.95)
        return bool(interval.low <= high and interval.high >= low)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "fixed": [{**asdict(f), "z": f.z} for f in self.fixed],
            "studies": [{**asdict(s), "regret": s.regret} for case in self.cases for s in case.studies],
            "equal": [{**asdict(test), "rate": test.rate} for test in self.equal],
            "missed": list(self.missed()),
        }


PLAN: dict[str, Any] = {
    "trials": 100, "replicates": 2, "finalists": 6, "final_replicates": 16, "final_rounds": 2, "fronts": [],
    "design": 0,
}  # fmt: skip
"""A search in seconds: on shared luck two replicates are enough to find a smooth optimum. The rest is as usual."""

TWO_CLASSES = (
    LogitClass(share=0.5, intercept=4.6, slope=0.05), LogitClass(share=0.5, intercept=3.4, slope=0.075)
)  # fmt: skip
CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("A retention", lambda: Retention().question(customers=8000)),
        Case("B coupon habit", lambda: Habituation().question(customers=6000), {"trials": 200}),
        Case("B depth by recency", lambda: Habituation().question(levers="depths", customers=6000), {"trials": 150}),
        Case("C coupon depth", lambda: CouponDepth().question(customers=40_000)),
        Case("C two classes", lambda: CouponDepth(classes=TWO_CLASSES).question(customers=40_000)),
        Case("C2 budget", lambda: SegmentBudget().question(customers=40_000)),
        Case("C2 shares", lambda: SegmentBudget().question(customers=40_000, shares=True)),
        Case("D cadence", lambda: Cadence().question(customers=3000)),
        Case("E ladder", lambda: TrustLadder().question(customers=4000)),
        Case(
            "E ladder, budget 4",
            lambda: TrustLadder().question(customers=8000, budget=4.0, among=("content", "event")),
        ),
        Case("F group buy", lambda: GroupDeal().question(groups=2000)),
    )
}
"""What is searched; the worlds are those of docs/known_answers.md with their listed parameters."""


def check_optimum(
    *,
    names: Sequence[str] = (),
    studies: int = STUDIES,
    comparisons: int = 1000,
    processes: int | None = None,
    listener: Listener | None = None,
    keep: Callable[[OptimumCheck], object] | None = None,
) -> OptimumCheck:
    """Run fixed policies, searches and A/A tests.

    The searches are those of :func:`~experiments.search.search_ground` with the defaults of a search plan, but fewer
    replicates a trial and no reports; what a case changes stands in ``CASES``.

    Parameters
    ----------
    names : cases, by their names or first letters; all without.
    studies : searches of each case, with seeds 1 … n; 0 for the fixed policies alone.
    comparisons : of equal policies in each A/A test; 0 for none.
    keep : told what there is after each case: all of it takes an hour.

    Raises
    ------
    SiyuError
        For a name that no case has.
    """
    hear = listener or Silence()
    cases = [case for name in names for case in _named(name)] if names else list(CASES.values())
    fixed: list[FixedPolicy] = []
    results: list[CaseResult] = []
    for case in cases:
        question = case.ask()
        with Workers([question.scenario], processes=processes) as workers:
            hear.stage(f"{case.name}: fixed policies", 1)
            fixed += _fixed(case, question, workers)
            hear.step(1)
            if not studies:
                continue
            hear.stage(f"{case.name}: searches", studies)
            done = []
            for seed in range(1, studies + 1):
                done.append(study(case, question, seed, workers))
                hear.step(seed, f"regret {done[-1].regret:.2%}")
        results.append(CaseResult(case.name, tuple(done)))
        if keep:
            keep(OptimumCheck(tuple(fixed), tuple(results), ()))
    equal: tuple[EqualPolicies, ...] = ()
    if comparisons:
        hear.stage("equal policies", 1)
        equal = aa_tests(comparisons=comparisons, processes=processes)
        hear.step(1)
    return OptimumCheck(tuple(fixed), tuple(results), equal)


def _named(name: str) -> list[Case]:
    found = [case for case in CASES.values() if case.name == name or case.name.split()[0] == name]
    if not found:
        raise SiyuError("no such case", place="names", value=name, cure=nearest(name, CASES))
    return found


def _fixed(case: Case, question: Question, workers: Workers) -> list[FixedPolicy]:
    """The status quo and policies spread over the space, each lived by at least 100,000 customers in all."""
    plan = validate(SearchPlan, {"title": case.name, "space": _plain(question.space)})
    coordinates = Coordinates(plan.dimensions())
    policies: list[Policy] = [question.status_quo]
    for number, row in enumerate(coordinates.sobol(FIXED_POLICIES, 0), start=1):
        policies.append(plan.policy(question.status_quo, coordinates.params(row), title=f"policy {number}"))
    customers = max(question.scenario.population.size, 1)
    n = max(FIXED_REPLICATES, -(-FIXED_CUSTOMERS // customers))
    seeds = seeds_for("fixed policies", n, 1)
    outcomes = workers.run([Task(policy, seed) for policy in policies for seed in seeds])
    found = []
    for i, policy in enumerate(policies):
        values = np.array([o.values["clv"] for o in outcomes[i * n : (i + 1) * n]])
        error = float(values.std(ddof=1)) / n**0.5
        found.append(
            FixedPolicy(
                case.name,
                policy.title,
                question.truth(policy),
                float(values.mean()),
                error,
                question.best,
                n * customers,
            )
        )
    return found


def study(case: Case, question: Question, seed: int, workers: Workers) -> Studied:
    """One search of a case, from nothing, with the defaults of the product where the case does not say otherwise."""
    plan = validate(
        SearchPlan,
        {
            "title": case.name, "space": _plain(question.space), "limits": _plain(question.limits), "seed": seed,
            **PLAN, **case.plan,
        },
    )  # fmt: skip
    ground = Ground(question.scenario, question.status_quo, plan, None, None, {}, ())
    design = Experiment(
        title=case.name, scenario="", policy="", search="", sensitivity=Sensitivity(replicates=0)
    )  # fmt: skip
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = search_ground(ground, design, out=Path(folder), workers=workers)
    value, policy = found.finals.value, found.winner.policy
    metric, limit = next(iter(question.limits.items()), (None, {}))
    price = next((p.price for p in found.prices if p.metric == metric), None)
    return Studied(
        case=case.name,
        seed=seed,
        truth=question.truth(policy),
        best=question.best,
        ceiling=question.ceiling,
        claimed=value.mean,
        low=value.low,
        high=value.high,
        trials=len(found.trials),
        seconds=time.perf_counter() - began,
        spend=question.spend(policy) if question.spend else None,
        limit=limit.get("at_most"),
        shadow_price=price,
        exact_price=question.shadow_price,
    )


def _plain(levers: Any) -> dict[str, Any]:
    return {path: dict(content) for path, content in levers.items()}
