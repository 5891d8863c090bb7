"""Effects from logs: panels whose truth is known, one that must fool a regression, one whose placebo must fail."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.conditional_models import ConditionalLogit

from experiments.causal.differences import conditional_logit, least_squares, stack, windows
from experiments.data import Logs, load_logs
from experiments.data.logs import digest_of, visits_of
from experiments.effects import estimate_effects, naive_spend_effects, redemption_rates, spend_effects
from sim.errors import DataError

DAYS = 210
CUT_OFF = 195
A_STARTS, B_START = (100, 142), 115  # staggered; B overlaps both


def panel(
    seed: int,
    *,
    n: int = 1500,
    effect: float = 0.0,
    effect_b: float = 0.0,
    heavy: float = 0.0,
    trend: float = 0.0,
    together: float = 0.0,
    targeted: float = 0.35,
) -> Logs:
    """Daily visits of customers with their own levels, under two campaigns of kind A and one of kind B.

    ``heavy`` tilts A's targeting to those who visit much, ``trend`` gives the targeted a drift per four weeks,
    ``together`` sends B to those whom the first A campaign was sent to.
    """
    rng = np.random.default_rng(seed)
    level = rng.normal(-2.0, 1.0, n)
    days = np.arange(DAYS)
    season = 0.2 * np.sin(days / 30) + 0.3 * (days % 7 == 0)
    logit = level[:, None] + season
    rows = []
    first_a = None
    for number, (kind, start) in enumerate([*(("A", start) for start in A_STARTS), ("B", B_START)]):
        chance = np.full(n, targeted)
        if kind == "A":
            chance = 1 / (1 + np.exp(-np.log(targeted / (1 - targeted)) - heavy * (level + 2)))
        elif first_a is not None:
            chance = np.where(first_a, targeted + together * (1 - targeted), targeted * (1 - together))
        mine = rng.random(n) < chance
        first_a = mine if first_a is None else first_a
        logit[mine, start : start + 28] += effect if kind == "A" else effect_b
        if kind == "A":
            logit[mine] += trend * (days - start) / 28
        customer = np.flatnonzero(mine)
        rows.append(
            pd.DataFrame(
                {
                    "campaign_id": str(number),
                    "kind": kind,
                    "start_day": start,
                    "end_day": start + 27,
                    "customer": customer,
                }
            )
        )
    visit = rng.random((n, DAYS)) < 1 / (1 + np.exp(-logit))
    customer, day = np.nonzero(visit)
    net = np.rint(rng.lognormal(7.5, 0.8, len(day))).astype(np.int64)
    return logs_of(
        visits_of(customer, day, net, np.zeros_like(net)), n, pd.concat(rows, ignore_index=True).assign(redeemed=False)
    )


def logs_of(visits: pd.DataFrame, n: int, campaigns: pd.DataFrame | None) -> Logs:
    origin, last = datetime.date(2024, 1, 1), DAYS - 1
    first = visits.groupby("customer")["day"].min().reindex(range(n), fill_value=DAYS)
    customers = pd.DataFrame({"first_day": first.to_numpy(np.int64)})
    digest = digest_of(origin, last, customers, visits, campaigns)
    return Logs("panel", origin, last, customers, visits, None, campaigns, {}, digest)


@pytest.fixture(scope="module")
def journey() -> Logs:
    return load_logs("complete_journey")


def test_a_known_effect_is_found() -> None:
    effect = estimate_effects(panel(1, effect=0.4, effect_b=-0.3), cut_off_day=CUT_OFF)
    assert effect["A"].passed
    assert effect["A"].scale == "logit"
    assert effect["A"].mean == pytest.approx(0.4, abs=2.5 * effect["A"].sd)
    assert effect["B"].mean == pytest.approx(-0.3, abs=2.5 * effect["B"].sd)
    assert effect["A"].sd < 0.06
    assert effect["A"].mean > 4 * effect["A"].sd  # not by being wide


def test_heavy_customers_fool_a_regression_and_not_the_differences() -> None:
    """Targeting follows the customer's level, nothing has an effect: the negative control of the naive number."""
    logs = panel(2, n=6000, heavy=2.0)
    naive = naive_spend_effects(logs, cut_off_day=CUT_OFF)["A"]
    assert naive.interval[0] > 0
    assert naive.placebo_mean > 1.96 * naive.placebo_sd  # it "finds" the same before anything happened
    assert not naive.passed
    effect = estimate_effects(logs, cut_off_day=CUT_OFF)["A"]
    assert effect.interval[0] < 0 < effect.interval[1]
    assert effect.passed
    assert effect.sd < 0.03
    # Heavy shoppers' spend moves more with the season: differences in currency are wrong, and their placebo says so.
    assert not spend_effects(logs, cut_off_day=CUT_OFF)["A"].passed


def test_a_drift_of_the_targeted_fails_the_placebo() -> None:
    effect = estimate_effects(panel(3, trend=0.3), cut_off_day=CUT_OFF)["A"]
    assert effect.interval[0] > 0  # differences alone would have claimed an effect
    assert not effect.passed
    assert effect.verdict.startswith("refused")
    assert "cited prior" in effect.verdict


def test_overlapping_campaigns_are_told_apart() -> None:
    """B went to the customers of an A campaign and works; without the overlap A would take half of the credit."""
    logs = panel(4, n=3000, effect_b=0.8, together=1.0)
    rows = stack(logs, "A", cut_off_day=CUT_OFF)
    adjusted, blind = conditional_logit(rows), conditional_logit(rows.drop(columns="overlap_B"))
    assert adjusted is not None
    assert blind is not None
    assert abs(adjusted.mean) < 2.5 * adjusted.sd
    assert blind.mean > 4 * blind.sd


def test_spend_effect_is_in_currency_per_week() -> None:
    """Twice the log-odds of a rare visit is about twice the spend: compare with the panel's own mean."""
    logs = panel(5, n=3000, effect=0.7)
    rows = stack(logs, "A", cut_off_day=CUT_OFF)
    change = rows.groupby("targeted")[["spend_before", "spend_after"]].mean()
    by_hand = change.loc[1.0].diff().iloc[1] - change.loc[0.0].diff().iloc[1]
    effect = spend_effects(logs, cut_off_day=CUT_OFF)["A"]
    assert effect.scale == "currency_per_week"
    assert effect.mean == pytest.approx(by_hand, abs=effect.sd)
    assert effect.interval[0] > 0


def test_conditional_logit_agrees_with_daily_conditional_likelihood() -> None:
    """statsmodels takes one row per day and conditions on each customer's total: another road to the same maximum."""
    logs = panel(6, n=120, effect=0.5)
    rows = stack(logs, "B", cut_off_day=CUT_OFF).drop(columns="overlap_A")
    ours = conditional_logit(rows)
    informs = rows["visits_before"] + rows["visits_after"] > 0
    outcome, exog, group = [], [], []
    for label, row in rows[informs].iterrows():
        for after, visits in ((0, row["visits_before"]), (1, row["visits_after"])):
            outcome += [1] * visits + [0] * (row["days"] - visits)
            exog += [(after * row["targeted"], after)] * row["days"]
            group += [label] * row["days"]
    theirs = ConditionalLogit(np.array(outcome), np.array(exog, dtype=float), groups=np.array(group)).fit(disp=False)
    assert ours is not None
    assert ours.mean == pytest.approx(theirs.params[0], abs=1e-3)
    assert ours.sd == pytest.approx(theirs.bse[0], rel=0.2)  # days of this panel are independent


def test_rows_written_twice_are_no_new_evidence() -> None:
    """Standard errors are clustered by customer: two identical rows of one customer count as one."""
    rows = stack(panel(12, n=600, effect=0.3), "A", cut_off_day=CUT_OFF)
    twice = pd.concat([rows, rows], ignore_index=True)
    once, again = conditional_logit(rows), conditional_logit(twice)
    assert once is not None
    assert again is not None
    assert (again.mean, again.sd) == pytest.approx((once.mean, once.sd), rel=1e-6)
    change, change_twice = (frame["spend_after"] - frame["spend_before"] for frame in (rows, twice))
    once, again = least_squares(rows, change, ()), least_squares(twice, change_twice, ())
    assert once is not None
    assert again is not None
    assert (again.mean, again.sd) == pytest.approx((once.mean, once.sd), rel=1e-3)


def test_newcomers_are_not_compared() -> None:
    """Whoever first came within a window has come at least once in it: that is entry, not an effect."""
    logs = panel(13)
    rows = stack(logs, "A", cut_off_day=CUT_OFF)
    earliest = rows["campaign_id"].map({str(number): start - 56 for number, start in enumerate(A_STARTS)})
    first_day = logs.customers["first_day"].to_numpy()
    assert (first_day[rows["customer"]] < earliest).all()
    assert len(rows) == sum((first_day < start - 56).sum() for start in A_STARTS)
    assert (first_day >= A_STARTS[0] - 56).any()


def test_nothing_after_the_cut_off_is_used() -> None:
    logs = panel(7, effect=0.3)
    visits = logs.visits[logs.visits["day"] <= CUT_OFF].reset_index(drop=True)
    assert estimate_effects(dataclasses.replace(logs, visits=visits), cut_off_day=CUT_OFF) == estimate_effects(
        logs, cut_off_day=CUT_OFF
    )


def test_row_order_of_campaigns_changes_nothing() -> None:
    logs = panel(8, n=400)
    assert logs.campaigns is not None
    shuffled = dataclasses.replace(logs, campaigns=logs.campaigns.sample(frac=1, random_state=1))
    for name, effect in estimate_effects(logs, cut_off_day=CUT_OFF).items():
        assert estimate_effects(shuffled, cut_off_day=CUT_OFF)[name].mean == pytest.approx(effect.mean, abs=1e-9)


@pytest.mark.parametrize(
    ("start", "end", "cut_off", "expected"),
    [
        (100, 150, 195, (28, 28)),  # a long campaign: its first four weeks
        (100, 124, 195, (21, 21)),  # 25 days: whole weeks
        (100, 102, 195, (3, 7)),  # a three-day coupon: the same weekdays a week before
        (100, 150, 120, (21, 21)),  # interrupted by the cut-off after three weeks
        (100, 150, 119, None),  # less than three weeks of it
        (55, 90, 195, None),  # no room for the placebo
        (56, 90, 195, (28, 28)),
    ],
)
def test_windows(start: int, end: int, cut_off: int, expected: tuple[int, int] | None) -> None:
    campaigns = pd.DataFrame({"campaign_id": ["x"], "kind": "A", "start_day": start, "end_day": end, "customer": 0})
    found = windows(campaigns, "A", cut_off_day=cut_off)
    assert [(window.days, window.shift) for window in found] == ([] if expected is None else [expected])


def test_what_cannot_be_told_is_refused_with_its_reason() -> None:
    logs = panel(9, n=60)
    assert "fewer than 30" in estimate_effects(logs, cut_off_day=CUT_OFF)["B"].verdict
    everyone = panel(9, n=200, targeted=1 - 1e-12)
    effect = estimate_effects(everyone, cut_off_day=CUT_OFF)["A"]
    assert "cannot be told" in effect.verdict
    assert not effect.passed
    assert np.isnan(effect.mean)
    early = estimate_effects(logs, cut_off_day=101)["A"]
    assert (early.n, early.passed) == (0, False)
    assert "no campaign has a complete window" in early.verdict


def test_logs_without_campaigns_have_no_effects() -> None:
    logs = dataclasses.replace(panel(10, n=50), campaigns=None)
    assert estimate_effects(logs, cut_off_day=CUT_OFF) == {}
    assert spend_effects(logs, cut_off_day=CUT_OFF) == {}
    assert redemption_rates(logs).empty


def test_a_users_own_campaign_from_files_to_effect(tmp_path: Path) -> None:
    """Coupons issued under one ``campaign_id`` are a campaign; what the files say is what the panel had."""
    logs = panel(14, n=800, effect_b=0.6)
    assert logs.campaigns is not None
    b = logs.campaigns[logs.campaigns["kind"] == "B"]
    midnight = pd.Timestamp(logs.origin)
    orders = logs.visits.assign(
        customer_id="c" + logs.visits["customer"].astype(str),
        ts=midnight + pd.to_timedelta(logs.visits["day"], unit="D"),
        order_id=range(len(logs.visits)),
        gross=logs.visits["gross"] / 100,
    )
    touches = pd.DataFrame(
        {
            "customer_id": "c" + b["customer"].astype(str),
            "ts": midnight + pd.Timedelta(days=B_START),
            "kind": "coupon_issued",
            "valid_days": 27,
            "campaign_id": "spring",
        }
    )
    orders.drop(columns=["customer", "day", "net"]).to_csv(tmp_path / "orders.csv", index=False)
    ordered = touches["customer_id"].isin(orders["customer_id"])
    touches[ordered].to_csv(tmp_path / "touches.csv", index=False)
    effect = estimate_effects(load_logs(tmp_path), cut_off_day=CUT_OFF)
    only_b = dataclasses.replace(logs, campaigns=b)
    expected = estimate_effects(only_b, cut_off_day=CUT_OFF)["B"]
    assert list(effect) == ["spring"]
    assert effect["spring"].mean == pytest.approx(expected.mean, abs=1e-6)
    assert effect["spring"].sd == pytest.approx(expected.sd, rel=1e-3)
    assert effect["spring"].interval[0] > 0


def test_a_cut_off_outside_the_logs_is_refused() -> None:
    with pytest.raises(DataError, match="0 to 209"):
        estimate_effects(panel(10, n=50), cut_off_day=DAYS)


def test_redemption_rates_of_independent_customers_are_wilsons() -> None:
    """11 of 100: Wilson's interval is .0625 to .1863."""
    campaigns = pd.DataFrame(
        {
            "campaign_id": "x",
            "kind": "A",
            "start_day": 0,
            "end_day": 9,
            "customer": range(100),
            "redeemed": [True] * 11 + [False] * 89,
        }
    )
    logs = logs_of(panel(11, n=100).visits, 100, campaigns)
    rates = redemption_rates(logs).iloc[0]
    assert rates["rate"] == pytest.approx(0.11)
    assert rates["low"] == pytest.approx(0.0625, abs=0.0001)
    assert rates["high"] == pytest.approx(0.1863, abs=0.0001)
    assert redemption_rates(logs, cut_off_day=8).empty
    again = dataclasses.replace(logs, campaigns=pd.concat([campaigns, campaigns.assign(campaign_id="y")]))
    both = redemption_rates(again).iloc[0]  # the same customers did the same twice: no new evidence
    assert both["n"] == 200
    assert (both["low"], both["high"]) == pytest.approx((rates["low"], rates["high"]))


def test_redemption_rates_of_complete_journey(journey: Logs) -> None:
    """The shared measurements: 16.6 % [15.1, 18.2], 6.5 % [5.3, 7.8], 5.9 % [4.0, 8.0] (a bootstrap of households)."""
    rates = redemption_rates(journey).set_index("kind")[["rate", "low", "high"]]
    expected = pd.DataFrame({"A": (0.166, 0.151, 0.182), "B": (0.065, 0.053, 0.078), "C": (0.059, 0.040, 0.080)}).T
    np.testing.assert_allclose(rates.loc[["A", "B", "C"]], expected, atol=0.0045)
    assert rates.loc["A", "high"] - rates.loc["A", "low"] == pytest.approx(
        0.031, abs=0.003
    )  # .024 if all were strangers


def test_campaigns_of_complete_journey(journey: Logs) -> None:
    """To the end of September: A and B near zero and accepted; C's households were already falling before: refused."""
    effects = estimate_effects(journey, cut_off_day=39 * 7 - 1)
    assert {name: effect.passed for name, effect in effects.items()} == {"A": True, "B": True, "C": False}
    assert abs(effects["A"].mean) < 0.06
    assert abs(effects["B"].mean) < 0.06
    assert effects["C"].placebo_mean < -0.05


def test_spend_of_complete_journey_over_the_year(journey: Logs) -> None:
    """The shared differences: A -.3 [-1.6, .9], B -.4 [-2.0, 1.0], C +4.0 [.8, 7.2], placebo of C -1.5."""
    spend = spend_effects(journey, cut_off_day=journey.last_day)
    for name, mean, half in (("A", -0.3, 1.25), ("B", -0.4, 1.5), ("C", 4.0, 3.2)):
        assert spend[name].mean == pytest.approx(mean, abs=1.0)
        assert 1.96 * spend[name].sd == pytest.approx(half, rel=0.25)
    assert spend["C"].placebo_mean == pytest.approx(-1.5, abs=1.0)
    naive = naive_spend_effects(journey, cut_off_day=journey.last_day)["A"]
    assert naive.interval[0] > 0
    assert naive.placebo_mean > 0.75 * naive.mean  # most of the claim was there before the campaign


@pytest.mark.slow
def test_intervals_cover_and_placebos_pass_as_often_as_they_say() -> None:
    """200 panels, 95 % intervals: right ones leave .91 to .99 less than once in 100 times."""
    effects = [
        estimate_effects(panel(seed, n=500, effect=0.3, heavy=1.0), cut_off_day=CUT_OFF)["A"] for seed in range(200)
    ]
    covered = np.mean([effect.interval[0] < 0.3 < effect.interval[1] for effect in effects])
    assert 0.91 <= covered <= 0.99
    assert 0.91 <= np.mean([effect.passed for effect in effects]) <= 0.99
    bias = np.mean([effect.mean - 0.3 for effect in effects])
    spread = np.std([effect.mean for effect in effects])
    assert abs(bias) < 3 * spread / np.sqrt(200)
    assert np.mean([effect.sd for effect in effects]) == pytest.approx(spread, rel=0.15)
