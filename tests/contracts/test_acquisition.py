"""First contacts keep the contracts, and bad channels are refused."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agents.actions import NewcomerBait
from agents.behaviours import FirstContact, FirstOrders, Quotes
from sim.errors import SpecError
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract, deeds
from tests.worlds import busy_scenario, policy


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
    columns = {"coupon_depth", "coupon_off"}
    events = {"order", "goods", "coupon_redeemed", "subsidised"}

    def test_touches_only_its_columns_and_writes_only_its_events(self) -> None:
        """Which of the coupons these few use is luck of the busy world, which changes with every new part of it."""
        columns, events = deeds()[self.kind.kind]
        assert columns <= self.columns
        assert {"order", "goods"} <= events <= self.events
