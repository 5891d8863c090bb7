"""What accepted and refused estimates make of a scenario, and what a check of effects writes down."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd

from agents.behaviours import CouponUse
from agents.effects import Effects
from agents.scenario import Scenario
from experiments.causal.check import EffectsCheck
from experiments.causal.document import markdown, save
from experiments.effects import Effect
from experiments.ground import with_logged_effects
from experiments.reporting.figures_effects import effects_info, plot_effects

COUPON = Effect(
    name="coupon_issued", mean=0.3, sd=0.05, scale="logit", n=900, placebo_mean=0.01, placebo_sd=0.05, passed=True,
    source="test", verdict="accepted: here", method="doubly robust", replaces="coupon", in_world=3.9, in_world_sd=0.6,
    take_up=0.41,
)  # fmt: skip
ADVERT = replace(COUPON, name="message_advert", replaces="advert", in_world=0.2, in_world_sd=0.04, take_up=math.nan)


def test_accepted_estimates_enter_and_others_leave_the_prior() -> None:
    refused = replace(ADVERT, passed=False, verdict="refused: its placebo; use a cited prior")
    scenario, notes = with_logged_effects(Scenario(title="any"), {"coupon_issued": COUPON, "message_advert": refused})
    assert (scenario.effects.coupon.mean, scenario.effects.coupon.sd) == (3.9, 0.6)
    assert scenario.effects.coupon.identified
    use = scenario.behaviours["coupon_use"]
    assert isinstance(use, CouponUse)
    assert use.take_up == 0.41
    assert scenario.effects.advert == Effects().advert
    assert any("advert: the cited prior; refused: its placebo" in note for note in notes)
    assert any("trust: the cited prior; the logs have nothing" in note for note in notes)


def test_the_narrowest_of_several_counts() -> None:
    wide = replace(COUPON, name="coupon, wide", in_world=9.0, in_world_sd=2.0)
    scenario, _ = with_logged_effects(Scenario(title="any"), {"a": wide, "b": COUPON, "c": ADVERT})
    assert scenario.effects.coupon.mean == 3.9
    assert scenario.effects.advert.mean == 0.2
    assert scenario.behaviours["coupon_use"].model_dump()["take_up"] == 0.41  # an advert brings no take-up


def test_what_cannot_be_told_from_nothing_is_said_so() -> None:
    weak = replace(COUPON, mean=0.05)
    _, notes = with_logged_effects(Scenario(title="any"), {"coupon_issued": weak})
    assert "not distinguishable from nothing" in notes[0]


def test_the_document_tells_every_verdict(tmp_path: Path) -> None:
    unknown = replace(ADVERT, mean=math.nan, sd=math.nan, passed=False, verdict="refused: nobody was left out")
    check = EffectsCheck("mine", None, {"coupon_issued": COUPON, "advert": unknown}, {}, {"versions": {"siyu": "1"}})
    text = markdown([check])
    assert "+0.300 [+0.202, +0.398]" in text
    assert "+3.90 ± 0.60, take-up 41.0%" in text
    assert "refused: nobody was left out" in text
    assert "Bijmolt" in text
    told = json.loads(save([check], tmp_path / "effects.json").read_text())
    assert told["mine"]["effects"]["advert"]["mean"] is None


def test_the_forest_shows_what_there_is() -> None:
    unknown = replace(ADVERT, mean=math.nan)
    info = effects_info({"a": COUPON, "b": unknown, "c": replace(ADVERT, passed=False)})
    assert info["name"].tolist() == ["a", "c"]
    pd.testing.assert_series_equal(info["low"], pd.Series([0.202, 0.202]), check_names=False)
    ax = plot_effects(info)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "c"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["accepted", "refused", "placebo"]


def test_an_empty_check_keeps_every_prior() -> None:
    check = EffectsCheck("bare", None, {}, {}, {"versions": {}})
    assert "every prior stays" in markdown([check])
