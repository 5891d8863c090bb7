"""Membership: free tiers by spend, and a paid card with the promise to refund what was not saved (S4)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from agents.actions.base import Action, cents
from agents.audience import Audience
from agents.calendar import Calendar
from agents.customers import NEVER, Contact
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

DAYS_A_MONTH = 30  # the term of the month card and the span over which its saving is judged


class MemberTier(Spec):
    """One level of a free programme."""

    threshold_cny: float = parameter(ge=0, doc="net spend in this season or the last from which it is reached, CNY")
    discount: float = parameter(0.0, ge=0, le=0.5, doc="member price: share off every order")
    points_multiplier: float = parameter(1.0, ge=0, le=20, doc="points earned, times the base rate")


class PaidCard(Spec):
    """A card for a month."""

    fee_cny: float = parameter(18.0, ge=0, le=10_000, doc="price of the card, CNY", source="S4: month card 18")
    discount: float = parameter(0.2, ge=0, le=0.5, doc="member price: share off every order", source="S4: −20 %")
    points_multiplier: float = parameter(
        2.0, ge=0, le=20, doc="points earned, times the base rate", source="S4: double"
    )
    term_days: int = parameter(DAYS_A_MONTH, ge=1, le=366, doc="days that it runs")
    refund_if_not_saved: bool = parameter(True, doc="give back what the member saved less than the fee", source="S4")


class Membership(Action):
    """A programme, which begins on the calendar's from_day; levels are reviewed and cards offered on the calendar.

    The better of level and card counts.
    """

    kind = "membership"
    single = True
    off: ClassVar[dict[str, Any]] = {"tiers": (), "card": None, "points_share": 0.0}

    tiers: tuple[MemberTier, ...] = parameter((), max_length=7, doc="levels, thresholds rising")
    card: PaidCard | None = parameter(None, doc="the paid card; none for no card")
    points_share: float = parameter(0.0, ge=0, le=0.2, doc="value of points earned, as a share of net spend")
    calendar: Calendar = parameter(Calendar(every_days=7), doc="when levels are reviewed and the card is offered")
    audience: Audience = parameter(Audience(levels=("L3", "L4", "L5")), doc="to whom the card is offered")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        thresholds = [tier.threshold_cny for tier in self.tiers]
        if any(b <= a for a, b in pairwise(thresholds)):
            raise ValueError(f"thresholds of tiers must rise (they are {thresholds}); order them")
        return self

    def apply(self, world: PrivateDomain, name: str) -> None:
        if world.day < self.calendar.from_day:
            return
        world.programme = name
        changed = np.zeros(len(world.customers), bool)
        if world.day == self.calendar.from_day:
            changed[:] = True
        changed[world.arrived] = True
        if self.card:
            changed[self._settle(world, self.card, name)] = True
        if self.calendar.times(world.day, world.date):
            changed[self._review(world, name)] = True
            if self.card and world.day < world.horizon_days - 1:  # nobody would settle a card sold on the last day
                self._offer(world, self.card, name)
        self._set_benefits(world, np.flatnonzero(changed))

    def _review(self, world: PrivateDomain, name: str) -> NDArray[np.intp]:
        """Re-estimate free levels; return the rows whose level changed."""
        c = world.customers
        if not self.tiers:
            return np.empty(0, np.intp)
        thresholds = np.array([cents(tier.threshold_cny) for tier in self.tiers])
        spend = np.maximum(c.spend_season, c.spend_before)
        level = np.searchsorted(thresholds, spend, side="right").astype(np.int8)
        level[(c.orders == 0) | ((c.contact != Contact.CONTACT) & (c.contact != Contact.MUTED))] = 0
        rows = np.flatnonzero(level != c.member_level)
        c.member_level[rows] = level[rows]
        world.record("member_level", rows, level[rows].astype(np.int64), name)
        return rows

    def _offer(self, world: PrivateDomain, card: PaidCard, name: str) -> None:
        """Offer the card to contacts without one; they answer in the respond phase."""
        rows = np.flatnonzero(self.audience.mask(world.customers, world.day) & (world.customers.card_until < world.day))
        if len(rows):
            world.offer(rows, self, card, name, self._level_price(world, rows))

    def enrol(self, world: PrivateDomain, card: PaidCard, rows: NDArray[np.intp], name: str) -> None:
        """Sell the card to these customers."""
        c = world.customers
        c.card_until[rows] = world.day + card.term_days - 1
        c.card_saved[rows] = 0
        world.record("fee", rows, cents(card.fee_cny), name)
        self._set_benefits(world, rows)

    def _settle(self, world: PrivateDomain, card: PaidCard, name: str) -> NDArray[np.intp]:
        """Close cards that ran out yesterday, refund where promised; return their rows."""
        c = world.customers
        rows = np.flatnonzero(c.card_until == world.day - 1)
        if card.refund_if_not_saved:
            due = np.maximum(cents(card.fee_cny) - c.card_saved[rows].astype(np.int64), 0)
            world.record("refund", rows[due > 0], due[due > 0], name)
        c.card_until[rows] = NEVER
        if world.day == world.horizon_days - 1:
            self._close_the_books(world, card, name)
        return rows

    def _close_the_books(self, world: PrivateDomain, card: PaidCard, name: str) -> None:
        """On the last day give back what is not earned yet, so that selling cards just before the end wins nothing."""
        c, fee = world.customers, cents(card.fee_cny)
        rows = np.flatnonzero(c.card_until >= world.day)
        unearned = np.rint(fee * (c.card_until[rows] - world.day) / card.term_days).astype(np.int64)
        short = np.maximum(fee - unearned - c.card_saved[rows], 0) if card.refund_if_not_saved else 0
        due = unearned + short
        world.record("refund", rows[due > 0], due[due > 0], name)

    def _level_price(self, world: PrivateDomain, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        table = np.array([0.0, *(tier.discount for tier in self.tiers)])
        price: NDArray[np.float64] = table[world.customers.member_level[rows]]
        return price

    def _set_benefits(self, world: PrivateDomain, rows: NDArray[np.intp]) -> None:
        c = world.customers
        table = np.array([1.0, *(tier.points_multiplier for tier in self.tiers)])
        for piece in world.pieces(rows):
            price = self._level_price(world, piece)
            points = table[c.member_level[piece]]
            if self.card:
                holds = c.card_until[piece] >= world.day
                price = np.where(holds, np.maximum(price, self.card.discount), price)
                points = np.where(holds, np.maximum(points, self.card.points_multiplier), points)
            c.member_price[piece] = price
            c.points_rate[piece] = points * self.points_share
