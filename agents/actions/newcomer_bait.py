"""Newcomer bait: a large coupon or a gift for whoever adds the contact through some channels (S4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.actions.base import Action, Claim, Problem, cents
from agents.calendar import Calendar
from agents.coupon_book import CouponTerms, carried, check_reminder, give
from agents.customers import Contact
from sim.columns import Columns, column
from sim.errors import nearest
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario

Rows = NDArray[np.intp]


class Lured(Columns):
    """Columns of customers where baits are laid."""

    lured = column("?", False, unit="flag", doc="added the contact only for the bait", access="latent")


class NewcomerBait(Action):
    """A coupon, a gift or both for adding the contact through these channels on days of the calendar.

    It is announced where prospects are, so that it moves whether they add: the odds rise with what it is worth of their
    order and with their price sensitivity. Bargain hunters come for it by themselves. It costs when the gift is handed
    over and when the coupon is redeemed. Whoever adds gets it, also those who would have added without it.
    """

    kind = "newcomer_bait"
    off: ClassVar[dict[str, Any]] = {"depth": 0.0, "off_cny": 0.0, "gift_cny": 0.0}

    channels: tuple[str, ...] = parameter(min_length=1, doc="through which channels, by name")
    depth: float = parameter(0.0, ge=0, le=0.5, doc="discount of the coupon as a share of the order")
    off_cny: float = parameter(0.0, ge=0, le=100_000, doc="discount of the coupon as an amount, CNY, instead (S4: 50)")
    minimum_spend_cny: float = parameter(0.0, ge=0, le=100_000, doc="order value from which the coupon counts, CNY")
    valid_days: int = parameter(7, ge=1, le=365, doc="days of validity, the day of joining included")
    reminder_days: int = parameter(0, ge=0, le=30, doc="reminder so many days before the last day; 0 for none")
    gift_cny: float = parameter(0.0, ge=0, le=100_000, doc="cost of the gift that each who adds gets, CNY")
    calendar: Calendar = parameter(Calendar(every_days=1), doc="when it is offered")

    @model_validator(mode="after")
    def _share_or_amount(self) -> Self:
        check_reminder(self.valid_days, self.reminder_days)
        if self.depth and self.off_cny:
            raise ValueError(
                f"a coupon takes off a share or an amount, not both (depth {self.depth:g}, off_cny {self.off_cny:g}); "
                "set one to 0"
            )
        return self

    @property
    def terms(self) -> CouponTerms:
        """What the coupon promises."""
        return CouponTerms(
            depth=self.depth, off_cents=cents(self.off_cny), minimum_cents=cents(self.minimum_spend_cny),
            valid_days=self.valid_days, reminder_days=self.reminder_days, slot="bait",
        )  # fmt: skip

    def lies(self, world: PrivateDomain) -> bool:
        """Whether it is offered today."""
        return bool((self.depth or self.off_cny or self.gift_cny) and self.calendar.times(world.day, world.date))

    def worth(self, world: PrivateDomain, rows: Rows) -> NDArray[np.float64]:
        """What coupon and gift are worth to these people, as shares of an expected order of theirs. Shape (n,)."""
        terms, basket = self.terms, world.expected_basket(rows)
        coupon = np.minimum(terms.depth + terms.off_cents / basket, 1.0)
        usable = world.chance_of_basket(rows, np.full(len(rows), terms.minimum_cents, np.int32))
        share: NDArray[np.float64] = coupon * usable + np.minimum(cents(self.gift_cny) / basket, 1.0)
        return share

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.lies(world):
            return
        c = world.customers
        rows = np.flatnonzero((c.joined == world.day) & (c.contact == Contact.CONTACT))
        rows = rows[np.isin(c.channel[rows], [world.channels[channel].index for channel in self.channels])]
        if self.gift_cny:
            world.record("gift", rows, cents(self.gift_cny), name)
        if self.depth or self.off_cny:
            give(world, rows, self.terms, name)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Lured, *carried(self.terms))

    def claims(self) -> Iterator[Claim]:
        yield from ((f"the bait of channel '{channel}'", "channels") for channel in self.channels)

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        for number, channel in enumerate(self.channels):
            if channel not in scenario.channels:
                yield (
                    f"the scenario has no channel '{channel}'",
                    f"channels.{number}",
                    nearest(channel, scenario.channels),
                )


def baits_today(world: PrivateDomain) -> dict[str, tuple[str, NewcomerBait]]:
    """The baits that are offered today by channel, each with its action's name."""
    return {
        channel: (name, action)
        for name, action in world.policy.actions.items()
        if isinstance(action, NewcomerBait) and action.lies(world)
        for channel in action.channels
    }
