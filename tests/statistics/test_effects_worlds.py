"""Closed tests: worlds of the product's own engine write logs, and the estimates must hold what is true there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "truth", "propensity"), [("lot", 4.4, 0.4), ("rising", 4.4, None), ("heavy", 0.0, None)]
)
def test_intervals_hold_the_truth(rule: str, truth: float, propensity: float | None) -> None:
    """20 worlds: at most two wrong, and most not refused. Right 95 % intervals fail this 7.5 % of the time."""
    found = [estimated(seed, rule, truth, propensity) for seed in range(20)]
    used = [effect for effect in found if effect.passed]
    assert len(used) >= 10
    assert np.sum([not holds(effect, truth) for effect in used]) <= 2
