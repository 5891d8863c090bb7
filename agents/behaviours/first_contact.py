"""First contact: newcomers stay silent, show interest, ask for a quote, or buy at once (S1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.channels import BOUGHT, INTERESTED, QUOTED, Contacted
from agents.customers import NEVER, Contact, Level, is_contact
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Rows = NDArray[np.intp]


class Asking(Columns):
    """Columns of customers where quotes are asked for."""

    quote_day = column("i2", NEVER, unit="day", doc="day on which a quote was asked for that nobody has answered yet")


def sorts(scenario: Scenario) -> bool:
    """Whether some channel of a scenario says how its newcomers begin."""
    return any(channel.first_contact for channel in scenario.channels.values())


class FirstContact(Behaviour):
    """Who joins by a channel that says so is sorted into one of four, by luck that lasts: the same on every day.

    The interested are acquainted (L1), and so are those who ask for a quote, which is their first round of chat; what
    they are told, ``Quotes`` decides. Buyers order today (``FirstOrders``).
    """

    kind = "first_contact"
    phase = "arrive"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return sorts(scenario)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Contacted, Asking)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        rows = np.flatnonzero((c.joined == world.day) & (c.contact == Contact.CONTACT))
        for channel in world.channels.values():
            if channel.spec.first_contact:
                mine = rows[c.channel[rows] == channel.index]
                self._sort(world, mine, channel.spec.first_contact.edges, channel.name)

    def _sort(self, world: PrivateDomain, rows: Rows, edges: tuple[float, float, float], channel: str) -> None:
        c = world.customers
        # The address has no day, so that who comes a day later begins in the same way.
        u = world.draws.uniform("first_contact", 0, c.key[rows])
        outcome = (BOUGHT - np.searchsorted(edges, u, side="right")).astype(np.int8)
        c.first_contact[rows] = outcome
        world.record("first_contact", rows, outcome.astype(np.int64), channel)
        asks = rows[outcome == QUOTED]
        c.quote_day[asks] = world.day
        c.rounds[asks] += 1
        if not world.learns("rise_0"):
            world.set_level(rows[(outcome == INTERESTED) | (outcome == QUOTED)], Level.ACQUAINTED)


class Quotes(Behaviour):
    """Who asked for a quote is drawn to a first order by an answer, and put off by none.

    An answer is a chat that reaches them: of which action, and when, is the operator's matter.
    """

    kind = "quotes"
    phase = "respond"

    wait_days: int = parameter(
        2, ge=0, le=60, doc="days on which an answer counts, after the day of asking", source="assumed"
    )
    unanswered_goodwill: float = parameter(
        -0.08, ge=-1, le=0, doc="goodwill that a question without an answer costs", source="assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return sorts(scenario)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Asking,)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        for message, seen in world.today.seen:
            if message.kind == "chat":
                self._answer(world, seen[c.quote_day[seen] != NEVER].astype(np.intp))
        for chunk in world.chunks():
            asked = c.quote_day[chunk]
            rows = np.flatnonzero((asked != NEVER) & (asked <= world.day - self.wait_days)) + chunk.start
            if len(rows):
                self._give_up(world, rows)

    def _answer(self, world: PrivateDomain, rows: Rows) -> None:
        c = world.customers
        if not len(rows):
            return
        world.record("quote_answered", rows, world.day - c.quote_day[rows].astype(np.int64), "quotes")
        c.stimulus[rows] += world.effects["quote"]
        c.quote_day[rows] = NEVER

    def _give_up(self, world: PrivateDomain, rows: Rows) -> None:
        c = world.customers
        c.quote_day[rows] = NEVER
        rows = rows[is_contact(c.contact[rows])]
        c.goodwill[rows] += self.unanswered_goodwill
        world.record("quote_unanswered", rows, 0, "quotes")


class FirstOrders(Behaviour):
    """Who buys at first contact orders on the day of joining, unless something else has sold to them today already."""

    kind = "first_orders"
    phase = "purchase"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return sorts(scenario)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Contacted,)

    def apply(self, world: PrivateDomain) -> None:
        c = world.customers
        rows = np.flatnonzero((c.joined == world.day) & (c.first_contact == BOUGHT) & (c.contact == Contact.CONTACT))
        if len(rows) and world.today.sales:
            rows = rows[~np.isin(rows, np.concatenate([sale.rows for sale in world.today.sales]))]
        if not len(rows):
            return
        basket = world.models.basket
        stretch = basket.stretch_at(c, rows, world.day, world.weekday)
        luck = basket.residual(world.draws.uniform("basket", world.day, c.key[rows]), stretch)
        gross = np.maximum(np.rint(world.expected_basket(rows) * luck), 1).astype(np.int64)
        # Who came only for a bait would not have been here to order.
        organic = ~c.lured[rows] if "lured" in c.DECLARED else np.ones(len(rows), bool)
        world.sell(rows, gross, organic, source="first_contact")
