"""Complete Journey, trained to 30 September 2017: October to December are forecast as well as by models made for it."""

from __future__ import annotations

import pytest

from experiments.data import load_logs
from experiments.train import Training, train

pytestmark = pytest.mark.slow

# AUC and log-loss of the best model for each question alone (boosted trees, data.md), and what a worse one may lose.
DIRECT = {"week": (0.832, 0.502), "four_weeks": (0.881, 0.311), "eight_weeks": (0.894, 0.212)}
ALLOWED = 0.003


@pytest.fixture(scope="module")
def training() -> Training:
    return train(load_logs("complete_journey"))


def test_the_default_cut_off_leaves_the_last_quarter(training: Training) -> None:
    assert str(training.models.cut_off) == "2017-09-30"
    assert training.card.tasks["week"].rows == 31_944


def test_one_set_of_hazards_answers_every_horizon_like_a_model_made_for_it(training: Training) -> None:
    for name, (auc, log_loss) in DIRECT.items():
        model = training.card.tasks[name].scores["model"]
        assert model.auc is not None
        assert model.auc > auc - ALLOWED, name
        assert model.log_loss < log_loss + ALLOWED, name
        assert model.ece10 < 0.015, name


def test_every_simple_rule_and_the_boosted_trees_are_beaten(training: Training) -> None:
    for name in ("order", "week", "four_weeks", "eight_weeks", "lapse", "comeback"):
        scores = dict(training.card.tasks[name].scores)
        model = scores.pop("model")
        assert len(scores) >= 2
        for rival, score in scores.items():
            assert model.log_loss < score.log_loss, (name, rival)


def test_totals_are_unbiased(training: Training) -> None:
    assert training.card.tasks["order"].scores["model"].bias == pytest.approx(1.0, abs=0.02)
    assert training.card.tasks["week"].scores["model"].bias == pytest.approx(1.0, abs=0.02)
    # Baskets rise towards Christmas, which nine months of logs cannot tell: the mean of the past misses as much.
    scores = training.card.baskets["scores"]
    assert abs(scores["model"].error_percent) < 5
    assert scores["model"].mae_cents < scores["personal mean"].mae_cents < scores["overall mean"].mae_cents
    assert training.card.baskets["log_sd_of_ratio"] == pytest.approx(1.02, abs=0.04)
