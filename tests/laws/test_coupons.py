"""Coupons follow their rules: terms, triggers, stacking, reminders, scarcity, hunters; contradictions are refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agents.coupon_book import CouponTerms, give
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.till import sell
from tests.worlds import busy_scenario, canonical, live, policy, scenario

DAILY = {"every_days": 1}


def till(stacking: dict[str, Any], member_price: float, *coupons: CouponTerms) -> tuple[int, list[int], int]:
    """Net, coupons used and member discount of one order at 100 by somebody who holds these coupons, all in cents."""
    bundle = {"kind": "coupon_bundle", "calendar": DAILY}
    under = Policy.model_validate({"title": "till", "actions": {"b": bundle}, "stacking": stacking})
    world = PrivateDomain(scenario(5, 9), under, seed=1)
    rows = np.array([2])
    for terms in coupons:
        give(world, rows, terms, "b")
    world.customers.member_price[rows] = member_price
    sale = sell(world, rows, np.array([10_000]), np.array([False]), "purchase")
    off = {kind: world.ledger.of(kind).amount.tolist() for kind in ("coupon_redeemed", "member_discount")}
    return int(sale.net[0]), off["coupon_redeemed"], sum(off["member_discount"])


SHARE = CouponTerms(depth=0.2, sure=True)
AMOUNT = CouponTerms(off_cents=3000, slot="bundle_1", sure=True)
HIGH = CouponTerms(off_cents=9000, minimum_cents=10_001, slot="bundle_2", sure=True)


@pytest.mark.parametrize(
    ("stacking", "member", "coupons", "found"),
    [
        ({}, 0.0, [SHARE], (8000, [2000], 0)),
        ({}, 0.0, [SHARE, AMOUNT, HIGH], (7000, [3000], 0)),  # the best; a minimum is not reached
        ({"coupons_per_order": 2}, 0.0, [SHARE, AMOUNT], (5600, [3000, 1400], 0)),
        ({}, 0.1, [AMOUNT], (6300, [3000], 700)),
        ({"first": "member_price"}, 0.1, [AMOUNT], (6000, [3000], 1000)),
        ({"with_member_price": False}, 0.1, [AMOUNT], (7000, [3000], 0)),
        ({"with_member_price": False}, 0.4, [AMOUNT], (6000, [], 4000)),
        ({}, 0.0, [CouponTerms(off_cents=30_000, slot="bundle_1", sure=True)], (1, [9999], 0)),
        ({}, 0.3, [CouponTerms(off_cents=9999, slot="bundle_1", sure=True)], (1, [9999], 0)),
        ({"least_paid_cny": 40, "coupons_per_order": 3}, 0.5, [SHARE, AMOUNT], (4000, [3000, 1400], 1600)),
        ({"least_paid_cny": 20, "first": "member_price"}, 0.5, [SHARE, AMOUNT], (2000, [3000], 5000)),
        ({"least_paid_cny": 60, "with_member_price": False}, 0.5, [AMOUNT], (6000, [], 4000)),
        ({"least_paid_cny": 150}, 0.5, [SHARE, AMOUNT], (10_000, [], 0)),
    ],
)
def test_the_till_stacks_by_the_rules(
    stacking: dict[str, Any], member: float, coupons: list[CouponTerms], found: tuple[int, list[int], int]
) -> None:
    assert till(stacking, member, *coupons) == found


def test_an_amount_pulls_like_the_share_of_an_expected_order() -> None:
    world = PrivateDomain(
        scenario(50, 9), policy(it={"kind": "coupon_bundle", "calendar": DAILY}), seed=1
    )  # fmt: skip
    rows = np.arange(50)
    purchase = next(b for b in world.behaviours if b.kind == "purchase")
    basket = world.expected_basket(rows)
    give(world, rows, CouponTerms(off_cents=1000, slot="bundle_1", sure=True), "it")
    by_amount = purchase.probability(world, slice(0, 50))
    for row in rows[:5].tolist():
        give(world, np.array([row]), CouponTerms(depth=1000 / basket[row], sure=True), "it")
    again = purchase.probability(world, slice(0, 50))
    assert np.allclose(again[:5], by_amount[:5], rtol=1e-6), "two coupons as good pull as one"


def test_a_trigger_gives_once_to_each() -> None:
    """On the day of joining, of the birthday, and n days after the last order."""
    trigger = {"kind": "coupon_trigger", "valid_days": 2}
    under = policy(
        hello={**trigger, "on": "joining", "off_cny": 5}, cake={**trigger, "on": "birthday", "depth": 0.1},
        missed={**trigger, "on": "silence", "silence_days": 9, "off_cny": 6},
    )  # fmt: skip
    world = live(busy_scenario(), under)
    given: dict[str, list[tuple[int, int]]] = {"hello": [], "cake": [], "missed": []}
    joined, ordered = set(), {}
    for day, key, kind, _, source in canonical(world):
        if kind == "join":
            joined.add((day, key))
        elif kind == "order":
            ordered[key, day] = True
        elif kind in ("coupon_issued", "voucher_issued"):
            given[source].append((day, key))
    assert set(given["hello"]) == joined
    assert max(Counter(key for _, key in given["cake"]).values()) == 1
    assert 0.5 < len(given["cake"]) / (len(world.customers.key[world.customers.contact == 2]) * 60 / 365) < 2
    assert given["missed"]
    for day, key in given["missed"]:
        assert not any((key, past) in ordered for past in range(day - 8, day))


@pytest.mark.parametrize("reminder_days", [0, 1])
def test_a_reminder_wins_those_who_did_not_notice(reminder_days: int) -> None:
    """Three days of validity (S4): who means to use it follows from two chances, and more orders from that alone."""
    coupon = {"kind": "coupon", "depth": 0.2, "valid_days": 3, "calendar": {"dates": ["2024-01-01"]}}
    patient = {
        "reaction": {"kind": "reaction", "mute": -50, "delete": -50},
        "attention": {"kind": "attention", "advert_goodwill": [0] * 6},
    }
    with_it, without = (
        live(scenario(4000, 3, behaviours=patient), policy(it={**coupon, "reminder_days": days}))
        for days in (reminder_days, 0)
    )
    used = [len(world.ledger.of("coupon_redeemed")) for world in (with_it, without)]
    assert used[0] > used[1] if reminder_days else used[0] == used[1]
    keys = [set(world.ledger.of("order").key.tolist()) for world in (with_it, without)]
    assert keys[1] <= keys[0], "a reminder undoes no order of the patient"


def test_a_reminder_is_a_message_that_is_seen_and_tires_and_annoys() -> None:
    """Or a search would take reminders for free."""
    coupon = {"kind": "coupon", "depth": 0.2, "valid_days": 3, "calendar": {"every_days": 3}}
    touchy = {"reaction": {"kind": "reaction", "mute": -3}}
    worlds = [
        live(scenario(600, 12, behaviours=touchy), policy(cap, it={**coupon, "reminder_days": days}))
        for days, cap in ((1, None), (0, None), (1, 1), (1, 0))
    ]
    sent, mutes, views = (
        [len(world.ledger.of(kind)) for world in worlds] for kind in ("message_advert", "mute", "view")
    )
    assert views[0] > 0.7 * sent[0] > 0
    assert mutes[0] > mutes[1] == 0
    assert sent[0] > sent[2] > sent[3] == sent[1] == 0
    rested = [world.customers.fatigue.max() for world in worlds]
    assert rested[0] >= rested[2] > rested[3] == 0
    assert canonical(worlds[1]) == canonical(worlds[3]), "whom the cap spares no reminder wins"


def test_hunters_take_nearly_everything() -> None:
    """By their price sensitivity, and by nothing else."""
    coupon = {"kind": "coupon", "depth": 0.2, "calendar": {"dates": ["2024-01-01"]}}
    world = live(scenario(4000, 1, traits={"hunter_share": 0.3}), policy(it=coupon))
    c = world.customers
    hunts, meant = world.spec.traits.hunts(world.draws, c.key), c.coupon_noticed | (c.coupon_depth == 0)
    assert meant[hunts].mean() > 0.75
    assert meant[~hunts].mean() < 0.5


def test_scarcity_is_felt_by_late_receivers_alone() -> None:
    coupon = {"kind": "coupon_trigger", "on": "joining", "depth": 0.1, "stock": 60}
    keen, cool = (
        live(busy_scenario(behaviours={"coupon_use": {"kind": "coupon_use", "scarcity_lift": lift}}), policy(it=coupon),
             until=1)
        for lift in (0.0, 5.0)
    )  # fmt: skip
    assert canonical(keen) == canonical(cool), "nothing is gone on the first day"


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        (
            {"calendar": {"every_days": 2}},
            r"a\.calendar and actions\.b\.calendar .* schedule of stock 'gifts'",
        ),
        ({"stock": 9}, r"actions\.a\.stock and actions\.b\.stock .* size of stock 'gifts'"),
    ],
)
def test_one_stock_has_one_schedule_and_one_size(changes: dict[str, Any], places: str) -> None:
    one = {"kind": "coupon", "depth": 0.1, "calendar": DAILY, "stock": 5, "shared_stock": "gifts"}
    assert len(live(scenario(50, 5), policy(a=one, b={**one, "slot": "extra"})).ledger.of("coupon_issued")) == 5
    with pytest.raises(ValidationError, match=places):
        policy(a=one, b={**one, **changes})


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"kind": "coupon", "depth": 0.1, "off_cny": 3, "calendar": DAILY}, "a share or an amount, not both"),
        ({"kind": "coupon", "depth": 0.1, "shared_stock": "x", "calendar": DAILY}, "needs to say how many"),
        ({"kind": "coupon_bundle", "calendar": DAILY, "coupons": [{"off_cny": 1, "minimum_spend_cny": 5}] * 2},
         r"must rise \(they are \[5\.0, 5\.0\]\)"),
    ],
)  # fmt: skip
def test_impossible_coupons_are_refused(data: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        policy(it=data)


def test_contradictory_stacking_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"stacking\.first and stacking\.with_member_price contradict"):
        Policy.model_validate({"title": "t", "stacking": {"first": "member_price", "with_member_price": False}})


@pytest.mark.parametrize("kind", ["coupon", "coupon_trigger", "coupon_bundle", "newcomer_bait"])
def test_a_reminder_before_the_coupon_is_refused(kind: str) -> None:
    more = {"coupon_trigger": {"on": "joining"}, "newcomer_bait": {"channels": ["a"]}}.get(kind, {"calendar": DAILY})
    with pytest.raises(ValidationError, match=r"reminder_days 5 and valid_days 5 contradict .* reminder_days to 4"):
        policy(it={"kind": kind, "valid_days": 5, "reminder_days": 5, **more})
    assert policy(it={"kind": kind, "valid_days": 5, "reminder_days": 4, **more}).actions
