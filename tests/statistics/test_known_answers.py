"""Worlds whose truth is exact, lived by the product's own engine, documents and extension points.

The truth is checked first: against the listed numbers and by a second method. Then the simulated mean of about 100,000
customers must lie within four standard errors of it. Seeds are fixed; were they drawn anew, a correct engine would fail
one of the hundred or so comparisons in about one run of 150. The negative controls are wrong truths of the kind that
people do write down; each must be refused by the same rule.
"""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.optimize import brentq
from scipy.special import expit

from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.known_answers import FAMILIES, customer_values, mean_value
from experiments.known_answers.a_retention import Retention
from experiments.known_answers.b_habituation import Habituation
from experiments.known_answers.c_budget import SegmentBudget, SegmentReturn
from experiments.known_answers.c_coupon_depth import CouponDepth, LogitClass
from experiments.known_answers.d_cadence import Cadence
from experiments.known_answers.e_ladder import TrustLadder
from experiments.known_answers.e_ladder_world import LevelCare
from experiments.known_answers.f_group_buy import GroupDeal
from experiments.known_answers.f_referral import Cascades
from experiments.known_answers.g_buy_till_you_die import BgNbd, BuyTillYouDie, ParetoNbd, Seen, ShiftedBetaGeometric
from experiments.known_answers.g_flow import Flow
from experiments.metrics import outcome

ROOT = Path(__file__).parents[2]
CUSTOMERS = 100_000
STANDARD_ERRORS = 4.0


def standard_errors(mean: float, exact: float, sd: float, n: float = CUSTOMERS) -> float:
    """How far a mean of n lies from the truth."""
    return (mean - exact) / (sd / math.sqrt(n))


def assert_agrees(mean: float, exact: float, sd: float, n: float = CUSTOMERS) -> None:
    z = standard_errors(mean, exact, sd, n)
    assert abs(z) <= STANDARD_ERRORS, f"simulated {mean:.6g} is {z:+.1f} standard errors from the exact {exact:.6g}"


def assert_refused(mean: float, wrong: float, sd: float, n: float = CUSTOMERS) -> None:
    with pytest.raises(AssertionError, match="standard errors"):
        assert_agrees(mean, wrong, sd, n)


def live(scenario: Scenario, policy: Policy, seed: int = 1, detail: bool = True) -> PrivateDomain:
    world = PrivateDomain(scenario, policy, seed=seed, detail=detail)
    world.run()
    return world


def orders_each(world: PrivateDomain, before_day: int) -> NDArray[np.int64]:
    events = world.ledger.of("order")
    return np.bincount(events.key[events.day < before_day], minlength=len(world.customers))


# -- A. geometric retention, and spend on it ---------------------------------------------------------------------------

LISTED_A = Retention()
FIXED_A = Retention(margin=100, lowest=0.8, highest=0.8, discount=0.10)
RETENTIONS = [
    LISTED_A,
    Retention(margin=40, lowest=0.3, highest=0.9, gain=0.15, discount=0.03),
    Retention(margin=250, lowest=0.85, highest=0.97, gain=0.02, discount=0.25),
]
FIXED = [FIXED_A, Retention(margin=20, lowest=0.55, highest=0.55, discount=0.02),
         Retention(margin=100, lowest=0.93, highest=0.93, discount=0.15)]  # fmt: skip


def longest(family: Retention) -> int:
    """Periods in the longest run that a scenario may have."""
    return 3659 // family.period_days


def test_a_listed_numbers() -> None:
    assert FIXED_A.exact(spend=0) == pytest.approx(266.666667, abs=5e-7)
    assert FIXED_A.exact(spend=0, periods=12) == pytest.approx(260.827695, abs=5e-7)
    best = LISTED_A.optimum()
    assert best.levers["spend"] == pytest.approx(29.726288, abs=5e-7)
    assert best.value == pytest.approx(323.673885, abs=5e-7)
    assert LISTED_A.exact(spend=0) == pytest.approx(120, abs=1e-9)
    assert LISTED_A.moments(spend=best.levers["spend"], periods=400).sd == pytest.approx(215.5, abs=0.05)


@pytest.mark.parametrize("family", RETENTIONS)
def test_a_truth_by_a_second_method(family: Retention) -> None:
    best = family.optimum()
    step = 1e-4
    slope = lambda a: family.exact(spend=a + step) - family.exact(spend=a - step)  # noqa: E731
    assert brentq(slope, 0.1, family.margin) == pytest.approx(best.levers["spend"], abs=1e-4)
    for periods in (1, 12, 400):
        recursion = family.moments(spend=best.levers["spend"], periods=periods)
        assert family.exact(spend=best.levers["spend"], periods=periods) == pytest.approx(recursion.mean, rel=1e-12)
    assert family.exact(spend=0) == pytest.approx(
        family.margin * family.lowest / (1 + family.discount - family.lowest), rel=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("family", FIXED)
@pytest.mark.parametrize("periods", [12, None])
def test_a_geometric_clv(family: Retention, periods: int | None) -> None:
    """m r / (1 + d - r), the textbook's CLV."""
    lived = periods or longest(family)
    world = live(family.scenario(customers=CUSTOMERS, periods=lived), DO_NOTHING)
    values = customer_values(world)
    assert values.mean() == pytest.approx(mean_value(world), rel=1e-9)
    assert_agrees(values.mean(), family.exact(spend=0, periods=periods), float(values.std()))
    assert values.std() == pytest.approx(family.moments(spend=0, periods=lived).sd, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("family", RETENTIONS)
@pytest.mark.parametrize("share_of_best", [0.0, 1.0, 1.6])
@pytest.mark.parametrize("short", [True, False])
def test_a_retention_spend(family: Retention, share_of_best: float, short: bool) -> None:
    periods, spend = 12 if short else longest(family), share_of_best * family.optimum().levers["spend"]
    world = live(family.scenario(customers=CUSTOMERS, periods=periods), family.policy(spend=spend, periods=periods), 2)
    values = customer_values(world)
    assert_agrees(values.mean(), family.exact(spend=spend, periods=periods), float(values.std()))
    assert family.exact(spend=spend, periods=longest(family)) == pytest.approx(family.exact(spend=spend), rel=1e-3)


def test_a_wrong_truths_are_refused() -> None:
    world = live(FIXED_A.scenario(customers=CUSTOMERS, periods=40), DO_NOTHING)
    values = customer_values(world)
    m, r, d = FIXED_A.margin, FIXED_A.lowest, FIXED_A.discount
    margin_not_discounted = m * r / (1 + d - r) * (1 + d)
    with_first_margin = m * (1 + d) / (1 + d - r)
    undiscounted = m * r / (1 - r)
    for wrong in (margin_not_discounted, with_first_margin, undiscounted):
        assert_refused(values.mean(), wrong, float(values.std()))


# -- C. coupon depth ---------------------------------------------------------------------------------------------------

ONE_CLASS = CouponDepth()
TWO_CLASSES = CouponDepth(
    classes=(LogitClass(share=0.5, intercept=4.6, slope=0.05), LogitClass(share=0.5, intercept=3.4, slope=0.075))
)
THREE_CLASSES = CouponDepth(
    price=250,
    cost=90,
    classes=(
        LogitClass(share=0.2, intercept=5.0, slope=0.020),
        LogitClass(share=0.5, intercept=3.5, slope=0.022),
        LogitClass(share=0.3, intercept=3.0, slope=0.025),
    ),
)
CHEAP = CouponDepth(price=60, cost=20, classes=(LogitClass(intercept=2.0, slope=0.08),))


def test_c_listed_numbers() -> None:
    assert ONE_CLASS.optimum().levers["depth_general"] == pytest.approx(0.174203, abs=5e-7)
    assert ONE_CLASS.optimum().value == pytest.approx(17.579723, abs=5e-7)
    assert ONE_CLASS.exact(depths=[0]) == pytest.approx(14.791778, abs=5e-7)
    assert list(TWO_CLASSES.optimum().levers.values()) == pytest.approx([0.113514, 0.378806], abs=5e-7)
    assert TWO_CLASSES.optimum().value == pytest.approx(13.717302, abs=5e-7)
    assert TWO_CLASSES.best_uniform().levers["depth"] == pytest.approx(0.145537, abs=5e-7)
    assert TWO_CLASSES.best_uniform().value == pytest.approx(12.705003, abs=5e-7)
    assert TWO_CLASSES.exact(depths=[0]) == pytest.approx(11.484408, abs=5e-7)


@pytest.mark.parametrize("family", [ONE_CLASS, TWO_CLASSES, THREE_CLASSES, CHEAP])
def test_c_truth_by_a_second_method(family: CouponDepth) -> None:
    """The first-order condition β (p - c) (1 - P(order)) = 1, solved by bisection, for each class."""
    for one, depth in zip(family.classes, family.optimum().levers.values(), strict=False):
        condition = lambda p, one=one: (  # noqa: E731
            one.slope * (p - family.cost) * (1 - expit(one.intercept - one.slope * p)) - 1
        )
        assert 1 - brentq(condition, family.cost, 10 * family.price) / family.price == pytest.approx(depth, abs=1e-9)
    fine = np.linspace(0, 0.9, 9001)
    assert max(family.exact(depths=[x]) for x in fine) == pytest.approx(family.best_uniform().value, rel=1e-6)


@pytest.mark.parametrize("family", [ONE_CLASS, TWO_CLASSES, THREE_CLASSES, CHEAP])
@pytest.mark.parametrize("depth", [0.0, 0.05, 0.10, "best", 0.30, 0.45])
def test_c_uniform_depth(family: CouponDepth, depth: Any) -> None:
    depth = family.best_uniform().levers["depth"] if depth == "best" else depth
    world = live(family.scenario(customers=CUSTOMERS), family.policy(depths=[depth]), seed=3)
    values = customer_values(world)
    assert_agrees(mean_value(world), family.exact(depths=[depth]), float(values.std()))
    assert values.std() == pytest.approx(family.moments(depths=[depth]).sd, rel=0.02)


@pytest.mark.parametrize("family", [TWO_CLASSES, THREE_CLASSES])
def test_c_targeted_depths(family: CouponDepth) -> None:
    depths = list(family.optimum().levers.values())
    values = customer_values(live(family.scenario(customers=CUSTOMERS), family.policy(depths=depths), seed=4))
    assert_agrees(values.mean(), family.exact(depths=depths), float(values.std()))


def test_c_days_are_independent() -> None:
    """A coupon is used or expires within its day, so profit adds up over days with a coupon and days without."""
    days, depths, n = 10, [0.4], CUSTOMERS // 5
    world = live(ONE_CLASS.scenario(customers=n, days=days), ONE_CLASS.policy(depths=depths, every_days=2), seed=5)
    values = customer_values(world)
    each = [ONE_CLASS.moments(depths=d) for d in (depths, [0])]
    assert_agrees(values.mean(), days / 2 * sum(day.mean for day in each), float(values.std()), n)
    assert values.std() == pytest.approx(math.sqrt(days / 2 * sum(day.sd**2 for day in each)), rel=0.05)


@pytest.mark.parametrize("family", [ONE_CLASS, TWO_CLASSES, THREE_CLASSES, CHEAP])
def test_c_subsidised_orders(family: CouponDepth) -> None:
    """Who would have bought anyway, told apart by the same luck: the chance of an order at full price."""
    for depth in (0.05, 0.40):
        world = live(family.scenario(customers=CUSTOMERS), family.policy(depths=[depth]), seed=3)
        share, p = len(world.ledger.of("subsidised")) / CUSTOMERS, family.subsidised(depth=depth)
        assert_agrees(share, p, math.sqrt(p * (1 - p)))
        assert_refused(share, len(world.ledger.of("coupon_redeemed")) / CUSTOMERS, math.sqrt(p * (1 - p)))


def test_c_wrong_truths_are_refused() -> None:
    depth = 0.30
    values = customer_values(live(ONE_CLASS.scenario(customers=CUSTOMERS), ONE_CLASS.policy(depths=[depth]), seed=3))
    one, price, cost = ONE_CLASS.classes[0], ONE_CLASS.price, ONE_CLASS.cost
    chance, unmoved = (float(expit(one.intercept - one.slope * p)) for p in (price * (1 - depth), price))
    coupon_costs_nothing = (price - cost) * chance
    nobody_is_moved = (price * (1 - depth) - cost) * unmoved
    only_the_moved_pay_less = coupon_costs_nothing - price * depth * (chance - unmoved)
    for wrong in (coupon_costs_nothing, nobody_is_moved, only_the_moved_pay_less):
        assert_refused(values.mean(), wrong, float(values.std()))


# -- D. cadence with fatigue -------------------------------------------------------------------------------------------

LISTED_D = Cadence()
CADENCES = [
    LISTED_D,
    Cadence(base=0.4, gain=3, saturation=1.1, cost=0.2, hazard=0.01, hazard_per_square=0.004, discount=0.004),
    Cadence(base=0.3, gain=10, saturation=0.25, cost=0.01, hazard=0.006, hazard_per_square=0.0005, discount=0.01),
]


def long_run(family: Cadence, messages: float) -> int:
    """Weeks after which e^-9 of the value is left, if a scenario may last so long."""
    return min(math.ceil(9 / family.rate(messages)), 3659 // family.week_days)


def test_d_listed_numbers() -> None:
    best, year = LISTED_D.optimum(), LISTED_D.optimum(weeks=52)
    assert best.levers["messages"] == pytest.approx(1.133808, abs=5e-7)
    assert best.value == pytest.approx(492.661777, abs=5e-7)
    listed = [169.992, 489.448, 416.603, 291.521, 201.738]
    assert [LISTED_D.exact(messages=n) for n in range(5)] == pytest.approx(listed, abs=5e-4)
    assert year.levers["messages"] == pytest.approx(2.273864, abs=5e-7)
    assert LISTED_D.exact(messages=year.levers["messages"]) / best.value == pytest.approx(0.77, abs=0.005)


@pytest.mark.parametrize("family", CADENCES)
@pytest.mark.parametrize("weeks", [52, None])
def test_d_truth_by_a_second_method(family: Cadence, weeks: int | None) -> None:
    found = family.optimum(weeks=weeks).levers["messages"]
    step = 1e-4
    slope = lambda n: family.exact(messages=n + step, weeks=weeks) - family.exact(messages=n - step, weeks=weeks)  # noqa: E731
    assert brentq(slope, found - 0.2, found + 0.2) == pytest.approx(found, abs=1e-6)
    recursion = family.moments(messages=found, weeks=weeks or 20_000)
    assert family.exact(messages=found, weeks=weeks) == pytest.approx(recursion.mean, rel=1e-12)


@pytest.fixture
def freed() -> Iterator[None]:
    """A world refers to itself, so it stays until somebody looks for such; here one is half a gigabyte of events."""
    yield
    gc.collect()


A_YEAR = [(LISTED_D, n) for n in (0, 1, 2, 3, 4, "best", "best of a year")]
A_YEAR += [(family, n) for family in CADENCES[1:] for n in (0, "best of a year")]
MORE_OF_A_YEAR = [(family, n) for family in CADENCES[1:] for n in (1, 2, 3, 4, "best")]


@pytest.mark.usefixtures("freed")
@pytest.mark.parametrize(
    ("family", "messages"),
    [pytest.param(*case, marks=pytest.mark.slow) for case in A_YEAR]
    + [pytest.param(*case, marks=pytest.mark.long) for case in MORE_OF_A_YEAR],
)
def test_d_a_year(family: Cadence, messages: Any) -> None:
    """52 weeks of seven days, and the value after them left out."""
    if isinstance(messages, str):
        messages = family.optimum(weeks=52 if messages.endswith("year") else None).levers["messages"]
    scenario = family.scenario(customers=CUSTOMERS, weeks=52, week_days=7)
    world = live(scenario, family.policy(messages=messages, week_days=7), seed=6)
    values = customer_values(world)
    assert_agrees(mean_value(world), family.exact(messages=messages, weeks=52), float(values.std()))
    assert values.std() == pytest.approx(family.moments(messages=messages, weeks=52).sd, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "messages"),
    [(LISTED_D, n) for n in (0, 1, 2, 3, 4, "best")] + [(family, n) for family in CADENCES[1:] for n in (0, "best")],
)
def test_d_the_long_run(family: Cadence, messages: Any) -> None:
    messages = family.optimum().levers["messages"] if messages == "best" else messages
    weeks = long_run(family, messages)
    world = live(family.scenario(customers=CUSTOMERS, weeks=weeks), family.policy(messages=messages), 7, detail=False)
    sd = family.moments(messages=messages, weeks=weeks).sd
    assert_agrees(mean_value(world), family.exact(messages=messages, weeks=weeks), sd)
    assert_agrees(mean_value(world), family.exact(messages=messages), sd)  # what is cut off is below a standard error


@pytest.mark.parametrize("messages", [0, 1, 3])
def test_d_own_adverts_are_the_same_cadence(messages: int) -> None:
    """Whole numbers of messages with the product's own action: the same money for everybody."""
    scenario = LISTED_D.scenario(customers=2000, weeks=60)
    parcel, adverts = (live(scenario, p) for p in (LISTED_D.policy(messages=messages),
                                                   LISTED_D.adverts(messages=messages)))  # fmt: skip
    np.testing.assert_allclose(customer_values(parcel), customer_values(adverts), rtol=1e-12)


def test_d_wrong_truths_are_refused() -> None:
    world = live(LISTED_D.scenario(customers=CUSTOMERS, weeks=52), LISTED_D.policy(messages=2), seed=6, detail=False)
    mean, sd = mean_value(world), LISTED_D.moments(messages=2, weeks=52).sd
    assert_agrees(mean, LISTED_D.exact(messages=2, weeks=52), sd)
    no_fatigue = LISTED_D.model_copy(update={"hazard_per_square": 0.0}).exact(messages=2, weeks=52)
    free_messages = LISTED_D.model_copy(update={"cost": 0.0}).exact(messages=2, weeks=52)
    for wrong in (no_fatigue, free_messages, LISTED_D.exact(messages=2)):
        assert_refused(mean, wrong, sd)


# -- G. buy till you die -----------------------------------------------------------------------------------------------

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
BG_NBDS = [CDNOW, BgNbd(r=0.9, alpha=6.0, a=1.4, b=5.0), BgNbd(r=2.5, alpha=3.0, a=0.3, b=4.0)]
PARETO_NBDS = [ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669), ParetoNbd(r=1.8, alpha=5.0, s=1.0, beta=20.0),
               ParetoNbd(r=0.4, alpha=2.0, s=2.5, beta=60.0)]  # fmt: skip
RECORD = Seen(x=2, t_x=30.43, T=38.86)
RECORDS = [RECORD, Seen(x=0, t_x=0, T=26), Seen(x=7, t_x=30, T=35)]
SHIFTED = [ShiftedBetaGeometric(alpha=0.668, beta=3.806), ShiftedBetaGeometric(alpha=2.0, beta=6.0),
           ShiftedBetaGeometric(alpha=0.3, beta=0.9)]  # fmt: skip
TIMES = (1, 13, 39, 78)


def bg_nbd_by_quadrature(life: BgNbd, t: float, record: Seen) -> float:
    """E[orders in (T, T + t) | record]: posterior weights by numeric integration over order rate and dropout chance."""
    rate, chance = stats.gamma(life.r, scale=1 / life.alpha), stats.beta(life.a, life.b)

    def likelihoods(p: float, lam: float) -> tuple[float, float]:
        alive = (1 - p) ** record.x * lam**record.x * math.exp(-lam * record.T)
        died = p * (1 - p) ** (record.x - 1) * lam**record.x * math.exp(-lam * record.t_x) if record.x else 0.0
        return alive, died

    # Over quantiles rather than values, since the densities have poles at 0.
    nodes, weights = np.polynomial.legendre.leggauss(400)
    q, w = (nodes + 1) / 2, weights / 2
    q, w = q**3, w * 3 * q**2  # more nodes at small quantiles, where the poles are
    rates, chances = rate.ppf(q), chance.ppf(q)
    seen = orders = 0.0
    for lam, w_rate in zip(rates, w, strict=True):
        alive, died = np.array([likelihoods(p, lam) for p in chances]).T
        seen += w_rate * float(w @ (alive + died))
        orders += w_rate * float(w @ (alive * -np.expm1(-lam * chances * t) / chances))
    return orders / seen


def test_g_listed_numbers() -> None:
    listed = [0.053268, 0.534440, 1.196723, 1.860519]
    assert [CDNOW.expected_orders(t) for t in TIMES] == pytest.approx(listed, abs=5e-7)
    assert CDNOW.chance_of_none(39) == pytest.approx(0.573786, abs=5e-7)
    assert CDNOW.model_copy(update={"seen": RECORD}).expected_after(39) == pytest.approx(1.226028, abs=5e-7)
    listed = [0.050980, 0.531170, 1.213003, 1.909398]
    assert [PARETO_NBDS[0].expected_orders(t) for t in TIMES] == pytest.approx(listed, abs=5e-7)
    listed = [0.85069, 0.87797, 0.89682, 0.91062]
    assert [SHIFTED[0].retention(t) for t in (1, 2, 3, 4)] == pytest.approx(listed, abs=5e-6)
    assert Flow().exact() == pytest.approx(5000)


@pytest.mark.parametrize("life", BG_NBDS)
def test_g_bg_nbd_by_quadrature(life: BgNbd) -> None:
    nothing = Seen(x=0, t_x=0, T=0)
    for t in (1, 39):
        assert life.expected_orders(t) == pytest.approx(bg_nbd_by_quadrature(life, t, nothing), rel=1e-4)
    for record in RECORDS:
        after = life.model_copy(update={"seen": record}).expected_after(39)
        assert after == pytest.approx(bg_nbd_by_quadrature(life, 39, record), rel=1e-4)


@pytest.mark.parametrize("life", PARETO_NBDS)
def test_g_pareto_nbd_by_quadrature(life: ParetoNbd) -> None:
    """Orders come at the mean rate for as long as one lives: the integral of the lifetime's survival."""
    for t in TIMES:
        lived, _ = integrate.quad(lambda u: (life.beta / (life.beta + u)) ** life.s, 0, t)
        assert life.expected_orders(t) == pytest.approx(life.r / life.alpha * lived, rel=1e-8)


@pytest.mark.parametrize("life", SHIFTED)
def test_g_shifted_beta_geometric_by_quadrature(life: ShiftedBetaGeometric) -> None:
    """Survival of t periods is the mean of (1 - θ)^t over θ; retention is the ratio of two of them, and it rises."""
    density = stats.beta(life.beta, life.alpha)  # of 1 - θ
    lives = [density.expect(lambda s, t=t: s**t) for t in range(6)]
    assert [life.retention(t) for t in range(1, 6)] == pytest.approx(
        [after / before for before, after in pairwise(lives)], rel=1e-5
    )
    assert life.retention(5) > life.retention(1)


@pytest.mark.slow
@pytest.mark.parametrize("life", [*BG_NBDS, *PARETO_NBDS], ids=lambda life: f"{life.kind}-{life.r}")
def test_g_expected_orders(life: BgNbd | ParetoNbd) -> None:
    world = live(BuyTillYouDie(life=life).scenario(customers=CUSTOMERS, days=TIMES[-1]), DO_NOTHING, seed=8)
    for t in TIMES:
        orders = orders_each(world, t)
        assert_agrees(orders.mean(), life.expected_orders(t), float(orders.std()))
    if isinstance(life, BgNbd):
        none = orders_each(world, 39) == 0
        p = life.chance_of_none(39)
        assert_agrees(float(none.mean()), p, math.sqrt(p * (1 - p)))


@pytest.mark.slow
@pytest.mark.parametrize(("life", "record"), [(CDNOW, r) for r in RECORDS] + [(life, RECORD) for life in BG_NBDS[1:]])
def test_g_expected_orders_after_a_record(life: BgNbd, record: Seen) -> None:
    known = life.model_copy(update={"seen": record})
    orders = orders_each(live(BuyTillYouDie(life=known).scenario(customers=CUSTOMERS, days=39), DO_NOTHING, 9), 39)
    assert_agrees(orders.mean(), known.expected_after(39), float(orders.std()))


@pytest.mark.slow
def test_g_the_grid_does_not_matter() -> None:
    """A model day may stand for a week or for a day: what happens within it is exact."""
    for life in (CDNOW, PARETO_NBDS[0]):
        fine = life.model_copy(update={"periods_per_day": 1 / 7})
        orders = orders_each(live(BuyTillYouDie(life=fine).scenario(customers=CUSTOMERS, days=91), DO_NOTHING, 10), 91)
        assert_agrees(orders.mean(), life.expected_orders(13), float(orders.std()))


@pytest.mark.parametrize("life", SHIFTED)
def test_g_retention_rises_though_nobody_changes(life: ShiftedBetaGeometric) -> None:
    world = live(BuyTillYouDie(life=life).scenario(customers=CUSTOMERS, days=4), DO_NOTHING, seed=11)
    left = np.bincount(world.ledger.of("delete").day, minlength=4)
    alive = CUSTOMERS - np.concatenate([[0], np.cumsum(left)])
    for period in (1, 2, 3, 4):
        r = life.retention(period)
        stayed = alive[period] / alive[period - 1]
        assert_agrees(stayed, r, math.sqrt(r * (1 - r)), int(alive[period - 1]))


FLOWS = [(Flow(), 20), (Flow(arrivals=30, hazard=0.05, prospects=20_000), 40),
         (Flow(arrivals=400, hazard=0.1, prospects=200_000), 20)]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("flow", "worlds"), FLOWS)
def test_g_littles_law(flow: Flow, worlds: int) -> None:
    """The stock is pace times mean stay in the long run, and known on the way there."""
    last = min(400, int(9 / flow.hazard))
    stocks = []
    for seed in range(worlds):
        world = live(flow.scenario(days=last + 1), flow.policy(), seed, detail=False)
        totals, code = world.ledger.totals(), world.ledger.source_code("contact.contact")
        stocks.append(totals.amount[(totals.kind == world.ledger.code["census"]) & (totals.source == code)])
    means = np.mean(stocks, axis=0)
    for day in (1, 10, last // 4, last):
        known = flow.moments(day=day)
        assert_agrees(means[day], known.mean, known.sd, worlds)
    known = flow.moments(day=last)
    assert known.mean == pytest.approx(flow.exact(), rel=1e-3)
    assert_agrees(means[last], flow.exact(), known.sd, worlds)
    assert_refused(means[last], flow.exact() * 0.9, known.sd, worlds)


def test_g_wrong_truths_are_refused() -> None:
    world = live(BuyTillYouDie(life=CDNOW).scenario(customers=CUSTOMERS, days=39), DO_NOTHING, seed=8)
    orders = orders_each(world, 39)
    rate, chance = CDNOW.r / CDNOW.alpha, CDNOW.a / (CDNOW.a + CDNOW.b)
    nobody_differs = (1 - math.exp(-rate * chance * 39)) / chance
    nobody_dies = rate * 39
    for wrong in (nobody_differs, nobody_dies, CDNOW.expected_orders(43)):
        assert_refused(orders.mean(), wrong, float(orders.std()))


# -- the extension points ----------------------------------------------------------------------------------------------

TEN = SegmentBudget(segments=(SegmentReturn(customers=7, worth=4, response=0.8),
                              SegmentReturn(customers=3, worth=9, response=0.3)))  # fmt: skip
TWO_EACH = [LevelCare(action="event", share=0.4, otherwise="chat")] * 6
HABIT_COUPONS = Habituation().thresholds(starts=[1, 3], until=7)
WORLDS: dict[str, Any] = {
    "retention": lambda n: (LISTED_A.scenario(customers=n, periods=8), LISTED_A.policy(spend=29.726288, periods=8)),
    "coupon_depth": lambda n: (TWO_CLASSES.scenario(customers=n, days=5), TWO_CLASSES.policy(depths=[0.1, 0.4])),
    "cadence": lambda n: (LISTED_D.scenario(customers=n, weeks=60), LISTED_D.policy(messages=3.3)),
    "bg_nbd": lambda n: (BuyTillYouDie(life=CDNOW).scenario(customers=n, days=30), DO_NOTHING),
    "pareto_nbd": lambda n: (BuyTillYouDie(life=PARETO_NBDS[0]).scenario(customers=n, days=30), DO_NOTHING),
    "shifted": lambda n: (BuyTillYouDie(life=SHIFTED[0]).scenario(customers=n, days=9), DO_NOTHING),
    "segment_budget": lambda n: (TEN.scenario(customers=n), TEN.policy(spend=[0.4, 2.3])),
    "trust_ladder": lambda n: (TrustLadder().scenario(customers=n, weeks=20), TrustLadder().policy(care=TWO_EACH)),
    "coupon_habit": lambda n: (Habituation().scenario(customers=n, months=20), HABIT_COUPONS),
    "group_buy": lambda n: (GroupDeal().scenario(groups=n // 30), GroupDeal().policy(depth=0.3)),
    "referral": lambda n: (Cascades().scenario(founders=n, generations=25), DO_NOTHING),
    "flow": lambda n: (Flow(prospects=40 * n).scenario(days=60), Flow(prospects=40 * n).policy()),
}  # fmt: skip


def test_families_have_the_listed_defaults() -> None:
    for family in FAMILIES.values():
        family()


@pytest.mark.parametrize("name", [name for name in WORLDS if name not in ("flow", "referral")])
def test_a_bigger_pool_changes_nobody(name: str) -> None:
    """The first 300 customers of 900 live the same lives, to the cent."""
    small, big = (live(*WORLDS[name](n)).ledger.events() for n in (300, 900))
    big = big.where((big.key < 300) & (big.key >= 0))
    for one, other in zip(vars(small).values(), vars(big).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(small) > 50


@pytest.mark.parametrize("name", list(WORLDS))
def test_a_snapshot_goes_on(name: str, tmp_path: Path) -> None:
    scenario, policy = WORLDS[name](400)
    whole = live(scenario, policy)
    broken_off = PrivateDomain(scenario, policy, seed=1)
    broken_off.run(until=scenario.horizon_days // 2)
    broken_off.save(tmp_path / "half.npz")
    resumed = PrivateDomain(scenario, policy, seed=1)
    resumed.resume(tmp_path / "half.npz")
    resumed.run()
    for one, other in zip(vars(whole.ledger.events()).values(), vars(resumed.ledger.events()).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_documents_bring_their_plug_ins(tmp_path: Path) -> None:
    """A fresh process that knows only the product reads the documents and lives the same history."""
    for name, make in WORLDS.items():
        documents = make(300)
        for kind, document in zip(("scenario", "policy"), documents, strict=True):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / f"{name}.yaml").write_text(json.dumps(document.model_dump(mode="json")))
    code = (
        "import sys; from experiments import load; from experiments.run import live\n"
        "for name in sys.argv[2:]:\n"
        "    s, p = (load(f'{sys.argv[1]}/{kind}/{name}.yaml') for kind in ('scenario', 'policy'))\n"
        "    print(s.digest(), p.digest(), live(s, p, 1).values['equity'].hex())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), *WORLDS], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    for line, make in zip(run.stdout.splitlines(), WORLDS.values(), strict=True):
        scenario, policy = make(300)
        equity = outcome(live(scenario, policy, detail=False)).values["equity"]
        assert line.split() == [scenario.digest(), policy.digest(), equity.hex()]
