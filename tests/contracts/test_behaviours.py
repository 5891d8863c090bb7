"""Every customer behaviour keeps the contract."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from agents.behaviours import (
    Arrival,
    Attention,
    Attrition,
    Behaviour,
    Census,
    CouponUse,
    Purchase,
    Reaction,
    Service,
    TrustLevels,
    ValueTiers,
)  # fmt: skip
from agents.domain import PrivateDomain
from agents.models.history import History
from tests.contracts.behaviour_contract import BehaviourContract
from tests.contracts.documents import import_contracts
from tests.worlds import LIVELY, busy_policy, busy_scenario


class TestArrival(BehaviourContract):
    kind = Arrival
    columns = {"contact", "joined", "lured"}
    events = {"reached", "join", "lured"}


class TestAttention(BehaviourContract):
    kind = Attention
    columns = {"stimulus", "fatigue", "goodwill", "week_messages", "level", "rounds", "sent_moments",
               "sent_broadcast", "worn_moments_advert", "worn_moments_content", "worn_group_advert",
               "worn_group_content", "worn_broadcast_advert", "worn_broadcast_content"}  # fmt: skip
    events = {"message_advert", "message_content", "chat", "view", "interact", "reply", "trust_level"}


class TestCouponUse(BehaviourContract):
    kind = CouponUse
    columns = {"coupon_noticed", "coupon_depth", "coupon_off"}
    events = {"coupon_expired"}


class TestReaction(BehaviourContract):
    kind = Reaction
    columns = {"contact"}
    events = {"mute", "delete"}


class TestPurchase(BehaviourContract):
    kind = Purchase
    columns = {
        "coupon_depth",
        "coupon_off",
        "coupon_noticed",
        "card_saved",
        "card_orders",
        "card_until",
        "cashback_due",
    }
    events = {"order", "goods", "coupon_redeemed", "subsidised", "member_discount", "partner"}


class TestService(BehaviourContract):
    kind = Service
    columns = {*History.DECLARED, "spend_season", "resting_trust", "level", "lapsed"} - {"key", "joined"}
    events = {"comeback", "lapse", "trust_level"}


class TestTrustLevels(BehaviourContract):
    kind = TrustLevels
    columns = {"level"}
    events = {"trust_level"}


class TestValueTiers(BehaviourContract):
    kind = ValueTiers
    columns = {"tier", "spend_season", "spend_before"}
    events = {"value_tier"}
    choices = {"season_days"}


class TestAttrition(BehaviourContract):
    kind = Attrition
    columns = {"contact"}
    events = {"delete", "unmute"}


class TestCensus(BehaviourContract):
    kind = Census
    columns = set()
    events = {"census"}


def test_every_kind_has_its_contract() -> None:
    """A new behaviour fails here until it inherits the contract."""
    import_contracts()
    kinds = {kind for kind in Behaviour.REGISTRY.values() if kind.__module__.startswith("agents.")}
    assert {contract.kind for contract in BehaviourContract.__subclasses__()} == kinds


def test_they_act_in_the_order_of_the_list() -> None:
    """Replacing one by a named one keeps its place."""
    others = {name: part for name, part in LIVELY.items() if name != "purchase"}
    named = {**others, "purchase": {"kind": "purchase", "first_order": -5}}
    world, plain = (
        PrivateDomain(busy_scenario(behaviours=behaviours), busy_policy(), seed=1) for behaviours in (named, others)
    )
    assert [b.kind for b in world.behaviours] == [b.kind for b in plain.behaviours]
    assert next(b for b in world.behaviours if b.kind == "purchase").first_order == -5
