"""Worlds in which messages matter, and the logs that an operator would have of them."""

from __future__ import annotations

import datetime as dt
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
CHANNELS: dict[str, Any] = {
    "store": {"volume": 400, "cost_per_reach_cny": 2.0, "organic_per_day": 2.0, "add_rate": 0.6}
}
IRRITABLE: dict[str, Any] = {
    "reaction": {"kind": "reaction", "mute": -5.5, "delete": -7.0},
    "attrition": {"kind": "attrition", "delete_per_day": 0.0005, "unmute_per_day": 0.02},
}


def lived(size: int = 800, days: int = 120, seed: int = 1, **changes: Any) -> PrivateDomain:
    """A world of people who mute, delete, answer and move between levels, lived to its end."""
    world = PrivateDomain(
        scenario(size, days, **{"behaviours": IRRITABLE, "channels": CHANNELS, **changes}), policy(**SENT), seed=seed
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


def made(
    seed: int, n: int = 1000, days: int = 120, *, half_life: float = 7.0, per_load: float = 0.5, mute: float = -6.0,
    unmute: float = 0.03, advert: float = 0.0, scale: float = 3.0, sent: float = 0.5,
) -> Logs:  # fmt: skip
    """Logs of a plain generator with known hazards, adverts sent by lot, every other ten days three times as often.

    On an advert the log-odds of muting are ``mute + per_load * load``, where the load halves in ``half_life`` days; a
    mute ends with ``unmute`` a day; an advert moves the log-odds of an order by ``advert * 2 ** (-load / scale)``.
    """
    rng = np.random.default_rng(seed)
    load, muted, touches = np.zeros(n), np.zeros(n, bool), []
    orders = [(np.arange(n), np.zeros(n, np.int64))]
    rate, often = rng.gamma(2, 0.02, n), rng.uniform(0.1 * sent, sent, n)

    def log(kind: str, who: Any, day: int) -> None:
        touches.append(pd.DataFrame({"customer": np.flatnonzero(who), "day": day, "kind": kind}))

    for day in range(1, days):
        load *= 2 ** (-1 / half_life)
        receives = rng.random(n) < often * (1.5 if day // 10 % 2 else 0.5)
        mutes = receives & ~muted & (rng.random(n) < 1 / (1 + np.exp(-(mute + per_load * load))))
        returns = muted & (rng.random(n) < unmute)
        pull = advert * 2 ** (-load / scale) * (receives & ~muted)
        buyers = np.flatnonzero(rng.random(n) < 1 / (1 + np.exp(-np.log(rate / (1 - rate)) - pull)))
        orders.append((buyers, np.full(len(buyers), day)))
        for kind, who in (("message_advert", receives), ("mute", mutes), ("unmute", returns)):
            log(kind, who, day)
        load += receives & ~muted
        muted = (muted | mutes) & ~returns
    customer, day_of = (np.concatenate(part) for part in zip(*orders, strict=True))
    visits = visits_of(customer, day_of, np.full(len(customer), 5000), np.zeros(len(customer), np.int64))
    frame = pd.concat(touches).sort_values(["customer", "day"], kind="stable", ignore_index=True)
    customers, origin = pd.DataFrame({"first_day": np.zeros(n, np.int64)}), dt.date(2024, 1, 1)
    digest = digest_of(origin, days - 1, customers, visits, frame)
    return Logs("made", origin, days - 1, customers, visits, frame, None, {}, digest)
