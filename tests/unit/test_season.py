"""What customers of a day have in common, and how far the logs leave the models' numbers open."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from agents.models import Basket, Hazard
from agents.models.basket import quantile_grid
from agents.models.season import Season
from experiments.learning.fit import Scale, fit_basket, fit_hazard, triangle, without_last
from experiments.learning.learn import day_of_month
from experiments.learning.weather import NOISE_PRIOR, Strays, noise_and_drift
from sim import Draws

START = dt.date(2024, 2, 27)


def test_days_of_the_month_are_added_as_they_are() -> None:
    season = Season(order_by_day=tuple(range(31)), basket_by_day=tuple(-d for d in range(31)))
    course = season.course(Draws(1), START, 5)
    assert course.order.tolist() == [26, 27, 28, 0, 1]  # a leap year: 27, 28, 29 February, 1, 2 March
    assert course.basket.tolist() == [-26, -27, -28, 0, -1]


def test_a_week_is_out_of_the_ordinary_as_a_whole_and_under_every_policy() -> None:
    season = Season(order_noise=0.2)
    course = season.course(Draws(3), START, 20).order
    assert len(set(course[:7])) == len(set(course[7:14])) == 1
    assert course[0] != course[7]
    np.testing.assert_array_equal(course, season.course(Draws(3), START, 90).order[:20])


def test_noise_is_gone_after_a_week_and_drift_stays() -> None:
    many = [Season(order_noise=0.3, basket_drift=0.1).course(Draws(s), START, 7 * 26) for s in range(600)]
    order, basket = (np.array([getattr(c, name)[::7] for c in many]) for name in ("order", "basket"))
    np.testing.assert_allclose(order.std(axis=0), 0.3, rtol=0.12)
    assert abs(np.corrcoef(order[:, 4], order[:, 5])[0, 1]) < 0.12
    np.testing.assert_allclose(basket.std(axis=0), 0.1 * np.sqrt(np.arange(26) + 0.25), rtol=0.12)
    assert np.corrcoef(basket[:, 20], basket[:, 25])[0, 1] > 0.8


def test_a_month_has_31_days() -> None:
    with pytest.raises(ValueError, match="needs 31 numbers, not 30"):
        Season(order_by_day=(0.0,) * 30)


@pytest.mark.parametrize(("noise", "drift"), [(0.06, 0.0), (0.0, 0.02), (0.0, 0.0)])
def test_weather_is_found_in_weekly_strays(noise: float, drift: float) -> None:
    found = []
    for seed in range(12):
        z = Draws(seed)
        weeks = np.arange(60)
        level = np.cumsum(drift * z.normal("level", 0, weeks))
        luck = 0.01 * z.normal("luck", 0, weeks)
        strays = Strays(level + luck + noise * z.normal("noise", 0, weeks), np.full(60, 0.01**2))
        found.append(noise_and_drift(strays))
    found_noise, found_drift = np.mean(found, axis=0)
    assert found_noise == pytest.approx(noise, abs=0.012)
    assert found_drift == pytest.approx(drift, abs=0.006)


def test_short_logs_say_what_the_prior_says() -> None:
    noise, _ = noise_and_drift(Strays(np.zeros(3), np.ones(3)))
    assert noise == pytest.approx(NOISE_PRIOR * np.sqrt(2 / np.pi), rel=0.06)


def test_strays_are_logs_of_weekly_sums() -> None:
    week, one = np.array([0, 0, 2]), np.ones(3)
    strays = Strays.of(week, np.array([3.0, 1.0, 1.0]), one, 0.5 * one)
    np.testing.assert_allclose(strays.log_ratio, [np.log(2.0), 0.0])
    np.testing.assert_allclose(strays.variance, [1.0 / 4, 0.5])


def test_triangle_of_a_covariance_even_a_singular_one() -> None:
    root = np.array([[1.0, 0.0], [2.0, 0.0], [0.5, 3.0]])
    rows = triangle(root @ root.T)
    factor = np.zeros((3, 3))
    for number, row in enumerate(rows):
        factor[number, : number + 1] = row
    np.testing.assert_allclose(factor @ factor.T, root @ root.T, atol=1e-9)


def clustered(seed: int, customers: int = 300, days: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariates, events and customers of a logit with slope .8 on a trait and a taste that only the customer knows."""
    z, keys = Draws(seed), np.arange(customers)
    trait, taste = z.normal("trait", 0, keys), 0.7 * z.normal("taste", 0, keys)
    u = np.stack([z.uniform("event", day, keys) for day in range(days)])
    y = u < 1 / (1 + np.exp(1.5 - 0.8 * trait - taste))
    x = np.stack([np.tile(trait, days), np.tile(np.arange(days) % 7.0, customers)])
    return x, y.ravel().astype(np.float64), np.tile(keys, days)


def test_spread_knows_that_days_of_a_customer_are_alike() -> None:
    """The sd that a fit claims is that of the fits of many logs; days taken as independent would be too sure."""
    slopes, claimed, naive = [], [], []
    for seed in range(60):
        x, y, customer = clustered(seed)
        hazard = fit_hazard(
            "repurchase", ("log_since", "log_tenure"), x, y, customers=10**6, prior=0.01, source="t", customer=customer
        )
        slopes.append(hazard.coef[0])
        claimed.append(np.hypot(*(hazard.spread[0] + (0.0,))[:2]))
        p = hazard.probability(x)
        z = np.vstack([x, np.ones(len(y))])
        naive.append(np.sqrt(np.linalg.inv((z * (p * (1 - p))) @ z.T)[0, 0]))
    assert np.mean(claimed) == pytest.approx(np.std(slopes), rel=0.25)
    assert np.mean(naive) < 0.6 * np.std(slopes)


def test_drawn_coefficients_have_the_covariance_of_the_spread() -> None:
    rows = triangle(np.array([[0.04, 0.01], [0.01, 0.09]]))
    hazard = Hazard(name="lapse", features=("log_since",), coef=(1.0,), intercept=-2.0, source="t", spread=rows)
    drawn = [hazard.drawn(Draws(seed), "lapse") for seed in range(3000)]
    found = np.cov([(h.coef[0], h.intercept) for h in drawn], rowvar=False)
    np.testing.assert_allclose(found, [[0.04, 0.01], [0.01, 0.09]], atol=0.006)
    assert all(not h.spread for h in drawn)
    known = hazard.model_copy(update={"spread": ()})
    assert known.drawn(Draws(1), "lapse") is known


def test_a_spread_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="spread needs rows of 1 to 2 numbers"):
        Hazard(name="lapse", features=("log_since",), coef=(1.0,), intercept=0.0, source="t", spread=((1.0,), (1.0,)))


def test_covariates_that_leave_a_model_leave_the_spread_of_the_others() -> None:
    covariance = np.array([[4.0, 1.0, 0.5], [1.0, 9.0, 2.0], [0.5, 2.0, 1.0]])
    names = ("log_since", "log_tenure")
    hazard = Hazard(
        name="lapse", features=names, coef=(1.0, 2.0), intercept=3.0, source="t", spread=triangle(covariance)
    )
    less = without_last(hazard, 1)
    assert (less.features, less.coef, less.intercept) == (("log_since",), (1.0,), 3.0)
    factor = np.array([[less.spread[0][0], 0.0], less.spread[1]])
    np.testing.assert_allclose(factor @ factor.T, covariance[np.ix_([0, 2], [0, 2])], atol=1e-9)


def test_recalibrated_spread_stretches_with_the_logits() -> None:
    hazard = Hazard(name="lapse", features=(), coef=(), intercept=1.0, source="t", spread=((0.2,),))
    assert hazard.recalibrated(1.5, 0.3).spread == ((pytest.approx(0.3),),)


def lognormal(sd: float) -> tuple[float, ...]:
    z = Draws(0).normal("grid", 0, np.arange(200_000))
    return quantile_grid(np.exp(sd * z))


@pytest.mark.parametrize("stretch", [0.4, 1.0, 1.7])
def test_stretched_residuals_keep_their_mean_and_are_as_wide(stretch: float) -> None:
    basket = Basket(features=(), coef=(), intercept=0.0, quantiles=lognormal(0.6), source="t")
    u = (np.arange(400_000) + 0.5) / 400_000
    residual = basket.residual(u, np.full(len(u), stretch))
    assert residual.mean() == pytest.approx(1.0, rel=2e-3)
    assert np.log(residual).std() == pytest.approx(0.6 * stretch, rel=0.01)
    above = basket.exceeds(residual[::1000], np.full(400, stretch))
    np.testing.assert_allclose(above, 1 - u[::1000], atol=1e-6)


def test_widths_of_customers_are_learned() -> None:
    z, rows = Draws(4), np.arange(30_000)
    group = (rows % 2).astype(np.float64)
    sd = np.where(group == 1, 1.0, 0.4)
    net = 5000 * np.exp(sd * z.normal("net", 0, rows) - sd**2 / 2)
    basket = fit_basket(
        ("net_known", "log_since"), np.stack([group, np.ones(len(rows))]), np.rint(net).astype(np.int64),
        source="t", widths=("net_known",),
    )  # fmt: skip
    assert basket.stretch is not None
    assert np.exp(basket.stretch.coef[0]) == pytest.approx(2.5, rel=0.05)
    u = (np.arange(20_000) + 0.5) / 20_000
    for value, width in ((0.0, 0.4), (1.0, 1.0)):
        stretch = np.exp(basket.stretch.linear(np.full((1, len(u)), value)))
        assert np.log(basket.residual(u, stretch)).std() == pytest.approx(width, rel=0.06)


def test_scale_of_what_never_varies() -> None:
    """A covariate that never varied has no number and no spread."""
    x, y, customer = clustered(1)
    x[1] = 3.0
    names = ("log_since", "log_tenure")
    hazard = fit_hazard("lapse", names, x, y, customers=10**6, prior=0.01, source="t", customer=customer)
    assert hazard.coef[1] == 0.0
    np.testing.assert_allclose(hazard.spread[1], 0.0, atol=1e-9)
    slope = LogisticRegression(C=1e9).fit(Scale(x, np.ones(len(y)))(x), y > 0).coef_[0, 0]
    assert hazard.coef[0] * x[0].std() == pytest.approx(slope, rel=1e-2)


def test_days_of_the_month_of_logs() -> None:
    assert day_of_month(START, np.array([0, 2, 3, 33, 34])).tolist() == [27, 29, 1, 31, 1]
