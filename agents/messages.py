"""Messages in the post: what one action sends today, and what each receiver's costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.media import MediumName

if TYPE_CHECKING:
    from sim.world import World

NO_KEYS = np.empty(0, np.int64)
CENT_CYCLE = 10_000  # keys or days over which costs of up to four decimals of a cent add up exactly


@dataclass(frozen=True)
class Message:
    """What one action sends today: kind, receivers, the action, the cost of each in CNY, and the address of its luck.

    ``medium`` is the way it goes (``Scenario.media``), ``topic`` the number of the group of interest that it is made
    for, -1 for everybody's; a ``foreign`` one is another brand's; one that ``reminds`` names the slot of the coupon in
    hand that it reminds of. The address is the action's name and the number of its message today, whoever receives it,
    so that one message more or one customer more changes nobody else's luck.
    """

    kind: str
    rows: NDArray[np.int32]
    source: str
    cost_cny: float
    luck: str
    medium: MediumName = "direct"
    topic: int = -1
    foreign: bool = False
    reminds: str = ""

    def cents(self, day: int, keys: NDArray[np.int64]) -> NDArray[np.int64] | int:
        """Cost of each of these customers' message in whole cents.

        Fractions of a cent are spread evenly over keys and days: nobody's cost depends on who else is addressed.
        """
        cost = round(self.cost_cny * 100, 6)
        if cost.is_integer():
            return int(cost)
        place = (keys + day) % CENT_CYCLE
        low, high = (np.floor(np.round(n * cost, 6)) for n in (place, place + 1))
        return (high - low).astype(np.int64)

    def cost(self, world: World, rows: NDArray[np.intp]) -> NDArray[np.int64] | int:
        """:meth:`cents` of the customers in some rows; their keys are looked up only where they matter."""
        whole = self.cents(world.day, NO_KEYS)
        return whole if isinstance(whole, int) else self.cents(world.day, world.customers.key[rows])
