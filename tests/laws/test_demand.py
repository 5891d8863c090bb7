"""What raises the wish to buy never un-buys; what weighs on price never raises sales at full price."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from agents.behaviours import Purchase
from agents.coupon_book import worth_at_most
from agents.domain import PrivateDomain
from agents.models.hazard import sigmoid
from agents.policy import Policy
from agents.scenario import Scenario
from tests.worlds import busy_policy, busy_scenario, canonical, live, policy, scenario

Change = Callable[[Any], None]


def sales_of_a_day(of: Scenario, under: Policy, day: int, change: Change | None = None) -> tuple[set[int], set[int]]:
    """Who orders on a day, and who at full price, when customers are changed in the morning."""
    world = live(of, under, until=day)
    if change:
        change(world.customers)
    world.step()
    today = [(key, kind) for d, key, kind, _, _ in canonical(world) if d == day]
    buyers = {key for key, kind in today if kind == "order"}
    return buyers, buyers - {key for key, kind in today if kind in ("coupon_redeemed", "member_discount")}


def _add(column: str, amount: float) -> Change:
    def change(customers: Any) -> None:
        getattr(customers, column)[:] += np.float32(amount)

    return change


def _double_price_sensitivity(customers: Any) -> None:
    customers.price_sensitivity[:] *= 2


@pytest.mark.parametrize("day", [0, 9, 33])
@pytest.mark.parametrize("column", ["stimulus", "rate"])
def test_a_stronger_pull_never_unbuys(day: int, column: str) -> None:
    """The same luck against a higher probability: whoever ordered still orders that day, and others join."""
    base, _ = sales_of_a_day(busy_scenario(), busy_policy(), day)
    some, _ = sales_of_a_day(busy_scenario(), busy_policy(), day, _add(column, 0.5))
    many, _ = sales_of_a_day(busy_scenario(), busy_policy(), day, _add(column, 2.0))
    assert base <= some <= many
    assert len(base) < len(many)


def test_whoever_is_ruled_out_cheaply_could_not_have_ordered() -> None:
    """The bound that spares most customers their exact probability holds for everybody in every state."""
    world = live(busy_scenario(effects={"trust": {"mean": -1.0}}), busy_policy(), until=1)
    purchase = next(b for b in world.behaviours if isinstance(b, Purchase))
    tightest = np.inf
    while world.day < world.horizon_days:
        everyone = slice(0, len(world.customers))
        p = purchase.probability(world, everyone)
        most = purchase.base_at_most(world, everyone) + purchase.pull_at_most(world, everyone, worth_at_most(world))
        bound = sigmoid(most.astype(np.float64))
        assert np.all(p <= bound * (1 + 1e-5))
        tightest = min(tightest, float((bound / np.maximum(p, 1e-12)).min()))
        world.step()
    assert tightest < 1.5, "a bound that rules nobody out is not tested"


def test_fatigue_wins_no_order() -> None:
    """Tired customers are pulled less by the same messages; whoever orders would have ordered rested."""
    loud, lost = busy_scenario(effects={"advert": {"mean": 2.0}}), 0
    for day in range(7, 14):
        rested, _ = sales_of_a_day(loud, busy_policy(), day)
        tired, _ = sales_of_a_day(loud, busy_policy(), day, _add("fatigue", 50.0))
        assert tired <= rested
        lost += len(rested - tired)
    assert lost > 0


COUPONS = {
    "deal": {"kind": "coupon", "depth": 0.25, "valid_days": 4, "reminder_days": 1, "calendar": {"every_days": 2}}
}


@pytest.mark.parametrize("day", [0, 2, 8, 15, 30])
def test_doubled_price_sensitivity_never_raises_sales_at_full_price(day: int) -> None:
    """Exact on the same day and from the same state, for coupons without a minimum: those who look for deals use
    them, so full-price buyers become coupon buyers, never the other way round, and nobody un-buys. It cannot hold
    over time or with a minimum: an order won by a coupon makes a buyer, and one below the minimum pays in full."""
    base, base_full = sales_of_a_day(scenario(400), policy(**COUPONS), day)
    more, more_full = sales_of_a_day(scenario(400), policy(**COUPONS), day, _double_price_sensitivity)
    assert more_full <= base_full
    assert base <= more
    assert more - more_full > base - base_full


def test_without_deals_price_sensitivity_changes_nothing() -> None:
    """Exact over all days: content, adverts and chat do not ask for it."""
    talk: dict[str, Any] = {
        "posts": {"kind": "content", "calendar": {"per_week": 3}},
        "adverts": {"kind": "advert", "calendar": {"per_week": 3}},
        "talk": {"kind": "chat", "hours_per_week": {"L2": 4, "L4": 4}},
    }
    base = live(scenario(), policy(**talk))
    doubled = PrivateDomain(scenario(), policy(**talk), seed=1)
    _double_price_sensitivity(doubled.customers)
    assert canonical(doubled.run()) == canonical(base)


def test_a_deeper_coupon_sells_to_whoever_the_shallow_one_sold_to() -> None:
    """Same luck on the first day: deeper never un-buys, and each redemption costs more."""
    sold, given = [], []
    for depth in (0.0, 0.1, 0.3, 0.5):
        coupon = {"kind": "coupon", "depth": depth, "calendar": {"every_days": 1}}
        world = live(scenario(500), policy(deal=coupon), until=1)
        sold.append(set(world.ledger.of("order").key.tolist()))
        given.append(int(world.ledger.of("coupon_redeemed").amount.sum()))
    assert sold[0] <= sold[1] <= sold[2] <= sold[3]
    assert given == sorted(given)
    assert given[-1] > given[1] > 0


def test_more_media_never_unreaches_anybody() -> None:
    reached = []
    for spend in (0, 20, 60, 200):
        media = {"kind": "acquisition", "spend_cny_per_day": {"ads": spend}}
        world = live(busy_scenario(0, 40), policy(media=media))
        events = world.ledger.of("reached")
        reached.append(dict(zip(events.key.tolist(), events.day.tolist(), strict=True)))
    for less, more in pairwise(reached):
        assert all(more[key] <= day for key, day in less.items()), "reached no later than with less spend"
    gains = [len(more) - len(less) for less, more in pairwise(reached)]
    assert gains[0] / 20 > gains[1] / 40 > gains[2] / 140 > 0, "returns diminish"
