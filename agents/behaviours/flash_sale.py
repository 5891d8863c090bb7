"""The sale of a flash group: a few waves in which those who have bought already move the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.flash_group import FlashGroup, flash_groups
from agents.behaviours.item_demand import Floats, ItemDemand, Rows
from agents.customers import is_contact
from agents.models.hazard import sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class FlashSale(ItemDemand):
    """Log-odds of buying the item while the sale is open, for one who is there and of whose group nobody has bought.

    The chance is spread over the waves, so that without social proof and scarcity their number changes nothing.
    """

    kind = "flash_sale"
    phase = "purchase"

    buy: float = parameter(
        -1.7, doc="log-odds of buying at neutral trust, at list price, with time to think", source="assumed"
    )
    there: float = parameter(
        0.4, ge=0, le=1, doc="share of the group that is there at the announced hour", source="assumed"
    )
    hours_to_look: float = parameter(
        6.0, gt=0, unit="hours", doc="hours after which all but 1/e of the others have looked in", source="assumed"
    )
    urgency: float = parameter(0.6, ge=0, doc="log-odds that a sale without any time to think adds", source="assumed")
    urgency_hours: float = parameter(2.0, gt=0, unit="hours", doc="hours open that halve urgency", source="assumed")
    proof: float = parameter(
        1.5, ge=0, doc="log-odds when all of the group have bought, against none", source="assumed"
    )
    scarcity: float = parameter(
        0.5, ge=0, doc="log-odds when a stock is nearly gone, against untouched", source="assumed"
    )
    waves: int = parameter(4, ge=1, le=48, doc="waves of a sale", source="assumed")
    another: float = parameter(0.2, ge=0, lt=1, doc="chance of each further piece", source="assumed")

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return bool(flash_groups(policy.actions))

    def apply(self, world: PrivateDomain) -> None:
        for name, action in flash_groups(world.policy.actions):
            if action.sells_on(world.day, world.start, world.horizon_days):
                self._run(world, name, action)

    def _run(self, world: PrivateDomain, name: str, action: FlashGroup) -> None:
        c, item = world.customers, action.item
        group = np.flatnonzero(c.flash_group == world.ledger.source_code(name))
        rows = group[is_contact(c.contact[group])]
        base = self.appeal(world, rows, item) + self.buy + self._urgency(action.hours_open)
        bought = np.zeros(len(rows), np.int64)
        for wave in range(self.waves):
            (left,) = (bought == 0).nonzero()
            if not len(left):
                break
            logit = base[left] + self.proof * (1.0 - len(left) / len(rows))
            logit += self.scarcity * (1.0 - item.left_share(world))
            u = world.draws.uniform(f"flash.wave.{name}.{wave}", world.day, c.key[rows[left]])
            (wants,) = (u < self._in_a_wave(logit, action.hours_open)).nonzero()
            at = left[wants]
            bought[at] = item.allot(world, self._pieces(world, name, rows[at], item.most_per_customer), u[wants])
        buys = bought > 0
        item.sell(world, rows[buys], bought[buys], name)
        c.flash_group[group] = -1

    def _urgency(self, hours: float) -> float:
        return self.urgency * self.urgency_hours / (self.urgency_hours + hours)

    def _in_a_wave(self, logit: Floats, hours: float) -> Floats:
        """Chance of buying in one wave at these log-odds of buying in the sale by those who are there."""
        there = 1.0 - (1.0 - self.there) * np.exp(-hours / self.hours_to_look)
        chance: Floats = 1.0 - (1.0 - there * sigmoid(logit)) ** (1.0 / self.waves)
        return chance

    def _pieces(self, world: PrivateDomain, name: str, rows: Rows, most: int) -> NDArray[np.int64]:
        """Pieces that each wants: one, and each further one by the same luck."""
        pieces = np.ones(len(rows), np.int64)
        if self.another > 0:
            u = world.draws.uniform(f"flash.pieces.{name}", world.day, world.customers.key[rows])
            pieces += np.minimum(np.floor(np.log(u) / np.log(self.another)), most - 1).astype(np.int64)
        return pieces
