"""Lottery: prizes by luck among those who come, to keep the groups awake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from agents.actions.base import cents
from agents.actions.group_event import GroupEvent, Rows
from agents.calendar import Calendar
from agents.coupon_book import CouponTerms, carried, give, holding
from sim.columns import Columns
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.behaviours.gathering import Gathering
    from agents.domain import PrivateDomain


class Prize(Spec):
    """A coupon, a thing, or both. A trial card for one order is a coupon with the member price for its depth."""

    chance: float = parameter(ge=0, le=1, doc="chance of each who comes, whoever else comes")
    depth: float = parameter(0.0, ge=0, le=0.5, doc="coupon: discount as a share of the order")
    off_cny: float = parameter(0.0, ge=0, le=100_000, doc="coupon: discount as an amount, CNY, instead of a share")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which the coupon counts, CNY")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity of the coupon, that of the lottery included")
    cost_cny: float = parameter(0.0, ge=0, le=100_000, doc="cost of a thing that is handed over, CNY", fact=True)

    @model_validator(mode="after")
    def _share_or_amount(self) -> Self:
        if self.depth and self.off_cny:
            raise ValueError(
                f"a coupon takes off a share or an amount, not both (depth {self.depth:g}, off_cny {self.off_cny:g}); "
                "set one to 0"
            )
        return self

    @property
    def coupon(self) -> CouponTerms | None:
        """The coupon among what is won, which lies beside others in hand."""
        if not (self.depth or self.off_cny):
            return None
        return CouponTerms(
            self.depth, cents(self.off_cny), cents(self.minimum_spend_cny), valid_days=self.valid_days, slot="prize"
        )


class Lottery(GroupEvent):
    """Everybody who comes draws once for each prize and keeps the first won, so dear prizes stand first."""

    kind = "lottery"
    appeal = "price_sensitivity"
    off: ClassVar[dict[str, Any]] = {"prizes": ()}

    prizes: tuple[Prize, ...] = parameter(
        (Prize(chance=0.02, depth=0.2), Prize(chance=0.2, off_cny=5)), max_length=9, doc="prizes, the best first",
        source="S4: coupons and trial cards; sizes assumed",
    )  # fmt: skip
    calendar: Calendar = parameter(Calendar(every_days=17), doc="when; irregular (S4), so give dates")

    @property
    def idle(self) -> bool:
        return all(prize.chance == 0 for prize in self.prizes)

    def carries(self) -> tuple[type[Columns], ...]:
        coupons = (prize.coupon for prize in self.prizes)
        return (*super().carries(), *carried(*(coupon for coupon in coupons if coupon)))

    def welcome(self, world: PrivateDomain, rows: Rows, name: str, gathering: Gathering) -> None:
        for number, prize in enumerate(self.prizes, start=1):
            u = world.draws.uniform(f"lottery.{name}.{number}", world.day, world.customers.key[rows])
            won, rows = rows[u < prize.chance], rows[u >= prize.chance]
            world.record("win", won, number, name)
            if prize.cost_cny:
                world.record("gift", won, cents(prize.cost_cny), name)
            if prize.coupon and len(won):
                give(world, won[~holding(world, prize.coupon)[won]], prize.coupon, name)
