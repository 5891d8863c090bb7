"""Stacking: how many coupons an order takes, and whether and in which order beside the member price."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from sim.spec import Spec, parameter


class Stacking(Spec):
    """Rules of the till. Whatever a rule lets them choose from, customers choose what takes most off."""

    coupons_per_order: int = parameter(1, ge=1, le=10, doc="coupons that one order may use; the best are used")
    with_member_price: bool = parameter(
        True, doc="whether coupons and the member price come off together; if not, whichever takes more off"
    )
    least_paid_cny: float = parameter(
        0.01, ge=0.01, le=100_000, doc="what an order leaves to pay at least, whatever comes off it, CNY",
        source="assumed: the smallest amount that can be paid; nothing comes off an order below it",
    )  # fmt: skip
    first: Literal["coupons", "member_price"] = parameter(
        "coupons", doc="what comes off the list price; the other comes off what remains"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.first == "member_price" and not self.with_member_price:
            raise ValueError(
                "stacking.first and stacking.with_member_price contradict each other: nothing comes first where only "
                "one of the two counts; set first to coupons, or with_member_price to true"
            )
        return self
