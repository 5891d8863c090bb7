"""Staff hours are finite: no day has more, what is asked beyond them is cut or waits, first come, first served."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from agents.domain import PrivateDomain
from agents.staff import hours_there_are
from sim.errors import SpecError
from sim.spec import validate
from tests.worlds import EVERYTHING, Event, busy_policy, busy_scenario, canonical, live, policy, scenario

DESK: dict[str, Any] = {"kind": "after_sales", "hours_per_week": 2.0}
TALK: dict[str, Any] = {"kind": "chat", "hours_per_week": {"L4": 9, "L2": 3}}
QUIET_SUNDAYS = (0.1, 0.1, 0.1, 0.2, 0.3, 0.2, 0.0)


def hours_by_day(world: PrivateDomain) -> dict[int, float]:
    """Hours that were paid on each day, from the ledger."""
    paid: Counter[int] = Counter()
    for day, _, kind, amount, _ in canonical(world):
        paid[day] += amount if kind == "wages" else 0
    return {day: cents / 100 / world.staff.wage_cny_per_hour for day, cents in paid.items()}


@pytest.mark.parametrize("weekdays", [None, QUIET_SUNDAYS])
def test_no_day_has_more_hours_than_there_are(weekdays: Any) -> None:
    of = busy_scenario(staff={"hours_per_week": 16, "weekdays": weekdays})
    world = live(of, busy_policy())
    worked, actions = hours_by_day(world), len(EVERYTHING)
    there = {day: hours_there_are(of, world.policy, day) for day in range(of.horizon_days)}
    assert all(worked[day] <= there[day] + 0.01 * actions for day in there)
    assert max(worked[day] / there[day] for day in there if there[day]) > 0.99, "the law must be felt"
    assert len({round(there[day], 6) for day in (2, 3, 33, 34)}) > 1, "an agency comes and leaves"


def test_who_has_priority_is_not_cut() -> None:
    """And whoever has none is cut by as much."""
    scarce = busy_scenario(staff={"hours_per_week": 5})
    paid: dict[str, Counter[str]] = {}
    for first in ("desk", "talk"):
        data = {"title": "t", "actions": {"talk": TALK, "desk": DESK}, "priority": [first]}
        paid[first] = Counter()
        for _, _, kind, amount, source in canonical(live(scarce, policy().model_validate(data))):
            paid[first][source] += amount if kind == "wages" else 0
    weeks = scarce.horizon_days / 7 * 3500
    assert +paid["desk"] == {"talk": round(3 * weeks), "desk": round(2 * weeks)}
    assert +paid["talk"] == {"talk": round(5 * weeks)}


def test_a_team_brings_people_by_kinds_of_channel_whatever_their_names() -> None:
    spec = {"preset": "store_qr", "volume": 4000, "organic_per_day": 6}

    def reached(name: str, organisation: str) -> set[int]:
        of = scenario(1, 20, channels={name: spec})
        team = {"kind": "team", "organisation": organisation}
        return set(live(of, policy(people=team)).ledger.of("reached").key.tolist())

    assert reached("till", "as_is") < reached("till", "store") == reached("store_qr", "store")


def test_an_agency_teaches_by_working() -> None:
    """A contract of a day teaches a day's worth, and hours that nobody asks for teach nothing."""

    def lead(until_day: int, asked: float, hours: float = 14.0) -> float:
        agency = {
            "kind": "agency",
            "hours_per_week": hours,
            "teaches": 0.5,
            "learning_hours": 8,
            "until_day": until_day,
        }
        talk = {"kind": "chat", "hours_per_week": {"L1": asked}}
        world = live(scenario(1, 40, staff={"hours_per_week": 14}), policy(help=agency, talk=talk), until=30)
        return world.staff.skill(world, "chat")

    assert lead(0, 28) == pytest.approx(1 + 0.3 * 0.5 * 2 / 8), "two hours a day of its people"
    assert lead(1, 28) == pytest.approx(1 + 0.3 * 0.5 * 4 / 8)
    assert lead(20, 28) == lead(25, 28) == pytest.approx(1 + 0.3 * 0.5)
    assert lead(0, 7) == pytest.approx(1 + 0.3 * 0.5 * 0.5 / 8), "asked for a quarter of those there"
    assert lead(0, 0, 9000) == 1.0
    assert lead(0, 28, 0.1) < 1.001


def test_priority_names_what_there_is() -> None:
    with pytest.raises(SpecError, match=r"priority: no action 'dsek'; did you mean 'desk'"):
        validate(type(policy()), {"title": "t", "actions": {"desk": DESK}, "priority": ["dsek"]})
    with pytest.raises(SpecError, match="names an action twice"):
        validate(type(policy()), {"title": "t", "actions": {"desk": DESK}, "priority": ["desk", "desk"]})


def stories(events: list[Event]) -> list[tuple[int, int]]:
    """(day asked, day served) of every problem that the desk looked at."""
    asked: dict[int, int] = {}
    served = []
    for day, key, kind, *_ in events:
        if kind == "problem":
            asked[key] = day
        elif kind in ("settled", "refused"):
            served.append((asked.pop(key), day))
        elif kind == "quarrel":
            asked.pop(key, None)
    return served


def test_who_asked_first_is_served_first() -> None:
    """Nobody is served while somebody waits who asked before and is still there to be served."""
    patient = {"problems": {"kind": "problems", "per_order": 0.3, "patience_days": 300, "hurt": 0.0}}
    still = {"reaction": {"kind": "reaction", "mute": -99, "delete": -99}, "attrition": {"kind": "attrition",
             "delete_per_day": 0}}  # fmt: skip
    world = live(busy_scenario(behaviours=patient | still, channels={}), policy(desk=DESK))
    served = stories(canonical(world))
    by_day: defaultdict[int, list[int]] = defaultdict(list)
    for asked, day in served:
        by_day[day].append(asked)
    days = sorted(by_day)
    assert len(served) > 40
    assert all(max(by_day[a]) <= min(by_day[b]) for a, b in pairwise(days))
    assert max(day - asked for asked, day in served) > 7, "the line must be felt"
    settled = world.ledger.of("settled")
    assert sorted(settled.amount.tolist()) == sorted(day - asked for asked, day in served)


def test_more_hours_wait_less() -> None:
    """And quarrel less, with the same problems arising in the first days."""
    quarrels, waits = [], []
    for hours in (0.3, 1.0, 20.0):
        world = live(busy_scenario(300, channels={}), policy(desk=DESK | {"hours_per_week": hours}))
        settled = world.ledger.of("settled")
        quarrels.append(len(world.ledger.of("quarrel")))
        waits.append(float(np.mean(settled.amount)))
    assert quarrels[0] > quarrels[1] > quarrels[2] == 0
    assert waits[0] > waits[2] == 1.0, "a problem of today is looked at tomorrow"


def test_a_raised_chance_of_problems_only_adds_problems() -> None:
    """On the first day on which anything can differ: whose order went wrong goes wrong still."""

    def first_day(chance: float) -> set[int]:
        of = busy_scenario(2000, 1, behaviours={"problems": {"kind": "problems", "per_order": chance}}, channels={})
        return {key for _, key, kind, *_ in canonical(live(of)) if kind == "problem"}

    few, many = first_day(0.1), first_day(0.4)
    assert few < many


def test_where_no_order_goes_wrong_a_desk_only_costs() -> None:
    calm = busy_scenario(behaviours={})
    without, with_it = canonical(live(calm, policy())), canonical(live(calm, policy(desk=DESK)))
    assert [e for e in with_it if e[4] not in ("desk", "queue.desk")] == without
    assert "problem_day" not in live(calm, policy(), until=1).customers.DECLARED


def test_top_share_is_the_share_of_the_top_tier() -> None:
    """Of the conversations with buyers, those with the high-value tier."""

    def share(top: float | None) -> float:
        talk = {"kind": "chat", "hours_per_week": {"L4": 6, "L5": 6}, "top_share": top}
        of = busy_scenario(1500, 40, channels={}, behaviours={
            "value_tiers": {"kind": "value_tiers", "every_days": 400}}, traits={"rate_sd": 0.0})  # fmt: skip
        world = PrivateDomain(of, policy(talk=talk), seed=1)
        top_keys = set(world.customers.key[world.customers.tier == 2].tolist())
        chats = world.run().ledger.of("chat").key.tolist()
        return sum(key in top_keys for key in chats) / len(chats)

    assert share(0.8) == pytest.approx(0.8, abs=0.02)
    assert share(0.0) == 0.0
    assert 0.1 < share(None) < 0.5
