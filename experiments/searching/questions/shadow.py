"""Shadow prices: what one more unit of a limit earns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.searching.aims import METRICS, Limit
from experiments.searching.engine.engine import Engine, History
from experiments.searching.questions.bounded import Live, Values, best_within

STEP = 0.1  # of a limit: how far it is loosened and tightened
ROUNDS = 3  # batches that look for the best policy under the moved limit
BINDS = 0.1  # of a limit: a policy that leaves more of it unused is not held back by it
RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ShadowPrice:
    """What loosening a limit by one unit earns, from the best policies found a step to either side of it.

    Attributes
    ----------
    metric, limit : whose limit, and where it lies.
    price, low, high : customer equity a unit of the metric, with its 95 % interval over replicates; for a metric of
        one customer, CLV a unit. How well the search found the two best policies is not in the interval.
    binding : whether the limit holds the recommended policy back; if not, the price is 0.
    told : whether the two policies differ in the metric beyond the noise; if not, no price can be told.
    tight, loose : mean of the metric under the two policies.
    """

    metric: str
    limit: float
    price: float
    low: float
    high: float
    binding: bool
    tight: float
    loose: float
    told: bool = True


def a_customer(metric: str) -> bool:
    """Whether a metric is counted for one customer, so that its price is in CLV and not in customer equity."""
    return METRICS[metric].unit.endswith("a customer")


def shadow_prices(
    limits: Mapping[str, Limit], engine: Engine, history: History, best: Values, live: Live, batch: int
) -> tuple[ShadowPrice, ...]:
    """The shadow price of each side of each limit.

    Parameters
    ----------
    history : the trials; excess by metric as in ``limits``.
    best : what the recommended policy keeps on fresh seeds, for whether the limit binds.
    batch : policies of one proposal.
    """
    found = []
    for name, limit in limits.items():
        for sign, bound in limit.sides():
            mean = float(np.mean(best[name]))
            scale = abs(bound) or float(np.std(history.excess[name]))
            if sign * (bound - mean) > BINDS * scale:
                found.append(ShadowPrice(name, bound, 0.0, 0.0, 0.0, False, mean, mean))
                continue
            ends = _ends(limits, name, STEP * scale, engine, history, live, batch)
            tight, loose = live(ends, "final")
            found.append(_price(name, sign, bound, tight, loose))
    return tuple(found)


def _ends(
    limits: Mapping[str, Limit], name: str, step: float, engine: Engine, history: History, live: Live, batch: int
) -> list[dict[str, Any]]:
    """Coordinates of the best policies with one limit tightened and loosened by a step.

    The looser search begins with all that the tighter one found, and the tighter one is asked again in the end, since
    the looser may have found something for it too.
    """
    first = len(history)
    for side, shift in enumerate((-step, step)):

        def excess(values: Values, shift: float = shift) -> dict[str, float]:
            return {
                metric: limit.excess(float(np.mean(values[metric]))) - (shift if metric == name else 0.0)
                for metric, limit in limits.items()
            }

        moved = _shifted(history, name, shift)
        _, moved = best_within(
            moved, engine, live, excess, rounds=ROUNDS, batch=batch, first=first + side * ROUNDS * batch
        )
        history = _shifted(moved, name, -shift)
    return [(h := _shifted(history, name, shift)).params[h.best()] for shift in (-step, step)]


def _shifted(history: History, name: str, shift: float) -> History:
    return replace(history, excess={**history.excess, name: history.excess[name] - shift})


def _price(name: str, sign: int, bound: float, tight: Values, loose: Values) -> ShadowPrice:
    gained = np.asarray(loose["equity"]) - np.asarray(tight["equity"])
    if a_customer(name):
        gained = gained / np.maximum(np.asarray(tight["acquired"]), 1.0)
    used = sign * (np.asarray(loose[name]) - np.asarray(tight[name]))
    means = float(np.mean(tight[name])), float(np.mean(loose[name]))
    pick = np.random.Generator(np.random.PCG64(0)).integers(len(gained), size=(RESAMPLES, len(gained)))
    tail = (1 - CONFIDENCE) / 2
    if np.quantile(used[pick].mean(axis=1), tail) <= 0:  # a ratio to what may be nothing says nothing
        return ShadowPrice(name, bound, 0.0, 0.0, 0.0, True, *means, told=False)
    ratios = gained[pick].mean(axis=1) / used[pick].mean(axis=1)
    low, high = (float(q) for q in np.quantile(ratios, [tail, 1 - tail]))
    return ShadowPrice(name, bound, float(gained.mean() / used.mean()), low, high, True, *means)
