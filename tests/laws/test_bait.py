"""Baits: a better one brings more people, takes nobody back, and brings those who are after it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from agents.scenario import Scenario
from tests.worlds import canonical, live, policy, scenario

CHANNELS: dict[str, Any] = {
    name: {"volume": 3000, "cost_per_reach_cny": 2.0, "organic_per_day": 80, "add_rate": 0.2, "add_later": 0.01}
    for name in ("one", "other")
}


def market(**changes: Any) -> Scenario:
    """Two channels alike, a fifth of whose people hunt bargains."""
    return scenario(0, 15, channels=CHANNELS, traits={"hunter_share": 0.2}, **changes)


def baited(seed: int = 1, until: int | None = None, **bait: Any) -> PrivateDomain:
    """The world with a bait on one channel."""
    under = policy(bait={"kind": "newcomer_bait", "channels": ["one"], **bait})
    return live(market(), under, seed=seed, until=until)


def joined(world: PrivateDomain, channel: str = "one") -> dict[int, int]:
    """Day of joining by key."""
    return {key: day for day, key, kind, _, source in canonical(world) if kind == "join" and source == channel}


@pytest.mark.parametrize("step", [("depth", 0.1, 0.4), ("off_cny", 10, 50), ("gift_cny", 3, 20)])
def test_a_better_bait_takes_nobody_back(step: tuple[str, float, float]) -> None:
    """Whoever adds for less adds for more, no later, and the other channel notices nothing."""
    field, low, high = step
    few, some, many = live(market()), baited(**{field: low}), baited(**{field: high})
    for less, more in ((few, some), (some, many)):
        days = joined(less), joined(more)
        assert set(days[0]) < set(days[1])
        assert all(days[1][key] <= day for key, day in days[0].items())
    assert joined(many, "other") == joined(few, "other")


@pytest.mark.parametrize("bait_first", [True, False])
def test_a_bait_takes_no_better_coupon_away(bait_first: bool) -> None:
    """Both lie in hand, and the till's rules say which is used."""
    actions = {
        "bait": {"kind": "newcomer_bait", "channels": ["one"], "off_cny": 5},
        "hello": {"kind": "coupon_trigger", "on": "joining", "off_cny": 30},
    }
    under = policy(**dict(sorted(actions.items(), reverse=not bait_first)))
    world = live(market(behaviours={"coupon_use": {"kind": "coupon_use", "take_up": 1}}), under, until=6)
    early = [e for e in canonical(world) if e[2] == "coupon_expired" and e[0] < 6]
    given = [
        world.ledger.of("voucher_issued").key[world.ledger.of("voucher_issued").amount == off] for off in (500, 3000)
    ]
    assert not early, "nothing is replaced"
    assert len(given[0]) > 100
    assert set(given[0].tolist()) <= set(given[1].tolist())
    used = [source for _, _, kind, _, source in canonical(world) if kind == "coupon_redeemed"]
    assert used.count("hello") > 10
    assert used.count("bait") <= used.count("hello"), "an order uses the best"


def test_bargain_hunters_come_by_themselves() -> None:
    """No rule names them: the share among those whom the bait brings is far above that of the channel."""
    world = baited(off_cny=50)
    hunts = world.spec.traits.hunts(world.draws, world.customers.key)
    c = world.customers
    here = (c.channel == 0) & (c.contact > 1)
    shares = [hunts[mask].mean() for mask in (c.channel == 0, here & ~c.lured, here & c.lured)]
    assert shares[0] == pytest.approx(0.2, abs=0.03)
    assert shares[1] == pytest.approx(0.2, abs=0.06)
    assert shares[2] > 0.3
    assert c.lured.sum() == len(world.ledger.of("lured")) > 100


def test_a_coupon_that_hardly_anybody_reaches_is_hardly_a_bait() -> None:
    """A minimum counts by the chance that an order reaches it."""
    lured = [len(baited(off_cny=50, minimum_spend_cny=least).ledger.of("lured")) for least in (0, 100, 100_000)]
    assert lured[0] > 1.5 * lured[1] > 0
    assert lured[2] == 0


def test_nobody_is_lured_while_no_bait_lies() -> None:
    world = baited(depth=0.4, calendar={"every_days": 1, "from_day": 5, "until_day": 9})
    days = world.ledger.of("lured").day
    assert (days.min(), days.max()) == (5, 9)
    gifts = baited(gift_cny=3, calendar={"every_days": 3}).ledger
    assert set(gifts.of("gift").day.tolist()) == {0, 3, 6, 9, 12}


def test_who_was_lured_spends_less() -> None:
    """Many of them hunt bargains, and a gift is worth most to those of small orders."""
    keen = {name: channel | {"trust": 0.7} for name, channel in CHANNELS.items()}
    of = market().model_copy(update={"horizon_days": 60, "channels": scenario(0, channels=keen).channels})
    world = live(of, policy(bait={"kind": "newcomer_bait", "channels": ["one"], "gift_cny": 40}))
    c, orders = world.customers, world.ledger.of("order")
    spent = dict.fromkeys(c.key.tolist(), 0)
    for key, amount in zip(orders.key.tolist(), orders.amount.tolist(), strict=True):
        spent[key] += amount
    each = np.array(list(spent.values()))
    here = (c.channel == 0) & (c.contact > 1)
    assert each[here & c.lured].mean() < 0.8 * each[here & ~c.lured].mean()


def test_without_a_policy_nobody_carries_the_columns() -> None:
    assert "lured" not in live(market(), DO_NOTHING, until=1).customers.DECLARED
