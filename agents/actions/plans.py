"""What a membership programme is made of: free tiers, paid plans, packages for firms, benefits."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from agents.actions.base import cents
from agents.audience import Audience
from agents.coupon_book import CouponTerms
from sim.spec import PartName, Spec, parameter

MOST_VOUCHERS = 4
DAYS_A_MONTH = 30  # the term of a month card, and the span over which benefits are given and a saving is judged


class Benefit(Spec):
    """Something given to each member every month: a mystery gift, a dinner, a birthday parcel."""

    cost_cny: float = parameter(ge=0, le=10_000, doc="what it costs for a member and month, CNY")


class MonthlyVoucher(Spec):
    """A voucher that each member gets every month; it costs when it is redeemed."""

    off_cny: float = parameter(gt=0, le=10_000, doc="amount off an order, CNY")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which it counts, CNY")
    valid_days: int = parameter(DAYS_A_MONTH, ge=1, le=365, doc="days of validity, the day of issue included")

    def terms(self, number: int) -> CouponTerms:
        """What it promises; the vouchers of a month lie side by side by their number."""
        return CouponTerms(
            off_cents=cents(self.off_cny), minimum_cents=cents(self.minimum_spend_cny), valid_days=self.valid_days,
            slot=f"voucher{number}", sure=True,
        )  # fmt: skip


class Cashback(Spec):
    """A voucher on the day after an order, worth a share of what was paid (S4)."""

    share: float = parameter(ge=0, le=0.5, doc="worth as a share of what was paid")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity, the day of issue included", source="assumed")


class MemberTier(Spec):
    """One level of a free programme. It is reached by net spend or by points earned, in this season or the last."""

    threshold_cny: float | None = parameter(None, ge=0, le=1e7, doc="net spend in a season from which it is reached")
    threshold_points: float | None = parameter(None, ge=0, le=1e9, doc="points earned in a season, in its place")
    discount: float = parameter(0.0, ge=0, le=0.5, doc="member price: share off every order")
    points_multiplier: float = parameter(1.0, ge=0, le=20, doc="points earned with an order, times the base rate")
    benefits: dict[PartName, Benefit] = parameter(
        default_factory=dict, doc="what a member of this level gets every month"
    )
    vouchers: tuple[MonthlyVoucher, ...] = parameter((), max_length=MOST_VOUCHERS, doc="vouchers of every month")

    @model_validator(mode="after")
    def _one_standard(self) -> Self:
        if (self.threshold_cny is None) == (self.threshold_points is None):
            raise ValueError("a tier has exactly one of threshold_cny and threshold_points; give one")
        return self

    def monthly(self) -> list[CouponTerms]:
        """Terms of the vouchers of a month."""
        return [voucher.terms(number) for number, voucher in enumerate(self.vouchers, start=1)]

    @property
    def threshold(self) -> float:
        """The threshold in the unit that it is set in."""
        return self.threshold_points if self.threshold_cny is None else self.threshold_cny  # type: ignore[return-value]


class Plan(Spec):
    """A paid plan. Its price is paid at once, for a term; whoever holds one is offered no other."""

    fee_cny: float = parameter(18.0, ge=0, le=100_000, doc="price of the plan, CNY", source="S4: month card 18")
    term_days: int = parameter(DAYS_A_MONTH, ge=1, le=731, doc="days that it runs")
    discount: float = parameter(0.2, ge=0, le=0.5, doc="member price: share off every order", source="S4: −20 %")
    points_multiplier: float = parameter(
        2.0, ge=0, le=20, doc="points earned with an order, times the base rate", source="S4: double"
    )
    refund_if_not_saved: bool = parameter(True, doc="give back what the member saved less than the fee", source="S4")
    benefits: dict[PartName, Benefit] = parameter(
        default_factory=dict, doc="what a holder gets every month of the term"
    )
    vouchers: tuple[MonthlyVoucher, ...] = parameter(
        (), max_length=MOST_VOUCHERS, doc="vouchers of every month of the term (S4: 70 a month)"
    )
    cashback: Cashback | None = parameter(None, doc="voucher on the day after an order; none for no cashback")
    partner_share: float = parameter(
        0.0, ge=0, le=1, doc="share of discounts and benefits that a partner brand pays (co-branded card)", fact=True
    )
    expert_hours_per_week: float = parameter(
        0.0, ge=0, le=10_000, doc="staff hours a week for one-to-one advice to all holders together"
    )
    trial_of: str | None = parameter(None, doc="the plan that is offered when this one, a trial, has ended")
    orders: int | None = parameter(None, ge=1, le=1000, doc="orders after which it ends before its term; none for any")
    audience: Audience | None = parameter(None, doc="to whom it is offered; none for the programme's audience")

    def monthly(self) -> list[CouponTerms]:
        """Terms of the vouchers of a month."""
        return [voucher.terms(number) for number, voucher in enumerate(self.vouchers, start=1)]


class Package(Spec):
    """A package for firms: paid and handed over at once. A firm takes the dearest that its budget allows."""

    price_cny: float = parameter(gt=0, le=1e6, doc="price, CNY (S0: 1,290 to 4,980)")
    cost_cny: float = parameter(ge=0, le=1e6, doc="cost of what is in it: goods, gift cards, handling, CNY", fact=True)
