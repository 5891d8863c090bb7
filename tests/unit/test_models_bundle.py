"""Models are pure data: what was saved is what is loaded, anything else is refused, the numbers mean what they say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from agents.models import Basket, CustomerModels, Hazard, History, covariates, default_models, record_orders, sigmoid
from agents.models.basket import quantile_grid
from agents.models.hazard import possible
from sim import ModelError

FEATURES = ("log_since", "since_is_2", "closing_40", "log_tenure", "rate_7", "rate_112", "late", "late_far", "gap_mean",
            "weekday_share", "weekday_share_2", "weekday_3", "net_recent", "log_orders")  # fmt: skip


@pytest.fixture
def models() -> CustomerModels:
    return default_models(orders_per_year=20, basket_cents=5_000)


@pytest.fixture(scope="module")
def history() -> History:
    luck = np.random.default_rng(5)
    history = History()
    history.append(3_000, joined=-luck.integers(0, 50, 3_000))
    for day in range(60):
        rows = np.flatnonzero(luck.random(3_000) < 0.1)
        record_orders(history, rows, day, luck.integers(1, 9_000, len(rows)))
    return history


def test_json_round_trip(models: CustomerModels) -> None:
    models.basket.residual(np.array([0.5]))  # fills what is cached, which is no part of the model
    again = CustomerModels.from_json(models.to_json())
    assert again == models
    assert hash(again.basket) == hash(models.basket)
    assert again.basket != models.basket.model_copy(update={"intercept": 0.0})
    assert again.digest() == models.digest()


def _changed(models: CustomerModels, **changes: Any) -> str:
    return json.dumps({**json.loads(models.to_json()), **changes})


def test_files_that_cannot_be_used_are_refused_with_place_and_cure(models: CustomerModels) -> None:
    cases = {
        _changed(models, format="siyu-models/1"): "format must be 'siyu-models/2' .got 'siyu-models/1'.; train",
        _changed(models, digest="0" * 16): f"do not match their hash, which would be {models.digest()}",
        _changed(models, lapse_days=models.lapse_days + 1): "do not match their hash",
        _changed(models, lapse_days=1): "lapse_days",
        _changed(models, extra=1): "extra",
        "[1]": "one JSON object",
        "{": "not valid JSON",
        json.dumps({k: v for k, v in json.loads(models.to_json()).items() if k != "lapse"}): "'lapse' is missing",
        json.dumps({k: v for k, v in json.loads(models.to_json()).items() if k != "digest"}): "do not match their hash",
    }
    for text, message in cases.items():
        with pytest.raises(ModelError, match=f"^my.json.*{message}"):
            CustomerModels.from_json(text, "my.json")


def test_a_model_of_an_unknown_feature_or_of_another_name_is_refused(models: CustomerModels) -> None:
    data = json.loads(models.to_json())
    data["repurchase"]["features"] = ["log_sinze"]
    with pytest.raises(ModelError, match="no feature 'log_sinze'; did you mean 'log_since'"):
        CustomerModels.from_json(json.dumps(data))
    data = json.loads(models.to_json())
    data["repurchase"]["name"] = "lapse"
    with pytest.raises(ModelError, match="the hazard 'repurchase' is named 'lapse'"):
        CustomerModels.from_json(json.dumps(data))


def test_the_short_cut_equals_the_matrix_and_does_not_depend_on_chunks(history: History) -> None:
    luck = np.random.default_rng(2)
    hazard = Hazard(
        name="repurchase", features=FEATURES, coef=tuple(luck.normal(size=len(FEATURES))), intercept=-1.5, source="test"
    )
    x = covariates(FEATURES, history, slice(None), 60, 3)
    whole = hazard.logit_at(history, slice(None), 60, 3)
    np.testing.assert_allclose(whole, hazard.logit(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(hazard.probability(x), 1 / (1 + np.exp(-whole)), rtol=1e-12)
    order = luck.permutation(3_000)
    for size in (1, 7, 1_000):
        for low in range(0, 3_000, max(size, 500)):
            rows = order[low : low + size]
            np.testing.assert_array_equal(hazard.logit_at(history, rows, 60, 3), whole[rows])  # to the byte


def test_recalibration_is_folded_into_the_numbers(history: History) -> None:
    hazard = Hazard(name="lapse", features=("rate_28",), coef=(0.7,), intercept=0.2, source="test")
    x = covariates(hazard.features, history, slice(None), 60, 0)
    np.testing.assert_allclose(hazard.recalibrated(1.3, -0.4).logit(x), 1.3 * hazard.logit(x) - 0.4)
    short_cut = hazard.logit_at(history, slice(None), 60, 0)  # its tables are kept by the hazard, not by the copy
    copied = hazard.recalibrated(1.3, -0.4).logit_at(history, slice(None), 60, 0)
    np.testing.assert_allclose(copied, 1.3 * short_cut - 0.4)


def test_sigmoid_has_no_overflow() -> None:
    with np.errstate(over="raise", invalid="raise"):
        p = sigmoid(np.array([-1e4, -700.0, 0.0, 700.0, 1e4]))
    assert p[2] == 0.5
    assert np.all((p >= 0) & (p <= 1))
    assert np.all(np.diff(p) >= 0)


def test_no_draw_below_its_probability_is_ruled_out() -> None:
    """Whatever the bound's distance, and hardly anybody else is let through when the bound is tight."""
    luck = np.random.default_rng(3)
    u, logit = luck.random(200_000), luck.normal(-3.0, 3.0, 200_000)
    logit[:4] = -np.inf, -1e4, 1e4, np.inf
    below = np.flatnonzero(u < sigmoid(logit))
    tight = possible(u, logit.astype(np.float32))
    assert np.isin(below, tight).all()
    assert len(tight) < 1.06 * len(below)
    loose = possible(u, (logit + luck.exponential(size=len(u))).astype(np.float32))
    assert np.isin(below, loose).all()


def test_nobody_exceeds_the_highest_value_of_a_predictor(history: History) -> None:
    features, coef = ("log_since", "log_orders", "only_order", "closing_49"), (0.4, -0.3, 0.2, 0.7)
    hazard = Hazard(name="repurchase", features=features, coef=coef, intercept=-1.5, source="test")
    logits = [hazard.logit_at(history, slice(None), day, 0) for day in (60, 90, 2_000)]
    assert np.max(logits) <= hazard.highest < 10
    per_row = hazard.model_copy(update={"features": ("rate_28",), "coef": (0.1,)})
    assert per_row.highest == np.inf


@pytest.mark.parametrize(("orders_per_year", "shape"), [(12.0, 1.0), (50.0, 1.15), (4.0, 1.6), (200.0, 1.15)])
def test_default_gaps_have_the_mean_asked_for(orders_per_year: float, shape: float) -> None:
    models = default_models(orders_per_year=orders_per_year, basket_cents=100, gap_shape=shape)
    history = History()
    history.append(1, joined=0)
    record_orders(history, np.array([0]), 0, [100])
    days = range(1, int(60 * 365 / orders_per_year))
    hazard = np.array([sigmoid(models.repurchase.logit_at(history, slice(None), day, 0))[0] for day in days])
    mean_gap = 1 + np.cumprod(1 - hazard).sum()
    assert mean_gap == pytest.approx(365 / orders_per_year, rel=1e-6)
    assert (shape == 1.0) == bool(np.ptp(hazard) < 1e-12)


def test_default_lapse_starts_as_told_and_falls_with_orders() -> None:
    models = default_models(orders_per_year=10, basket_cents=100, lapse_after_first=0.4)
    history = History()
    history.append(2, joined=0)
    record_orders(history, np.array([0, 1]), 0, [100, 100])
    record_orders(history, np.array([1]), 9, [100])
    p = sigmoid(models.lapse.logit_at(history, slice(None), 9, 0))
    assert p[0] == pytest.approx(0.4)
    assert p[1] / (1 - p[1]) == pytest.approx(2 / 3 * 0.4 / 0.6)


@pytest.mark.parametrize("log_sd", [0.0, 0.5, 1.02, 1.5])
def test_default_baskets_have_the_mean_and_spread_asked_for(log_sd: float) -> None:
    basket = default_models(orders_per_year=10, basket_cents=4_000, basket_log_sd=log_sd).basket
    u = (np.arange(200_000) + 0.5) / 200_000
    amount = basket.amount_cents(np.empty((0, len(u))), u)
    assert amount.dtype == np.int64
    assert amount.mean() == pytest.approx(4_000, rel=2e-3)
    assert np.log(amount).std() == pytest.approx(log_sd, abs=0.02)
    assert np.all(np.diff(amount) >= 0)  # an inverse distribution function: more luck never buys less


def test_learned_quantiles_keep_the_mean_of_a_long_tail() -> None:
    ratio = np.random.default_rng(3).pareto(2.2, 50_000) * 1.2
    ratio /= ratio.mean()
    basket = Basket(features=(), coef=(), intercept=0.0, quantiles=quantile_grid(ratio), source="test")
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    drawn = basket.residual(u)
    assert drawn.mean() == pytest.approx(1.0, abs=1e-5)
    for level in (0.1, 0.5, 0.9, 0.99):
        assert np.quantile(drawn, level) == pytest.approx(np.quantile(ratio, level), rel=0.01)
    assert basket.exceeds(np.array([np.quantile(ratio, 0.9)]))[0] == pytest.approx(0.1, abs=0.002)


def test_baskets_are_at_least_a_cent_and_never_overflow() -> None:
    basket = Basket(features=("net_last",), coef=(9.0,), intercept=0.0, quantiles=(0.0, 1.0, 2.0), source="test")
    x = np.array([[-1e6, 0.0, 1e6]])
    amount = basket.amount_cents(x, np.array([0.5, 1e-9, 0.999]))
    assert amount[0] == 1
    assert amount[1] == 1
    assert 0 < amount[2] < 2**63 - 1


def test_quantiles_of_another_mean_are_refused() -> None:
    with pytest.raises(ValueError, match="mean 1, not 2"):
        Basket(features=(), coef=(), intercept=0.0, quantiles=(1.0, 3.0), source="test")
    with pytest.raises(ValueError, match="must not fall"):
        Basket(features=(), coef=(), intercept=0.0, quantiles=(2.0, 0.0), source="test")
