"""Sales and buyers by value tier, from one detailed world."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.customers import TIERS
from agents.domain import PrivateDomain
from agents.events import DISCOUNTS, SALES
from sim.ledger import Ledger


def tier_table(arm: str, world: PrivateDomain) -> pd.DataFrame:
    """Buyers (mean over the censuses) and net sales by tier, from single events: arm, tier, customers, sales."""
    ledger = world.ledger
    census = ledger.of("census")
    days = max(len(np.unique(census.day)), 1)
    code = ledger.source_code
    customers = [float(census.amount[census.source == code(f"tier.{tier}")].sum()) / days for tier in TIERS]
    return pd.DataFrame({"arm": arm, "tier": TIERS, "customers": customers, "sales": sales_by_tier(ledger)})


def sales_by_tier(ledger: Ledger) -> NDArray[np.float64]:
    """Net sales by the tier that the customer was in at that moment, scenario currency. Shape (3,)."""
    events = ledger.of("value_tier", *SALES, *DISCOUNTS)
    by_customer = np.argsort(events.key, kind="stable")  # the ledger's own order is that of time
    key, kind, amount = (column[by_customer] for column in (events.key, events.kind, events.amount))
    moves = kind == ledger.code["value_tier"]
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    last_move = np.maximum.accumulate(np.where(moves | first, np.arange(len(key)), 0))
    tier = np.where(moves[last_move], amount[last_move], 0)  # who was never estimated is general
    return np.bincount(tier, ledger.signs()[kind] * amount / 100, minlength=len(TIERS)).astype(np.float64)
