"""What parts of a world may ask for: columns of their own, sole rule over something, a place in the day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from agents.actions.base import Action, Claim
from agents.behaviours.base import Behaviour
from agents.customers import Customers, Interested, Sociable
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from sim.columns import Columns, column
from sim.errors import SiyuError
from sim.spec import parameter
from tests.worlds import canonical, live, policy, scenario


class Stamped(Columns):
    stamps = column("i2", 3, unit="count", doc="stamps on a card")


class StampCard(Action):
    """Everybody gets a stamp a day."""

    kind = "test_stamp_card"
    price_cny: float = parameter(1.0, ge=0, doc="price of a stamp")
    off: ClassVar[dict[str, Any]] = {}

    def carries(self) -> tuple[type[Columns], ...]:
        return (Stamped,)

    def claims(self) -> Iterator[Claim]:
        yield "the price of a stamp", "price_cny"

    def apply(self, world: PrivateDomain, name: str) -> None:
        world.customers.stamps += 1


class Gossip(Behaviour):
    """Speaks where stamps are given."""

    kind = "test_gossip"
    phase = "refer"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(action.kind == "test_stamp_card" for action in policy.actions.values())

    def carries(self) -> tuple[type[Columns], ...]:
        return Sociable, Interested

    def apply(self, world: PrivateDomain) -> None:
        world.record("interact", np.flatnonzero(world.customers.sociability > 2), 0, "gossip")


STAMPS: dict[str, Any] = {"kind": "test_stamp_card"}
GOSSIP: dict[str, Any] = {"gossip": {"kind": "test_gossip"}}


def test_an_action_brings_its_columns_to_those_who_are_there_and_those_who_come() -> None:
    busy = scenario(50, 10, channels={"store": {"volume": 200, "cost_per_reach_cny": 1, "organic_per_day": 10}})
    world = live(busy, policy(it=STAMPS))
    assert len(world.customers) > 60
    assert world.customers.stamps[:50].tolist() == [13] * 50
    assert 3 < world.customers.stamps[-1] < 13
    assert isinstance(world.customers, Customers)


def test_without_the_action_nobody_carries_them() -> None:
    assert "stamps" not in live(scenario(5, 1)).customers.DECLARED
    assert "stamps" not in Customers.DECLARED


def test_traits_are_drawn_where_a_part_needs_them() -> None:
    groups = {"traits": {"interest_groups": {"recipes": 3, "sports": 1}}, "behaviours": GOSSIP}
    c = live(scenario(4000, 1, **groups), policy(it=STAMPS)).customers
    assert np.log(c.sociability).std() == pytest.approx(0.8, abs=0.03)
    assert (c.interest_group == 0).mean() == pytest.approx(0.75, abs=0.03)
    assert set(c.interest_group.tolist()) == {0, 1}


def test_a_part_with_nothing_to_do_is_left_out() -> None:
    world = live(scenario(20, 2, behaviours=GOSSIP), DO_NOTHING)
    assert "test_gossip" not in [b.kind for b in world.behaviours]
    assert "sociability" not in world.customers.DECLARED


def test_the_refer_phase_comes_between_churn_and_the_census() -> None:
    names = [phase.__name__ for phase in PrivateDomain.PHASES]
    assert names[-3:] == ["churn", "refer", "observe"]
    world = live(scenario(200, 1, behaviours=GOSSIP), policy(it=STAMPS))
    assert {source for *_, source in canonical(world)} >= {"gossip"}


def test_a_column_that_two_parts_declare_differently_is_refused() -> None:
    class Other(Columns):
        stamps = column("i4", 0, unit="count", doc="other stamps")

    assert Customers.with_columns_of(Stamped, Stamped).DECLARED["stamps"].default == 3
    with pytest.raises(SiyuError, match="column 'stamps' is declared twice"):
        Customers.with_columns_of(Stamped, Other)


def test_two_actions_that_rule_over_the_same_are_refused_with_both_places() -> None:
    places = r"actions\.a\.price_cny and actions\.b\.price_cny contradict each other: both set the price of a stamp"
    with pytest.raises(ValidationError, match=places):
        policy(a=STAMPS, b={**STAMPS, "price_cny": 2})


def test_the_clock_tells_phases_and_their_parts() -> None:
    world = PrivateDomain(scenario(20, 3, behaviours=GOSSIP), policy(it=STAMPS), seed=1, profile=True)
    world.run()
    assert {"operate", "operate/it", "refer", "refer/test_gossip", "purchase/purchase"} <= set(world.seconds)
    parts = sum(s for name, s in world.seconds.items() if name.startswith("refer/"))
    assert 0 < parts <= world.seconds["refer"]


def test_bargain_hunters_mind_the_price_and_hardly_buy_without() -> None:
    few, none = (scenario(3000, 1, traits={"hunter_share": share}) for share in (0.2, 0.0))
    a, b = (live(of).customers for of in (few, none))
    hunts = few.traits.hunts(PrivateDomain(few, DO_NOTHING, seed=1).draws, a.key)
    assert hunts.mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_allclose(a.price_sensitivity[hunts], 4 * b.price_sensitivity[hunts], rtol=1e-6)
    np.testing.assert_allclose(a.rate[hunts], b.rate[hunts] - 2, rtol=1e-5, atol=1e-6)
    assert (a.price_sensitivity == b.price_sensitivity)[~hunts].all()
