"""The surrogate: against scikit-learn, against its own definition, and where data are ugly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from experiments.searching.engine.kernel import PolicyKernel
from experiments.searching.engine.surrogate import JITTER, Surrogate
from experiments.searching.engine.tail import Tail
from experiments.searching.space.coordinates import Coordinates, Dimension
from sim.errors import StudyError

Floats = NDArray[np.float64]


def numbers(k: int) -> Coordinates:
    return Coordinates(tuple(Dimension(f"x{i}", FloatDistribution(0, 1)) for i in range(k)))


MIXED = Coordinates((
    Dimension("x", FloatDistribution(0, 1)),
    Dimension("c", CategoricalDistribution(("a", "b", "c"))),
    Dimension("y", FloatDistribution(0, 1)),
))  # fmt: skip


def hill(rows: Floats) -> Floats:
    """Smooth, with its top inside; the last column does least."""
    return np.asarray(-((rows - 0.4) ** 2) @ np.linspace(2, 0.1, rows.shape[1]) + np.sin(3 * rows[:, 0]))


def by_category(rows: Floats) -> Floats:
    return np.asarray(np.array([0.0, 1.0, -0.5])[rows[:, 1].astype(int)] + rows[:, 0] * rows[:, 2])


@pytest.fixture(scope="module")
def noisy() -> Surrogate:
    """Fifty trials of a hill, with independent noise that is known."""
    space = numbers(3)
    rows = space.sobol(50, seed=1)
    values = hill(rows) + 0.05 * np.random.default_rng(1).standard_normal(50)
    return Surrogate.fit(space, rows, values, np.full(50, 0.05**2))


@pytest.fixture(scope="module")
def mixed() -> Surrogate:
    rows = MIXED.sobol(60, seed=2)
    return Surrogate.fit(MIXED, rows, by_category(rows), np.full(60, 1e-4))


# -- definitions --------------------------------------------------------------------------------------------------


def peer(fitted: Surrogate) -> GaussianProcessRegressor:
    """Scikit-learn's own process with the same kernel."""
    kernel = ConstantKernel(fitted.kernel.amplitude, "fixed") * Matern(fitted.kernel.lengths, "fixed", nu=2.5)
    noise = fitted.kernel.nugget + fitted.kernel.noise_share * fitted.noise + JITTER
    process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
    return process.fit(fitted.rows, (fitted.values - fitted.centre) / fitted.scale)


def test_predictions_are_those_of_scikit_learn(noisy: Surrogate) -> None:
    rows = numbers(3).sobol(40, seed=9)
    mean, sd = peer(noisy).predict(rows, return_std=True)
    found = noisy.predict(rows)
    assert found[0] == pytest.approx(noisy.centre + noisy.scale * mean, abs=1e-9)
    assert found[1] == pytest.approx(noisy.scale * sd, rel=1e-6)
    assert noisy.mean(rows) == pytest.approx(found[0])


def test_a_difference_knows_what_both_have_in_common(noisy: Surrogate) -> None:
    rows = numbers(3).sobol(8, seed=9)
    mean, joint = peer(noisy).predict(rows, return_cov=True)
    found = noisy.difference(rows, rows[3])
    variance = joint.diagonal() + joint[3, 3] - 2 * joint[:, 3]
    assert found[0] == pytest.approx(noisy.scale * (mean - mean[3]), abs=1e-9)
    assert found[1] ** 2 == pytest.approx(noisy.scale**2 * variance, abs=1e-9)


def test_the_kernel_knows_its_own_slope() -> None:
    rows = np.column_stack([MIXED.sobol(12, seed=0), np.linspace(0.1, 1, 12)])
    kernel = PolicyKernel((0, 3, 0), np.array([0.4, 0.9, 2.0]), 1.3, 0.02, 0.4)

    def flat(theta: Floats) -> Floats:
        return np.ravel(kernel.clone_with_theta(theta)(rows))

    _, slope = kernel(rows, eval_gradient=True)
    assert slope.reshape(-1, 6) == pytest.approx(approx_fprime(kernel.theta, flat, 1e-6), abs=1e-4)
    assert np.abs(slope[..., 2]).max() > 0.1, "the category's length does something"


def test_relabelled_choices_are_the_same_choices(mixed: Surrogate) -> None:
    order = np.array([2.0, 0.0, 1.0])

    def relabel(rows: Floats) -> Floats:
        return np.column_stack([rows[:, 0], order[rows[:, 1].astype(int)], rows[:, 2]])

    again = Surrogate.fit(MIXED, relabel(mixed.rows), mixed.values, np.full(60, 1e-4))
    rows = MIXED.sobol(30, seed=5)
    assert again.predict(relabel(rows))[0] == pytest.approx(mixed.predict(rows)[0], abs=1e-6)
    assert mixed.predict(rows)[0] == pytest.approx(by_category(rows), abs=0.1)


def test_units_do_not_matter(noisy: Surrogate) -> None:
    again = Surrogate.fit(numbers(3), noisy.rows, 1e5 * noisy.values - 3e6, np.full(50, (0.05 * 1e5) ** 2))
    rows = numbers(3).sobol(20, seed=5)
    mean, sd = noisy.predict(rows)
    assert again.predict(rows)[0] == pytest.approx(1e5 * mean - 3e6, rel=1e-4)
    assert again.predict(rows)[1] == pytest.approx(1e5 * sd, rel=1e-3)


def test_leaving_one_out_is_fitting_to_the_others(noisy: Surrogate) -> None:
    process, loo = peer(noisy), noisy.loo()
    targets, noise = process.y_train_, process.alpha
    for i in (0, 17, 49):
        rest = np.arange(50) != i
        one = GaussianProcessRegressor(process.kernel_, alpha=noise[rest], optimizer=None)
        mean, sd = one.fit(noisy.rows[rest], targets[rest]).predict(noisy.rows[[i]], return_std=True)
        assert loo.residuals[i] == pytest.approx((targets[i] - mean[0]) / np.hypot(sd[0], noise[i] ** 0.5), rel=1e-4)
    assert loo.r2 > 0.9
    assert 0.8 <= loo.coverage <= 1


def test_a_believed_trial_moves_no_mean_and_ends_doubt(noisy: Surrogate) -> None:
    rows = numbers(3).sobol(20, seed=6)
    after = noisy.believing(rows[4])
    assert after.predict(rows)[0] == pytest.approx(noisy.predict(rows)[0])
    assert after.predict(rows[[4]])[1][0] < 0.01 * noisy.predict(rows[[4]])[1][0]
    assert (after.predict(rows)[1] <= noisy.predict(rows)[1] + 1e-9).all()


def test_slopes_are_those_of_the_predictions(mixed: Surrogate) -> None:
    row = MIXED.row({"x": 0.31, "c": "b", "y": 0.77})
    at = mixed.slope(row)
    for found, part in ((at.of_mean, 0), (at.of_sd, 1)):
        steps = [mixed.predict_drawn((row + 1e-5 * e)[None])[part][0] for e in np.eye(3)[[0, 2]]]
        back = [mixed.predict_drawn((row - 1e-5 * e)[None])[part][0] for e in np.eye(3)[[0, 2]]]
        assert found[[0, 2]] == pytest.approx((np.array(steps) - np.array(back)) / 2e-5, rel=1e-3, abs=1e-4)
        assert found[1] == 0


# -- honesty ------------------------------------------------------------------------------------------------------


def test_bands_hold_the_truth_as_often_as_they_say() -> None:
    space, inside = numbers(4), []
    for seed in range(6):
        rows, fresh = space.sobol(48, seed=seed), space.sobol(64, seed=100 + seed)
        values = hill(rows) + 0.1 * np.random.default_rng(seed).standard_normal(48)
        mean, sd = Surrogate.fit(space, rows, values, np.full(48, 0.01)).predict(fresh)
        inside.append(np.abs(hill(fresh) - mean) <= 1.645 * sd)
    assert 0.8 <= np.mean(inside) <= 0.98


def test_noise_that_neighbours_share_is_not_smoothed_away() -> None:
    """Values on shared seeds: their known variance is large, yet neighbours agree to the fourth digit."""
    space = numbers(2)
    rows = space.sobol(80, seed=0)
    known = np.full(80, 0.3**2)
    shared = Surrogate.fit(space, rows, hill(rows), known)
    assert shared.kernel.noise_share < 0.05
    assert shared.predict(rows)[0] == pytest.approx(hill(rows), abs=0.02)
    assert shared.shared_sd == pytest.approx(0.3, rel=0.05)
    # Noise of their own is told from that, and smoothed.
    luck = np.random.default_rng(0)
    fits = [Surrogate.fit(space, rows, hill(rows) + 0.3 * luck.standard_normal(80), known) for _ in range(5)]
    assert np.median([fitted.kernel.noise_share for fitted in fits]) > 0.6
    assert np.median([np.std(fitted.mean(rows) - hill(rows)) for fitted in fits]) < 0.15


def test_the_probability_to_keep_a_limit(noisy: Surrogate) -> None:
    rows = numbers(3).sobol(200, seed=7)
    limit = float(np.quantile(hill(rows), 0.5))
    chance = noisy.probability_at_most(rows, limit)
    assert chance[hill(rows) < limit - 0.3].min() > 0.9
    assert chance[hill(rows) > limit + 0.3].max() < 0.1


# -- ugly data ----------------------------------------------------------------------------------------------------


def test_ruinous_policies_do_not_hide_what_the_good_ones_differ_by() -> None:
    space = numbers(3)
    rows = space.sobol(60, seed=4)
    ruin = rows[:, 0] > 0.8
    values = hill(rows) - np.where(ruin, 1e4 * rows[:, 1], 0.0)
    fresh = space.sobol(128, seed=8)
    good = fresh[fresh[:, 0] < 0.6]

    def r2(drawn: bool) -> float:
        found = Surrogate.fit(space, rows, values, np.zeros(60), draw_in=drawn).mean(good)
        return float(1 - np.var(found - hill(good)) / np.var(hill(good)))

    assert r2(True) > 0.8
    assert r2(False) < 0.5, "or the test cannot see"


def test_the_tail_is_drawn_in_without_a_break_and_let_out_again() -> None:
    tail = Tail.of(np.linspace(0, 1, 101))
    values = np.linspace(tail.knee - 40 * tail.width, 2, 1001)
    drawn = tail.draw_in(values)
    assert tail.let_out(drawn) == pytest.approx(values)
    assert np.gradient(drawn, values) == pytest.approx(tail.slope(values), abs=0.02)
    assert np.array_equal(drawn[values >= tail.knee], values[values >= tail.knee])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_repeated_or_equal_trials_are_no_reason_to_fail(n: int) -> None:
    space = numbers(6)
    rows = space.sobol(n, seed=0)
    fresh = space.sobol(16, seed=1)
    for trials, values in (
        (rows, hill(rows)),
        (rows, np.full(n, 7.0)),
        (np.repeat(rows, 3, axis=0), np.tile(hill(rows), 3)),
    ):
        mean, sd = Surrogate.fit(space, trials, values, np.zeros(len(trials))).predict(fresh)
        assert np.isfinite(mean).all()
        assert (sd > 0).all()
        if values[0] == 7.0:
            assert mean == pytest.approx(7.0)


def test_what_cannot_be_fitted_is_refused() -> None:
    space, rows = numbers(2), numbers(2).sobol(4, seed=0)
    ones = np.ones(4)
    for bad, rule in (
        ((rows[:, :1], ones, ones), "2 columns"),
        ((rows, ones[:3], ones), "as many values"),
        ((rows, np.array([1, np.nan, 1, 1]), ones), "not finite"),
        ((rows, ones, -ones), "negative"),
    ):
        with pytest.raises(StudyError, match=rule):
            Surrogate.fit(space, *bad)
    other = Surrogate.fit(numbers(3), numbers(3).sobol(4, seed=0), ones, ones)
    with pytest.raises(StudyError, match="another space"):
        Surrogate.fit(space, rows, ones, ones, warm=other)
