"""Coupons: a validity of three days with and without a reminder (S4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from agents.domain import PrivateDomain
from agents.policy import Policy
from experiments.load import load
from experiments.stylised.fact import Arm, Fact, difference, ratio
from experiments.stylised.trust import profit
from sim.spec import validate

PRESET = "sparkling_drinks"
COUPON = {"kind": "coupon", "depth": 0.15, "valid_days": 3, "calendar": {"every_days": 14}}  # S4: three days


def redeemed(world: PrivateDomain) -> float:
    """Coupons that were used."""
    return float(len(world.ledger.of("coupon_redeemed")))


def _policy(title: str, **changes: Any) -> Policy:
    return validate(Policy, {"title": title, "actions": {"coupon": COUPON | changes}})


def facts() -> Iterator[Fact]:
    """What a reminder on the day before expiry does to coupons of three days."""
    here = load(PRESET, "scenario")
    arms = {"reminded": _policy("with a reminder", reminder_days=1), "silent": _policy("without a reminder")}
    yield Fact(
        "coupons: used with a reminder over without", "a reminder before expiry is advised for coupons of three days",
        "S4", 1.0, math.inf, "times as many", tuple(Arm(name, here, p, redeemed) for name, p in arms.items()),
        ratio("reminded", "silent"),
        rule="`coupon_use.reminder_take_up` wins a share of those who see a reminder and had not noted the coupon",
    )  # fmt: skip
    yield Fact(
        "coupons: profit with a reminder less without", "a reminder before expiry is advised for coupons of three days",
        "S4", 0.0, math.inf, here.currency, tuple(Arm(name, here, p, profit) for name, p in arms.items()),
        difference("reminded", "silent"),
    )  # fmt: skip
