"""Gatherings: what an event of the operator's announces, and what it promises to those who come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.columns import Columns, column

if TYPE_CHECKING:
    from agents.actions.group_event import GroupEvent


@dataclass(frozen=True)
class Announcement:
    """A message that announces an event: the action's name, the action, and staff hours for each thing to show."""

    name: str
    action: GroupEvent
    hours: float


class Promised(Columns):
    """Columns of customers where gifts are promised to those who order."""

    gift_hope = column(
        "f4", 0.0, unit="share", doc="worth of today's gift times the chance to get it, of an order", access="latent"
    )


@dataclass(frozen=True)
class Promise:
    """A gift for those of some customers who order today, while it lasts."""

    name: str
    rows: NDArray[np.intp]
    cost_cents: int
    stock: int | None
