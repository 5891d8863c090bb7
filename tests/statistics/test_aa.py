"""A/A tests: equal policies are told apart as seldom as stated. Negative controls must fail."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.known_answers import equal_policies as aa


def test_a_hundred_comparisons() -> None:
    """Too few to measure 5 %, enough to see that it is neither 0 nor 20."""
    differences = aa.equal_differences(100, processes=1)
    assert len(np.unique(differences)) > 20  # the arms have luck of their own
    found = aa.compared(differences)
    assert 1 <= found.rejected <= 13  # binomial(100, .05) lies outside in 1 of 300 draws
    assert aa.raced(differences).rejected <= found.rejected
    assert aa.peeked(differences).rejected > found.rejected


def test_a_difference_that_is_there_is_seen() -> None:
    """Negative control: a shift by one standard deviation is no A/A test."""
    luck = np.random.default_rng(1)
    assert not aa.compared(luck.standard_normal((200, 8)) + 1.0).passes
    assert not aa.raced(luck.standard_normal((200, 8)) - 1.0).passes


def test_races_and_judgements_of_equals() -> None:
    assert aa.raced_against_the_best(1000).passes
    assert not aa.raced_against_the_best(1000, rivals=False).passes  # negative control
    assert aa.judged(150).rate <= 0.08


def test_a_rate_has_its_exact_interval() -> None:
    found = aa._rate("x", np.arange(100) < 5, (0.035, 0.065))
    assert (found.rate, found.passes) == (0.05, True)
    assert (found.low, found.high) == pytest.approx((0.01643, 0.11283), abs=1e-5)  # Clopper & Pearson
    assert str(found) == (
        "x: 5.0% of 100 comparisons of equal policies told them apart "
        "(95 % interval 1.6% to 11.3%; allowed 3.5% to 6.5%)"
    )  # fmt: skip
    assert not aa._rate("x", np.arange(100) < 7, (0.035, 0.065)).passes
    assert not aa._rate("x", np.arange(100) < 3, (0.035, 0.065)).passes


@pytest.mark.long
def test_a_thousand_comparisons() -> None:
    differences = aa.equal_differences(1000)
    assert aa.compared(differences).passes
    assert aa.raced(differences).passes
    assert aa.judged(1000).passes
    control = aa.peeked(differences)
    assert not control.passes
    assert control.low > 0.10
