"""Objectives under uncertainty: closed forms, small tables by hand, and intervals that hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments.compare import difference
from experiments.searching.objective import Objective, cvar, regrets
from sim.errors import SpecError, StudyError
from sim.spec import validate

ONE_WORLD = np.zeros(10, int)
MEAN, CVAR, REGRET = Objective(), Objective(measure="cvar", tail=0.2), Objective(measure="regret")


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_the_tail_is_weighed_exactly() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert cvar(values, 0.2) == pytest.approx(1.0)
    assert cvar(values, 0.4) == pytest.approx(1.5)
    assert cvar(values, 0.3) == pytest.approx((1 + 0.5 * 2) / 1.5)  # half of the second replicate belongs to the tail
    assert cvar(values, 0.999) == pytest.approx(3.0, abs=0.01)
    assert cvar([1.0, 2.0, 3.0], 0.25, [0.125, 0.5, 0.375]) == pytest.approx(0.5 * 1 + 0.5 * 2)


def test_the_mean_of_one_world_is_the_paired_difference() -> None:
    """In the plain case nothing may differ from what the other commands print."""
    up = np.random.default_rng(1).normal(2, 1, (3, 10))
    judged, plain = MEAN.judge(up, ONE_WORLD), [difference("clv", u) for u in up]
    assert (judged.pseudo == up).all()
    assert judged.values == pytest.approx([d.mean for d in plain])
    assert judged.low == pytest.approx([d.low for d in plain])
    between = difference("clv", up[0] - up[1])
    assert judged.contrast(0, 1).value == pytest.approx(between.mean)
    assert judged.contrast(0, 1).high == pytest.approx(between.high)


def test_worlds_weigh_alike_however_many_replicates_they_have() -> None:
    up, world = np.array([[1.0, 1.0, 1.0, 1.0, 5.0, 5.0]]), np.array([0, 0, 0, 0, 1, 1])
    assert MEAN.scores(up, world) == pytest.approx([3.0])
    assert Objective(measure="cvar", tail=0.5).scores(up, world) == pytest.approx([1.0])
    judged = MEAN.judge(up, world)
    assert judged.low == pytest.approx([3.0])  # nothing varies within the worlds
    assert judged.pseudo.mean(axis=1) == pytest.approx([3.0])


def test_the_error_of_a_mean_over_worlds_is_the_stratified_one() -> None:
    rng = np.random.default_rng(2)
    world = np.repeat([0, 1, 2], [4, 6, 2])
    up = rng.normal([[0, 0, 0, 0, 9, 9, 9, 9, 9, 9, -4, -4]], 1.0)
    judged = MEAN.judge(up, world)
    error = math.sqrt(sum(up[0, world == w].var(ddof=1) / (world == w).sum() for w in range(3))) / 3
    half = stats.t.ppf(0.975, 12 - 3) * error
    assert judged.high - judged.values == pytest.approx([half])
    assert judged.pseudo.std(ddof=1) / 12**0.5 == pytest.approx(error)
    assert judged.pseudo.mean() == pytest.approx(judged.values[0])


def test_one_replicate_a_world_counts_their_spread_as_luck() -> None:
    up = np.random.default_rng(3).normal(0, 1, (1, 10))
    assert MEAN.judge(up, np.arange(10)).high == pytest.approx(MEAN.judge(up, ONE_WORLD).high)


def test_regrets_by_hand() -> None:
    """Means by world: A 4, 0; B 1, 3; C 3, 2. Behind: A 0, 3; B 3, 0; C 1, 1. C never wins and is chosen."""
    means = np.array([[4.0, 0.0], [1.0, 3.0], [3.0, 2.0]])
    world = np.array([0, 1, 0, 1])
    up = means[:, world] + np.array([-0.1, -0.1, 0.1, 0.1])
    assert regrets(up, world) == pytest.approx(np.array([[0, 3], [3, 0], [1, 1]]))
    judged = REGRET.judge(up, world)
    assert judged.values == pytest.approx([-3, -3, -1])
    assert judged.low == pytest.approx(judged.high)  # luck is shared by all
    assert judged.pseudo.mean(axis=1) == pytest.approx(judged.values)
    assert int(MEAN.scores(up, world).argmax()) == 2
    assert REGRET.scores(up[:2], world) == pytest.approx([-3, -3])


def test_measures_disagree_where_they_should() -> None:
    """Bold earns most on average, steady loses least, and the mean is the default."""
    rng = np.random.default_rng(4)
    up = np.stack([3 + 4 * rng.standard_normal(400), 2 + 0.5 * rng.standard_normal(400)])
    assert [int(o.scores(up, np.zeros(400)).argmax()) for o in (MEAN, CVAR)] == [0, 1]


# -- closed forms and coverage ----------------------------------------------------------------------------------------


def test_the_normal_tail_has_its_closed_form() -> None:
    """Mean of the worst share a of a normal: mu − sd · φ(z_a) / a."""
    x = np.random.default_rng(5).normal(3, 2, 400_000)
    for tail in (0.05, 0.1, 0.25):
        truth = 3 - 2 * stats.norm.pdf(stats.norm.ppf(tail)) / tail
        judged = Objective(measure="cvar", tail=tail).judge(x, np.zeros(len(x)))
        assert judged.values[0] == pytest.approx(truth, abs=0.03)
        assert judged.low[0] < truth < judged.high[0]


def test_tail_intervals_hold() -> None:
    for tail, n in ((0.1, 32), (0.25, 64)):
        x = np.random.default_rng(6).normal(size=(2000, n))
        truth = -stats.norm.pdf(stats.norm.ppf(tail)) / tail
        judged = Objective(measure="cvar", tail=tail).judge(x, np.zeros(n))
        assert 0.90 < ((judged.low < truth) & (truth < judged.high)).mean() < 0.99


def test_a_tail_over_worlds_is_the_tail_of_their_mixture() -> None:
    """Two worlds, N(0, 1) and N(4, 1): the worst quarter is the worst half of the first but for the overlap."""
    rng, world = np.random.default_rng(7), np.arange(40) % 2
    x = rng.normal(4 * world, 1.0, (1500, 40))
    judged = Objective(measure="cvar", tail=0.25).judge(x, world)
    truth = -stats.norm.pdf(0) / 0.5
    assert judged.values.mean() == pytest.approx(truth, abs=0.06)
    assert 0.88 < ((judged.low < truth) & (truth < judged.high)).mean() <= 0.99


def test_regret_intervals_hold_for_all_policies_at_once() -> None:
    rng, inside = np.random.default_rng(8), []
    for _ in range(150):
        means, world = rng.normal(size=(4, 8)), np.arange(32) % 8
        truth = -(means.max(axis=0) - means).max(axis=1)
        judged = REGRET.judge(means[:, world] + 0.5 * rng.normal(size=(4, 32)), world)
        inside.append(((judged.low <= truth) & (truth <= judged.high)).all())
    assert np.mean(inside) > 0.93


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "replicates", "worlds", "said"),
    [
        (Objective(measure="cvar"), 19, 1,
         ("a tail of 0.1 needs 2 replicates inside, so 20 in all", "raise it to 20", "0.11")),
        (Objective(measure="cvar", tail=0.5), 3, 8, ("each of 8 worlds needs a replicate", "raise it to 8")),
        (MEAN, 4, 8, ("each of 8 worlds needs a replicate", "fewer worlds")),
        (REGRET, 15, 8, ("each of 8 worlds needs two replicates", "raise it to 16")),
        (REGRET, 15, 1, ("in one world the least regret is the highest mean", "name what is `uncertain`")),
    ],
)  # fmt: skip
def test_what_replicates_cannot_tell_is_refused(
    objective: Objective, replicates: int, worlds: int, said: tuple[str, ...]
) -> None:
    with pytest.raises(SpecError) as caught:
        objective.check(replicates, worlds)
    for words in said:
        assert words in str(caught.value)
    if worlds > 1 or objective.measure == "cvar":
        objective.check(objective.fewest_replicates(worlds), worlds)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"measure": "median"}, "'mean', 'cvar' or 'regret'"),
        ({"measure": "cvar", "tail": 0}, "above 0"),
        ({"measure": "cvar", "tail": 1}, "below 1"),
        ({"tail": 0.2}, "a tail belongs to measure cvar and not to mean"),
    ],
)
def test_an_objective_that_is_none(data: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        validate(Objective, data)
    assert said in str(caught.value)


def test_an_uplift_that_is_no_number_is_named() -> None:
    up = np.zeros((3, 10))
    up[2, 7] = np.nan
    with pytest.raises(StudyError, match="policy 2, replicate 7"):
        CVAR.judge(up, ONE_WORLD)


def test_words() -> None:
    assert CVAR.words() == "mean uplift in the worst 20 % of replicates"
