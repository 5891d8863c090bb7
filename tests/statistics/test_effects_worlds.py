"""Closed tests: worlds of the product's own engine write logs, and the estimates must hold what is true there."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binom, norm

from agents.scenario import Scenario
from experiments.causal.touches import study
from experiments.effects import Effect, logged_effects
from tests.logged_worlds import lived, written

COUPON: dict[str, Any] = {"kind": "drawn_coupon", "depth": 0.15, "valid_days": 7}


def estimated(seed: int, rule: str, coupon: float, propensity: float | None, n: int = 4000) -> Effect:
    """The coupon effect of a world, as a scenario takes it."""
    action = {**COUPON, "rule": rule, "calendar": {"every_days": 14, "from_day": 60}}
    world = lived(seed, {"c": action}, n=n, coupon=coupon)
    logs = written(world, propensity=propensity)
    return logged_effects(logs, cut_off_day=logs.last_day, scenario=world.spec)["coupon_issued"]


def holds(effect: Effect, truth: float) -> bool:
    """Whether the 95 % interval on the scenario's scale holds the truth."""
    return abs(effect.in_world - truth) <= 1.96 * effect.in_world_sd


def test_coupons_by_lot_tell_the_effect_and_the_take_up() -> None:
    effect = estimated(0, "lot", 4.4, 0.4)
    assert (effect.method, effect.passed, effect.replaces) == ("randomised", True, "coupon")
    assert holds(effect, 4.4)
    assert effect.in_world > 4 * effect.in_world_sd  # not by being wide
    assert effect.take_up == pytest.approx(0.35, abs=0.05)


def test_rising_customers_fool_a_comparison_and_differences() -> None:
    """Targets ordered just before and would order again; nothing has an effect."""
    action = {**COUPON, "rule": "rising", "calendar": {"every_days": 14, "from_day": 60}}
    logs = written(lived(0, {"c": action}, n=3000, coupon=0.0))
    robust, differences = study(logs, "coupon_issued", cut_off_day=logs.last_day)
    data = robust.data
    naive = data.ordered[data.sent == 1].mean() - data.ordered[data.sent == 0].mean()
    assert naive > 0.05
    assert not differences.effect.passed
    assert differences.effect.interval[1] < 0  # regression to the mean, claimed as harm
    assert not robust.effect.passed or robust.effect.interval[0] < 0 < robust.effect.interval[1]


def test_touches_without_others_are_refused() -> None:
    """Everybody was sent it: there is nobody to compare with, and no number is made up."""
    action = {**COUPON, "share": 1.0, "calendar": {"every_days": 14, "from_day": 60}}
    logs = written(lived(1, {"c": action}, n=500, coupon=4.4))
    found = logged_effects(logs, cut_off_day=logs.last_day, scenario=Scenario(title="any"))
    assert not any(effect.passed for effect in found.values())


WORLDS = 9
CASES: dict[str, tuple[str, float, float | None]] = {
    "by lot": ("lot", 4.4, 0.4),
    "by the last two weeks": ("rising", 4.4, None),
    "by a latent rate": ("heavy", 0.0, None),
}
LEVEL = 0.01


def may_be_right(wrong: int, of: int) -> bool:
    """Whether right 95 % intervals miss so many truths or more in over one of a hundred such samples."""
    return bool(binom.sf(wrong - 1, of, 0.05) > LEVEL)


@pytest.fixture(scope="module")
def found() -> dict[str, list[Effect]]:
    """Effects that stand, of ``WORLDS`` worlds for each case."""
    return {
        name: [effect for seed in range(WORLDS) if (effect := estimated(seed, *case)).passed]
        for name, case in CASES.items()
    }


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_intervals_hold_the_truth(found: dict[str, list[Effect]], case: str) -> None:
    """False alarm below 1 % for each case; of nine, three misses fail.

    Intervals that hold the truth 60 % of the time fail 77 % of the time in a case and 99 % of the time in one of three.
    """
    used, truth = found[case], CASES[case][1]
    assert len(used) > WORLDS / 2  # refusing everything would be no answer
    assert may_be_right(sum(not holds(effect, truth) for effect in used), len(used))


@pytest.mark.long
def test_narrower_intervals_would_not(found: dict[str, list[Effect]]) -> None:
    """Negative control: the same estimates with errors that hold the truth 60 % of the time if these do 95 %."""
    used = [(effect, CASES[case][1]) for case, effects in found.items() for effect in effects]
    wrong = sum(abs(effect.in_world - truth) > norm.ppf(0.8) * effect.in_world_sd for effect, truth in used)
    assert not may_be_right(wrong, len(used))
