"""Racing: published boundaries, and error rates under repeated looks measured by simulation with fixed luck.

A rate is held against its level within 4 standard errors of the simulation. Negative controls must fail.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.searching.trials.racing import (
    Boundary,
    boundary,
    expected_replicates,
    paired_t,
    race,
    spent,
    verdict,
)
from sim.errors import SpecError, StudyError

RACES = 40_000
LOOKS = (2, 4, 8, 16)

Floats = NDArray[np.float64]


def differences(law: str, replicates: int, races: int = RACES) -> Floats:
    """Paired differences of mean 0."""
    luck = np.random.default_rng(11)
    if law == "normal":
        return luck.standard_normal((races, replicates))
    if law == "t3":
        return luck.standard_t(3, (races, replicates))
    sd = float(law.removeprefix("lognormal "))
    return np.exp(sd * luck.standard_normal((races, replicates))) - math.exp(sd**2 / 2)


def both_ways(d: Floats, limits: Boundary) -> float:
    """Share of races that end, whoever is better."""
    return float(race(d, limits).dropped.mean() + race(-d, limits).dropped.mean())


def within(rate: float, level: float, n: int = RACES) -> bool:
    return abs(rate - level) <= 4 * math.sqrt(level * (1 - level) / n)


# -- the boundary -------------------------------------------------------------------------------------------------


def test_five_equal_looks_have_the_published_limits() -> None:
    """Lan & DeMets' O'Brien-Fleming type, two-sided 5 %, as in Reboussin et al. (2000), Control Clin Trials 21:190."""
    assert boundary((1, 2, 3, 4, 5)).limits == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=2e-4)


def test_one_look_is_the_fixed_sample_test() -> None:
    limits = boundary((16,))
    assert limits.limits[0] == pytest.approx(1.959964, abs=1e-6)
    assert limits.critical(16) == pytest.approx(2.131450, abs=1e-5)  # Student, 15 degrees of freedom


@pytest.mark.parametrize("schedule", [(3, 4, 11, 12, 40), (20, 30, 31, 32)])
def test_uneven_looks_spend_what_they_may(schedule: tuple[int, ...]) -> None:
    """Sums of normals, an independent computation, cross by each look with the probability that was to be spent."""
    alpha, n = 0.2, 400_000
    limits = boundary(schedule, alpha).limits
    luck = np.random.default_rng(3)
    total, before, crossed = np.zeros(n), 0, np.zeros(n, dtype=bool)
    for looks, limit in zip(schedule, limits, strict=True):
        total += math.sqrt(looks - before) * luck.standard_normal(n)
        crossed |= np.abs(total) >= limit * math.sqrt(looks)
        before = looks
        assert within(float(crossed.mean()), spent(looks / schedule[-1], alpha), n)


def test_a_look_too_early_to_spend_anything_has_no_limit() -> None:
    limits = boundary((1, 1000))
    assert limits.limits[0] == math.inf
    assert limits.critical(1) == math.inf
    assert limits.limits[1] == pytest.approx(1.959964, abs=1e-6)


def test_limits_fall_with_the_error_rate_and_with_the_number_of_rivals() -> None:
    strict, lax = boundary(LOOKS, 0.01).limits, boundary(LOOKS, 0.1).limits
    assert all(a > b for a, b in zip(strict, lax, strict=True))
    assert all(a > b for a, b in zip(boundary(LOOKS, rivals=5).limits, boundary(LOOKS, rivals=4).limits, strict=True))


@pytest.mark.parametrize("schedule", [(), (0, 2), (4, 4), (8, 2)])
def test_a_schedule_must_increase(schedule: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="must increase"):
        boundary(schedule)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_an_error_rate_is_a_probability(alpha: float) -> None:
    with pytest.raises(SpecError, match="between 0 and 1"):
        boundary(LOOKS, alpha)


# -- error rates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", LOOKS)
def test_one_look_holds_its_level_at_any_number_of_replicates(n: int) -> None:
    assert within(both_ways(differences("normal", n), boundary((n,))), 0.05)


@pytest.mark.parametrize("schedule", [LOOKS, (32, 64, 128)])
def test_repeated_looks_hold_the_level(schedule: tuple[int, ...]) -> None:
    """Small samples cost a little: the limits suppose that looks are correlated like sums of normals."""
    d = differences("normal", schedule[-1], 20_000)
    rate = both_ways(d, boundary(schedule))
    assert within(rate, 0.05, 20_000)
    assert race(d, boundary(schedule)).dropped.mean() <= 0.029  # an equal candidate: half of it


def test_heavy_tails_make_it_no_worse() -> None:
    rate = both_ways(differences("t3", 16), boundary(LOOKS))
    assert 0.03 < rate < 0.05


@pytest.mark.parametrize(("law", "low", "high"), [("lognormal 0.25", 0.04, 0.05), ("lognormal 1", 0.15, 0.19)])
def test_where_the_level_does_not_hold(law: str, low: float, high: float) -> None:
    """As the module says: candidates of equal mean whose gains are rare and large are dropped too often."""
    assert low < race(differences(law, 16), boundary(LOOKS)).dropped.mean() < high


def test_without_a_boundary_the_level_is_lost() -> None:
    """Negative control: the fixed-sample limit at every look."""
    naive = Boundary(LOOKS, 0.05, (1.959964,) * len(LOOKS))
    assert both_ways(differences("normal", 16), naive) > 0.1


@pytest.mark.parametrize("rivals", [2, 30])
def test_a_lucky_incumbent_does_not_drop_its_equals(rivals: int) -> None:
    """One look at 128: with t close to z, Dunnett's level is met exactly. Without it, the level is lost."""
    luck = np.random.default_rng(5)
    n, races = 128, 4000
    dropped = {1: 0, rivals: 0}
    for _ in range(races // 8):
        values = luck.standard_normal((rivals, n))
        best = values[values.mean(axis=1).argmax()]
        for k in dropped:
            dropped[k] += int(race(luck.standard_normal((8, n)) - best, boundary((n,), rivals=k)).dropped.sum())
    assert dropped[rivals] / races == pytest.approx(0.025, abs=0.01)
    assert dropped[1] / races > 0.025 * 1.5


# -- verdicts -----------------------------------------------------------------------------------------------------


def test_identical_policies_are_equal() -> None:
    for n in LOOKS:
        assert verdict(np.zeros(n), boundary(LOOKS)) == "equal"
    assert paired_t(np.zeros((3, 4))).tolist() == [0.0, 0.0, 0.0]


def test_the_worse_is_dropped_and_the_better_kept() -> None:
    d = np.array([1.0, 1.2, 0.9, 1.1, 1.0, 0.8, 1.3, 1.0])
    assert verdict(-d, boundary((4, 8))) == "drop"
    assert verdict(d, boundary((4, 8))) == "keep"
    assert verdict(d - d.mean(), boundary((4, 8))) == "keep"


def test_the_scale_of_money_does_not_matter() -> None:
    d = differences("normal", 16, 200)
    assert np.array_equal(race(1e9 * d, boundary(LOOKS)).dropped, race(1e-9 * d, boundary(LOOKS)).dropped)


def test_a_constant_loss_needs_as_many_signs_as_a_sign_test() -> None:
    """Two equal losses may be chance where money is coarse; sixteen are not. Rounding does not make a spread."""
    loss = np.full(16, -0.1) * (1 + 1e-13 * np.arange(16))
    assert [verdict(loss[:n], boundary(LOOKS)) for n in LOOKS] == ["keep", "keep", "keep", "drop"]
    assert race(loss[None], boundary(LOOKS)).replicates.tolist() == [16]


def test_one_replicate_tells_nothing() -> None:
    assert verdict([-1e9], boundary((1, 2, 4))) == "keep"


def test_an_unplanned_look_is_refused() -> None:
    with pytest.raises(SpecError, match=r"no look is planned there \(got 3\); look at 2, 4, 8, 16"):
        verdict([1.0, 2.0, 3.0], boundary(LOOKS))


def test_a_difference_that_is_no_number_names_its_replicate() -> None:
    with pytest.raises(StudyError, match="replicate 1"):
        verdict([1.0, math.nan, 2.0, 3.0], boundary(LOOKS))


def test_a_race_is_its_verdicts_one_after_the_other() -> None:
    d = differences("normal", 16, 60) - np.linspace(0, 4, 60)[:, None]
    limits = boundary(LOOKS)
    raced = race(d, limits)
    for row, dropped, cost in zip(d, raced.dropped, raced.replicates, strict=True):
        seen = [verdict(row[:n], limits) for n in LOOKS if n <= cost]
        assert seen[:-1] == ["keep"] * (len(seen) - 1)
        assert (seen[-1] == "drop") == dropped


# -- cost ---------------------------------------------------------------------------------------------------------


def test_expected_replicates() -> None:
    limits = boundary(LOOKS)
    cost = [expected_replicates(limits, effect) for effect in (5.0, 0.0, -1.0, -2.0, -5.0)]
    assert cost[0] == 16
    assert cost[1] == pytest.approx(16, abs=0.05)
    assert cost == sorted(cost, reverse=True)
    assert cost[-1] == pytest.approx(8, abs=0.2)  # four replicates are hardly ever enough for Student with 3 degrees
    assert expected_replicates(limits, -1.0) == expected_replicates(limits, -1.0)
