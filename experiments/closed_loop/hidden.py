"""Hidden worlds: what is true there, and an operator who has worked in them for half a year."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

import experiments.closed_loop.campaign  # noqa: F401  (registers the operator's own kinds of action)
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from sim.spec import validate

LOG_DAYS, FUTURE_DAYS = 182, 91  # two seasons of logs, a season in which policies are lived
START = dt.date(2023, 1, 2)  # a Monday; assumed
NO_EFFECT_SHARE = 0.15  # of the worlds in which coupons do nothing, and of those in which adverts do nothing
WORLDS_SEED = 20240607
HEAVY, OTHERS = {"tiers": ["core", "high_value"]}, {"tiers": ["general"]}
RECENT, SILENT = {"recency_days_max": 21}, {"recency_days_min": 22}
WHOM: dict[str, dict[str, Any]] = {
    "everybody": {}, "core and high": HEAVY, "general": OTHERS, "recent": RECENT, "silent": SILENT,
}  # fmt: skip
"""Whom a coupon may go to, in every policy of the loop."""


@dataclass(frozen=True)
class Truth:
    """What is true in one hidden world. The first seven are public: an operator's books say them.

    Attributes
    ----------
    margin, advert_cost, valid_days : contribution share of list price; cost of an advert, CNY; validity of coupons.
    status_depth, status_adverts : depth of the usual coupon and adverts a week under the status quo.
    test_depths : depths of the two test campaigns in the logs.
    randomised : whether the operator logged propensities.
    orders_per_year, rate_sd, gap_shape, lapse, comeback : when customers order.
    basket_cny, basket_sd, basket_log_sd : for how much; spread between customers and within one.
    coupon, advert : effects on the log-odds of ordering, per unit of depth and per advert.
    take_up, price_sd : share who mean to use a coupon; log-sd of price sensitivity.
    habit : share of orders bought from a customer that become habit.
    mute, delete, per_fatigue : log-odds of muting and deleting on a message, and per advert of fatigue.
    fatigue_half_life, fatigue_scale : days; adverts that halve a pull.
    """

    margin: float
    advert_cost: float
    valid_days: int
    status_depth: float
    status_adverts: float
    test_depths: tuple[float, float]
    randomised: bool
    orders_per_year: float
    rate_sd: float
    gap_shape: float
    lapse: float
    comeback: float
    basket_cny: float
    basket_sd: float
    basket_log_sd: float
    coupon: float
    advert: float
    take_up: float
    price_sd: float
    habit: float
    mute: float
    delete: float
    per_fatigue: float
    fatigue_half_life: float
    fatigue_scale: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def truth_of(world: int, seed: int = WORLDS_SEED) -> Truth:
    """What is true in world number ``world``; every range is assumed and wide."""
    luck = np.random.Generator(np.random.PCG64([seed, world]))

    def between(low: float, high: float) -> float:
        return float(luck.uniform(low, high))

    def times(low: float, high: float) -> float:
        return float(np.exp(luck.uniform(np.log(low), np.log(high))))

    found: dict[str, Any] = {
        "margin": round(between(0.30, 0.60), 2),
        "advert_cost": round(times(0.02, 0.30), 2),
        "valid_days": int(luck.choice([7, 10, 14])),
        "status_depth": float(luck.choice([0.05, 0.10, 0.15])),
        "status_adverts": float(luck.choice([1, 2, 3])),
        "test_depths": tuple(sorted(float(d) for d in luck.choice([0.08, 0.12, 0.18, 0.24, 0.30], 2, replace=False))),
        "randomised": bool(luck.random() < 0.5),
        "orders_per_year": times(8, 40),
        "rate_sd": between(0.5, 1.2),
        "gap_shape": between(1.0, 1.6),
        "lapse": between(0.10, 0.35),
        "comeback": times(0.002, 0.010),
        "basket_cny": times(60, 200),
        "basket_sd": between(0.3, 0.7),
        "basket_log_sd": between(0.3, 0.9),
        "coupon": 0.0 if luck.random() < NO_EFFECT_SHARE else between(1.0, 7.0),
        "advert": 0.0 if luck.random() < NO_EFFECT_SHARE else between(0.02, 0.25),
        "take_up": between(0.2, 0.6),
        "price_sd": between(0.2, 0.6),
        "habit": between(0.0, 0.4),
        "mute": between(-8.0, -6.0),
        "delete": between(-9.5, -7.5),
        "per_fatigue": between(0.15, 0.50),
        "fatigue_half_life": times(2.0, 10.0),
        "fatigue_scale": times(2.0, 8.0),
    }
    assert set(found) == {field.name for field in fields(Truth)}
    return Truth(**found)


def scenario_of(truth: Truth, *, customers: int, days: int, start: dt.date = START) -> Scenario:
    """The hidden world itself. Effects have no standard deviation: here they are what they are."""
    exact = {
        "coupon": {"mean": truth.coupon, "source": "true"},
        "advert": {"mean": truth.advert, "source": "true"},
    }
    others = {name: {"mean": 0.0, "source": "not in play"} for name in ("member_price", "content", "chat")}
    return validate(
        Scenario,
        {
            "title": "hidden world",
            "start": start.isoformat(),
            "horizon_days": days,
            "margin": truth.margin,
            "discount_rate": 0.08,
            "population": {
                "size": customers, "level_shares": [0, 0, 0, 0, 0.8, 0.2], "tenure_days": 360,
                "order_gap_days": 365 / truth.orders_per_year,
            },
            "buying": {
                "orders_per_year": truth.orders_per_year, "basket_cny": truth.basket_cny,
                "lapse_after_first": truth.lapse, "gap_shape": truth.gap_shape, "basket_log_sd": truth.basket_log_sd,
                "comeback_per_day": truth.comeback,
            },
            "traits": {
                "rate_sd": truth.rate_sd, "basket_sd": truth.basket_sd, "price_sensitivity_sd": truth.price_sd,
            },
            "effects": {**exact, **others, "trust": {"mean": 1.0, "source": "not in play: nothing adds goodwill"}},
            "behaviours": behaviours_of(truth),
        },
    )  # fmt: skip


def behaviours_of(truth: Truth) -> dict[str, dict[str, Any]]:
    """How customers of a hidden world react to what they are sent."""
    return {
        "coupon_use": {"kind": "coupon_use", "take_up": truth.take_up},
        "service": {"kind": "service", "habit": truth.habit},
        "attention": {
            "kind": "attention", "fatigue_half_life_days": truth.fatigue_half_life,
            "fatigue_scale": truth.fatigue_scale,
        },
        "reaction": {
            "kind": "reaction", "mute": truth.mute, "delete": truth.delete, "per_fatigue": truth.per_fatigue,
        },
    }  # fmt: skip


def status_quo(truth: Truth) -> Policy:
    """What the operator does and would go on doing: a coupon to the better customers every four weeks, adverts to all.

    Everything that a search may move stands in it.
    """
    return validate(
        Policy,
        {
            "title": "status quo",
            "actions": {
                "coupon": {
                    "kind": "coupon", "depth": truth.status_depth, "valid_days": truth.valid_days,
                    "calendar": {"every_days": 28}, "audience": HEAVY,
                },
                "adverts": {
                    "kind": "advert", "cost_cny": truth.advert_cost, "calendar": {"per_week": truth.status_adverts}
                },
            },
        },
    )  # fmt: skip


def history(truth: Truth) -> Policy:
    """What the operator did while the logs were written: the same, imprecisely, and some tests that were targeted too.

    The usual coupon reaches most of the better customers and a few others, on the days of the status quo. Two test
    campaigns of other depths go mostly to the better and to the recently active. Adverts reach more of the better than
    of the others, and swell for some in three fortnights. In some worlds the operator logs the chances.
    """
    light, deep = truth.test_depths
    coupon = {"kind": "loop_campaign", "valid_days": truth.valid_days, "randomised": truth.randomised}
    actions: dict[str, dict[str, Any]] = {}

    def campaign(
        name: str, depth: float, calendar: dict[str, Any], *parts: tuple[dict[str, Any], float], **more: Any
    ) -> None:
        for number, (audience, chance) in enumerate(parts):
            actions[f"{name}_{number}"] = {
                **coupon, "campaign": name, "depth": depth, "calendar": calendar, "audience": audience,
                "chance": chance, **more,
            }  # fmt: skip

    campaign("usual", truth.status_depth, {"every_days": 28}, (HEAVY, 0.85), (OTHERS, 0.10))
    campaign("light", light, dates(31, 87, 143), (RECENT, 0.6), (SILENT, 0.2))
    campaign("deep", deep, dates(45, 101, 157), (HEAVY, 0.5), (OTHERS, 0.15), minimum_spend_cny=truth.basket_cny / 2)
    advert = {"kind": "loop_advert", "cost_cny": truth.advert_cost, "randomised": truth.randomised}
    weekly = {"per_week": truth.status_adverts}
    actions["adverts_0"] = {**advert, "calendar": weekly, "audience": HEAVY, "chance": 0.8}
    actions["adverts_1"] = {**advert, "calendar": weekly, "audience": OTHERS, "chance": 0.5}
    for number, first in enumerate((21, 77, 133)):
        calendar = {"per_week": 3, "from_day": first, "until_day": first + 13}
        whom = HEAVY if number < 2 else RECENT
        actions[f"burst_{number}"] = {**advert, "calendar": calendar, "audience": whom, "chance": 0.6}
    return validate(Policy, {"title": "what was done", "actions": actions})


def dates(*days: int) -> dict[str, Any]:
    """A calendar of these days of the logs."""
    return {"dates": [(START + dt.timedelta(days=day)).isoformat() for day in days]}


def lived(truth: Truth, *, world: int, customers: int) -> PrivateDomain:
    """The hidden world on the evening of the last day of its logs.

    The first customers of a larger world are those of a smaller one and have lived the same lives, except for tiers,
    whose cut-offs everybody shares.
    """
    scenario = scenario_of(truth, customers=customers, days=LOG_DAYS)
    hidden = PrivateDomain(scenario, history(truth), seed=world_seed(world))
    hidden.run()
    return hidden


def world_seed(world: int) -> int:
    """Seed of the luck that wrote the logs of a world."""
    return (WORLDS_SEED << 20) + world
