"""Points: earned by spending and by taking part, redeemed in cash or goods (S0, S4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action, Claim, Problem
from agents.customers import is_contact
from agents.points_book import Balance, balance, chances_to_redeem
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Rows = NDArray[np.intp]
LARGE_BASKETS = 10  # times the usual order: larger than anybody's usual one, so that nothing possible is refused
FARTHEST_DAYS = 3660  # as far as anybody looks ahead with points that never expire; the longest period that there is


class Points(Action):
    """What points are given for, what they are worth, and when they run out.

    They cost when they are redeemed. On the last day those outstanding are booked at their expected redemption value,
    so that promises which fall due after the horizon win nothing.
    """

    kind = "points"
    off: ClassVar[dict[str, Any]] = {"per_cny": 0.0, "check_in": 0, "photo": 0, "reply": 0, "invitation": 0}

    per_cny: float = parameter(1.0, ge=0, le=20, doc="points for each CNY paid, before a member's multiplier")
    check_in: int = parameter(0, ge=0, le=100_000, doc="points for a daily check-in")
    photo: int = parameter(0, ge=0, le=100_000, doc="points for a photo posted after an order")
    reply: int = parameter(0, ge=0, le=100_000, doc="points for a reply to a topic in public")
    invitation: int = parameter(0, ge=0, le=100_000, doc="points for an invitation that was followed")
    points_per_cny: float = parameter(100.0, gt=0, le=10_000, doc="points that are worth 1 CNY", source="S0: 100:1")
    reward: Literal["cash", "goods"] = parameter("cash", doc="paid out in cash, or in goods that cost less than that")
    redeem_from: int = parameter(
        1000, ge=1, le=10_000_000, doc="smallest balance that is redeemed, all at once: a threshold against hunters"
    )
    expiry_days: int | None = parameter(
        365, ge=1, le=FARTHEST_DAYS, doc="length of a period; points expire at the end of the next one; none for never"
    )
    from_day: int = parameter(0, ge=0, doc="first day of the run on which points are given")

    def carries(self) -> tuple[type[Columns], ...]:
        return (Balance,)

    def claims(self) -> Iterator[Claim]:
        yield "what points are worth", "points_per_cny"

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        if self.from_day >= scenario.horizon_days:
            yield (
                f"points would be given from day {self.from_day} on, and the run has {scenario.horizon_days} days",
                "from_day",
                "lower it, or lengthen the scenario's horizon_days",
            )

    def conflicts(self, policy: Policy, scenario: Scenario) -> Iterator[Problem]:
        """No order need be as large, nor as frequent, for the threshold to be out of anybody's reach."""
        multipliers = [1.0, *(getattr(part, "points_multiplier", 1.0) for part in _members_of(policy))]  # 1: no member
        basket = LARGE_BASKETS * scenario.buying.basket_cny * max(multipliers)
        a_day = self.per_cny * basket + self.check_in + self.photo + self.reply + self.invitation
        days = FARTHEST_DAYS if self.expiry_days is None else 2 * self.expiry_days
        if 0 < a_day * days < self.redeem_from:
            yield (
                f"nobody can ever redeem {self.redeem_from} points: who orders for {LARGE_BASKETS} times the usual "
                f"amount every day, and does all else that gives points, has {a_day * days:.0f} when the first expire",
                "redeem_from",
                "lower redeem_from, lengthen expiry_days, or give more points",
            )

    def runs(self, day: int) -> bool:
        """Whether points are given on a day."""
        return day >= self.from_day

    def days_left(self, day: int) -> tuple[int, int]:
        """Days after this one until points of the period before expire, and until those of the running one do."""
        if self.expiry_days is None:
            return FARTHEST_DAYS, FARTHEST_DAYS
        left = self.expiry_days - (day - self.from_day) % self.expiry_days - 1
        return left, left + self.expiry_days

    def cost_cents(self, world: PrivateDomain, points: NDArray[Any]) -> NDArray[np.int64]:
        """What it costs to redeem these points: their value in cash, or the goods of that price."""
        share = 1.0 if self.reward == "cash" else 1.0 - world.spec.margin
        cost: NDArray[np.int64] = np.rint(points * (100 * share / self.points_per_cny)).astype(np.int64)
        return cost

    def apply(self, world: PrivateDomain, name: str) -> None:
        """At the end of a period what was earned before it expires."""
        since = world.day - self.from_day
        if self.expiry_days is None or since <= 0 or since % self.expiry_days:
            return
        c = world.customers
        rows = np.flatnonzero(c.points_old > 0)
        world.record("points_expired", rows, c.points_old[rows].astype(np.int64), name)
        c.points_old[:] = c.points_new
        c.points_new[:] = 0

    def close(self, world: PrivateDomain, name: str) -> None:
        """Book the outstanding points of those who are there at the chance that they will be redeemed.

        It is the chance that customers themselves reckon with: what is promised and never paid moved nobody, and what
        moved them is paid (expected breakage, as IFRS 15, B44 to B47, has it).
        """
        c = world.customers
        rows = np.flatnonzero((balance(world, slice(None)) > 0) & is_contact(c.contact))
        new, old = chances_to_redeem(world, rows)
        due = self.cost_cents(world, c.points_new[rows] * new + c.points_old[rows] * old)
        world.record("points", rows[due > 0], due[due > 0], f"{name}.outstanding")


def _members_of(policy: Policy) -> list[object]:
    """Levels and plans of the policy's membership, which may multiply points."""
    return [
        part
        for action in policy.actions.values()
        for part in (*getattr(action, "tiers", ()), *getattr(action, "plans", {}).values())
    ]
