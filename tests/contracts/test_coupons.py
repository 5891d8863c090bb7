"""Triggered coupons and bundles keep the contract of actions."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from agents.actions import CouponBundle, TriggeredCoupon
from agents.behaviours import CouponReminders
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract

IN_HAND = {
    "coupon_minimum", "coupon_until", "coupon_reminder", "coupon_source", "coupon_noticed",
}  # fmt: skip


class TestTriggeredCoupon(ActionContract):
    kind = TriggeredCoupon
    example = {"on": "silence", "silence_days": 9, "depth": 0.3, "minimum_spend_cny": 20, "reminder_days": 3,
               "stock": 120}  # fmt: skip
    columns = IN_HAND | {"coupon_depth"}
    costs = {"coupon_redeemed", "message_advert"}


class TestCouponBundle(ActionContract):
    kind = CouponBundle
    example = {
        "calendar": {"every_days": 10}, "valid_days": 8, "reminder_days": 3,
        "coupons": [{"off_cny": 4, "minimum_spend_cny": 20}, {"off_cny": 9, "minimum_spend_cny": 60}],
    }  # fmt: skip
    columns = IN_HAND | {"coupon_off"}
    costs = {"coupon_redeemed", "message_advert"}


class TestCouponReminders(BehaviourContract):
    """What they bring about is written down where they are delivered."""

    kind = CouponReminders
    columns = set()
    events = set()
