"""Training recovers what made the logs, uses nothing from after the cut-off, and exports what scikit-learn fitted."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from agents.models import CustomerModels, covariates, sigmoid
from experiments.data import Logs
from experiments.data.logs import digest_of
from experiments.learning.fit import Scale, fit_hazard
from experiments.learning.learn import BASKET_MEMORY_DAYS, LAPSE
from experiments.learning.model_card import reliability, score
from experiments.learning.replay import Diary, Follower, build_design
from experiments.train import Training, train
from sim import DataError

ORIGIN = datetime.date(2024, 1, 1)
SPAN, CUT = 400, 299
LAPSE_SHARE = 0.06


def logs_of(customer: Any, day: Any, net: Any, last_day: int, **columns: Any) -> Logs:
    visits = pd.DataFrame({"customer": customer, "day": day, "gross": net, "discount": 0, "net": net}, dtype=np.int64)
    visits = visits.sort_values(["customer", "day"], ignore_index=True)
    n = int(visits["customer"].max()) + 1
    first = visits.groupby("customer")["day"].min().reindex(range(n), fill_value=last_day + 1).to_numpy()
    customers = pd.DataFrame({"first_day": first, **columns})
    return Logs(
        "made", ORIGIN, last_day, customers, visits, None, None, {}, digest_of(ORIGIN, last_day, customers, visits)
    )


def buy_till_you_lapse(seed: int, customers: int) -> tuple[Logs, np.ndarray[Any, Any]]:
    """Logs of customers who order at a steady rate of their own and lapse after an order with one and the same chance.

    Returns the logs and the day of each customer's lapse.
    """
    luck = np.random.default_rng(seed)
    rows, lapsed_on = [], np.full(customers, 10**6)
    for customer in range(customers):
        rate, day = luck.choice([1 / 5, 1 / 12]), int(luck.integers(0, 120))
        while day < SPAN:
            rows.append((customer, day))
            if luck.random() < LAPSE_SHARE:
                lapsed_on[customer] = day
                break
            day += int(luck.geometric(rate))
    customer_, day_ = np.array(rows).T
    net = np.rint(np.exp(luck.normal(7.5, 0.6, len(rows)))).astype(np.int64) + 1
    return logs_of(customer_, day_, net, SPAN - 1), lapsed_on


@pytest.fixture(scope="module")
def made() -> tuple[Logs, np.ndarray[Any, Any]]:
    return buy_till_you_lapse(3, 700)


@pytest.fixture(scope="module")
def training(made: tuple[Logs, np.ndarray[Any, Any]]) -> Training:
    return train(made[0], cut_off=ORIGIN + datetime.timedelta(days=CUT), lapse_days=90)


def test_exported_probabilities_equal_scikit_learns() -> None:
    luck = np.random.default_rng(1)
    x = luck.normal(size=(5, 4_000)) * np.array([[1], [40], [0.01], [3], [0]]) + 7
    y = (luck.random(4_000) < 1 / (1 + np.exp(-0.05 * (x[1] - 7) + 1))).astype(float)
    weight = luck.random(4_000)
    hazard = fit_hazard(
        "repurchase", ("log_since", "rate_7", "rate_28", "late", "gap_sd"), x, y,
        weight=weight, customers=3_000, prior=0.1, source="test",
    )  # fmt: skip
    scale = Scale(x, weight)
    events = float(weight @ y)
    strength = 3_000 / 2_000 * min(1.0, 3_000 / events)
    theirs = LogisticRegression(C=strength, solver="newton-cholesky").fit(scale(x), y > 0, sample_weight=weight)
    np.testing.assert_allclose(hazard.probability(x), theirs.predict_proba(scale(x))[:, 1], rtol=0, atol=1e-9)
    assert hazard.coef[4] == 0.0  # never varied


def test_labels_in_shares_equal_rows_counted_twice() -> None:
    luck = np.random.default_rng(2)
    x, share = luck.normal(size=(2, 600)), luck.random(600)
    kind: dict[str, Any] = {"customers": 600, "prior": 0.1, "source": "test"}
    once = fit_hazard("lapse", ("late", "gap_sd"), x, share, **kind)
    twice = fit_hazard(
        "lapse", ("late", "gap_sd"), np.hstack([x, x]), np.repeat([1.0, 0.0], 600),
        weight=np.concatenate([share, 1 - share]), **kind,
    )  # fmt: skip
    np.testing.assert_allclose(once.probability(x), twice.probability(x), atol=1e-5)


def test_too_few_events_give_a_smoothed_constant() -> None:
    y = np.zeros(200)
    y[:3] = 1
    hazard = fit_hazard("comeback", ("late",), np.arange(200.0)[None], y, customers=50, prior=0.01, source="test")
    assert hazard.features == ()
    assert hazard.probability(np.empty((0, 1)))[0] == pytest.approx((3 + 1) / (200 + 100))


def test_censored_silences_are_weighted_so_that_the_lapse_share_is_recovered(
    made: tuple[Logs, np.ndarray[Any, Any]], training: Training
) -> None:
    logs, _ = made
    diary = Diary.of(logs, CUT)
    design = build_design(diary, daily=("log_since",), lapse=LAPSE, basket=(), first_day=CUT, last_day=CUT)
    late = diary.day > CUT - 90  # whether these lapsed cannot be known yet
    learned = training.models.lapse.probability(
        design.lapse_x[[LAPSE.index(f) for f in training.models.lapse.features]]
    )
    error = np.sqrt(LAPSE_SHARE * (1 - LAPSE_SHARE) / (diary.day < CUT - 90).sum())
    assert learned[~late].mean() == pytest.approx(LAPSE_SHARE, abs=4 * error)
    assert learned[late].mean() == pytest.approx(LAPSE_SHARE, abs=4 * error)
    # The control: counting every unfinished silence as a lapse misses by far more than that.
    last = diary.next_day() > CUT
    assert abs(last[late].mean() - LAPSE_SHARE) > 10 * error


def test_probability_of_having_lapsed_is_calibrated(
    made: tuple[Logs, np.ndarray[Any, Any]], training: Training
) -> None:
    truth = made[1][training.customer] <= CUT
    p = training.p_lapsed
    assert p.mean() == pytest.approx(truth.mean(), abs=4 * np.sqrt((p * (1 - p)).sum()) / len(p) + 0.005)
    open_ = (p > 0.02) & (p < 0.98)
    assert open_.sum() > 100
    assert p[open_].mean() == pytest.approx(truth[open_].mean(), abs=4 * np.sqrt(0.25 / open_.sum()))
    assert score(p, truth).auc > 0.95  # type: ignore[operator]


def test_a_steady_rate_is_found_to_be_steady(training: Training) -> None:
    """The repurchase hazard of those who have not lapsed is their own constant rate, at any silence that is common."""
    card, state, models = training.card, training.state, training.models
    assert card.tasks["order"].scores["model"].bias == pytest.approx(1.0, abs=0.05)
    assert card.tasks["order"].scores["model"].log_loss < card.tasks["order"].scores["recency table"].log_loss
    active = np.flatnonzero((state.last_order >= -10) & (state.orders > 8))
    rate = state.orders[active] / -state.joined[active]
    fast, slow = active[rate > 1 / 7], active[rate < 1 / 10]
    assert min(len(fast), len(slow)) > 15
    assert sigmoid(models.repurchase.logit_at(state, fast, 0, 0)).mean() == pytest.approx(1 / 5, rel=0.15)
    assert sigmoid(models.repurchase.logit_at(state, slow, 0, 0)).mean() == pytest.approx(1 / 12, rel=0.2)


def test_baskets_of_noise_have_the_mean_and_spread_of_the_noise(training: Training) -> None:
    basket = training.models.basket
    x = covariates(basket.features, training.state, slice(None), 0, 2)
    truth = np.exp(7.5 + 0.6**2 / 2) + 1
    assert basket.mean_cents(x).mean() == pytest.approx(truth, rel=0.03)
    u = (np.arange(10_000) + 0.5) / 10_000
    assert np.log(basket.residual(u)).std() == pytest.approx(0.6, abs=0.03)


def test_nothing_after_the_cut_off_reaches_the_models(made: tuple[Logs, np.ndarray[Any, Any]]) -> None:
    logs, _ = made
    few = logs.visits["customer"] < 150
    logs = logs_of(*(logs.visits[few][name] for name in ("customer", "day", "net")), SPAN - 1)
    visits = logs.visits.copy()
    late = visits["day"] > CUT
    visits.loc[late, ["gross", "net"]] += 999
    visits.loc[late, "day"] = SPAN - 1
    changed = dataclasses.replace(logs, visits=visits.drop_duplicates(["customer", "day"]))
    cut = ORIGIN + datetime.timedelta(days=CUT)
    first, second = (train(given, cut_off=cut, lapse_days=60) for given in (logs, changed))
    assert first.models == second.models
    np.testing.assert_array_equal(first.p_lapsed, second.p_lapsed)
    for name, column in first.state.arrays().items():
        np.testing.assert_array_equal(column, second.state.arrays()[name], err_msg=name)
    assert first.card.tasks["order"] != second.card.tasks["order"]  # the control


def test_the_state_is_that_of_the_evening_of_the_cut_off(
    made: tuple[Logs, np.ndarray[Any, Any]], training: Training
) -> None:
    visits = made[0].visits[made[0].visits["day"] <= CUT]
    by_customer = visits.groupby("customer")
    state = training.state
    np.testing.assert_array_equal(training.customer, np.unique(visits["customer"]))
    np.testing.assert_array_equal(state.key, training.customer)
    np.testing.assert_array_equal(state.last_order, by_customer["day"].max() - CUT - 1)
    np.testing.assert_array_equal(state.joined, by_customer["day"].min() - CUT - 1)
    np.testing.assert_array_equal(state.orders, by_customer.size())
    season = visits[visits["day"] > CUT - 91].groupby("customer")["net"].sum().reindex(training.customer, fill_value=0)
    np.testing.assert_array_equal(training.spend_before, season)


def test_known_customers_without_orders_are_in_the_state() -> None:
    logs, _ = buy_till_you_lapse(5, 150)
    joined = pd.array([pd.NA] * 148 + [50, CUT + 5], dtype="Int64")
    kept = logs.visits[logs.visits["customer"] < 148]
    logs = logs_of(kept["customer"], kept["day"], kept["net"], SPAN - 1)
    customers = pd.DataFrame({"first_day": [*logs.customers["first_day"], SPAN, SPAN], "joined_day": joined})
    made = train(dataclasses.replace(logs, customers=customers), lapse_days=90)
    assert made.state.orders[made.customer == 148] == 0
    assert made.p_lapsed[made.customer == 148] == 0.0
    assert 149 not in made.customer


def test_silence_is_evidence(training: Training, made: tuple[Logs, np.ndarray[Any, Any]]) -> None:
    follower = Follower(training.models, Diary.of(made[0], 200))
    for day in range(201):
        follower.advance(day)
    before = follower.p_lapsed(200)
    for day in range(201, 201 + 120):
        follower.advance(day)
        after = follower.p_lapsed(day)
        assert np.all(after >= before - 1e-12)
        before = after
    assert np.all(before[follower.history.orders > 0] == 1.0)


def test_card_and_models_round_trip(training: Training) -> None:
    assert CustomerModels.from_json(training.models.to_json()) == training.models
    card = json.loads(training.card.to_json())
    assert card["versions"]["models"] == training.models.digest()
    assert card["digest"] == training.models.trained_on
    assert set(training.card.tasks) >= {"order", "lapse", "week", "four_weeks"}
    assert "AUC" in str(training.card)


def test_scores_of_known_forecasts() -> None:
    p, y = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
    found = score(p, y)
    assert found.auc == pytest.approx(0.875)  # one pair of four is a tie
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.36 + 0.04) / 4)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.6, 0.4, 0.8]).mean())
    assert found.bias == pytest.approx(0.85)
    luck = np.random.default_rng(0)
    right = luck.random(200_000)
    happened = luck.random(200_000) < right
    assert score(right, happened).ece10 < 0.005
    assert score(right**2, happened).ece10 > 0.1
    assert sum(n for _, _, n in reliability(right, happened)) == 200_000
    assert score(np.array([0.5]), np.array([True])).auc is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v[v["day"] < 60], "at least 56 days of logs up to the cut-off are needed to learn .got 45.; bring"),
        (lambda v: v[v["customer"] < 20], "at least 30 customers with an order .* .got 20."),
        (
            lambda v: v.drop_duplicates("customer"),
            "at least 50 orders within 14 days of the one before .* .got 0.; bring",
        ),
    ],
)
def test_too_little_to_learn_from_is_refused_with_rule_number_and_cure(
    made: tuple[Logs, np.ndarray[Any, Any]], change: Any, message: str
) -> None:
    kept = change(made[0].visits)
    logs = logs_of(kept["customer"], kept["day"], kept["net"], min(SPAN - 1, int(kept["day"].max())))
    with pytest.raises(DataError, match=f"made: {message}"):
        train(logs)


def test_a_cut_off_outside_the_logs_and_a_lapse_that_is_too_long_are_refused(
    made: tuple[Logs, np.ndarray[Any, Any]],
) -> None:
    with pytest.raises(DataError, match=r"a day of the logs, 2024-01-01 to 2025-02-03 .got '2026-01-01'."):
        train(made[0], cut_off=datetime.date(2026, 1, 1))
    with pytest.raises(DataError, match="a day of the logs"):
        train(made[0], cut_off=datetime.date(2023, 1, 1))
    with pytest.raises(DataError, match="twice lapse_days 180"):
        train(made[0], lapse_days=180)
    with pytest.raises(DataError, match="at least 2 lapse_days"):
        train(made[0], lapse_days=0)


def test_a_cut_off_on_the_last_day_trains_without_judging() -> None:
    logs, _ = buy_till_you_lapse(6, 120)
    made = train(logs, cut_off=ORIGIN + datetime.timedelta(days=SPAN - 1))
    assert made.card.tasks == {}
    assert made.card.baskets == {}
    assert made.models.cut_off == ORIGIN + datetime.timedelta(days=SPAN - 1)


def test_logs_whose_last_season_is_empty() -> None:
    """A lone order at the end of the logs puts the cut-off into a silence of everybody."""
    logs, _ = buy_till_you_lapse(6, 120)
    visits = logs.visits[logs.visits["day"] < SPAN - 200]
    made = train(
        logs_of(visits["customer"], visits["day"], visits["net"], SPAN - 1),
        cut_off=ORIGIN + datetime.timedelta(days=SPAN - 1),
        lapse_days=60,
    )
    assert made.models.basket.personal == 0.0
    assert made.spend_before.sum() == 0


@pytest.mark.parametrize("net", [0, 1_000, 10**9])
def test_constant_amounts(net: int) -> None:
    logs, _ = buy_till_you_lapse(7, 100)
    logs = logs_of(logs.visits["customer"], logs.visits["day"], np.full(len(logs.visits), net), SPAN - 1)
    basket = train(logs).models.basket
    x = covariates(basket.features, Diary.of(logs, 1).blank_history(), slice(None), 0, 0)
    np.testing.assert_allclose(basket.residual(np.array([0.001, 0.5, 0.999])), 1.0, rtol=1e-3)
    assert np.all(np.isfinite(basket.mean_cents(x)))


def test_a_few_huge_baskets_keep_the_total() -> None:
    logs, _ = buy_till_you_lapse(8, 300)
    net = logs.visits["net"].to_numpy().copy()
    net[::997] = 10**9
    logs = logs_of(logs.visits["customer"], logs.visits["day"], net, SPAN - 1)
    made = train(logs)
    diary = Diary.of(logs, (made.models.cut_off - ORIGIN).days)  # type: ignore[operator]
    features = made.models.basket.features
    last = int(diary.day.max())
    design = build_design(diary, daily=("log_since",), lapse=(), basket=features, first_day=last, last_day=last)
    season = [made.models.season.basket_on(diary.date(int(day))) for day in diary.day]
    weight = np.exp2((diary.day - (made.models.cut_off - ORIGIN).days) / BASKET_MEMORY_DAYS)  # type: ignore[operator]
    expected = made.models.basket.mean_cents(design.basket_x) * np.exp(season)
    assert weight @ expected == pytest.approx(weight @ diary.net, rel=1e-6)
