"""Calendars: weekdays, every n days, dates, so many times a week; impossible ones are refused."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from agents.calendar import Calendar

MONDAY = dt.date(2024, 1, 1)


def plan(days: int = 14, **rule: Any) -> list[int]:
    """How often it happens on each day of a run that starts on a Monday."""
    calendar = Calendar.model_validate(rule)
    times = [calendar.times(day, MONDAY + dt.timedelta(days=day)) for day in range(days)]
    assert sum(times) == calendar.days(MONDAY, days)
    return times


def test_weekdays() -> None:
    assert plan(weekdays=["mon", "sat"]) == [1, 0, 0, 0, 0, 1, 0] * 2


def test_every_n_days_counts_from_the_first() -> None:
    assert plan(8, every_days=3) == [1, 0, 0, 1, 0, 0, 1, 0]
    assert plan(8, every_days=3, from_day=2) == [0, 0, 1, 0, 0, 1, 0, 0]


def test_dates() -> None:
    assert plan(4, dates=["2024-01-03", "2025-01-01"]) == [0, 0, 1, 0]


@pytest.mark.parametrize("rate", [0, 0.1, 0.5, 1, 2.75, 3, 7, 14, 28])
def test_so_many_a_week_come_to_that_many(rate: float) -> None:
    """Over 20 weeks the number is exact, and no day has more than its share rounded up."""
    times = plan(140, per_week=rate)
    assert sum(times) == int(20 * rate + 1e-9)
    assert max(times) <= -(-rate // 7)
    for week in range(20):
        assert abs(sum(times[7 * week : 7 * week + 7]) - rate) < 1


def test_a_higher_cadence_has_happened_at_least_as_often_on_every_day() -> None:
    """So that a search over cadence moves smoothly."""
    rates = [0, 0.7, 1.9, 2, 6.5, 7, 13]
    for low, high in pairwise(rates):
        slow, fast = plan(60, per_week=low), plan(60, per_week=high)
        assert all(sum(slow[: day + 1]) <= sum(fast[: day + 1]) for day in range(60))


def test_a_span_cuts_off_both_ends() -> None:
    assert plan(7, weekdays=["mon", "tue", "wed", "thu"], from_day=1, until_day=2) == [0, 1, 1, 0, 0, 0, 0]
    assert plan(6, per_week=7, from_day=2, until_day=3) == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "exactly one of weekdays, every_days, dates, per_week (found none)"),
        ({"every_days": 2, "per_week": 1}, "found every_days and per_week"),
        ({"every_days": 2, "from_day": 9, "until_day": 3}, "until_day 3 is before from_day 9"),
        ({"every_days": 0}, "every_days"),
        ({"per_week": 29}, "per_week"),
        ({"per_week": -1}, "per_week"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": ["monday"]}, "weekdays"),
        ({"dates": ["2024-02-30"]}, "dates"),
        ({"every_days": 2, "from_day": -1}, "from_day"),
    ],
)
def test_impossible_calendars_are_refused(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Calendar.model_validate(rule)
    assert said in str(caught.value)


def test_whether_it_ever_comes_up() -> None:
    assert Calendar(per_week=0).ever(MONDAY, 10), "no cadence is a choice, not a mistake"
    assert Calendar(weekdays=("sun",)).ever(MONDAY, 7)
    assert not Calendar(weekdays=("sun",)).ever(MONDAY, 6)
    assert not Calendar(dates=(dt.date(2023, 12, 31),)).ever(MONDAY, 365)
    assert not Calendar(every_days=1, from_day=10).ever(MONDAY, 10)
