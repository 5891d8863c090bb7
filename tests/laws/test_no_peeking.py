"""Nothing that is learned, simulated or forecast depends on a day after the cut-off; only what is observed does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.data import Logs
from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.forecast import WORLD, Forecast
from experiments.forecasting.lessons import covariates
from experiments.forecasting.order_days import OrderDays
from experiments.forecasting.origins import Answers, gather
from experiments.forecasting.past import Past
from experiments.train import Training, train
from experiments.validate import forecast
from tests.markets import CUT_DAY, CUT_OFF, logs_of, toy_logs

FOURTH = CUT_DAY + 21  # the fourth evening on which questions are asked


def future(logs: Logs, after: int, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Logs:
    """The same logs up to a day, and other days after it."""
    visits = logs.visits
    later = change(visits[visits["day"] > after].copy())
    both = pd.concat([visits[visits["day"] <= after], later]).drop_duplicates(["customer", "day"])
    n = max(logs.n_customers, int(both["customer"].max()) + 1)
    return logs_of(
        both["customer"].to_numpy(), both["day"].to_numpy(), both["net"].to_numpy(np.int64), logs.last_day, n
    )


def fewer(later: pd.DataFrame) -> pd.DataFrame:
    return later[later["customer"] % 3 == 0]


def shifted(later: pd.DataFrame) -> pd.DataFrame:
    """A week later, at full speed round the end of the logs."""
    first, last = int(later["day"].min()), int(later["day"].max())
    return later.assign(day=first + (later["day"] - first + 7) % (last - first + 1))


def dearer(later: pd.DataFrame) -> pd.DataFrame:
    return later.assign(net=10 * later["net"])


def newcomers(later: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([later, later.assign(customer=later["customer"] + 300)])


CHANGES = (fewer, shifted, dearer, newcomers)


@pytest.fixture(scope="module")
def trained() -> Training:
    return train(toy_logs(), cut_off=CUT_OFF)


def small_logs() -> Logs:
    return toy_logs(n=120)


def short(logs: Logs) -> Forecast:
    return forecast(logs, cut_off=CUT_OFF, horizon_days=28, replicates=20, processes=1)


@pytest.fixture(scope="module")
def found() -> Forecast:
    return short(small_logs())


def same(ours: Any, theirs: Any) -> bool:
    return bool(np.asarray(ours).tobytes() == np.asarray(theirs).tobytes())


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_models_choices_and_states(change: Any, trained: Training) -> None:
    """Training is handed the whole logs here: it has to look away by itself. ``lapse_days`` is a choice it makes."""
    again = train(future(toy_logs(), CUT_DAY, change), cut_off=CUT_OFF)
    assert again.models.lapse_days == trained.models.lapse_days
    assert again.models.to_json() == trained.models.to_json()
    assert again.card.slope == trained.card.slope
    assert same(again.customer, trained.customer)
    assert again.learned().digest() == trained.learned().digest()
    assert again.card.tasks != trained.card.tasks or change is dearer, "the judging does see other days"


@pytest.mark.parametrize("change", [shifted, newcomers], ids=lambda change: change.__name__)
def test_forecasts_of_everybody(change: Any, found: Forecast) -> None:
    again = short(future(small_logs(), CUT_DAY, change))
    seen = [(f.observed.weekly_orders.tolist(), f.late_orders) for f in (found, again)]
    assert seen[0] != seen[1]
    assert again.forecasts.keys() == found.forecasts.keys()
    for name, ours in found.forecasts.items():
        assert_alike(name, ours, again.forecasts[name])
    assert again.provenance["models"] == found.provenance["models"]


def assert_alike(name: str, ours: CustomerForecast, theirs: CustomerForecast) -> None:
    for column in ("orders", "spend", "p_any", "weekly_orders"):
        assert same(getattr(ours, column), getattr(theirs, column)), f"{name}: {column}"
    assert (ours.counts is None) == (theirs.counts is None)
    if ours.counts is not None:
        assert same(ours.counts, theirs.counts), f"{name}: counts"
    for mine, other in zip(ours.tallies, theirs.tallies, strict=True):
        assert same(mine.spend, other.spend), name
        assert same(mine.weekly_spend, other.weekly_spend), name
        assert mine.facts == pytest.approx(other.facts, rel=0, abs=0, nan_ok=True), name


def test_rolling_questions_know_nothing_after_their_evening(trained: Training) -> None:
    """Days after the fourth origin are altered: the first four forecasts stay, a later one is another."""
    logs = toy_logs()
    ours = gather(logs, trained.models, CUT_DAY, 56, WORLD)
    theirs = gather(future(logs, FOURTH, shifted), trained.models, CUT_DAY, 56, WORLD)
    for weeks, answers in ours.items():
        assert_first_alike(answers, theirs[weeks], 4)
    assert len(ours[1].ordered) == 8
    assert [same(a, b) for a, b in zip(ours[1].ordered, theirs[1].ordered, strict=True)][:3] == [True] * 3
    for name, parts in ours[1].p.items():
        assert not same(parts[5], theirs[1].p[name][5]), f"{name} does not listen at all"


def assert_first_alike(ours: Answers, theirs: Answers, evenings: int) -> None:
    for name, parts in ours.p.items():
        for mine, other in list(zip(parts, theirs.p[name], strict=True))[:evenings]:
            assert same(mine, other), name


def test_covariates_of_an_evening() -> None:
    """The same evening in a longer past: not one covariate moves. Tenure or a rate over the whole past would."""
    logs, codes = toy_logs(), np.arange(290)
    short, long = (Past(OrderDays.of_logs(logs, codes, 0, last), 56) for last in (CUT_DAY, logs.last_day))
    for evening in (30, 100, CUT_DAY):
        assert same(covariates(short, evening), covariates(long, evening))
    assert not same(covariates(short, 100), covariates(short, 107))


def test_logs_that_end_at_the_cut_off_teach_the_same(trained: Training) -> None:
    logs = toy_logs()
    visits = logs.visits[logs.visits["day"] <= CUT_DAY].reset_index(drop=True)
    again = train(replace(logs, last_day=CUT_DAY, visits=visits), cut_off=CUT_OFF)
    assert again.learned().digest() == trained.learned().digest()
