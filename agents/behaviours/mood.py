"""Mood: how a message that is seen moves the wish to buy and the trust of its receiver."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

ByLevel = tuple[float, float, float, float, float, float]
Rows = NDArray[np.intp]


def pull(world: PrivateDomain, rows: Rows, strength: NDArray[np.float64] | float, fatigue_scale: float) -> None:
    """Add to the pull on the log-odds of ordering; it is halved for every ``fatigue_scale`` messages' worth of fatigue
    that a customer of median tolerance carries."""
    c = world.customers
    freshness = np.exp2(-c.fatigue[rows].astype(np.float64) / (fatigue_scale * c.tolerance[rows]))
    c.stimulus[rows] += strength * freshness


def warm(world: PrivateDomain, rows: Rows, share: NDArray[np.float64] | float) -> None:
    """Add a share of the trust that is missing, as goodwill."""
    c = world.customers
    goodwill = c.goodwill[rows]
    trust = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + goodwill, 0.0), 1.0)
    c.goodwill[rows] = goodwill + share * (1.0 - trust)


@lru_cache
def by(values: ByLevel) -> NDArray[np.float64]:
    """Numbers by level as an array, made once."""
    array = np.array(values)
    array.flags.writeable = False
    return array
