"""First contacts keep the contracts, and bad channels are refused."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from agents.behaviours import FirstContact, FirstOrders, Quotes
from tests.contracts.behaviour_contract import BehaviourContract


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
    columns = {"coupon_depth"}
    events = {"order", "goods", "coupon_redeemed", "subsidised"}
