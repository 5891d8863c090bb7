"""What every action is by which customers bring friends: what it is worth to them, and what is due when."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action, cents
from agents.coupon_book import CouponTerms, carried
from agents.invitations import Invitation
from sim.columns import Columns
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]

SLOT = "referral"  # where the vouchers of those who bring friends and of their friends lie in hand


class FriendVoucher(Spec):
    """An amount off an order."""

    off_cny: float = parameter(ge=0, le=10_000, doc="amount off an order, CNY")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity, the day of issue included")

    def terms(self) -> CouponTerms | None:
        """What it promises; whoever gets one did something for it and surely means to use it. None without value."""
        if not self.off_cny:
            return None
        return CouponTerms(
            off_cents=cents(self.off_cny), minimum_cents=cents(self.minimum_spend_cny), valid_days=self.valid_days,
            slot=SLOT, sure=True,
        )  # fmt: skip

    def worth(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """What it looks worth to these customers, CNY: its amount times the chance that an order of theirs reaches its
        minimum. Shape (n,)."""
        return self.off_cny * world.chance_of_basket(rows, np.full(len(rows), cents(self.minimum_spend_cny), np.int32))


class Programme(Action):
    """An action by which customers bring friends; its fields say what is given to whom."""

    brings_friends: ClassVar[bool] = True

    prompted: ClassVar[bool] = False
    """Whether it asks right after an order, and those alone who ordered today."""

    def carries(self) -> tuple[type[Columns], ...]:
        return carried(*(terms for terms in (self.newcomer_terms, self.inviter_terms) if terms is not None))

    @property
    def reward_cents(self) -> int:
        """Cash for the inviter, for each newcomer for whom a reward is due."""
        return 0

    @property
    def inviter_terms(self) -> CouponTerms | None:
        """Coupon for the inviter, likewise."""
        return None

    @property
    def newcomer_terms(self) -> CouponTerms | None:
        """Coupon for the newcomer, on the day of joining."""
        return None

    @property
    def due_from_cents(self) -> int:
        """Net value of a newcomer's order from which the reward is due; 0 when it is due on joining."""
        return 0

    @property
    def cap(self) -> int | None:
        """Most rewards for one inviter; none for no cap."""
        return None

    @property
    def commission_terms(self) -> tuple[float, int]:
        """Share of what the newcomer pays that the inviter gets, and for how many days, that of joining included."""
        return 0.0, 0

    def worth(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """What bringing one friend looks worth to these customers, CNY. Shape (n,)."""
        raise TypeError(f"{type(self).__name__} does not say what bringing a friend is worth: define worth()")

    def worth_at_most(self, world: PrivateDomain, rows: Rows) -> float:
        """What no :meth:`worth` of these customers exceeds, CNY; cheap, since everybody is looked at by it."""
        return float(self.worth(world, rows).max())

    def welcome(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """What joining looks worth to their friends, judged by the orders of the inviter, CNY. Shape (n,)."""
        return np.zeros(len(rows))

    def invite(self, world: PrivateDomain, name: str, rows: Rows) -> None:
        """Let these customers bring friends today."""
        if self.cap is not None:
            rows = rows[world.customers.rewarded[rows] < self.cap]
        if len(rows):
            index = list(world.policy.actions).index(name)
            world.today.invitations.append(Invitation(index, name, self, rows))
