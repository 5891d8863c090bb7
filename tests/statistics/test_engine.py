"""Engines: pure functions of the trials, and better than guessing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from experiments.searching.engine.engine import Engine, History, method_of
from experiments.searching.space.coordinates import Coordinates, Dimension
from sim import SpecError

NUMBERS = Coordinates(tuple(Dimension(name, FloatDistribution(0.0, 1.0)) for name in "abc"))
MIXED = Coordinates((
    Dimension("on", CategoricalDistribution(("yes", "no"))),
    Dimension("depth", FloatDistribution(0.0, 1.0), when=("on", ("yes",))),
    Dimension("whom", CategoricalDistribution(("all", "few", "none"))),
))  # fmt: skip


def smooth(params: dict[str, Any]) -> float:
    return -sum((params[name] - target) ** 2 for name, target in zip("abc", (0.2, 0.7, 0.5), strict=True))


def mixed(params: dict[str, Any]) -> float:
    gain = {"all": 0.0, "few": 0.4, "none": -1.0}[params["whom"]]
    return gain - (params["depth"] - 0.3) ** 2 if params["on"] == "yes" else gain - 0.2


def start(space: Coordinates, worth: Any, n: int = 12) -> History:
    params = tuple(space.params(row) for row in space.sobol(n, 1))
    return History(params, np.array([worth(p) for p in params]), np.zeros(n), {}, np.zeros(n, dtype=np.int64))


def grown(history: History, proposed: list[dict[str, Any]], worth: Any) -> History:
    n, batch = len(proposed), int(history.batches.max()) + 1
    return History(
        (*history.params, *proposed), np.append(history.values, [worth(p) for p in proposed]),
        np.zeros(len(history) + n), {}, np.append(history.batches, np.full(n, batch)),
    )  # fmt: skip


def searched(engine: Engine, history: History, worth: Any, batches: int) -> History:
    for _ in range(batches):
        history = grown(history, engine.propose(history, 8, len(history)), worth)
    return history


@pytest.mark.parametrize("method", ["gp", "tpe", "cma"])
def test_proposals_depend_on_nothing_but_the_trials(method: Any) -> None:
    """An engine that has proposed three batches and one that begins anew go on alike."""
    old = Engine(method, NUMBERS, 7)
    history = searched(old, start(NUMBERS, smooth), smooth, 2)
    fresh = Engine(method, NUMBERS, 7)
    assert old.propose(history, 8, len(history)) == fresh.propose(history, 8, len(history))
    other = Engine(method, NUMBERS, 8)
    assert other.propose(history, 8, len(history)) != fresh.propose(history, 8, len(history))


@pytest.mark.parametrize("method", ["gp", "tpe", "cma"])
def test_engines_beat_guessing(method: Any) -> None:
    """Five batches end nearer to the optimum than the median of as many random policies."""
    best = [searched(Engine(method, NUMBERS, s), start(NUMBERS, smooth), smooth, 5).values.max() for s in range(3)]
    luck = np.random.default_rng(0).random((200, 52, 3))
    guess = -((luck - np.array([0.2, 0.7, 0.5])) ** 2).sum(axis=2)
    assert np.median(best) > np.median(guess.max(axis=1))


@pytest.mark.parametrize("method", ["gp", "tpe"])
def test_inactive_coordinates_are_left_out(method: Any) -> None:
    history = searched(Engine(method, MIXED, 1), start(MIXED, mixed), mixed, 3)
    for params in history.params:
        assert ("depth" in params) == (params["on"] == "yes")
    assert history.values.max() > 0.39  # few, on, a depth near .3


def test_proposals_keep_a_limit_more_often_than_not() -> None:
    def keeps(p: dict[str, Any]) -> float:
        return p["a"] + p["b"] - 0.6

    def with_limit(h: History) -> History:
        return replace(h, excess={"spend": np.array([keeps(p) for p in h.params])})

    history = with_limit(start(NUMBERS, smooth, 16))
    engine = Engine("gp", NUMBERS, 2)
    for _ in range(3):
        history = with_limit(grown(replace(history, excess={}), engine.propose(history, 8, len(history)), smooth))
    last = history.excess["spend"][-16:]
    assert (last <= 0).mean() > 0.5
    best = history.params[history.best()]
    assert keeps(best) <= 0
    # The best within a + b ≤ .6 lies at a = .05, b = .55.
    assert history.values[history.best()] > -0.06


def test_the_best_of_none_within_the_limits_is_the_nearest_miss() -> None:
    history = replace(start(NUMBERS, smooth, 4), excess={"spend": np.array([3.0, 1.0, 2.0, 5.0])})
    assert history.best() == 1


def test_cma_moves_numbers_only() -> None:
    with pytest.raises(SpecError, match="numbers only"):
        method_of("cma", MIXED, 100)
    assert method_of("auto", NUMBERS, 100) == "gp"
    assert method_of("auto", NUMBERS, 100_000) == "tpe"
