"""Proposals: expected improvement by its definition, optima that are known, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.integrate import quad
from scipy.stats import norm

from experiments.searching.engine.proposals import (
    best_row,
    enough,
    expected_improvement,
    local_moves,
    log_expected_improvement,
    propose_gp,
)
from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.space.coordinates import Coordinates, Dimension

Floats = NDArray[np.float64]
Function = Callable[[dict[str, Any]], float]
UNIT = FloatDistribution(0, 1)


# -- problems whose optimum is known --------------------------------------------------------------------------------


def branin(p: dict[str, Any]) -> float:
    """Three optima of −.397887."""
    x, y = 15 * p["x0"] - 5, 15 * p["x1"]
    return float(
        -((y - 5.1 * x * x / (4 * np.pi**2) + 5 * x / np.pi - 6) ** 2) - 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) - 10
    )


def budget(p: dict[str, Any]) -> float:
    """World C2 of the known answers, its budget broken into shares: 3.68972456."""
    n, a, b = np.array([5000, 3000, 1500, 500]), np.array([2, 6, 15, 40]), np.array([1.5, 0.8, 0.4, 0.15])
    broken = [p["x0"], p["x1"], p["x2"], 1.0]
    shares = np.array(broken) * np.cumprod([1.0, *(1 - np.array(broken[:-1]))])
    return float(n @ (a * (1 - np.exp(-b * shares * 10_000 / n))) / 1e4)


def campaign(p: dict[str, Any]) -> float:
    """Coupons only pay for the lapsed, and only if deep: 5.4 at (lapsed, True, .5, 3)."""
    value = {"all": 1.0, "new": 2.0, "lapsed": 1.5}[p["audience"]] + 3 - 0.3 * (p["cadence"] - 3) ** 2
    if p["coupon"]:
        value += -0.5 if p["audience"] != "lapsed" else 0.9 - 8 * (p["depth"] - 0.5) ** 2
    return float(value)


def unit(k: int) -> tuple[Dimension, ...]:
    return tuple(Dimension(f"x{i}", UNIT) for i in range(k))


CAMPAIGN = (
    Dimension("audience", CategoricalDistribution(("all", "new", "lapsed"))),
    Dimension("coupon", CategoricalDistribution((False, True))),
    Dimension("depth", FloatDistribution(0, 0.8), ("coupon", (True,))),
    Dimension("cadence", IntDistribution(0, 7)),
)


class Problem:
    """A function whose trials share eight seeds: an error that is smooth over the space, and a little of their own."""

    def __init__(self, dimensions: tuple[Dimension, ...], function: Function, seed: int) -> None:
        self.space, self.function = Coordinates(dimensions), function
        self.luck = np.random.default_rng(seed)
        self.sd = 0.05 * float(np.std([function(self.space.params(row)) for row in self.space.sobol(256, 0)]))
        self.waves = self.luck.standard_normal((8, 32, len(self.space)))
        self.heights = self.luck.standard_normal((8, 32)) / 4
        self.phases = self.luck.uniform(0, 2 * np.pi, (8, 32))

    def measure(self, row: Floats) -> tuple[float, float]:
        """Mean over the seeds, and its known variance."""
        shared = (self.heights * np.cos(self.waves @ row + self.phases)).sum(axis=1)
        errors = self.sd * (shared + 0.15 * self.luck.standard_normal(8))
        return self.function(self.space.params(row)) + float(errors.mean()), float(errors.var(ddof=1)) / 8

    def true(self, row: Floats) -> float:
        return self.function(self.space.params(row))


def by_process(problem: Problem, trials: int, seed: int) -> float:
    """True value of the policy that a search of 16 spread trials and batches of 8 settles on."""
    space = problem.space
    rows = list(space.sobol(16, seed))
    measured = [problem.measure(row) for row in rows]
    while True:
        values, noise = (np.array(x) for x in zip(*measured, strict=True))
        fitted = Surrogate.fit(space, np.array(rows), values, noise)
        best = best_row(fitted)
        if len(rows) >= trials:
            return problem.true(best)
        batch = propose_gp(fitted, space, best, 8, seed=1000 * seed + len(rows))
        rows += list(batch.rows)
        measured += [problem.measure(row) for row in batch.rows]


def by_tpe(problem: Problem, trials: int, seed: int) -> float:
    """The same by Optuna's multivariate TPE."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(multivariate=True, constant_liar=True, n_startup_trials=16, seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {d.name: d.distribution for d in problem.space.dimensions}
    for _ in range(trials // 8):
        for trial in [study.ask(distributions) for _ in range(8)]:
            study.tell(trial, problem.measure(problem.space.row(trial.params))[0])
    return problem.true(problem.space.row(study.best_params))


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    ("dimensions", "function", "optimum", "allowed"),
    [(unit(2), branin, -0.397887, 0.3), (unit(3), budget, 3.68972456, 0.005), (CAMPAIGN, campaign, 5.4, 0.005)],
)
def test_a_known_optimum_is_found_in_48_trials_and_sooner_than_by_tpe(
    dimensions: tuple[Dimension, ...], function: Function, optimum: float, allowed: float
) -> None:
    seeds = range(3)
    regrets = [optimum - by_process(Problem(dimensions, function, s), 48, s) for s in seeds]
    rival = [optimum - by_tpe(Problem(dimensions, function, s), 48, s) for s in seeds]
    assert min(regrets) >= -1e-6
    assert np.median(regrets) < allowed
    assert np.median(regrets) < 0.7 * np.median(rival)


# -- expected improvement -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [3.0, 0.3, -0.7, -1.0, -1.3, -5.0])
def test_expected_improvement_is_its_definition(z: float) -> None:
    mean, sd, best = np.array([2 + 0.5 * z]), np.array([0.5]), 2.0
    area, _ = quad(lambda f: (f - best) * norm.pdf(f, mean[0], sd[0]), best, best + 12, epsabs=1e-14)
    assert expected_improvement(mean, sd, best)[0] == pytest.approx(area, rel=1e-6)


def test_its_logarithm_goes_on_where_it_vanishes() -> None:
    depth = -np.logspace(0.5, 5, 400)
    found = log_expected_improvement(depth, np.ones(400), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    beyond_the_density = found + depth**2 / 2 + np.log(2 * np.pi) / 2
    assert beyond_the_density[depth < -100] == pytest.approx(-2 * np.log(-depth[depth < -100]), abs=1e-3)


# -- batches ----------------------------------------------------------------------------------------------------------


def fitted_hill(space: Coordinates, n: int = 24) -> Surrogate:
    rows = space.sobol(n, seed=1)
    return Surrogate.fit(space, rows, -((rows - 0.4) ** 2).sum(axis=1), np.zeros(n))


def test_the_seed_decides_the_batch() -> None:
    space = Coordinates(unit(3))
    fitted = fitted_hill(space)
    first, again, other = (propose_gp(fitted, space, best_row(fitted), 4, seed=s) for s in (5, 5, 6))
    assert np.array_equal(first.rows, again.rows)
    assert np.array_equal(first.gain, again.gain)
    assert not np.array_equal(first.rows, other.rows)


def test_a_batch_spreads_and_its_first_promises_most() -> None:
    space = Coordinates(unit(6))
    fitted = fitted_hill(space)
    batch = propose_gp(fitted, space, best_row(fitted), 8, seed=0)
    apart = np.abs(batch.rows[:, None] - batch.rows[None]).max(axis=2)[np.triu_indices(8, 1)]
    assert apart.min() > 0.06
    assert batch.gain.argmax() == 0
    # It is better by a tenth than any policy of a dense sample, which only a climb can be.
    best = float(fitted.predict_drawn(best_row(fitted)[None])[0][0])
    sample = expected_improvement(*fitted.predict_drawn(space.sobol(4096, seed=3)), best)
    assert batch.gain[0] > 1.1 * sample.max()


def test_each_pick_believes_those_before_it() -> None:
    space = Coordinates(unit(6))
    fitted = fitted_hill(space)
    batch = propose_gp(fitted, space, best_row(fitted), 5, seed=0)
    best = float(fitted.predict_drawn(best_row(fitted)[None])[0][0])
    for row, gain in zip(batch.rows, batch.gain, strict=True):
        mean, sd = fitted.predict_drawn(row[None])
        assert gain == pytest.approx(expected_improvement(mean, sd, best)[0], rel=1e-6)
        fitted, best = fitted.believing(row), max(best, float(mean[0]))


def test_trials_nearer_than_a_hair_are_not_proposed() -> None:
    """A top that is known to the last digit: what is left to gain lies within a hair of it."""
    space = Coordinates(unit(2))
    fitted = fitted_hill(space, 40)
    batch = propose_gp(fitted, space, best_row(fitted), 8, seed=0)
    both = np.vstack([fitted.rows, batch.rows])
    apart = np.abs(both[:, None] - both[None]).max(axis=2)[np.triu_indices(len(both), 1)]
    assert apart.min() >= 0.005


def test_nothing_is_proposed_twice_and_a_small_space_ends() -> None:
    space = Coordinates((
        Dimension("a", CategoricalDistribution(("x", "y", "z"))),
        Dimension("b", IntDistribution(0, 3)),
        Dimension("c", CategoricalDistribution((1, 2)), ("a", ("x",))),
    ))  # fmt: skip
    everything = {tuple(row) for row in space.sobol(256, seed=0)}
    assert len(everything) == 4 * (2 + 1 + 1)
    tried = np.array(sorted(everything)[::3])
    fitted = Surrogate.fit(space, tried, tried.sum(axis=1), np.zeros(len(tried)))
    batch = propose_gp(fitted, space, tried[0], 64, seed=0)
    assert {tuple(row) for row in batch.rows} == everything - {tuple(row) for row in tried}
    assert len(batch.rows) == len(everything) - len(tried)
    whole = np.array(sorted(everything))
    nothing = propose_gp(Surrogate.fit(space, whole, whole[:, 1], np.zeros(16)), space, whole[0], 8, seed=0)
    assert nothing.rows.shape == (0, 3)


def test_policies_that_break_a_constraint_are_not_worth_a_trial() -> None:
    """Value rises with both levers, spend too: the best lies on the line x + y = 1."""
    space = Coordinates(unit(2))
    rows = space.sobol(32, seed=2)
    fitted = Surrogate.fit(space, rows, 2 * rows[:, 0] + rows[:, 1], np.zeros(32))
    spend = Surrogate.fit(space, rows, rows.sum(axis=1), np.zeros(32), draw_in=False)

    def keeps(rows: Floats) -> Floats:
        return spend.probability_at_most(rows, 1.0)

    best = best_row(fitted, keeps)
    assert best.sum() <= 1
    assert best_row(fitted).sum() > 1
    batch = propose_gp(fitted, space, best, 4, seed=0, feasible_probability=keeps)
    assert (batch.rows.sum(axis=1) < 1.02).all()
    assert batch.rows[0] == pytest.approx([1, 0], abs=0.05)
    free = propose_gp(fitted, space, best, 4, seed=0)
    assert free.rows[0] == pytest.approx([1, 1], abs=0.05)


def test_without_a_feasible_trial_the_likeliest_is_the_best() -> None:
    space = Coordinates(unit(2))
    fitted = fitted_hill(space)
    assert np.array_equal(best_row(fitted, lambda rows: 0.3 * rows[:, 0]), fitted.rows[fitted.rows[:, 0].argmax()])


def test_a_local_move_changes_one_dimension_and_what_hangs_on_it() -> None:
    space = Coordinates(CAMPAIGN)
    row = space.row({"audience": "new", "coupon": False, "cadence": 2})
    moves = [space.params(r) for r in local_moves(space, row, 200, seed=0)]
    here = space.params(row)
    for move in moves:
        assert sum(move[name] != value for name, value in here.items()) == 1
        assert ("depth" in move) == move["coupon"]
    assert {m["audience"] for m in moves} == {"all", "new", "lapsed"}
    assert {m["cadence"] for m in moves} >= {1, 3}
    few = local_moves(space, row, 3, seed=0)
    assert len(few) == 3
    assert len({tuple(r) for r in few}) == 3


# -- stopping ---------------------------------------------------------------------------------------------------------


def test_a_search_stops_when_several_batches_promise_less_than_the_noise() -> None:
    assert enough([5, 2, 0.3, 0.2, 0.1], 0.5, patience=3)
    assert not enough([5, 2, 0.3, 0.6, 0.1], 0.5, patience=3)
    assert not enough([0.1, 0.1], 0.5, patience=3)
    assert not enough([0.1, 0.1, 0.1], 0.1, patience=3)
    assert not enough([], 0.5)


def test_what_is_left_to_gain_falls_as_the_optimum_is_found() -> None:
    space = Coordinates(unit(2))
    rows, gains = list(space.sobol(12, seed=0)), []
    while len(rows) < 44:
        trials = np.array(rows)
        fitted = Surrogate.fit(space, trials, -((trials - 0.4) ** 2).sum(axis=1), np.zeros(len(rows)))
        batch = propose_gp(fitted, space, best_row(fitted), 8, seed=len(rows))
        gains.append(float(batch.gain[0]))
        rows += list(batch.rows)
    assert gains[-1] < 1e-3 < gains[0]
    assert enough(gains, 1e-3, patience=2)
