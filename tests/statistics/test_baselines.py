"""Rivals of the simulated world: the classics against published numbers and independent methods, rules by hand.

Recovery tests use fixed seeds and tolerances of about four standard errors.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import integrate
from scipy.special import gammaln, hyp2f1

from experiments.forecasting.btyd import BgNbd, GammaGamma, ParetoNbd, Records
from experiments.forecasting.direct import direct_btyd, direct_linear, direct_trees
from experiments.forecasting.order_days import NEVER, OrderDays
from experiments.forecasting.past import Past
from experiments.forecasting.rivals import bg_nbd, pareto_nbd, recent_and_history, resampled, the_same_again

Floats = NDArray[np.float64]
BG = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)  # CDNOW, Fader, Hardie & Lee (2005), table 2
PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)  # CDNOW, the same table
START = dt.date(2024, 1, 1)  # a Monday


def records(*rows: tuple[float, float, float]) -> Records:
    return Records(*np.array(rows, dtype=np.float64).T)


def days_of(orders: dict[int, list[int]], days: int, net: int = 1000) -> OrderDays:
    """Order days by customer, all of one value."""
    customer = np.array([c for c, when in orders.items() for _ in when])
    day = np.array([d for when in orders.values() for d in when])
    never = np.full(len(orders), NEVER)
    return OrderDays(START, days, never, customer, day, np.full(len(day), net))


# -- against published numbers and other methods ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (BG, {1: 0.053268, 13: 0.534440, 39: 1.196723, 78: 1.860519}),
        (PARETO, {1: 0.050980, 13: 0.531170, 39: 1.213003, 78: 1.909398}),
    ],
)
def test_expected_orders_of_newcomers(model: BgNbd | ParetoNbd, expected: dict[int, float]) -> None:
    newcomer = records((0, 0, 0))
    for weeks, orders in expected.items():
        assert model.expected(newcomer, weeks)[0] == pytest.approx(orders, abs=1e-6)


def test_expected_orders_after_a_record() -> None:
    assert BG.expected(records((2, 30.43, 38.86)), 39)[0] == pytest.approx(1.226028, abs=1e-6)


def test_expected_orders_add_up_over_weeks() -> None:
    """Orders of 13 weeks are those of one week after another, seen from the same evening."""
    seen = records((0, 0, 20), (3, 17.5, 20), (40, 19.9, 20))
    for model in (BG, PARETO):
        steps = [model.expected(seen, t) for t in (0.0, 5.0, 13.0)]
        assert steps[0] == pytest.approx(np.zeros(3), abs=1e-12)
        assert (np.diff(steps, axis=0) > 0).all()
        assert (np.diff(steps, axis=0)[1] / 8 < np.diff(steps, axis=0)[0] / 5).all(), "they die, so fewer come later"


def closed_form(m: ParetoNbd, x: float, t_x: float, T: float) -> float:
    """Log-likelihood by the two hypergeometric functions of Fader & Hardie (2005), for alpha >= beta or below."""
    high, low = max(m.alpha, m.beta), min(m.alpha, m.beta)
    second = m.s + 1 if m.alpha >= m.beta else m.r + x
    n = m.r + m.s + x

    def term(t: float) -> float:
        return float(hyp2f1(n, second, n + 1, (high - low) / (high + t)) / (high + t) ** n)

    alive = 1 / ((m.alpha + T) ** (m.r + x) * (m.beta + T) ** m.s)
    both = alive + m.s / n * (term(t_x) - term(T))
    return float(gammaln(m.r + x) - gammaln(m.r) + m.r * np.log(m.alpha) + m.s * np.log(m.beta) + np.log(both))


@pytest.mark.parametrize("record", [(0, 0, 39), (1, 3, 39), (7, 37.5, 38.9), (20, 10.0, 39.0)])
@pytest.mark.parametrize("model", [PARETO, ParetoNbd(1.4, 1.3, 0.3, 40.0), ParetoNbd(0.8, 9.0, 2.5, 9.0)])
def test_pareto_nbd_likelihood_by_quadrature_equals_the_closed_form(
    model: ParetoNbd, record: tuple[float, float, float]
) -> None:
    found = model.log_likelihoods(records(record))[0]
    assert found == pytest.approx(closed_form(model, *record), abs=1e-6)


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # a rate near 0 is steep, yet integrable
def test_pareto_nbd_alive_and_silent_by_integration_over_the_rates() -> None:
    """P(alive) and P(any order) from the definition: average over rate and hazard, no formula of the model."""
    m, (x, t_x, T), t = PARETO, (3.0, 20.0, 30.0), 13.0

    def weighed(of: Any) -> float:
        def density(mu: float, rate: float) -> float:
            prior = rate ** (m.r + x - 1) * np.exp(-m.alpha * rate) * mu ** (m.s - 1) * np.exp(-m.beta * mu)
            return float(prior * of(rate, mu))

        return float(integrate.dblquad(density, 0, 4, 0, 4, epsabs=1e-9)[0])

    def seen(rate: float, mu: float) -> float:
        both = rate + mu
        return (mu * np.exp(-both * t_x) + rate * np.exp(-both * T)) / both

    def alive_then_any(rate: float, mu: float) -> float:
        both = rate + mu
        return np.exp(-both * T) * rate / both * (1 - np.exp(-both * t))

    likelihood = weighed(seen)
    alive = weighed(lambda rate, mu: np.exp(-(rate + mu) * T)) / likelihood
    assert m.alive(records((x, t_x, T)))[0] == pytest.approx(alive, rel=1e-3)
    assert m.p_any(records((x, t_x, T)), t)[0] == pytest.approx(weighed(alive_then_any) / likelihood, rel=1e-3)


def test_extreme_records_are_finite() -> None:
    seen = records((400, 51.9, 52), (400, 1.0, 52), (0, 0, 0), (0, 0, 500))
    for model in (PARETO, BG, ParetoNbd(1.4, 1.3, 1.0, 5.0), BgNbd(1.4, 1.3, 1.0, 6.0)):
        for values in (model.log_likelihoods(seen), model.expected(seen, 13), model.p_any(seen, 13)):
            assert np.isfinite(values).all()
        assert ((model.p_any(seen, 13) >= 0) & (model.p_any(seen, 13) <= 1)).all()


def test_drawn_futures_are_those_that_are_expected() -> None:
    """Means, chances of any order and the spread between customers of 4,000 draws against the closed forms."""
    seen, weeks = records((0, 0, 39), (1, 3, 39), (7, 37.5, 38.9), (5, 25.0, 39.0)), 39.0
    drawn = np.stack([PARETO.drawn(seen, weeks, np.random.default_rng(seed)) for seed in range(4000)])
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - PARETO.expected(seen, weeks)) < 4 * error + 1e-9).all()
    p = PARETO.p_any(seen, weeks)
    assert (np.abs((drawn > 0).mean(axis=0) - p) < 4 * np.sqrt(p * (1 - p) / len(drawn)) + 1e-9).all()
    # Rates and lifetimes differ, so that counts are more spread out than Poisson's
    assert drawn[:, 2].var() > 1.3 * drawn[:, 2].mean()


def cdnow(name: str) -> OrderDays:
    """Weeks 1 to 39 of CDNOW, where the package that carries the file is installed; orders worth nothing too."""
    spec = importlib.util.find_spec("lifetimes")
    if spec is None or spec.origin is None:
        pytest.skip("the optional package lifetimes, which carries CDNOW, is not installed")
    path = Path(spec.origin).parent / "datasets" / name
    raw = pd.read_csv(path, sep=r"\s+", header=None).iloc[:, -4:].set_axis(["id", "date", "n", "net"], axis=1)
    raw["day"] = (pd.to_datetime(raw["date"].astype(str)) - pd.Timestamp("1997-01-01")).dt.days
    raw = raw[raw["day"] < 273].groupby(["id", "day"], as_index=False)["net"].sum()
    codes, _ = pd.factorize(raw["id"])
    never = np.full(codes.max() + 1, NEVER)
    net = np.rint(raw["net"].to_numpy() * 100).astype(np.int64)
    return OrderDays(dt.date(1997, 1, 1), 273, never, codes, raw["day"].to_numpy(), net)


def test_published_fits_of_cdnow() -> None:
    """Fader, Hardie & Lee (2005), table 2; Gamma-Gamma: Fader & Hardie (2013), in dollars."""
    orders = cdnow("CDNOW_sample.txt")
    seen = Records.of(orders)
    assert len(seen.x) == 2357
    pareto, bg = ParetoNbd.fit(seen), BgNbd.fit(seen)
    assert (pareto.r, pareto.alpha, pareto.s, pareto.beta) == pytest.approx((0.553, 10.578, 0.606, 11.669), abs=2e-3)
    assert (bg.r, bg.alpha, bg.a, bg.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=1e-3)
    assert pareto.log_likelihoods(seen).sum() == pytest.approx(-9595.0, abs=0.05)
    assert bg.log_likelihoods(seen).sum() == pytest.approx(-9582.4, abs=0.05)
    repeats = orders.day > orders.first_and_last()[0][orders.customer]
    spend = GammaGamma.fit(seen.x, orders.spend(repeats) / 100 / np.maximum(seen.x, 1))
    assert (spend.p, spend.q, spend.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)


# -- recovery ---------------------------------------------------------------------------------------------------------


def pareto_records(n: int, weeks: float, seed: int) -> Records:
    """Records of customers who live by PARETO, drawn from the definition."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(PARETO.r, 1 / PARETO.alpha, n)
    life = rng.exponential(1 / rng.gamma(PARETO.s, 1 / PARETO.beta, n))
    end = np.minimum(life, weeks)
    x = rng.poisson(rate * end)
    last = np.where(x > 0, end * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)  # the largest of x uniform times
    return Records(x.astype(np.float64), last, np.full(n, weeks))


def test_pareto_nbd_finds_the_population_that_made_the_records() -> None:
    seen = pareto_records(4000, 78.0, seed=3)
    fit = ParetoNbd.fit(seen)
    assert fit.log_likelihoods(seen).sum() >= PARETO.log_likelihoods(seen).sum(), "the maximum is above the truth"
    newcomer = records((0, 0, 0))
    for weeks in (13, 78):
        assert fit.expected(newcomer, weeks) == pytest.approx(PARETO.expected(newcomer, weeks), rel=0.12)
    assert fit.r == pytest.approx(PARETO.r, rel=0.25)


def test_gamma_gamma_shrinks_to_the_population() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(1, 30, 5000).astype(np.float64)
    scale = rng.gamma(3.74, 1 / 15.44, 5000)
    mean = rng.gamma(6.25 * x) / scale / x
    fit = GammaGamma.fit(x, mean)
    population = 6.25 * 15.44 / 2.74
    assert fit.expected(np.zeros(1), np.zeros(1))[0] == pytest.approx(population, rel=0.05)
    few, many = fit.expected(np.array([1.0, 1000.0]), np.array([100.0, 100.0]))
    assert population < few < many
    assert many == pytest.approx(100, rel=0.01)


# -- the rules, by hand -----------------------------------------------------------------------------------------------


def test_rules_by_hand() -> None:
    """Three customers over 28 days, horizon 14: one often, one who began in the last fortnight, one who stopped."""
    past = Past(days_of({0: [0, 7, 15, 20], 1: [16, 18], 2: [1, 3]}, 28), 14)
    again = the_same_again(past)
    assert again.orders == pytest.approx([2, 1, 0])  # the first order of customer 1 says nothing
    assert again.spend == pytest.approx([2000, 1000, 0])
    assert again.weekly_orders == pytest.approx([3, 0])  # days 15, 18 and 20 lie in the first of the two weeks
    blend = recent_and_history(past)
    history = np.array([3 * 14 / 28, 1 * 14 / 14, 1 * 14 / 27])
    assert blend.orders == pytest.approx((again.orders + history) / 2)


def test_p_any_of_the_rules_is_what_followed_before() -> None:
    """Of those with a repeat order in the first half, 3 of 4 ordered in the second; of those without, 1 of 4."""
    often = {c: [0, 5, 16] for c in range(3)} | {3: [0, 5]}
    seldom = {4: [0, 16]} | {c: [0] for c in (5, 6, 7)}
    p = the_same_again(Past(days_of(often | seldom, 28), 14)).p_any
    assert p[0] == p[4] == pytest.approx(3.5 / 5)
    assert p[3] == p[5] == pytest.approx(1.5 / 5)


# -- all of them on a population with lasting differences -------------------------------------------------------------


def steady(n: int, days: int, ahead: int, seed: int) -> tuple[OrderDays, OrderDays]:
    """Customers with lasting rates and basket sizes: ``days`` of past and what followed."""
    rng = np.random.default_rng(seed)
    rate, size = rng.gamma(1.2, 0.08, n).clip(0, 0.9), np.exp(rng.normal(7, 0.6, n))
    orders = rng.random((n, days + ahead)) < rate[:, None]
    orders[:, 0] = True
    customer, day = np.nonzero(orders)
    net = np.rint(size[customer] * np.exp(rng.normal(0, 0.8, len(customer)))).astype(np.int64)
    early, never = day < days, np.full(n, NEVER)
    past = OrderDays(START, days, never, customer[early], day[early], net[early])
    before = past.first_and_last()[1] - days
    start = START + dt.timedelta(days=days)
    return past, OrderDays(start, ahead, before, customer[~early], day[~early] - days, net[~early])


@pytest.fixture(scope="module")
def population() -> tuple[OrderDays, OrderDays]:
    return steady(1500, 182, 91, seed=5)


@pytest.mark.parametrize("rival", [the_same_again, recent_and_history, pareto_nbd, bg_nbd, direct_trees, direct_linear])
def test_rivals_forecast_a_steady_population(rival: Any, population: tuple[OrderDays, OrderDays]) -> None:
    past, future = population
    found, orders = rival(Past(past, 91)), future.orders()
    assert found.orders.sum() == pytest.approx(orders.sum(), rel=0.05)
    assert found.spend.sum() == pytest.approx(future.spend().sum(), rel=0.08)
    assert found.weekly_orders.sum() == pytest.approx(found.orders.sum(), rel=1e-9)
    assert ((found.p_any >= 0) & (found.p_any <= 1)).all()
    assert np.corrcoef(found.orders, orders)[0, 1] > 0.87
    alike = np.full(len(orders), orders.mean())
    assert np.abs(found.orders - orders).mean() < 0.6 * np.abs(alike - orders).mean(), "better than the mean for all"


def test_resampling_covers_a_steady_population(population: tuple[OrderDays, OrderDays]) -> None:
    """Here the plainest simulation is the truth itself, so its intervals hold; half of its rates is the control."""
    past, future = population
    found, orders = resampled(Past(past, 91), tuple(range(60))), future.orders()
    counts = np.stack([tally.orders for tally in found.tallies])

    def covered(of: NDArray[Any]) -> float:
        low, high = np.quantile(of, (0.05, 0.95), axis=0, method="inverted_cdf")
        return float(((low <= orders) & (orders <= high)).mean())

    assert covered(counts) > 0.88
    assert covered(counts // 2) < 0.6
    low, high = np.quantile(counts.sum(axis=1), (0.01, 0.99))
    assert low <= orders.sum() <= high


def test_direct_models_reach_beyond_half_of_the_past(population: tuple[OrderDays, OrderDays]) -> None:
    """With a horizon as long as the past they are taught on half of it and stretched."""
    past, future = population
    half, found = direct_trees(Past(past, 91)), direct_trees(Past(past, 182))
    assert found.orders.sum() == pytest.approx(2 * half.orders.sum(), rel=0.05)
    assert half.p_any.mean() == pytest.approx((future.orders() > 0).mean(), abs=0.02)
    assert half.p_any.mean() < found.p_any.mean() < 1


def test_a_long_horizon_decays(population: tuple[OrderDays, OrderDays]) -> None:
    """Customers who stop for good: three times the days bring far less than three times the orders."""
    rng = np.random.default_rng(8)
    past, _ = population
    life = rng.exponential(90, past.n_customers)
    kept = past.day <= np.maximum(life, 1)[past.customer]
    dying = OrderDays(past.start, past.days, past.before, past.customer[kept], past.day[kept], past.net[kept])
    one, three = (direct_linear(Past(dying, days)).orders.sum() for days in (60, 180))
    assert one < three < 2.2 * one


def test_little_past_is_no_error() -> None:
    """Five weeks, a customer without a repeat order, a horizon ten times as long."""
    few = days_of({0: [0, 9, 20], 1: [3], 2: [1, 2, 30]}, 35)
    for rival in (direct_trees, direct_linear, direct_btyd):
        found = rival(Past(few, 350))
        assert np.isfinite([found.orders, found.spend, found.p_any]).all()
        assert ((found.p_any >= 0) & (found.p_any <= 1)).all()
