"""First contacts keep the contracts, and bad channels are refused."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agents.actions import NewcomerBait, PartnerSwap, Welcome
from agents.behaviours import FirstContact, FirstOrders, Greeting, Quotes, Swapping
from sim.errors import SpecError
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract, deeds
from tests.worlds import busy_scenario, canonical, live, policy


class TestNewcomerBait(ActionContract):
    kind = NewcomerBait
    example = {"channels": ["store", "ads"], "off_cny": 20, "minimum_spend_cny": 30, "reminder_days": 3, "gift_cny": 2}
    columns = {"coupon_off", "coupon_minimum", "coupon_until", "coupon_reminder", "coupon_source", "coupon_noticed"}
    costs = {"gift", "coupon_redeemed", "message_advert"}

    def test_an_unknown_channel_is_refused(self) -> None:
        wrong = policy(it=self.data(channels=["ads", "stroe"]))
        with pytest.raises(SpecError, match=r"it\.channels\.1: .*no channel 'stroe'; did you mean 'store'"):
            wrong.check(busy_scenario())

    def test_two_baits_for_one_channel_contradict_each_other(self) -> None:
        with pytest.raises(ValidationError, match=r"a\.channels and actions\.b\.channels .* bait of channel 'ads'"):
            policy(a=self.data(), b=self.data(channels=["ads"]))

    def test_a_share_and_an_amount_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="a share or an amount, not both"):
            policy(a=self.data(depth=0.2))


class TestPartnerSwap(ActionContract):
    kind = PartnerSwap
    example = {"channel": "partner", "calendar": {"per_week": 4}, "cost_cny": 0.033}
    columns = set()
    costs = {"message_advert"}

    @pytest.mark.parametrize(
        ("channel", "message"),
        [
            ("partnr", r"it\.channel: .*no channel 'partnr'; did you mean 'partner'"),
            ("ads", r"channel 'ads' is no partner's pool; name one of partner, or set channels\.ads\.partner: true"),
        ],
    )
    def test_a_channel_that_is_no_partners_is_refused(self, channel: str, message: str) -> None:
        with pytest.raises(SpecError, match=message):
            policy(it=self.data(channel=channel)).check(busy_scenario())

    def test_there_has_to_be_a_partner(self) -> None:
        alone = {"partner": {"volume": 3, "cost_per_reach_cny": 1}}
        with pytest.raises(SpecError, match="add a channel with preset: partner_brand, or set"):
            policy(it=self.data()).check(busy_scenario(channels=alone))


class TestWelcome(ActionContract):
    kind = Welcome
    example = {"every_hours": 2, "cost_cny": 0.2, "calendar": {"per_week": 6}}
    columns = {"welcome_day"}
    costs = {"welcome"}

    def test_everybody_is_welcomed_once(self) -> None:
        world = live(self.world(), self.alone())
        joins = {key: day for day, key, kind, *_ in canonical(world) if kind == "join"}
        welcomes = {key: day for day, key, kind, *_ in canonical(world) if kind == "welcome"}
        assert len(welcomes) == len(world.ledger.of("welcome"))
        assert set(welcomes) <= set(joins)
        assert len(welcomes) > 0.9 * len(joins)
        assert {welcomes[key] - joins[key] for key in welcomes} == {0, 1}


class TestGreeting(BehaviourContract):
    kind = Greeting
    columns = {"goodwill", "fatigue"}
    events = set()


class TestSwapping(BehaviourContract):
    kind = Swapping
    columns = set()
    events = set()


class TestFirstContact(BehaviourContract):
    kind = FirstContact
    columns = {"first_contact", "quote_day", "rounds", "level"}
    events = {"first_contact", "trust_level"}


class TestQuotes(BehaviourContract):
    kind = Quotes
    columns = {"quote_day", "stimulus", "goodwill"}
    events = {"quote_answered", "quote_unanswered"}


class TestFirstOrders(BehaviourContract):
    kind = FirstOrders
    columns = {"coupon_depth", "coupon_off", "coupon_noticed"}
    events = {"order", "goods", "coupon_redeemed", "subsidised"}

    def test_touches_only_its_columns_and_writes_only_its_events(self) -> None:
        """Which of the coupons these few use is luck of the busy world, which changes with every new part of it."""
        columns, events = deeds()[self.kind.kind]
        assert columns <= self.columns
        assert {"order", "goods"} <= events <= self.events
