"""What families ask of a search: documents that fit together, and a truth that is that of the engine."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from agents.policy import DO_NOTHING, Policy
from experiments.known_answers.a_retention import Retention
from experiments.known_answers.b_habituation import Habituation
from experiments.known_answers.c_coupon_depth import CouponDepth, LogitClass
from experiments.known_answers.d_cadence import Cadence
from experiments.known_answers.f_group_buy import GroupDeal
from experiments.known_answers.question import Question
from experiments.run import live
from experiments.searching.plan import SearchPlan
from experiments.searching.space.paths import with_values

TWO = (LogitClass(share=0.5, intercept=4.6, slope=0.05), LogitClass(share=0.5, intercept=3.4, slope=0.075))
STEEP = (LogitClass(share=0.3, intercept=6, slope=0.12), LogitClass(share=0.7, intercept=2, slope=0.03))
HABIT = Habituation(depths=(0.05, 0.20, 0.40), recencies=4, leaving=0.08, discount=0.95)
QUESTIONS: dict[str, Question] = {
    "spend": Retention().question(),
    "spend, loyal": Retention(margin=250, lowest=0.85, highest=0.97, gain=0.02, discount=0.25).question(periods=20),
    "thresholds": Habituation().question(),
    "depths by recency": Habituation().question(levers="depths"),
    "four depths": HABIT.question(months=20),
    "depth": CouponDepth().question(),
    "depths of two classes": CouponDepth(classes=TWO).question(),
    "one depth for two": CouponDepth(classes=TWO).question(targeted=False),
    "beyond the limit": CouponDepth(cost=5, classes=STEEP).question(),
    "cadence": Cadence().question(),
    "cadence, eager": Cadence(base=0.3, gain=10, saturation=0.25, hazard_per_square=5e-4, discount=0.01).question(
        weeks=300
    ),
    "group of ten": GroupDeal().question(),
    "group of fifteen": GroupDeal(needed=15).question(),
    "keen group": GroupDeal(intercept=4).question(),
}
KNOWN_BEST: dict[str, dict[str, Any]] = {
    "thresholds": {"starts.0": 1, "starts.1": 3, "until": 7},
    "depths by recency": dict(zip((f"{r}" for r in range(1, 9)), [0.1, 0.1, *[0.25] * 5, 0.0], strict=True)),
}


def policies(question: Question, number: int) -> Iterator[Policy]:
    """Policies spread over the space by a lattice with irrational steps."""
    for i in range(1, number + 1):
        values = {}
        for j, (path, lever) in enumerate(question.space.items(), start=1):
            place = (i * math.sqrt((2, 3, 5, 7, 11, 13, 17, 19)[j - 1])) % 1
            if "choices" in lever:
                values[path] = lever["choices"][int(place * len(lever["choices"]))]
            elif "step" in lever:
                values[path] = lever["low"] + int(place * (lever["high"] - lever["low"] + 1))
            else:
                values[path] = lever["low"] + place * (lever["high"] - lever["low"])
        yield with_values(question.status_quo, values)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_search_can_be_asked(name: str) -> None:
    question = QUESTIONS[name]
    SearchPlan(title=name, space=dict(question.space)).check(question.status_quo, question.scenario)
    assert question.truth(question.status_quo) < 0.9 * question.best
    assert question.truth(DO_NOTHING) <= question.best
    assert question.ceiling is None or question.ceiling >= question.best
    assert pickle.loads(pickle.dumps(question)).truth(question.status_quo) == question.truth(question.status_quo)


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_in_the_space_is_better_than_the_best(name: str) -> None:
    question = QUESTIONS[name]
    assert max(question.truth(policy) for policy in policies(question, 60)) <= question.best * (1 + 1e-12)


@pytest.mark.parametrize("name", [name for name, q in QUESTIONS.items() if len(q.space) == 1])
def test_the_best_of_one_lever_is_found_again(name: str) -> None:
    question = QUESTIONS[name]
    ((path, lever),) = question.space.items()
    worth = lambda x: -question.truth(with_values(question.status_quo, {path: float(x)}))  # noqa: E731
    start = min(np.linspace(lever["low"], lever["high"], 41), key=worth)
    width = (lever["high"] - lever["low"]) / 40
    bounds = max(lever["low"], start - width), min(lever["high"], start + width)
    found = minimize_scalar(worth, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    assert -min(found.fun, worth(lever["low"])) == pytest.approx(question.best, rel=1e-9)


@pytest.mark.parametrize("name", KNOWN_BEST)
def test_the_best_of_several_levers_is_reached(name: str) -> None:
    question = QUESTIONS[name]
    values = dict(zip(question.space, KNOWN_BEST[name].values(), strict=True))
    assert question.truth(with_values(question.status_quo, values)) == pytest.approx(question.best, rel=1e-12)


def test_two_classes_are_worth_their_own_depths() -> None:
    targeted, uniform = QUESTIONS["depths of two classes"], QUESTIONS["one depth for two"]
    assert targeted.best == pytest.approx(1371.7302, abs=5e-4)
    assert uniform.best == pytest.approx(1270.5003, abs=5e-4)


def test_a_depth_beyond_the_product_s_limit_is_no_answer() -> None:
    family, question = CouponDepth(cost=5, classes=STEEP), QUESTIONS["beyond the limit"]
    first, second = family.optimum().levers.values()
    assert first > 0.5 > second
    values = dict(zip(question.space, (0.5, second), strict=True))
    assert question.truth(with_values(question.status_quo, values)) == pytest.approx(question.best, rel=1e-12)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_truth_is_that_of_the_engine(name: str) -> None:
    """One replicate of one policy comes near enough to tell a wrong unit, horizon or lever."""
    question = QUESTIONS[name]
    policy = max(policies(question, 4), key=question.truth)
    assert live(question.scenario, policy, 31).values["clv"] == pytest.approx(question.truth(policy), rel=0.04)


@pytest.mark.parametrize(
    ("name", "other"), [("spend", "spend, loyal"), ("depth", "one depth for two"), ("cadence", "cadence, eager")]
)
def test_no_truth_is_made_up(name: str, other: str) -> None:
    """A policy of another world has no value here, unless it is the same policy."""
    question, stranger = QUESTIONS[name], QUESTIONS[other].status_quo
    if name == "depth":
        stranger = stranger.model_copy(update={"actions": {"other": next(iter(stranger.actions.values()))}})
    with pytest.raises(ValueError, match="known value"):
        question.truth(stranger)
