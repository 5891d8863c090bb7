"""Problems: some orders go wrong, and what stays unsettled ends in a quarrel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.customers import NEVER, Contact, is_contact
from agents.troubles import Troubled
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario
    from agents.till import Sale


class Problems(Behaviour):
    """A problem costs trust when it arises. Refused, or not settled in time, it is a quarrel: trust falls sharply, and
    most delete the contact. A customer has one open problem at a time."""

    kind = "problems"
    phase = "serve"

    per_order: float = parameter(
        0.0, ge=0, le=1, doc="chance that an order brings a problem", source="assumed: none unless a scenario says so"
    )
    hurt: float = parameter(
        0.15, ge=0, le=1, doc="share of earned trust lost when a problem arises",
        source="assumed; S3: what happens right after the first payment decides",
    )  # fmt: skip
    patience_days: int = parameter(3, ge=0, le=365, doc="days for which an answer is awaited", source="assumed")
    quarrel_loss: float = parameter(
        0.6, ge=0, le=1, doc="share of earned trust lost in a quarrel", source="S4: falls sharply; size assumed"
    )
    quarrel_delete: float = parameter(
        0.8, ge=0, le=1, doc="chance that a quarrel ends the contact", source="S4: usually for good; size assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return self.per_order > 0

    def carries(self) -> tuple[type[Columns], ...]:
        return (Troubled,)

    def apply(self, world: PrivateDomain) -> None:
        self._quarrel(world)
        for sale in world.today.sales:
            self._arise(world, sale)

    def _quarrel(self, world: PrivateDomain) -> None:
        c = world.customers
        (rows,) = (c.problem_day != NEVER).nonzero()
        late = world.day - c.problem_day[rows].astype(np.int64) > self.patience_days
        rows = rows[late & is_contact(world.customers.contact[rows])]
        if not len(rows):
            return
        c.problem_day[rows] = NEVER
        world.record("quarrel", rows, 0, "problems")
        c.resting_trust[rows] *= np.float32(1.0 - self.quarrel_loss)
        c.goodwill[rows] = np.minimum(c.goodwill[rows], np.float32(0.0))
        if not world.learns("delete"):
            leaves = world.draws.uniform("problems.leave", world.day, c.key[rows]) < self.quarrel_delete
            world.set_contact(rows[leaves], Contact.DELETED, "delete", "problems")

    def _arise(self, world: PrivateDomain, sale: Sale) -> None:
        c = world.customers
        near, _ = world.draws.below("problems.arise", world.day, c.key[sale.rows], self.per_order)
        near = near[(c.problem_day[sale.rows[near]] == NEVER) & is_contact(world.customers.contact[sale.rows[near]])]
        rows = sale.rows[near]
        c.problem_day[rows] = world.day
        c.problem_cents[rows] = sale.net[near].astype(np.int32)
        c.resting_trust[rows] *= np.float32(1.0 - self.hurt)
        world.record("problem", rows, 0, "problems")
