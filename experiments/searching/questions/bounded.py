"""The best policy that a few more batches find under other limits than those of the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.searching.engine.engine import Engine, History

Values = Mapping[str, Sequence[float]]
"""What a policy keeps of its replicates: metric to a number per seed, ``uplift``, and in ``score`` its objective."""
Live = Callable[[list[dict[str, Any]], str], list[Values]]
"""Coordinates, and the purpose of the seeds (``search`` or ``final``), to what each policy keeps."""
Excess = Callable[[Values], dict[str, float]]
"""How far a policy lies beyond each limit; ≤ 0 within."""


def best_within(
    history: History, engine: Engine, live: Live, excess: Excess, *, rounds: int, batch: int, first: int
) -> tuple[dict[str, Any], History]:
    """Coordinates of the best policy within the limits, and the history that led there.

    Parameters
    ----------
    history : trials so far, with their excess over the limits in question.
    engine : its space and seed; a Gaussian process proposes, since it knows chances of keeping limits.
    rounds, batch : how many batches of how many policies are tried.
    first : number of the first proposal, which seeds it.
    """
    moved = Engine("gp", engine.coordinates, engine.seed, batch)
    for number in range(first, first + rounds * batch, batch):
        proposed = moved.propose(history, batch, number)
        if not proposed:
            break
        values = live(proposed, "search")
        over = [excess(v) for v in values]
        history = History(
            params=(*history.params, *proposed),
            values=np.append(history.values, [float(v["score"][0]) for v in values]),
            noise=np.append(history.noise, np.zeros(len(proposed))),
            excess={name: np.append(old, [o[name] for o in over]) for name, old in history.excess.items()},
            batches=np.append(history.batches, np.full(len(proposed), history.batches.max() + 1)),
        )
    return history.params[history.best()], history
