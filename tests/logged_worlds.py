"""Worlds of the product's own engine that write the logs an operator would have, their coupons sent by lot or by rule.

The engine knows no holdout: a campaign here is an action of its own that leaves some of its audience out, by a chance
that the test knows and may make depend on whatever the test wants.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import agents.actions  # noqa: F401  (registers the kinds of action)
from agents.actions.base import ScheduledAction
from agents.actions.coupon import Coupon
from agents.coupon_book import CouponTerms, give
from agents.domain import PrivateDomain
from agents.effects import Effect, Effects
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.data.logs import Logs, digest_of, visits_of
from sim.spec import parameter

Floats = NDArray[np.float64]
Rule = Literal["lot", "rising", "heavy"]
DAYS = 182


def chance(world: PrivateDomain, rule: str, share: float) -> Floats:
    """Chance that each customer is sent a campaign today."""
    c = world.customers
    if rule == "rising":  # who ordered in the last two weeks, six times as likely as others
        recent = (world.day - c.last_order <= 14) & (c.orders > 0)
        return np.where(recent, min(2 * share, 0.9), share / 3)
    if rule == "heavy":  # by a rate that no log shows
        return 1 / (1 + np.exp(-(np.log(share / (1 - share)) + 1.5 * c.rate.astype(float))))
    return np.full(len(c), share)


class DrawnCoupon(Coupon):
    """A coupon for a part of its audience."""

    kind = "drawn_coupon"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0}
    share: float = parameter(0.4, ge=0, le=1, doc="share of the audience")
    rule: Rule = parameter("lot", doc="who is chosen")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.calendar.times(world.day, world.date):
            return
        c = world.customers
        free = self.audience.mask(c, world.day) & ~((c.coupon_until >= world.day) & (c.coupon_depth > 0))
        u = world.draws.uniform(f"drawn.{name}", world.day, c.key[:])
        rows = np.flatnonzero(free & (u < chance(world, self.rule, self.share)))
        give(world, rows, CouponTerms(self.depth, valid_days=self.valid_days), name)


class DrawnMessage(ScheduledAction):
    """Messages to a part of an audience."""

    kind = "drawn_message"
    off: ClassVar[dict[str, Any]] = {"calendar.per_week": 0.0}
    message: Literal["advert", "content", "chat"] = parameter(doc="what is sent")
    share: float = parameter(0.4, ge=0, le=1, doc="share of the audience")
    rule: Rule = parameter("lot", doc="who is chosen")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.calendar.times(world.day, world.date):
            u = world.draws.uniform(f"drawn.{name}", world.day, world.customers.key[:])
            meant = self.audience.mask(world.customers, world.day) & (u < chance(world, self.rule, self.share))
            world.send(self.message, np.flatnonzero(meant), name, 0.02)


@dataclass(frozen=True)
class Truth:
    """What a world was made with."""

    coupon: float = 4.4
    advert: float = 0.12


def lived(
    seed: int,
    actions: dict[str, dict[str, Any]],
    *,
    n: int = 4000,
    days: int = DAYS,
    orders_per_year: float = 20.0,
    **effects: float,
) -> PrivateDomain:
    """A world of buyers lived to its end, with the effects as given and without doubt about them."""
    told = {name: Effect(mean=value) for name, value in effects.items()}
    scenario = Scenario(
        title="logged", horizon_days=days, effects=Effects(**told), buying={"orders_per_year": orders_per_year},
        population={"size": n, "level_shares": (0, 0, 0, 0, 0.8, 0.2)},
    )  # fmt: skip
    world = PrivateDomain(scenario, Policy(title="campaigns", actions=actions), seed=seed)
    world.run()
    return world


def written(world: PrivateDomain, *, propensity: float | None = None) -> Logs:
    """The logs of a world's days in the log schema; nothing latent is in them."""
    ledger = world.ledger
    events = ledger.events()
    kinds = np.array([kind.name for kind in ledger.kinds], dtype=object)[events.kind]
    frame = pd.DataFrame({"key": events.key, "day": events.day.astype(np.int64), "kind": kinds, "amount": events.amount,
                          "source": np.array(ledger.sources, dtype=object)[events.source]})  # fmt: skip
    orders = frame[frame["kind"] == "order"]
    used = frame[frame["kind"] == "coupon_redeemed"]
    both = pd.concat([orders.assign(gross=orders["amount"], off=0), used.assign(gross=0, off=used["amount"])])
    first = orders.groupby("key")["day"].min().reindex(range(len(world.customers)), fill_value=world.day)
    visits = visits_of(*(both[name].to_numpy(np.int64) for name in ("key", "day", "gross", "off")))
    named = ("coupon_issued", "coupon_redeemed", "coupon_expired", "message_advert", "message_content", "chat", "reply")
    touches = frame[frame["kind"].isin(named)].sort_values(["key", "day"], kind="stable", ignore_index=True)
    issued = touches["kind"] == "coupon_issued"
    valid = {name: getattr(action, "valid_days", None) for name, action in world.policy.actions.items()}
    table = pd.DataFrame(
        {
            "customer": touches["key"],
            "day": touches["day"],
            "kind": touches["kind"],
            "depth": (touches["amount"] / 1000).where(issued),
            "min_spend": pd.Series(0, index=touches.index).where(issued).astype("Int64"),
            "valid_days": touches["source"].map(valid).where(issued).astype("Int64"),
            "campaign_id": (touches["source"] + "-" + touches["day"].astype(str)).where(issued, ""),
            "propensity": np.nan if propensity is None else propensity,
        }
    )
    customers = pd.DataFrame({"first_day": first.to_numpy(np.int64)})
    origin = world.spec.start
    digest = digest_of(origin, world.day - 1, customers, visits, table, None)
    return Logs("hidden", origin, world.day - 1, customers, visits, table, None, {}, digest)


def day(number: int) -> dt.date:
    """Date of a day of these worlds."""
    return dt.date(2024, 1, 1) + dt.timedelta(days=number)
