"""Money adds up to the cent: revenue - cost = profit, by customer, by action and in total."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from agents.domain import PrivateDomain
from agents.events import KINDS, OPERATOR_COSTS, OPERATOR_INCOME
from experiments.metrics import outcome
from sim.ledger import NOBODY
from tests.worlds import EVERYTHING, Event, busy_policy, busy_scenario, canonical, live, policy, scenario

SIGN = {kind.name: kind.sign for kind in KINDS}


def total(events: list[Event], *kinds: str, key: int | None = None, source: str | None = None) -> int:
    """Sum of the amounts of some kinds."""
    return sum(a for _, k, kind, a, s in events if kind in kinds and key in (None, k) and source in (None, s))


def test_profit_is_the_same_by_customer_by_action_and_in_total(busy: PrivateDomain, busy_events: list[Event]) -> None:
    by_customer: Counter[int] = Counter()
    by_source: Counter[str] = Counter()
    for _, key, kind, amount, source in busy_events:
        by_customer[key] += SIGN[kind] * amount
        by_source[source] += SIGN[kind] * amount
    totals = busy.ledger.totals()
    profit = int((busy.ledger.signs()[totals.kind] * totals.amount).sum())
    revenue = sum(a for _, _, kind, a, _ in busy_events if SIGN[kind] > 0)
    cost = sum(a for _, _, kind, a, _ in busy_events if SIGN[kind] < 0)
    assert revenue - cost == profit == sum(by_customer.values()) == sum(by_source.values())
    assert revenue > cost > 0


def test_clv_is_margin_less_spend_both_discounted(busy: PrivateDomain, busy_events: list[Event]) -> None:
    """From the events alone, so that the metric may neither forget a cost, a fee nor the discounting of one."""
    value: Counter[str] = Counter()
    for day, _, kind, amount, _ in busy_events:
        value[kind] += SIGN[kind] * amount / 100 * busy.spec.day_factor(day)
    values = outcome(busy).values
    margin = (value["order"] + value["package"] + value["goods"]) / values["acquired"]
    spent = -sum(value[kind] for kind in (*OPERATOR_COSTS, *OPERATOR_INCOME)) / values["acquired"]
    assert values["spend_discounted"] == pytest.approx(spent, rel=1e-9)
    assert values["clv"] == pytest.approx(margin - spent, rel=1e-9)
    assert 0 < spent < values["spend"] / values["acquired"]


def test_totals_are_the_sums_of_the_events(busy: PrivateDomain, busy_events: list[Event]) -> None:
    counts: defaultdict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for day, _, kind, amount, source in busy_events:
        counts[day, kind, source][0] += 1
        counts[day, kind, source][1] += amount
    t, kinds, sources = busy.ledger.totals(), [k.name for k in busy.ledger.kinds], busy.ledger.sources
    ours = {
        (int(day), kinds[kind], sources[source]): [int(n), int(amount)]
        for day, kind, source, n, amount in zip(*vars(t).values(), strict=True)
    }
    assert ours == counts


def test_totals_alone_are_the_same_totals(busy: PrivateDomain) -> None:
    lean = live(busy_scenario(), busy_policy(), detail=False)
    for name, column in vars(lean.ledger.totals()).items():
        assert np.array_equal(column, getattr(busy.ledger.totals(), name)), name
    assert lean.ledger.sources == busy.ledger.sources


def test_every_money_event_is_positive_and_only_shared_costs_belong_to_nobody(busy_events: list[Event]) -> None:
    assert all(amount >= 0 for _, _, kind, amount, _ in busy_events if SIGN[kind])
    shared = {kind for _, key, kind, _, _ in busy_events if key == NOBODY}
    assert shared == {"media", "setup", "wages", "census", "group_opened", "group_dead"}


def test_every_order_has_its_goods_and_discounts_below_its_price(busy_events: list[Event]) -> None:
    basket: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    orders: defaultdict[str, dict[tuple[int, int], int]] = defaultdict(dict)
    cost_of_goods = {"purchase": 0.6, "first_contact": 0.6, "flash": 30 / 69, "together": 31 / 48.8}
    for day, key, kind, amount, source in busy_events:
        if source in ("club.small", "club.large"):
            continue  # a package is no order
        if kind in ("order", "goods", "coupon_redeemed", "member_discount"):
            basket[day, key][kind] += amount
        if kind == "order":
            assert (day, key) not in orders[source], "one order a day of each seller"
            orders[source][day, key] = amount
        elif kind == "goods":
            assert amount == round(orders[source][day, key] * cost_of_goods[source])
    assert set(orders) == set(cost_of_goods)
    for parts in basket.values():
        net = parts["order"] - parts.get("coupon_redeemed", 0) - parts.get("member_discount", 0)
        assert 0 <= net <= parts["order"]  # 0: a coupon by amount may pay for all of it


def test_benefits_are_booked_under_the_programme(busy_events: list[Event]) -> None:
    for kinds, sources in (({"member_discount", "benefit", "partner", "package"}, {"club"}),
                           ({"points", "points_earned", "points_expired"}, {"points"}),
                           ({"fee", "refund"}, {"club", "together"})):  # fmt: skip
        assert {source.split(".")[0] for _, _, kind, _, source in busy_events if kind in kinds} == sources


def test_every_cost_of_the_operator_has_an_action_for_its_source(busy_events: list[Event]) -> None:
    sources = {source for _, _, kind, _, source in busy_events if kind in OPERATOR_COSTS}
    assert {source.split(".")[0] for source in sources} == set(EVERYTHING)


def test_wages_are_those_of_the_hours_there_are() -> None:
    """Asked are 20.5 hours a week of which 16 exist; rounding never adds up."""
    care = {**EVERYTHING["care"], "calendar": None}
    events = canonical(live(busy_scenario(), policy(talk=EVERYTHING["talk"], care=care)))
    wages = {name: total(events, "wages", source=name) for name in ("talk", "care")}
    assert wages == {"talk": round(17 / 20.5 * 16 / 7 * 60 * 3500), "care": round(3.5 / 20.5 * 16 / 7 * 60 * 3500)}


def test_wages_media_and_production_come_to_what_was_planned(busy: PrivateDomain, busy_events: list[Event]) -> None:
    planned = round(busy.policy.fixed_cost_cny(busy.spec) * 100)
    assert abs(total(busy_events, "wages", "media", "setup") - planned) <= len(EVERYTHING)


def test_fractions_of_a_cent_add_up() -> None:
    """Content at 1.3 cents: the mean over keys and days is exact to the cycle's end."""
    cheap = policy(post={"kind": "content", "calendar": {"every_days": 1}, "cost_cny": 0.013, "production_cny": 0})
    events = live(scenario(1000, 10), cheap).ledger.of("message_content")
    assert abs(int(events.amount.sum()) - 1.3 * len(events)) < 10  # at most a cent for each day
    assert set(events.amount.tolist()) == {1, 2}


def test_a_card_is_refunded_once_and_never_more_than_its_fee(busy_events: list[Event]) -> None:
    fees, may_be_refunded = {"month": 990, "year": 12000, "taste": 100, "bespoke": 9000}, {}
    for _, key, kind, amount, source in busy_events:
        plan = source.removeprefix("club.")
        if kind == "fee" and plan in fees:
            assert amount == fees[plan]
            may_be_refunded[key] = source
        elif kind == "refund" and plan in fees:
            assert 0 < amount <= fees[plan]
            assert may_be_refunded.pop(key) == source


@pytest.mark.parametrize("first", [25, 28, 29])
def test_cards_sold_just_before_the_end_win_nothing(first: int) -> None:
    """With no saving to be had a card costs its fee for the days that it ran, and the rest is given back.

    None is sold on the last day itself, when the books are closed.
    """
    card = {"fee_cny": 20, "term_days": 10, "discount": 0.0, "refund_if_not_saved": False}
    club = {"kind": "membership", "plans": {"card": card}, "audience": "everybody",
            "calendar": {"every_days": 1, "from_day": first}}  # fmt: skip
    keen = {"card_choice": {"kind": "card_choice", "at_par": 60, "per_log_ratio": 0}}
    world = live(scenario(50, 30, behaviours=keen), policy(club=club))
    sold, refunded = world.ledger.of("fee"), world.ledger.of("refund")
    assert len(sold) == len(refunded)
    assert (len(sold) > 30) is (first < 29)
    ran = {key: 30 - day for day, key in zip(sold.day.tolist(), sold.key.tolist(), strict=True)}
    kept = {key: 2000 - amount for key, amount in zip(refunded.key.tolist(), refunded.amount.tolist(), strict=True)}
    assert kept == {key: 200 * days for key, days in ran.items()}


def test_what_the_last_day_saves_counts_before_its_cards_are_closed() -> None:
    """Of a card that still runs, the fee is given back as far as it is not earned, and what it saved too little."""
    club = {"kind": "membership", "plans": {"card": {"fee_cny": 18, "term_days": 30}}, "audience": "everybody"}
    keen = {"card_choice": {"kind": "card_choice", "at_par": 3}}
    world = live(scenario(400, 12, behaviours=keen), policy(club=club | {"calendar": {"every_days": 1}}))
    events, last = canonical(world), world.horizon_days - 1
    bought = {key: day for day, key, kind, *_ in events if kind == "fee"}
    saved, before = Counter[int](), Counter[int]()
    for day, key, kind, amount, _ in events:
        if kind == "member_discount":
            saved[key] += amount
            before[key] += amount if day < last else 0

    def due(saving: Counter[int]) -> dict[int, int]:
        unearned = {key: round(1800 * (day + 29 - last) / 30) for key, day in bought.items()}
        owed = {key: back + max(1800 - back - saving[key], 0) for key, back in unearned.items()}
        return {key: amount for key, amount in owed.items() if amount}

    refunds = {key: amount for day, key, kind, amount, _ in events if (kind, day) == ("refund", last)}
    assert refunds == due(saved) != due(before)
