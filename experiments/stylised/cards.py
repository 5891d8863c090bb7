"""Cards: who buys the month card, from how many orders on it pays, what holders do, what a year card beside it does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.customers import Contact
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING, Policy
from experiments.load import load
from experiments.stylised.fact import Arm, Fact, difference, ratio, the
from sim.ledger import Events
from sim.spec import validate

PRESET = "sparkling_drinks"
CLUB, PLAN = "club", "month_card"
MONTH = {"fee_cny": 18, "discount": 0.2, "refund_if_not_saved": True}  # S4
YEAR = {"fee_cny": 198, "term_days": 365, "discount": 0.2, "refund_if_not_saved": True}  # S4
FROM_DAY = 90  # a quarter without any card shows how often whoever buys one orders anyway
LONG_DAYS, FEWER = 400, 2500  # books close at the end: the first year cards have run out by then


@dataclass(frozen=True)
class Cards:
    """Month cards sold: whose, first and last day. Sorted by key and day; nobody holds two on a day."""

    key: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def held(self, events: Events) -> NDArray[np.bool_]:
        """Which of these events fell on a day on which the customer held a card."""
        _, who = np.unique(np.concatenate((self.key, events.key)), return_inverse=True)
        days = 1 + int(max(events.day.max(initial=0), self.last.max(initial=0)))
        mine, theirs = who[: len(self.key)], who[len(self.key) :]
        latest = np.searchsorted(mine * days + self.first, theirs * days + events.day, side="right") - 1
        held = np.zeros(len(events), bool)
        (some,) = (latest >= 0).nonzero()
        card = latest[some]
        held[some] = (mine[card] == theirs[some]) & (events.day[some] <= self.last[card])
        return held


def cards(world: PrivateDomain) -> Cards:
    """The month cards that a world sold."""
    fees = _of(world, "fee")
    order = np.lexsort((fees.day, fees.key))
    first = fees.day[order].astype(np.int64)
    return Cards(fees.key[order], first, first + _term(world) - 1)


def _of(world: PrivateDomain, kind: str) -> Events:
    """Events of a kind that the month card brought about."""
    events = world.ledger.of(kind)
    return events.where(events.source == world.ledger.source_code(f"{CLUB}.{PLAN}"))


def _term(world: PrivateDomain) -> int:
    terms: int = world.policy.actions[CLUB].plans[PLAN].term_days  # type: ignore[attr-defined]
    return terms


# -- who buys --------------------------------------------------------------------------------------------------------


def past_orders_of_buyers(world: PrivateDomain) -> float:
    """Orders in the days before the card was there, of each customer of then who bought one later."""
    return _past_orders(world, bought=True)


def past_orders_of_others(world: PrivateDomain) -> float:
    """Orders in the days before the card was there, of each customer of then who never bought one."""
    return _past_orders(world, bought=False)


def _past_orders(world: PrivateDomain, *, bought: bool) -> float:
    """Of those who had ordered by then and had not deleted the contact."""
    c, orders, gone = world.customers, world.ledger.of("order"), world.ledger.of("delete")
    before = orders.day < FROM_DAY
    later = _counts(c.key, orders.key[~before])
    customers = (c.orders > later) & (c.contact >= Contact.CONTACT) & ~np.isin(c.key, gone.key[gone.day < FROM_DAY])
    chosen = customers & (np.isin(c.key, cards(world).key) == bought)
    return float(_counts(c.key, orders.key[before])[chosen].mean()) if chosen.any() else math.nan


def _counts(keys: NDArray[np.int64], events: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each of these customers comes up among the keys of events."""
    whose, n = np.unique(events, return_counts=True)
    counts = np.zeros(len(keys), np.int64)
    if len(whose):
        at = np.minimum(np.searchsorted(whose, keys), len(whose) - 1)
        counts[whose[at] == keys] = n[at][whose[at] == keys]
    return counts


# -- what the card costs and saves -----------------------------------------------------------------------------------


def break_even_orders(world: PrivateDomain) -> float:
    """Orders whose member price, on average, takes off as much as the card costs."""
    saved = _of(world, "member_discount").amount
    fee: float = world.policy.actions[CLUB].plans[PLAN].fee_cny  # type: ignore[attr-defined]
    return 100 * fee / float(saved.mean()) if len(saved) else math.nan


def refunded(world: PrivateDomain) -> float:
    """Share of the cards that came to the end of their term of which something was given back."""
    ended, back = _ended(world)
    return float(np.mean(back > 0)) if ended else math.nan


def fees_given_back(world: PrivateDomain) -> float:
    """Money given back for cards that came to the end of their term, as a share of what they had cost."""
    ended, back = _ended(world)
    return float(back.sum() / _of(world, "fee").amount[0] / ended) if ended else math.nan


def _ended(world: PrivateDomain) -> tuple[int, NDArray[np.int64]]:
    """How many cards ended by their term, and what was given back of each on the day after; books close on the last."""
    sold, refunds = cards(world), _of(world, "refund")
    over = sold.last + 1 < world.horizon_days
    paid = {
        (key, day): amount
        for key, day, amount in zip(refunds.key.tolist(), refunds.day.tolist(), refunds.amount.tolist(), strict=True)
    }
    ends = zip(sold.key[over].tolist(), (sold.last[over] + 1).tolist(), strict=True)
    back = [paid.get(end, 0) for end in ends]
    return len(back), np.array(back, np.int64)


# -- what holders do -------------------------------------------------------------------------------------------------


def orders_of_holders(world: PrivateDomain) -> float:
    """Orders on days on which a card was held."""
    return float(np.count_nonzero(cards(world).held(world.ledger.of("order"))))


def orders_of_twins(world: PrivateDomain) -> float:
    """Orders of the same people on the same days in a world of the same luck in which no card is offered."""
    twin = PrivateDomain(world.spec, DO_NOTHING, seed=world.draws.seed)
    twin.run()
    return float(np.count_nonzero(cards(world).held(twin.ledger.of("order"))))


def card_revenue(world: PrivateDomain) -> float:
    """Fees of all plans less what was given back."""
    mine = [code for code, source in enumerate(world.ledger.sources) if source.startswith(f"{CLUB}.")]
    events = world.ledger.of("fee", "refund")
    signed = world.ledger.signs()[events.kind] * events.amount
    return float(signed[np.isin(events.source, mine)].sum() / 100)


def _policy(title: str, from_day: int, **plans: dict[str, Any]) -> Policy:
    club = {"kind": "membership", "calendar": {"every_days": 7, "from_day": from_day}, "plans": plans}
    return validate(Policy, {"title": title, "actions": {CLUB: club}})


def facts() -> Iterator[Fact]:
    """Buyers, break-even, refunds and orders of the month card; revenue with a year card beside it."""
    here = load(PRESET, "scenario")
    month = _policy("month card", FROM_DAY, **{PLAN: MONTH})
    yield Fact(
        "cards: orders before, buyers of the card over other customers", "the card is for those who order often", "S4",
        1.0, math.inf, "times as many",
        (Arm("buyers", here, month, past_orders_of_buyers), Arm("others", here, month, past_orders_of_others)),
        ratio("buyers", "others"),
        rule="in `card_choice` a customer weighs the fee against a saving that is their own order rate times what an "
        "order saves",
    )  # fmt: skip
    yield Fact(
        "cards: orders to break even", "one order at member price saves 25.98, more than the card costs", "S4",
        0.0, 1.0, "orders", (Arm("world", here, month, break_even_orders),), the("world"),
        rule="arithmetic of S4's own fee of 18 and 20 % off an order, whose size the preset sets near S4's price",
    )  # fmt: skip
    yield Fact(
        "cards: refunded", "one order saves more than the card, so that few are refunded", "S4",
        0.0, 0.5, "share of cards", (Arm("world", here, month, refunded),), the("world"),
    )  # fmt: skip
    yield Fact(
        "cards: fees given back", "the difference is refunded if the member saved less than the fee", "S4",
        0.0, 0.5, "share of fees", (Arm("world", here, month, fees_given_back),), the("world"),
    )  # fmt: skip
    yield Fact(
        "cards: orders of holders over those of the same people without", "members order more", "S4",
        1.0, math.inf, "times as many",
        (Arm("holders", here, month, orders_of_holders), Arm("twins", here, month, orders_of_twins)),
        ratio("holders", "twins"),
        rule="`effects.member_price`, a prior, adds log-odds to every order at member price; how many more is a result",
    )  # fmt: skip
    people = here.population.model_copy(update={"size": FEWER})
    long = here.model_copy(update={"horizon_days": LONG_DAYS, "population": people})
    alone, both = (_policy(title, 0, **{PLAN: MONTH} | more) for title, more in (
        ("month card", {}), ("month and year card", {"year_card": YEAR}),
    ))  # fmt: skip
    yield Fact(
        "cards: revenue with a year card less without", "a dear year card is an anchor for the month card", "S4",
        0.0, math.inf, here.currency,
        (Arm("both", long, both, card_revenue), Arm("month", long, alone, card_revenue)), difference("both", "month"),
        rule="`card_choice.reference` makes a fee look small beside a larger one",
    )  # fmt: skip
