"""The pilot: variance components, and the rule for replicates against a direct simulation of a response surface."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.searching.trials.pilot import Effort, Pilot, measure, rank_agreement, replication
from experiments.searching.trials.racing import boundary, race
from sim.errors import SpecError, StudyError

Floats = NDArray[np.float64]


def layout(luck: np.random.Generator, *, policies: int = 21, seeds: int = 16, between: float, shared: float,
           own: float) -> Floats:  # fmt: skip
    """Values of policies on shared seeds: policy + seed + their own."""
    return (
        100
        + between * luck.standard_normal((policies, 1))
        + shared * luck.standard_normal(seeds)
        + own * luck.standard_normal((policies, seeds))
    )


def pilot(between: float, own: float) -> Pilot:
    """What a large pilot would have measured."""
    return Pilot(policies=21, seeds=16, between_sd=between, between_error=0.0, noise_sd=own * math.sqrt(2),
                 unpaired_sd=2 * own, correlation=0.5)  # fmt: skip


# -- measuring ----------------------------------------------------------------------------------------------------


def test_components_are_found() -> None:
    luck = np.random.default_rng(1)
    found = [measure(layout(luck, between=3.0, shared=4.0, own=1.0)) for _ in range(200)]
    assert np.mean([p.between_sd**2 for p in found]) == pytest.approx(9.0, rel=0.08)
    assert np.mean([p.noise_sd**2 for p in found]) == pytest.approx(2.0, rel=0.02)
    assert np.mean([p.unpaired_sd**2 for p in found]) == pytest.approx(2 * 17.0, rel=0.08)
    assert np.median([p.correlation for p in found]) == pytest.approx(16 / 17, abs=0.02)
    assert np.mean([p.saving for p in found]) == pytest.approx(17.0, rel=0.1)


def test_a_level_that_all_policies_share_changes_nothing() -> None:
    values = layout(np.random.default_rng(2), between=3.0, shared=4.0, own=1.0)
    moved = measure(values + 1000.0 * np.arange(16))
    assert moved.noise_sd == pytest.approx(measure(values).noise_sd, rel=1e-9)
    assert moved.between_sd == pytest.approx(measure(values).between_sd, rel=1e-9)


def test_equal_policies_have_no_spread_but_a_limit_of_what_was_seen() -> None:
    luck = np.random.default_rng(3)
    found = [measure(layout(luck, between=0.0, shared=1.0, own=1.0)) for _ in range(200)]
    assert 0.3 < np.mean([p.between_sd == 0 for p in found]) < 0.7  # the estimate is unbiased before it is cut at 0
    assert all(p.spread > 0 for p in found)
    assert np.std([p.between_sd**2 for p in found]) < found[0].between_error


def test_policies_without_luck() -> None:
    found = measure(np.repeat(np.arange(5.0)[:, None], 4, axis=1))
    assert (found.noise_sd, found.saving, found.correlation) == (0.0, math.inf, 1.0)
    assert found.between_sd == pytest.approx(math.sqrt(2.5))
    assert found.replicates_for(0.1) == 1
    assert replication(found, runs=400, levers=3).chosen.replicates == 1


def test_replicates_for_a_share_of_the_spread() -> None:
    assert pilot(2.0, 1.0).replicates_for(0.3) == 6  # 2 / 0.6^2 = 5.6


@pytest.mark.parametrize("shape", [(2, 16), (21, 1), (21,)])
def test_too_small_a_pilot(shape: tuple[int, ...]) -> None:
    with pytest.raises(StudyError, match="3 policies and 2 shared seeds"):
        measure(np.zeros(shape))


def test_a_value_that_is_no_number_is_named() -> None:
    values = np.zeros((4, 3))
    values[2, 1] = math.inf
    with pytest.raises(StudyError, match="policy 2, seed 1"):
        measure(values)


# -- the rule -----------------------------------------------------------------------------------------------------


class Surface:
    """Random policies on a quadratic response surface with unequal axes, its optimum off the centre."""

    def __init__(self, levers: int) -> None:
        self.weights, self.best = np.linspace(0.5, 1.5, levers), np.linspace(0.3, 0.6, levers)

    def values(self, luck: np.random.Generator, n: int) -> Floats:
        x = luck.random((n, len(self.weights)), dtype=np.float64)
        return np.asarray(-((x - self.best) ** 2 @ self.weights))

    def loss(self, n: int, runs: int, own: float, searches: int = 300) -> float:
        """What the best of the top ten falls short of the optimum when every trial has n replicates."""
        luck, short = np.random.default_rng(7), []
        for _ in range(searches):
            value = self.values(luck, runs // n)
            top = np.argsort(value + own / math.sqrt(n) * luck.standard_normal(len(value)))[-10:]
            short.append(-value[top].max())
        return float(np.mean(short))


@pytest.mark.parametrize("noise", [0.1, 0.6, 3.0])
def test_the_rule_finds_about_the_best_number_of_replicates(noise: float) -> None:
    """Noise in units of the policies' spread. The loss of the chosen number is within a tenth of the best one's."""
    levers, runs = 4, 1600
    surface, luck = Surface(levers), np.random.default_rng(9)
    own = noise * float(surface.values(luck, 10_000).std())
    values = surface.values(luck, 21)[:, None] + luck.standard_normal(16) + own * luck.standard_normal((21, 16))
    chosen = replication(measure(values), runs=runs, levers=levers).chosen
    loss = {n: surface.loss(n, runs, own) for n in (1, 2, 4, 8, 16, 32)}
    assert loss[chosen.replicates] <= 1.1 * min(loss.values())
    assert max(loss.values()) > 1.2 * min(loss.values())  # so that the choice matters here


def test_more_noise_wants_more_replicates_and_more_levers_want_more_trials() -> None:
    by_noise = [replication(pilot(1.0, own), runs=400, levers=3).chosen.replicates for own in (0.03, 0.3, 3.0)]
    assert by_noise == sorted(by_noise)
    assert by_noise[0] < by_noise[-1]
    few, many = (replication(pilot(1.0, 2.0), runs=400, levers=d).chosen.trials for d in (1, 12))
    assert many > few


def test_every_option_keeps_the_budget() -> None:
    found = replication(pilot(1.0, 0.3), runs=500, levers=3)
    assert found.chosen in found.options
    for effort in found.options:
        cheapest = effort.schedule[0] if effort.schedule else effort.replicates
        assert 20 <= effort.trials <= 500 / cheapest
        assert effort.schedule is None or effort.schedule[-1] == effort.replicates
    assert max(e.replicates for e in found.options) == 16


def direct(effort: Effort, runs: int, own: float, searches: int) -> float:
    """Mean loss of searches over two levers that trust the best mean, lived run by run. The spread is 1."""
    luck, short = np.random.default_rng(4), []
    limits = boundary(effort.schedule, rivals=runs // effort.replicates) if effort.schedule else None
    for _ in range(searches):
        best = luck.random(2) - 0.5
        scale = 1 / math.sqrt(float((1 / 180 + best**2 / 3).sum()))
        left, top, incumbent, truth = runs, -math.inf, np.zeros(effort.replicates), 0.0
        while left >= 10 * effort.replicates:
            value = -scale * ((luck.random((10, 2)) - 0.5 - best) ** 2).sum(axis=1)
            seen = value[:, None] + own * luck.standard_normal((10, effort.replicates))
            raced = race(seen - incumbent, limits) if limits and top > -math.inf else None
            left -= int(raced.replicates.sum()) if raced else seen.size
            means = np.where(raced.dropped, -math.inf, seen.mean(axis=1)) if raced else seen.mean(axis=1)
            i = int(means.argmax())
            if means[i] > top:
                top, incumbent, truth = float(means[i]), seen[i], float(value[i])
        short.append(-truth)
    return float(np.mean(short))


def test_racing_is_favoured_where_a_direct_simulation_favours_it() -> None:
    """Two levers, noise a third of the spread, and nobody to judge finalists again."""
    runs, own = 4000, 0.3
    found = replication(pilot(1.0, own), runs=runs, levers=2, finalists=1, choices=(8, 16, 32, 64))
    assert found.chosen.schedule is not None
    fixed = min((e for e in found.options if e.schedule is None), key=lambda e: e.loss)
    losses = [direct(effort, runs, own, 400) for effort in (found.chosen, fixed)]
    assert losses[0] < losses[1]
    assert losses == pytest.approx([found.chosen.loss, fixed.loss], rel=0.2)


def test_a_budget_below_twenty_trials_is_refused() -> None:
    with pytest.raises(SpecError, match="allow 40 or more"):
        replication(pilot(1.0, 1.0), runs=39, levers=2, choices=(2, 4))


# -- smaller populations ------------------------------------------------------------------------------------------


def test_rank_agreement_covers() -> None:
    """The interval of Spearman's correlation of bivariate normal means holds the truth in 95 % of pilots."""
    luck, rho = np.random.default_rng(6), 0.8
    truth = 6 / math.pi * math.asin(rho / 2)
    hits = 0
    for _ in range(1000):
        a = luck.standard_normal(21)
        b = rho * a + math.sqrt(1 - rho**2) * luck.standard_normal(21)
        found = rank_agreement(a[:, None], b[:, None])
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_a_faithful_and_a_noisy_small_population() -> None:
    luck = np.random.default_rng(8)
    full = np.arange(21.0)[:, None] + luck.standard_normal((21, 16))
    same = rank_agreement(full * 2 + 5, full)
    assert (same.correlation, same.high, same.faithful) == (1.0, 1.0, True)
    assert 0.9 < same.low < 1.0
    noisy = rank_agreement(full + 10 * luck.standard_normal((21, 1)), full)
    assert not noisy.faithful
    assert noisy.low < noisy.correlation < noisy.high
    reverse = rank_agreement(-full, full)
    assert (reverse.correlation, reverse.faithful) == (-1.0, False)
    assert reverse.low <= -1.0 + 1e-3 < reverse.high


def test_ranks_that_cannot_be_compared() -> None:
    flat = rank_agreement(np.zeros((6, 2)), np.arange(12.0).reshape(6, 2))
    assert (flat.correlation, flat.faithful) == (0.0, False)
    with pytest.raises(StudyError, match="5 or more"):
        rank_agreement(np.zeros((4, 2)), np.zeros((4, 2)))
    with pytest.raises(StudyError, match="same"):
        rank_agreement(np.zeros((6, 2)), np.zeros((7, 2)))
