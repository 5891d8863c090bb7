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
        c, models = world.customers, world.models
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
        logit = models.repurchase.logit_at(c, rows, world.day, world.weekday)
        logit += pull
        p = sigmoid(logit)
        self._others(world, rows, pull, p)
        return p

    def _others(self, world: PrivateDomain, rows: slice, pull: Floats, p: Floats) -> None:
        """Overwrite the hazard of those who do not follow the repurchase model."""
        c, start = world.customers, rows.start
        contact, never, lapsed = c.contact[rows], c.orders[rows] == 0, c.lapsed[rows]
        new = np.flatnonzero(never)
        if len(new):
            at = start + new
            trust = np.clip(c.resting_trust[at].astype(np.float64) + c.goodwill[at], 0.0, 1.0)
            missing = np.maximum(self.neutral_trust - trust, 0.0)
            p[new] = sigmoid(pull[new] + (self.first_order - self.distrust * missing))
        silent = np.flatnonzero(lapsed)
        if len(silent):
            at = start + silent
            back = sigmoid(world.models.comeback.logit_at(c, at, world.day, world.weekday) + pull[silent])
            p[silent] = np.where(world.day - c.last_order[at] > world.models.lapse_days, back, 0.0)
        p[(contact == Contact.PROSPECT) | (contact == Contact.REACHED)] = 0.0
        p[contact == Contact.DELETED] *= self.kept_after_deletion

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
        buyers = []
        for chunk in world.chunks():
            u = world.draws.uniform("purchase", world.day, c.key[chunk])
            buyers.append(np.flatnonzero(u < self.probability(world, chunk)) + chunk.start)
        rows = np.concatenate(buyers) if buyers else np.empty(0, np.intp)
        luck = world.models.basket.residual(world.draws.uniform("basket", world.day, c.key[rows]))
        gross = world.expected_basket(rows) * luck
        world.sell(rows, np.maximum(np.rint(gross), 1).astype(np.int64))
