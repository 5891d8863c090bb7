"""Fronts: how much CLV there is to be had at each amount of something else, such as spend, hours or risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.compare import Difference, difference
from experiments.searching.aims import RISK, Limit, front
from experiments.searching.engine.engine import Engine, History
from experiments.searching.questions.bounded import Live, Values, best_within

Floats = NDArray[np.float64]

LEVELS = 4  # amounts of the metric, besides those of the best policy, at which the best is looked for
MOST = 8  # policies of a front that are measured again
WORST = 0.1  # of replicates: risk is what a policy loses there on average, against the status quo


@dataclass(frozen=True)
class Point:
    """A policy of a front, on fresh seeds.

    Attributes
    ----------
    amount : mean of the metric; for ``risk`` the mean loss against the status quo in the worst tenth of replicates,
        one at least.
    uplift : incremental CLV per customer.
    """

    metric: str
    params: dict[str, Any]
    amount: float
    uplift: Difference


def risk(uplift: Floats) -> float:
    """Mean loss against the status quo in the worst tenth of replicates, ≥ 0. At least one counts."""
    worst = np.sort(uplift)[: max(round(len(uplift) * WORST), 1)]
    return max(-float(worst.mean()), 0.0)


def amount(metric: str, values: Values) -> float:
    """Mean of a metric, or the risk."""
    return risk(np.asarray(values["uplift"])) if metric == RISK else float(np.mean(values[metric]))


def explore_front(
    metric: str, limits: Mapping[str, Limit], engine: Engine, history: History, kept: list[Values], live: Live,
    batch: int,
) -> tuple[Point, ...]:  # fmt: skip
    """Policies that no other one beats in CLV at as little of the metric.

    A batch is proposed for each of a few levels of the metric below that of the best policy; what they and all trials
    show on the search seeds is narrowed to the front, and the front is measured on fresh seeds. There a policy that
    others beat after all is left out.

    Parameters
    ----------
    history : the trials; ``kept`` is what each keeps of its replicates.
    """
    amounts = np.array([amount(metric, values) for values in kept])
    here = replace(history, excess={**history.excess, f"front {metric}": np.zeros(len(history))})
    top = amounts[history.best()]
    allowed = amounts[history.feasible]
    low = float(allowed.min()) if len(allowed) else float(amounts.min())
    number = len(history)
    for level in np.linspace(low, top, LEVELS + 2)[1:-1] if top > low else ():

        def excess(values: Values, level: float = float(level)) -> dict[str, float]:
            nonlocal amounts
            found = amount(metric, values)
            amounts = np.append(amounts, found)
            over = {name: limit.excess(float(np.mean(values[name]))) for name, limit in limits.items()}
            return {**over, f"front {metric}": found - level}

        here = replace(here, excess={**here.excess, f"front {metric}": amounts - level})
        _, here = best_within(here, engine, live, excess, rounds=1, batch=batch, first=number)
        number += batch
    own = replace(here, excess={name: over for name, over in here.excess.items() if name in limits})
    rows = np.flatnonzero(own.feasible)
    if not len(rows):
        return ()
    chosen = rows[front(own.values[rows], amounts[rows])]
    return _measured(metric, [own.params[i] for i in _thinned(chosen)], live)


def _thinned(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Both ends and what lies evenly between."""
    if len(rows) <= MOST:
        return rows
    picked: NDArray[np.intp] = rows[np.unique(np.linspace(0, len(rows) - 1, MOST).round().astype(int))]
    return picked


def _measured(metric: str, params: list[dict[str, Any]], live: Live) -> tuple[Point, ...]:
    points = []
    for one, values in zip(params, live(params, "final"), strict=True):
        gain = difference("clv", np.asarray(values["uplift"]))
        points.append(Point(metric, one, amount(metric, values), gain))
    still = front(np.array([p.uplift.mean for p in points]), np.array([p.amount for p in points]))
    return tuple(points[i] for i in still)
