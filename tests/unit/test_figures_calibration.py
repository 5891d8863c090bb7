"""Pictures of a calibration: the numbers behind them, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.calibrating.checks import FactCheck, Marginal
from experiments.reporting.figures_calibration import (
    BINS,
    marginal_info,
    plot_marginal,
    plot_predictive,
    predictive_info,
)

FACTS = (
    FactCheck("mutes", "mutes", 0.2, 0.04, 0.1, 0.22, 0.3),
    FactCheck("sales", "sales", 100.0, 5.0, 110.0, 120.0, 130.0),
    FactCheck("none", "none", 0.0, 2.0, 0.0, 1.0, 4.0),
)
MARGINALS = (
    Marginal("behaviours.reaction.mute", 0.0, 12.0, 1, 2, 3, 0.2, 0.5, told=True),
    Marginal("margin", 0.0, 1.0, 0, 0.5, 1, 1.0, 0.05, told=False),
)


def test_facts_stand_on_one_scale() -> None:
    info = predictive_info(FACTS)
    assert info["observed"].tolist() == [1.0, 1.0, 0.0]
    assert info.loc[0, ["low", "median", "high", "tolerance"]].tolist() == pytest.approx([0.5, 1.1, 1.5, 0.2])
    assert info.loc[2, ["low", "median", "high", "tolerance"]].tolist() == pytest.approx([0.0, 0.5, 2.0, 1.0])
    assert info["fits"].tolist() == [True, False, True]


def test_the_fact_that_fails_is_drawn_apart() -> None:
    ax = plot_predictive(predictive_info(FACTS))
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["90 % of what would be measured", "the same, fact outside", "observed ± tolerance"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["mutes", "sales", "none"]


def test_a_marginal_is_a_density_relative_to_the_span() -> None:
    points = np.array([[0.01, 0.5], [0.02, 0.9], [0.99, 0.1]])
    edges = [np.linspace(0, 12, BINS + 1), np.linspace(0, 1, BINS + 1)]
    info = marginal_info(points, np.array([0.25, 0.5, 0.25]), MARGINALS, edges)
    mute = info[info["path"] == "behaviours.reaction.mute"]
    assert mute["density"].mean() == pytest.approx(1)
    assert mute["density"].iloc[0] == pytest.approx(0.75 * BINS)
    assert mute["density"].iloc[-1] == pytest.approx(0.25 * BINS)
    assert (mute["left"].iloc[0], mute["right"].iloc[-1]) == (0, 12)


def test_a_value_that_is_not_identified_says_so() -> None:
    points = np.full((1, 2), 0.5)
    edges = [np.linspace(0, 12, BINS + 1), np.linspace(0.1, 1, BINS + 1)]
    info = marginal_info(points, np.ones(1), MARGINALS, edges)
    said = {}
    for marginal, log in zip(MARGINALS, (False, True), strict=True):
        ax = plot_marginal(info[info["path"] == marginal.path], Figure().add_subplot(), log=log)
        said[marginal.path] = [text.get_text() for text in ax.get_legend().get_texts()][1]
        assert ax.get_xscale() == ("log" if log else "linear")
    assert said == {"behaviours.reaction.mute": "the facts leave", "margin": "not identified"}
