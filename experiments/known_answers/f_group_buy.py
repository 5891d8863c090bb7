"""Family F: how deep a group price should be when the deal stands only with enough who join.

30 customers are invited; each joins with q = σ(-3.2 + 9 x) at depth x, and at least K must. A deal earns
100 (1 - x) - 45 with everybody who joined: its value is that times the sum of n P(N = n) over n ≥ K, N binomial. Who
joins pays at once and is given the money back when the group is not filled. Many groups of 30 make up the customers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from scipy.special import expit
from scipy.stats import binom

from agents.actions.base import ScheduledAction, cents
from agents.behaviours.base import Behaviour
from agents.calendar import Calendar
from agents.models.hazard import sigmoid
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.known_answers.family import UNIT_CNY, Family, Moments, Optimum, highest_of, lever, world_of
from experiments.known_answers.question import Question
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class GroupBuy(ScheduledAction):
    """Invite groups to buy at a lower price, which holds for those groups alone that enough join.

    Customers whose keys are neighbours form a group.
    """

    kind = "group_invitation"
    off: ClassVar[dict[str, Any]] = {"invited": 0}

    depth: float = parameter(ge=0, le=1, doc="discount of the group price as a share of the list price")
    invited: int = parameter(ge=0, doc="customers of a group; 0 for no deal")
    needed: int = parameter(ge=1, doc="customers who must join for the deal to stand")
    cost_cny: float = parameter(0.0, ge=0, doc="cost of inviting one customer, CNY")

    @model_validator(mode="after")
    def _attainable(self) -> Self:
        if 0 < self.invited < self.needed:
            raise ValueError(f"needed {self.needed} exceeds invited {self.invited}: no deal can stand; lower needed")
        return self

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.invited > 0 and self.calendar.times(world.day, world.date):
            rows = np.flatnonzero(self.audience.mask(world.customers, world.day))
            world.send("advert", rows, name, self.cost_cny)

    def stands(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of those who joined are in a group that is filled. Shape (n,)."""
        _, group, joined = np.unique(keys // self.invited, return_inverse=True, return_counts=True)
        filled: NDArray[np.bool_] = (joined >= self.needed)[group]
        return filled


class GroupDemand(Behaviour):
    """Invitations to a group are received; the deeper the group price, the likelier one joins, and pays.

    A filled group's payments are orders. Those of the others are fees for the day, refunded when it ends.
    """

    kind = "group_demand"
    phase = "purchase"

    price_cny: float = parameter(gt=0, doc="list price, CNY")
    intercept: float = parameter(doc="log-odds of joining at list price")
    lift: float = parameter(doc="log-odds that the discount adds, per unit of depth")

    def apply(self, world: PrivateDomain) -> None:
        for message in world.today.outbox:
            cost = message.cents(world.day, world.customers.key[message.rows])
            world.record(f"message_{message.kind}", message.rows, cost, message.source)
            deal = world.policy.actions[message.source]
            if isinstance(deal, GroupBuy):
                self._settle(world, deal, message.rows, message.source, message.luck)

    def _settle(self, world: PrivateDomain, deal: GroupBuy, rows: NDArray[np.int32], name: str, luck: str) -> None:
        c, price = world.customers, cents(self.price_cny)
        chance = sigmoid(np.array([self.intercept + self.lift * deal.depth]))
        joins = rows[world.draws.uniform(f"group_demand.{luck}", world.day, c.key[rows]) < chance]
        filled = deal.stands(c.key[joins])
        paid = price - round(price * deal.depth)
        world.record("fee", joins[~filled], paid, name)
        world.record("refund", joins[~filled], paid, name)
        buyers = joins[filled].astype(np.intp)
        c.coupon_depth[buyers], c.coupon_minimum[buyers], c.coupon_noticed[buyers] = deal.depth, 0, True
        c.coupon_source[buyers] = world.ledger.source_code(name)
        # Nobody would have bought without the deal.
        world.sell(buyers, np.full(len(buyers), price), np.zeros(len(buyers), bool))


class GroupDeal(Family):
    """A group price. The lever is its depth. Values are those of one group of invited customers."""

    price: float = parameter(100.0, gt=0, doc="list price")
    cost: float = parameter(45.0, ge=0, doc="cost of goods")
    invitation: float = parameter(0.0, ge=0, doc="cost of inviting one customer")
    invited: int = parameter(30, ge=1, le=10_000, doc="customers of a group")
    needed: int = parameter(10, ge=1, doc="K: customers who must join")
    intercept: float = parameter(-3.2, doc="log-odds of joining at list price")
    lift: float = parameter(9.0, doc="log-odds that the discount adds, per unit of depth")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.needed > self.invited:
            raise ValueError(f"needed {self.needed} exceeds invited {self.invited}: no deal can stand; lower needed")
        if self.cost > self.price:
            raise ValueError(f"cost {self.cost:g} exceeds price {self.price:g}: no deal can pay; lower it")
        return self

    def scenario(self, *, groups: int) -> Scenario:
        """A day on which so many groups may form."""
        demand = GroupDemand(price_cny=self.price * UNIT_CNY, intercept=self.intercept, lift=self.lift)
        return world_of(
            {"demand": demand},
            title="group buy",
            module=__name__,
            customers=groups * self.invited,
            days=1,
            margin=1 - self.cost / self.price,
        )

    def policy(self, *, depth: float) -> Policy:
        """Invite everybody to a group at this depth."""
        deal = GroupBuy(
            depth=depth, invited=self.invited, needed=self.needed, cost_cny=self.invitation * UNIT_CNY,
            calendar=Calendar(every_days=1),
        )  # fmt: skip
        return Policy(title=f"a group price {depth:.0%} below list", actions={"deal": deal}, plugins=(__name__,))

    def joining(self, depth: float) -> float:
        """q: chance that one who is invited joins."""
        return float(expit(self.intercept + self.lift * depth))

    def success(self, *, depth: float) -> float:
        """Chance that the deal stands."""
        return float(binom.sf(self.needed - 1, self.invited, self.joining(depth)))

    def exact(self, *, depth: float) -> float:
        """Expected profit of a group."""
        return self.moments(depth=depth).mean

    def moments(self, *, depth: float) -> Moments:
        """Mean and standard deviation of the profit of a group."""
        n = np.arange(self.needed, self.invited + 1)
        chance = binom.pmf(n, self.invited, self.joining(depth))
        profit = self.price * (1 - depth) - self.cost
        mean, square = float(chance @ n) * profit, float(chance @ n**2) * profit**2
        return Moments(mean - self.invited * self.invitation, math.sqrt(max(square - mean**2, 0.0)))

    def optimum(self) -> Optimum:
        """The depth of greatest profit."""
        depth = highest_of(lambda x: self.exact(depth=x), 0.0, 1.0)
        return Optimum({"depth": depth}, self.exact(depth=depth))

    def truth(self, policy: Policy) -> float:
        """Value of a customer under a policy with this family's deal or none, in the scenario's currency."""
        depth = lever(policy, self.policy(depth=0.0), "depth")
        return 0.0 if depth is None else self.exact(depth=depth) / self.invited * UNIT_CNY

    def question(self, *, groups: int = 5000) -> Question:
        """How deep the group price should be."""
        deepest = max(1 - self.cost / self.price, 0.01)  # where nothing is earned any more
        best = self.optimum()
        x = best.levers["depth"]
        # Too shallow for most groups to be filled, or too deep for one that is filled to pay.
        wrong = min((x / 2, (x + deepest) / 2), key=lambda depth: self.exact(depth=depth))
        return Question(
            scenario=self.scenario(groups=groups),
            status_quo=self.policy(depth=wrong),
            space={"actions.deal.depth": {"low": 0.0, "high": deepest}},
            truth=self.truth,
            best=best.value / self.invited * UNIT_CNY,
        )
