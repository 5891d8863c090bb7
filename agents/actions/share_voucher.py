"""Share voucher: a link after the order that gives both sides a voucher (advised in S4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.actions.programme import FriendVoucher, Programme
from agents.audience import Audience
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.coupon_book import CouponTerms
    from agents.domain import PrivateDomain


class ShareVoucher(Programme):
    """Who ordered today is asked to share a link; when a friend joins by it, both get the voucher."""

    kind = "share_voucher"
    single = True
    prompted = True
    off: ClassVar[dict[str, Any]] = {"voucher.off_cny": 0.0}

    voucher: FriendVoucher = parameter(doc="what each side gets when the friend joins")
    cap_per_inviter: int | None = parameter(
        None, ge=1, le=10_000, doc="most rewards for one inviter, those of other programmes included; none for no cap"
    )
    audience: Audience = parameter(Audience(), doc="which of today's buyers are asked, as they stood in the morning")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if self.voucher.off_cny:
            self.invite(world, name, np.flatnonzero(self.audience.mask(world.customers, world.day)))

    @property
    def inviter_terms(self) -> CouponTerms | None:
        return self.voucher.terms()

    @property
    def newcomer_terms(self) -> CouponTerms | None:
        return self.voucher.terms()

    def welcome(self, world: PrivateDomain, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return self.voucher.worth(world, rows)

    @property
    def cap(self) -> int | None:
        return self.cap_per_inviter

    def worth(self, world: PrivateDomain, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return self.voucher.worth(world, rows)

    def worth_at_most(self, world: PrivateDomain, rows: NDArray[np.intp]) -> float:
        return self.voucher.off_cny
