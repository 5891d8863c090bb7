"""Coordinates: policies as rows of numbers, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from experiments.searching.space.coordinates import NEUTRAL, Coordinates, Dimension
from sim.errors import SpecError

SPACE = (
    Dimension("depth", FloatDistribution(0.1, 0.5, step=0.05), ("coupon", (True,))),
    Dimension("coupon", CategoricalDistribution((False, True))),
    Dimension("audience", CategoricalDistribution(("all", "new", "lapsed")), ("coupon", (True,))),
    Dimension("days", IntDistribution(3, 30), ("audience", ("lapsed", "new"))),
    Dimension("cadence", IntDistribution(0, 7)),
    Dimension("hours", FloatDistribution(1.0, 100.0, log=True), ("cadence", (2, 3))),
)
FULL = {"depth": 0.3, "coupon": True, "audience": "new", "days": 12, "cadence": 3, "hours": 10.0}


@pytest.fixture
def space() -> Coordinates:
    return Coordinates(SPACE)


def test_a_policy_survives_the_way_there_and_back(space: Coordinates) -> None:
    assert space.params(space.row(FULL)) == pytest.approx(FULL)
    kinds = {name: type(value) for name, value in space.params(space.row(FULL)).items()}
    assert kinds == {"depth": float, "coupon": bool, "audience": str, "days": int, "cadence": int, "hours": float}


def test_numbers_lie_between_their_bounds_and_categories_count(space: Coordinates) -> None:
    row = dict(zip(space.names, space.row(FULL), strict=True))
    assert row == pytest.approx(
        {"depth": 0.5, "coupon": 1, "audience": 1, "days": 9 / 27, "cadence": 3 / 7, "hours": 0.5}
    )
    assert space.sizes.tolist() == [0, 2, 3, 0, 0, 0]


def test_what_is_inactive_stands_neutral_and_is_left_out(space: Coordinates) -> None:
    off = {"coupon": False, "cadence": 1}
    row = space.row(off)
    assert row.tolist() == [NEUTRAL, 0, 0, NEUTRAL, 1 / 7, NEUTRAL]
    assert space.params(row) == off
    assert np.array_equal(row, space.row({**FULL, **off})), "policies that differ where nothing matters are one row"
    # A child of an inactive parent is inactive, though the parent's neutral value would switch it on.
    child = Coordinates((*SPACE, Dimension("x", FloatDistribution(0, 1), ("audience", ("all",)))))
    assert "x" not in child.params(child.row(off))
    assert "x" in child.params(child.row({**FULL, "audience": "all", "x": 0.2}))


def test_snapping_lands_on_the_grid_and_keeps_what_is_there(space: Coordinates) -> None:
    rows = space.snap(np.random.default_rng(0).uniform(-0.2, 1.2, (200, len(space))) * np.maximum(space.sizes, 1))
    assert np.array_equal(space.snap(rows), rows)
    for row in rows:
        params = space.params(row)
        assert space.row(params) == pytest.approx(row)
        for d in SPACE:
            if d.name in params:
                assert d.distribution._contains(d.distribution.to_internal_repr(params[d.name]))
    assert {p["depth"] for p in map(space.params, rows) if "depth" in p} <= {
        0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5
    }  # fmt: skip


def test_a_spread_gives_each_choice_and_each_step_its_share() -> None:
    space = Coordinates((
        Dimension("c", CategoricalDistribution(("a", "b", "c"))),
        Dimension("i", IntDistribution(1, 4)),
        Dimension("x", FloatDistribution(1.0, 1000.0, log=True)),
    ))  # fmt: skip
    rows = space.sobol(512, seed=3)
    assert np.bincount(rows[:, 0].astype(int)) == pytest.approx([512 / 3] * 3, abs=3)
    values = [space.params(row) for row in rows]
    assert np.bincount([v["i"] for v in values])[1:] == pytest.approx([128] * 4, abs=2)
    assert np.median([v["x"] for v in values]) == pytest.approx(1000**0.5, rel=0.02)
    assert np.array_equal(rows, space.sobol(512, seed=3))
    assert not np.array_equal(rows, space.sobol(512, seed=4))
    assert len(space.sobol(5, seed=3)) == 5


def test_a_dimension_with_one_value_stays_there() -> None:
    space = Coordinates((Dimension("x", FloatDistribution(2.0, 2.0)), Dimension("y", IntDistribution(5, 5))))
    assert space.params(space.sobol(2, seed=0)[1]) == {"x": 2.0, "y": 5}
    assert space.row({"x": 2.0, "y": 5}).tolist() == [NEUTRAL, NEUTRAL]


def test_a_grid_goes_from_end_to_end(space: Coordinates) -> None:
    assert space.grid(4, 50).tolist() == pytest.approx([i / 7 for i in range(8)])
    assert space.grid(2, 2).tolist() == [0, 1, 2]
    assert [space.value(5, unit) for unit in space.grid(5, 3)] == pytest.approx([1, 10, 100])


@pytest.mark.parametrize(
    ("params", "place", "rule"),
    [
        ({**FULL, "depth": 0.6}, "space: depth", "outside 0.1 … 0.5"),
        ({**FULL, "cadence": True}, "space: cadence", "outside"),
        ({**FULL, "audience": "old"}, "space: audience", "not among the choices"),
        ({"coupon": True, "audience": "all", "cadence": 0}, "space: depth", "no value"),
    ],
)
def test_a_policy_out_of_the_space_is_refused(
    space: Coordinates, params: dict[str, Any], place: str, rule: str
) -> None:  # fmt: skip
    with pytest.raises(SpecError, match=rule) as caught:
        space.row(params)
    assert caught.value.place == place


X = FloatDistribution(0, 1)


@pytest.mark.parametrize(
    ("dimensions", "rule"),
    [
        ((), "no dimension"),
        ((Dimension("a", X), Dimension("a", X)), "two dimensions"),
        ((Dimension("a", X, ("b", (1,))),), "names no dimension"),
        ((Dimension("a", X, ("b", (2,))), Dimension("b", X)), "outside 0 … 1"),
        ((Dimension("a", X, ("b", ())), Dimension("b", X)), "never met"),
        ((Dimension("a", X, ("b", (1,))), Dimension("b", X, ("a", (1,)))), "leads back"),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(dimensions: tuple[Dimension, ...], rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        Coordinates(dimensions)
