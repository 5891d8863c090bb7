"""What mattered: indices that are known exactly, a lever that does nothing, and predictions around a policy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution

from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.questions.importances import (
    DUMMY,
    Importances,
    best_change,
    importances,
    interactions,
    maps,
    slices,
    with_dummy,
)
from experiments.searching.space.coordinates import Coordinates, Dimension

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]


def numbers(k: int) -> tuple[Dimension, ...]:
    return tuple(Dimension(f"x{i}", FloatDistribution(0, 1)) for i in range(k))


def judged(
    dimensions: tuple[Dimension, ...], function: Function, n: int, noise: float, seed: int, resamples: int = 20
) -> Importances:
    """Importances from a design of n policies, measured with independent noise."""
    space = Coordinates(with_dummy(dimensions))
    rows = space.sobol(n, seed)
    values = function(rows) + noise * np.random.default_rng(seed).standard_normal(n)
    return importances(space, rows, values, np.full(n, noise**2), seed=seed, resamples=resamples)


# -- indices that are known -------------------------------------------------------------------------------------------


def ishigami(rows: Floats) -> Floats:
    """Ishigami & Homma (1990) with a = 7, b = .1."""
    x = (2 * rows - 1) * np.pi
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def sobol_g(rows: Floats) -> Floats:
    """Saltelli & Sobol (1995) with a = 0, .5, 3, 9."""
    a = np.array([0, 0.5, 3, 9])
    return np.asarray(np.prod((np.abs(4 * rows[:, :4] - 2) + a) / (1 + a), axis=1))


def exact_ishigami() -> tuple[Floats, Floats]:
    alone = np.array([(1 + 0.1 * np.pi**4 / 5) ** 2 / 2, 49 / 8, 0.0])
    both = 0.01 * np.pi**8 * (1 / 18 - 1 / 50)
    return alone / (alone.sum() + both), (alone + both * np.array([1, 0, 1])) / (alone.sum() + both)


def exact_sobol_g() -> tuple[Floats, Floats]:
    part = 1 / (3 * (1 + np.array([0, 0.5, 3, 9])) ** 2)
    whole = np.prod(1 + part) - 1
    return part / whole, part * np.prod(1 + part) / (1 + part) / whole


@pytest.mark.parametrize(
    ("function", "exact", "n"), [(ishigami, exact_ishigami(), 160), (sobol_g, exact_sobol_g(), 160)]
)
def test_indices_are_the_exact_ones(function: Function, exact: tuple[Floats, Floats], n: int) -> None:
    found = judged(numbers(len(exact[0])), function, n, 0.02, seed=1, resamples=10)
    by_name = {i.lever: i for i in found.levers}
    for c, (first, total) in enumerate(zip(*exact, strict=True)):
        lever = by_name[f"x{c}"]
        assert lever.first == pytest.approx(first, abs=0.05)
        assert lever.total == pytest.approx(total, abs=0.06)
    assert by_name[DUMMY].total < 0.005
    assert [i.total for i in found.levers] == sorted((i.total for i in found.levers), reverse=True)
    assert found.r2 > 0.85


def test_intervals_hold_the_exact_index() -> None:
    """Nine tenths are promised; of 16 intervals, which go four to a design, at least 12 must hold."""
    inside = [
        lever.low <= total <= lever.high
        for seed in range(4)
        for lever in judged(numbers(4), sobol_g, 64, 0.02, seed).levers
        if lever.lever != DUMMY
        for total in [exact_sobol_g()[1][int(lever.lever[1])]]
    ]
    assert len(inside) == 16
    assert sum(inside) >= 12


WEIGHTS = np.array([3.0, 2.0, 1.0, 0.0, 0.0, 0.0])


def linear(rows: Floats) -> Floats:
    return np.asarray(rows[:, :6] @ WEIGHTS)


def test_levers_above_the_floor_are_those_that_do_something() -> None:
    false = 0
    for seed in range(4):
        found = judged(numbers(6), linear, 64, 0.3, seed, resamples=15)
        assert found.telling()[:3] == ("x0", "x1", "x2")
        assert DUMMY not in found.telling()
        false += len(found.telling()) - 3
        shares = {i.lever: i.total for i in found.levers}
        assert [shares["x0"], shares["x1"]] == pytest.approx([9 / 14, 4 / 14], abs=0.15)
    assert false <= 3, "of twelve idle levers"


def test_where_there_is_only_noise_the_fit_says_so() -> None:
    found = [judged(numbers(4), lambda rows: np.zeros(len(rows)), 48, 1.0, seed, resamples=8) for seed in range(4)]
    assert np.median([f.r2 for f in found]) < 0.2
    assert sum(len(f.telling()) for f in found) <= 8, "of sixteen idle levers"
    flat = judged(numbers(2), lambda rows: np.ones(len(rows)), 16, 0.0, 0, resamples=2)
    assert [i.total for i in flat.levers] == [0, 0, 0]
    assert flat.telling() == ()


def test_categories_and_conditions_have_exact_indices_too() -> None:
    """y = [audience b] + 2·depth·[coupon]."""
    dimensions = (
        Dimension("audience", CategoricalDistribution(("a", "b", "c"))),
        Dimension("coupon", CategoricalDistribution((False, True))),
        Dimension("depth", FloatDistribution(0, 1), ("coupon", (True,))),
    )

    def value(rows: Floats) -> Floats:
        return np.asarray((rows[:, 0] == 1) + 2 * rows[:, 1] * rows[:, 2])

    # Depth acts on half of the space: E Var(2·depth)/2 = 1/6. The coupon is worth 2·depth, 1 on average: alone 1/4,
    # and 1/12 of what depth does hangs on it.
    parts = {"audience": 2 / 9, "coupon": 1 / 4 + 1 / 12, "depth": 1 / 6}
    whole = 2 / 9 + 1 / 4 + 1 / 6
    found = {i.lever: i for i in judged(dimensions, value, 96, 0.01, seed=0, resamples=5).levers}
    for name, part in parts.items():
        assert found[name].total == pytest.approx(part / whole, abs=0.05), name


# -- around a policy --------------------------------------------------------------------------------------------------

SWITCHED = (
    Dimension("x", FloatDistribution(0, 2)),
    Dimension("y", FloatDistribution(0, 1)),
    Dimension("kind", CategoricalDistribution(("plain", "gift"))),
    Dimension("size", FloatDistribution(0, 1), ("kind", ("gift",))),
)


def saddle(rows: Floats) -> Floats:
    """Alone each of x and y loses, together they win; a gift adds .2 at any size."""
    x, y = rows[:, 0], rows[:, 1]
    return np.asarray(6 * x * y - 2 * x - 2 * y + 0.2 * rows[:, 2])


@pytest.fixture(scope="module")
def space() -> Coordinates:
    return Coordinates(with_dummy(SWITCHED))


@pytest.fixture(scope="module")
def fitted(space: Coordinates) -> Surrogate:
    rows = space.sobol(96, seed=0)
    return Surrogate.fit(space, rows, saddle(rows), np.full(96, 1e-4))


@pytest.fixture
def plain(space: Coordinates) -> Floats:
    return space.row({"x": 0.0, "y": 0.0, "kind": "plain", DUMMY: 0.5})


def test_pairs_are_ranked_by_what_they_make_together(space: Coordinates, fitted: Surrogate) -> None:
    found = interactions(fitted, space, ["x", "y", "kind"], seed=0)
    assert found[0].levers == ("x", "y")
    # V(6·x·y) beyond each alone = 36/144; x and y alone 1/12 each; the gift .01.
    assert found[0].share == pytest.approx(0.25 / (0.25 + 2 / 12 + 0.01), abs=0.03)
    assert max(i.share for i in found[1:]) < 0.02


def test_a_slice_shows_what_the_lever_does_here(space: Coordinates, fitted: Surrogate, plain: Floats) -> None:
    found = {s.lever: s for s in slices(fitted, space, plain, points=11)}
    assert set(found) == {"x", "y", "kind"}, "neither the dummy nor what is inactive here"
    assert found["x"].here == 0.0
    assert found["x"].values == pytest.approx(np.linspace(0, 2, 11))
    assert found["x"].mean == pytest.approx(-2 * np.linspace(0, 1, 11), abs=0.1)
    assert found["kind"].values == ("plain", "gift")
    assert np.diff(found["kind"].mean)[0] == pytest.approx(0.2, abs=0.1)
    for s in found.values():
        assert (s.low < s.mean).all()
        assert (s.mean < s.high).all()


def test_a_band_holds_the_error_that_all_trials_share(space: Coordinates, plain: Floats) -> None:
    """Smooth values whose known error is large: what all trials share cannot be seen among them."""
    rows = space.sobol(96, seed=0)
    found = slices(Surrogate.fit(space, rows, saddle(rows), np.full(96, 0.5**2)), space, plain, points=5)[0]
    assert (found.high - found.low).min() > 2 * 1.645 * 0.5 * 0.9


def test_a_map_is_the_value_over_both_levers(space: Coordinates, fitted: Surrogate, plain: Floats) -> None:
    (found,) = maps(fitted, space, plain, [("x", "y"), ("x", "size")], points=5)
    x, y = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5), indexing="ij")
    assert found.levers == ("x", "y")
    assert found.mean == pytest.approx(6 * x * y - 2 * x - 2 * y, abs=0.15)
    assert found.values[0] == pytest.approx((0, 0.5, 1, 1.5, 2))
    assert found.here == (0.0, 0.0)
    assert found.low.shape == found.high.shape == (5, 5)


def test_the_best_change_alone_and_the_best_pair(space: Coordinates, fitted: Surrogate, plain: Floats) -> None:
    one = best_change(fitted, space, plain)
    assert one.moves == {"kind": "gift"}
    assert one.low <= 0.2 <= one.high
    assert one.params["size"] == 0.5, "what the move switches on stands neutral"
    two = best_change(fitted, space, plain, together=2)
    assert two.moves == {"x": 2.0, "y": 1.0}
    assert two.gain == pytest.approx(2, abs=0.15)
    top = space.row({"x": 2.0, "y": 1.0, "kind": "gift", "size": 0.5, DUMMY: 0.5})
    assert best_change(fitted, space, top).gain < 0.1
