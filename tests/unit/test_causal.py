"""Parts of the estimates: windows and waves, the dose, the library, Qini by hand, the e-mail test's known numbers."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from agents.effects import EFFECT_NAMES, Effects
from experiments.causal import doubly_robust
from experiments.causal.comparison import compare, compared, folds_of
from experiments.causal.dose import CouponWave, coupon_dose, log_odds, moments
from experiments.causal.effect import Estimate, Refutation, verdict_of
from experiments.causal.email_test import EmailTest, analyse
from experiments.causal.episodes import _chance
from experiments.causal.orders import Diary
from experiments.causal.priors import PRIORS, prior_of
from experiments.causal.uplift import coefficient, curve
from experiments.causal.waves import Wave
from experiments.data.trials import load_hillstrom
from experiments.reporting.figures_effects import plot_qini, qini_info
from sim.errors import DataError


@pytest.fixture(scope="module")
def email() -> EmailTest:
    return analyse(load_hillstrom())


def confounded(n: int = 4000, effect: float = 0.1) -> tuple[np.ndarray, ...]:
    """Those who order more are sent more; chance, history and outcome of each."""
    luck = np.random.default_rng(1)
    x = luck.normal(size=(n, 1))
    chance = 1 / (1 + np.exp(-x[:, 0]))
    sent = (luck.random(n) < chance).astype(float)
    y = (luck.random(n) < 0.3 + 0.15 * np.tanh(x[:, 0]) + effect * sent).astype(float)
    return y, sent, chance, x, np.arange(n)


def test_a_diary_counts_adds_and_remembers() -> None:
    rows = pd.DataFrame({"customer": [0, 0, 2], "day": [3, 7, 5]})
    diary = Diary(rows, np.array([1.0, 2.0, 4.0]))
    who, first, end = np.array([0, 0, 1, 2]), np.array([3, 4, 0, 0]), np.array([7, 99, 99, 6])
    assert diary.count(who, first, end).tolist() == [1, 1, 0, 1]
    assert diary.total(who, first, end).tolist() == [1.0, 2.0, 0.0, 4.0]
    assert diary.last_before(who, np.array([7, 8, 9, 5])).tolist() == [3, 7, -1, -1]


def test_known_chances_undo_the_choice() -> None:
    y, sent, chance, x, customer = confounded()
    naive = y[sent == 1].mean() - y[sent == 0].mean()
    found = compare(y, sent, chance, x, customer)
    assert naive > 0.15
    assert found.effect.mean == pytest.approx(0.1, abs=2.5 * found.effect.sd)
    assert found.effect.sd < 0.025
    assert found.influence().sum() == pytest.approx(0, abs=1e-9)


def test_rows_written_twice_are_no_new_evidence() -> None:
    y, sent, chance, _, customer = confounded(500)
    once = compared(y, sent, chance, np.full(500, 0.3), customer).effect
    again = compared(*(np.tile(a, 2) for a in (y, sent, chance, np.full(500, 0.3), customer))).effect
    assert (again.mean, again.sd) == pytest.approx((once.mean, once.sd), rel=1e-6)


def test_the_library_and_the_score_agree() -> None:
    y, sent, chance, x, customer = confounded()
    found = doubly_robust.doubly_robust(y, sent, chance, x, customer)
    by_hand = compared(y, sent, chance, found.untouched, customer).effect
    assert found.effect.mean == pytest.approx(by_hand.mean, abs=0.002)
    assert found.effect.sd == pytest.approx(by_hand.sd, rel=0.05)


def test_customers_stay_in_one_fold() -> None:
    customer = np.array([5, 9, 5, 7, 9])
    fold = folds_of(customer)
    assert fold[0] == fold[2]
    assert fold[1] == fold[4]


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubly_robust, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "doubleml", raising=False)
    with pytest.raises(DataError, match=r"pip install 'siyu\[causal\]'"):
        doubly_robust.need_library()


def test_log_odds_on_a_day_of_a_one_day_window_are_log_odds() -> None:
    """.2 to .3: log(.3/.7) − log(.2/.8) = .539; and its error is the slope 1/(p(1−p)) times that of the share."""
    found = log_odds(Estimate(0.1, 0.001), np.full(50, 0.2), np.full(50, 1.0))
    assert found.mean == pytest.approx(0.539, abs=0.001)
    assert found.sd == pytest.approx(0.001 / 0.21, rel=0.01)


def test_a_lot_has_one_chance() -> None:
    """Held-out customers stand against everybody who was sent it: with chances that differ they are no comparison."""

    def wave(held_out: int | None, *propensity: float) -> Wave:
        out = None if held_out is None else np.arange(100, 100 + held_out)
        given = np.repeat(propensity, 80 // len(propensity)) if propensity else None
        return Wave(30, 7, 0.1, 0, 7, np.arange(80), out, given)

    assert _chance(wave(20), 80, 20) == pytest.approx(0.8)
    assert _chance(wave(20, 0.75), 80, 20) == pytest.approx(0.75)
    assert np.isnan(_chance(wave(20, 0.9, 0.3), 80, 20))
    assert _chance(wave(None, 0.75), 80, 20) == pytest.approx(0.75)
    assert np.isnan(_chance(wave(None, 0.2), 80, 20))  # many more were sent it than by that chance
    assert np.isnan(_chance(wave(None), 80, 20))


def test_the_dose_of_exact_moments_is_the_truth() -> None:
    """Two depths, made by the world's formulas: the pair that made them is found again."""
    sensitivity, weight = np.array([1.0]), np.array([1.0])
    waves = []
    for depth in (0.1, 0.3):
        blank = CouponWave(depth, 3, np.full(5, 0.1), np.ones(5), 0.0, 0.0)
        excess, redeemed = moments(blank, 4.4, 0.35, sensitivity, weight)
        waves.append(CouponWave(depth, 3, np.full(5, 0.1), np.ones(5), excess, redeemed))
    found = coupon_dose(waves, np.eye(4) * 1e-6, 0.0)
    assert found.effect.mean == pytest.approx(4.4, abs=0.01)
    assert found.take_up.mean == pytest.approx(0.35, abs=0.001)
    assert found.fits > 0.99


def test_no_pull_redeems_and_brings_nothing() -> None:
    wave = CouponWave(0.2, 1, np.full(3, 0.1), np.ones(3), 0.0, 0.0)
    assert moments(wave, 0.0, 0.5, np.array([1.0]), np.array([1.0])) == pytest.approx((0.0, 0.05))


def test_every_refutation_can_refuse() -> None:
    real, placebo = Estimate(0.3, 0.05), Estimate(0.01, 0.05)
    assert verdict_of(100, real, placebo)[0]
    refused, why = verdict_of(100, real, placebo, (Refutation("a lot", 0.3, 0.01, False),))
    assert not refused
    assert "a lot gives +0.3" in why
    assert not verdict_of(100, real, Estimate(0.2, 0.05))[0]
    assert "<10 targeted" in verdict_of(7, real, placebo)[1]


def test_qini_by_hand() -> None:
    """Ranked: sent & came, other & stayed, sent & stayed, other & came. Gains 1, 1, 1, then 1 − 1·2/2 = 0."""
    score, sent, came = np.array([4.0, 3, 2, 1]), np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 1])
    gained = curve(score, sent, came) * 2
    assert gained.tolist() == [0, 1, 1, 1, 0]
    assert coefficient(gained) == pytest.approx(0.75)
    assert curve(-score, sent, came)[-1] == curve(score, sent, came)[-1]


def test_hillstrom_ships_whole() -> None:
    trial = load_hillstrom()
    assert len(trial) == 64_000
    assert trial["arm"].value_counts().to_dict() == {"women's e-mail": 21387, "men's e-mail": 21307, "none": 21306}


def test_hillstrom_effects_are_the_known_ones(email: EmailTest) -> None:
    """Visits +7.66 and +4.52 points, spend +.770 and +.424 dollars; all three roads agree."""
    known = {("men's e-mail", "visit"): 0.0766, ("women's e-mail", "visit"): 0.0452,
             ("men's e-mail", "spend"): 0.770, ("women's e-mail", "spend"): 0.424}  # fmt: skip
    for one in email.effects:
        if (one.email, one.outcome) in known:
            assert one.difference.mean == pytest.approx(known[one.email, one.outcome], abs=0.0005)
        for road in (one.adjusted, one.robust):
            assert abs(road.mean - one.difference.mean) < 0.2 * one.difference.sd
            assert road.sd <= 1.01 * one.difference.sd
        assert one.passed


def test_womens_email_moves_those_who_buy_womens(email: EmailTest) -> None:
    part = email.segments[(email.segments["email"] == "women's e-mail") & (email.segments["segment"] == "womens")]
    no, yes = part.sort_values("value")["mean"]
    assert (no, yes) == pytest.approx((0.0111, 0.0731), abs=0.0005)
    assert email.qinis["women's e-mail"].interval[0] > 0  # a model of the other half knows it
    assert email.qinis["men's e-mail"].interval[0] < 0  # where there is nothing to know, none is claimed
    assert email.qinis["women's e-mail"].gained[-1] == pytest.approx(0.0452, abs=0.01)


def test_the_qini_figure_draws_what_was_computed(email: EmailTest) -> None:
    info = qini_info(email.qinis)
    ax = plot_qini(info)
    assert [line.get_ydata()[-1] for line in ax.get_lines()[:1]] == [100 * info["gained"].iloc[100]]


def test_defaults_lie_within_their_priors() -> None:
    effects = Effects()
    for name in EFFECT_NAMES:
        prior = prior_of(name)
        assert prior is not None
        assert prior.value == getattr(effects, name).mean
        assert prior.low <= prior.value <= prior.high
    assert all(prior.source for prior in PRIORS)
