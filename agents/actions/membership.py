"""Membership: free tiers, paid plans with the promise to refund what was not saved, packages for firms (S0, S4)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.actions.base import Action, Claim, Need
from agents.actions.plans import MemberTier, Package, Plan
from agents.audience import Audience
from agents.calendar import Calendar
from agents.coupon_book import CouponTerms, carried
from agents.customers import NEVER
from agents.membership_book import (
    CashbackHolders,
    Holders,
    LimitedHolders,
    Multiplied,
    close_ended,
    close_running,
)
from agents.membership_gifts import CASHBACK, advise, give_benefits, give_cashback
from agents.membership_review import offer_plans, review_levels
from agents.points_book import SeasonPoints
from sim.columns import Columns
from sim.errors import nearest
from sim.spec import PartName, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]


class Membership(Action):
    """A programme from the calendar's from_day to its until_day, when what members are owed is paid back.

    Levels are reviewed and plans offered on the calendar. The better of level and plan counts.
    """

    kind = "membership"
    off: ClassVar[dict[str, Any]] = {"tiers": (), "plans": {}, "packages": {}}
    extensive: ClassVar[tuple[str, ...]] = ("plans.*.expert_hours_per_week",)

    tiers: tuple[MemberTier, ...] = parameter((), max_length=7, doc="levels, thresholds rising (S0: up to 7)")
    plans: dict[PartName, Plan] = parameter(default_factory=dict, max_length=9, doc="paid plans by name, side by side")
    packages: dict[PartName, Package] = parameter(default_factory=dict, max_length=9, doc="packages for firms by name")
    calendar: Calendar = parameter(Calendar(every_days=7), doc="when levels are reviewed and plans are offered")
    audience: Audience = parameter(Audience(levels=("L3", "L4", "L5")), doc="to whom plans are offered")

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, data: Any) -> Any:
        """Documents of before: one card, and points within the programme."""
        if isinstance(data, dict) and "card" in data:
            raise ValueError("'card' is one of several 'plans' now; write plans: {month_card: {fee_cny: 18, …}}")
        if isinstance(data, dict) and "points_share" in data:
            raise ValueError(
                "'points_share' is an action of its own now; "
                "write another action beside this one: points: {kind: points, per_cny: 1} (0.01 of spend)"
            )
        return data

    @model_validator(mode="after")
    def _rising(self) -> Self:
        thresholds = [tier.threshold for tier in self.tiers]
        if len({tier.threshold_cny is None for tier in self.tiers}) > 1:
            raise ValueError("tiers are reached either by threshold_cny or by threshold_points; use one for all")
        if any(b <= a for a, b in pairwise(thresholds)):
            raise ValueError(f"thresholds of tiers must rise (they are {thresholds}); order them")
        return self

    @model_validator(mode="after")
    def _trials(self) -> Self:
        for name, plan in self.plans.items():
            full = plan.trial_of
            if full is not None and (full not in self.plans or self.plans[full].trial_of is not None):
                others = [other for other, terms in self.plans.items() if terms.trial_of is None]
                raise ValueError(f"plans.{name}.trial_of: no full plan is named '{full}'; {nearest(full, others)}")
        return self

    # -- what it is to the policy -------------------------------------------------------------------------------

    @property
    def limited(self) -> bool:
        """Whether some plan is a trial or ends with an order."""
        return any(plan.trial_of is not None or plan.orders is not None for plan in self.plans.values())

    @property
    def multiplies(self) -> bool:
        """Whether some members earn more points than others."""
        return any(m != 1 for m in (*(t.points_multiplier for t in self.tiers), *self._plan_multipliers()))

    @property
    def gives(self) -> bool:
        """Whether members get benefits."""
        return any(tier.benefits for tier in self.tiers) or any(plan.benefits for plan in self.plans.values())

    @property
    def by_points(self) -> bool:
        """Whether levels are reached by points."""
        return any(tier.threshold_points is not None for tier in self.tiers)

    @property
    def gives_cashback(self) -> bool:
        """Whether some plan gives cashback."""
        return any(plan.cashback for plan in self.plans.values())

    def carries(self) -> tuple[type[Columns], ...]:
        wanted = {
            Holders: bool(self.plans), LimitedHolders: self.limited, Multiplied: self.multiplies,
            SeasonPoints: self.by_points, CashbackHolders: self.gives_cashback,
        }  # fmt: skip
        monthly = [terms for tier in self.tiers for terms in tier.monthly()]
        monthly += [terms for plan in self.plans.values() for terms in plan.monthly()]
        cashback = (CouponTerms(off_cents=1, slot=CASHBACK),) if self.gives_cashback else ()
        return (*(columns for columns, here in wanted.items() if here), *carried(*monthly, *cashback))

    def claims(self) -> Iterator[Claim]:
        yield "the member price", "plans" if self.plans and not self.tiers else "tiers"

    def needs(self) -> Iterator[Need]:
        if self.by_points:
            yield "points", "tiers"

    def hours_asked_per_week(self) -> float:
        return sum(plan.expert_hours_per_week for plan in self.plans.values())

    def runs(self, day: int) -> bool:
        """Whether the programme runs on a day."""
        until = self.calendar.until_day
        return self.calendar.from_day <= day and (until is None or day <= until)

    # -- the day ------------------------------------------------------------------------------------------------

    def apply(self, world: PrivateDomain, name: str) -> None:
        worked = world.staff.put_to_work(world, name) if self.hours_asked_per_week() else (0.0, 0.0)
        if not self.runs(world.day):
            if world.day > self.calendar.from_day and self.runs(world.day - 1):
                self._end(world, name)
            return
        changed = np.zeros(len(world.customers), bool)
        ended = np.empty(0, np.intp)
        if self.plans:
            ended = close_ended(world, self)
            changed[ended] = True
        due = self.calendar.times(world.day, world.date) > 0
        if due:
            changed[review_levels(world, self, name)] = True
        if self.plans and world.day < world.horizon_days - 1:  # a plan sold on the last day would be closed on it
            offer_plans(world, self, due, ended)
        self.set_benefits(world, np.flatnonzero(changed))
        give_benefits(world, self, name)
        if self.gives_cashback:
            give_cashback(world, self, name)
        advise(world, self, *worked, name)

    def close(self, world: PrivateDomain, name: str) -> None:
        """Cards that still run give back what is not earned, after the orders of the last day."""
        if self.plans:
            close_running(world, self, world.day)

    def _end(self, world: PrivateDomain, name: str) -> None:
        """The programme is over: members are paid what they are owed, and nothing is left of it."""
        c = world.customers
        if self.plans:
            close_ended(world, self)
            close_running(world, self, world.day - 1)
        c.card_until[:] = NEVER
        rows = np.flatnonzero(c.member_level > 0)
        c.member_level[rows] = 0
        world.record("member_level", rows, 0, name)
        self.set_benefits(world, np.arange(len(c)))

    def level_price(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """Member price that the free level alone gives. Shape (n,)."""
        table = np.array([0.0, *(tier.discount for tier in self.tiers)], np.float32).astype(np.float64)
        price: NDArray[np.float64] = table[world.customers.member_level[rows]]
        return price

    def level_multiplier(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """Points multiplier that the free level alone gives. Shape (n,)."""
        table = np.array([1.0, *(tier.points_multiplier for tier in self.tiers)])
        multiplier: NDArray[np.float64] = table[world.customers.member_level[rows]]
        return multiplier

    def set_benefits(self, world: PrivateDomain, rows: Rows) -> None:
        """Let these customers have the better of their level and their plan."""
        c = world.customers
        prices = np.array([plan.discount for plan in self.plans.values()])
        multipliers = np.array(self._plan_multipliers())
        for piece in world.pieces(rows):
            price, points = self.level_price(world, piece), self.level_multiplier(world, piece)
            (holds,) = (c.card_until[piece] >= world.day).nonzero()
            if len(holds):
                plan = c.card_plan[piece[holds]]
                price[holds] = np.maximum(price[holds], prices[plan])
                points[holds] = np.maximum(points[holds], multipliers[plan])
            c.member_price[piece] = price
            if self.multiplies:
                c.points_multiplier[piece] = points

    def _plan_multipliers(self) -> list[float]:
        return [plan.points_multiplier for plan in self.plans.values()]
