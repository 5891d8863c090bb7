"""Waiting lines: whoever asked first is served first, and those of one day by luck with an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sim.world import World

Rows = NDArray[np.intp]


def first_in_line(world: World, rows: Rows, asked: NDArray[np.integer[Any]], places: int, decision: str) -> Rows:
    """The rows that are served when there are so many places, ascending.

    ``asked`` is the day on which each asked, shape (n,). Within a day the smallest draws of that day's ``decision`` go
    first, so that no row order and nobody else who asks later changes who is before whom.
    """
    if len(rows) > places:
        days = asked.astype(np.int64)
        u = world.draws.uniform_on(decision, days, world.customers.key[rows])
        rows = rows[np.lexsort((u, days))[:places]]
    return np.sort(rows)
