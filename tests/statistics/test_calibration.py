"""Calibration is calibrated: over 200 synthetic fits the true parameters' ranks are even (Talts et al. 2018).

Two kinds of fits. Whole ones, with every round, of a closed-form world, where a fit takes 50 ms. And weighed ones of
the simulated world, which share one bank of parameter sets that were lived beforehand. False-alarm rate: 1 % per
parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

from experiments.calibrating.checks import check_facts, check_marginals
from experiments.calibrating.fit import Fit, Posterior, weigh
from experiments.calibrating.kernel import Kernel
from experiments.calibrating.space import Space
from experiments.calibrating.targets import Effort, Statistic, Targets, measured
from experiments.run import live
from experiments.searching.worlds import Span
from tests.worlds import policy, scenario

Floats = NDArray[np.float64]

FITS, BINS, LEVEL = 200, 10, 0.01
FEWER = 80  # fits that are enough to refuse what is plainly wrong


def p_values(ranks: Floats) -> list[float]:
    """Of evenly spread ranks (0 … 1), one for each parameter. ``ranks`` has shape (fits, parameters)."""
    counts = [np.histogram(column, BINS, (0, 1))[0] for column in ranks.T]
    return [float(chisquare(count).pvalue) for count in counts]


def rank(points: Floats, weights: Floats, truth: Floats) -> Floats:
    """Share of the posterior below the true parameters. Shape (parameters,)."""
    return np.asarray(weights @ (points < truth))


# -- whole fits of a closed-form world --------------------------------------------------------------------------------

SD = np.array([0.3, 0.2, 0.4, 0.3])
MIX = np.array([[1.0, 0.2, 0.5, 0.0], [0.3, -0.8, 0.5, 0.4], [0.0, 0.3, 0.1, 0.9]])
CUBE = Space(("a", "b", "c"), (Span(low=0, high=1),) * 3)
EFFORT = Effort(first=96, batch=48, rounds=3, fresh=48, sets=48)


@dataclass(frozen=True)
class ClosedForm:
    """Curved figures of three parameters, whose square roots are off by normal luck that two figures have in common."""

    seed: int
    told: float = 1.0  # share of the luck that replicates with luck of their own show

    def _lived(self, points: Floats, luck: Floats) -> Floats:
        x = 2 * points - 1
        root = np.exp((1 + x @ MIX + 0.3 * x[:, :1] ** 2) / 2)
        return np.asarray((root + 0.06 * (luck + np.roll(luck, 1, axis=-1))) ** 2)

    def shared(self, points: Floats) -> Floats:
        luck = np.random.default_rng([self.seed, 1]).standard_normal((2, 1, 4))
        return np.asarray(np.mean([self._lived(points, one) for one in luck], axis=0))

    def fresh(self, points: Floats, first: int) -> Floats:
        luck = np.random.default_rng([self.seed, 2, first]).standard_normal((len(points), 4))
        return self._lived(points, self.told * luck)

    def fact(self, point: Floats) -> Floats:
        luck, error = np.random.default_rng([self.seed, 3]).standard_normal((2, 1, 4))
        return np.asarray((self._lived(point[None], luck) + SD * error)[0])


def whole_fits(fits: int, narrowed: float = 1.0) -> Floats:
    """Ranks of fits that believe tolerance and luck to be ``narrowed``."""
    ranks = []
    for number in range(fits):
        world, truth = ClosedForm(number, narrowed), np.random.default_rng([number, 0]).random(3)
        fit = Fit(world.fact(truth), SD * narrowed, world, CUBE.cover, EFFORT, seed=number)
        found = fit.run()
        ranks.append(rank(found.points, found.weights, truth))
    return np.array(ranks)


@pytest.mark.long
def test_whole_fits_are_calibrated() -> None:
    assert min(p_values(whole_fits(FITS))) > LEVEL


@pytest.mark.long
def test_too_narrow_whole_fits_are_refused() -> None:
    """Negative control."""
    assert max(p_values(whole_fits(FEWER, narrowed=0.4))) < LEVEL


# -- weighed fits of the simulated world ------------------------------------------------------------------------------

FACT = {"source": "synthetic", "measured": "now"}
TARGETS = Targets.model_validate(
    {
        "title": "mutes, replies and strangers",
        "facts": {
            "mutes": {"kind": "mute_rate", "value": 0.2, "tolerance": 0.1, **FACT},
            "replies": {"kind": "reply_rate", "value": 0.3, "tolerance": 0.05, **FACT},
            "strangers": {"kind": "trust_levels", "at": {13: {"L0": 0.2}}, "tolerance": 0.03, **FACT},
        },
        "free": {
            "behaviours.reaction.mute": {"low": -7, "high": -3},
            "behaviours.attention.reply_chance.0": {"low": 0.02, "high": 0.8},
            "behaviours.attention.interact_chance": {"low": 0.01, "high": 0.3},
        },
    }
)
TOLERANCE = np.array([0.1, 0.05, 0.03])
WORLD = scenario(200, 14)
POLICY = policy(
    adverts={"kind": "advert", "calendar": {"per_week": 5}},
    content={"kind": "content", "calendar": {"per_week": 3}},
    talk={"kind": "chat", "hours_per_week": {"L0": 10, "L1": 1}},
)
SPACE = Space.of(TARGETS.free)
SETS, SHARED_SEED, NEAREST = 500, 10, 96


@dataclass(frozen=True)
class Bank:
    """Parameter sets that were lived on shared seeds and once more each on its own, and true ones with their facts."""

    points: Floats
    shared: Floats
    fresh: Floats
    true: Floats
    facts: Floats


def lived(point: Floats, seed: int) -> Floats:
    return measured(TARGETS, live(SPACE.scenario(WORLD, point), POLICY, seed), WORLD)


@pytest.fixture(scope="module")
def bank() -> Bank:
    points, rng = SPACE.cover(SETS, 1), np.random.default_rng(2)
    true = rng.random((FITS, 3))
    facts = np.array([lived(point, 20_000 + i) for i, point in enumerate(true)])
    return Bank(
        points,
        np.array([lived(point, SHARED_SEED) for point in points]),
        np.array([lived(point, 10_000 + i) for i, point in enumerate(points)]),
        true,
        facts + TOLERANCE * rng.standard_normal(facts.shape),
    )


def weighed_fits(bank: Bank, change: Callable[[Kernel], Kernel]) -> Floats:
    ranks = []
    for truth, fact in zip(bank.true, bank.facts, strict=True):
        nearest = np.argsort((((bank.shared - fact) / TOLERANCE) ** 2).sum(axis=1))[:NEAREST]
        kernel = change(Kernel.lucky(fact, TOLERANCE, bank.shared[nearest], bank.fresh[nearest]))
        ranks.append(rank(bank.points, weigh(bank.points, bank.shared, kernel)[0], truth))
    return np.array(ranks)


@pytest.mark.long
def test_the_simulated_world_is_calibrated(bank: Bank) -> None:
    assert min(p_values(weighed_fits(bank, lambda kernel: kernel))) > LEVEL


@pytest.mark.long
def test_a_kernel_that_is_too_narrow_is_refused(bank: Bank) -> None:
    """Negative control: tolerance and luck believed to be less than half of what they are."""

    def narrow(kernel: Kernel) -> Kernel:
        return Kernel(kernel.observed, 0.4 * kernel.sd, kernel.luck, 0.4**2 * kernel.noise, kernel.runs)

    assert max(p_values(weighed_fits(bank, narrow))) < LEVEL


@pytest.mark.long
def test_luck_of_the_shared_seeds_that_is_not_seen_is_refused(bank: Bank) -> None:
    """Negative control: every set met the same seeds, so that their luck moves all fits alike."""

    def unseen(kernel: Kernel) -> Kernel:
        return Kernel(kernel.observed, kernel.sd, 0 * kernel.luck, kernel.noise, kernel.runs)

    assert min(p_values(weighed_fits(bank, unseen))) < LEVEL


# -- known answers ----------------------------------------------------------------------------------------------------


class Straight:
    """One figure without luck: (1 + u)²."""

    def shared(self, points: Floats) -> Floats:
        return np.asarray((1 + points) ** 2)

    def fresh(self, points: Floats, first: int) -> Floats:
        return self.shared(points)


def test_the_posterior_is_the_exact_one() -> None:
    """Without luck the posterior is the normal density of the gap, over the span."""
    space, fact, sd = Space(("u",), (Span(low=0, high=1),)), 2.0, 0.15
    effort = Effort(first=128, batch=128, rounds=4, fresh=16, sets=400)
    found = Fit(np.array([fact]), np.array([sd]), Straight(), space.cover, effort, seed=1).run()
    grid = (np.arange(4000) + 0.5) / 4000
    exact = np.exp(-0.5 * (((1 + grid) ** 2 - fact) / sd) ** 2)
    mean = np.average(grid, weights=exact)
    spread = np.sqrt(np.average((grid - mean) ** 2, weights=exact))
    u = found.points[:, 0]
    here = np.average(u, weights=found.weights)
    assert here == pytest.approx(mean, abs=0.15 * spread)
    assert np.sqrt(np.average((u - here) ** 2, weights=found.weights)) == pytest.approx(spread, rel=0.12)
    assert found.worth[-1] > 200  # nearly every set of the later rounds counts


def test_what_would_be_measured_has_the_spread_of_luck_and_tolerance() -> None:
    """Root 2 ± 0.1 squared, plus an error of 0.5: mean 4.01, sd √(0.4² + 0.5²); a fact of 6 lies outside."""
    figures = np.full((3, 2), 4.0)
    kernel = Kernel(np.array([4.5, 6.0]), np.array([0.5, 0.5]), np.zeros(2), 0.01 * np.eye(2), 10_000)
    found = Posterior(np.zeros((3, 1)), figures, np.zeros(3), np.array([0.5, 0.5, 0.0]), kernel)
    facts = [Statistic(name, name, value, 0.5) for name, value in (("near", 4.5), ("far", 6.0))]
    near, far = check_facts(found, facts, seed=1)
    for check in (near, far):
        assert check.low == pytest.approx(4.01 - 1.645 * 0.64, abs=0.06)
        assert check.median == pytest.approx(4.0, abs=0.04)
        assert check.high == pytest.approx(4.01 + 1.645 * 0.64, abs=0.06)
    assert (near.fits, far.fits) == (True, False)


def test_luck_of_the_shared_seeds_is_taken_off() -> None:
    """Roots on the shared seeds lie 0.2 above those of all seeds, whose luck has sd 0.1 and correlation 0.6."""
    rng = np.random.default_rng(1)
    luck = rng.multivariate_normal([0, 0], 0.01 * np.array([[1, 0.6], [0.6, 1]]), 400)
    shared = np.full((400, 2), 2.2**2)
    kernel = Kernel.lucky(np.array([4.0, 4.0]), np.array([0.1, 0.1]), shared, (2 + luck) ** 2)
    assert kernel.luck == pytest.approx([0.2, 0.2], abs=0.02)
    assert np.diag(kernel.noise) == pytest.approx([0.01, 0.01], rel=0.2)
    assert kernel.noise[0, 1] == pytest.approx(0.006, rel=0.25)
    assert kernel.mean(shared[:1]) == pytest.approx(np.array([[4.01, 4.01]]), abs=0.1)


def test_a_value_that_no_fact_depends_on_stays_as_wide_as_its_span() -> None:
    class Deaf(ClosedForm):
        def shared(self, points: Floats) -> Floats:
            return super().shared(points * [1, 1, 0])

        def fresh(self, points: Floats, first: int) -> Floats:
            return super().fresh(points * [1, 1, 0], first)

    world = Deaf(3)
    found = Fit(world.fact(np.array([0.4, 0.6, 0.0])), SD, world, CUBE.cover, EFFORT, seed=1).run()
    assert [m.told for m in check_marginals(found, CUBE)] == [True, True, False]
