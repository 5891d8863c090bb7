"""Worlds in which messages matter, and the logs that an operator would have of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from agents.domain import PrivateDomain
from agents.models.exposure import ENTERED, RECEIVED
from experiments.data.logs import Logs, digest_of, visits_of
from tests.worlds import policy, scenario

SENT: dict[str, Any] = {
    "posts": {"kind": "content", "calendar": {"per_week": 2}},
    "sell": {"kind": "advert", "calendar": {"weekdays": ["mon", "tue", "fri"]}},
    "more": {"kind": "advert", "calendar": {"every_days": 2, "from_day": 20}, "audience": {"orders_min": 2}},
    "talk": {"kind": "chat", "hours_per_week": {f"L{level}": 4 for level in range(6)}, "minutes_per_chat": 2},
}
IRRITABLE: dict[str, Any] = {
    "reaction": {"kind": "reaction", "mute": -5.5, "delete": -7.0},
    "attrition": {"kind": "attrition", "delete_per_day": 0.0005, "unmute_per_day": 0.02},
}


def lived(size: int = 800, days: int = 120, seed: int = 1, **changes: Any) -> PrivateDomain:
    """A world of people who mute, delete, answer and move between levels, lived to its end."""
    channels = {"store": {"volume": 400, "cost_per_reach_cny": 2.0, "organic_per_day": 2.0, "add_rate": 0.6}}
    world = PrivateDomain(
        scenario(size, days, **{"behaviours": IRRITABLE, "channels": channels, **changes}), policy(**SENT), seed=seed
    )
    world.run()
    return world


def written(world: PrivateDomain) -> Logs:
    """Orders, messages, replies, mutes, deletions and trust tags of a world; customers coded by row."""
    events, ledger = world.ledger.events(), world.ledger
    row_of = {int(key): row for row, key in enumerate(world.customers.key)}
    named = [ledger.code[kind] for kind in (*RECEIVED, *ENTERED)]
    orders, told = events.where(events.kind == ledger.code["order"]), events.where(np.isin(events.kind, named))
    customer, buyer = (np.array([row_of[k] for k in part.key.tolist()], dtype=np.int64) for part in (told, orders))
    visits = visits_of(buyer, orders.day.astype(np.int64), orders.amount, np.zeros(len(orders), np.int64))
    kind = np.array([kind.name for kind in ledger.kinds], dtype=object)[told.kind]
    touches = pd.DataFrame({"customer": customer, "day": told.day.astype(np.int64), "kind": kind})
    touches["level"] = pd.Series(told.amount).where(touches["kind"] == "trust_level").astype("Int64")
    touches = touches.sort_values(["customer", "day"], kind="stable", ignore_index=True)
    codes = pd.RangeIndex(len(world.customers))
    first = visits.groupby("customer")["day"].min().reindex(codes, fill_value=world.day)
    customers = pd.DataFrame({"first_day": first, "joined_day": pd.Series(world.customers.joined, dtype="Int64")})
    digest = digest_of(world.spec.start, world.day - 1, customers, visits, touches)
    return Logs("messages", world.spec.start, world.day - 1, customers, visits, touches, None, {}, digest)
