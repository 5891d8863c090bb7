"""A second nomination, where the fresh seeds show that a limit was kept by luck alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from experiments.searching.aims import Limit
from experiments.searching.engine.engine import Engine, History
from experiments.searching.finals.finals import Finals
from experiments.searching.questions.bounded import Live, Values, best_within

ROUNDS = 3  # batches that look again


def luck(finals: Finals, history: History, kept: Sequence[Values], limits: Mapping[str, Limit]) -> dict[str, float]:
    """How many times what the trials showed each limited metric comes to on fresh seeds, for the finalists.

    All trials meet the same seeds, so what these leave out of a metric they leave out of every policy's; 1 where
    nothing can be told. Empty where the recommended policy is as good as those that broke a limit.
    """
    broke = [f for f in finals.finalists if f.params is not None and not all(k.kept for k in f.limits)]
    missed = max((f.ranked.mean for f in broke), default=-np.inf)
    if missed <= finals.winner.ranked.mean + finals.margin:
        return {}
    ratios: dict[str, list[float]] = {name: [] for name in limits}
    for finalist in finals.finalists:
        if finalist.params not in history.params or finalist.label == finals.winner.label:
            continue
        seen = kept[history.params.index(finalist.params)]
        for k in finalist.limits:
            if seen_mean := float(np.mean(seen[k.metric])):
                ratios[k.metric].append(k.mean / seen_mean)
    return {name: float(np.median(found)) if found else 1.0 for name, found in ratios.items()}


def corrected(
    history: History, kept: Sequence[Values], limits: Mapping[str, Limit], ratios: Mapping[str, float], engine: Engine,
    live: Live, batch: int,
) -> History:  # fmt: skip
    """The trials with their metrics as fresh seeds show them, and a few more batches under the limits as they are."""

    def excess(values: Values) -> dict[str, float]:
        return {n: limit.excess(ratios[n] * float(np.mean(values[n]))) for n, limit in limits.items()}

    over = [excess(values) for values in kept]
    again = replace(history, excess={name: np.array([o[name] for o in over]) for name in limits})
    return best_within(again, engine, live, excess, rounds=ROUNDS, batch=batch, first=len(history))[1]
