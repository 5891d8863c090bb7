"""Family F: group buy and referral, lived by the product's own engine.

The truth is checked first: against the listed numbers and by a second method. Then the simulated mean of 100,000
customers or more must lie within four standard errors of it. Customers of a group share their fate, so that groups, and
founders of cascades, are what is counted. Seeds are fixed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq

from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from experiments.known_answers import customer_values, mean_value
from experiments.known_answers.f_group_buy import GroupBuy, GroupDeal
from experiments.known_answers.f_referral import FOUNDER_BITS, Cascades, Referral, founder_of, invited_key
from experiments.known_answers.family import UNIT_CNY
from experiments.metrics import outcome
from sim.errors import SpecError
from tests.statistics.test_known_answers import CUSTOMERS, assert_agrees, assert_refused, live
from tests.worlds import canonical

# -- group buy: the truth ----------------------------------------------------------------------------------------------

TEN, FIFTEEN = GroupDeal(), GroupDeal(needed=15)
SMALL = GroupDeal(price=40, cost=10, invitation=0.5, invited=5, needed=3, intercept=-1.5, lift=4)
ALL_OR_NOTHING = GroupDeal(cost=20, invited=8, needed=8, intercept=-0.5, lift=6)
ALONE = GroupDeal(invited=1, needed=1, intercept=-2, lift=5)  # no group at all
DEALS = [TEN, FIFTEEN, SMALL, ALL_OR_NOTHING, ALONE]


def test_listed_numbers() -> None:
    for of, depth, value in ((TEN, 0.356948, 288.173591), (FIFTEEN, 0.402834, 249.950780)):
        best = of.optimum()
        assert best.levers["depth"] == pytest.approx(depth, abs=5e-7)
        assert best.value == pytest.approx(value, abs=5e-7)
    assert TEN.success(depth=TEN.optimum().levers["depth"]) == pytest.approx(0.98031, abs=5e-6)


def success_by_quadrature(of: GroupDeal, depth: float) -> float:
    """P(N ≥ K) is the chance that the K-th smallest of as many uniform numbers as are invited lies below q."""
    k, n, q = of.needed, of.invited, 1 / (1 + math.exp(-of.intercept - of.lift * depth))
    density = lambda u: math.exp(  # noqa: E731
        math.lgamma(n + 1) - math.lgamma(k) - math.lgamma(n - k + 1) + (k - 1) * math.log(u) + (n - k) * math.log1p(-u)
    )
    return quad(density, 0, q, epsabs=1e-13)[0]


@pytest.mark.parametrize("of", DEALS)
@pytest.mark.parametrize("depth", [0.0, 0.2, 0.357, 0.5])
def test_deals_by_quadrature(of: GroupDeal, depth: float) -> None:
    """E[N 1(N ≥ K)] = n q P(one fewer of one fewer)."""
    assert of.success(depth=depth) == pytest.approx(success_by_quadrature(of, depth), rel=1e-9)
    rest = of.model_copy(update={"invited": of.invited - 1, "needed": of.needed - 1})
    others = success_by_quadrature(rest, depth) if of.needed > 1 else 1.0
    profit = of.price * (1 - depth) - of.cost
    q = 1 / (1 + math.exp(-of.intercept - of.lift * depth))
    expected = profit * of.invited * q * others - of.invited * of.invitation
    assert of.exact(depth=depth) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("of", DEALS)
def test_best_depth_by_its_slope(of: GroupDeal) -> None:
    best = of.optimum()
    step = 1e-5
    slope = lambda x: of.exact(depth=x + step) - of.exact(depth=x - step)  # noqa: E731
    found = best.levers["depth"]
    assert brentq(slope, max(found - 0.03, step), found + 0.03) == pytest.approx(found, abs=1e-6)
    assert max(of.exact(depth=x) for x in np.linspace(0, 1, 4001)) <= best.value + 1e-9


def test_where_no_depth_pays() -> None:
    """What costs as much as it sells for is best sold at list price, or to nobody."""
    assert GroupDeal(cost=100).optimum().value == pytest.approx(0, abs=1e-9)
    keen = GroupDeal(intercept=4)
    assert keen.optimum().levers["depth"] == 0
    assert keen.optimum().value == keen.exact(depth=0) > 1600


# -- group buy: the engine ---------------------------------------------------------------------------------------------


def groups_of(of: GroupDeal) -> int:
    return math.ceil(CUSTOMERS / of.invited)


def group_values(of: GroupDeal, world: PrivateDomain) -> NDArray[np.float64]:
    return customer_values(world).reshape(-1, of.invited).sum(axis=1)


@pytest.mark.parametrize("of", DEALS)
@pytest.mark.parametrize("depth", [0.0, "best", 0.45])
def test_group_values(of: GroupDeal, depth: Any) -> None:
    depth = of.optimum().levers["depth"] if depth == "best" else depth
    world = live(of.scenario(groups=groups_of(of)), of.policy(depth=depth), seed=21)
    values, known = group_values(of, world), of.moments(depth=depth)
    assert mean_value(world) * of.invited == pytest.approx(values.mean(), abs=1e-9)
    assert_agrees(values.mean(), known.mean, known.sd, len(values))
    if of.success(depth=depth) > 0.01:
        assert values.std() == pytest.approx(known.sd, rel=0.06)


@pytest.mark.parametrize("of", [TEN, FIFTEEN, SMALL])
def test_who_joins_an_unfilled_group_is_paid_back(of: GroupDeal) -> None:
    """To the cent, on the same day, and nobody else is; the share of filled groups is exact, too."""
    depth = 0.3
    world = live(of.scenario(groups=groups_of(of)), of.policy(depth=depth), seed=22)
    paid, back, bought = (world.ledger.of(kind) for kind in ("fee", "refund", "order"))
    assert np.array_equal(np.sort(paid.key), np.sort(back.key))
    assert set(paid.amount.tolist()) == set(back.amount.tolist()) == {round(of.price * UNIT_CNY * 100 * (1 - depth))}
    joined = np.bincount(np.concatenate([paid.key, bought.key]) // of.invited, minlength=groups_of(of))
    assert not set((paid.key // of.invited).tolist()) & set((bought.key // of.invited).tolist())
    assert joined[bought.key // of.invited].min() == of.needed
    assert joined[paid.key // of.invited].max() == of.needed - 1
    assert len(world.ledger.of("subsidised")) == 0  # without the deal nobody would have bought
    success, p = float((joined >= of.needed).mean()), of.success(depth=depth)
    assert 0.1 < p < 0.95
    assert_agrees(success, p, math.sqrt(p * (1 - p)), groups_of(of))
    assert_refused(success, float(stats.binom.sf(of.needed, of.invited, of.joining(depth))), 0.5, groups_of(of))
    assert outcome(world).values["spend"] == pytest.approx(
        len(bought) * of.price * UNIT_CNY * depth + of.invitation * UNIT_CNY * CUSTOMERS, rel=1e-9
    )


def test_wrong_truths_are_refused() -> None:
    depth, groups = 0.33, groups_of(TEN)
    mean = mean_value(live(TEN.scenario(groups=groups), TEN.policy(depth=depth), seed=23)) * TEN.invited
    known = TEN.moments(depth=depth)
    assert_agrees(mean, known.mean, known.sd, groups)
    expected_joiners = TEN.joining(depth) * TEN.invited
    profit = TEN.price * (1 - depth) - TEN.cost
    nobody_is_refused = expected_joiners * profit
    size_and_success_unrelated = nobody_is_refused * TEN.success(depth=depth)
    for wrong in (
        nobody_is_refused,
        size_and_success_unrelated,
        TEN.model_copy(update={"needed": 11}).exact(depth=depth),
    ):
        assert_refused(mean, wrong, known.sd, groups)


def test_a_deeper_price_sends_nobody_away() -> None:
    """Luck has an address: who joins at some depth joins at any deeper one."""
    scenario = TEN.scenario(groups=200)
    joined = [
        set(live(scenario, TEN.policy(depth=x), seed=3).ledger.of("fee", "order").key.tolist()) for x in (0.1, 0.3, 0.5)
    ]
    assert joined[0] < joined[1] < joined[2]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"needed": 31}, "needed 31 exceeds invited 30"), ({"cost": 101}, "exceeds price"), ({"invited": 0}, "invited"),
     ({"needed": 0}, "needed"), ({"price": 0}, "price"), ({"invitation": -1}, "invitation")],
)  # fmt: skip
def test_impossible_deals_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GroupDeal(**wrong)


def test_a_group_may_be_of_nobody_and_never_too_small() -> None:
    deal = TEN.policy(depth=0.1).actions["deal"].model_dump()
    assert GroupBuy(**deal | {"invited": 0}).invited == 0
    with pytest.raises(ValidationError, match="no deal can stand"):
        GroupBuy(**deal | {"invited": 9})


def test_no_truth_is_made_up() -> None:
    assert TEN.truth(DO_NOTHING) == 0
    with pytest.raises(ValueError, match="only the action 'deal'"):
        TEN.truth(FIFTEEN.policy(depth=0.3))


# -- referral: the truth -----------------------------------------------------------------------------------------------

CALM, LISTED_GROWTH = Cascades(per_person=0.8), Cascades(per_person=1.4)


def borel(r: float, size: int) -> float:
    """P(a cascade has so many members): Borel's distribution."""
    return math.exp(-r * size + (size - 1) * math.log(r * size) - math.lgamma(size + 1))


@pytest.mark.parametrize("r", [0.2, 0.5, 0.8])
def test_cascades_by_borels_distribution(r: float) -> None:
    sizes = np.arange(1, 3000)
    chance = np.array([borel(r, int(n)) for n in sizes])
    known = Cascades(per_person=r, margin=3).moments()
    assert known.mean == pytest.approx(3 * chance @ sizes, rel=1e-8)
    assert known.sd**2 == pytest.approx(9 * (chance @ sizes**2 - (chance @ sizes) ** 2), rel=1e-7)
    assert known.mean == pytest.approx(3 / (1 - r))
    assert known.sd**2 == pytest.approx(9 * r / (1 - r) ** 3)
    many = Cascades(per_person=r, margin=3).moments(generations=400)
    assert (many.mean, many.sd) == pytest.approx((known.mean, known.sd), rel=1e-9)


def test_extinction() -> None:
    assert LISTED_GROWTH.extinction() == pytest.approx(0.488989, abs=5e-7)
    for r in (1.05, 1.4, 3.0, 12.0):
        assert Cascades(per_person=r).extinction() == pytest.approx(
            brentq(lambda s, r=r: s - math.exp(r * (s - 1)), 0, 1 - 1e-3)
        )
        assert Cascades(per_person=r).extinction(generations=900) == pytest.approx(Cascades(per_person=r).extinction())
    for r in (0.0, 0.7, 1.0):
        assert Cascades(per_person=r).extinction() == 1
    assert sum(borel(1.4, n) for n in range(1, 2000)) == pytest.approx(LISTED_GROWTH.extinction(), rel=1e-9)


def test_growth_without_end_has_no_mean() -> None:
    for r in (1.0, 1.4):
        with pytest.raises(ValueError, match="say how many generations"):
            Cascades(per_person=r).exact()
    assert Cascades(per_person=1).exact(generations=9) == pytest.approx(10)
    with pytest.raises(ValueError, match="take fewer of either"):
        LISTED_GROWTH.scenario(founders=1000, generations=40)
    with pytest.raises(ValueError, match="take fewer of either"):
        Cascades(per_person=0).scenario(founders=1 << FOUNDER_BITS, generations=1)


# -- referral: the engine ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("r", "generations"), [(0.8, 90), (0.5, 40), (0.05, 9), (1.0, 6)])
def test_cascades(r: float, generations: int) -> None:
    """Mean and variance of 100,000 cascades, read from keys, and the mean once more by the product's own metrics."""
    of = Cascades(per_person=r, margin=0.7)
    world = live(of.scenario(founders=CUSTOMERS, generations=generations), of.policy(), seed=24, detail=False)
    known, sizes = of.moments(generations=generations), of.sizes(world)
    assert sizes.sum() == len(world.customers)
    assert_agrees(sizes.mean() * of.margin, known.mean, known.sd)
    assert sizes.std() * of.margin == pytest.approx(known.sd, rel=0.05)
    values = outcome(world).values
    assert values["acquired"] / values["contacts_start"] == pytest.approx(sizes.mean(), rel=1e-12)
    assert values["equity"] / values["contacts_start"] == pytest.approx(sizes.mean() * of.margin * UNIT_CNY, rel=1e-9)
    if r < 1:
        assert of.exact() == pytest.approx(known.mean, abs=0.01 * known.sd / math.sqrt(CUSTOMERS))
    first_generation_alone, founders_left_out = 1 + r, known.mean / of.margin - 1
    for wrong in (first_generation_alone, founders_left_out) if r >= 0.5 else (founders_left_out,):
        assert_refused(sizes.mean() * of.margin, of.margin * wrong, known.sd)


@pytest.mark.slow
@pytest.mark.parametrize(("founders", "generations"), [(20_000, 5), (1500, 14)])
def test_lines_die_out(founders: int, generations: int) -> None:
    """Few generations exactly; many, as good as for ever."""
    of = LISTED_GROWTH
    world = live(of.scenario(founders=founders, generations=generations), of.policy(), seed=25, detail=False)
    left = len(np.unique(founder_of(world.customers.key[world.customers.joined == generations - 1])))
    gone, p = 1 - left / founders, of.extinction(generations=generations)
    assert_agrees(gone, p, math.sqrt(p * (1 - p)), founders)
    assert_refused(gone, math.exp(-1.4), 0.5, founders)  # of those who bring nobody themselves
    if generations == 14:
        assert_agrees(gone, of.extinction(), math.sqrt(p * (1 - p)), founders)


def test_keys_are_carried_from_the_inviter() -> None:
    """The same people come under every seed, each with an own key; all carry their founder's."""
    of = Cascades(per_person=0.9)
    seen = [live(of.scenario(founders=2000, generations=30), DO_NOTHING, seed=s).customers.key for s in (1, 2)]
    for keys in seen:
        assert len(np.unique(keys)) == len(keys)
        assert keys.min() >= 0
        assert set(founder_of(keys).tolist()) <= set(range(2000))
    first_children = [set(keys[2000:4000].tolist()) for keys in seen]
    assert len(first_children[0] & first_children[1]) > 300
    inviter, number = np.array([7, 7, 8, 7 + (5 << FOUNDER_BITS)]), np.array([0, 1, 0, 0])
    assert founder_of(invited_key(inviter, number)).tolist() == [7, 7, 8, 7]
    assert invited_key(inviter[:1], number[:1]) == invited_key(inviter, number)[0]


def test_more_referrals_on_average_send_nobody_away() -> None:
    pools = [
        set(live(Cascades(per_person=r).scenario(founders=500, generations=6), DO_NOTHING).customers.key.tolist())
        for r in (0.3, 0.8, 1.2)
    ]
    assert pools[0] < pools[1] < pools[2]


def test_a_bigger_pool_changes_nobody() -> None:
    """Nor anybody whom they brought."""
    small, big = (canonical(live(CALM.scenario(founders=n, generations=25), DO_NOTHING)) for n in (300, 900))
    assert [event for event in big if event[1] % (1 << FOUNDER_BITS) < 300] == small
    assert len(small) > 600


def test_referral_needs_its_channel() -> None:
    scenario = CALM.scenario(founders=5, generations=2)
    behaviours = scenario.behaviours | {"referral": Referral(per_person=0.5, channel="referal")}
    with pytest.raises(SpecError, match=r"no channel 'referal'; did you mean 'referral'"):
        live(scenario.model_copy(update={"behaviours": behaviours}), DO_NOTHING)


def test_nobody_brings_anybody() -> None:
    world = live(Cascades(per_person=0).scenario(founders=50, generations=3), DO_NOTHING)
    assert len(world.customers) == len(world.ledger.of("order")) == 50
