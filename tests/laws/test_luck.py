"""Common random numbers: nobody's life depends on who else is there, on rows, chunks or names of days."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.actions import chat
from agents.behaviours import purchase, reaction
from agents.domain import PrivateDomain
from agents.keys import FRIENDS
from agents.models.hazard import possible
from sim.ledger import NOBODY
from tests.worlds import (
    CHANNELS,
    EVERYTHING,
    FIXED_CUT_OFFS,
    UNSHARED,
    Event,
    busy_policy,
    busy_scenario,
    canonical,
    life,
    live,
    policy,
)


def of_people(events: list[Event], known: set[int] | None = None) -> list[Event]:
    """Events that belong to somebody, or to somebody known."""
    return [event for event in events if event[1] != NOBODY and (known is None or event[1] in known)]


@pytest.mark.parametrize("smaller", [1, 4, 199])
def test_the_first_customers_of_a_bigger_pool_live_the_same_lives(smaller: int) -> None:
    """In a pool of one or four some actions address nobody at first, which must not move other people's luck."""
    few = canonical(live(busy_scenario(smaller, behaviours=FIXED_CUT_OFFS), policy(8, **UNSHARED)))
    many = life(busy_scenario(200, behaviours=FIXED_CUT_OFFS), policy(8, **UNSHARED))
    there = {key for _, key, *_ in few} | set(range(smaller))
    assert of_people(few) == of_people(many, there)


def test_one_more_customer_changes_nobody_else_by_a_bit() -> None:
    few, many = (live(busy_scenario(n, behaviours=FIXED_CUT_OFFS), policy(8, **UNSHARED)).customers for n in (200, 201))
    rows = np.flatnonzero(many.key != 200)
    for name, column in few.arrays().items():
        assert column.tobytes() == many.arrays()[name][rows].tobytes(), name


def test_shared_cut_offs_do_couple_people() -> None:
    """Negative control: estimated value tiers depend on everybody, so the law above can fail."""
    few, many = (canonical(live(busy_scenario(n), policy(8, **UNSHARED))) for n in (100, 200))
    assert of_people(few) != of_people(many, {key for _, key, *_ in few} | set(range(100)))


def test_another_channel_changes_nobody_who_was_there() -> None:
    channels = CHANNELS | {"fair": {"volume": 50, "cost_per_reach_cny": 1, "organic_per_day": 2, "add_rate": 1.0}}
    base = canonical(live(busy_scenario(behaviours=FIXED_CUT_OFFS), policy(8, **UNSHARED)))
    larger = live(busy_scenario(behaviours=FIXED_CUT_OFFS, channels=channels), policy(8, **UNSHARED))
    more = canonical(larger)
    new = {key for _, key, kind, _, source in more if (kind, source) == ("reached", "fair")}
    assert new
    # Newcomers have friends of their own, whom some bring along, and these theirs; later ones have later rows.
    for key, inviter in zip(larger.customers.key.tolist(), larger.customers.inviter.tolist(), strict=True):
        if inviter in new:
            new.add(key)
    assert of_people(base) == [event for event in of_people(more) if event[1] not in new]


@pytest.mark.parametrize("rows", [1, 7, 100])
@pytest.mark.parametrize("shuffled", [False, True])
def test_neither_chunks_nor_the_order_of_rows_change_a_byte(rows: int, shuffled: bool) -> None:
    base = live(busy_scenario(80, 25), busy_policy())
    world = PrivateDomain(busy_scenario(80, 25), busy_policy(), seed=1)
    if shuffled:
        order = np.random.default_rng(0).permutation(len(world.customers))
        world.customers.restore({name: column[order] for name, column in world.customers.arrays().items()})
    world.chunk_rows = rows
    world.run()
    assert canonical(world) == canonical(base)
    ours, theirs = np.argsort(world.customers.key), np.argsort(base.customers.key)
    for name, column in world.customers.arrays().items():
        assert column[ours].tobytes() == getattr(base.customers, name)[theirs].tobytes(), name
    for name, total in vars(world.ledger.totals()).items():
        assert total.tobytes() == getattr(base.ledger.totals(), name).tobytes(), name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_work_that_is_spared_changes_no_event(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that are ruled out by a bound, or lie too far back in a queue, would have decided nothing."""
    spared = canonical(live(busy_scenario(), busy_policy(), seed=seed))
    asked: list[int] = []

    def everybody(u: NDArray[np.float64], at_most: NDArray[np.float32]) -> NDArray[np.intp]:
        asked.append(len(u) - len(possible(u, at_most)))
        return np.arange(len(u))

    monkeypatch.setattr(purchase, "possible", everybody)
    monkeypatch.setattr(reaction, "possible", everybody)
    for far in (-1e9, 1e9):  # nobody is near enough at first; everybody is
        monkeypatch.setattr(chat, "FAR", far)
        assert canonical(live(busy_scenario(), busy_policy(), seed=seed)) == spared
    assert sum(asked) > 1000, "nothing was spared"


def weekday_free() -> dict[str, Any]:
    """Every action on a calendar that counts days of the run; birthdays fall on dates."""
    of_days = {
        name
        for name, action in busy_policy().actions.items()  # as they are read: a default may be a day of the week
        if (calendar := getattr(action, "calendar", None)) and (calendar.weekdays or calendar.dates)
    }
    return {
        name: {**action, "calendar": {"every_days": 3}} if name in of_days else action
        for name, action in EVERYTHING.items()
        if name != "birthday"
    }


@pytest.mark.parametrize("days", [1, 7, 100])
def test_names_of_days_on_a_flat_calendar_change_nothing(days: int) -> None:
    """The default models know no weekday, so a run may start on any."""
    here, there = dt.date(2024, 1, 1), dt.date(2024, 1, 1) + dt.timedelta(days=days)
    moved = canonical(live(busy_scenario(start=there), policy(8, **weekday_free())))
    assert moved == life(busy_scenario(start=here), policy(8, **weekday_free()))


@pytest.mark.parametrize(("days", "same"), [(7, True), (364, True), (1, False)])
def test_a_calendar_of_weekdays_may_be_moved_by_weeks_alone(days: int, same: bool) -> None:
    dated = {"birthday", *(name for name, action in EVERYTHING.items() if "dates" in action.get("calendar", {}))}
    dateless = policy(8, **{name: action for name, action in EVERYTHING.items() if name not in dated})
    moved = busy_scenario(start=dt.date(2024, 1, 1) + dt.timedelta(days=days))
    assert (canonical(live(moved, dateless)) == life(busy_scenario(), dateless)) is same


def test_another_seed_is_another_world(busy_events: list[Event]) -> None:
    assert canonical(live(busy_scenario(), busy_policy(), seed=2)) != busy_events


def test_policies_meet_the_same_people() -> None:
    """Traits, newcomers and effects belong to the scenario, whatever the operator does."""
    busy, idle = (PrivateDomain(busy_scenario(), p, seed=3).run() for p in (busy_policy(), policy()))
    assert busy.effects == idle.effects
    row_of = {key: row for row, key in enumerate(busy.customers.key.tolist())}
    there = idle.customers.key.tolist()
    shared = [(row_of[key], row) for row, key in enumerate(there) if key in row_of]
    missing = [key for key in there if key not in row_of]
    assert len(shared) > 200
    assert all(key >= FRIENDS for key in missing), "spending reaches more of the same prospects"
    ours, theirs = (list(rows) for rows in zip(*shared, strict=True))
    for trait in ("rate", "basket", "price_sensitivity", "tolerance", "interest"):
        assert np.array_equal(getattr(busy.customers, trait)[ours], getattr(idle.customers, trait)[theirs])


LATE: dict[str, dict[str, Any]] = {
    "coupon": {"kind": "coupon", "depth": 0.4, "calendar": {"every_days": 1, "from_day": 40}},
    "advert": {"kind": "advert", "calendar": {"per_week": 14, "from_day": 40}},
    "content": {"kind": "content", "calendar": {"weekdays": ["mon", "thu"], "from_day": 40}},
    "acquisition": {"kind": "acquisition", "spend_cny_per_day": {"ads": 50},
                    "calendar": {"every_days": 1, "from_day": 40}},
    "membership": {"kind": "membership", "tiers": [{"threshold_cny": 0, "discount": 0.1}], "plans": {"card": {}},
                   "calendar": {"every_days": 1, "from_day": 40}},
    "points": {"kind": "points", "check_in": 50, "redeem_from": 10, "from_day": 40},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(LATE))
def test_what_starts_later_leaves_the_days_before_alone(kind: str) -> None:
    base = {name: action for name, action in EVERYTHING.items() if action["kind"] not in ("membership", "points")}
    before = life(busy_scenario(), policy(8, **base))
    after = canonical(live(busy_scenario(), policy(8, **base, late=LATE[kind])))
    assert [event for event in before if event[0] < 40] == [event for event in after if event[0] < 40]
    assert before != after


UNTOUCHING: dict[str, dict[str, Any]] = {
    "coupon without stock": {"kind": "coupon", "depth": 0.4, "stock": 0, "calendar": {"every_days": 1}},
    "coupon for nobody": {"kind": "coupon", "depth": 0.4, "calendar": {"every_days": 1},
                          "audience": {"orders_min": 9999}},
    "advert to nobody": {"kind": "advert", "calendar": {"per_week": 14}, "audience": {"orders_min": 9999}},
    "content to nobody": {"kind": "content", "calendar": {"per_week": 14}, "audience": {"orders_min": 9999}},
    "card for nobody": {"kind": "membership", "plans": {"card": {}}, "audience": {"orders_min": 9999}},
    "chat with nobody": {"kind": "chat", "hours_per_week": {"L4": 10}, "audience": {"orders_min": 9999}},
    "media of nothing": {"kind": "acquisition", "spend_cny_per_day": {"ads": 0, "store": 0}},
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(UNTOUCHING))
def test_an_action_that_touches_nobody_changes_nobody(case: str) -> None:
    actions = busy_policy().actions
    base = {  # hours of staff are shared, so those who ask for some are left out
        name: a
        for name, a in EVERYTHING.items()
        if a["kind"] != "membership" and not actions[name].hours_asked_per_week()
    }
    before = life(busy_scenario(), policy(8, **base))
    # The idle action comes first, so that it could push the others' luck aside.
    after = canonical(live(busy_scenario(), policy(8, idle=UNTOUCHING[case], **base)))
    assert of_people(before) == of_people(after)


def test_a_coupon_of_no_depth_is_no_coupon(busy_events: list[Event]) -> None:
    nothing = {"kind": "coupon", "depth": 0.0, "valid_days": 30, "reminder_days": 3, "calendar": {"every_days": 1}}
    assert canonical(live(busy_scenario(), policy(8, nothing=nothing, **EVERYTHING))) == busy_events
