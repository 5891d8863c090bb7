"""The logbook of a world: what an operator's systems would have written down, as files in the log schema.

Only observed events are told: orders, messages, coupons, replies, mutes and deletions, and of customers what a CRM
knows. Nothing latent, and none of the counterfactual truth, such as who would have ordered anyway.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from agents.customers import LEVELS
from agents.domain import PrivateDomain
from agents.events import DISCOUNTS
from sim.errors import SiyuError

CLOCK = {
    "coupon_expired": 0, "coupon_issued": 9, "message_content": 10, "message_advert": 10, "chat": 11, "reply": 12,
    "mute": 13, "delete": 13, "coupon_redeemed": 18, "join": 8, "unmute": 21,
    "trust_level": 22,
}  # fmt: skip
"""Kinds of touch that a world writes, and the hour that is logged: the order of its day."""
ORDER_HOUR = 18


def write_logs(world: PrivateDomain, folder: Path, *, suffix: Literal["csv", "parquet"] = "csv") -> Path:
    """Write ``orders``, ``touches`` and ``customers`` of a world that kept its events; return the folder.

    Customers of day 0 stand there with the day they joined; what they did before it is not on record. Coupons that an
    action hands out on one day are one campaign; a chance that the action draws for each receiver is its propensity
    where the action says that it is logged.

    Raises
    ------
    SiyuError
        When the world kept totals only, or nobody ordered: logs without orders cannot be read.
    """
    events = _events(world)
    if not (events["kind"] == "order").any():
        raise SiyuError("nobody ordered, so there are no logs", place=str(folder), cure="live more days")
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"orders": orders_of(world, events), "touches": touches_of(world, events), "customers": people_of(world)}
    for name, table in tables.items():
        if table.empty:
            continue
        if suffix == "csv":
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def _events(world: PrivateDomain) -> pd.DataFrame:
    events = world.ledger.events()
    names = pd.Index([kind.name for kind in world.ledger.kinds])
    sources = pd.Index(world.ledger.sources)
    frame = pd.DataFrame(
        {
            "day": events.day.astype(np.int64),
            "key": events.key,
            "kind": pd.Categorical.from_codes(events.kind.astype(np.int64), names),
            "amount": events.amount,
            "source": pd.Categorical.from_codes(events.source.astype(np.int64), sources),
        }
    )
    return frame[frame["key"] >= 0]


def orders_of(world: PrivateDomain, events: pd.DataFrame) -> pd.DataFrame:
    """One row per order, money in currency units with two decimals."""
    orders = events[events["kind"] == "order"].drop_duplicates(["day", "key"])
    at = pd.MultiIndex.from_frame(orders[["day", "key"]])

    def sums(*kinds: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        part = events[events["kind"].isin(kinds)]
        total = part.groupby(["day", "key"], observed=True)["amount"].sum()
        found: np.ndarray[Any, np.dtype[np.int64]] = total.reindex(at, fill_value=0).to_numpy(np.int64)
        return found

    redeemed = events[events["kind"] == "coupon_redeemed"].drop_duplicates(["day", "key"])
    coupon = redeemed.set_index(["day", "key"])["source"].astype(str).reindex(at).fillna("")
    return pd.DataFrame(
        {
            "customer_id": ids(orders["key"]),
            "ts": stamps(world, orders["day"], ORDER_HOUR),
            "order_id": [f"o{number}" for number in range(1, len(orders) + 1)],
            "gross": money(sums("order")),
            "discount": money(sums(*DISCOUNTS)),
            "cost": money(sums("goods")),
            "coupon_id": coupon.to_numpy(),
        }
    )


def touches_of(world: PrivateDomain, events: pd.DataFrame) -> pd.DataFrame:
    """One row per message, coupon, reply, mute, unmute and deletion; what happens twice a day lies a minute apart."""
    touches = events[events["kind"].isin(CLOCK)]
    kind = touches["kind"].astype(str)
    again = touches.groupby(["day", "key", "kind"], observed=True).cumcount()
    return pd.DataFrame(
        {
            "customer_id": ids(touches["key"]),
            "ts": stamps(world, touches["day"], kind.map(CLOCK).to_numpy(np.int64), again.to_numpy(np.int64)),
            "kind": kind.to_numpy(),
            **_terms(world, touches.assign(kind=kind)),
            "level": np.where(kind == "trust_level", np.array(LEVELS)[np.clip(touches["amount"], 0, 5)], ""),
        }
    )


def _terms(world: PrivateDomain, touches: pd.DataFrame) -> dict[str, Any]:
    """What coupon touches say of their coupon: campaign, depth, minimum, validity, propensity; blank for the others."""
    n = len(touches)
    found = {name: np.full(n, np.nan) for name in ("depth", "min_spend", "valid_days")}
    campaign = np.full(n, "", dtype=object)
    (coupons,) = touches["kind"].str.startswith("coupon_").to_numpy().nonzero()
    own = _issue_of(touches.iloc[coupons].assign(row=coupons))
    for source, part in own.groupby("source", observed=True):
        action: Any = world.policy.actions[str(source).split(".")[0]]
        rows = part["row"].to_numpy()
        found["depth"][rows] = part["thousandths"].to_numpy() / 1000
        found["min_spend"][rows] = getattr(action, "minimum_spend_cny", np.nan)
        found["valid_days"][rows] = getattr(action, "valid_days", np.nan)
        name = str(getattr(action, "campaign", source))
        began = {day: (world.start + dt.timedelta(days=day)).isoformat() for day in part["issue_day"].unique().tolist()}
        campaign[rows] = [f"{name} {began[day]}" for day in part["issue_day"].tolist()]
    actions: Any = world.policy.actions
    by_chance = {name: action.chance for name, action in actions.items() if _told(action)}
    found["propensity"] = touches["source"].astype(str).map(by_chance).to_numpy(np.float64)
    return {**found, "valid_days": pd.array(found["valid_days"], dtype="Int64"), "campaign_id": campaign}


def _told(action: Any) -> bool:
    """Whether an action drew its receivers with a chance that the operator's systems log."""
    return bool(getattr(action, "randomised", False))


def _issue_of(coupons: pd.DataFrame) -> pd.DataFrame:
    """The issue that each coupon touch is about: the last one of the same action to the same customer."""
    # An expiry on the day of an issue is about the coupon before, unless there is none: then a deeper one replaced it.
    moment = coupons["day"] * 2 + (coupons["kind"] != "coupon_expired")
    coupons = coupons.assign(moment=moment).sort_values("moment", kind="stable")
    issued = coupons[coupons["kind"] == "coupon_issued"]
    issued = issued.assign(issue_day=issued["day"], thousandths=issued["amount"])
    right = issued[["moment", "key", "source", "issue_day", "thousandths"]]
    found = pd.merge_asof(coupons, right, on="moment", by=["key", "source"])
    late = pd.merge_asof(coupons.assign(moment=coupons["day"] * 2 + 1), right, on="moment", by=["key", "source"])[
        ["issue_day", "thousandths"]
    ]
    found = found.assign(**found[["issue_day", "thousandths"]].fillna(late))
    # The schema knows coupons by their depth: what becomes of one by amount is told without its terms.
    return found.dropna(subset="issue_day").astype({"issue_day": np.int64})


def people_of(world: PrivateDomain) -> pd.DataFrame:
    """One row per customer who has been a contact: when they joined, by which channel, and the tag that staff keep."""
    c = world.customers.observed()
    known = np.flatnonzero(c.contact >= 2)
    channels = np.array([*world.channels, "referral", ""])  # the last two are those of Source, counted from the end
    return pd.DataFrame(
        {
            "customer_id": ids(c.key[known]),
            "joined": [(world.start + dt.timedelta(days=int(day))).isoformat() for day in c.joined[known]],
            "channel": channels[c.channel[known]],
            "trust_level": np.array(LEVELS)[c.level[known]],
        }
    )


def ids(keys: Any) -> list[str]:
    """Customer ids, which say nothing but who is the same."""
    return [f"c{key}" for key in np.asarray(keys).tolist()]


def money(cents: np.ndarray[Any, np.dtype[np.int64]]) -> list[str]:
    """Cents as amounts with two decimals, exact."""
    return [f"{c // 100}.{c % 100:02d}" for c in cents.tolist()]


def stamps(world: PrivateDomain, day: Any, hour: Any, minute: Any = 0) -> pd.Series:
    """ISO time stamps of days, hours and minutes."""
    begin = np.datetime64(world.start.isoformat(), "m")
    when = begin + (np.asarray(day, np.int64) * 24 + np.asarray(hour, np.int64)) * 60 + minute
    return pd.Series(np.datetime_as_string(when, unit="m"))
