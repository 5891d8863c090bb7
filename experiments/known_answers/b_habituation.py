"""Family B: whom to send a coupon when the silent need one and a habit of coupons spoils orders at full price.

A customer is r months from the last order (1 … 8) and has a habit h of coupons (0 … 2). With depth x in hand the month
brings an order with chance σ(-.7 - .66 (r - 1) + 4.4 x - .7 h 1[x = 0]), worth 30 - 100 x; sending a coupon costs .7.
An order sets r to 1 and moves the habit by one, up with a coupon and down without. Without an order the customer leaves
with chance .024 r, or else r grows by one. After Gönül & Shi (1998) and Simester, Sun & Tsitsiklis (2006).

Coupons, their audiences, redemption and the order history that recency is read from are the product's own. The habit is
kept as the trust level, an observed state with values enough, so that a policy which knows everything can be written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt, model_validator

from agents.actions.base import ScheduledAction, cents
from agents.actions.coupon import Coupon
from agents.audience import Audience
from agents.behaviours.base import Behaviour
from agents.behaviours.coupons import CouponUse
from agents.calendar import Calendar
from agents.customers import LEVELS, Contact
from agents.models.hazard import sigmoid
from agents.models.history import record_orders
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.known_answers.b_chain import HabitChain
from experiments.known_answers.family import DEEPEST, UNIT_CNY, Floats, annual_rate, shortest_period, world_of
from experiments.known_answers.question import Question
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.coupon_book import CouponTerms
    from agents.domain import PrivateDomain


class RecencyCoupon(ScheduledAction):
    """Coupons of several depths, each from a recency on: everybody gets the deepest that is due.

    Recency counts in periods since the last order; all beyond the last recency are one.
    """

    kind = "recency_coupon"
    off: ClassVar[dict[str, Any]] = {"until": 0}

    depths: tuple[float, ...] = parameter(min_length=1, doc="discounts as shares of the order, each 0 … 0.5")
    starts: tuple[PositiveInt, ...] = parameter(doc="recency from which each is handed out, periods")
    until: int = parameter(ge=0, doc="last recency at which any is handed out; 0 for none at all")
    recencies: int = parameter(ge=1, doc="recencies told apart; the last stands for all beyond it")
    period_days: int = parameter(30, ge=1, doc="days of a period")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of a coupon's validity, the day of issue included")

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.starts) != len(self.depths):
            raise ValueError(f"starts has {len(self.starts)} entries and depths {len(self.depths)}; give one for each")
        if not all(0 <= depth <= DEEPEST for depth in self.depths):
            raise ValueError(f"depths must lie within 0 … {DEEPEST} (they are {self.depths})")
        return self

    def coupons(self) -> list[Coupon]:
        """One of the product's coupons for each depth, the deepest first so that none is replaced on the day."""
        last = None if self.until >= self.recencies else self.until * self.period_days
        found = []
        for depth, start in sorted(zip(self.depths, self.starts, strict=True), reverse=True):
            first = min(start, self.recencies) * self.period_days
            if last is None or first <= last:
                bounds = {"recency_days_min": first, "recency_days_max": last}
                who = self.audience.model_copy(update=bounds)
                found.append(Coupon(depth=depth, valid_days=self.valid_days, calendar=self.calendar, audience=who))
        return found

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.calendar.times(world.day, world.date):
            for coupon in self.coupons():
                coupon.apply(world, name)


class CouponPostage(Behaviour):
    """Every coupon handed out is sent as a message that costs."""

    kind = "coupon_postage"
    phase = "respond"

    cost_cny: float = parameter(ge=0, doc="cost of sending a coupon, CNY")

    def coupons_given(self, world: PrivateDomain, terms: CouponTerms, rows: NDArray[np.intp]) -> None:
        source = world.slot(terms.slot).of(world.customers, "source")[rows]
        for code in np.unique(source):
            world.record("message_advert", rows[source == code], cents(self.cost_cny), world.ledger.sources[code])

    def apply(self, world: PrivateDomain) -> None:
        """Nothing is left to do on a day: coupons were sent as they were given."""


class HabituatedDemand(Behaviour):
    """Every contact may order once a period, less likely the longer the last order is past.

    A coupon in hand that was noticed makes it likelier; without one a habit of coupons makes it less likely.
    """

    kind = "habituated_demand"
    phase = "purchase"

    price_cny: float = parameter(gt=0, doc="list price of an order, CNY")
    intercept: float = parameter(doc="log-odds of an order at recency 1 without habit or coupon")
    per_recency: float = parameter(doc="log-odds lost with each further period")
    lift: float = parameter(doc="log-odds that a coupon adds, per unit of depth")
    per_habit: float = parameter(doc="log-odds lost without a coupon with each step of the habit")
    recencies: int = parameter(ge=1, doc="recencies told apart; the last stands for all beyond it")
    period_days: int = parameter(1, ge=1, doc="days of a period")

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.period_days:
            return
        c = world.customers
        rows = np.flatnonzero(c.contact == Contact.CONTACT)
        depth = np.where(c.coupon_noticed[rows], c.coupon_depth[rows], 0.0).astype(np.float64)
        base = self.intercept - self.per_recency * (recency(world, rows, self.period_days, self.recencies) - 1)
        habit = self.per_habit * c.level[rows]
        u = world.draws.uniform("habituated_demand", world.day, c.key[rows])
        buys = u < sigmoid(base + self.lift * depth - habit * (depth == 0))
        anyway = u < sigmoid(base - habit)
        world.sell(rows[buys], np.full(np.count_nonzero(buys), cents(self.price_cny)), anyway[buys])


class CouponHabit(Behaviour):
    """Orders enter the history; one with a coupon adds a step to the habit of coupons, one without takes a step.

    Everybody's last order before the start was one period ago.
    """

    kind = "coupon_habit"
    phase = "serve"

    most: int = parameter(ge=0, le=len(LEVELS) - 1, doc="strongest habit; it is kept as the trust level")
    price_cny: float = parameter(gt=0, doc="value of the order before the start, CNY")
    period_days: int = parameter(1, ge=1, doc="days of a period")

    def begin(self, world: PrivateDomain) -> None:
        rows = np.arange(len(world.customers))
        record_orders(world.customers, rows, -self.period_days, np.full(len(rows), cents(self.price_cny)))

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        for sale in world.today.sales:
            record_orders(c, sale.rows, world.day, sale.net)
            change = np.where(sale.net < sale.gross, 1, -1)
            c.level[sale.rows] = np.clip(c.level[sale.rows] + change, 0, self.most)


class SilentDeparture(Behaviour):
    """Contacts without an order in this period leave, with a chance in proportion to recency."""

    kind = "silent_departure"
    phase = "churn"

    per_recency: float = parameter(ge=0, le=1, doc="chance of leaving per period since the last order")
    recencies: int = parameter(ge=1, doc="recencies told apart; the last stands for all beyond it")
    period_days: int = parameter(1, ge=1, doc="days of a period")

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.period_days:
            return
        c = world.customers
        rows = np.flatnonzero((c.contact == Contact.CONTACT) & (c.last_order < world.day))
        chance = self.per_recency * recency(world, rows, self.period_days, self.recencies)
        leaves = world.draws.uniform("silent_departure", world.day, c.key[rows]) < chance
        world.set_contact(rows[leaves], Contact.DELETED, "delete", self.kind)


def recency(world: PrivateDomain, rows: NDArray[np.intp], period_days: int, most: int) -> NDArray[np.int64]:
    """Whole periods since the last order, 1 to ``most``. Shape (n,)."""
    since: NDArray[np.int64] = (world.day - world.customers.last_order[rows].astype(np.int64)) // period_days
    return np.clip(since, 1, most, out=since)


class Habituation(HabitChain):
    """Recency and a habit of coupons. The levers are depths by recency, or recencies from which to send each depth."""

    @property
    def month_days(self) -> int:
        """Fewest model days that can stand for a month."""
        return shortest_period(-math.log(self.discount))

    def scenario(self, *, customers: int, months: int) -> Scenario:
        """The world for so many months."""
        days, price, most = self.month_days, self.price * UNIT_CNY, self.recencies
        behaviours: dict[str, Behaviour] = {
            "postage": CouponPostage(cost_cny=self.cost * UNIT_CNY),
            "coupon_use": CouponUse(take_up=1.0),
            "demand": HabituatedDemand(
                price_cny=price, intercept=self.intercept, per_recency=self.per_recency, lift=self.lift,
                per_habit=self.per_habit, recencies=most, period_days=days,
            ),
            "habit": CouponHabit(most=self.most_habit, price_cny=price, period_days=days),
            "departure": SilentDeparture(per_recency=self.leaving, recencies=most, period_days=days),
        }  # fmt: skip
        return world_of(
            behaviours,
            title="recency and a habit of coupons",
            module=__name__,
            customers=customers,
            days=(months - 1) * days + 1,
            margin=self.margin / self.price,
            discount_rate=annual_rate(-math.log(self.discount), days),
        )

    def policy(self, *, depths: ArrayLike) -> Policy:
        """A coupon a month, as deep as said for each recency, or for each state; the product's own coupons."""
        table, by_state = self.table(depths), np.ndim(depths) == 2
        actions = {}
        for r, h in np.ndindex(table.shape if by_state else (self.recencies, 1)):
            name = f"recency_{r + 1}_habit_{h}" if by_state else f"recency_{r + 1}"
            last = None if r + 1 == self.recencies else (r + 1) * self.month_days
            who = Audience(
                levels=(LEVELS[h],) if by_state else None,
                recency_days_min=(r + 1) * self.month_days,
                recency_days_max=last,
            )
            actions[name] = self._monthly(float(table[r, h]), who)
        return Policy(title="a depth for each state" if by_state else "a depth for each recency", actions=actions)

    def thresholds(self, *, starts: Sequence[int], until: int | None = None) -> Policy:
        """Each of the family's depths from a recency on, up to the last recency that gets any (default: no end)."""
        coupon = RecencyCoupon(
            depths=self.depths,
            starts=tuple(starts),
            until=self.recencies if until is None else until,
            recencies=self.recencies,
            period_days=self.month_days,
            valid_days=1,  # the month's only order falls on the day of issue
            calendar=Calendar(every_days=self.month_days),
        )
        return Policy(title="coupons by recency", actions={"coupon": coupon}, plugins=(__name__,))

    def _monthly(self, depth: float, who: Audience) -> Coupon:
        return Coupon(depth=depth, valid_days=1, calendar=Calendar(every_days=self.month_days), audience=who)

    def depths_of(self, policy: Policy) -> Floats:
        """What a policy sends in each state, shape (recencies, habits): the deepest coupon of all that are due.

        Raises ValueError for a policy with anything but monthly coupons by recency and habit.
        """
        table = np.zeros((self.recencies, self.most_habit + 1))
        for name, action in policy.actions.items():
            for coupon in action.coupons() if isinstance(action, RecencyCoupon) else [action]:
                if not isinstance(coupon, Coupon) or not self._is_known(coupon):
                    raise ValueError(f"actions.{name}: only monthly coupons by recency and habit have a known value")
                for r, h in np.ndindex(table.shape):
                    if _is_due(coupon.audience, (r + 1) * self.month_days, h):
                        table[r, h] = max(float(table[r, h]), coupon.depth)
        return table

    def _is_known(self, coupon: Coupon) -> bool:
        who, longest = coupon.audience, self.recencies * self.month_days
        low, high = who.recency_days_min, who.recency_days_max
        # A bound beyond the last recency would split the last state.
        within = (low or 0) <= longest and (high is None or high < longest)
        plain = Audience(levels=who.levels, recency_days_min=low, recency_days_max=high)
        return within and coupon == self._monthly(coupon.depth, plain)

    def truth(self, policy: Policy, *, months: int) -> float:
        """Value of a customer under a policy of coupons, in the scenario's currency."""
        return self.exact(depths=self.depths_of(policy), months=months) * UNIT_CNY

    def question(
        self, *, levers: Literal["thresholds", "depths"] = "thresholds", customers: int = 10_000, months: int = 48
    ) -> Question:
        """From which recency to send each depth, and until which; or which depth to send at each recency."""
        if levers == "thresholds":
            # Coupons for the longest silent only, which is where they are wasted on those who will not come back.
            status_quo = self.thresholds(starts=[self.recencies] * len(self.depths))
            span = {"low": 1, "high": self.recencies, "step": 1}
            paths = [f"starts.{i}" for i in range(len(self.depths))] + ["until"]
            space: dict[str, dict[str, Any]] = {f"actions.coupon.{path}": span for path in paths}
            best = self.best_thresholds(months=months)
        else:
            flat = [[depth] * self.recencies for depth in (0.0, *self.depths)]
            status_quo = self.policy(depths=min(flat, key=lambda depths: self.exact(depths=depths, months=months)))
            choices = {"choices": [0.0, *self.depths]}
            space = {f"actions.{name}.depth": choices for name in status_quo.actions}
            best = self.best_by_recency(months=months)
        return Question(
            scenario=self.scenario(customers=customers, months=months),
            status_quo=status_quo,
            space=space,
            truth=partial(self.truth, months=months),
            best=best.value * UNIT_CNY,
            ceiling=self.optimum(months=months).value * UNIT_CNY,
        )


def _is_due(who: Audience, since_days: int, habit: int) -> bool:
    longest = math.inf if who.recency_days_max is None else who.recency_days_max
    return (who.levels is None or LEVELS[habit] in who.levels) and (who.recency_days_min or 0) <= since_days <= longest
