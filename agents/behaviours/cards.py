"""Cards: who buys a paid membership, and which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.plans import DAYS_A_MONTH
from agents.behaviours.base import Behaviour
from agents.customers import YOUNG_DAYS
from agents.membership_book import Offer, enrol
from agents.points_book import hoped_share, spent_share
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.actions.membership import Membership
    from agents.actions.plans import Plan
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

SLACK = 1e-6  # on bounds, in utility


class CardChoice(Behaviour):
    """A customer weighs what each plan on offer would save against its fee, and takes the best or none (a logit).

    The expected saving is the personal order rate times the expected order times what the plan takes off beyond the
    free level, and the worth of its benefits. Utility rises with the logarithm of saving over fee, more steeply for
    the price-sensitive. Fees are compared with each other: a dear plan beside a cheap one makes this look cheaper.
    """

    kind = "card_choice"
    phase = "respond"

    at_par: float = parameter(
        -3.0, doc="log-odds of buying at an offer when the saving equals the fee", source="assumed"
    )
    per_log_ratio: float = parameter(2.0, ge=0, doc="log-odds per unit of log(saving / fee)", source="assumed")
    refund_trusted: float = parameter(
        0.5, ge=0, le=1, doc="share of a loss that the promise of a refund takes off the mind", source="assumed"
    )
    outlay: float = parameter(
        0.5, ge=0, doc="log-odds lost per unit of log(fee / own order) where the fee is the larger", source="assumed"
    )
    reference: float = parameter(
        0.3, ge=0, doc="log-odds per unit of log(mean fee in view / own fee), geometric mean",
        source="contrast with what stands beside it: Simonson & Tversky (1992); size assumed",
    )  # fmt: skip
    reference_reach: float = parameter(
        11.0, ge=1, doc="most times one's own fee that the mean fee in view counts for: dearer ones are not credible",
        source="assumed; fees of S4's year and month card are 198 / 18 = 11",
    )  # fmt: skip
    benefit_worth: float = parameter(
        0.8, ge=0, le=5, doc="worth of a benefit to a member, in units of its cost",
        source="Waldfogel (1993): gifts are valued at 71 to 90 % of their cost",
    )  # fmt: skip

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(getattr(action, "plans", None) for action in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        club = world.club
        if club is None:
            return
        for offer in world.today.offers:
            parts = [slice(low, low + world.chunk_rows) for low in range(0, len(offer.rows), world.chunk_rows)]
            choice = np.concatenate([self._choose(world, club, Offer(offer.rows[p], offer.open[p])) for p in parts])
            for number in range(len(club.plans)):
                buyers = offer.rows[choice == number]
                if len(buyers):
                    enrol(world, club, buyers, number)

    def _choose(self, world: PrivateDomain, club: Membership, offer: Offer) -> NDArray[np.intp]:
        """Number of the plan that each takes; -1 for none."""
        keys = world.customers.key[offer.rows]
        none = _gumbel(world.draws.uniform("card.none", world.day, keys))
        # Luck of each plan's own: raising one's utility moves people to it, from none or another, never away.
        luck = [_gumbel(world.draws.uniform(f"card.{name}", world.day, keys)) for name in club.plans]
        near = np.zeros(len(keys), bool)
        for number, most in enumerate(self._utilities(world, club, offer, hopeful=True)):
            near |= offer.open[:, number] & (most + luck[number] + SLACK > none)
        best, chosen = none[near], np.full(np.count_nonzero(near), -1, np.intp)
        offer = Offer(offer.rows[near], offer.open[near])
        for number, utility in enumerate(self._utilities(world, club, offer)):
            value = np.where(offer.open[:, number], utility + luck[number][near], -np.inf)
            chosen[value > best] = number
            best = np.maximum(best, value)
        choice = np.full(len(keys), -1, np.intp)
        choice[near] = chosen
        return choice

    def _utilities(
        self, world: PrivateDomain, club: Membership, offer: Offer, *, hopeful: bool = False
    ) -> list[Floats]:
        """Utility of each plan, that of none being 0. Shape (plans), (n,).

        ``hopeful``: what they cannot exceed, as if all points were surely redeemed; that costs much less.
        """
        c, rows = world.customers, offer.rows
        rate = c.orders[rows] / np.maximum(world.day - c.joined[rows], YOUNG_DAYS)
        basket, sensitivity = world.expected_basket(rows), c.price_sensitivity[rows].astype(np.float64)
        free, multiplier = club.level_price(world, rows), club.level_multiplier(world, rows)
        fees = [max(plan.fee_cny * 100, 1.0) for plan in club.plans.values()]
        in_view = offer.open * np.array([plan.trial_of is None and plan.fee_cny > 0 for plan in club.plans.values()])
        # Plan after plan, not a matrix product: BLAS adds in an order that depends on the other rows.
        log_fees = sum((seen * math.log(fee) for seen, fee in zip(in_view.T, fees, strict=True)), np.zeros(len(rows)))
        mean_log_fee = log_fees / np.maximum(in_view.sum(axis=1), 1)
        found = []
        for number, plan in enumerate(club.plans.values()):
            gain = np.maximum(plan.discount - free, 0.0) + _more_points(world, plan, rows, multiplier, hopeful)
            saving = self._saving(plan, rate, basket, gain)
            saving += _vouchers(world, plan, rows, rate, basket)
            ratio = np.log(np.maximum(saving, 1.0) / fees[number])
            if plan.refund_if_not_saved:
                ratio += self.refund_trusted * (np.maximum(ratio, 0.0) - ratio)
            utility = self.at_par + self.per_log_ratio * ratio * sensitivity
            utility -= self.outlay * np.log(np.maximum(fees[number] / basket, 1.0))
            contrast = np.minimum(mean_log_fee - np.log(fees[number]), math.log(self.reference_reach))
            utility += self.reference * in_view[:, number] * contrast
            found.append(utility)
        return found

    def _saving(self, plan: Plan, rate: Floats, basket: Floats, gain: Floats) -> Floats:
        """What a customer expects to save with a plan over its term, cents, at a gain on each order. Shape (n,)."""
        orders = rate * plan.term_days
        if plan.orders is not None:
            orders = np.minimum(orders, plan.orders)
        benefits = sum(benefit.cost_cny for benefit in plan.benefits.values()) * plan.term_days / DAYS_A_MONTH
        saving: Floats = orders * basket * gain + self.benefit_worth * benefits * 100
        return saving


def _more_points(world: PrivateDomain, plan: Plan, rows: Rows, multiplier: Floats, hopeful: bool) -> Floats:
    """What a plan's multiplier adds to the hope for an order's points, as a share of what is paid. Shape (n,)."""
    if hopeful:
        return np.where(plan.points_multiplier > multiplier, spent_share(world) * plan.points_multiplier, 0.0)
    more = np.zeros(len(rows))
    (raised,) = (plan.points_multiplier > multiplier).nonzero()
    if len(raised):
        with_it = hoped_share(world, rows[raised], np.full(len(raised), plan.points_multiplier))
        more[raised] = np.maximum(with_it - hoped_share(world, rows[raised], multiplier[raised]), 0.0)
    return more


def _vouchers(world: PrivateDomain, plan: Plan, rows: Rows, rate: Floats, basket: Floats) -> Floats:
    """What vouchers and cashback of a term are expected to take off, cents, an order using one of them. Shape (n,)."""
    worth, monthly = np.zeros(len(rows)), plan.monthly()
    months = plan.term_days / DAYS_A_MONTH
    used = np.minimum(rate * DAYS_A_MONTH / max(len(monthly), 1), 1.0)
    for terms in monthly:
        minimum = np.full(len(rows), terms.minimum_cents, np.int32)
        worth += months * used * terms.off_cents * world.chance_of_basket(rows, minimum)
    if plan.cashback:
        in_time = -np.expm1(-rate * plan.cashback.valid_days)
        worth += rate * plan.term_days * basket * plan.cashback.share * in_time
    return worth


def _gumbel(u: Floats) -> Floats:
    noise: Floats = -np.log(-np.log(u))
    return noise
