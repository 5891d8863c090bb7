"""Limits, fronts and shadow prices, on problems whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from experiments.metrics import Outcome
from experiments.searching.aims import METRICS, Limit, excesses, front, kept
from experiments.searching.engine.engine import Engine, History
from experiments.searching.questions.bounded import Values
from experiments.searching.questions.fronts import explore_front, risk
from experiments.searching.questions.shadow import shadow_prices
from experiments.searching.space.coordinates import Coordinates, Dimension
from sim import SpecError
from sim.spec import validate

SEEDS = 12


def outcomes(**values: list[float]) -> list[Outcome]:
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return [Outcome(seed=i, values=row, money={}, weekly={}, census={}) for i, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("limit", "value", "over"),
    [
        ({"at_most": 10}, 12, 2),
        ({"at_most": 10}, 7, -3), ({"at_least": 5}, 4, 1), ({"at_least": 5, "at_most": 6}, 5.5, -0.5)],
)  # fmt: skip
def test_excess_of_a_limit(limit: dict[str, float], value: float, over: float) -> None:
    assert validate(Limit, limit).excess(value) == pytest.approx(over)


@pytest.mark.parametrize("limit", [{}, {"at_most": 1, "at_least": 2}])
def test_a_limit_that_says_nothing_or_too_much_is_refused(limit: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        validate(Limit, limit)


def test_excesses_are_of_the_mean_over_replicates() -> None:
    limits = {"spend": Limit(at_most=10.0)}
    assert excesses(limits, {"spend": [8.0, 14.0]}) == {"spend": pytest.approx(1.0)}


def test_a_limit_is_surely_kept_only_when_the_interval_keeps_it() -> None:
    limits = {"spend": Limit(at_most=10.0)}
    (narrow,) = kept(limits, outcomes(spend=[9.0, 9.1, 8.9, 9.0]))
    (wide,) = kept(limits, outcomes(spend=[2.0, 16.0, 5.0, 13.0]))
    (over,) = kept(limits, outcomes(spend=[12.0, 12.1, 11.9, 12.0]))
    assert (narrow.kept, narrow.sure) == (True, True)
    assert (wide.kept, wide.sure) == (True, False)
    assert (over.kept, over.sure) == (False, True)


def test_front_by_hand() -> None:
    gain = np.array([1.0, 3.0, 2.0, 3.0, 5.0, 0.5])
    price = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 0.0])
    assert front(gain, price).tolist() == [5, 0, 1, 4]


def test_front_of_equals_has_one_of_them() -> None:
    assert front(np.ones(4), np.ones(4)).tolist() == [0]


def test_risk_is_the_mean_loss_of_the_worst_tenth() -> None:
    assert risk(np.r_[np.full(18, 5.0), -4.0, -2.0]) == pytest.approx(3.0)
    assert risk(np.full(20, 2.0)) == 0.0


# -- a world in closed form: x and y cost their sum and earn 6 √x + 2 √y -----------------------------------------------

SPACE = Coordinates((Dimension("x", FloatDistribution(0.0, 4.0)), Dimension("y", FloatDistribution(0.0, 4.0))))
LUCK = np.linspace(-0.2, 0.2, SEEDS)


def values_of(params: dict[str, Any]) -> Values:
    gain = 6 * params["x"] ** 0.5 + 2 * params["y"] ** 0.5 + LUCK
    spend = np.full(SEEDS, params["x"] + params["y"])
    return {
        "equity": gain.tolist(),
        "acquired": [1.0] * SEEDS,
        "spend": spend.tolist(),
        "uplift": gain.tolist(),
        "score": [float(gain.mean())],
    }


def live(params: list[dict[str, Any]], purpose: str) -> list[Values]:
    assert purpose in ("search", "final")
    return [values_of(p) for p in params]


def history(limits: dict[str, Limit], n: int = 24) -> History:
    params = [SPACE.params(row) for row in SPACE.sobol(n, 1)]
    values = [values_of(p) for p in params]
    over = {name: np.array([excesses(limits, v)[name] for v in values]) for name in limits}
    return History(
        tuple(params), np.array([np.mean(v["uplift"]) for v in values]), np.zeros(n), over, np.zeros(n, dtype=np.int64)
    )


def test_shadow_price_is_the_slope_of_the_best_value() -> None:
    """V(B) = √(40 B) for B shared out as 9 to 1; its slope at 2 is √5."""
    limits = {"spend": Limit(at_most=2.0)}
    engine = Engine("gp", SPACE, 3)
    (price,) = shadow_prices(limits, engine, history(limits), values_of({"x": 1.8, "y": 0.2}), live, 8)
    assert price.binding
    assert price.price == pytest.approx(5**0.5, rel=0.04)
    assert price.tight <= 1.8 + 1e-9 < 2.0 < price.loose <= 2.2 + 1e-9


def test_a_limit_that_leaves_room_has_no_price() -> None:
    limits = {"spend": Limit(at_most=7.9)}
    (price,) = shadow_prices(limits, Engine("gp", SPACE, 3), history(limits), values_of({"x": 1, "y": 1}), live, 8)
    assert (price.binding, price.price) == (False, 0.0)


def test_front_rises_along_the_known_curve() -> None:
    points = explore_front("spend", {}, Engine("gp", SPACE, 5), history({}), [values_of(p) for p in history({}).params],
                           live, 8)  # fmt: skip
    spend, gain = np.array([p.amount for p in points]), np.array([p.uplift.mean for p in points])
    assert len(points) >= 4
    assert (np.diff(spend) > 0).all()
    assert (np.diff(gain) > 0).all()
    best = np.where(spend <= 4 / 0.9, np.sqrt(40 * spend), np.inf)  # beyond that x is at its bound
    within = np.isfinite(best)
    assert (gain[within] <= best[within] + 1e-9).all()
    assert np.median(gain[within] / best[within]) > 0.95


def test_every_metric_that_can_be_limited_is_measured() -> None:
    from agents.policy import DO_NOTHING
    from experiments.run import live as live_one
    from tests.worlds import scenario

    assert set(METRICS) <= set(live_one(scenario(50), DO_NOTHING, 1).values)
