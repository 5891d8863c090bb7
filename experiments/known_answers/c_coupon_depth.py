"""Family C: how deep a coupon should be when demand is logit in the price paid.

π(x) = (P (1 - x) - c) σ(α - β P (1 - x)). The coupon, its issue and its redemption are the product's own action and
behaviour; only the demand is a plug-in. Classes of customers are told apart by their value tier, which is observed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from scipy.special import expit, wrightomega

from agents.actions.base import cents
from agents.actions.coupon import Coupon
from agents.audience import Audience
from agents.behaviours.base import Behaviour
from agents.behaviours.coupons import CouponUse
from agents.calendar import Calendar
from agents.customers import TIERS, Contact
from agents.models.hazard import sigmoid
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.known_answers.family import DEEPEST, UNIT_CNY, Family, Moments, Optimum, highest_of, world_of
from experiments.known_answers.question import Question
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

STATUS_QUOS = (0.03, 0.4)  # depths of which the worse is where a search starts; assumed


class LogitClass(Spec):
    """One class of customers: P(order) = σ(intercept - slope · price paid)."""

    share: float = parameter(1.0, gt=0, le=1, doc="share of customers")
    intercept: float = parameter(doc="α: log-odds of an order at price 0")
    slope: float = parameter(gt=0, doc="β: log-odds lost per unit of price")


class LogitDemand(Behaviour):
    """Every contact may order one piece a day; a coupon in hand that was noticed lowers its price."""

    kind = "logit_demand"
    phase = "purchase"

    price_cny: float = parameter(gt=0, doc="list price, CNY")
    classes: tuple[LogitClass, ...] = parameter(
        min_length=1, max_length=len(TIERS), doc="classes of customers in the order of the value tiers; slope per CNY"
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        total = sum(one.share for one in self.classes)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"shares of classes must add up to 1 (they add up to {total:.6g})")
        return self

    def begin(self, world: PrivateDomain) -> None:
        c = world.customers
        edges = np.cumsum([one.share for one in self.classes])[:-1]
        c.tier[:] = np.searchsorted(edges, world.draws.uniform("logit_demand.class", 0, c.key), side="right")

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        depth = np.where(c.coupon_noticed[rows], c.coupon_depth[rows], 0.0).astype(np.float64)
        tier, u = c.tier[rows], world.draws.uniform("logit_demand", world.day, c.key[rows])
        buys = u < self._chance(tier, self.price_cny * (1 - depth))
        anyway = u < self._chance(tier, np.full(len(rows), self.price_cny))
        world.sell(rows[buys], np.full(np.count_nonzero(buys), cents(self.price_cny)), anyway[buys])

    def _chance(self, tier: NDArray[np.int8], paid: NDArray[np.float64]) -> NDArray[np.float64]:
        intercept, slope = (np.array([getattr(one, name) for one in self.classes]) for name in ("intercept", "slope"))
        return sigmoid(intercept[tier] - slope[tier] * paid)


class CouponDepth(Family):
    """Depth of a daily coupon. The levers are the depths for each class, or one for all."""

    price: float = parameter(100.0, gt=0, doc="P: list price")
    cost: float = parameter(45.0, ge=0, doc="c: cost of goods")
    classes: tuple[LogitClass, ...] = parameter(
        (LogitClass(intercept=4.0, slope=0.05),), min_length=1, doc="classes of customers; slope per unit of money"
    )

    def scenario(self, *, customers: int, days: int = 1) -> Scenario:
        """A world of so many independent shopping days, without discounting."""
        classes = tuple(one.model_copy(update={"slope": one.slope / UNIT_CNY}) for one in self.classes)
        behaviours: dict[str, Behaviour] = {
            "coupon_use": CouponUse(take_up=1.0),
            "demand": LogitDemand(price_cny=self.price * UNIT_CNY, classes=classes),
        }
        return world_of(
            behaviours,
            title="logit demand",
            module=__name__,
            customers=customers,
            days=days,
            margin=1 - self.cost / self.price,
        )

    def policy(self, *, depths: Sequence[float], every_days: int = 1) -> Policy:
        """A coupon for a day, every so many days: one depth for everybody, or one for each class."""
        audiences = [Audience()] if len(depths) == 1 else [Audience(tiers=(tier,)) for tier in TIERS]
        names = ["coupon"] if len(depths) == 1 else [f"coupon_{tier}" for tier in TIERS]
        calendar = Calendar(every_days=every_days)
        actions = {
            name: Coupon(depth=depth, valid_days=1, calendar=calendar, audience=audience)
            for name, depth, audience in zip(names, depths, audiences, strict=False)
        }
        return Policy(title=f"coupons of {', '.join(f'{x:g}' for x in depths)}", actions=actions)

    def exact(self, *, depths: Sequence[float]) -> float:
        """Profit per customer and day at one depth for all or one for each class."""
        return self.moments(depths=depths).mean

    def moments(self, *, depths: Sequence[float]) -> Moments:
        """Mean and standard deviation of one customer's profit on one day."""
        each = list(depths) * len(self.classes) if len(depths) == 1 else depths
        mean = square = 0.0
        for one, depth in zip(self.classes, each, strict=True):
            paid = self.price * (1 - depth)
            chance, profit = float(expit(one.intercept - one.slope * paid)), paid - self.cost
            mean += one.share * chance * profit
            square += one.share * chance * profit**2
        return Moments(mean, math.sqrt(square - mean**2))

    def subsidised(self, *, depth: float) -> float:
        """Chance that a customer, on one day, uses the coupon for an order placed at full price too."""
        return sum(
            one.share * float(expit(one.intercept - one.slope * self.price)) for one in self.classes if depth > 0
        )

    def optimum(self) -> Optimum:
        """The best depth for each class: p* = c + (1 + W0(exp(α - β c - 1))) / β, no coupon where p* exceeds P."""
        depths = [
            max(1 - (self.cost + (1 + float(wrightomega(one.intercept - one.slope * self.cost - 1))) / one.slope)
                / self.price, 0.0)
            for one in self.classes
        ]  # fmt: skip
        names = [f"depth_{tier}" for tier in TIERS]
        return Optimum(dict(zip(names, depths, strict=False)), self.exact(depths=depths))

    def best_uniform(self, *, most: float = 1.0) -> Optimum:
        """The best depth up to ``most`` when all must get the same."""
        depth = highest_of(lambda x: self.exact(depths=[x]), 0.0, most)
        return Optimum({"depth": depth}, self.exact(depths=[depth]))

    def truth(self, policy: Policy, *, days: int, names: Sequence[str]) -> float:
        """Value of a customer under daily coupons of these names, or without them, in the scenario's currency."""
        depths = [getattr(policy.actions.get(name), "depth", 0.0) for name in names]
        known = self.policy(depths=depths).actions
        if any(known.get(name) != action for name, action in policy.actions.items()):
            raise ValueError(f"only the daily coupons {', '.join(names)}, at any depth, have a known value")
        return days * self.exact(depths=depths) * UNIT_CNY

    def question(self, *, targeted: bool = True, customers: int = 100_000, days: int = 1) -> Question:
        """How deep the coupon of each class should be, or one for all."""
        number = len(self.classes) if targeted else 1
        if number == 1:
            best = self.best_uniform(most=DEEPEST).value
        else:
            # A class's profit has one peak, so that beyond the limit the limit is best.
            best = self.exact(depths=[min(depth, DEEPEST) for depth in self.optimum().levers.values()])
        status_quo = min(
            (self.policy(depths=[depth] * number) for depth in STATUS_QUOS),
            key=lambda policy: self.truth(policy, days=days, names=tuple(policy.actions)),
        )
        return Question(
            scenario=self.scenario(customers=customers, days=days),
            status_quo=status_quo,
            space={f"actions.{name}.depth": {"low": 0.0, "high": DEEPEST} for name in status_quo.actions},
            truth=partial(self.truth, days=days, names=tuple(status_quo.actions)),
            best=days * best * UNIT_CNY,
        )
