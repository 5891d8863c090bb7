"""Purchase: who orders today, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
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
        return self._chances(world, rows)[0]

    def _chances(self, world: PrivateDomain, rows: slice) -> tuple[Floats, Floats, Floats]:
        """Probability of an order; its log-odds without anything that the operator did; share that the state leaves."""
        c = world.customers
        rate = c.rate[rows].astype(np.float64)
        goodwill = c.goodwill[rows].astype(np.float64)
        base, untouched = self._base(world, rows, goodwill)
        kept = np.array([0.0, 0.0, 1.0, 1.0, self.kept_after_deletion])[c.contact[rows]]
        p = sigmoid(base + (rate + self._pull(world, rows, goodwill)))
        p *= kept
        return p, untouched + rate, kept

    def _pull(self, world: PrivateDomain, rows: slice, goodwill: Floats) -> Floats:
        """What the operator did, in log-odds."""
        c = world.customers
        pull: Floats = c.stimulus[rows].astype(np.float64)
        pull += world.effects["trust"] * goodwill
        for benefit in (c.member_price[rows], c.points_rate[rows]):
            if benefit.any():
                pull += world.effects["member_price"] * c.price_sensitivity[rows] * benefit
        self._coupon_pull(world, rows, pull)
        return pull

    def _base(self, world: PrivateDomain, rows: slice, goodwill: Floats) -> tuple[Floats, Floats]:
        """Base log-odds of each by the model that it follows, with and without the operator's goodwill."""
        c, models = world.customers, world.models
        base = models.repurchase.logit_at(c, rows, world.day, world.weekday)
        silent = np.flatnonzero(c.lapsed[rows])
        if len(silent):
            at = rows.start + silent
            back = models.comeback.logit_at(c, at, world.day, world.weekday)
            base[silent] = np.where(world.day - c.last_order[at] > models.lapse_days, back, -np.inf)
        new = np.flatnonzero(c.orders[rows] == 0)
        if not len(new):
            return base, base
        untouched = base.copy()
        earned = c.resting_trust[rows.start + new].astype(np.float64)
        for logit, trust in ((base, earned + goodwill[new]), (untouched, earned)):
            missing = np.maximum(self.neutral_trust - np.clip(trust, 0.0, 1.0), 0.0)
            logit[new] = self.first_order - self.distrust * missing
        return base, untouched

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
        buyers, anyway = [np.empty(0, np.intp)], [np.empty(0, bool)]
        for chunk in world.chunks():
            u = world.draws.uniform("purchase", world.day, c.key[chunk])
            p, untouched, kept = self._chances(world, chunk)
            buys = np.flatnonzero(u < p)
            buyers.append(buys + chunk.start)
            # The same luck without the operator tells who would have ordered anyway.
            anyway.append(u[buys] < sigmoid(untouched[buys]) * kept[buys])
        rows = np.concatenate(buyers)
        luck = world.models.basket.residual(world.draws.uniform("basket", world.day, c.key[rows]))
        gross = world.expected_basket(rows) * luck
        world.sell(rows, np.maximum(np.rint(gross), 1).astype(np.int64), np.concatenate(anyway))
