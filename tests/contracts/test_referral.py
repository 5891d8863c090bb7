"""Referral, distribution and cultivation, and what customers do about them, keep the contracts."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from agents.actions import Distribution, Koc, Referral, ShareVoucher
from agents.behaviours import Distributors, Guests, ReferralRewards, WordOfMouth
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract

VOUCHER = {"coupon_off", "coupon_minimum", "coupon_until", "coupon_source", "coupon_noticed"}  # of the slot "referral"


class TestReferral(ActionContract):
    kind = Referral
    example = {"reward_cny": 20, "minimum_order_cny": 10, "newcomer": {"off_cny": 15}, "inviter": {"off_cny": 5}}
    columns = set()
    costs = {"reward", "coupon_redeemed"}


class TestShareVoucher(ActionContract):
    kind = ShareVoucher
    example = {"voucher": {"off_cny": 8}}
    columns = set()
    costs = {"coupon_redeemed"}


class TestDistribution(ActionContract):
    kind = Distribution
    example = {"commission": 0.3, "calendar": {"every_days": 3}, "places": 100}
    columns = set()
    costs = {"commission"}


class TestKoc(ActionContract):
    kind = Koc
    example = {"hours_per_week": 3, "gift_cny": 25, "audience": "buyers", "calendar": {"every_days": 9}}
    columns = {"koc_until", "koc_gift"}
    costs = {"wages", "gift"}


class TestGuests(BehaviourContract):
    kind = Guests
    columns = {"guest", "brought", "rewarded", "points_new", *VOUCHER}
    events = {"join", "voucher_issued", "coupon_expired", "points_earned"}


class TestDistributors(BehaviourContract):
    kind = Distributors
    columns = {"distributor"}
    events = {"distributor"}


class TestReferralRewards(BehaviourContract):
    kind = ReferralRewards
    columns = {"owed", "rewarded", "points_new", *VOUCHER}
    events = {"reward", "commission", "voucher_issued", "points_earned"}


class TestWordOfMouth(BehaviourContract):
    kind = WordOfMouth
    columns = {"asked", "guest", "guest_programme"}
    events = {"referral"}
