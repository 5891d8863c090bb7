"""Purchase: who orders today, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.coupon_book import worth, worth_at_most
from agents.models.hazard import STEEPEST, Singles, possible, sigmoid
from agents.points_book import face_share, hoped_share
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

SLACK = 1e-6  # on bounds in double precision that rest on a share in single precision


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
        each = np.arange(*rows.indices(len(world.customers)))
        pull = self._pull(world, each) + self._points(world, each)
        return self._chance(world, each, self._base(world, each), pull)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        coupons, found = worth_at_most(world), [(np.empty(0, np.intp), np.empty(0), np.empty(0, np.float32))]
        for chunk in world.chunks():
            u = world.draws.uniform("purchase", world.day, c.key[chunk])
            # Rule out by a bound of the base and the pull; few are left, who are looked at together.
            pull = self.pull_at_most(world, chunk, coupons[chunk])
            near = possible(u, self.base_at_most(world, chunk) + pull)
            found.append((near + chunk.start, u[near], pull[near]))
        rows, u, pull = (np.concatenate(part) for part in zip(*found, strict=True))
        step = world.chunk_rows
        bought = [self._buy(world, rows[at : at + step], u[at : at + step], pull[at : at + step])
                  for at in range(0, len(rows), step)]  # fmt: skip
        rows, anyway = (np.concatenate(part) for part in zip((rows[:0], np.empty(0, bool)), *bought, strict=True))
        basket = world.models.basket
        stretch = basket.stretch_at(c, rows, world.day, world.weekday)
        luck = basket.residual(world.draws.uniform("basket", world.day, c.key[rows]), stretch)
        gross = world.expected_basket(rows) * luck
        world.sell(rows, np.maximum(np.rint(gross), 1).astype(np.int64), anyway)

    def _buy(self, world: PrivateDomain, rows: Rows, u: Floats, pull: Singles) -> tuple[Rows, NDArray[np.bool_]]:
        """Which of these customers order today, and which of those would have anyway, by their luck."""
        (there,) = self._kept(world, rows).nonzero()
        rows, u, pull = rows[there], u[there], pull[there]
        base = self._base(world, rows)
        near = possible(u, base.astype(np.float32) + pull)  # the base is exact now; the rest get exact numbers
        rows, u, base = rows[near], u[near], base[near]
        (buys,) = self._orders(world, rows, u, base).nonzero()
        rows, u = rows[buys], u[buys]
        # The same luck without the operator tells who would have ordered anyway.
        return rows, u < sigmoid(self._untouched(world, rows, base[buys])) * self._kept(world, rows)

    def _orders(self, world: PrivateDomain, rows: Rows, u: Floats, base: Floats) -> NDArray[np.bool_]:
        """Which of these customers order, by their luck. Shape (n,).

        What points are hoped to be worth takes long to work out: it is where it may decide.
        """
        c, pull, face = world.customers, self._pull(world, rows), face_share(world, rows)
        p = self._chance(world, rows, base, pull)
        if not face.any():
            return u < p
        most = self._chance(world, rows, base, pull + world.effects["member_price"] * c.price_sensitivity[rows] * face)
        orders: NDArray[np.bool_] = u < np.minimum(p, most) * (1.0 - SLACK)
        (undecided,) = (~orders & (u < np.maximum(p, most) * (1.0 + SLACK))).nonzero()
        at = rows[undecided]
        p = self._chance(world, at, base[undecided], pull[undecided] + self._points(world, at))
        orders[undecided] = u[undecided] < p
        return orders

    def base_at_most(self, world: PrivateDomain, rows: slice) -> Singles:
        """What the log-odds of the models cannot exceed, whatever the state. Shape (n,)."""
        repeat = min(
            max(world.models.repurchase.highest, world.models.comeback.highest) + self._season(world), STEEPEST
        )
        # Trust can only lower a first order's odds.
        most: Singles = (world.customers.orders[rows] == 0) * np.float32(self.first_order - repeat)
        most += np.float32(repeat)
        return most

    def pull_at_most(self, world: PrivateDomain, rows: slice, coupons: Singles) -> Singles:
        """What the individual rate and the operator's doing cannot exceed together, in log-odds. Shape (n,).

        ``coupons``: what theirs are worth at most.
        """
        c, effects = world.customers, world.effects
        most: Singles = c.rate[rows] + c.stimulus[rows]
        most += np.float32(effects["trust"]) * c.goodwill[rows]
        sensitivity = c.price_sensitivity[rows]
        strength = np.float32(effects["member_price"])
        earned = face_share(world, rows)
        if earned.any() and strength > 0:
            most += strength * sensitivity * earned
        if c.member_price[rows].any():
            # Coupons may take its place, which wins something where its effect is drawn below zero.
            least = strength if world.policy.stacking.with_member_price else max(strength, np.float32(0.0))
            most += least * sensitivity * c.member_price[rows]
        if effects["coupon"] > 0:
            most += np.float32(effects["coupon"]) * sensitivity * coupons
            if world.today.promised:
                most += np.float32(effects["coupon"]) * sensitivity * c.gift_hope[rows]
        return most

    def _chance(self, world: PrivateDomain, rows: Rows, base: Floats, pull: Floats) -> Floats:
        """Probability of an order at these base log-odds and this pull."""
        p = sigmoid(base + (world.customers.rate[rows] + pull))
        p *= self._kept(world, rows)
        return p

    def _kept(self, world: PrivateDomain, rows: Rows) -> Floats:
        """Share of the order hazard that the contact state leaves."""
        share: Floats = np.array([0.0, 0.0, 1.0, 1.0, self.kept_after_deletion])[world.customers.contact[rows]]
        return share

    def _pull(self, world: PrivateDomain, rows: Rows) -> Floats:
        """What the operator did, in log-odds, points left out."""
        c = world.customers
        pull: Floats = c.stimulus[rows].astype(np.float64)
        pull += world.effects["trust"] * c.goodwill[rows].astype(np.float64)
        price, coupons = c.member_price[rows], worth(world, rows)
        if coupons is not None:
            if not world.policy.stacking.with_member_price:
                coupons[coupons <= price] = 0.0
                price = np.where(coupons > 0, np.float32(0.0), price)
            pull += world.effects["coupon"] * c.price_sensitivity[rows] * coupons
        if world.today.promised:
            pull += world.effects["coupon"] * c.price_sensitivity[rows] * c.gift_hope[rows]
        if price.any():
            pull += world.effects["member_price"] * c.price_sensitivity[rows] * price
        return pull

    def _points(self, world: PrivateDomain, rows: Rows) -> Floats:
        """What the points of an order do, in log-odds."""
        points: Floats = world.effects["member_price"] * world.customers.price_sensitivity[rows]
        return points * hoped_share(world, rows)

    def _base(self, world: PrivateDomain, rows: Rows) -> Floats:
        """Log-odds by the model that each follows; the operator's goodwill counts for a first order."""
        c, models = world.customers, world.models
        base = np.full(len(rows), -np.inf)
        new, lapsed = c.orders[rows] == 0, c.lapsed[rows]
        (active,) = (~(new | lapsed)).nonzero()
        base[active] = models.repurchase.logit_at(c, rows[active], world.day, world.weekday) + self._season(world)
        (back,) = (lapsed & (c.last_order[rows] < world.day - models.lapse_days)).nonzero()
        if len(back):
            base[back] = models.comeback.logit_at(c, rows[back], world.day, world.weekday) + self._season(world)
        (new,) = new.nonzero()
        if len(new):
            at = rows[new]
            base[new] = self._first_order(c.resting_trust[at] + c.goodwill[at].astype(np.float64))
        return base

    def _season(self, world: PrivateDomain) -> float:
        """Log-odds that everybody has in common today."""
        return float(world.season.order[world.day])

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
