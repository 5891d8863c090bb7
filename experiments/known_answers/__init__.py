"""Known answers: worlds of the product's own engine whose truth is exact, for verification of engine and search."""

from __future__ import annotations

from experiments.known_answers.a_retention import Retention
from experiments.known_answers.b_habituation import Habituation
from experiments.known_answers.c_budget import SegmentBudget
from experiments.known_answers.c_coupon_depth import CouponDepth
from experiments.known_answers.d_cadence import Cadence
from experiments.known_answers.e_ladder import TrustLadder
from experiments.known_answers.f_group_buy import GroupDeal
from experiments.known_answers.f_referral import Cascades
from experiments.known_answers.family import Family, Moments, Optimum, customer_values, mean_value
from experiments.known_answers.g_buy_till_you_die import BuyTillYouDie
from experiments.known_answers.g_flow import Flow

FAMILIES: dict[str, type[Family]] = {
    "retention": Retention, "coupon_depth": CouponDepth, "cadence": Cadence,
    "segment_budget": SegmentBudget, "trust_ladder": TrustLadder,
    "coupon_habit": Habituation, "group_buy": GroupDeal, "referral": Cascades,
    "buy_till_you_die": BuyTillYouDie, "flow": Flow,
}  # fmt: skip
"""The families by name; the defaults of their fields are the listed parameter sets."""

__all__ = ["FAMILIES", "Family", "Moments", "Optimum", "customer_values", "mean_value"]
