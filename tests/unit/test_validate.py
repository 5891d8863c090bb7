"""The comparison of a simulated future with the real one: order days, facts, scores, blindness to the holdout."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, poisson
from typer.testing import CliRunner

from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from experiments.data import load_logs
from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.facts import FACTS, SHAPES, facts_of
from experiments.forecasting.forecast import WORLD, FactCheck, Forecast, check_facts
from experiments.forecasting.forecast_document import markdown, save
from experiments.forecasting.order_days import NEVER, OrderDays
from experiments.forecasting.quarters import Tally, live_quarter, only_buyers, quiet_scenario, tally_quarters
from experiments.forecasting.scores import Scores, crps
from experiments.terminal.validation import app
from experiments.train import train
from experiments.validate import forecast
from sim.errors import DataError, SiyuError
from tests.markets import CUT_OFF, MONDAY, logs_of, toy_logs


def order_days(*entries: tuple[int, int, int], n: int, days: int, before: list[int] | None = None) -> OrderDays:
    """Order days from (customer, day, net) sorted by customer and day."""
    customer, day, net = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    return OrderDays(MONDAY, days, np.array([NEVER] * n if before is None else before), customer, day, net)


@pytest.fixture(scope="module")
def learned() -> Learned:
    """What training on the days up to the cut-off gives."""
    logs = toy_logs()
    visits = logs.visits[logs.visits["day"] <= 167].reset_index(drop=True)
    return only_buyers(train(replace(logs, last_day=167, visits=visits), cut_off=CUT_OFF).learned())


@pytest.fixture(scope="module")
def found() -> Forecast:
    return forecast(toy_logs(), cut_off=CUT_OFF, replicates=20, processes=1)


# -- order days -------------------------------------------------------------------------------------------------------


def test_order_days_of_logs() -> None:
    logs = logs_of(np.array([0, 0, 0, 2, 2]), np.array([3, 9, 12, 10, 11]), np.array([5, 6, 7, 8, 9]), 20, 3)
    orders = OrderDays.of_logs(logs, np.array([2, 0]), 10, 16)
    assert orders.start == MONDAY + dt.timedelta(days=10)
    assert orders.days == 7
    assert orders.before.tolist() == [NEVER, -1]
    assert orders.orders().tolist() == [2, 1]
    assert orders.spend().tolist() == [17, 7]
    gap, customer = orders.gaps()
    assert sorted(zip(customer.tolist(), gap.tolist(), strict=True)) == [(0, 1), (1, 3)]


def test_weeks_are_whole() -> None:
    orders = order_days((0, 0, 100), (0, 7, 200), (1, 13, 300), (1, 14, 900), n=2, days=17)
    assert orders.weekly_orders().tolist() == [1, 2]
    assert orders.weekly_spend().tolist() == [1.0, 5.0]


# -- facts ------------------------------------------------------------------------------------------------------------


def test_facts_by_hand() -> None:
    """Two weeks from a Monday; customer 0 orders on days 0, 1, 6 and 8, customer 1 on 13, customer 2 never."""
    orders = order_days(
        (0, 0, 1000), (0, 1, 1000), (0, 6, 2000), (0, 8, 4000), (1, 13, 2000), n=3, days=14, before=[-3, -20, NEVER]
    )  # fmt: skip
    facts = facts_of(orders)
    expected = {
        "weekly_spend": 50.0,
        "weekly_customers": 1.5,
        "orders_per_active_week": 5 / 3,
        "again_after_active": 1.0,
        "again_after_silent": 0.5,
        "sunday_orders": 2 / 5,
        "sunday_spend": 4000 / 10000,
        "gap_mean": (3 + 1 + 5 + 2 + 33) / 5,
        "gap_median": 3.0,
        "gap_one_day": 0.2,
        "gap_over_14": 0.2,
        "gap_cv": np.std([3, 1, 5, 2], ddof=1) / 2.75,
        "basket_log_mean": np.log([10, 10, 20, 40, 20]).mean(),
        "basket_within": np.log([10, 10, 20, 40]).std(ddof=1),
        "silent": 1 / 3,
        "gap_longer": 0.2,
        "gap_4_to_7": 0.2,
        "orders_p50": 1.0,
    }
    for name, value in expected.items():
        assert facts[name] == pytest.approx(value), name
    assert facts.keys() == FACTS.keys() | SHAPES.keys()
    assert len(FACTS) == 22


def test_concentration_by_hand() -> None:
    """Ten customers who spend 1 … 10: the top one 10 of 55, the top two 19, the lower five 15."""
    facts = facts_of(order_days(*((c, 0, 100 * (c + 1)) for c in range(10)), n=10, days=7))
    assert facts["top_decile"] == pytest.approx(10 / 55)
    assert facts["top_fifth"] == pytest.approx(19 / 55)
    assert facts["bottom_half"] == pytest.approx(15 / 55)


def test_facts_do_not_depend_on_who_is_who(found: Forecast) -> None:
    logs = toy_logs()
    codes = np.arange(290)
    ours = facts_of(OrderDays.of_logs(logs, codes, 168, 223))
    theirs = facts_of(OrderDays.of_logs(logs, np.random.default_rng(0).permutation(codes), 168, 223))
    assert theirs == pytest.approx(ours)


def test_nothing_happened_is_no_error() -> None:
    facts = facts_of(order_days(n=3, days=14))
    assert facts["silent"] == 1.0
    assert np.isnan(facts["gap_mean"])
    assert not check_facts(
        [Tally.of(order_days(n=3, days=14))], Tally.of(order_days(n=3, days=14)), {"gap_mean": FACTS["gap_mean"]}
    )


def test_a_fact_is_inside_its_band() -> None:
    fact = FACTS["silent"]
    assert FactCheck("silent", fact, 0.1, 0.1, 0.1, 0.1).inside
    assert not FactCheck("silent", fact, 0.1, 0.12, 0.11, 0.13).inside


# -- scores -----------------------------------------------------------------------------------------------------------


def test_scores_by_hand() -> None:
    observed = Tally.of(order_days((0, 0, 1000), (0, 8, 1000), (1, 9, 2000), n=3, days=14))
    forecast = CustomerForecast(
        orders=np.array([3.0, 1.0, 1.0]), spend=np.array([2000.0, 4000.0, 0.0]), p_any=np.array([0.9, 0.8, 0.3]),
        weekly_orders=np.array([2.0, 3.0]),
    )  # fmt: skip
    scores = Scores.of(forecast, observed)
    assert scores.orders_error_percent == pytest.approx(100 * 2 / 3)
    assert scores.orders_mae == pytest.approx(2 / 3)
    assert scores.orders_rmse == pytest.approx(np.sqrt(2 / 3))
    assert scores.spend_error_percent == pytest.approx(50)
    assert scores.spend_mae == pytest.approx(20 / 3)  # in currency
    assert scores.auc == 1.0
    assert scores.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.7]).mean())
    assert scores.weekly_mape == pytest.approx(100 * (1 / 1 + 1 / 2) / 2)
    assert scores.cumulative_mape == pytest.approx(100 * (1 / 1 + 2 / 3) / 2)
    assert scores.orders_spearman == pytest.approx(np.corrcoef([3, 1.5, 1.5], [3, 2, 1])[0, 1])
    assert scores.brier == pytest.approx((0.01 + 0.04 + 0.09) / 3)
    assert scores.crps is None
    assert scores.total_low is None
    assert scores.covered is None


def test_crps_by_hand() -> None:
    """Simulated 0, 1, 3 against 1: mean distance 3 / 3; half the mean distance between two of them 6 / 3 / 2."""
    assert crps(np.array([[0], [1], [3]]), np.array([1])) == pytest.approx([0.0])
    assert crps(np.array([[0], [1], [3]]), np.array([5])) == pytest.approx([(5 + 4 + 2) / 3 - 1])
    order = np.random.default_rng(0).permutation(3)
    assert crps(np.array([[0], [1], [3]])[order], np.array([1])) == pytest.approx([0.0])


def test_crps_does_not_depend_on_the_number_of_replicates_and_prefers_the_truth() -> None:
    """Exact for a Poisson of mean 2: E|X - y| - E|X - X'| / 2; few replicates give the same mean as many."""
    rng = np.random.default_rng(3)
    truth, n = rng.poisson(2.0, 4000), 4000
    support = np.arange(30)
    mass = poisson.pmf(support, 2.0)
    spread = (mass[:, None] * mass * np.abs(support[:, None] - support)).sum() / 2
    exact = (np.abs(support[:, None] - truth) * mass[:, None]).sum(axis=0).mean() - spread
    few, many = (crps(rng.poisson(2.0, (m, n)), truth) for m in (4, 200))
    assert many.mean() == pytest.approx(exact, abs=0.01)
    assert few.mean() == pytest.approx(exact, abs=4 * few.std() / np.sqrt(n))
    assert crps(rng.poisson(2.6, (200, n)), truth).mean() > exact + 0.05


def test_spend_weeks_are_counted_against_their_bands() -> None:
    def tally(spend: float) -> Tally:
        return Tally(np.ones(3, np.int64), np.full(3, 100), np.array([1, 1, 1]), np.array([10.0, spend, 20.0]), {})

    forecast = CustomerForecast.of_tallies([tally(s) for s in np.linspace(4, 6, 40)])
    assert Scores.of(forecast, tally(5.0)).spend_weeks_held == 1.0
    assert Scores.of(forecast, tally(7.0)).spend_weeks_held == pytest.approx(2 / 3)


def test_intervals_cover_what_was_drawn_from_them() -> None:
    rng = np.random.default_rng(2)
    rate = rng.gamma(1, 4, 400)

    def tally(counts: Any) -> Tally:
        zero = np.zeros(400, dtype=np.int64)
        return Tally(counts, zero, np.array([counts.sum()]), np.zeros(1), {})

    drawn = [tally(rng.poisson(rate)) for _ in range(200)]
    forecast = CustomerForecast.of_tallies(drawn)
    truth = replace(tally(rng.poisson(rate)), spend=np.ones(400, dtype=np.int64))
    scores = Scores.of(forecast, truth)
    assert scores.total_held
    assert scores.covered is not None
    assert 0.88 < scores.covered < 0.99
    wrong = Scores.of(forecast, replace(truth, orders=rng.poisson(1.3 * rate)))
    assert not wrong.total_held
    assert ((forecast.p_any > 0) & (forecast.p_any < 1)).all()


# -- the whole comparison ---------------------------------------------------------------------------------------------


def test_forecast_of_a_steady_market(found: Forecast) -> None:
    scores = found.scores[WORLD]
    assert abs(scores.orders_error_percent) < 5
    assert scores.orders_correlation > 0.8
    assert scores.covered is not None
    assert scores.covered > 0.85
    assert scores.total_half_width_percent is not None
    assert scores.total_low is not None
    assert scores.total_high is not None
    width = scores.total_high - scores.total_low
    assert scores.total_half_width_percent == pytest.approx(50 * width / found.observed.orders.sum())
    assert scores.crps is not None
    assert scores.crps < scores.orders_mae
    assert found.replicates == 20
    assert len(found.observed.orders) == 290
    assert (found.start, found.days) == (CUT_OFF + dt.timedelta(days=1), 56)


def test_customers_seen_later_are_counted_and_not_forecast(found: Forecast) -> None:
    visits = toy_logs().visits
    late = visits[visits["customer"] >= 290]
    assert (found.late_customers, found.late_orders) == (late["customer"].nunique(), len(late))
    assert found.late_spend == pytest.approx(late["net"].sum() / 100)
    after = visits[(visits["day"] > 167) & (visits["customer"] < 290)]
    assert found.observed.orders.sum() == len(after)


def test_a_world_of_wrong_models_is_found_out(found: Forecast, learned: Learned) -> None:
    """Negative control: the same world whose log-odds of an order are raised by a quarter misses the total."""
    models = learned.models.model_copy(update={"repurchase": learned.models.repurchase.recalibrated(1.0, 0.25)})
    scenario = quiet_scenario(found.start, found.days)
    wrong = tally_quarters(scenario, replace(learned, models=models), range(20), processes=1)
    scores = Scores.of(CustomerForecast.of_tallies(wrong), found.observed)
    assert scores.orders_error_percent > 8
    assert not scores.total_held


def test_computed_chances_are_those_of_the_simulated_world(found: Forecast, learned: Learned) -> None:
    """What is computed along the silent path is what replicates count, in sum and customer by customer.

    Chi-square over customers at one in a thousand; chances that are a tenth too small are found out.
    """
    tallies = tally_quarters(quiet_scenario(found.start, found.days), learned, range(100, 160), processes=1)
    counted = np.stack([tally.orders > 0 for tally in tallies]).sum(axis=0)
    p, m = found.forecasts[WORLD].p_any, len(tallies)

    def distance(p: Any) -> float:
        sure = m * p * (1 - p) > 1
        return float(((counted - m * p)[sure] ** 2 / (m * p * (1 - p))[sure]).sum() - chi2.ppf(0.999, sure.sum()))

    assert distance(p) < 0 < distance(0.9 * p)
    assert abs((counted - m * p).sum()) < 4 * np.sqrt((m * p * (1 - p)).sum())


def test_replicates_do_not_depend_on_processes(found: Forecast, learned: Learned) -> None:
    scenario = quiet_scenario(found.start, 28)
    one, two = (tally_quarters(scenario, learned, range(4), processes=n) for n in (1, 2))
    for ours, theirs in zip(one, two, strict=True):
        assert ours.spend.tobytes() == theirs.spend.tobytes()
        assert ours.facts == theirs.facts


def test_a_quarter_is_the_ledger_of_its_world(found: Forecast, learned: Learned) -> None:
    scenario = quiet_scenario(found.start, 28)
    quarter = live_quarter(scenario, learned, seed=3)
    world = PrivateDomain(scenario, DO_NOTHING, seed=3, learned=learned)
    world.run()
    placed = world.ledger.of("order")
    assert len(quarter) == len(placed)
    assert quarter.net.sum() == placed.amount.sum()
    assert np.array_equal(quarter.orders(), np.bincount(placed.key, minlength=290))
    assert (np.diff(quarter.day)[np.diff(quarter.customer) == 0] > 0).all()


def test_the_document_says_every_forecaster_question_and_fact(found: Forecast) -> None:
    text = markdown(found)
    for name in found.scores:
        assert name in text
    for check in found.facts():
        assert check.fact.doc in text
    for task in found.origins.values():
        assert f"{task.rows:,} forecasts" in text
        for name, score in task.scores.items():
            assert f"{name} | " in text.replace("**", "")
            assert f"{score.log_loss:.3f}" in text
    inside = sum(check.inside for check in found.facts())
    assert f"{inside} of {len(found.facts())} |" in text
    assert "nan" not in text
    assert "None" not in text


def test_nothing_is_told_of_a_few_who_came_late(found: Forecast) -> None:
    assert found.late_customers == 7
    assert "Fewer than 10 customers" in markdown(found)
    assert found.as_dict()["late"] == {"customers": None, "orders": None, "spend": None}
    many = replace(found, late_customers=12)
    assert f"12 customers first seen afterwards placed another {found.late_orders:,} orders" in markdown(many)
    assert many.as_dict()["late"]["orders"] == found.late_orders


def test_numbers_are_saved(found: Forecast, tmp_path: Any) -> None:
    data = json.loads(save(found, tmp_path / "deep" / "forecast.json").read_text())
    assert data["scores"][WORLD]["orders_mae"] == found.scores[WORLD].orders_mae
    assert len(data["weekly"]["observed"]) == 8
    assert save(found, tmp_path / "forecast.md").read_text() == markdown(found)


def test_tables_are_tidy(found: Forecast) -> None:
    assert found.table().index[0] == WORLD
    assert list(found.weekly().columns[:4]) == ["observed", "mean", "low", "high"]
    assert found.weekly()["observed"].sum() == found.observed.orders.sum()
    assert set(found.facts_table()["group"]) == {"rhythm", "gaps", "baskets", "concentration", "shape"}
    assert "facts inside" in found.summary()


@pytest.mark.parametrize(
    "changes", [{"horizon_days": 57}, {"horizon_days": 3}, {"cut_off": MONDAY + dt.timedelta(days=223)}]
)
def test_horizon_must_lie_in_the_logs(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="2024-08-11"):
        forecast(toy_logs(), **{"cut_off": CUT_OFF, "processes": 1, **changes})


def test_too_few_replicates() -> None:
    with pytest.raises(SiyuError, match="replicates"):
        forecast(toy_logs(), cut_off=CUT_OFF, replicates=19)


def test_the_command_writes_what_the_function_says(tmp_path: Any) -> None:
    logs = toy_logs(n=120)
    frame = pd.DataFrame(
        {
            "customer_id": logs.visits["customer"],
            "ts": [str(MONDAY + dt.timedelta(days=int(day))) for day in logs.visits["day"]],
            "order_id": range(len(logs.visits)),
            "gross": logs.visits["gross"] / 100,
            "discount": 0,
        }
    )
    orders, out = tmp_path / "toy.csv", tmp_path / "docs" / "accuracy.md"
    frame.to_csv(orders, index=False)
    asked = ["forecast", str(orders), "--cut-off", str(CUT_OFF), "--replicates", "20", "--processes", "1"]
    asked += ["--horizon-days", "14", "--out", str(out), "--figures", str(tmp_path / "pictures")]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    again = forecast(load_logs(orders), cut_off=CUT_OFF, horizon_days=14, replicates=20, processes=1)
    assert out.read_text(encoding="utf-8") == markdown(again)
    assert again.summary() in answer.output
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures >= {"orders.png", "cumulative.png", "gains_spend.png", "reliability.png", "predictive.png"}
