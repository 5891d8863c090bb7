"""Bad input about spaces: one error with place, rule, value and cure, before anything is simulated."""

from __future__ import annotations

import pytest

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.plan import SearchPlan
from sim.errors import SpecError
from sim.spec import Document, validate

POLICY = validate(
    Policy,
    Document(
        """
title: status quo
actions:
  adverts: {kind: advert, calendar: {per_week: 3}}
  content: {kind: content, calendar: {per_week: 0}}
  chat: {kind: chat, hours_per_week: {L1: 4, L2: 2, L3: 6, L5: 8}}
  coupon: {kind: coupon, depth: 0.1, calendar: {weekdays: [sat, tue]}}
  club: {kind: membership, tiers: [{threshold_cny: 300, points_multiplier: 2}, {threshold_cny: 900}]}
  media: {kind: acquisition, spend_cny_per_day: {store: 5}}
""",
        "policy",
    ).data,
)
SCENARIO = validate(
    Scenario, {"title": "s", "horizon_days": 4, "channels": {"store": {"volume": 9, "cost_per_reach_cny": 1}}}
)

DEPTH = "actions.coupon.depth: {low: 0, high: 0.3"
AUDIENCE = "actions.coupon.audience: {choices: [everybody, lapsing]"
TIERS = "actions.club.tiers: {rows: 2, rising: {threshold_cny: {low: 200, high: 1000"
HOURS = "actions.chat.hours_per_week"

LINES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # what the document alone shows: levers, what must be said with the line of the document
    "empty": (("{}",), ("s.yaml:2: space: the space is empty", "name a lever")),
    "nothing": (("",), ("s.yaml:2: space", "nothing is written here")),
    "misspelt kind": (("a.b: {choises: [1, 2]}",), ("s.yaml:3: space.a.b", "did you mean 'choices'?")),
    "half a number": (("a.b: {high: 2}",), ("s.yaml:3: space.a.b", "'low' is missing")),
    "no kind": (("a.b: {}",), ("s.yaml:3: space.a.b", "one of the keys choices, switch", "add one")),
    "two kinds": (("a.b: {choices: [1, 2], low: 3}",), ("s.yaml:3: space.a.b.low: unknown key 'low'",)),
    "upside down": (("a.b: {low: 2, high: 1}",), ("s.yaml:3: space.a.b: low 2 must be below high 1",)),
    "coarse grid": (("a.b: {low: 0, high: 1, step: 2}",), ("s.yaml:3", "step 2 leaves no value but low 0")),
    "log with grid": (("a.b: {low: 1, high: 2, step: 1, log: true}",), ("needs low > 0 and no step",)),
    "same choice twice": (("a.b: {choices: [x, x]}",), ("the choice x stands there twice",)),
    "same path twice": (
        (DEPTH + "}", "actions: {each: [coupon.depth, chat.minutes_per_chat], low: 1, high: 2}"),
        ("s.yaml:4: space.actions: it sets actions.coupon.depth", "the lever actions.coupon.depth", "drop one"),
    ),
    "one inside another": (
        ("actions.coupon.calendar.from_day: {low: 0, high: 2}", "actions.coupon.calendar: {weekdays: {}}"),
        ("s.yaml:4: space.actions.coupon.calendar", "one is inside the other", "drop one"),
    ),
    "shares and a number": (
        (HOURS + ": {total: 20, over: [L1, L2, L3, L5]}", HOURS + ".L2: {low: 0, high: 20}"),
        (f"s.yaml:4: space.{HOURS}.L2", f"which the lever {HOURS} sets as well"),
    ),
    "condition on no lever": (
        (DEPTH + ", when: {actions.coupon.audienc: [lapsing]}}", AUDIENCE + "}"),
        ("s.yaml:3: space.actions.coupon.depth.when.actions.coupon.audienc", "did you mean 'actions.coupon.audience'?"),
    ),
    "condition never met": (
        (DEPTH + ", when: {actions.coupon.audience: [buyers]}}", AUDIENCE + "}"),
        ("s.yaml:3", "never has the value 'buyers'; known: everybody, lapsing"),
    ),
    "condition without values": (
        (DEPTH + ", when: {actions.coupon.audience: []}}", AUDIENCE + "}"),
        ("s.yaml:3", "at least 1"),
    ),
    "condition off the grid": (
        (AUDIENCE + ", when: {a.b: [4]}}", "a.b: {low: 1, high: 9, step: 2}"),
        ("s.yaml:3", "never has the value 4", "by 2"),
    ),
    "condition on a fraction": (
        (AUDIENCE + ", when: {a.b: [0.5]}}", "a.b: {low: 0, high: 1}"),
        ("s.yaml:3", "give it a step"),
    ),
    "condition on many numbers": (
        (DEPTH + ", when: {x: [3]}}", "x: {total: 20, over: [a.b, a.c]}"),
        ("s.yaml:3", "has no single value"),
    ),
    "condition on itself": (
        (AUDIENCE + ", when: {actions.coupon.audience: [lapsing]}}",),
        ("s.yaml:3", "back to itself"),
    ),
    "condition in a circle": (
        (
            "a.b: {choices: [x, y], when: {a.c: [x]}}",
            "a.c: {choices: [x, y], when: {a.d: [x]}}",
            "a.d: {choices: [x, y], when: {a.b: [x]}}",
        ),
        ("s.yaml:3: space.a.b.when", "a.b → a.c → a.d → a.b", "break the circle"),
    ),
    "switch that hangs on what it switches": (
        ("actions.coupon: {switch: on_off, when: {actions.coupon.audience: [lapsing]}}", AUDIENCE + "}"),
        ("s.yaml:3: space.actions.coupon.when", "back to itself"),
    ),
    "condition off inside": (
        ("actions.coupon: {switch: on_off}", DEPTH + ", when: {actions.coupon: [off]}}"),
        ("s.yaml:4", "matters nothing"),
    ),
    "switch of a part": (("actions.coupon.calendar: {switch: on_off}",), ("s.yaml:3", "only a whole action")),
    "switch in a budget": (
        (
            "actions.media: {switch: on_off}",
            "x: {total: 9, over: [actions.media.spend_cny_per_day.store, actions.content.production_cny]}",
        ),
        ("s.yaml:4: space.x", "actions.media can be switched off"),
    ),
    "misspelt switch": (("actions.coupon: {switch: onoff}",), ("s.yaml:3: space.actions.coupon.switch", "'on_off'")),
    "unknown weekday": (("a.b: {weekdays: {of: [mon, monday]}}",), ("s.yaml:3: space.a.b.weekdays.of.1", "'monday'")),
    "weekday twice": (("a.b: {weekdays: {of: [mon, mon, tue]}}",), ("s.yaml:3", "the day mon stands there twice")),
    "least above most": (("a.b: {weekdays: {least: 4, most: 2}}",), ("s.yaml:3", "least 4 exceeds most 2; swap them")),
    "no day to choose": (("a.b: {weekdays: {of: [mon, tue], least: 2}}",), ("s.yaml:3", "leaves no choice")),
    "entry twice": (("a.b: {each: [x, x], low: 0, high: 1}",), ("s.yaml:3", "the entry x stands there twice")),
    "own of no entry": (
        ("a.b: {each: [L1, L2], low: 0, high: 1, own: {L3: {high: 4}}}",),
        ("s.yaml:3", "own names 'L3'", "L1, L2"),
    ),
    "own upside down": (
        ("a.b: {each: [x, y], low: 3, high: 4, own: {x: {high: 2}}}",),
        ("s.yaml:3", "own.x: low 3 must be below high 2"),
    ),
    "no total": (("a.b: {over: [x, y]}",), ("s.yaml:3: space.a.b.total: 'total' is missing",)),
    "total in words": (
        ("a.b: {total: much, over: [x, y]}",),
        ("s.yaml:3: space.a.b.total: must be a number (got 'much')",),
    ),
    "one part": (("a.b: {total: 3, over: [x]}",), ("s.yaml:3", "one part takes the whole total")),
    "part twice": (("a.b: {total: 3, over: [x, x]}",), ("s.yaml:3", "the part x stands there twice")),
    "cost of no part": (("a.b: {total: 3, over: [x, y], cost: {z: 1}}",), ("s.yaml:3", "cost names 'z'", "x, y")),
    "slack of a moving total": (
        ("a.b: {total: {low: 1, high: 2}, over: [x, y], slack: true}",),
        ("s.yaml:3", "leaves nothing unspent; drop slack"),
    ),
    "total below zero": (("a.b: {total: {low: -1, high: 2}, over: [x, y]}",), ("s.yaml:3", "divided below 0")),
    "rows that do not fit": (
        (TIERS + ", gap: 900}}}",),
        ("s.yaml:3", "2 rows that rise by 900 need more than 200 … 1000"),
    ),
    "no rise at all": ((TIERS + ", gap: 0}}}",), ("s.yaml:3", "threshold_cny must rise", "gap above 0")),
    "gap off the grid": ((TIERS + ", gap: 30, step: 20}}}",), ("s.yaml:3", "gap 30 is no multiple of step 20")),
    "no rows": (("a.b: {rows: 0, rising: {x: {low: 0, high: 1}}}",), ("s.yaml:3", "rows must be 1 … 20")),
    "rows upside down": (
        ("a.b: {rows: {low: 3, high: 1}, rising: {x: {low: 0, high: 1}}}",),
        ("s.yaml:3: space.a.b.rows", "low 3 must be below"),
    ),
}

AGAINST: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # what shows against the status quo and the scenario
    "no such action": (
        ("actions.coupn.depth: {low: 0, high: 1}",),
        ("space: actions.coupn.depth", "did you mean 'coupon'?"),
    ),
    "no such field": (
        ("actions.coupon.dept: {low: 0, high: 1}",),
        ("no 'dept' at 'actions.coupon'", "did you mean 'depth'?"),
    ),
    "no such entry": ((HOURS + ": {each: [L1, L9], low: 0, high: 9}",), (f"space: {HOURS}.L9", "known: L0, L1")),
    "no such part": ((HOURS + ": {total: 20, over: [L1, L9]}",), (f"space: {HOURS}.L9", "known: L0, L1")),
    "no such action to switch": (("actions.coupons: {switch: on_off}",), ("did you mean 'coupon'?",)),
    "no such field when on": (
        ("actions.content: {switch: {calendr: {per_week: 2}}}",),
        ("space: actions.content.calendr", "did you mean 'calendar'?"),
    ),
    "no such column": (
        ("actions.club.tiers: {rows: 2, rising: {treshold_cny: {low: 1, high: 9}}}",),
        ("did you mean 'threshold_cny'?",),
    ),
    "a fact": (
        ("actions.chat.minutes_per_chat: {low: 2, high: 30}",),
        ("space: actions.chat.minutes_per_chat: actions.chat.minutes_per_chat is a fact", "give it in the policy"),
    ),
    "a fact in a budget": (
        ("x: {total: 9, slack: true, over: [actions.coupon.minimum_spend_cny, actions.content.cost_cny]}",),
        ("space: x: actions.content.cost_cny is a fact",),
    ),
    "beyond a limit": (("actions.coupon.depth: {low: 0, high: 0.8}",), ("at most 0.5 (got 0.8); narrow the bounds",)),
    "beyond a limit under a condition": (
        ("actions.coupon.depth: {low: 0, high: 0.8, when: {actions.coupon.audience: [lapsing]}}", AUDIENCE + "}"),
        ("space: actions.coupon.depth", "at most 0.5 (got 0.8)"),
    ),
    "beyond a limit in an action that is off": (
        ("actions.content: {switch: {calendar.per_week: 2}}", "actions.content.calendar.per_week: {low: 1, high: 99}"),
        ("space: actions.content.calendar.per_week", "at most 28 (got 99.0)"),
    ),
    "beyond a limit in a vector": (
        (HOURS + ": {each: [L1, L2], low: 0, high: 20, own: {L2: {high: 20000}}}",),
        (f"{HOURS}.L2: must be at most 10000 (got 20000",),
    ),
    "beyond a limit in a table": (
        (TIERS + "}, discount: {low: 0, high: 0.9}}}",),
        ("actions.club.tiers.0.discount: must be at most 0.5 (got 0.9); narrow",),
    ),
    "beyond a limit in shares": (
        (
            "x: {total: 10, slack: true, over: [actions.coupon.depth, actions.coupon.minimum_spend_cny], "
            "cost: {actions.coupon.depth: 0.1}}",
        ),
        ("space: x", "actions.coupon.depth: must be at most 0.5"),
    ),
    "beyond a limit when on": (
        ("actions.content: {switch: {calendar: {per_week: 99}}}",),
        ("actions.content.calendar.per_week: must be at most 28 (got 99)",),
    ),
    "fractions of a day": (
        ("actions.coupon.valid_days: {low: 2, high: 9}",),
        ("must be a whole number", "add step: 1"),
    ),
    "fractions of a day in shares": (
        ("x: {total: 10, slack: true, over: [actions.coupon.valid_days, actions.coupon.minimum_spend_cny]}",),
        ("must be a whole number", "shares are no whole numbers"),
    ),
    "two ends that exclude each other": (
        (
            "actions.club.tiers.0.threshold_cny: {low: 200, high: 800}",
            "actions.club.tiers.1.threshold_cny: {low: 700, high: 900}",
        ),
        ("actions.club.tiers.0.threshold_cny = 800.0 with actions.club.tiers.1.threshold_cny = 700.0", "must rise"),
    ),
    "days that never come": (  # four days from 1 January 2024, a Monday
        ("actions.coupon.calendar: {weekdays: {of: [tue, wed, sat, sun]}}",),
        ("never comes up", "narrow the bounds"),
    ),
    "status quo outside": ((DEPTH.replace("0,", "0.2,") + "}",), ("lies outside 0.2 … 0.3 (got 0.1); widen",)),
    "status quo outside a vector": (
        (HOURS + ": {each: [L1, L5], low: 0, high: 5}",),
        (f"{HOURS}.L5", "0 … 5 (got 8.0)"),
    ),
    "status quo among no choice": (
        ("actions.coupon.audience: {choices: [buyers, lapsed]}",),
        ("not among the choices",),
    ),
    "status quo without a number": (
        ("actions.coupon.stock: {low: 0, high: 9, step: 1}",),
        ("has no number here", "give it one"),
    ),
    "status quo without weekdays": (
        ("actions.adverts.calendar: {weekdays: {of: [mon, tue]}}",),
        ("no calendar of weekdays", "[wed]"),
    ),
    "status quo without a calendar": (("actions.coupon: {weekdays: {}}",), ("no calendar here", "end the path at one")),
    "status quo on another day": (
        ("actions.coupon.calendar: {weekdays: {of: [mon, tue, wed, thu], least: 3}}",),
        ("the status quo's sat is not among",),
    ),
    "status quo on too few days": (
        ("actions.coupon.calendar: {weekdays: {least: 4}}",),
        ("number of days lies outside 4 … 7 (got 2)", "lower `least`"),
    ),
    "status quo below the total": (
        (HOURS + ": {total: 30, over: [L1, L2, L3, L5]}",),
        ("add up to 20, not to the total (got 30.0)", "add slack: true"),
    ),
    "status quo above the total": (
        (HOURS + ": {total: 10, slack: true, over: [L1, L2, L3, L5]}",),
        ("add up to 20, above the total (got 10.0)",),
    ),
    "status quo outside the totals": (
        (HOURS + ": {total: {low: 30, high: 40}, over: [L1, L2, L3, L5]}",),
        ("total outside 30 … 40 (got 20.0)", "widen"),
    ),
    "status quo that falls": (
        (TIERS + "}, points_multiplier: {low: 0, high: 3}}}",),
        ("points_multiplier does not rise or stay", "[2.0, 1.0]", "order"),
    ),
    "status quo that rises too little": ((TIERS + ", gap: 700}}}",), ("does not rise by at least 700", "lower `gap`")),
    "status quo of other rows": ((TIERS.replace("rows: 2", "rows: 3") + "}}}",), ("number of rows is not 3 (got 2)",)),
    "status quo without rows": (
        ("actions.club: {rows: 2, rising: {x: {low: 0, high: 1}}}",),
        ("no list of rows here",),
    ),
    "switch with nothing to switch on": (
        ("actions.content: {switch: on_off}",),
        ("nothing says what it is when it is on",),
    ),
    "switch that leaves it off": (
        ("actions.content: {switch: {production_cny: 9}}",),
        ("nothing says what it is when it is on", "write the fields"),
    ),
    "switch that says again": (
        ("actions.coupon: {switch: {depth: 0.2}}",),
        ("has this action on", "write switch: on_off"),
    ),
}


def refused(levers: tuple[str, ...]) -> str:
    """The message for a space with these lines."""
    body = levers[0] if levers in (("{}",), ("",)) else "".join(f"\n  {lever}" for lever in levers)
    document = Document(f"title: bad\nspace: {body}\n", "s.yaml")
    with pytest.raises(SpecError) as caught:
        validate(SearchPlan, document.data, document).check(POLICY, SCENARIO)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", LINES)
def test_what_a_document_shows_is_told_with_its_line(name: str) -> None:
    levers, said = LINES[name]
    message = refused(levers)
    assert message.startswith("s.yaml:")
    assert all(part in message for part in said), message


@pytest.mark.parametrize("name", AGAINST)
def test_what_the_status_quo_shows_is_told_with_its_path(name: str) -> None:
    levers, said = AGAINST[name]
    message = refused(levers)
    assert message.startswith("space: ")
    assert all(part in message for part in said), message


def test_several_contradictions_are_told_together() -> None:
    document = Document(f"title: bad\nspace:\n  {DEPTH}, when: {{a: [1]}}}}\n  x.y: {{switch: on_off}}\n", "s.yaml")
    with pytest.raises(SpecError, match="2 rules are broken") as caught:
        validate(SearchPlan, document.data, document)
    assert "s.yaml:3" in str(caught.value)
    assert "s.yaml:4" in str(caught.value)
