"""Purchase: who orders today, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.models.hazard import STEEPEST, Singles, possible, sigmoid
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
        return self._chances(world, np.arange(*rows.indices(len(world.customers))))[0]

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        buyers, anyway = [np.empty(0, np.intp)], [np.empty(0, bool)]
        for chunk in world.chunks():
            u = world.draws.uniform("purchase", world.day, c.key[chunk])
            near = possible(u, self.at_most(world, chunk))
            u, rows = u[near], near + chunk.start
            p, base, kept = self._chances(world, rows)
            (buys,) = (u < p).nonzero()
            buyers.append(rows[buys])
            # The same luck without the operator tells who would have ordered anyway.
            untouched = self._untouched(world, rows[buys], base[buys])
            anyway.append(u[buys] < sigmoid(untouched) * kept[buys])
        rows = np.concatenate(buyers)
        luck = world.models.basket.residual(world.draws.uniform("basket", world.day, c.key[rows]))
        gross = world.expected_basket(rows) * luck
        world.sell(rows, np.maximum(np.rint(gross), 1).astype(np.int64), np.concatenate(anyway))

    def at_most(self, world: PrivateDomain, rows: slice) -> Singles:
        """What the log-odds of an order cannot exceed, whatever the state. Shape (n,)."""
        c, effects = world.customers, world.effects
        repeat = min(max(world.models.repurchase.highest, world.models.comeback.highest), STEEPEST)
        # Trust can only lower a first order's odds.
        x: Singles = (c.orders[rows] == 0) * np.float32(self.first_order - repeat)
        x += np.float32(repeat)
        x += c.rate[rows]
        x += c.stimulus[rows]
        x += np.float32(effects["trust"]) * c.goodwill[rows]
        sensitivity, depth = c.price_sensitivity[rows], c.coupon_depth[rows]
        for benefit in (c.member_price[rows], c.points_rate[rows]):
            if benefit.any():
                x += np.float32(effects["member_price"]) * sensitivity * benefit
        if depth.any() and effects["coupon"] > 0:
            x += np.float32(effects["coupon"]) * sensitivity * depth * c.coupon_noticed[rows]
        return x

    def _chances(self, world: PrivateDomain, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """Probability of an order, base log-odds of the model that each follows, share that the state leaves."""
        c = world.customers
        goodwill = c.goodwill[rows].astype(np.float64)
        base = self._base(world, rows, goodwill)
        kept = np.array([0.0, 0.0, 1.0, 1.0, self.kept_after_deletion])[c.contact[rows]]
        p = sigmoid(base + (c.rate[rows] + self._pull(world, rows, goodwill)))
        p *= kept
        return p, base, kept

    def _pull(self, world: PrivateDomain, rows: Rows, goodwill: Floats) -> Floats:
        """What the operator did, in log-odds."""
        c = world.customers
        pull: Floats = c.stimulus[rows].astype(np.float64)
        pull += world.effects["trust"] * goodwill
        for benefit in (c.member_price[rows], c.points_rate[rows]):
            if benefit.any():
                pull += world.effects["member_price"] * c.price_sensitivity[rows] * benefit
        (holds,) = (c.coupon_noticed[rows] & (c.coupon_depth[rows] > 0)).nonzero()
        if len(holds):
            at = rows[holds]
            usable = world.chance_of_basket(at, c.coupon_minimum[at])
            pull[holds] += world.effects["coupon"] * c.price_sensitivity[at] * c.coupon_depth[at] * usable
        return pull

    def _base(self, world: PrivateDomain, rows: Rows, goodwill: Floats) -> Floats:
        """Log-odds by the model that each follows; the operator's goodwill counts for a first order."""
        c, models = world.customers, world.models
        base = models.repurchase.logit_at(c, rows, world.day, world.weekday)
        (silent,) = c.lapsed[rows].nonzero()
        if len(silent):
            at = rows[silent]
            back = models.comeback.logit_at(c, at, world.day, world.weekday)
            base[silent] = np.where(world.day - c.last_order[at] > models.lapse_days, back, -np.inf)
        (new,) = (c.orders[rows] == 0).nonzero()
        if len(new):
            base[new] = self._first_order(c.resting_trust[rows[new]] + goodwill[new])
        return base

    def _first_order(self, trust: Floats) -> Floats:
        """Log-odds of a first order at a trust."""
        missing: Floats = np.maximum(self.neutral_trust - np.minimum(np.maximum(trust, 0.0), 1.0), 0.0)
        return self.first_order - self.distrust * missing

    def _untouched(self, world: PrivateDomain, rows: Rows, base: Floats) -> Floats:
        """Log-odds without anything that the operator did, from the base log-odds with it."""
        c = world.customers
        (new,) = (c.orders[rows] == 0).nonzero()
        if len(new):
            base[new] = self._first_order(c.resting_trust[rows[new]].astype(np.float64))
        base += c.rate[rows]
        return base
