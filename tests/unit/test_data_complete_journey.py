"""The Complete Journey as logs: the facts that the measurements of the whole project rest on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.data import Logs, load_logs

QUARTER = 39 * 7  # first day of October to December


@pytest.fixture(scope="module")
def logs() -> Logs:
    return load_logs("complete_journey")


@pytest.fixture(scope="module")
def weekly(logs: Logs) -> pd.DataFrame:
    week = logs.visits.assign(week=logs.visits["day"] // 7).groupby("week")
    return pd.DataFrame({"revenue": week["net"].sum() / 100, "active": week["customer"].nunique()})


def test_reading_again_gives_the_same_logs(logs: Logs) -> None:
    assert load_logs("complete_journey").digest == logs.digest


def test_whole_weeks_from_sunday_to_saturday(logs: Logs, weekly: pd.DataFrame) -> None:
    assert logs.origin.strftime("%A") == "Sunday"
    assert (logs.last_day + 1) == 52 * 7
    assert len(weekly) == 52


def test_visits_are_clean(logs: Logs) -> None:
    visits = logs.visits
    assert logs.n_customers == 2469
    assert not visits.duplicated(["customer", "day"]).any()
    assert visits[["customer", "day"]].apply(tuple, axis=1).is_monotonic_increasing
    assert (visits["net"] == visits["gross"] - visits["discount"]).all()
    assert (visits["gross"] > 0).all()
    assert (visits[["discount", "net"]] >= 0).all(axis=None)
    assert visits["day"].between(0, logs.last_day).all()
    first = visits.groupby("customer")["day"].min()
    assert (first == logs.customers["first_day"]).all()
    assert first.is_monotonic_increasing  # codes run in the order of first visits
    assert logs.dropped == {"lines after the last whole week": 4950, "visits without value": 106}


def test_revenue(weekly: pd.DataFrame) -> None:
    """90.7 k is the mean of the held-out quarter; over the year it is 88.1 k."""
    assert weekly["revenue"][39:].mean() == pytest.approx(90_691, abs=1)
    assert weekly["revenue"].mean() == pytest.approx(88_067, abs=1)
    assert weekly["revenue"].std() / weekly["revenue"].mean() == pytest.approx(0.065, abs=0.0005)
    assert weekly["revenue"][39:].std() / weekly["revenue"][39:].mean() == pytest.approx(0.087, abs=0.0005)


def test_active_households(weekly: pd.DataFrame) -> None:
    assert weekly["active"].mean() == pytest.approx(1334.5, abs=0.5)
    assert weekly["active"].std() / weekly["active"].mean() == pytest.approx(0.029, abs=0.0005)


def test_days_between_visits(logs: Logs) -> None:
    """A New York day split at the wrong hour would move the share of one-day gaps."""
    gaps = logs.visits.groupby("customer")["day"].diff().dropna()
    assert gaps.mean() == pytest.approx(6.3, abs=0.05)
    assert gaps.median() == 3
    assert (gaps == 1).mean() == pytest.approx(0.24, abs=0.005)
    assert (gaps > 14).mean() == pytest.approx(0.085, abs=0.001)


def test_spend_per_visit_day_and_concentration(logs: Logs) -> None:
    spend = np.log(logs.visits.loc[logs.visits["net"] > 0, "net"] / 100)
    assert spend.mean() == pytest.approx(3.01, abs=0.01)
    assert spend.std() == pytest.approx(1.15, abs=0.01)
    shares = logs.visits.groupby("customer")["net"].sum().sort_values(ascending=False)
    shares = shares / shares.sum()
    assert shares[:247].sum() == pytest.approx(0.35, abs=0.005)
    assert shares[:494].sum() == pytest.approx(0.55, abs=0.005)
    quarter = logs.visits.loc[logs.visits["day"] >= QUARTER, "customer"].nunique()
    assert 1 - quarter / logs.n_customers == pytest.approx(0.059, abs=0.0005)


def test_campaigns_and_touches(logs: Logs) -> None:
    assert logs.campaigns is not None
    assert logs.touches is not None
    assert logs.campaigns["campaign_id"].nunique() == 27
    assert logs.campaigns.groupby("kind").size().to_dict() == {"A": 3647, "B": 2368, "C": 574}
    assert not logs.campaigns.duplicated(["campaign_id", "customer"]).any()
    assert logs.campaigns["start_day"].min() == -48  # 2016-11-14: known before the first visit
    assert logs.campaigns["end_day"].max() > logs.last_day
    assert set(logs.touches["kind"]) == {"coupon_issued", "coupon_redeemed"}
    assert logs.touches["day"].between(0, logs.last_day).all()
    assert logs.touches["customer"].between(0, 2468).all()
    redeemed = logs.touches[logs.touches["kind"] == "coupon_redeemed"]
    assert len(redeemed) == pytest.approx(2102, abs=15)  # some on 31 December


def test_ages_are_known_for_801_households(logs: Logs) -> None:
    assert logs.customers["age_band"].notna().sum() == 801
