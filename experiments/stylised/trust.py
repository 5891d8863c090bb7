"""Trust: what early hard selling does, and what it is worth to give most staff hours to the best fifth (S3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from agents.customers import LEVELS, Contact, Tier
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.load import load
from experiments.metrics import outcome
from experiments.stylised.fact import Arm, Fact, difference, ratio, the
from sim.spec import validate

PRESET = "sparkling_drinks"
NEW = (0.6, 0.4, 0.0, 0.0, 0.0, 0.0)  # everybody is a stranger or acquainted
EARLY_DAYS = 28
A_WEEK = 5  # S4: five posts a week
HOURS = 40.0
MOST = 0.6  # share of all hours for the high-value tier; S3: most hours, how many is assumed
PER = 1000


def orders_per_thousand(world: PrivateDomain) -> float:
    """Orders for each thousand contacts of day 0."""
    return PER * len(world.ledger.of("order")) / world.spec.population.size


def losses_per_thousand(world: PrivateDomain) -> float:
    """Mutes and deletions for each thousand contacts of day 0."""
    return PER * len(world.ledger.of("mute", "delete")) / world.spec.population.size


def profit(world: PrivateDomain) -> float:
    """Profit over the horizon."""
    return outcome(world).values["profit"]


def kept(world: PrivateDomain) -> float:
    """Share of the high-value tier of day 0 that is still a contact and has not lapsed at the end."""
    c, tiers = world.customers, world.ledger.of("value_tier")
    best = np.isin(c.key, tiers.key[(tiers.day == 0) & (tiers.amount == Tier.HIGH_VALUE)])
    return float(np.mean(~c.lapsed[best] & (c.contact[best] < Contact.DELETED)))


def _policy(title: str, **actions: Any) -> Policy:
    return validate(Policy, {"title": title, "actions": actions})


def _newcomers_only() -> Scenario:
    here: Scenario = load(PRESET, "scenario")
    people = here.population.model_copy(update={"level_shares": NEW})
    return here.model_copy(update={"population": people, "channels": {}, "horizon_days": EARLY_DAYS})


def _hours(scenario: Scenario, top_share: float | None) -> dict[str, Any]:
    """Hours that are the same for each contact of day 0, but for the share that is kept for the high-value tier."""
    by_level = zip(LEVELS, scenario.population.level_shares, strict=True)
    return {"kind": "chat", "hours_per_week": {name: HOURS * share for name, share in by_level}, "top_share": top_share}


def facts() -> Iterator[Fact]:
    """Hard selling against value content among newcomers; hours by value against equal hours."""
    young = _newcomers_only()
    whom = {"levels": ["L0", "L1"]}
    hard = _policy("hard sell", push={"kind": "advert", "calendar": {"per_week": A_WEEK}, "audience": whom})
    soft = _policy("value content", care={"kind": "content", "calendar": {"per_week": A_WEEK}, "audience": whom})
    yield Fact(
        "trust: orders under early hard selling", "a hard sell to L0 and L1 brings about no orders", "S3",
        0.0, 20.0, "orders of 1,000 contacts in four weeks", (Arm("hard", young, hard, orders_per_thousand),),
        the("hard"), tuned=True,
        rule="`purchase.distrust` takes so many log-odds off a first order for trust that is missing, whatever is sent",
    )  # fmt: skip
    yield Fact(
        "trust: losses under early hard selling", "it brings more mutes and deletions than value content", "S3",
        1.5, np.inf, "times as many",
        (Arm("hard", young, hard, losses_per_thousand), Arm("soft", young, soft, losses_per_thousand)),
        ratio("hard", "soft"), tuned=True,
        rule="`reaction.hard_sell` adds log-odds of muting and deleting to every advert that L0 or L1 see",
    )  # fmt: skip
    here = load(PRESET, "scenario")
    equal = _policy("equal hours", talk=_hours(here, None))
    best = _policy("hours by value", talk=_hours(here, MOST))
    for name, measure, unit in (("profit", profit, here.currency), ("lifetime", kept, "share of the best kept")):
        yield Fact(
            f"trust: {name} of segmented hours", "most staff hours for the best fifth beat hours spread evenly", "S3",
            0.0, np.inf, unit, (Arm("best", here, best, measure), Arm("equal", here, equal, measure)),
            difference("best", "equal"), tuned=True, times=4,
        )  # fmt: skip
