"""Value tiers: who makes the sales (S0), and the sharper form of few who make most of the profit (S3)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agents.behaviours import ValueTiers
from agents.domain import PrivateDomain
from agents.events import DISCOUNTS
from experiments.load import load, status_quo_of
from experiments.stylised.fact import Arm, Fact, the

RANGES = {"general": (0.15, 0.20), "core": (0.30, 0.45), "high_value": (0.35, 0.55)}
"""Shares of sales by tier, S0; those of customers are 30–50, 20–40 and 10–20 %, and are how tiers are drawn."""
TIER_PRESETS = ("light_food_groups", "household_goods", "wine_club", "sparkling_drinks")
FEW_PRESETS = ("fruit_shop", "garment_flash_sale", "course_seller")
TOP = 0.2  # S3: 20 % of customers make 80 % of profit


def general_sales(world: PrivateDomain) -> float:
    """Share of net sales that the lowest tier makes."""
    return _share(world, 0)


def core_sales(world: PrivateDomain) -> float:
    """Share of net sales that the middle tier makes."""
    return _share(world, 1)


def high_value_sales(world: PrivateDomain) -> float:
    """Share of net sales that the highest tier makes."""
    return _share(world, 2)


MEASURES = {"general": general_sales, "core": core_sales, "high_value": high_value_sales}


def _share(world: PrivateDomain, tier: int) -> float:
    """Share of sales of the buyers of the horizon, ranked by what they spent and cut at the shares of the tiers."""
    spent = _by_buyer(world, "order", *DISCOUNTS)
    tiers = next(b for b in world.behaviours if isinstance(b, ValueTiers))
    edges = np.rint(np.cumsum((0.0, *tiers.shares)) * len(spent)).astype(int)
    total = spent.sum()
    return float(spent[edges[tier] : edges[tier + 1]].sum() / total) if total > 0 else math.nan


def _by_buyer(world: PrivateDomain, *kinds: str) -> NDArray[np.float64]:
    """Signed money of these kinds for each customer, ascending."""
    events = world.ledger.of(*kinds)
    _, at = np.unique(events.key, return_inverse=True)
    return np.sort(np.bincount(at, world.ledger.signs()[events.kind] * events.amount))


def top_fifth(world: PrivateDomain) -> float:
    """Share of all customers' margin that the best fifth of the buyers makes."""
    margin = _by_buyer(world, "order", "goods", *DISCOUNTS)
    best = margin[len(margin) - max(round(TOP * len(margin)), 1) :].sum()
    return float(best / margin.sum()) if margin.sum() > 0 else math.nan


def facts() -> Iterator[Fact]:
    """Shares of the tiers in four presets, and of the best fifth where the source says so."""
    for preset in TIER_PRESETS:
        world, quo = load(preset, "scenario"), load(status_quo_of(preset), "policy")
        for tier, (low, high) in RANGES.items():
            yield Fact(
                f"tiers: sales of {tier.replace('_', '-')}, {preset}",
                f"customers of the {tier.replace('_', '-')} tier make {low:.0%} to {high:.0%} of sales", "S0",
                low, high, "share of sales", (Arm("world", world, quo, MEASURES[tier]),), the("world"),
                tuned=preset == "sparkling_drinks",
            )  # fmt: skip
    for preset in FEW_PRESETS:
        world, quo = load(preset, "scenario"), load(status_quo_of(preset), "policy")
        yield Fact(
            f"tiers: best fifth, {preset}", "20 % of customers make 80 % of profit", "S3",
            0.7, 0.9, "share of margin", (Arm("world", world, quo, top_fifth),), the("world"),
        )  # fmt: skip
