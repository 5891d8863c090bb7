"""Rolling questions: who is asked when, what counts as an answer, and that good forecasters are told from bad ones."""

from __future__ import annotations

import numpy as np
import pytest

from agents.models import default_models
from experiments.forecasting.lessons import SINCE, TENURE, YOUNG_DAYS, Lessons, active_weeks, covariates, evenings
from experiments.forecasting.order_days import OrderDays
from experiments.forecasting.origins import QUESTIONS, Answers, ask_origins, fit_rivals, gather
from experiments.forecasting.past import Past
from tests.markets import CUT_DAY, logs_of, toy_logs

OURS = "ours"
MODELS = default_models(orders_per_year=40, basket_cents=2000)


def past_of(orders: dict[int, list[int]], days: int) -> Past:
    """A past by hand: days of each customer's orders, one unit of money each."""
    entries = [(c, day) for c, own in sorted(orders.items()) for day in own]
    customer, day = np.array(entries, dtype=np.int64).T
    logs = logs_of(customer, day, np.full(len(day), 100), days - 1, len(orders))
    return Past(OrderDays.of_logs(logs, np.arange(len(orders)), 0, days - 1), 7)


@pytest.fixture(scope="module")
def found() -> dict[int, Answers]:
    return gather(toy_logs(), MODELS, CUT_DAY, 56, OURS)


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_evenings_are_a_week_apart_and_end_with_the_horizon(found: dict[int, Answers]) -> None:
    assert {weeks: len(answers.ordered) for weeks, answers in found.items()} == {1: 8, 4: 5, 8: 1}
    long = gather(toy_logs(n=60, days=364), MODELS, CUT_DAY, 196, OURS)
    assert {weeks: len(answers.ordered) for weeks, answers in long.items()} == {1: 13, 4: 13, 8: 13}


def test_who_came_after_the_cut_off_is_asked_about_from_then_on(found: dict[int, Answers]) -> None:
    """Ten customers begin on day 200 or later: after the fifth evening, day 195."""
    asked = [len(ordered) for ordered in found[1].ordered]
    assert asked[:5] == [290] * 5
    assert 290 < asked[-1] <= 300
    assert all(len(p) == n for p, n in zip(found[1].p[OURS], asked, strict=True))


def test_answers_are_the_orders_of_the_coming_weeks(found: dict[int, Answers]) -> None:
    visits = toy_logs().visits
    coming = visits[(visits["day"] > CUT_DAY + 7) & (visits["day"] <= CUT_DAY + 35)]["customer"].unique()
    assert np.flatnonzero(found[4].ordered[1]).tolist() == sorted(c for c in coming if c < 290)
    lately = visits[(visits["day"] > CUT_DAY + 7 - 28) & (visits["day"] <= CUT_DAY + 7)]["customer"].unique()
    assert np.flatnonzero(found[4].active[1]).tolist() == sorted(lately)


def test_silence_is_the_other_side_of_an_order() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(300)
    answers = Answers({OURS: [p[:100], p[100:]]}, [rng.random(100) < p[:100], rng.random(200) < p[100:]])
    answers.active = [np.ones(100, bool), np.zeros(200, bool)]
    order, silence = (answers.task(QUESTIONS[name], OURS) for name in ("next_week", "silent_4"))
    active = answers.task(QUESTIONS["silent_4_active"], OURS)
    assert order is not None
    assert silence is not None
    assert active is not None
    assert order.events + silence.events == order.rows == 300
    assert silence.scores[OURS].log_loss == pytest.approx(order.scores[OURS].log_loss)
    assert silence.scores[OURS].auc == pytest.approx(order.scores[OURS].auc)
    assert active.rows == 100


def test_too_few_rows_are_not_judged() -> None:
    assert Answers({OURS: [np.full(20, 0.5)]}, [np.ones(20, bool)], [np.ones(20, bool)]).task(
        QUESTIONS["next_week"], OURS
    ) is None  # fmt: skip
    assert Answers().task(QUESTIONS["next_week"], OURS) is None


# -- who answers ------------------------------------------------------------------------------------------------------


def test_forecasters_that_know_customers_beat_the_recency_table() -> None:
    """Here lasting rates are all there is: who learns them wins, and models of another market lose."""
    tasks = ask_origins(toy_logs(n=600), default_models(orders_per_year=4, basket_cents=2000), CUT_DAY, 56, OURS)
    losses = {name: s.log_loss for name, s in tasks["next_week"].scores.items()}
    for name in ("boosted trees", "logistic regression", "own rate (beta-binomial)", "Pareto/NBD"):
        assert losses[name] < losses["recency table"] - 0.005, name
    assert losses[OURS] > losses["recency table"], "four orders a year are too few"
    assert tasks["silent_4"].scores["own rate (beta-binomial)"].ece10 < 0.05


def test_rivals_answer_for_everybody_and_longer_spans_hold_more() -> None:
    past = past_of({c: list(range(c % 7, 140, 3 + c % 11)) for c in range(60)}, 140)
    for name, ask in fit_rivals(past).items():
        one, eight = ask(past, 1), ask(past, 8)
        assert one.shape == eight.shape == (60,), name
        assert ((one >= 0) & (eight <= 1)).all(), name
        assert eight.mean() > one.mean(), name


# -- covariates and lessons -------------------------------------------------------------------------------------------


def test_covariates_by_hand() -> None:
    past = past_of({0: [0, 10, 20, 27], 1: [25]}, 30)
    x = covariates(past, 28)
    assert x[:, SINCE].tolist() == [1, 3]
    assert x[:, TENURE].tolist() == [29, 4]
    assert covariates(past_of({0: [0, 150]}, 160), 150)[0, TENURE] == YOUNG_DAYS, "old customers are alike"


def test_active_weeks_count_back_from_the_evening() -> None:
    past = past_of({0: [0, 1, 8, 20], 1: [13, 19]}, 21)
    assert active_weeks(past, 20, 3).tolist() == [3, 2]
    assert active_weeks(past, 20, 1).tolist() == [1, 1]
    assert active_weeks(past, 20, 3, repeats=True).tolist() == [3, 1], "first orders left out"


def test_lessons_lie_within_the_past_and_begin_with_the_customer() -> None:
    past = past_of({0: [0, 40], 1: [50, 55, 69]}, 70)
    assert evenings(past, 14) == [55, 48, 41, 34]
    taught = Lessons.of(past, [55, 48], 14)
    assert taught.orders.tolist() == [0, 1, 0], "customer 1 is not known on day 48"
    assert Lessons.of(past, [41], 14).half.tolist() == [0]
    seen = Lessons.of(past_of({c: [0, 3, 9, 20] for c in range(3)}, 30), [0], 24)
    assert seen.stretch_of_orders(2) == pytest.approx(3 / 2)
