"""Referral: a reward for those who bring friends, and a benefit for the friends (S4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import cents
from agents.actions.programme import FriendVoucher, Programme
from agents.audience import Audience
from agents.calendar import Calendar
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.coupon_book import CouponTerms
    from agents.domain import PrivateDomain


class Referral(Programme):
    """Customers of the audience may bring friends on the days of the calendar and are rewarded for those who join.

    Against bargain hunters the reward may wait for an order of the newcomer, and an inviter gets so many at most.
    """

    kind = "referral"
    single = True
    off: ClassVar[dict[str, Any]] = {"reward_cny": 0.0, "inviter": None, "newcomer": None}

    reward_cny: float = parameter(0.0, ge=0, le=10_000, doc="cash for the inviter of each newcomer, CNY")
    inviter: FriendVoucher | None = parameter(None, doc="voucher for the inviter of each newcomer; none for cash alone")
    newcomer: FriendVoucher | None = parameter(
        None, doc="voucher for the newcomer on joining (S4: 50); none for no benefit"
    )
    minimum_order_cny: float = parameter(
        0.0, ge=0, le=100_000, doc="paid order of the newcomer from which the reward is due, CNY; 0: due on joining"
    )
    cap_per_inviter: int | None = parameter(None, ge=1, le=10_000, doc="most rewards for one inviter; none for no cap")
    calendar: Calendar = parameter(Calendar(every_days=1), doc="when invitations count")
    audience: Audience = parameter(Audience(), doc="who may invite")

    def apply(self, world: PrivateDomain, name: str) -> None:
        gives = self.reward_cents or self.inviter_terms or self.newcomer_terms
        if gives and self.calendar.times(world.day, world.date):
            self.invite(world, name, np.flatnonzero(self.audience.mask(world.customers, world.day)))

    @property
    def reward_cents(self) -> int:
        return cents(self.reward_cny)

    @property
    def inviter_terms(self) -> CouponTerms | None:
        return self.inviter.terms() if self.inviter else None

    @property
    def newcomer_terms(self) -> CouponTerms | None:
        return self.newcomer.terms() if self.newcomer else None

    def welcome(self, world: PrivateDomain, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return self.newcomer.worth(world, rows) if self.newcomer else np.zeros(len(rows))

    @property
    def due_from_cents(self) -> int:
        return cents(self.minimum_order_cny)

    @property
    def cap(self) -> int | None:
        return self.cap_per_inviter

    def worth(self, world: PrivateDomain, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        due = world.chance_of_basket(rows, np.full(len(rows), self.due_from_cents, np.int32))
        return due * (self.reward_cny + (self.inviter.worth(world, rows) if self.inviter else 0.0))

    def worth_at_most(self, world: PrivateDomain, rows: NDArray[np.intp]) -> float:
        return self.reward_cny + (self.inviter.off_cny if self.inviter else 0.0)
