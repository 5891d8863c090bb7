"""Who is there on day 0: customers from logs in the states that the logs leave them in, or a synthetic population."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.customers import LEVELS, Contact, ContactHistory, Level
from agents.membership_book import MOST_CENTS
from agents.models.bundle import CustomerModels
from agents.models.contact import ContactModels
from agents.models.exposure import Exposure
from agents.models.history import History, record_orders
from agents.segments import drawn, logged

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

SEASON_DAYS = 91  # of logs the spend of so many last days is kept; a world's season may have another length
LOGGED_TRUST = (
    0.55,
    0.4,
)  # resting trust of a logged buyer: base, and what the top of the order-rate ranking adds; assumed


@dataclass(frozen=True)
class LearnedContact:
    """What training on logged messages gives the world: hazards of contact and trust, and where everybody stands.

    ``state`` has the rows of ``Learned.history``; day −1 is the cut-off day.
    """

    models: ContactModels
    state: ContactHistory


@dataclass(frozen=True)
class Learned:
    """What training gives the world.

    Attributes
    ----------
    models : the learned models.
    history : one row per customer; day −1 is the cut-off day.
    p_lapsed : probability that each customer has lapsed by then, shape (n,).
    spend_before : net spend of each customer in the last season before day 0, cents, shape (n,).
    contact : hazards and states of contact and trust, where the logs have them.
    classes : class of each customer in each dimension that the logs name (region, age_band), texts of shape (n,);
        empty where they do not say.
    """

    models: CustomerModels
    history: History
    p_lapsed: NDArray[np.float64]
    spend_before: NDArray[np.int64]
    contact: LearnedContact | None = None
    classes: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)

    def only(self, rows: NDArray[np.intp]) -> Learned:
        """The same, about some of the customers."""
        contact = self.contact and replace(self.contact, state=self.contact.state.taken(rows))
        return replace(
            self, history=self.history.taken(rows), p_lapsed=self.p_lapsed[rows], spend_before=self.spend_before[rows],
            contact=contact, classes={name: texts[rows] for name, texts in self.classes.items()},
        )  # fmt: skip

    def digest(self) -> str:
        """Hash of models and states, 16 hexadecimal digits."""
        h = hashlib.sha256(self.models.digest().encode())
        for array in (*self.history.arrays().values(), self.p_lapsed, self.spend_before):
            h.update(np.ascontiguousarray(array).tobytes())
        if self.contact:
            h.update(self.contact.models.digest().encode())
            for array in self.contact.state.arrays().values():
                h.update(np.ascontiguousarray(array).tobytes())
        for name, texts in sorted(self.classes.items()):
            h.update("\0".join((name, *texts)).encode())
        return h.hexdigest()[:16]


def populate(world: PrivateDomain) -> None:
    """Fill an empty world with the people of day 0."""
    if world.learned:
        _from_logs(world, world.learned)
    else:
        _synthetic(world)


def _from_logs(world: PrivateDomain, learned: Learned) -> None:
    c, history = world.customers, learned.history
    arrays = history.arrays()
    keys = arrays["key"]
    c.append(len(keys), **arrays)
    _give_traits(world, learned.classes)
    # A logged customer's own rate and basket are in the covariates: only what the past cannot tell is drawn.
    c.rate[:] = 0.0
    personal = world.models.basket.personal
    c.basket[:] = personal * world.draws.normal("birth.personal", -1, keys) - personal**2 / 2 if personal else 0.0
    tenure = np.maximum(-c.joined, 1)
    rate = c.orders / tenure
    # Equal rates share a rank, so that trust does not depend on the order of the rows.
    ordered = np.sort(rate)
    rank = (np.searchsorted(ordered, rate, "left") + np.searchsorted(ordered, rate, "right") - 1) / 2
    c.resting_trust[:] = LOGGED_TRUST[0] + LOGGED_TRUST[1] * rank / max(len(rate) - 1, 1)
    c.level[:] = np.where(c.orders > 0, Level.BUYER, Level.STRANGER)
    season = learned.spend_before * (world.spec.season_days / SEASON_DAYS)  # at the same rate over this world's season
    c.spend_before[:] = np.minimum(np.rint(season), MOST_CENTS)
    c.lapsed[:] = world.draws.uniform("birth.lapsed", -1, keys) < learned.p_lapsed
    if learned.contact:
        for name in ("contact", "level", *Exposure.DECLARED):
            getattr(c, name)[:] = getattr(learned.contact.state, name)


def _synthetic(world: PrivateDomain) -> None:
    c, people = world.customers, world.spec.population
    draws = world.draws
    c.append(people.size, key=np.arange(people.size, dtype=np.int64), contact=Contact.CONTACT)
    _give_traits(world, {})
    edges, trust = np.cumsum(people.level_shares)[:-1], np.array(people.level_trust)
    for chunk in world.chunks():
        keys = c.key[chunk]
        c.level[chunk] = np.searchsorted(edges, draws.uniform("birth.level", -1, keys), side="right")
        c.resting_trust[chunk] = trust[c.level[chunk]]
        c.joined[chunk] = -1 - np.floor(draws.uniform("birth.joined", -1, keys) * people.tenure_days).astype(np.int32)
    _past_orders(world)


def _give_traits(world: PrivateDomain, classes: Mapping[str, NDArray[np.str_]]) -> None:
    """Draw who everybody is, chunk by chunk: a million people's traits at once would double the memory of a world.

    ``classes``: what logs say of the segments to which each customer belongs.
    """
    c, traits = world.customers, world.spec.traits
    for chunk in world.chunks():
        keys, segment = c.key[chunk], None
        if traits.segments:
            texts = {name: found[chunk] for name, found in classes.items()}
            segment = logged(traits.segments, drawn(traits.segments, world.draws, keys), texts)
        for name, values in traits.draw(world.draws, keys, c.DECLARED, segment).items():
            getattr(c, name)[chunk] = values


def _past_orders(world: PrivateDomain) -> None:
    """Give buyers and super users the orders that made them so, oldest first."""
    c, people = world.customers, world.spec.population
    orders_of_level = np.zeros(len(LEVELS), np.int16)
    orders_of_level[[Level.BUYER, Level.SUPER_USER]] = 1, people.super_user_orders
    wanted = orders_of_level[c.level]
    for back in range(int(wanted.max(initial=0)), 0, -1):
        for rows in world.pieces(np.flatnonzero(wanted >= back)):
            _past_order(world, rows, back)


def _past_order(world: PrivateDomain, rows: NDArray[np.intp], back: int) -> None:
    """The k-th last order lies around k gaps ago; days are kept in order and after joining."""
    c, people, basket, keys = world.customers, world.spec.population, world.models.basket, world.customers.key[rows]
    u = world.draws.uniform(f"birth.order.{back}", -1, keys)
    day = -(np.floor(people.order_gap_days * (back - 1 + u)).astype(np.int64) + back)
    luck = basket.residual(world.draws.uniform_on("birth.basket", day, keys))
    # The default models' baskets know the customer's past at most, not the weekday; so a day for each row will do.
    net = basket.mean_cents_at(c, rows, day, 0) * luck
    net = np.rint(net * np.exp(c.basket[rows].astype(np.float64)))
    c.joined[rows] = np.minimum(c.joined[rows], day)
    record_orders(c, rows, day, net)
    recent = day >= -world.spec.season_days
    c.spend_before[rows[recent]] = np.minimum(c.spend_before[rows[recent]] + net[recent], MOST_CENTS)
