"""Family C2: a budget over segments whose returns diminish.

max Σ n A (1 - exp(-b x)) - n x under Σ n x ≤ B. Spending x on a customer makes it order with probability 1 - exp(-b x),
and an order is worth A. Segments are trust levels, which are observed, and their sizes are fixed, so that what a policy
spends is no matter of luck. At the optimum the last unit spent earns the same λ in every segment that gets any:
x = log(A b / λ) / b; λ is 1 where the budget does not bind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import ScheduledAction, cents
from agents.behaviours.base import Behaviour
from agents.calendar import Calendar
from agents.customers import LEVELS, Contact
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.known_answers.family import UNIT_CNY, Family, Floats, Moments, Optimum, world_of
from experiments.known_answers.question import Question
from sim.errors import SpecError
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

CARE = "care"  # name of the action in the family's policies
LEVERS = f"actions.{CARE}.spend_cny"  # the dict of amounts by trust level


class SpendByLevel(Spec):
    """An amount for each trust level."""

    L0: float = parameter(0.0, ge=0, doc="for strangers, CNY")
    L1: float = parameter(0.0, ge=0, doc="for the acquainted, CNY")
    L2: float = parameter(0.0, ge=0, doc="for those in conversation, CNY")
    L3: float = parameter(0.0, ge=0, doc="for fans, CNY")
    L4: float = parameter(0.0, ge=0, doc="for buyers, CNY")
    L5: float = parameter(0.0, ge=0, doc="for super users, CNY")

    def values(self) -> tuple[float, ...]:
        """Amounts for L0 … L5."""
        return tuple(getattr(self, level) for level in LEVELS)


class SegmentSpend(ScheduledAction):
    """Care for each trust level at its own cost.

    A head gets whole cents, rounded down: amounts that add up to a budget never cost more than it.
    """

    kind = "segment_spend"
    off: ClassVar[dict[str, Any]] = {f"spend_cny.{level}": 0.0 for level in LEVELS}

    spend_cny: SpendByLevel = parameter(doc="spend on one customer at a time, by trust level, CNY")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.calendar.times(world.day, world.date):
            return
        meant = self.audience.mask(world.customers, world.day)
        for level, each in enumerate(self.heads_cny()):
            rows = np.flatnonzero(meant & (world.customers.level == level))
            # Also to nobody, so that one level's amount does not change the luck of another's messages.
            world.send("content", rows if each > 0 else rows[:0], name, each)

    def heads_cny(self) -> list[float]:
        """What a head of each level gets, in whole cents."""
        return [math.floor(round(amount * 100, 6)) / 100 for amount in self.spend_cny.values()]


class SegmentReturn(Spec):
    """One segment and what it makes of the money spent on it."""

    customers: int = parameter(ge=1, doc="n: customers")
    worth: float = parameter(gt=0, doc="A: value of an order")
    response: float = parameter(gt=0, doc="b: decay of the chance of no order per unit spent on a head")

    def chance(self, spend: float) -> float:
        """Chance of an order."""
        return -math.expm1(-self.response * spend)


class SegmentedReturn(Behaviour):
    """Contacts order, each at most once a day, with a chance that has diminishing returns in what was spent today.

    Segments fill blocks of keys in turn, so that any whole number of blocks holds them in exact proportion.
    """

    kind = "segmented_return"
    phase = "purchase"
    extensive: ClassVar[tuple[str, ...]] = ("segments.*.customers",)

    segments: tuple[SegmentReturn, ...] = parameter(
        min_length=1, max_length=len(LEVELS), doc="segments in the order of the trust levels; worth and response in CNY"
    )

    def begin(self, world: PrivateDomain) -> None:
        c = world.customers
        ends = np.cumsum([one.customers for one in self.segments])
        c.level[:] = np.searchsorted(ends, c.key % ends[-1], side="right")

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        care = np.zeros(len(c))
        for message in world.today.outbox:
            cost = message.cents(world.day, c.key[message.rows])
            world.record(f"message_{message.kind}", message.rows, cost, message.source)
            care[message.rows] += message.cost_cny
        rows = np.flatnonzero((c.contact == Contact.CONTACT) & (care > 0) & (c.level < len(self.segments)))
        response = np.array([one.response for one in self.segments])[c.level[rows]]
        worth = np.array([cents(one.worth) for one in self.segments], np.int64)
        u = world.draws.uniform("segmented_return", world.day, c.key[rows])
        buyers = rows[u < -np.expm1(-response * care[rows])]
        world.sell(buyers, worth[c.level[buyers]])


class SegmentBudget(Family):
    """A budget over segments. The levers are the amounts spent on a head of each segment."""

    segments: tuple[SegmentReturn, ...] = parameter(
        tuple(
            SegmentReturn(customers=n, worth=worth, response=response)
            for n, worth, response in ((5000, 2, 1.5), (3000, 6, 0.8), (1500, 15, 0.4), (500, 40, 0.15))
        ),
        min_length=1,
        max_length=len(LEVELS),
        doc="segments, told apart by trust level",
    )
    budget: float | None = parameter(
        10_000.0, ge=0, doc="B: what may be spent on as many customers as the segments hold together; none for no limit"
    )

    @property
    def size(self) -> int:
        """Customers of all segments."""
        return sum(one.customers for one in self.segments)

    def scenario(self, *, customers: int) -> Scenario:
        """The world for one round of spending. Raises SpecError unless ``customers`` is a multiple of ``size``."""
        self._copies(customers)
        segments = tuple(
            one.model_copy(update={"worth": one.worth * UNIT_CNY, "response": one.response / UNIT_CNY})
            for one in self.segments
        )
        behaviours: dict[str, Behaviour] = {"return": SegmentedReturn(segments=segments)}
        return world_of(behaviours, title="a budget over segments", module=__name__, customers=customers, days=1)

    def policy(self, *, spend: Sequence[float]) -> Policy:
        """Spend so much on a head of each segment."""
        amounts = {level: x * UNIT_CNY for level, x in zip(LEVELS, self._each(spend), strict=False)}
        care = SegmentSpend(spend_cny=SpendByLevel(**amounts), calendar=Calendar(every_days=1))
        title = f"spend {', '.join(f'{x:g}' for x in spend)} on a head"
        return Policy(title=title, actions={CARE: care}, plugins=(__name__,))

    def heads(self, policy: Policy) -> list[float]:
        """Units that a policy spends on a head of each segment."""
        heads = np.zeros(len(self.segments))
        for action in policy.actions.values():
            if isinstance(action, SegmentSpend):
                heads += np.array(action.heads_cny()[: len(heads)]) / UNIT_CNY
        return [float(x) for x in heads]

    def spent(self, *, spend: Sequence[float]) -> float:
        """Spend per customer."""
        return sum(one.customers * x for one, x in zip(self.segments, self._each(spend), strict=True)) / self.size

    def exact(self, *, spend: Sequence[float]) -> float:
        """Value per customer, net of the spend, of so much spent on a head of each segment."""
        return self.moments(spend=spend).mean

    def moments(self, *, spend: Sequence[float]) -> Moments:
        """Mean and standard deviation of one customer's value.

        The deviation is from the mean of its segment: since segments are of fixed size, a mean over n customers has the
        standard error sd / √n.
        """
        mean = variance = 0.0
        for one, x in zip(self.segments, self._each(spend), strict=True):
            p = one.chance(x)
            mean += one.customers / self.size * (one.worth * p - x)
            variance += one.customers / self.size * one.worth**2 * p * (1 - p)
        return Moments(mean, math.sqrt(variance))

    def price(self) -> float:
        """λ: what the last unit spent earns, gross; 1 where the budget does not bind."""
        return math.exp(max(self._water_level(), 0.0))

    def optimum(self) -> Optimum:
        """The best amounts within the budget, by water-filling."""
        price = self.price()
        spend = [max(math.log(one.worth * one.response / price), 0.0) / one.response for one in self.segments]
        return Optimum(dict(zip(LEVELS, spend, strict=False)), self.exact(spend=spend))

    def question(self, *, customers: int = 100_000, shares: bool = False) -> Question:
        """An amount for each segment, none above an order's worth; the status quo spends half as much, on all alike.

        With ``shares`` the one lever divides the budget instead, all of it or less.
        """
        best = self.optimum()
        half = self.spent(spend=list(best.levers.values())) / 2
        limited = self.budget is not None

        def truth(policy: Policy) -> float:
            return self.exact(spend=self.heads(policy)) * UNIT_CNY

        def spend(policy: Policy) -> float:
            return self.spent(spend=self.heads(policy)) * UNIT_CNY * customers

        return Question(
            scenario=self.scenario(customers=customers),
            status_quo=self.policy(spend=[min(half, one.worth) for one in self.segments]),
            space=self._shares(customers) if shares else self._amounts(),
            truth=truth,
            best=best.value * UNIT_CNY,
            limits={"spend": {"at_most": self._total_cny(customers)}} if limited else {},
            spend=spend if limited else None,
            shadow_price=self.price() - 1 if limited else None,
        )

    def _amounts(self) -> dict[str, dict[str, Any]]:
        return {
            f"{LEVERS}.{level}": {"low": 0.0, "high": one.worth * UNIT_CNY}
            for level, one in zip(LEVELS, self.segments, strict=False)
        }

    def _shares(self, customers: int) -> dict[str, dict[str, Any]]:
        heads = {
            level: float(one.customers * self._copies(customers))
            for level, one in zip(LEVELS, self.segments, strict=False)
        }
        return {LEVERS: {"total": self._total_cny(customers), "over": list(heads), "cost": heads, "slack": True}}

    def _total_cny(self, customers: int) -> float:
        """The budget of so many customers."""
        if self.budget is None:
            raise SpecError("there is no budget to divide", place="budget", cure="give one")
        return self.budget * self._copies(customers) * UNIT_CNY

    def _water_level(self) -> float:
        """Log of λ at which the segments worth a first unit of spend use the budget up."""
        if self.budget is None:
            return -math.inf
        segments = sorted(self.segments, key=lambda one: one.worth * one.response, reverse=True)
        first = np.log([one.worth * one.response for one in segments])
        weight = np.array([one.customers / one.response for one in segments])
        level: Floats = (np.cumsum(weight * first) - self.budget) / np.cumsum(weight)
        # The first k segments are served alone as long as the level stays above the next one's first unit.
        return float(next(x for x, after in zip(level, [*first[1:], -math.inf], strict=True) if x >= after))

    def _each(self, spend: Sequence[float]) -> Sequence[float]:
        if len(spend) != len(self.segments) or min(spend) < 0:
            raise SpecError(
                f"{len(self.segments)} segments need as many amounts, none below 0", place="spend", value=list(spend),
                cure="give one for each segment",
            )  # fmt: skip
        return spend

    def _copies(self, customers: int) -> int:
        copies, rest = divmod(customers, self.size)
        if rest or copies < 1:
            raise SpecError(
                f"segments keep their proportions only in multiples of {self.size} customers", place="customers",
                value=customers, cure=f"take {max(copies, 1) * self.size}",
            )  # fmt: skip
        return copies
