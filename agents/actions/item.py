"""One item sold at its own price: what a flash group or a group buy sells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.actions.base import Claim, cents
from agents.till import OwnPrice
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Pieces = NDArray[np.int64]


class Item(Spec):
    """An item, its price and its stock. Its name stands for the stock: two actions cannot sell the same one."""

    name: str = parameter(min_length=1, doc="what is sold; one name is one stock")
    list_price_cny: float = parameter(
        gt=0, le=1e7, doc="price of a piece elsewhere, against which customers judge, CNY", fact=True
    )
    price_cny: float = parameter(gt=0, le=1e7, doc="price of a piece here, CNY")
    unit_cost_cny: float = parameter(ge=0, le=1e7, doc="cost of goods of a piece, CNY", fact=True)
    stock: int | None = parameter(None, ge=0, doc="pieces there are in all; none for no limit, 0 for no sale")
    stacks: bool = parameter(False, doc="whether coupons and the member price come off this price too")

    @model_validator(mode="after")
    def _cheaper(self) -> Self:
        if self.price_cny > self.list_price_cny:
            raise ValueError(
                f"price_cny {self.price_cny:g} exceeds list_price_cny {self.list_price_cny:g}: "
                "nobody joins to pay more; lower it"
            )
        return self

    @property
    def depth(self) -> float:
        """Discount as a share of the list price."""
        return 1.0 - self.price_cny / self.list_price_cny

    def claims(self) -> Iterator[Claim]:
        """Its stock, which one schedule alone may sell."""
        yield f"the stock of '{self.name}'", "item.name"

    def left_share(self, world: PrivateDomain) -> float:
        """Share of the stock that is left; all of it where there is no limit."""
        if self.stock is None:
            return 1.0
        return world.operator.left(self._shelf, self.stock) / self.stock if self.stock else 0.0

    @property
    def _shelf(self) -> str:
        """Name of the stock at the operator, who keeps coupons by the names of actions."""
        return f"item.{self.name}"

    def allot(self, world: PrivateDomain, wanted: Pieces, luck: NDArray[np.float64]) -> Pieces:
        """Take pieces from the stock; return how many each gets. Should they run out, the smallest luck is first."""
        total = int(wanted.sum())
        taken = total if self.stock is None else world.operator.take(self._shelf, total, self.stock)
        if taken == total:
            return wanted
        order = np.argsort(luck, kind="stable")
        before = np.cumsum(wanted[order]) - wanted[order]
        got = np.zeros_like(wanted)
        got[order] = np.clip(taken - before, 0, wanted[order])
        return got

    def sell(self, world: PrivateDomain, rows: Rows, pieces: Pieces, seller: str) -> None:
        """Sell so many pieces to each of these customers, none of whom would have bought it without the offer."""
        own = OwnPrice(pieces * cents(self.unit_cost_cny), self.stacks)
        world.sell(rows, pieces * cents(self.price_cny), np.zeros(len(rows), bool), seller, own)


class FlashItem(Item):
    """An item of which one may buy several pieces in a sale."""

    most_per_customer: int = parameter(5, ge=1, le=1000, doc="pieces that one customer may buy at once")
