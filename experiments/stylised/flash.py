"""Flash groups: the two results that S3 reports, in order of magnitude, and what nurture has to do with them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from agents.actions.flash_group import FlashGroup
from agents.domain import PrivateDomain
from agents.policy import Policy
from experiments.load import load, status_quo_of
from experiments.stylised.fact import Arm, Fact, Measure, ratio, the

ACTION = "flash"  # name of the flash group in both presets
HALF_ORDER = math.sqrt(10)  # either side: what still counts as the same order of magnitude
LARGE, SMALL = "flash_group_3000", "flash_group_5000"


def joined(world: PrivateDomain) -> float:
    """Share of those invited who join the group."""
    invited = _mine(world, "message_advert")
    return _mine(world, "flash_join") / invited if invited else math.nan


def pieces(world: PrivateDomain) -> float:
    """Pieces sold in the group."""
    action = world.policy.actions[ACTION]
    assert isinstance(action, FlashGroup)
    return sales(world) / action.item.price_cny


def sales(world: PrivateDomain) -> float:
    """Gross sales of the group."""
    orders = world.ledger.of("order")
    return float(orders.amount[orders.source == world.ledger.source_code(ACTION)].sum() / 100)


def _mine(world: PrivateDomain, kind: str) -> int:
    return int(np.count_nonzero(world.ledger.of(kind).source == world.ledger.source_code(ACTION)))


def _arm(preset: str, measure: Measure, *, nurture: bool = True, name: str = "world") -> Arm:
    policy: Policy = load(status_quo_of(preset), "policy")
    if not nurture:
        cold = policy.actions[ACTION].model_copy(update={"nurture_days": 0})
        policy = policy.model_copy(update={"actions": {**policy.actions, ACTION: cold}})
    return Arm(name, load(preset, "scenario"), policy, measure)


def facts() -> Iterator[Fact]:
    """Joining, sales in a day, sales in half an hour; sales without nurture."""
    yield Fact(
        "flash: who joins, 3,000 contacts", "over 85 % of those invited join after two months of nurture", "S3",
        0.85, 1.0, "share of invited", (_arm(LARGE, joined),), the("world"), tuned=True,
        rule="`flash_join.join`, the log-odds of joining, was set to give it",
    )  # fmt: skip
    yield Fact(
        "flash: sales of a day, 3,000 contacts", "400,000 and more of one item in 24 hours (± half an order)", "S3",
        400_000 / HALF_ORDER, 400_000 * HALF_ORDER, "CNY", (_arm(LARGE, sales),), the("world"), tuned=True,
    )  # fmt: skip
    yield Fact(
        "flash: pieces in half an hour, 5,000 contacts", "900 pieces in 30 minutes (± half an order)", "S3",
        900 / HALF_ORDER, 900 * HALF_ORDER, "pieces", (_arm(SMALL, pieces),), the("world"), tuned=True,
    )  # fmt: skip
    yield Fact(
        "flash: sales in half an hour, 5,000 contacts", "300,000 and more in 30 minutes (± half an order)", "S3",
        300_000 / HALF_ORDER, 300_000 * HALF_ORDER, "CNY", (_arm(SMALL, sales),), the("world"), tuned=True,
    )  # fmt: skip
    yield Fact(
        "flash: sales with nurture over sales without", "the sale rests on the weeks of nurture before it", "S3",
        1.0, math.inf, "times as much",
        (_arm(LARGE, sales, name="nurtured"), _arm(LARGE, sales, nurture=False, name="cold")),
        ratio("nurtured", "cold"),
    )  # fmt: skip
