"""Purchase: who orders today, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import Contact
from agents.models.hazard import sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class Purchase(Behaviour):
    """The order hazard of the day: a learned or cited base plus treatment terms, on the log-odds scale.

    Buyers follow the repurchase model; those who lapsed follow the comeback model once they have been silent past the
    lapse threshold; contacts who never ordered follow ``first_order``. Each term of what the operator did is an effect
    of the scenario times what this customer received.
    """

    kind = "purchase"
    phase = "purchase"

    first_order: float = parameter(
        -4.6,
        doc="log-odds a day of a first order at neutral trust",
        source="assumed: 1 % a day",
    )
    neutral_trust: float = parameter(0.6, ge=0, le=1, doc="trust at which first_order holds", source="assumed")
    distrust: float = parameter(
        6.0,
        ge=0,
        doc="log-odds of a first order lost per unit of trust short of neutral",
        source="assumed; S3: L0–L1 0 %",
    )
    kept_after_deletion: float = parameter(
        0.0,
        ge=0,
        le=1,
        doc="share of the order hazard that stays when the contact is deleted",
        source="assumed: a private domain sells to its contacts only",
    )

    def probability(self, world: PrivateDomain, rows: slice) -> Floats:
        """Probability of an order today, given what was received. Shape (n,)."""
        c = world.customers
        pull = c.rate[rows].astype(np.float64)
        pull += c.stimulus[rows]
        goodwill = c.goodwill[rows].astype(np.float64)
        pull += world.effects["trust"] * goodwill
        priced = c.member_price[rows]
        if priced.any():
            pull += world.effects["member_price"] * c.price_sensitivity[rows] * priced
        if c.points_rate[rows].any():
            pull += world.effects["member_price"] * c.price_sensitivity[rows] * c.points_rate[rows]
        self._coupon_pull(world, rows, pull)
        return self._hazard(world, rows, pull, goodwill)

    def organic(self, world: PrivateDomain, rows: Rows) -> Floats:
        """Probability of an order today without anything that the operator did to this customer. Shape (n,)."""
        return self._hazard(world, rows, world.customers.rate[rows].astype(np.float64), np.zeros(len(rows)))

    def _hazard(self, world: PrivateDomain, rows: slice | Rows, pull: Floats, goodwill: Floats) -> Floats:
        c, models = world.customers, world.models
        logit = models.repurchase.logit_at(c, rows, world.day, world.weekday)
        logit += pull
        p = sigmoid(logit)
        contact, never, lapsed = c.contact[rows], c.orders[rows] == 0, c.lapsed[rows]
        new = np.flatnonzero(never)
        if len(new):
            trust = np.clip(c.resting_trust[_at(rows, new)].astype(np.float64) + goodwill[new], 0.0, 1.0)
            missing = np.maximum(self.neutral_trust - trust, 0.0)
            p[new] = sigmoid(pull[new] + (self.first_order - self.distrust * missing))
        silent = np.flatnonzero(lapsed)
        if len(silent):
            at = _at(rows, silent)
            back = sigmoid(models.comeback.logit_at(c, at, world.day, world.weekday) + pull[silent])
            p[silent] = np.where(world.day - c.last_order[at] > models.lapse_days, back, 0.0)
        p[(contact == Contact.PROSPECT) | (contact == Contact.REACHED)] = 0.0
        p[contact == Contact.DELETED] *= self.kept_after_deletion
        return p

    def _coupon_pull(self, world: PrivateDomain, rows: slice, pull: Floats) -> None:
        c = world.customers
        holds = np.flatnonzero(c.coupon_noticed[rows] & (c.coupon_depth[rows] > 0))
        if not len(holds):
            return
        at = rows.start + holds
        usable = world.chance_of_basket(at, c.coupon_minimum[at])
        pull[holds] += world.effects["coupon"] * c.price_sensitivity[at] * c.coupon_depth[at] * usable

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        buyers, draws = [np.empty(0, np.intp)], [np.empty(0)]
        for chunk in world.chunks():
            u = world.draws.uniform("purchase", world.day, c.key[chunk])
            buys = np.flatnonzero(u < self.probability(world, chunk))
            buyers.append(buys + chunk.start)
            draws.append(u[buys])
        rows, u = np.concatenate(buyers), np.concatenate(draws)
        luck = world.models.basket.residual(world.draws.uniform("basket", world.day, c.key[rows]))
        gross = world.expected_basket(rows) * luck
        # The same luck against the hazard without the operator tells who would have ordered anyway.
        world.sell(rows, np.maximum(np.rint(gross), 1).astype(np.int64), u < self.organic(world, rows))


def _at(rows: slice | Rows, inner: Rows) -> Rows:
    """Row numbers of positions within rows."""
    return rows.start + inner if isinstance(rows, slice) else rows[inner]
