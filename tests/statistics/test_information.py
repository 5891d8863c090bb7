"""Value of information against closed forms: two policies, linear in normal assumptions (unit normal loss)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate
from scipy.special import expit, logit
from scipy.stats import norm

from agents.effects import Effect
from experiments.searching.questions.assumption_words import worth_sentences
from experiments.searching.questions.assumptions import Unknown, assumed_effects, unknowns
from experiments.searching.questions.field_test import FieldTest, rounded_up
from experiments.searching.questions.information import Information, Worth, fewest_replicates, value_of_information
from experiments.searching.worlds import Alternatives, Span, Uncertain, ensemble, world_of
from sim.errors import SpecError, StudyError
from sim.spec import validate
from tests.worlds import live, scenario

Floats = NDArray[np.float64]
MEAN, SLOPES = 0.5, np.array([0.0, 0.5, 1.0])
CUSTOMERS = 8000.0


def loss(mean: float, sd: float) -> float:
    """Expected value of perfect information for a choice whose difference is normal: the unit normal loss integral."""
    return float(sd * (norm.pdf(mean / sd) - abs(mean) / sd * norm.sf(abs(mean) / sd)))


def replicates(n: int, noise: float, seed: int) -> tuple[Floats, tuple[Unknown, ...]]:
    """The status quo and a policy that earns MEAN + SLOPES · z + noise, z standard normal."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 3))
    up = np.stack([np.zeros(n), MEAN + z @ SLOPES + noise * rng.standard_normal(n)])
    return up, tuple(
        Unknown(name, f"{name}s", "normal", z[:, j]) for j, name in enumerate(("coupon", "chat", "advert"))
    )


def by_name(information: Information) -> dict[str, Worth]:
    return {worth.name: worth for worth in information.each}


@pytest.fixture(scope="module")
def straight() -> Information:
    return value_of_information(
        *replicates(400, 0.1, seed=1), customers=CUSTOMERS, prior_sizes={"advert": 900.0, "coupon": 900.0}
    )


# -- what is known exactly --------------------------------------------------------------------------------------------


def test_straight_lines_are_worth_the_unit_normal_loss(straight: Information) -> None:
    worth = by_name(straight)
    assert straight.evpi.value == pytest.approx(loss(MEAN, 1.25**0.5), rel=0.04)
    for name, slope in (("advert", 1.0), ("chat", 0.5)):
        assert worth[name].evppi.value == pytest.approx(loss(MEAN, slope), rel=0.05)
        assert worth[name].proven
    assert worth["advert"].total == worth["advert"].evppi.value * CUSTOMERS
    assert straight.explained == pytest.approx(1.25 / (1.25 + 0.01), abs=0.003)
    assert [w.name for w in straight.each] == ["advert", "chat", "coupon"]


def test_what_has_no_influence_is_worth_nothing() -> None:
    """At a tie noise alone would seem to be worth .4 of its slope: what is reported is mostly nothing."""
    found, above = [], 0
    for seed in range(10):
        up, unknown = replicates(56, 1.0, seed)
        up[1] -= up[1].mean()  # a tie, where every slope counts
        coupon = by_name(value_of_information(up, unknown, customers=1.0))["coupon"]
        found.append(coupon.evppi.value)
        above += coupon.proven
    naive = 0.4 * np.sqrt(2 / np.pi) / 56**0.5
    assert np.mean(found) < naive / 2
    assert above <= 3  # 5 % in the long run


def test_intervals_hold_what_is_true() -> None:
    inside = 0
    for seed in range(15):
        worth = by_name(value_of_information(*replicates(56, 1.0, seed), customers=1.0))
        inside += sum(
            worth[n].evppi.low <= loss(MEAN, s) <= worth[n].evppi.high for n, s in (("advert", 1), ("chat", 0.5))
        )
    assert inside >= 26  # of 30


def test_a_curve_is_worth_what_its_integral_says() -> None:
    """z² − 1 − .2, which no straight line sees: worth ∫ max(0, z² − 1.2) φ."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal(300)
    up = np.stack([np.zeros(300), z**2 - 1.2 + 0.2 * rng.standard_normal(300)])
    information = value_of_information(up, (Unknown("advert", "", "normal", z),), customers=1.0)
    truth = 2 * integrate.quad(lambda x: (x * x - 1.2) * norm.pdf(x), 1.2**0.5, 12)[0]
    assert information.degree >= 2
    assert information.each[0].evppi.value == pytest.approx(truth, rel=0.1)


def test_three_policies_and_priors_that_are_not_normal() -> None:
    """On (−1, 1) the lines 0, x and −x − .5 give max: ∫ of it by hand; four alternatives: a mean of maxima."""
    rng = np.random.default_rng(4)
    x, level = rng.uniform(-1, 1, 500), rng.integers(0, 4, 500)
    shift = np.array([-0.3, 0.0, 0.2, 0.9])
    up = np.stack([np.zeros(500), x, -x - 0.5]) + 0.1 * rng.standard_normal((3, 500))
    evppi = value_of_information(up, (Unknown("margin", "", "uniform", x),), customers=1.0).each[0].evppi
    assert evppi.value == pytest.approx(0.25 + 0.0625, rel=0.05)  # ½∫x over (0, 1) and ½∫(−x − ½) over (−1, −½)
    up = np.stack([np.zeros(500), shift[level] - 0.1]) + 0.1 * rng.standard_normal((2, 500))
    unknown = Unknown("shape", "", "discrete", level.astype(float), 4)
    evppi = value_of_information(up, (unknown,), customers=1.0).each[0].evppi
    assert evppi.value == pytest.approx(np.maximum(shift - 0.1, 0).mean() - 0.1, abs=0.02)


# -- tests ------------------------------------------------------------------------------------------------------------


def test_a_test_without_a_cost_reaches_four_fifths(straight: Information) -> None:
    """EVSI with n an arm is the loss integral at √(n / (n + 900)); the smallest n that reaches 80 %."""
    test = by_name(straight)["advert"].test
    assert test is not None

    def share(n: float) -> float:
        return loss(MEAN, (n / (n + 900)) ** 0.5) / loss(MEAN, 1.0)

    assert share(test.per_arm) == pytest.approx(0.8, abs=0.03)
    assert test.attained == pytest.approx(share(test.per_arm), abs=0.02)
    assert test.evsi == pytest.approx(share(test.per_arm) * loss(MEAN, 1.0), rel=0.05)
    assert (test.cost, test.net, test.possible) == (None, None, True)
    worth = by_name(straight)
    assert worth["coupon"].test is None  # it is worth nothing
    assert not worth["chat"].testable  # no prior size was given


@pytest.mark.parametrize(("cost", "pays"), [(0.02, True), (0.2, True), (30.0, False)])
def test_a_test_with_a_cost_is_as_large_as_pays_best(cost: float, pays: bool) -> None:
    design = FieldTest(cost_per_customer=cost, fixed_cost=20)
    up, unknown = replicates(400, 0.1, seed=1)
    worth = by_name(value_of_information(
        up, unknown, customers=CUSTOMERS, prior_sizes={"advert": 900.0}, test=design
    ))["advert"]  # fmt: skip
    if not pays:
        assert worth.test is None
        assert worth.testable
        return
    test = worth.test
    assert test is not None

    def net(n: float) -> float:
        return loss(MEAN, (n / (n + 900)) ** 0.5) * CUSTOMERS - 2 * n * cost - 20

    best = max(range(10, int(CUSTOMERS / 2) + 1, 10), key=net)
    assert test.possible
    assert test.cost == 2 * test.per_arm * cost + 20
    assert net(test.per_arm) == pytest.approx(net(best), rel=0.02)
    assert test.net == pytest.approx(net(test.per_arm), abs=80)


def test_the_prior_size_is_what_tests_of_real_customers_show() -> None:
    """Tests simulated customer by customer and day by day: the spread of what they estimate is the one promised."""
    rng = np.random.default_rng(5)
    design, effect, n, at, sd = FieldTest(days=28, doses={"coupon": 0.1}), Effect(mean=4.4, sd=1.5), 800, -3.5, 0.9
    estimates = []
    for _ in range(3000):
        share = []
        for shift in (0.0, 4.4 * 0.1):
            each = expit(at + sd * rng.standard_normal(n) + shift)
            share.append(rng.binomial(28, each).sum() / (28 * n))
        estimates.append((logit(share[1]) - logit(share[0])) / 0.1)
    spread = float(np.var(estimates))
    mean = float(expit(at + sd * rng.standard_normal(400_000)).mean())
    size = design.prior_size("coupon", effect, orders_per_day=mean, rate_sd=sd)
    slope = np.mean(estimates) / 4.4  # what is estimated is the shift of the arm's mean, and less than a customer's
    assert 0.9 < slope < 0.97
    assert size * effect.sd**2 / n == pytest.approx(spread / slope**2, rel=0.08)


@pytest.mark.parametrize(("n", "up"), [(7.2, 8), (99.5, 100), (1234, 1300), (45_600, 46_000), (1300, 1300)])
def test_sizes_are_round(n: float, up: int) -> None:
    assert rounded_up(n) == up


def test_words(straight: Information) -> None:
    told = worth_sentences(straight, "CNY")
    advert = by_name(straight)["advert"]
    assert advert.test is not None
    assert told[0].startswith(f"Worth testing: adverts (up to 0.{round(advert.evppi.value * 100)} CNY a customer, 1,")
    assert f"2 × {advert.test.per_arm:,} customers over 28 days would tell, which is worth 8" in told[0]
    assert told[1].startswith("Worth finding out, though no field test tells: chats (up to 0.0")
    assert told[2] == "Not worth a test, since knowing would not change this choice: coupons."
    few = dataclasses.replace(advert, test=dataclasses.replace(advert.test, possible=False))
    assert "there are 8,000" in worth_sentences(dataclasses.replace(straight, each=(few,)), "CNY")[0]
    dear = dataclasses.replace(advert, test=None)
    assert worth_sentences(dataclasses.replace(straight, each=(dear,)), "CNY")[0].startswith("A test would cost more")


# -- what was drawn ---------------------------------------------------------------------------------------------------


def test_what_was_uncertain_is_what_the_worlds_drew() -> None:
    here = scenario(30, 5)
    spreads: dict[str, Uncertain] = {
        "margin": Span(low=0.3, high=0.5),
        "buying.gap_shape": Alternatives(values=(1.0, 1.15)),
    }
    worlds, seeds = ensemble(here, spreads, 4, seed=1), (11, 12, 13, 14, 15, 16)
    known = {u.name: u for u in unknowns(here, spreads, worlds, seeds, world_of(6, 4))}
    assert set(known) == {a.name for a in assumed_effects(here)} | set(spreads)
    for i, seed in enumerate(seeds):
        world = live(worlds[i % 4].scenario, seed=seed)
        assert known["coupon"].standard[i] * 1.5 + 4.4 == pytest.approx(world.effects["coupon"])
        assert 0.4 + 0.1 * known["margin"].standard[i] == pytest.approx(world.spec.margin)
        assert (1.0, 1.15)[int(known["buying.gap_shape"].standard[i])] == world.spec.buying.gap_shape


# -- bad input --------------------------------------------------------------------------------------------------------


def test_too_few_replicates_or_worlds_are_refused() -> None:
    up, unknown = replicates(9, 0.3, seed=1)
    assert fewest_replicates(unknown) == 10
    with pytest.raises(StudyError, match="3 assumptions need 10 replicates"):
        value_of_information(up, unknown, customers=1.0)
    with pytest.raises(StudyError, match="nothing is uncertain"):
        value_of_information(up, (), customers=1.0)
    two_worlds = np.arange(40) % 2 * 2.0 - 1
    alike = tuple(Unknown(name, "", "uniform", two_worlds) for name in ("margin", "buying.basket_cny"))
    with pytest.raises(StudyError, match="cannot tell all uncertain values apart"):
        value_of_information(np.stack([np.zeros(40), two_worlds]), alike, customers=1.0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"doses": {"cupon": 0.1}}, "did you mean 'coupon'"),
        ({"doses": {"coupon": 0}}, "must be above 0"),
        ({"days": 0}, "at least 1"),
        ({"cost_per_customer": -1}, "at least 0"),
    ],
)
def test_a_field_test_that_is_none(data: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        validate(FieldTest, data)
    assert said in str(caught.value)
