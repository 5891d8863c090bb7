"""Identities of sales and interaction: factors counted in the events multiply to the result, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agents.domain import PrivateDomain
from agents.events import SALES
from experiments.accounts import Identity, identities
from tests.worlds import Event, busy_policy, busy_scenario, canonical, live, policy, scenario


@pytest.fixture(scope="module")
def world() -> PrivateDomain:
    return live(busy_scenario(), busy_policy(), seed=2)


@pytest.fixture(scope="module")
def events(world: PrivateDomain) -> list[Event]:
    return canonical(world)


def by_name(world: PrivateDomain) -> dict[str, Identity]:
    return {identity.name: identity for identity in identities(world)}


def test_factors_multiply_to_the_result(world: PrivateDomain, events: list[Event]) -> None:
    """Not nearly: to the cent, in whole numbers."""
    gmv = Fraction(sum(amount for _, _, kind, amount, _ in events if kind in SALES), 100)
    answers = sum(kind in ("interact", "reply") for _, _, kind, _, _ in events)
    found = by_name(world)
    assert {name: identity.result for name, identity in found.items()} == {
        "sales": gmv, "sales by content": gmv, "value of the private domain": gmv, "social dividend": answers,
    }  # fmt: skip
    for identity in found.values():
        assert identity.product == identity.result
        assert not identity.broken


def test_each_factor_is_what_the_events_say(world: PrivateDomain, events: list[Event]) -> None:
    """Counted again in plain Python, factor by factor."""
    keys = {kind: [key for _, key, k, _, _ in events if k == kind] for kind in world.ledger.code}
    met = {(day, key) for day, key, kind, _, _ in events if kind in ("view", *SALES)}
    sold = [key for kind in SALES for key in keys[kind]]
    who, buyers, orders = {key for _, key in met}, set(sold), len(sold)
    assert keys["package"], "firms buy in this world"
    responders = {*keys["interact"], *keys["reply"]}
    minutes = Fraction(sum(amount for _, _, kind, amount, _ in events if kind == "view"), 60)
    gmv = Fraction(sum(amount for _, _, kind, amount, _ in events if kind in SALES), 100)
    contacts = 200 + len(keys["join"])
    own = contacts - sum(kind == "join" and source == "referral" for _, _, kind, _, source in events)
    assert own < contacts, "friends bring friends in this world"
    expected = {
        "sales": [len(met), Fraction(orders, len(met)), gmv / orders],
        "sales by content": [len(who), minutes / len(who), len(buyers) / minutes, Fraction(orders, len(buyers)),
                             gmv / orders],
        "value of the private domain": [
            200 + len(keys["reached"]), Fraction(own, 200 + len(keys["reached"])), Fraction(contacts, own),
            Fraction(len(who), contacts),
            Fraction(len(responders), len(who)), Fraction(len(buyers), len(responders)),
            Fraction(orders, len(buyers)), gmv / orders,
        ],
        "social dividend": [contacts, Fraction(len(keys["view"]), contacts),
                            Fraction(len(keys["interact"]) + len(keys["reply"]), len(keys["view"]))],
    }  # fmt: skip
    found = {name: [factor.value for factor in identity.factors] for name, identity in by_name(world).items()}
    assert found == expected


def test_what_did_not_happen_breaks_an_identity_and_is_named() -> None:
    """Nobody is shown anything: there is no answer, and nothing to be a share of."""
    found = by_name(live(scenario(300, 30), policy()))
    assert found["sales"].product == found["sales"].result > 0
    value = found["value of the private domain"]
    assert (value.broken, [factor.name for factor in value.factors][-1]) == ("conversion", "seeding")
    assert value.product == 0 < value.result
    assert by_name(live(scenario(0, 3, channels={"c": {"volume": 1, "cost_per_reach_cny": 9}}), policy()))[
        "sales"
    ].broken


def test_views_are_those_messages_that_are_seen(world: PrivateDomain, events: list[Event]) -> None:
    sent = sum(kind.startswith("message_") or kind == "chat" for _, _, kind, _, _ in events)
    seen = [amount for _, _, kind, amount, _ in events if kind == "view"]
    assert 0.5 * sent < len(seen) < sent, "the muted see few"
    assert set(seen) == {4, 20, 30, 600}, "ten minutes are a live stream"
