"""Final judgement: who is told apart, who is named, and whether the claims cover the truth after the choice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from experiments.compare import difference
from experiments.searching.finals.judgement import (
    Judgement,
    judge,
    probability_best,
    simplest,
    simultaneous_claims,
    split_claim,
)
from sim.errors import SpecError, StudyError

Floats = NDArray[np.float64]

STUDIES = 500
SEEDS = 32
NEAR = np.linspace(0.0, 0.05, 10)  # true uplifts in standard deviations of a policy's own luck
APART = np.arange(10.0)


def outcomes(luck: np.random.Generator, truth: Floats, seeds: int, shared: float = 3.0) -> Floats:
    """Values of policies that share most of their luck."""
    return np.asarray(truth[:, None] + shared * luck.standard_normal(seeds) + luck.standard_normal((len(truth), seeds)))


def alternating(mean: float, seeds: int) -> Floats:
    """Differences with a known t: ±1 in turn around a mean."""
    return mean + np.where(np.arange(seeds) % 2, 1.0, -1.0)


def play(values: Floats, rounds: tuple[int, ...] = (32, 64, 128)) -> Judgement:
    """All rounds that are needed."""
    out: frozenset[int] = frozenset()
    for seeds in rounds:
        found = judge(values[:, :seeds], reference=0, rounds=rounds, out=out)
        if found.settled:
            break
        out = found.out
    return found


# -- telling apart ------------------------------------------------------------------------------------------------


def test_policies_far_apart_are_told_apart_in_the_first_round() -> None:
    found = play(outcomes(np.random.default_rng(1), APART * 3, 128))
    assert (found.seeds, found.leader, found.tied) == (32, 9, (9,))
    assert found.standings == ("worse",) * 9 + ("leader",)
    assert found.out == frozenset(range(9))
    assert found.probability_best.tolist() == [0.0] * 9 + [1.0]
    assert np.all(found.behind <= found.behind_at_most)
    assert found.behind == pytest.approx(27 - 3 * APART, abs=1.5)


def test_the_best_of_close_policies_survives_and_some_others_do_not() -> None:
    luck, lost, told_apart = np.random.default_rng(2), 0, 0
    truth = np.array([0.0, 0.1, 0.2, 0.6, 0.7])
    for _ in range(200):
        found = play(outcomes(luck, truth, 128))
        lost += 4 in found.out
        told_apart += 0 in found.out
    assert lost / 200 <= 0.05
    assert told_apart / 200 > 0.9


def test_a_difference_stays_open_until_the_seeds_run_out() -> None:
    values = np.stack([np.zeros(128), alternating(0.1, 128)])
    standings = [judge(values[:, :n], reference=0, margin=0.0).standings for n in (32, 64, 128)]
    assert standings == [("open", "leader"), ("open", "leader"), ("equal", "leader")]
    last = judge(values, reference=0, margin=0.0)
    assert last.settled
    assert last.tied == (0, 1)


def test_the_error_rate_is_shared_by_pairs_and_passed_on_to_those_left() -> None:
    """With t = 2.3 a policy is told apart from one other (limit 1.98), not from two (2.43: three pairs); when one of
    the two has gone, its level is passed on."""
    seeds, scale = 128, math.sqrt(128 / 127) / math.sqrt(128)
    close = -alternating(2.3 * scale, seeds)
    pair = judge(np.stack([np.zeros(seeds), close]), reference=0, rounds=(seeds,), margin=0.0)
    assert pair.standings == ("leader", "worse")
    twins = judge(np.stack([np.zeros(seeds), close, -alternating(1.0 * scale, seeds)]), reference=0, rounds=(seeds,),
                  margin=0.0)  # fmt: skip
    assert twins.standings == ("leader", "equal", "equal")
    after = judge(np.stack([np.zeros(seeds), close, -alternating(9.0 * scale, seeds)]), reference=0, rounds=(seeds,),
                  margin=0.0)  # fmt: skip
    assert after.standings == ("leader", "worse", "worse")


def test_the_same_evidence_is_not_enough_in_an_early_round() -> None:
    seeds = 32
    values = np.stack([np.zeros(seeds), -alternating(3.0 * math.sqrt(32 / 31) / math.sqrt(32), seeds)])
    assert judge(values, reference=0, rounds=(32,), margin=0.0).standings[1] == "worse"
    assert judge(values, reference=0, rounds=(32, 64, 128), margin=0.0).standings[1] == "open"


def test_within_the_margin_policies_are_equal_however_sure_the_difference() -> None:
    values = outcomes(np.random.default_rng(3), np.array([0.0, 50.0, 50.5]), 128)
    sure = judge(values, reference=0, rounds=(128,), margin=0.0)
    assert sure.standings == ("worse", "worse", "leader")
    generous = judge(values[:, :32], reference=0, margin=3.0)
    assert generous.standings == ("worse", "equal", "leader")
    assert generous.settled
    assert generous.behind_at_most[1] <= 3.0


def test_the_margin_comes_from_the_uplifts_error() -> None:
    values = outcomes(np.random.default_rng(4), np.array([0.0, 1.0, 2.0, 3.0]), 64)
    errors = [float(np.std(values[i] - values[0], ddof=1)) / 8 for i in (1, 2, 3)]
    assert judge(values, reference=0).margin == pytest.approx(np.median(errors))


def test_identical_policies_are_equal_at_once() -> None:
    base = np.random.default_rng(5).standard_normal(32)
    found = judge(np.stack([base, base + 1.0, base + 1.0]), reference=0)
    assert found.standings == ("worse", "leader", "equal")  # a constant loss on 32 seeds is no chance
    assert found.probability_best.tolist() == [0.0, 0.5, 0.5]
    alone = judge(np.stack([base, base]), reference=0)
    assert alone.standings == ("leader", "equal")
    assert alone.settled


def test_rows_that_are_out_are_not_looked_at() -> None:
    values = outcomes(np.random.default_rng(6), np.array([0.0, 0.0, 0.1]), 64)
    gone = np.vstack([values, np.full(64, math.nan)])
    found, without = judge(gone, reference=0, out={3}), judge(values, reference=0)
    assert found.standings == (*without.standings, "worse")
    assert found.probability_best.tolist() == [*without.probability_best.tolist(), 0.0]
    assert math.isnan(found.behind[3])
    assert found.margin == without.margin


def test_a_status_quo_that_is_out_still_measures_the_margin() -> None:
    values = outcomes(np.random.default_rng(7), np.array([-9.0, 0.0, 0.1]), 32)
    found = judge(values, reference=0, out={0})
    errors = [float(np.std(values[i] - values[0], ddof=1)) / math.sqrt(32) for i in (1, 2)]
    assert found.margin == pytest.approx(np.median(errors))


def test_bad_input_is_named() -> None:
    with pytest.raises(SpecError, match=r"no look is planned there \(got 33\)"):
        judge(np.random.default_rng(8).standard_normal((2, 33)), reference=0)
    with pytest.raises(StudyError, match="not a number"):
        judge(np.full((2, 32), math.nan), reference=0)
    with pytest.raises(StudyError, match="nobody is left"):
        judge(np.zeros((2, 32)), reference=0, out={0, 1})
    with pytest.raises(SpecError, match="2 seeds or more"):
        split_claim("clv", [1.0])


# -- naming -------------------------------------------------------------------------------------------------------


def test_probability_best_is_that_of_the_difference() -> None:
    d = alternating(1.0 / math.sqrt(128), 128)
    found = probability_best(np.stack([np.zeros(128), d]))
    assert found.sum() == pytest.approx(1.0)
    assert found[1] == pytest.approx(stats.norm.cdf(1.0), abs=0.03)
    assert np.array_equal(found, probability_best(np.stack([np.zeros(128), d])))


def test_probability_best_does_not_see_what_all_share() -> None:
    values = outcomes(np.random.default_rng(9), NEAR, 64, shared=0.0)
    shared = 1e6 * np.random.default_rng(10).standard_normal(64)
    assert probability_best(values + shared) == pytest.approx(probability_best(values), abs=2e-3)


def test_the_simplest_has_fewest_changes_then_the_smallest() -> None:
    changes, sizes = [0, 3, 2, 2, 2], [0.0, 0.1, 0.5, 0.4, 0.4]
    assert simplest((1, 2, 3, 4), changes, sizes) == 3
    assert simplest({0, 3}, changes, sizes) == 0
    assert simplest((1,), changes, sizes) == 1


# -- claims -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coverage:
    """Shares of studies in which an interval holds the truth about the leader; bias of the claim."""

    split: float
    simultaneous: float
    together: float  # all finalists at once
    naive: float
    split_bias: float
    naive_bias: float


def coverage(truth: Floats, seed: int) -> Coverage:
    """Studies of ten finalists and a status quo of value 0; the leader on 32 seeds is named."""
    luck, rows = np.random.default_rng(seed), []
    for _ in range(STUDIES):
        values = outcomes(luck, np.concatenate([[0.0], truth]), SEEDS)
        uplifts = values[1:] - values[0]
        named = int(uplifts.mean(axis=1).argmax())
        further = outcomes(luck, np.array([0.0, truth[named]]), SEEDS)
        split = split_claim("clv", further[1] - further[0])
        claims, naive = simultaneous_claims("clv", uplifts), difference("clv", uplifts[named])
        held = [c.low <= t <= c.high for c, t in zip(claims, truth, strict=True)]
        hit = [c.low <= truth[named] <= c.high for c in (split, naive)]
        rows.append([hit[0], held[named], all(held), hit[1], split.mean - truth[named], naive.mean - truth[named]])
    return Coverage(*np.mean(rows, axis=0).tolist())


@pytest.mark.parametrize(("truth", "seed"), [(NEAR, 21), (APART, 22)], ids=["near", "apart"])
def test_claims_cover_after_the_choice(truth: Floats, seed: int) -> None:
    """Nominal 95 %. Further seeds cover as stated; one interval for all does so for all at once, so errs on the safe
    side for the one that is named. Negative control: the plain interval on the seeds of the choice."""
    found = coverage(truth, seed)
    assert 0.93 <= found.split <= 0.97
    assert 0.93 <= found.together <= 0.97
    assert found.simultaneous >= 0.95
    assert abs(found.split_bias) < 0.04  # 4 standard errors: 0.25 / sqrt(500)
    if truth is NEAR:
        assert found.naive < 0.90
        assert found.naive_bias > 0.1
    else:
        assert found.simultaneous > 0.98


def test_the_status_quo_among_the_finalists_claims_nothing() -> None:
    uplifts = np.vstack([np.zeros(SEEDS), np.random.default_rng(11).standard_normal((3, SEEDS))])
    base, *others = simultaneous_claims("clv", uplifts)
    assert (base.low, base.mean, base.high) == (0.0, 0.0, 0.0)
    assert others == list(simultaneous_claims("clv", uplifts[1:]))
    assert simultaneous_claims("clv", np.zeros((1, SEEDS)))[0].high == 0.0


def test_one_finalist_needs_no_correction() -> None:
    uplift = np.random.default_rng(12).standard_normal(SEEDS)
    plain, one = difference("clv", uplift), simultaneous_claims("clv", uplift[None])[0]
    assert one.half_width == pytest.approx(plain.half_width, rel=0.03)
    assert split_claim("clv", uplift) == plain
