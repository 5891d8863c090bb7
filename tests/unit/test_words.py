"""Words: documents as a strategist reads them."""

from __future__ import annotations

from typing import Any

import pytest

from experiments import load
from experiments.reporting.words import (
    amount_words,
    audience_words,
    axis_words,
    calendar_words,
    change_words,
    label_words,
    lever_words,
    policy_rows,
    range_words,
    value_words,
)
from tests.records import DEPTH, PER_WEEK

# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "label", "text"),
    [
        (PER_WEEK, 5.0, "adverts: how often", "5 a week"),
        (DEPTH, 0.0228, "coupon: depth", "2.28 %"),
        ("actions.coupon.valid_days", 9, "coupon: validity", "9 days"),
        ("actions.coupon.minimum_spend_cny", 1234.5, "coupon: minimum spend", "1,234 EUR"),
        ("actions.coupon.audience", "core_and_high", "coupon: whom", "core and high"),
        (
            "actions.coupon.audience",
            {"orders_min": 2, "muted": False},
            "coupon: whom",
            "at least 2 orders, except muted",
        ),
        ("actions.coupon.calendar", {"every_days": 14, "from_day": 7}, "coupon: when", "every 14 days, from day 7"),
        ("actions.chat.hours_per_week.L1", 14.316, "chat: hours, L1 acquainted", "14.3 hours a week"),
        ("actions.club.tiers.0.discount", 0.05, "club: tier 1, discount", "5 %"),
        ("actions.club.tiers.1.points_multiplier", 2, "club: tier 2, points multiplier", "×2"),
        ("actions.club.card", None, "club: card", "none"),
        ("actions.growth.spend_cny_per_day.store_qr", 20, "growth: spend, store qr", "20 EUR a day"),
        ("actions.moments.advert_share", 0.9, "moments: adverts among posts", "90 %"),
        ("actions.moments.hours_per_post", 0.5, "moments: staff hours for each", "0.5 hours"),
        ("actions.live.length_hours", 2, "live: length", "2 hours"),
        ("actions.points.per_cny", 2, "points: earned for each unit spent", "2 points"),
        ("actions.club.plans.month.fee_cny", 18, "club: month, fee", "18 EUR"),
        ("actions.broadcast", "off", "broadcast", "off"),
        ("actions.coupon.audience", {}, "coupon: whom", "everybody"),
        (
            "actions.club.tiers",
            [{"threshold_cny": 9, "benefits": {}, "vouchers": [], "points_multiplier": 1.0}],
            "club: tiers",
            "threshold 9 EUR",
        ),
        (
            "actions.live.audience",
            {"interest_groups": ["sports"], "in_community": True},
            "live: whom",
            "sports, in a group",
        ),
        ("frequency_cap_per_week", 7, "frequency cap", "7 a week"),
    ],
)
def test_levers_in_words(path: str, value: Any, label: str, text: str) -> None:
    assert lever_words(path) == label
    assert value_words(path, value, "EUR") == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("actions.chat.hours_per_week[L1]", "chat: hours, L1 acquainted"),
        ("actions.adverts.calendar.weekdays[mon]", "adverts: weekdays, mon"),
        ("actions.club.tiers[threshold_cny.2]", "club: tiers, threshold 2"),
    ],
)
def test_coordinates_in_words(path: str, text: str) -> None:
    assert lever_words(path) == text


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("spend", 12_345.4, "12,345 EUR"),
        ("spend_discounted", 1.234, "1.23 EUR per customer"),
        ("risk", 0.5, "0.50 EUR per customer"),
        ("hours", 38.26, "38.3 hours a week"),
        ("messages", 2.5, "2.5 a week"),
        ("margin", 0.2345, "23.4 %"),
        ("n_order", 1234.4, "1,234"),
        ("n_delete", 9.9, "<10"),
    ],
)
def test_amounts_of_metrics(metric: str, value: float, text: str) -> None:
    assert amount_words(metric, value, "EUR") == text


@pytest.mark.parametrize(
    ("metric", "text"),
    [("spend", "10 to 20 EUR"), ("hours", "10 to 20 hours a week"), ("margin", "1000.0 to 2000.0 %"),
     ("n_order", "10 to 20")],
)  # fmt: skip
def test_ranges_name_their_unit_once(metric: str, text: str) -> None:
    assert range_words(metric, 10, 20, "EUR") == text


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (PER_WEEK, ("a week", 1.0)), (DEPTH, ("%", 100.0)), ("actions.coupon.valid_days", ("days", 1.0)),
        ("actions.coupon.minimum_spend_cny", ("EUR", 1.0)), ("spend", ("EUR", 1.0)), ("margin", ("%", 100.0)),
        ("hours", ("hours a week", 1.0)), ("actions.club.tiers.1.points_multiplier", ("times", 1.0)),
        ("actions.chat.hours_per_week[total]", ("hours a week", 1.0)),
        ("actions.club.tiers[threshold_cny.2]", ("", 1.0)),
    ],
)  # fmt: skip
def test_units_of_an_axis(path: str, unit: tuple[str, float]) -> None:
    assert axis_words(path, "EUR") == unit


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("trial 7, simpler", "trial 7, simpler"),
        ("status quo", "status quo"),
        ("least", "least of everything"),
        ("playbook my.yaml", "playbook my.yaml"),
        (f"only {DEPTH}", "only coupon: depth"),
        (f"only {DEPTH}, simplest", "only coupon: depth, simplest"),
    ],
)
def test_labels_of_trials_in_words(label: str, text: str) -> None:
    assert label_words(label) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (4, 14.3, "3.58 times"),
        (5, 1, "−80 %"),
        (0, 142, "new"),
        (0.1, 0, "off"),
        (2, 3, "+50 %"),
        ("a", "b", "changed"),
    ],
)
def test_how_far_a_lever_moved(before: Any, after: Any, text: str) -> None:
    assert change_words(before, after) == text


def test_audiences_and_calendars() -> None:
    plain = load("policy/winback").model_dump(mode="json")["actions"]
    assert audience_words(plain["coupon"]["audience"]) == "lapsing"
    assert audience_words({"muted": True}) == "everybody"
    assert audience_words({"tiers": ["core"], "members": False}) == "core, not members"
    where = {"segments": {"region": ["south", "north"], "age_band": ["19-24"]}}
    assert audience_words(where) == "region south or north, age band 19-24"
    assert calendar_words({"weekdays": ["mon", "fri"], "until_day": 30}) == "mon, fri, until day 30"


def test_policies_beside_each_other_name_what_differs() -> None:
    policies = [load(f"policy/{name}").model_dump(mode="json") for name in ("winback", "status_quo")]
    rows = policy_rows(policies, {"actions.coupon.depth": "discount, CNY"}, "USD")
    by_label = {row.label: row for row in rows}
    assert by_label["depth"].values == ("15 %", "10 %")
    assert (by_label["depth"].differs, by_label["depth"].meaning) == (True, "discount, USD")
    assert by_label["hours, L5 super users"].values == ("4 hours a week", "4 hours a week")
    assert not by_label["hours, L5 super users"].differs
    only = policy_rows([policies[0], {"actions": {}}], {}, "CNY")
    assert next(row for row in only if row.label == "adverts").values == ("advert", "not done")
