"""Welcomes: one message for each who joins, or one an hour at most, where many join (S4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.load import load
from experiments.stylised.fact import Arm, Fact, ratio
from sim.spec import validate

PRESET = "sparkling_drinks"
FIRST_PEOPLE, DAYS = 1000, 56  # groups that are being filled: without many newcomers there is nothing to throttle
SPEND = {"douyin": 2000, "xiaohongshu": 1000}  # CNY a day, about 150 newcomers
A_WEEK = 5  # S4: five posts a week


def losses(world: PrivateDomain) -> float:
    """Mutes and deletions."""
    return float(len(world.ledger.of("mute", "delete")))


def _policy(title: str, every_hours: float) -> Policy:
    actions = {
        "media": {"kind": "acquisition", "spend_cny_per_day": SPEND},
        "adverts": {"kind": "advert", "calendar": {"per_week": A_WEEK}},
        "hello": {"kind": "welcome", "every_hours": every_hours},
    }
    return validate(Policy, {"title": title, "actions": actions})


def _launch() -> Scenario:
    here: Scenario = load(PRESET, "scenario")
    people = here.population.model_copy(update={"size": FIRST_PEOPLE})
    return here.model_copy(update={"population": people, "horizon_days": DAYS})


def facts() -> Iterator[Fact]:
    """Mutes and deletions under a welcome for each over those under one an hour at most."""
    here = _launch()
    arms = {"each": _policy("a welcome for each", 0), "hourly": _policy("one an hour at most", 1)}
    yield Fact(
        "welcome: losses under one for each over one an hour at most", "at most one welcome an hour, or members mute "
        "and leave", "S4", 1.0, math.inf, "times as many mutes and deletions",
        tuple(Arm(name, here, policy, losses) for name, policy in arms.items()), ratio("each", "hourly"),
        rule="`greeting.surplus_load` tires the members for each welcome beyond one an hour, and the tired leave",
    )  # fmt: skip
