"""Value tiers: who makes the sales (S0), and the sharper form of few who make most of the profit (S3).

Both are said of customers who buy: S0's shares of customers add up to all of them, and the least of its tiers makes
15 % of sales. The period is the horizon, about the two seasons that tiers are judged by. Other readings of the same
words are measured beside these and not judged: sales by the tier of the last monthly review; by the tier that a
customer had when they ordered, which is what the report shows; the profit of the best fifth of all contacts, most of
whom never buy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agents.behaviours import ValueTiers
from agents.customers import Contact
from agents.domain import PrivateDomain
from agents.events import DISCOUNTS
from experiments.load import load, status_quo_of
from experiments.reporting.tiers import sales_by_tier
from experiments.stylised.fact import Arm, Fact, Measure, the
from sim.ledger import NOBODY

RANGES = {"general": (0.15, 0.20), "core": (0.30, 0.45), "high_value": (0.35, 0.55)}
"""Shares of sales by tier, S0; those of customers are 30–50, 20–40 and 10–20 %, and are how tiers are drawn."""
TIER_PRESETS = ("light_food_groups", "household_goods", "wine_club", "sparkling_drinks")
FEW_PRESETS = ("fruit_shop", "garment_flash_sale", "course_seller")
TOP = 0.2  # S3: 20 % of customers make 80 % of profit


@dataclass(frozen=True)
class SalesOfTier:
    """Share of net sales that a tier makes. ``reading`` tells by what somebody is of it: ``ranked`` by spending in the
    whole horizon, ``reviewed`` by the last monthly review, ``then`` by the tier held on the day of the order."""

    reading: Literal["ranked", "reviewed", "then"]
    tier: int

    def __call__(self, world: PrivateDomain) -> float:
        """The share, 0..1; not a number where nothing was sold."""
        return READINGS[self.reading](world, self.tier)


def _share(world: PrivateDomain, tier: int) -> float:
    """Share of sales of the buyers of the horizon, ranked by what they spent and cut at the shares of the tiers."""
    spent = np.sort(_by_customer(world, "order", *DISCOUNTS)[1])
    tiers = next(b for b in world.behaviours if isinstance(b, ValueTiers))
    edges = np.rint(np.cumsum((0.0, *tiers.shares)) * len(spent)).astype(int)
    total = spent.sum()
    return float(spent[edges[tier] : edges[tier + 1]].sum() / total) if total > 0 else math.nan


def _share_reviewed(world: PrivateDomain, tier: int) -> float:
    keys, spent = _by_customer(world, "order", *DISCOUNTS)
    c = world.customers
    by_key = np.argsort(c.key)
    tiers = c.tier[by_key[np.searchsorted(c.key[by_key], keys)]]
    return float(spent[tiers == tier].sum() / spent.sum()) if spent.sum() > 0 else math.nan


def _share_then(world: PrivateDomain, tier: int) -> float:
    sales = sales_by_tier(world.ledger)
    return float(sales[tier] / sales.sum()) if sales.sum() > 0 else math.nan


READINGS = {"ranked": _share, "reviewed": _share_reviewed, "then": _share_then}


def _by_customer(world: PrivateDomain, *kinds: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keys that have events of these kinds, and their signed money. Shape (n,)."""
    events = world.ledger.of(*kinds)
    events = events.where(events.key != NOBODY)
    keys, at = np.unique(events.key, return_inverse=True)
    return keys, np.bincount(at, world.ledger.signs()[events.kind] * events.amount).astype(np.float64)


def best_fifth_of_buyers(world: PrivateDomain) -> float:
    """Share of all buyers' profit that the best fifth of them makes."""
    return _best_fifth(world, np.unique(world.ledger.of("order").key))


def best_fifth_of_contacts(world: PrivateDomain) -> float:
    """Share of all contacts' profit that the best fifth of them makes, whether they ever bought or not."""
    c = world.customers
    return _best_fifth(world, c.key[c.contact >= Contact.CONTACT])


def _best_fifth(world: PrivateDomain, people: NDArray[np.int64]) -> float:
    """Profit is all that the ledger has under a customer's key: sales, goods, discounts, messages, gifts, rewards …

    Wages, media and production belong to nobody in particular and are left out.
    """
    keys, money = _by_customer(world, *(kind.name for kind in world.ledger.kinds if kind.sign))
    mine = np.isin(keys, people)
    profit = np.zeros(len(people))  # of those without any event it is nought
    profit[: np.count_nonzero(mine)] = money[mine]
    profit[::-1].sort()
    best = profit[: max(round(TOP * len(profit)), 1)].sum()
    return float(best / profit.sum()) if profit.sum() > 0 else math.nan


def facts() -> Iterator[Fact]:
    """Shares of the tiers in four presets, and of the best fifth where the source says so; then the other readings."""
    for preset in TIER_PRESETS:
        yield from _tier_facts(preset, "ranked")
    for preset in FEW_PRESETS:
        yield _few(preset, "buyers", best_fifth_of_buyers)
    for preset in TIER_PRESETS:
        yield from _tier_facts(preset, "reviewed", " of the last review")
    for preset in TIER_PRESETS:
        yield from _tier_facts(preset, "then", " of that day")
    for preset in FEW_PRESETS:
        yield _few(preset, "contacts", best_fifth_of_contacts, judged=False)


def _tier_facts(preset: str, reading: Literal["ranked", "reviewed", "then"], when: str = "") -> Iterator[Fact]:
    world, quo = load(preset, "scenario"), load(status_quo_of(preset), "policy")
    judged = reading == "ranked"
    for number, (tier, (low, high)) in enumerate(RANGES.items()):
        name = tier.replace("_", "-")
        yield Fact(
            f"tiers: sales of {name}{when}, {preset}", f"customers of the {name} tier make {low:.0%} to {high:.0%} of "
            "sales", "S0", low, high, "share of sales", (Arm("world", world, quo, SalesOfTier(reading, number)),),
            the("world"), tuned=judged and preset == "sparkling_drinks", judged=judged,
        )  # fmt: skip


def _few(preset: str, whom: str, measure: Measure, *, judged: bool = True) -> Fact:
    world, quo = load(preset, "scenario"), load(status_quo_of(preset), "policy")
    return Fact(
        f"tiers: best fifth of {whom}, {preset}", "20 % of customers make 80 % of profit", "S3",
        0.7, 0.9, "share of profit", (Arm("world", world, quo, measure),), the("world"), judged=judged,
    )  # fmt: skip
