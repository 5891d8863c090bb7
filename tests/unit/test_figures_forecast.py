"""Pictures of forecasts and model cards: the numbers behind them, and that the pages hold them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.forecasting.facts import FACTS
from experiments.forecasting.forecast import WORLD, Forecast
from experiments.forecasting.forecast_document import save
from experiments.forecasting.forecast_tables import ahead
from experiments.learning.model_card import ModelCard, Task, reliability, score
from experiments.reporting import figures_card, figures_forecast
from experiments.reporting.page_card import card_page
from experiments.reporting.page_forecast import draw, page
from experiments.validate import forecast
from tests.markets import CUT_OFF, toy_logs


@pytest.fixture(scope="module")
def found() -> Forecast:
    return forecast(toy_logs(n=120, late=0), cut_off=CUT_OFF, horizon_days=28, replicates=20, processes=1)


def task_of(p: np.ndarray[tuple[int], np.dtype[np.float64]], y: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Task:
    scores = {"model": score(p, y), "base rate": score(np.full(len(y), y.mean()), y)}
    return Task("an order", len(y), int(y.sum()), scores, reliability(p, y))


def card_of(*tasks: Task) -> ModelCard:
    return ModelCard(
        data="a <shop>", digest="0" * 16, trained_from="2024-01-01", cut_off="2024-06-16", judged_to="2024-08-11",
        lapse_days=49, customers=290, features={"repurchase": ["log_since"], "lapse": []}, slope={},
        tasks={f"task{number}": task for number, task in enumerate(tasks)}, baskets={}, versions={"numpy": "2"},
    )  # fmt: skip


# -- gains and lift ---------------------------------------------------------------------------------------------------


def test_gains_by_hand() -> None:
    """Ten customers, two of whom order: found among the first three of ten by the forecast, at once by the truth."""
    outcome = np.array([0, 3, 0, 0, 0, 1, 0, 0, 0, 0.0])
    forecasts = {"ours": np.array([9.0, 8, 1, 1, 1, 7, 1, 1, 1, 1])}
    info = figures_forecast.gains_info(forecasts, outcome)
    gain = info.set_index(["forecaster", "share"])["gain"].to_dict()
    at = {(name, round(share, 2)): value for (name, share), value in gain.items()}
    assert at["ours", 0.1] == pytest.approx(0.0)
    assert at["ours", 0.2] == pytest.approx(0.75)
    assert at["ours", 0.3] == pytest.approx(1.0)
    assert at["perfect", 0.1] == pytest.approx(0.75)
    assert at["perfect", 0.2] == pytest.approx(1.0)
    lift = info[(info["forecaster"] == "ours") & np.isclose(info["share"], 0.2)]["lift"].iloc[0]
    assert lift == pytest.approx(0.75 / 0.2)


def test_gains_of_a_forecast_that_cannot_tell_are_a_straight_line() -> None:
    rng = np.random.default_rng(1)
    info = figures_forecast.gains_info({"alike": np.ones(200)}, rng.gamma(1, 1, 200))
    blind = info[info["forecaster"] == "alike"]
    np.testing.assert_allclose(blind["gain"], blind["share"])


def test_gains_of_a_card_by_tenths() -> None:
    y = np.arange(200) >= 150
    info = figures_card.gains_info(reliability(np.linspace(0, 1, 200), y))
    np.testing.assert_allclose(info["share"], np.arange(1, 11) / 10)
    np.testing.assert_allclose(info["gain"][:3], [0.4, 0.8, 1.0])
    np.testing.assert_allclose(info["lift"][:4], [4, 4, 2, 0])


# -- reliability ------------------------------------------------------------------------------------------------------


def test_reliability_keeps_its_interval_inside_0_and_1_and_leaves_few_rows_out() -> None:
    info = figures_card.reliability_info([(0.01, 0.0, 50), (0.5, 0.5, 100), (0.99, 1.0, 50), (0.3, 0.3, 9)])
    assert len(info) == 3
    assert (info["low"] >= -1e-12).all()
    assert (info["high"] <= 1 + 1e-12).all()
    # Wilson (1927) for 50 of 100: 0.404 to 0.596
    assert info.iloc[1][["low", "high"]].tolist() == pytest.approx([0.4038, 0.5962], abs=1e-3)


def test_drawn_reliability_is_the_info() -> None:
    info = figures_card.reliability_info([(0.2, 0.25, 80), (0.6, 0.5, 80)])
    ax = figures_card.plot_reliability(info, title="an order")
    assert ax.lines[1].get_ydata() == pytest.approx([0.25, 0.5])
    assert ax.get_title(loc="left") == "an order"


def test_losses_are_relative_to_ours() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(500)
    task = task_of(p, rng.random(500) < p)
    (row,) = figures_card.losses_info([task]).itertuples()
    expected = 100 * (task.scores["base rate"].log_loss / task.scores["model"].log_loss - 1)
    assert (row.forecaster, row.excess) == ("base rate", pytest.approx(expected))
    assert row.excess > 0


# -- forecasts --------------------------------------------------------------------------------------------------------


def test_facts_in_units_of_their_band(found: Forecast) -> None:
    info = figures_forecast.predictive_info(found).set_index("fact")
    assert list(info.index) == [name for name in FACTS if name in info.index]
    for check in found.facts():
        row = info.loc[check.name]
        assert row["inside"] == check.inside
        if check.high > check.low:
            assert row["high"] - row["low"] == pytest.approx(2)
            assert (row["low"] - 1e-9 <= row["observed"] <= row["high"] + 1e-9) == check.inside


def test_weeks_and_running_sums(found: Forecast) -> None:
    weekly, running = found.weekly(), found.cumulative()
    assert running["observed"].tolist() == weekly["observed"].cumsum().tolist()
    assert running["mean"].to_numpy() == pytest.approx(weekly["mean"].cumsum().to_numpy())
    assert running["the same again"].to_numpy() == pytest.approx(weekly["the same again"].cumsum().to_numpy())
    tallies = found.forecasts[WORLD].tallies
    totals = [tally.weekly_orders.sum() for tally in tallies]
    assert running["low"].iloc[-1] == pytest.approx(np.quantile(totals, 0.05))
    # A band of sums is narrower than the sum of the bands: weeks are not all low together
    wide = (weekly["high"] - weekly["low"]).sum()
    assert running["high"].iloc[-1] - running["low"].iloc[-1] < wide
    drift = figures_forecast.drift_info(running)
    assert drift["mean"].iloc[-1] == pytest.approx(100 * (running["mean"].iloc[-1] / running["observed"].iloc[-1] - 1))


def test_weeks_outside_their_band_are_drawn_apart() -> None:
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 8)]
    frame = pd.DataFrame({"observed": [5.0, 20.0], "mean": [5.0, 5.0], "low": [4.0, 4.0], "high": [6.0, 6.0]}, days)
    ax = figures_forecast.plot_weeks(figures_forecast.weeks_info(frame))
    drawn = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}  # type: ignore[union-attr]
    assert drawn["observed"] == [5.0]
    assert drawn["outside"] == [20.0]


def test_the_page_holds_every_picture_and_table(found: Forecast) -> None:
    text = page(found)
    assert text.count("<svg") == len(draw(found)) == 9 + len(found.origins)
    assert not re.findall(r"\b(nan|None)\b", re.sub(r"<svg.*?</svg>", "", text, flags=re.S))
    assert "http" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.S)
    for name in found.scores:
        assert name in text
    assert "**" not in text


def test_a_forecast_is_saved_as_a_page(found: Forecast, tmp_path: Path) -> None:
    path = save(found, tmp_path / "forecast.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_who_is_ahead_is_said_as_printed(found: Forecast) -> None:
    """A rival made better in one column is named there; one that differs beyond the printed digits is not."""
    ours = found.scores[WORLD]
    rival = replace(ours, orders_mae=ours.orders_mae - 0.02, orders_rmse=ours.orders_rmse - 1e-9)
    one = replace(found, scores={WORLD: ours, "a rival": rival}, origins={})
    assert ahead(one) == [("orders MAE", "a rival")]


# -- the model card ---------------------------------------------------------------------------------------------------


def test_the_card_page_draws_each_question_and_escapes_names() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(400)
    text = card_page(card_of(task_of(p, rng.random(400) < p), task_of(p, rng.random(400) < p)))
    assert text.count("<svg") == 1 + 2 * 2
    assert "a &lt;shop&gt;" in text
    assert "a constant" in text


def test_pictures_do_not_tell_how_few_events_there_were() -> None:
    happened = np.arange(100) % 17 == 0
    text = card_page(card_of(task_of(np.linspace(0.01, 0.2, 100), happened)))
    assert "&lt;10 events" in text
    assert "<svg" not in text, "shares of ten forecasts each would add up to six events"


def test_a_card_without_unseen_days_says_so() -> None:
    text = card_page(card_of())
    assert "nothing was judged" in text
    assert "<svg" not in text
