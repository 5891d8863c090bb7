"""The check against known optima: what it refuses, and small studies that must pass it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.known_answers.a_retention import Retention
from experiments.known_answers.c_budget import SegmentBudget
from experiments.known_answers.equal_policies import EqualPolicies
from experiments.known_answers.f_group_buy import GroupDeal
from experiments.optimum import (
    Case,
    CaseResult,
    FixedPolicy,
    OptimumCheck,
    Studied,
    check_optimum,
    study,
)
from experiments.optimum_document import markdown, save
from experiments.run import Workers
from sim import SiyuError

GOOD = Studied(
    case="x", seed=1, truth=99.9, best=100.0, ceiling=None, claimed=100.0, low=99.0, high=101.0, trials=80, seconds=9.0,
    spend=None, limit=None, shadow_price=None, exact_price=None,
)  # fmt: skip


def result(**changes: Any) -> CaseResult:
    return CaseResult("x", tuple(replace(GOOD, seed=i, **changes) for i in range(20)))


def test_good_studies_miss_nothing() -> None:
    assert result().missed() == ()
    assert result().median_regret == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"truth": 99.0, "claimed": 99.0}, "median regret 1.00%"),
        ({"claimed": 101.0}, "off on average"),
        ({"ceiling": 99.8}, "worth more than the best"),
        ({"trials": 301}, "more than 300 trials"),
        ({"seconds": 500.0}, "more than 120 seconds"),
        ({"spend": 10.2, "limit": 10.0}, "exceeded by 2.00%"),
        ({"shadow_price": 1.2, "exact_price": 1.0}, "20.0% off"),
    ],
)
def test_each_target_can_be_missed(changes: dict[str, Any], words: str) -> None:
    (missed,) = result(**changes).missed()
    assert words in missed


def test_a_tail_of_bad_studies_is_seen() -> None:
    studies = [GOOD] * 17 + [replace(GOOD, truth=95.0, claimed=95.0)] * 3
    (missed,) = CaseResult("x", tuple(studies)).missed()
    assert "90th percentile" in missed


def test_coverage_is_judged_over_all_studies() -> None:
    held = OptimumCheck((), (result(),), ())
    lost = OptimumCheck((), (result(low=99.95, high=100.0),), ())
    assert held.coverage == (20, 20)
    assert held.missed() == ()  # 20 of 20 are too few to call intervals too wide
    assert "hold the truth in 0 of 20" in lost.missed()[0]
    many = OptimumCheck((), tuple(result() for _ in range(40)), ())
    assert "800 of 800" in many.missed()[0]  # but not 800 of 800


def test_fixed_policies_are_judged_by_their_standard_error() -> None:
    right = FixedPolicy("x", "p", exact=100.0, simulated=100.9, error=0.3, best=120.0, customers=100_000)
    wrong = replace(right, simulated=101.3)
    assert right.passes
    assert not wrong.passes
    assert not replace(right, error=0.0).passes
    assert "standard errors off" in OptimumCheck((wrong,), (), ()).missed()[0]


def test_equal_policies_that_are_told_apart_are_told() -> None:
    test = EqualPolicies("comparison", 1000, 90, 0.07, 0.11, (0.035, 0.065))
    assert "told them apart" in OptimumCheck((), (), (test,)).missed()[0]


def test_document_has_every_number(tmp_path: Path) -> None:
    check = OptimumCheck(
        (FixedPolicy("x", "p", 100.0, 100.1, 0.3, 120.0, 100_000),), (result(claimed=101.0),), ()
    )  # fmt: skip
    text = save(check, tmp_path / "optimum.md").read_text(encoding="utf-8")
    assert text == markdown(check)
    assert "| x | p | 100.000 | 100.100 | 0.300 | +0.3 | 100,000 |" in text
    assert "0.100%" in text
    assert "Targets missed" in text
    save(check, tmp_path / "optimum.json")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            Case("A", lambda: Retention().question(customers=2000), {"trials": 60, "holdout_replicates": 16}),
            marks=pytest.mark.long,
        ),
        Case("F", lambda: GroupDeal().question(groups=800), {"trials": 60, "holdout_replicates": 16}),
    ],
    ids=lambda case: case.name,
)
def test_a_small_study_finds_the_optimum(case: Case) -> None:
    question = case.ask()
    found = study(case, question, 1, Workers([question.scenario], processes=1))
    assert 0 <= found.regret < 0.01
    assert abs(found.bias) < 0.02
    assert found.low < found.claimed < found.high


@pytest.mark.long
def test_a_budget_is_kept_and_has_its_price() -> None:
    case = Case("C2", lambda: SegmentBudget().question(customers=20_000))
    question = case.ask()
    with Workers([question.scenario], processes=2) as workers:
        found = study(case, question, 1, workers)
    assert 0 <= found.regret < 0.02
    assert found.spend is not None
    assert found.limit is not None
    assert found.spend <= found.limit * 1.005
    assert found.shadow_price == pytest.approx(found.exact_price, rel=0.15)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["F"], marks=pytest.mark.slow),
        pytest.param(["A", "B coupon habit", "C coupon depth", "C2 budget"], marks=pytest.mark.long),
    ],
)
def test_engine_gives_the_exact_value_of_fixed_policies(names: list[str]) -> None:
    """Status quo and policies spread over the space, 100,000 customers each; D and E have their own tests of that."""
    check = check_optimum(names=names, studies=0, comparisons=0, processes=2)
    assert {f.case.split()[0] for f in check.fixed} == {name.split()[0] for name in names}
    assert min(f.customers for f in check.fixed) >= 100_000
    assert not check.missed()
    assert np.mean([abs(f.z) < 2 for f in check.fixed]) > 0.7  # four standard errors are not a licence for two


def test_unknown_world_is_refused() -> None:
    with pytest.raises(SiyuError, match="no such case"):
        check_optimum(names=["Z"])


def test_command_says_no_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for claimed, code in ((100.0, 0), (102.0, 1)):
        check = OptimumCheck((), (result(claimed=claimed, high=103.0),), ())
        monkeypatch.setattr("experiments.optimum.check_optimum", lambda check=check, **_: check)
        assert CliRunner().invoke(app, ["validate", "optimum"]).exit_code == code
