"""Levers: any coordinates are a policy, the status quo comes back as itself, and each kind keeps what it promises."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy import stats

from agents.calendar import WEEKDAYS
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.run import live
from experiments.searching.space.coordinates import Coordinates
from experiments.searching.space.levers import Rising, Shares, Weekdays
from experiments.searching.space.levers.sticks import broken, joined
from experiments.searching.space.levers.weekdays import Days
from experiments.searching.space.space import SearchSpace
from experiments.terminal.schema import json_schema
from sim.spec import Document, validate

POLICY = validate(
    Policy,
    Document(
        """
title: status quo
actions:
  adverts: {kind: advert, calendar: {weekdays: [mon, fri]}, audience: lapsing}
  content: {kind: posts, calendar: {per_week: 0}}
  chat: {kind: chat, hours_per_week: {L0: 0, L1: 4, L2: 2, L3: 6.7, L4: 0, L5: 0.1}}
  coupon: {kind: coupon, depth: 0.1, valid_days: 7, calendar: {weekdays: [sat, tue], from_day: 3}}
  club:
    kind: membership
    tiers: [{threshold_cny: 300, points_multiplier: 2}, {threshold_cny: 900, discount: 0.05}]
  media: {kind: acquisition, spend_cny_per_day: {store: 5, web: 0}}
  bait: {kind: newcomer_bait, channels: [store], minimum_spend_cny: 10}
frequency_cap_per_week: 7
""",
        "policy",
    ).data,
)
SCENARIO = validate(
    Scenario,
    {
        "title": "s", "horizon_days": 28, "population": {"size": 60},
        "channels": {name: {"volume": 200, "cost_per_reach_cny": 2} for name in ("store", "web")},
    },
)  # fmt: skip

TIERS = {"threshold_cny": {"low": 200, "high": 1500, "gap": 50}, "discount": {"low": 0, "high": 0.1}}
HOURS = "actions.chat.hours_per_week"
SPACES: dict[str, dict[str, Any]] = {
    "numbers": {
        "actions.coupon.depth": {"low": 0, "high": 0.3},
        "actions.coupon.valid_days": {"low": 3, "high": 12, "step": 2},
        "actions.bait.minimum_spend_cny": {"low": 1, "high": 40, "log": True},
        "actions.coupon.minimum_spend_cny": {"low": 0, "high": 1, "step": 0.1},
        "frequency_cap_per_week": {"low": 0, "high": 20, "step": 1},
    },
    "choices": {
        "actions.coupon.audience": {"choices": ["everybody", "lapsing", {"orders_min": 2}]},
        "actions.adverts.audience": {"choices": ["everybody", "lapsing"]},
    },
    "switches": {
        "actions.coupon": {"switch": "on_off"},
        "actions.coupon.depth": {"low": 0.05, "high": 0.3},
        "actions.coupon.calendar": {"weekdays": {}},
        "actions.adverts": {"switch": "on_off"},
        "actions.adverts.calendar": {"weekdays": {"most": 4}},
        "actions.content": {"switch": {"calendar": {"weekdays": ["tue"]}, "audience": "lapsing"}},
        "actions.content.advert_share": {"low": 0.1, "high": 0.6},
        "actions.media": {"switch": "on_off"},
        "actions.media.spend_cny_per_day.web": {"low": 0, "high": 9},
        "actions.club": {"switch": "on_off"},
        "actions.club.tiers": {"rising": TIERS, "rows": 2},
        "actions.chat": {"switch": "on_off"},
        HOURS: {"each": ["L1", "L4"], "low": 0, "high": 9},
    },
    "weekdays": {"actions.coupon.calendar": {"weekdays": {"of": ["tue", "wed", "sat", "sun"], "least": 2, "most": 3}}},
    "conditions": {
        "actions.coupon.audience": {"choices": ["everybody", "lapsing"]},
        "actions.coupon.reminder_days": {
            "low": 0, "high": 3, "step": 1, "when": {"actions.coupon.audience": ["lapsing"]},
        },
        "actions.coupon.minimum_spend_cny": {
            "low": 0, "high": 9, "when": {"actions.coupon.reminder_days": [2, 3], "actions.media": ["on"]},
        },
        "actions.media": {"switch": "on_off"},
    },
    "vectors": {
        HOURS: {"each": ["L0", "L1", "L4"], "low": 0, "high": 20, "own": {"L4": {"high": 40, "step": 0.5}}},
        "actions.club.tiers": {"each": ["0.discount", "1.discount"], "low": 0, "high": 0.1},
    },
    "shares": {
        HOURS: {"total": {"low": 10, "high": 60}, "over": ["L1", "L2", "L3", "L4", "L5"]},
        "money": {
            "total": 30, "slack": True, "cost": {"actions.bait.gift_cny": 0.5},
            "over": ["actions.media.spend_cny_per_day.store", "actions.bait.gift_cny"],
        },
    },
    "fixed total": {HOURS: {"total": 12.8, "over": ["L1", "L2", "L3", "L4", "L5"]}},
    "rising": {"actions.club.tiers": {"rising": TIERS, "rows": 2}},
    "rising rows": {
        "actions.club.tiers": {
            "rising": {
                "threshold_cny": {"low": 200, "high": 1500, "step": 100},
                "discount": {"low": 0, "high": 0.1, "step": 0.01},
                # its status quo falls, so it is left out: points_multiplier
            },
            "rows": {"low": 0, "high": 4},
        }
    },
}  # fmt: skip
NAMES = sorted(SPACES)


def plan_of(space: dict[str, Any]) -> SearchSpace:
    return validate(SearchSpace, {"title": "t", "space": space})


PLANS = {name: plan_of(SPACES[name]) for name in NAMES}


def params_in(plan: SearchSpace) -> st.SearchStrategy[dict[str, Any]]:
    """Any values of all coordinates, the inactive ones too."""

    def values(d: Any) -> st.SearchStrategy[Any]:
        if isinstance(d, CategoricalDistribution):
            return st.sampled_from(d.choices)
        if isinstance(d, IntDistribution):
            return st.integers(0, (d.high - d.low) // d.step).map(lambda n: d.low + n * d.step)
        assert isinstance(d, FloatDistribution)
        if d.step is not None:
            return st.integers(0, round((d.high - d.low) / d.step)).map(lambda n: d.low + n * d.step)
        return st.floats(d.low, d.high)

    return st.fixed_dictionaries({d.name: values(d.distribution) for d in plan.dimensions()})


def close(one: Any, other: Any) -> bool:
    """Equal but for the last digits of numbers, which go through coordinates and back."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return bool(abs(one - other) <= 1e-9 * max(1.0, abs(one)))
    return bool(one == other)


def data_of(policy: Policy) -> Any:
    return policy.model_dump(mode="json")


# -- what every kind promises -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_space_is_accepted_with_all_its_ends(name: str) -> None:
    PLANS[name].check(POLICY, SCENARIO)


@pytest.mark.parametrize("name", NAMES)
def test_status_quo_comes_back_as_itself_to_the_byte(name: str) -> None:
    plan = PLANS[name]
    here = plan.params_of(POLICY)
    assert set(here) == {d.name for d in plan.dimensions()}
    assert all(d.distribution._contains(d.distribution.to_internal_repr(here[d.name])) for d in plan.dimensions())
    again = plan.policy(POLICY, here)
    assert again == POLICY
    assert again.digest() == POLICY.digest()
    assert plan.changed(here, POLICY) == []


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_coordinates_are_a_policy_and_its_coordinates_lead_back(name: str, data: st.DataObject) -> None:
    plan = PLANS[name]
    params = data.draw(params_in(plan))
    policy = plan.policy(POLICY, params)
    policy.check(SCENARIO)
    values = plan.values(params, POLICY)
    assert set(values) <= set(plan.bounds(POLICY)) == set(plan.values_of(POLICY))
    back = plan.params_of(policy)
    assert plan.active(back) == plan.active(params)
    assert close(plan.values(back, POLICY), values)
    assert close(data_of(plan.policy(POLICY, back)), data_of(policy))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_inactive_coordinates_change_nothing(name: str, data: st.DataObject) -> None:
    plan = PLANS[name]
    coordinates = Coordinates(plan.dimensions())
    row = coordinates.snap(coordinates.row(data.draw(params_in(plan)))[None])[0]
    params = coordinates.params(row)
    other = {**data.draw(params_in(plan)), **params}
    assert plan.policy(POLICY, other) == plan.policy(POLICY, params)


@pytest.mark.parametrize("name", NAMES)
def test_single_changes_move_one_lever_from_where_the_policy_stands(name: str) -> None:
    plan = PLANS[name]
    changes = plan.single_changes(POLICY)
    assert len({label for label, _ in changes}) == len(changes)
    moved = [plan.changed(params, POLICY) for _, params in changes]
    assert all(len(paths) == 1 for paths in moved)
    here = plan.params_of(POLICY)
    assert {path for paths in moved for path in paths} == {path for path, on in plan.active(here).items() if on}
    for _, params in changes:
        assert plan.policy(POLICY, params) != POLICY
        assert all(d.distribution._contains(d.distribution.to_internal_repr(params[d.name])) for d in plan.dimensions())


@pytest.mark.parametrize("name", NAMES)
def test_plan_survives_json_and_satisfies_the_schema(name: str) -> None:
    plan = PLANS[name]
    data = json.loads(json.dumps(plan.model_dump(mode="json")))
    assert validate(SearchSpace, data) == plan
    schema = json_schema("search")
    jsonschema.validate(data, schema)
    jsonschema.validate({"title": "t", "space": SPACES[name]}, schema)


# -- numbers and choices ----------------------------------------------------------------------------------------------


def test_a_grid_ends_at_its_last_step_within_the_bounds() -> None:
    dimension = next(d for d in PLANS["numbers"].dimensions() if d.name == "actions.coupon.valid_days")
    assert (dimension.distribution.low, dimension.distribution.high) == (3, 11)
    assert PLANS["numbers"].space["actions.coupon.valid_days"].ends() == (3, 11)


def test_the_nearest_value_is_on_the_grid_and_within_the_bounds() -> None:
    lever = PLANS["numbers"].space["actions.coupon.valid_days"]
    assert [lever.clip(value) for value in (-4, 4, 5.9, 12, 99)] == [3, 5, 5, 11, 11]


def test_a_log_scale_is_told_to_the_sampler() -> None:
    dimension = next(d for d in PLANS["numbers"].dimensions() if d.name == "actions.bait.minimum_spend_cny")
    assert dimension.distribution == FloatDistribution(1, 40, log=True)


def test_a_choice_is_given_in_the_words_of_the_document() -> None:
    assert PLANS["choices"].values_of(POLICY) == {
        "actions.coupon.audience": "everybody", "actions.adverts.audience": "lapsing",
    }  # fmt: skip


def test_dates_among_choices_are_plain_data() -> None:
    text = "title: t\nspace:\n  actions.content.calendar: {choices: [{per_week: 0}, {dates: [2024-06-18]}]}\n"
    plan = validate(SearchSpace, Document(text, "s").data)
    values = plan.values({"actions.content.calendar": "{'dates': ['2024-06-18']}"}, POLICY)
    assert json.loads(json.dumps(values)) == values


# -- switches ---------------------------------------------------------------------------------------------------------


def test_all_off_is_doing_nothing() -> None:
    """What the switches leave behind books nothing that the empty policy does not."""
    plan = plan_of({path: lever for path, lever in SPACES["switches"].items() if "switch" in lever})
    off = plan.policy(POLICY, dict.fromkeys(plan.space, "off"))
    idle = Policy(title="idle", frequency_cap_per_week=7)
    assert live(SCENARIO, off, 1).values == live(SCENARIO, idle, 1).values
    assert live(SCENARIO, POLICY, 1).values != live(SCENARIO, idle, 1).values


def test_a_switched_off_action_ignores_the_levers_inside_it() -> None:
    plan = PLANS["switches"]
    here = {**plan.params_of(POLICY), "actions.coupon": "off", "actions.coupon.depth": 0.3}
    values = plan.values(here, POLICY)
    assert values["actions.coupon.depth"] == 0
    assert plan.changed(here, POLICY) == ["actions.coupon"]
    assert plan.policy(POLICY, here).actions["coupon"].calendar == POLICY.actions["coupon"].calendar


def test_an_action_that_is_off_is_switched_on_as_stated_and_the_levers_inside_count() -> None:
    plan = PLANS["switches"]
    on = {**plan.params_of(POLICY), "actions.content": "on", "actions.content.advert_share": 0.44}
    content = plan.policy(POLICY, on).actions["content"]
    assert content.calendar.weekdays == ("tue",)
    assert content.audience == POLICY.actions["adverts"].audience
    assert content.advert_share == 0.44
    assert plan.values(on, POLICY)["actions.content.audience"] == "lapsing"
    assert "actions.content.calendar.per_week" not in plan.values(on, POLICY)


def test_levers_inside_begin_where_the_action_is_stated_to_be_on() -> None:
    idle = validate(
        Policy, data_of(POLICY) | {"actions": {"coupon": {**data_of(POLICY)["actions"]["coupon"], "depth": 0}}}
    )
    plan = plan_of({"actions.coupon": {"switch": {"depth": 0.2}}, "actions.coupon.depth": {"low": 0.1, "high": 0.3}})
    ((label, on),) = plan.single_changes(idle)
    assert label == "actions.coupon"
    assert plan.policy(idle, on).actions["coupon"].depth == 0.2
    assert plan.policy(idle, plan.params_of(idle)) == idle


def test_off_replaces_whatever_rule_the_calendar_had() -> None:
    plan = PLANS["switches"]
    off = plan.policy(POLICY, {**plan.params_of(POLICY), "actions.adverts": "off"})
    assert off.actions["adverts"].calendar.per_week == 0
    assert off.actions["adverts"].calendar.weekdays is None


def test_samplers_know_what_hangs_on_a_switch() -> None:
    when = {d.name: d.when for d in PLANS["switches"].dimensions()}
    assert when["actions.coupon"] is None
    assert when["actions.coupon.depth"] == ("actions.coupon", ("on",))
    assert when["actions.coupon.calendar[mon]"] == ("actions.coupon", ("on",))
    assert when[f"{HOURS}.L4"] == ("actions.chat", ("on",))


# -- weekdays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("least", "most"), [(1, 7), (1, 3), (2, 2), (4, 6)])
def test_every_pattern_of_days_becomes_an_allowed_one_and_allowed_ones_stay(least: int, most: int) -> None:
    days = Days(least=least, most=most)
    reached = set()
    for pattern in itertools.product((False, True), repeat=7):
        chosen = [day for day, on in zip(WEEKDAYS, pattern, strict=True) if on]
        kept = days.repaired(chosen)
        assert least <= len(kept) <= most
        assert kept == days.repaired(kept)
        if least <= len(chosen) <= most:
            assert kept == chosen
        assert set(kept) <= set(chosen) or set(kept) >= set(chosen)
        reached.add(tuple(kept))
    assert len(reached) == sum(len(list(itertools.combinations(WEEKDAYS, n))) for n in range(least, most + 1))


def test_days_are_mended_towards_an_even_week() -> None:
    assert Days(least=2).repaired(["mon"]) == ["mon", "thu"]  # thursday and friday are equally far, sunday is next door
    assert Days(most=2).repaired(["sat", "sun", "wed"]) == ["wed", "sat"]
    assert Days().repaired([]) == ["mon"]


def test_the_calendar_keeps_its_first_day() -> None:
    plan = PLANS["weekdays"]
    params = {d.name: d.name.endswith(("[wed]", "[sun]")) for d in plan.dimensions()}
    calendar = plan.policy(POLICY, params).actions["coupon"].calendar
    assert (calendar.weekdays, calendar.from_day) == (("wed", "sun"), 3)


# -- conditions -------------------------------------------------------------------------------------------------------


def test_conditions_form_chains_and_all_must_hold() -> None:
    plan = PLANS["conditions"]
    coupon, spend = "actions.coupon.reminder_days", "actions.coupon.minimum_spend_cny"
    params = {"actions.coupon.audience": "lapsing", coupon: 2, spend: 5.0, "actions.media": "on"}
    assert plan.values(params, POLICY)[spend] == 5
    for change, reminder in (
        ({"actions.media": "off"}, 2),
        ({coupon: 1}, 1),
        ({"actions.coupon.audience": "everybody"}, 0),
    ):
        values = plan.values({**params, **change}, POLICY)
        assert values[spend] == 0  # the status quo's
        assert values[coupon] == reminder


def test_samplers_are_told_the_condition_that_hangs_on_most_others() -> None:
    when = {d.name: d.when for d in PLANS["conditions"].dimensions()}
    assert when["actions.coupon.reminder_days"] == ("actions.coupon.audience", ("lapsing",))
    assert when["actions.coupon.minimum_spend_cny"] == ("actions.coupon.reminder_days", (2, 3))


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_a_vector_is_the_same_space_as_its_numbers() -> None:
    numbers = {f"{HOURS}.{level}": {"low": 0, "high": 20} for level in ("L0", "L1")}
    numbers[f"{HOURS}.L4"] = {"low": 0, "high": 40, "step": 0.5}
    apart, together = plan_of(numbers), plan_of({HOURS: SPACES["vectors"][HOURS]})
    assert apart.dimensions() == together.dimensions()
    assert apart.bounds(POLICY) == together.bounds(POLICY)
    params = {f"{HOURS}.L0": 3.25, f"{HOURS}.L1": 20.0, f"{HOURS}.L4": 0.5}
    assert apart.policy(POLICY, params) == together.policy(POLICY, params)


# -- shares -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_broken_sticks_add_up(coordinates: list[float]) -> None:
    shares = broken(coordinates)
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    assert min(shares) >= 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=2, max_size=7).filter(any))
def test_sticks_are_joined_to_what_was_broken(parts: list[float]) -> None:
    """However small a part is beside the others, and where parts are nothing."""
    coordinates = joined(parts)
    assert all(0 <= u <= 1 for u in coordinates)
    assert broken(coordinates) == pytest.approx([part / sum(parts) for part in parts], abs=1e-12)


def test_where_nothing_is_left_the_rest_would_be_divided_evenly() -> None:
    assert joined([3, 0, 0]) == [0, 0.5]
    assert broken(joined([0, 0, 0])) == pytest.approx([1 / 3] * 3)


def test_uniform_coordinates_divide_uniformly_in_any_order() -> None:
    """Each part of Dirichlet(1, 1, 1, 1) is Beta(1, 3), and any two together are Beta(2, 2); p-values of 1e-3 and less
    would be luck in one of a hundred runs."""
    u = np.random.default_rng(5).random((4000, 3))
    shares = np.array([broken(row) for row in u])
    for part in range(4):
        assert stats.kstest(shares[:, part], stats.beta(1, 3).cdf).pvalue > 1e-3
    for one, other in itertools.combinations(range(4), 2):
        assert stats.kstest(shares[:, one] + shares[:, other], stats.beta(2, 2).cdf).pvalue > 1e-3
    plain = np.column_stack(
        [u[:, 0], (1 - u[:, 0]) * u[:, 1]]
    )  # the control: breaking without the roots is not uniform
    assert stats.kstest(plain[:, 1], stats.beta(1, 3).cdf).pvalue < 1e-6


@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_budgets_are_kept(data: st.DataObject) -> None:
    plan = PLANS["shares"]
    params = data.draw(params_in(plan))
    policy = plan.policy(POLICY, params)
    hours = policy.actions["chat"].hours_per_week
    assert sum(hours.values()) - hours.L0 == pytest.approx(params[f"{HOURS}[total]"], rel=1e-9)
    money = policy.actions["media"].spend_cny_per_day["store"] + 0.5 * policy.actions["bait"].gift_cny
    assert money <= 30 * (1 + 1e-9)
    fixed = PLANS["fixed total"].policy(POLICY, data.draw(params_in(PLANS["fixed total"])))
    assert sum(fixed.actions["chat"].hours_per_week.values()) == pytest.approx(12.8, rel=1e-9)


def test_all_of_a_budget_or_none_of_it_may_go_to_a_part() -> None:
    lever = PLANS["shares"].space["money"]
    assert isinstance(lever, Shares)
    spent = [tuple(lever.decode("money", corner, data_of(POLICY)).values()) for corner in lever.corners("money")]
    assert (30.0, 0.0) in spent
    assert (0.0, 60.0) in spent  # at half the cost
    assert (0.0, 0.0) in spent


# -- rising tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rising", "rising rows"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_tables_rise(name: str, data: st.DataObject) -> None:
    plan = PLANS[name]
    tiers = plan.policy(POLICY, data.draw(params_in(plan))).actions["club"].tiers
    gap = 50 if name == "rising" else 100
    for before, after in itertools.pairwise(tiers):
        assert after.threshold_cny - before.threshold_cny >= gap * (1 - 1e-9)
        assert after.discount >= before.discount
    for tier in tiers:
        assert 200 <= tier.threshold_cny <= 1500
        assert 0 <= tier.discount <= 0.1
        if name == "rising rows":
            assert tier.threshold_cny % 100 == 0
            assert abs(tier.discount * 100 - round(tier.discount * 100)) < 1e-9


def test_the_nearest_of_a_table_that_falls_rises() -> None:
    club = POLICY.actions["club"]
    tiers = ({"threshold_cny": 100, "discount": 0.08}, {"threshold_cny": 120, "discount": 0.02})
    other = validate(Policy, {"title": "o", "actions": {"club": {**club.dump(), "tiers": tiers}}})
    plan = PLANS["rising"]
    near = plan.values(plan.nearest(other, POLICY), POLICY)["actions.club.tiers"]
    assert [row["threshold_cny"] for row in near] == [200, 250]
    assert [row["discount"] for row in near] == pytest.approx([0.08, 0.08])


def test_uniform_coordinates_give_uniform_tables() -> None:
    """Order statistics of two uniforms: the lower one is Beta(1, 2), the higher one Beta(2, 1), above their gap."""
    lever = PLANS["rising"].space["actions.club.tiers"]
    assert isinstance(lever, Rising)
    column = lever.rising["threshold_cny"]
    values = np.array([column.values(u, 50) for u in np.random.default_rng(6).random((4000, 2))])
    free = 1300 - 50
    assert stats.kstest((values[:, 0] - 200) / free, stats.beta(1, 2).cdf).pvalue > 1e-3
    assert stats.kstest((values[:, 1] - 250) / free, stats.beta(2, 1).cdf).pvalue > 1e-3


def test_rows_come_and_go_with_what_is_not_searched() -> None:
    plan = PLANS["rising rows"]
    rows = plan.params_of(POLICY) | {"actions.club.tiers[rows]": 4}
    tiers = plan.policy(POLICY, rows).actions["club"].tiers
    assert [tier.points_multiplier for tier in tiers] == [2, 1, 1, 1]
    assert plan.policy(POLICY, rows | {"actions.club.tiers[rows]": 0}).actions["club"].tiers == ()
    when = {d.name: d.when for d in plan.dimensions()}
    assert when["actions.club.tiers[threshold_cny.1]"] == ("actions.club.tiers[rows]", (1, 2, 3, 4))
    assert when["actions.club.tiers[discount.4]"] == ("actions.club.tiers[rows]", (4,))


# -- the least --------------------------------------------------------------------------------------------------------


def least(**space: Any) -> dict[str, Any]:
    plan = plan_of(space)
    return plan.values(plan.least(POLICY), POLICY)


def test_the_least_is_off_as_far_as_bounds_allow() -> None:
    assert least(**{"actions.coupon.depth": {"low": 0, "high": 0.3}}) == {"actions.coupon.depth": 0}
    assert least(**{"actions.coupon.depth": {"low": 0.05, "high": 0.3}}) == {"actions.coupon.depth": 0.05}
    assert least(**{"actions.coupon.valid_days": {"low": 3, "high": 9}}) == {"actions.coupon.valid_days": 7}
    assert least(**{"actions.coupon.audience": {"choices": ["buyers", "everybody"]}}) == {
        "actions.coupon.audience": "everybody"
    }
    spend = "actions.media.spend_cny_per_day"
    assert least(**{spend: {"each": ["store", "web"], "low": 0, "high": 9}}) == {f"{spend}.store": 0, f"{spend}.web": 0}
    over = ["store", "web"]
    assert least(**{spend: {"total": 8, "slack": True, "over": over}}) == {f"{spend}.store": 0, f"{spend}.web": 0}
    few = least(**{spend: {"total": {"low": 2, "high": 9}, "over": over}})
    assert sum(few.values()) == pytest.approx(2)
    tiers = {"rising": TIERS, "rows": {"low": 0, "high": 3}}
    assert least(**{"actions.club.tiers": tiers}) == {"actions.club.tiers": []}
    first, second = least(**{"actions.club.tiers": {**tiers, "rows": 2}})["actions.club.tiers"]
    assert (first["discount"], second["discount"], second["threshold_cny"]) == (0, 0, 1500)
    adverts = least(**{"actions.adverts.calendar": {"weekdays": {}}})["actions.adverts.calendar"]
    assert adverts["weekdays"] == ["mon"]
    coupons = least(**{"actions.coupon.calendar": {"weekdays": {}}})["actions.coupon.calendar"]
    assert coupons["weekdays"] == ["sat", "tue"]  # fewer days of a coupon do not switch it off


def test_the_least_of_switches_is_doing_nothing() -> None:
    plan = PLANS["switches"]
    assert {plan.least(POLICY)[path] for path, lever in SPACES["switches"].items() if "switch" in lever} == {"off"}


def test_the_nearest_of_another_policy_lies_inside() -> None:
    other = POLICY.model_copy(
        update={"actions": {"coupon": POLICY.actions["coupon"].model_copy(update={"depth": 0.5})}}
    )
    plan = plan_of({**SPACES["numbers"], **SPACES["shares"]})
    here = plan.params_of(POLICY)
    assert plan.nearest(other, POLICY) == {**here, "actions.coupon.depth": 0.3}
    assert isinstance(PLANS["weekdays"].space["actions.coupon.calendar"], Weekdays)
    few = other.actions["coupon"].model_copy(update={"calendar": POLICY.actions["adverts"].calendar})
    near = PLANS["weekdays"].nearest(other.model_copy(update={"actions": {"coupon": few}}), POLICY)
    assert near == PLANS["weekdays"].params_of(POLICY)  # it has neither monday nor friday to choose
