"""Identities that sales and interaction obey, each from its own factors counted in the events; products are exact.

A factor is a fraction of whole numbers, so that a product is the result itself and not nearly it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.behaviours.guests import JOINED_BY
from agents.domain import PrivateDomain
from agents.events import SALES
from experiments.metrics import contacts_at_start
from sim.ledger import Ledger

CENTS, SECONDS = 100, 60  # in a unit of money, in a minute
MONEY = "money"  # in the scenario's currency
INTERACTIONS = ("interact", "reply")
"""Kinds of event in which a customer answers what the brand shows."""


@dataclass(frozen=True)
class Factor:
    """One factor: what it is, how it is counted, its value and its unit."""

    name: str
    counted: str
    value: Fraction
    unit: str


@dataclass(frozen=True)
class Identity:
    """A number and the factors that multiply to it.

    ``broken`` names the first factor that does not exist because what it is a share of did not happen; the factors
    before it are there, and the product is then not the result.
    """

    name: str
    formula: str
    source: str
    result: Fraction
    unit: str
    factors: tuple[Factor, ...]
    broken: str = ""

    @property
    def product(self) -> Fraction:
        """What the factors multiply to."""
        return prod((factor.value for factor in self.factors), start=Fraction(1))


def identity_frame(arm: str, found: tuple[Identity, ...]) -> pd.DataFrame:
    """Identities of an arm as a tidy frame with a row for each factor; numbers are floats."""
    rows: list[dict[str, Any]] = [
        {
            "arm": arm, "identity": identity.name, "formula": identity.formula, "unit": identity.unit,
            "result": float(identity.result), "source": identity.source, "factor": factor.name,
            "counted": factor.counted, "value": float(factor.value), "of": factor.unit, "broken": identity.broken,
        }
        for identity in found
        for factor in identity.factors
    ]  # fmt: skip
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Counts:
    """What the factors are made of, all counted in one ledger.

    Attributes
    ----------
    pool : contacts of day 0 and people reached since.
    acquired : contacts of day 0 and those who joined since.
    own : the same without those whom customers brought.
    viewers, visits : customers who saw or ordered something, and on how many days they did, added up.
    seconds : time that they spent with what they saw.
    views : messages, posts and chats seen.
    responders, interactions : customers who answered in public or in a chat, and how often.
    buyers, orders, gmv_cents : customers who ordered, orders (packages for firms among them), and their value at list
        price: the gross sales of the metrics.
    """

    pool: int
    acquired: int
    own: int
    viewers: int
    visits: int
    seconds: int
    views: int
    responders: int
    interactions: int
    buyers: int
    orders: int
    gmv_cents: int

    @property
    def gmv(self) -> Fraction:
        """Gross sales in the scenario's currency."""
        return Fraction(self.gmv_cents, CENTS)


def identities(world: PrivateDomain) -> tuple[Identity, ...]:
    """The identities of a lived world whose ledger keeps single events."""
    counts = counts_of(world.ledger, contacts_at_start(world))
    return _sales(counts), _content_sales(counts), _value(counts), _dividend(counts)


def counts_of(ledger: Ledger, contacts: int) -> Counts:
    """Counts of a ledger in a world that began with so many contacts. Raises when it keeps totals only."""
    seen, orders, joins, answers = (ledger.of(*kinds) for kinds in (("view",), SALES, ("join",), INTERACTIONS))
    brought = int(np.count_nonzero(joins.source == ledger.source_code(JOINED_BY)))
    met, days = (np.concatenate([getattr(seen, name), getattr(orders, name)]) for name in ("key", "day"))
    return Counts(
        pool=contacts + len(ledger.of("reached")),
        acquired=contacts + len(joins),
        own=contacts + len(joins) - brought,
        viewers=_different(met),
        visits=np.unique(np.stack([met, days.astype(np.int64)]), axis=1).shape[1],
        seconds=int(seen.amount.sum()),
        views=len(seen),
        responders=_different(answers.key),
        interactions=len(answers),
        buyers=_different(orders.key),
        orders=len(orders),
        gmv_cents=int(orders.amount.sum()),
    )


def _different(keys: NDArray[np.int64]) -> int:
    return len(np.unique(keys))


Step = tuple[str, str, Fraction | int, str]  # name of the factor, how it is counted, the count so far, its unit


def _chain(name: str, formula: str, source: str, unit: str, *steps: Step) -> Identity:
    """An identity whose factors are a first count and what each further count is for one of the count before it."""
    factors: list[Factor] = []
    before, broken = Fraction(1), ""
    for what, counted, count, of in steps:
        if before == 0:
            broken = what
            break
        factors.append(Factor(what, counted, Fraction(count) / before, of))
        before = Fraction(count)
    return Identity(name, formula, source, Fraction(steps[-1][2]), unit, tuple(factors), broken)


def _sales(n: Counts) -> Identity:
    return _chain(
        "sales", "GMV = visitors × conversion rate × order value", "S1", MONEY,
        ("visitors", "days on which a customer saw or ordered something", n.visits, "visits"),
        ("conversion rate", "orders for each visit", n.orders, "orders a visit"),
        ("order value", "gross sales for each order", n.gmv, "money an order"),
    )  # fmt: skip


def _content_sales(n: Counts) -> Identity:
    return _chain(
        "sales by content", "GMV = viewers × content time × first orders a minute × orders a buyer × order value",
        "S1, the form of Kuaishou", MONEY,
        ("viewers", "customers who saw or ordered something", n.viewers, "customers"),
        ("content time", "minutes spent with what was seen", Fraction(n.seconds, SECONDS), "minutes a viewer"),
        ("first orders a minute", "one for each buyer", n.buyers, "a minute"),
        ("repurchase frequency", "orders of each buyer", n.orders, "orders a buyer"),
        ("order value", "gross sales for each order", n.gmv, "money an order"),
    )  # fmt: skip


def _value(n: Counts) -> Identity:
    return _chain(
        "value of the private domain",
        "value = traffic pool × add rate × referral × reach × seeding × conversion × repurchase × order value",
        "S1", MONEY,
        ("traffic pool", "contacts of day 0 and people reached since", n.pool, "people"),
        ("add rate", "contacts not brought by customers", n.own, "share"),
        ("referral", "all contacts for each of those", n.acquired, "times"),
        ("reach", "customers who saw or ordered something", n.viewers, "share"),
        ("seeding", "customers who answered, in public or in a chat", n.responders, "share"),
        ("conversion", "buyers for each who answered", n.buyers, "buyers"),
        ("repurchase", "orders of each buyer", n.orders, "orders a buyer"),
        ("order value", "gross sales for each order", n.gmv, "money an order"),
    )  # fmt: skip


def _dividend(n: Counts) -> Identity:
    return _chain(
        "social dividend", "interactions = relationships × information × interaction", "S1", "interactions",
        ("relationships", "contacts of day 0 and those who joined since", n.acquired, "customers"),
        ("information", "messages, posts and chats seen by each", n.views, "views a customer"),
        ("interaction", "public reactions and replies for each", n.interactions, "a view"),
    )  # fmt: skip
