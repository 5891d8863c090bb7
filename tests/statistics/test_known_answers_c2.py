"""Family C2: a budget over segments, lived by the product's own engine.

The truth is checked first: against the listed numbers and by a general optimiser. Then the simulated mean of 100,000
customers must lie within four standard errors of it, and what is spent must be what was planned. Seeds are fixed.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import LinearConstraint, minimize

from agents.policy import DO_NOTHING
from experiments.known_answers import customer_values, mean_value
from experiments.known_answers.c_budget import LEVERS, SegmentBudget, SegmentReturn
from experiments.known_answers.family import UNIT_CNY
from experiments.metrics import outcome
from experiments.searching.plan import SearchPlan
from experiments.searching.space.paths import with_values
from sim.errors import SpecError
from tests.statistics.test_known_answers import CUSTOMERS, assert_agrees, assert_refused, live


def family(budget: float | None, *segments: tuple[int, float, float]) -> SegmentBudget:
    parts = tuple(SegmentReturn(customers=n, worth=worth, response=b) for n, worth, b in segments)
    return SegmentBudget(segments=parts, budget=budget)


LISTED = SegmentBudget()
UNLIMITED = SegmentBudget(budget=None)
SIX = family(300.0, (40, 3, 0.9), (25, 8, 0.5), (15, 5, 0.1), (10, 30, 0.2), (6, 12, 1.5), (4, 90, 0.05))
TIGHT = family(40.0, (70, 4, 0.3), (20, 9, 0.6), (10, 50, 0.08))  # two of three segments get nothing
PLENTY = family(5000.0, (70, 4, 0.8), (30, 9, 0.6))  # more than is worth spending
SETS = [LISTED, UNLIMITED, SIX, TIGHT, PLENTY]


def amounts(of: SegmentBudget) -> list[float]:
    """The best ones."""
    return list(of.optimum().levers.values())


def total(of: SegmentBudget, spend: list[float]) -> float:
    return of.spent(spend=spend) * of.size


# -- the truth ---------------------------------------------------------------------------------------------------------


def test_listed_numbers() -> None:
    assert LISTED.price() == pytest.approx(2.371959, abs=5e-7)
    assert amounts(LISTED) == pytest.approx([0.15660, 0.88112, 2.32011, 6.18695], abs=5e-6)
    assert LISTED.optimum().value * LISTED.size + 10_000 == pytest.approx(36_897.2456, abs=5e-5)
    assert total(UNLIMITED, amounts(UNLIMITED)) == pytest.approx(22_235.98, abs=5e-3)
    assert UNLIMITED.optimum().value * UNLIMITED.size == pytest.approx(34_097.3531, abs=5e-5)


@pytest.mark.parametrize("of", SETS)
def test_truth_by_a_second_method(of: SegmentBudget) -> None:
    """A general constrained optimiser, started at nothing, finds the same amounts."""
    n, worth, response = (np.array([getattr(one, name) for one in of.segments])
                          for name in ("customers", "worth", "response"))  # fmt: skip
    limit = [LinearConstraint(n / of.size, -np.inf, of.budget / of.size)] if of.budget is not None else []
    found = minimize(
        lambda x: -(n * (-worth * np.expm1(-response * x) - x)).sum() / of.size, np.zeros(len(n)),
        jac=lambda x: -(n * (worth * response * np.exp(-response * x) - 1)) / of.size,
        bounds=[(0, w) for w in worth], constraints=limit, method="SLSQP", options={"ftol": 1e-14, "maxiter": 1000},
    )  # fmt: skip
    assert -found.fun == pytest.approx(of.optimum().value, rel=1e-8)
    assert list(found.x) == pytest.approx(amounts(of), abs=1e-3)
    assert of.exact(spend=list(found.x)) == pytest.approx(-found.fun, rel=1e-12)


def test_the_sets_are_different_cases() -> None:
    assert amounts(TIGHT)[0] == 0
    assert min(amounts(TIGHT)[1:]) > 0
    assert PLENTY.price() == 1
    assert total(PLENTY, amounts(PLENTY)) < 5000
    for of in (LISTED, SIX, TIGHT):
        assert total(of, amounts(of)) == pytest.approx(of.budget, rel=1e-12)
        assert of.price() > 1


@pytest.mark.parametrize("of", [LISTED, SIX, TIGHT, PLENTY])
def test_the_price_is_what_more_budget_earns(of: SegmentBudget) -> None:
    assert of.budget is not None
    values = [of.model_copy(update={"budget": of.budget * k}).optimum().value * of.size for k in (0.999, 1.001)]
    assert (values[1] - values[0]) / (0.002 * of.budget) == pytest.approx(of.price() - 1, rel=1e-3, abs=1e-9)


def test_without_a_budget_nothing_is_spent() -> None:
    broke = LISTED.model_copy(update={"budget": 0.0})
    assert amounts(broke) == pytest.approx([0] * 4, abs=1e-12)
    assert broke.price() == pytest.approx(6.0)  # the first unit on the third or fourth segment: 15 · .4 = 40 · .15
    assert broke.optimum().value == pytest.approx(0, abs=1e-12)


# -- fixed policies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [LISTED, SIX, TIGHT])
@pytest.mark.parametrize("which", ["best", "alike", "backwards"])
def test_fixed_amounts(of: SegmentBudget, which: str) -> None:
    best = amounts(of)
    spend = {"best": best, "alike": [of.spent(spend=best)] * len(best), "backwards": best[::-1]}[which]
    world = live(of.scenario(customers=CUSTOMERS), of.policy(spend=spend), seed=3)
    assert_agrees(mean_value(world), of.exact(spend=spend), of.moments(spend=spend).sd)
    values, level = customer_values(world), world.customers.level
    for i, (one, x) in enumerate(zip(of.segments, spend, strict=True)):
        mine = values[level == i]
        assert len(mine) * of.size == one.customers * CUSTOMERS
        p = one.chance(x)
        sd = one.worth * math.sqrt(p * (1 - p))
        assert abs(mine.mean() - (one.worth * p - x)) <= 4 * sd / math.sqrt(len(mine)) + 1e-4


@pytest.mark.parametrize("of", [LISTED, SIX])
def test_spend_is_no_matter_of_luck(of: SegmentBudget) -> None:
    """Whole cents, so that a budget is never exceeded, and never by chance."""
    policy, customers = of.policy(spend=amounts(of)), 10 * of.size
    spent = {outcome(live(of.scenario(customers=customers), policy, seed)).values["spend"] for seed in range(4)}
    may = of.budget * 10 * UNIT_CNY
    assert len(spent) == 1
    assert of.spent(spend=of.heads(policy)) * UNIT_CNY * customers == pytest.approx(max(spent))
    assert may * (1 - 2e-4) <= max(spent) <= may


def test_wrong_truths_are_refused() -> None:
    spend, sd = amounts(LISTED), LISTED.moments(spend=amounts(LISTED)).sd
    mean = mean_value(live(LISTED.scenario(customers=CUSTOMERS), LISTED.policy(spend=spend), seed=3))
    assert_agrees(mean, LISTED.exact(spend=spend), sd)
    gross = LISTED.exact(spend=spend) + LISTED.spent(spend=spend)
    swapped = family(None, *((n, s.worth, s.response) for n, s in zip((500, 1500, 3000, 5000), LISTED.segments,
                                                                     strict=True)))  # fmt: skip
    no_saturation = sum(s.customers * (s.worth * min(s.response * x, 1) - x)
                        for s, x in zip(LISTED.segments, spend, strict=True)) / LISTED.size  # fmt: skip
    for wrong in (gross, swapped.exact(spend=spend), no_saturation, LISTED.exact(spend=[1.0] * 4)):
        assert_refused(mean, wrong, sd)


# -- the question ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", SETS)
def test_question(of: SegmentBudget) -> None:
    """The best amounts lie within the space and the limit, and are worth what is said; the status quo is not."""
    customers = 20 * of.size
    q = of.question(customers=customers)
    SearchPlan.model_validate({"title": "test", "space": q.space}).check(q.status_quo, q.scenario)
    found = with_values(q.status_quo, {path: x * UNIT_CNY for path, x in zip(q.space, amounts(of), strict=True)})
    assert all(path.startswith(f"{LEVERS}.L") for path in q.space)
    assert q.truth(found) == pytest.approx(q.best, rel=2e-4)
    assert q.truth(found) <= q.best * (1 + 1e-12)
    assert q.truth(q.status_quo) < 0.95 * q.best
    assert q.truth(DO_NOTHING) == 0
    values = outcome(live(q.scenario, found)).values
    assert_agrees(values["clv"], q.truth(found), UNIT_CNY * of.moments(spend=amounts(of)).sd, customers)
    if of.budget is None:
        assert (q.limits, q.spend, q.shadow_price) == ({}, None, None)
        return
    limit = q.limits["spend"]["at_most"]
    assert limit == pytest.approx(of.budget * 20 * UNIT_CNY)
    assert q.spend is not None
    assert q.spend(q.status_quo) < q.spend(found) <= limit * (1 + 1e-12)
    assert values["spend"] == pytest.approx(q.spend(found), rel=1e-9)
    assert q.shadow_price == of.price() - 1


@pytest.mark.parametrize("of", [LISTED, SIX, TIGHT, PLENTY])
def test_question_of_shares(of: SegmentBudget) -> None:
    """One lever reaches the same best amounts, and however it cuts the budget, that is never exceeded."""
    customers = max(20_000 // of.size, 1) * of.size
    q = of.question(customers=customers, shares=True)
    plan = SearchPlan.model_validate({"title": "test", "space": q.space})
    plan.check(q.status_quo, q.scenario)
    assert of.heads(plan.policy(q.status_quo, plan.params_of(q.status_quo))) == pytest.approx(of.heads(q.status_quo))
    best = of.policy(spend=amounts(of))
    assert q.truth(plan.policy(q.status_quo, plan.params_of(best))) == pytest.approx(q.best, rel=3e-4)
    limit = q.limits["spend"]["at_most"]
    names = [d.name for d in plan.dimensions()]
    cuts = [plan.policy(q.status_quo, dict.fromkeys(names, cut)) for cut in (0.0, 0.1, 1 / 3, 0.52, 1.0)]
    spent = [outcome(live(q.scenario, policy)).values["spend"] for policy in cuts]
    assert 0.999 * limit < max(spent) <= limit


# -- nonsense ----------------------------------------------------------------------------------------------------------


def test_nonsense_is_refused() -> None:
    with pytest.raises(SpecError, match=r"multiples of 10000 customers \(got 15000\); take 10000"):
        LISTED.scenario(customers=15_000)
    with pytest.raises(SpecError, match=r"4 segments need as many amounts.*got \[1.0\]"):
        LISTED.policy(spend=[1.0])
    with pytest.raises(SpecError, match="no budget to divide"):
        UNLIMITED.question(shares=True)
    with pytest.raises(SpecError, match="none below 0"):
        LISTED.exact(spend=[1.0, 1.0, 1.0, -1.0])
    for data in ({"budget": -1}, {"segments": []}, {"segments": [{"customers": 1, "worth": 1, "response": 1}] * 7},
                 {"segments": [{"customers": 0, "worth": 1, "response": 1}]},
                 {"segments": [{"customers": 1, "worth": 1, "response": 0}]}):  # fmt: skip
        with pytest.raises(ValidationError):
            SegmentBudget.model_validate(data)
