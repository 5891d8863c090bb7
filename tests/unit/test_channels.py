"""Channels: presets, what a contact costs, who newcomers are, and how a first contact begins."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agents.channel_presets import PRESETS
from agents.channels import BOUGHT, QUOTED, SILENT, ChannelSpec
from agents.customers import NEVER, Level
from agents.effects import Effects
from agents.scenario import Scenario
from tests.worlds import canonical, live, policy, scenario

GATE: dict[str, Any] = {"volume": 4000, "cost_per_reach_cny": 2.0, "organic_per_day": 150, "add_rate": 0.5}


def gate(days: int = 12, behaviours: dict[str, Any] | None = None, **channel: Any) -> Scenario:
    """Newcomers of one channel alone."""
    return scenario(0, days, channels={"gate": GATE | channel}, behaviours=behaviours or {})


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_channel_and_cites_its_source(name: str) -> None:
    spec = ChannelSpec.model_validate({"preset": name, "volume": 100})
    assert spec.first_contact is not None
    assert "assumed" in spec.source_of("add_rate")
    again = ChannelSpec.model_validate(spec.model_dump(mode="json"))
    assert again == spec


def test_what_is_given_counts_above_the_preset() -> None:
    spec = ChannelSpec.model_validate({"preset": "search", "volume": 9, "add_rate": 0.5, "first_contact": None})
    assert (spec.add_rate, spec.first_contact) == (0.5, None)
    assert spec.cost_per_reach_cny == PRESETS["search"].numbers["cost_per_reach_cny"]
    (cost,) = spec.derived()
    assert cost.value == spec.cost_per_contact_cny == 18.0


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ValidationError, match="no channel preset 'store'; did you mean 'store_qr'"):
        ChannelSpec.model_validate({"preset": "store", "volume": 9})


def test_first_contacts_are_no_more_than_all() -> None:
    with pytest.raises(ValidationError, match=r"at most 1 \(they add up to 1.2\)"):
        ChannelSpec.model_validate(GATE | {"first_contact": {"interested": 0.5, "quoted": 0.4, "bought": 0.3}})


def test_contacts_cost_what_is_said_while_the_pool_is_fresh() -> None:
    spend = {"kind": "acquisition", "spend_cny_per_day": {"gate": 200}}
    world = live(gate(organic_per_day=0, volume=200_000, add_later=0), policy(growth=spend))
    joins = len(world.ledger.of("join"))
    # Spend of a day brings people from the next day on: the last day's brings nobody.
    assert 11 * 200 / joins == pytest.approx(GATE["cost_per_reach_cny"] / GATE["add_rate"], rel=0.1)


def test_quality_is_a_shift_of_everybodys_traits() -> None:
    """Its newcomers are the same people, shifted."""
    shifts = {"rate": 0.5, "basket": -0.2, "price_sensitivity": 0.3, "tolerance": -0.4, "interest": 0.7}
    plain = live(gate(), until=5).customers
    shifted = live(gate(**{f"{name}_shift": by for name, by in shifts.items()}), until=5).customers
    assert np.array_equal(plain.key, shifted.key)
    for name, by in shifts.items():
        here, there = getattr(plain, name).astype(float), getattr(shifted, name).astype(float)
        log = name not in ("rate", "basket")
        assert np.allclose(np.log(there) - np.log(here) if log else there - here, by, atol=1e-5), name


def test_a_channel_has_its_own_share_of_bargain_hunters() -> None:
    few, many = (live(gate(hunter_share=share), until=5).customers for share in (0.0, 0.5))
    hunts = many.price_sensitivity > 2 * few.price_sensitivity
    assert hunts.mean() == pytest.approx(0.5, abs=0.1)
    assert np.array_equal(many.price_sensitivity[~hunts], few.price_sensitivity[~hunts])


SORTED = {"first_contact": {"interested": 0.2, "quoted": 0.3, "bought": 0.1}}


def test_newcomers_begin_in_the_shares_of_their_channel() -> None:
    world = live(gate(**SORTED))
    began = world.ledger.of("first_contact")
    assert len(began) == len(world.ledger.of("join")) > 700
    shares = np.bincount(began.amount, minlength=4) / len(began)
    assert shares == pytest.approx([0.4, 0.2, 0.3, 0.1], abs=0.05)


def test_a_larger_share_takes_nobody_back() -> None:
    """Who bought still buys, and nobody falls to a lower outcome."""
    more = {"first_contact": SORTED["first_contact"] | {"bought": 0.3}}
    before, after = (live(gate(**share), until=5).customers.first_contact for share in (SORTED, more))
    assert (after >= before).all()
    assert (after > before).any()


def test_buyers_order_on_the_day_of_joining_and_silent_ones_stay_strangers() -> None:
    world = live(gate(**SORTED))
    day_of = {key: day for day, key, kind, *_ in canonical(world) if kind == "join"}
    began = {key: amount for _, key, kind, amount, _ in canonical(world) if kind == "first_contact"}
    bought = {(day, key) for day, key, kind, _, source in canonical(world) if kind == "order" and day == day_of[key]}
    assert {(day_of[key], key) for key, outcome in began.items() if outcome == BOUGHT} <= bought
    orders = Counter((day, key) for day, key, kind, *_ in canonical(world) if kind == "order")
    assert max(orders.values()) == 1
    c = world.customers
    assert (c.level[(c.first_contact == SILENT) & (c.orders == 0)] == Level.STRANGER).all()


@pytest.mark.parametrize("effect", [0.0, 3.0])
def test_an_answered_quote_sells_and_an_unanswered_one_costs_goodwill(effect: float) -> None:
    """Chats reach everybody, or nobody."""
    asks = {"first_contact": {"quoted": 1.0}, "trust": 0.6}
    world = gate(6, **asks).model_copy(update={"effects": _quote(effect)})
    talk = {"kind": "chat", "hours_per_week": {"L1": 500, "L2": 500}}
    busy = live(world.model_copy(update={"staff": world.staff.model_copy(update={"hours_per_week": 1000.0})}),
                policy(talk=talk))  # fmt: skip
    idle = live(world)
    assert len(busy.ledger.of("quote_answered")) > 0.9 * len(busy.ledger.of("first_contact"))
    assert not len(busy.ledger.of("quote_unanswered"))
    assert (busy.customers.quote_day == NEVER).mean() > 0.9
    assert not len(idle.ledger.of("quote_answered"))
    lost = idle.ledger.of("quote_unanswered")
    waiting = idle.customers.first_contact == QUOTED
    assert len(lost) == (idle.customers.joined[waiting] <= 3).sum()
    assert (idle.customers.goodwill[np.isin(idle.customers.key, lost.key)] < 0).all()
    orders = [len(w.ledger.of("order")) for w in (busy, idle)]
    assert orders[0] > (5 if effect else 1) * orders[1]


def _quote(mean: float) -> Any:
    return Effects.model_validate({"quote": {"mean": mean, "source": "test"}})
