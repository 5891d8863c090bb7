"""A field test: two arms of the operator's own customers, one of which is treated, to learn one effect."""

from __future__ import annotations

import math

import numpy as np
from pydantic import field_validator
from scipy.optimize import brentq
from scipy.special import expit

from agents.effects import EFFECT_NAMES, Effect
from sim.errors import nearest
from sim.spec import Spec, parameter

DOSES = {  # effect: mean shift of the daily log-odds of ordering in the treated arm, per unit of the effect
    "coupon": 0.035,  # assumed: 10 % off always in hand, which 35 % of receivers mean to use
    "member_price": 0.10,  # assumed: a standing price 10 % lower
    "advert": 0.5,  # assumed: three a week, whose pull halves in two days, at half receptivity and some fatigue
    "content": 0.5,  # assumed: as adverts
    "chat": 0.3,  # assumed: one a week, six in ten answered
    "quote": 0.02,  # assumed: one request by one in a dozen of those in the test, whose pull halves in two days
    "live": 0.06,  # assumed: one a week, watched by one in seven, whose pull halves in two days
    "trust": 0.2,  # assumed: what a season of content and chat adds
    "community": 1.0,  # assumed: a third of the invited join, and what a day adds halves in two days
    "novelty": 0.1,  # assumed: one day a week, a quarter take note, and half is left after two days
}


CUSTOMER_NODES = 40  # of the distribution of log-odds over customers
FAR = 30.0  # log-odds beyond which nothing happens or everything does


class FieldTest(Spec):
    """An A/B test that the operator could run, its sample size left open."""

    days: int = parameter(28, ge=1, le=3660, doc="length of the test", source="assumed")
    cost_per_customer: float | None = parameter(
        None, ge=0, doc="cost of one customer in the test, both arms alike, scenario currency; none looks for 80 %"
    )
    fixed_cost: float = parameter(0.0, ge=0, doc="cost of having a test at all, scenario currency")
    doses: dict[str, float] = parameter(
        default_factory=dict, doc="by effect: mean shift of the treated arm's daily log-odds per unit of the effect"
    )

    @field_validator("doses")
    @classmethod
    def _known(cls, doses: dict[str, float]) -> dict[str, float]:
        for name, dose in doses.items():
            if name not in EFFECT_NAMES:
                raise ValueError(f"no effect '{name}'; {nearest(name, EFFECT_NAMES)}")
            if dose <= 0:
                raise ValueError(f"the dose of {name} must be above 0 (it is {dose:g}); raise it or leave it out")
        return doses

    def can_measure(self, name: str) -> bool:
        """Whether it is known how much the effect moves orders: bait, for one, moves who adds the contact."""
        return name in self.doses or name in DOSES

    def prior_size(self, name: str, effect: Effect, *, orders_per_day: float, rate_sd: float) -> float:
        """Customers in each arm with whom the test knows the effect as well as its prior does.

        The two arms' difference in log-odds has the variance of two shares of customer-days, where days of one customer
        are alike because customers differ. It falls with 1/n, so with n customers an arm the test removes the share
        n / (n + prior size) of the prior variance.

        Parameters
        ----------
        orders_per_day : chance of an order a day of an untreated customer, mean over customers.
        rate_sd : standard deviation of the log-odds of ordering between customers.
        """
        dose = self.doses.get(name, DOSES[name])
        rate, weights = np.polynomial.hermite_e.hermegauss(CUSTOMER_NODES)
        rate, weights = rate_sd * rate, weights / weights.sum()
        middle = brentq(lambda at: weights @ expit(at + rate) - orders_per_day, -FAR, FAR)
        variance, slope = 0.0, 1.0
        for shift in (0.0, effect.mean * dose):
            p = expit(middle + shift + rate)
            mean, single = weights @ p, weights @ (p * (1 - p))
            between = weights @ (p - mean) ** 2
            slope = single / (mean * (1 - mean))  # log-odds of the mean move less than each customer's
            variance += (between + single / self.days) / (mean * (1 - mean)) ** 2
        return float(variance / (slope * dose * effect.sd) ** 2)

    def cost(self, per_arm: int) -> float:
        """What a test of two arms of this size costs."""
        return self.fixed_cost + 2 * per_arm * (self.cost_per_customer or 0.0)


def rounded_up(n: float) -> int:
    """A sample size in two significant digits, never smaller."""
    scale = 10 ** max(math.floor(math.log10(max(n, 1))) - 1, 0)
    return int(math.ceil(n / scale - 1e-9) * scale)
