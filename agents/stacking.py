"""Stacking: how many coupons an order takes, and whether and in which order beside the member price."""

from __future__ import annotations

from typing import Literal

from sim.spec import Spec, parameter


class Stacking(Spec):
    """Rules of the till. Whatever a rule lets them choose from, customers choose what takes most off."""

    coupons_per_order: int = parameter(1, ge=1, le=10, doc="coupons that one order may use; the best are used")
    with_member_price: bool = parameter(
        True, doc="whether coupons and the member price come off together; if not, whichever takes more off"
    )
    first: Literal["coupons", "member_price"] = parameter(
        "coupons", doc="what comes off the list price; the other comes off what remains"
    )
