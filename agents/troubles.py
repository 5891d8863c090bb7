"""Troubles: what is known of a customer who has a problem with an order, and how one was settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.customers import NEVER, is_contact
from sim.columns import Columns, column

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

REFUSED = NEVER + 1  # in place of the day of a problem: it was decided against the customer


class Troubled(Columns):
    """Columns of customers where orders may bring problems."""

    problem_day = column("i2", NEVER, unit="day", doc="day on which the open problem arose; none for long ago")
    problem_cents = column("i4", 0, unit="cents", doc="net value of the order that it arose with")


@dataclass(frozen=True)
class Settlement:
    """Problems settled today in the customers' favour: rows, days waited, what was given as a share of the order."""

    rows: NDArray[np.intp]
    waited_days: NDArray[np.int64]
    given: NDArray[np.float64]


def waiting(world: PrivateDomain) -> NDArray[np.intp]:
    """Rows of the contacts whose problem nobody has looked at yet."""
    c = world.customers
    (rows,) = (c.problem_day > REFUSED).nonzero()
    here: NDArray[np.intp] = rows[is_contact(c.contact[rows])]
    return here
