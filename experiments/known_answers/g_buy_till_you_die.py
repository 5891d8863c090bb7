"""Family G: customers who buy for a while and then, unseen, stop. One model day stands for one period (a week).

Within a day everything happens in continuous time: the k-th gap of a customer's day is an exponential number with its
own address, so that several orders a day, and a dropout between two of them, are exact and need no finer grid. Gaps
have no memory, so a gap that crosses midnight may be drawn anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, hyp2f1, logit

from agents.actions.base import cents
from agents.behaviours.base import Behaviour
from agents.customers import Contact
from agents.models.hazard import sigmoid
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.known_answers.family import Family, world_of
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
ORDER_CNY = 1.0  # value of every order: only their number is known


def keep_rates(world: PrivateDomain, decision: str, shape: float, scale: float) -> None:
    """Give everybody a Gamma(shape, scale) rate of ordering: its logarithm is the latent column ``rate``."""
    c = world.customers
    rate = gammaincinv(shape, world.draws.uniform(decision, 0, c.key)) / scale
    c.rate[:] = np.log(np.maximum(rate, np.finfo(np.float64).tiny))


def order_by_gaps(world: PrivateDomain, rows: Rows, passed: Floats, until: Floats, number: int, kind: str) -> Rows:
    """Let the next gap of each row pass; book an order where it ends before ``until``; return who ordered, by place.

    ``passed`` is the time of day up to now, in periods, and is moved on in place; ``number`` counts the gaps of today.
    """
    c = world.customers
    gap = -np.log(world.draws.uniform(f"{kind}.gap.{number}", world.day, c.key[rows]))
    passed += gap / np.exp(c.rate[rows].astype(np.float64))
    places = np.flatnonzero(passed < until)
    world.sell(rows[places], np.full(len(places), cents(ORDER_CNY)))
    return places


class Seen(Spec):
    """What is known of a customer: BTYD's x, t_x and T."""

    x: int = parameter(ge=0, doc="repeat orders seen")
    t_x: float = parameter(ge=0, doc="time of the last of them")
    T: float = parameter(ge=0, doc="time up to which the customer was watched")


class BgNbd(Behaviour):
    """BG/NBD (Fader, Hardie & Lee 2005): Poisson orders at a Gamma rate; after each, dropout with a Beta chance.

    With ``seen``, everybody starts from what is left open about a customer with that record.
    """

    kind = "bg_nbd"
    phase = "purchase"

    r: float = parameter(gt=0, doc="shape of the order rate between customers")
    alpha: float = parameter(gt=0, doc="scale (inverse) of the order rate, periods")
    a: float = parameter(gt=0, doc="first parameter of the dropout chance")
    b: float = parameter(gt=0, doc="second parameter of the dropout chance")
    seen: Seen | None = parameter(None, doc="record that all customers have on day 0; none for newcomers")
    periods_per_day: float = parameter(1.0, gt=0, doc="periods that a model day stands for")

    def _now(self) -> tuple[float, float, float]:
        """r, alpha and b of somebody alive with the record: the gamma and the beta are conjugate."""
        if self.seen is None:
            return self.r, self.alpha, self.b
        return self.r + self.seen.x, self.alpha + self.seen.T, self.b + self.seen.x

    def begin(self, world: PrivateDomain) -> None:
        c, (r, alpha, _) = world.customers, self._now()
        keep_rates(world, "bg_nbd.rate", r, alpha)
        c.contact[world.draws.uniform("bg_nbd.alive", 0, c.key) >= self.alive()] = Contact.DELETED

    def apply(self, world: PrivateDomain) -> None:
        c, b = world.customers, self._now()[2]
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        passed, number = np.zeros(len(rows)), 0
        while len(rows):
            places = order_by_gaps(world, rows, passed, np.full(len(rows), self.periods_per_day), number, self.kind)
            rows, passed = rows[places], passed[places]
            chance = betaincinv(self.a, b, world.draws.uniform("bg_nbd.chance", 0, c.key[rows]))
            drops = world.draws.uniform(f"bg_nbd.dropout.{number}", world.day, c.key[rows]) < chance
            world.set_contact(rows[drops], Contact.DELETED, "delete", self.kind)
            rows, passed, number = rows[~drops], passed[~drops], number + 1

    def expected_orders(self, t: float) -> float:
        """E[X(t)] of a newcomer. Source: Fader, Hardie & Lee (2005), eq. 9."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        mixed = (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t))
        return float((a + b - 1) / (a - 1) * (1 - mixed))

    def chance_of_none(self, t: float) -> float:
        """P(X(t) = 0) of a newcomer."""
        return float((self.alpha / (self.alpha + t)) ** self.r)

    def alive(self) -> float:
        """P(alive at T | x, t_x, T); 1 for a newcomer."""
        if self.seen is None or self.seen.x == 0:
            return 1.0
        x, longer = self.seen.x, (self.alpha + self.seen.T) / (self.alpha + self.seen.t_x)
        return float(1 / (1 + self.a / (self.b + x - 1) * longer ** (self.r + x)))

    def expected_after(self, t: float) -> float:
        """E[Y(t) | x, t_x, T]: orders in the t periods after T. Source: Fader, Hardie & Lee (2005), eq. 10."""
        r, alpha, b = self._now()
        rest = BgNbd(r=r, alpha=alpha, a=self.a, b=b)
        return self.alive() * rest.expected_orders(t)


class ParetoNbd(Behaviour):
    """Pareto/NBD (Schmittlein, Morrison & Colombo 1987): Poisson orders at a Gamma rate over a Pareto lifetime."""

    kind = "pareto_nbd"
    phase = "purchase"

    r: float = parameter(gt=0, doc="shape of the order rate between customers")
    alpha: float = parameter(gt=0, doc="scale (inverse) of the order rate, periods")
    s: float = parameter(gt=0, doc="shape of the dropout rate between customers")
    beta: float = parameter(gt=0, doc="scale (inverse) of the dropout rate, periods")
    periods_per_day: float = parameter(1.0, gt=0, doc="periods that a model day stands for")

    def begin(self, world: PrivateDomain) -> None:
        keep_rates(world, "pareto_nbd.rate", self.r, self.alpha)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        alive = np.flatnonzero(c.contact == Contact.CONTACT)
        u = world.draws.uniform("pareto_nbd.lifetime", 0, c.key[alive])
        # An exponential lifetime with a Gamma rate is Pareto of the second kind, which has an inverse.
        left = self.beta * (u ** (-1 / self.s) - 1) - world.day * self.periods_per_day
        until = np.minimum(left, self.periods_per_day)
        rows, passed, end, number = alive, np.zeros(len(alive)), until, 0
        while len(rows):
            places = order_by_gaps(world, rows, passed, end, number, self.kind)
            rows, passed, end, number = rows[places], passed[places], end[places], number + 1
        world.set_contact(alive[left < self.periods_per_day], Contact.DELETED, "delete", self.kind)

    def expected_orders(self, t: float) -> float:
        """E[X(t)] of a newcomer. Source: Schmittlein, Morrison & Colombo (1987), eq. 17."""
        rate = self.r / self.alpha
        if abs(self.s - 1) < 1e-9:
            return float(rate * self.beta * np.log1p(t / self.beta))
        return float(rate * self.beta / (self.s - 1) * (1 - (self.beta / (self.beta + t)) ** (self.s - 1)))


class ShiftedBetaGeometric(Behaviour):
    """Shifted beta-geometric (Fader & Hardie 2007): a constant chance of leaving, which differs between customers."""

    kind = "shifted_beta_geometric"
    phase = "churn"

    alpha: float = parameter(gt=0, doc="first parameter of the chance of leaving")
    beta: float = parameter(gt=0, doc="second parameter of the chance of leaving")

    def begin(self, world: PrivateDomain) -> None:
        c = world.customers
        u = world.draws.uniform("shifted_beta_geometric.chance", 0, c.key)
        # The log-odds of leaving fit the latent column of individual hazards.
        c.rate[:] = logit(np.clip(betaincinv(self.alpha, self.beta, u), 1e-300, 1 - 1e-15))

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        chance = sigmoid(c.rate[rows].astype(np.float64))
        leaves = world.draws.uniform("shifted_beta_geometric", world.day, c.key[rows]) < chance
        world.set_contact(rows[leaves], Contact.DELETED, "delete", self.kind)

    def retention(self, period: int) -> float:
        """Share of those who lived to the start of a period (1, 2, …) who outlive it."""
        return (self.beta + period - 1) / (self.alpha + self.beta + period - 1)


class BuyTillYouDie(Family):
    """A population that lives by one of the models of this module. There is nothing to choose."""

    life: Behaviour = parameter(
        BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426),
        doc="BgNbd, ParetoNbd or ShiftedBetaGeometric",
        source="CDNOW, Fader, Hardie & Lee (2005)",
    )

    def scenario(self, *, customers: int, days: int) -> Scenario:
        """Newcomers of day 0, for so many model days."""
        return world_of(
            {self.life.kind: self.life}, title=self.life.kind, module=__name__, customers=customers, days=days
        )

    def policy(self) -> Policy:
        """The operator does nothing."""
        return DO_NOTHING
