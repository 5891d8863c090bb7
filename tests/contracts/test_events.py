"""Communities, events and what customers make of them keep their contracts."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from agents.actions import Community, Festival, Lottery, NewProductDay, WelfareDay
from agents.behaviours import Gathering, Gifts, GroupJoining, GroupLeaving, GroupLife
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract

IN_HAND = {"coupon_depth", "coupon_minimum", "coupon_until", "coupon_source", "coupon_noticed"}


class TestCommunity(ActionContract):
    kind = Community
    example = {"hours_per_week": 4, "most_groups": 7, "size": 15, "calendar": {"per_week": 2}, "again_days": 9}
    columns = {"invited_day"}
    costs = {"message_advert", "wages"}


class TestNewProductDay(ActionContract):
    kind = NewProductDay
    example = {"items": 3, "production_cny": 1.5, "item_cost_cny": 12.34}
    columns = set()
    costs = {"message_advert", "wages", "setup"}


class TestWelfareDay(ActionContract):
    kind = WelfareDay
    example = {"depth": 0.2, "member_extra": 0.1, "production_cny": 5, "gift": {"stock": 8}}
    columns = set()
    costs = {"message_advert", "wages", "setup", "coupon_redeemed", "gift"}


class TestLottery(ActionContract):
    kind = Lottery
    example = {"calendar": {"every_days": 4}, "prizes": [{"chance": 0.3, "depth": 0.5}, {"chance": 0.5, "cost_cny": 2}],
               "production_cny": 2.5}  # fmt: skip
    columns = set()
    costs = {"message_advert", "wages", "setup", "coupon_redeemed", "gift"}


class TestFestival(ActionContract):
    kind = Festival
    example = {
        "depth": 0.3,
        "calendar": {"every_days": 9, "from_day": 5},
        "run_up_days": 3,
        "production_cny": 8,
        "minimum_spend_cny": 20,
    }
    columns = IN_HAND
    costs = {"message_advert", "wages", "setup", "coupon_redeemed"}


class TestGroupJoining(BehaviourContract):
    kind = GroupJoining
    columns = {"community", "seated_day"}
    events = {"group_opened", "group_joined"}


class TestGathering(BehaviourContract):
    kind = Gathering
    columns = {"stimulus", "festival_day", "gift_hope", "coupon_off"} | IN_HAND
    events = {"attend", "coupon_issued", "voucher_issued", "win", "gift"}


class TestGroupLife(BehaviourContract):
    kind = GroupLife
    columns = {"goodwill", "stimulus", "fatigue", "level"}
    events = {"interact", "trust_level", "group_dead"}


class TestGifts(BehaviourContract):
    kind = Gifts
    columns = set()
    events = {"gift"}


class TestGroupLeaving(BehaviourContract):
    kind = GroupLeaving
    columns = {"community"}
    events = {"group_left"}
