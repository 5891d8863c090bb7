"""Worlds of an ensemble: what they cover, who meets whom, and every way to write them wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from agents.domain import behaviours_of
from agents.policy import DO_NOTHING
from experiments.metrics import outcome
from experiments.searching.worlds import (
    Alternatives,
    Span,
    Uncertain,
    check,
    ensemble,
    scenario_with,
    value_in,
    world_of,
)
from sim.errors import SpecError
from sim.spec import Spec, validate
from tests.worlds import busy_scenario, live, scenario

HERE = scenario(50, 20)


class Document(Spec):
    """An experiment's part that names what is uncertain."""

    uncertain: dict[str, Uncertain]


def uncertain(**spreads: dict[str, Any]) -> dict[str, Uncertain]:
    """Spreads by path; two underscores stand for a point."""
    data = {path.replace("__", "."): spread for path, spread in spreads.items()}
    return validate(Document, {"uncertain": data}).uncertain


MARKET = uncertain(
    margin={"low": 0.3, "high": 0.5},
    buying__orders_per_year={"low": 10, "high": 90, "log": True},
    behaviours__purchase__first_order={"low": -5, "high": -4},
    buying__gap_shape={"values": [1.0, 1.15]},
)


# -- what an ensemble covers ------------------------------------------------------------------------------------------


def test_each_slice_of_a_span_is_met_once() -> None:
    worlds = ensemble(HERE, MARKET, 8, seed=1)
    margins = sorted((w.values["margin"] - 0.3) / 0.2 * 8 for w in worlds)
    assert [int(m) for m in margins] == list(range(8))
    rates = sorted(np.log(w.values["buying.orders_per_year"] / 10) / np.log(9) * 8 for w in worlds)
    assert [int(r) for r in rates] == list(range(8))
    assert sorted(w.values["buying.gap_shape"] for w in worlds) == [1.0] * 4 + [1.15] * 4


def test_the_values_are_those_of_the_scenario() -> None:
    for world in ensemble(HERE, MARKET, 8, seed=3):
        assert world.scenario.margin == world.values["margin"]
        assert world.scenario.buying.gap_shape == world.values["buying.gap_shape"]
        first = next(b for b in behaviours_of(world.scenario, DO_NOTHING) if b.kind == "purchase")
        assert first.first_order == world.values["behaviours.purchase.first_order"]  # type: ignore[attr-defined]
        assert world.scenario.population == HERE.population


def test_the_seed_decides_and_the_order_of_paths_does_not() -> None:
    there_and_back = dict(reversed(list(MARKET.items())))
    first, second = ensemble(HERE, MARKET, 8, seed=1), ensemble(HERE, there_and_back, 8, seed=1)
    assert [w.scenario for w in first] == [w.scenario for w in second]
    assert [w.values for w in ensemble(HERE, MARKET, 8, seed=2)] != [w.values for w in first]


def test_two_spans_are_hardly_correlated() -> None:
    two = {path: MARKET[path] for path in ("margin", "buying.orders_per_year")}
    for seed in range(5):
        places = np.array([[two[p].standard(w.values[p]) for p in two] for w in ensemble(HERE, two, 16, seed)])  # type: ignore[union-attr]
        assert abs(np.corrcoef(places.T)[0, 1]) < 0.25


def test_without_uncertainty_the_scenario_is_the_only_world() -> None:
    (world,) = ensemble(HERE, {}, 8, seed=1)
    assert world.scenario is HERE
    assert not world.values


def test_replicates_take_turns() -> None:
    assert world_of(7, 3).tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_naming_defaults_changes_no_life() -> None:
    """A path into a behaviour writes the defaults out; whoever lives there must not notice."""
    busy = busy_scenario(60, 20, behaviours={})
    same = scenario_with(busy, {"behaviours.purchase.first_order": -4.6})
    assert same != busy
    assert outcome(live(busy)).values == outcome(live(same)).values


def test_a_path_may_lead_into_a_list() -> None:
    assert value_in(HERE, "population.level_trust.3") == 0.55
    assert scenario_with(HERE, {"population.level_trust.3": 0.7}).population.level_trust[3] == 0.7


def test_a_span_and_its_standard_scale_undo_each_other() -> None:
    for span in (Span(low=2, high=8), Span(low=2, high=8, log=True)):
        assert [span.standard(span.at(u)) for u in (0, 0.25, 1)] == pytest.approx([-1, -0.5, 1])
    assert Span(low=2, high=8, log=True).at(0.5) == pytest.approx(4)
    assert [Alternatives(values=(1, 2, 4)).at(u) for u in (0.0, 0.32, 0.34, 0.99, 1.0)] == [1, 1, 2, 4, 4]


# -- bad input --------------------------------------------------------------------------------------------------------

BAD: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("margn", {"low": 0.3, "high": 0.5}, ("uncertain: margn", "no 'margn'", "did you mean 'margin'")),
    ("buying.orders_per_yr", {"low": 1, "high": 50}, ("did you mean 'orders_per_year'",)),
    ("behaviours.purchase.first_ordr", {"low": -5, "high": -4}, ("did you mean 'first_order'",)),
    ("behaviours.purchases.first_order", {"low": -5, "high": -4}, ("did you mean 'purchase'",)),
    ("margin.share", {"low": 0.3, "high": 0.5}, ("no 'share' at 'margin'", "end the path there")),
    ("population.level_trust.9", {"low": 0.3, "high": 0.5}, ("no '9'", "known: 0, 1")),
    ("margin", {"low": 0.3, "high": 1.2}, ("uncertain: margin", "at most 1", "1.2", "narrow it")),
    ("margin", {"low": 0.41, "high": 0.5}, ("own value lies outside 0.41 … 0.5", "0.4", "widen")),
    ("population.super_user_orders", {"low": 4, "high": 7}, ("whole number", "values")),
    ("population.level_shares.0", {"low": 0.2, "high": 0.4}, ("add up to 1", "level_shares")),
    ("currency", {"values": ["CNY", "USD"]}, ("says nothing about how the world works", "drop it")),
    ("buying.gap_shape", {"values": [1.0, 1.3]}, ("own value is not among", "1.15", "add it")),
    ("buying.gap_shape", {"values": [0.1, 1.15]}, ("above 0.2", "0.1")),
    ("population.size", {"low": 40, "high": 60}, ("same people", "drop it")),
    ("population", {"values": [{"size": 50}, {"size": 60}]}, ("same people", "value inside")),
    ("channels.ads.volume", {"low": 800, "high": 1000}, ("same people",)),
    ("horizon_days", {"values": [20, 40]}, ("same days",)),
    ("effects.coupon.mean", {"low": 1, "high": 5}, ("distributions already", "mean and sd")),
    ("behaviours", {"low": 1, "high": 5}, ("refuses this value",)),
]  # fmt: skip


@pytest.mark.parametrize(("path", "spread", "said"), BAD, ids=[f"{path} {spread}" for path, spread, _ in BAD])
def test_what_cannot_vary_is_said_at_once(path: str, spread: dict[str, Any], said: tuple[str, ...]) -> None:
    spec = validate(Document, {"uncertain": {path: spread}}).uncertain
    with pytest.raises(SpecError) as caught:
        check(busy_scenario(50, 20), spec)
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        ({"low": 0.5, "high": 0.5}, "low 0.5 must be below high 0.5"),
        ({"low": 0, "high": 0.5, "log": True}, "a logarithmic span needs low > 0"),
        ({"values": [0.4]}, "must have at least 2 items"),
        ({"values": [0.4, 0.4]}, "stands there twice"),
        ({"lo": 0.3, "high": 0.5}, "did you mean 'low'"),
        ({"values": [0.4, 0.5], "log": True}, "unknown key 'log'"),
        ({"low": True, "high": 2}, "must be a number"),
        ({}, "'low' is missing"),
    ],
)
def test_a_spread_that_is_none_is_refused(spread: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=r"uncertain\.margin") as caught:
        uncertain(margin=spread)
    assert said in str(caught.value)


def test_a_world_from_logs_refuses_what_logs_decide() -> None:
    spec = uncertain(buying__basket_cny={"low": 50, "high": 70})
    check(HERE, spec)
    with pytest.raises(SpecError, match="learned models take its place"):
        check(HERE, spec, learned=True)
    check(HERE, uncertain(margin={"low": 0.3, "high": 0.5}), learned=True)


def test_a_path_inside_another_is_refused() -> None:
    spec = uncertain(
        staff={"values": [HERE.staff.model_dump(), {"hours_per_week": 10}]},
        staff__hours_per_week={"low": 30, "high": 50},
    )
    with pytest.raises(SpecError, match="'staff' holds this path already"):
        check(HERE, spec)


def test_a_combination_that_is_refused_names_its_values() -> None:
    """Each alone keeps the shares' sum within what is allowed; two at once do not."""
    shares = TypeAdapter(dict[str, Uncertain]).validate_python(
        {f"population.level_shares.{level}": {"low": 0.15 - 8e-7, "high": 0.15 + 8e-7} for level in (2, 3, 4)}
    )
    check(HERE, shares)
    with pytest.raises(SpecError, match=r"one by one.*add up to 1") as caught:
        ensemble(HERE, shares, 16, seed=1)
    assert "population.level_shares.2 = 0.15" in str(caught.value)


def test_too_few_worlds_are_refused() -> None:
    """Three spans and two alternatives have five parts, the mean among them."""
    with pytest.raises(SpecError, match="4 uncertain values need 5 worlds") as caught:
        ensemble(HERE, MARKET, 4, seed=1)
    assert "raise it to 8" in str(caught.value)
    ensemble(HERE, MARKET, 5, seed=1)
