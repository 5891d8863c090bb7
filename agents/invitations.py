"""Invitations: who may bring friends under which programme today, who brought whom, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from agents.coupon_book import give
from agents.customers import Contact
from agents.friends import Kin
from agents.points_book import earn_for
from sim.columns import column

if TYPE_CHECKING:
    from agents.actions.programme import Programme
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Rows = NDArray[np.intp]
UNASKED = -1  # number of the programme of those whom nobody paid to speak
WORD_OF_MOUTH = "word_of_mouth"


class Inviting(Kin):
    """Columns of customers where friends bring friends."""

    asked = column("i2", 0, unit="count", doc="friends asked so far", access="latent")
    guest = column("i2", 0, unit="count", doc="number (from 1) of the friend who comes tomorrow; 0 for none")
    guest_programme = column("i1", UNASKED, unit="index", doc="action of the policy under which the guest was asked")
    inviter = column("i8", -1, unit="id", doc="key of the customer who brought this one; -1 for nobody")
    programme = column("i1", UNASKED, unit="index", doc="action of the policy under which one was brought; -1 for none")
    owed = column("?", False, unit="flag", doc="the reward for bringing this one is not due yet")
    brought = column("i2", 0, unit="count", doc="friends who joined")
    rewarded = column("i2", 0, unit="count", doc="friends for whom a reward was paid")


@dataclass(frozen=True)
class Invitation:
    """A programme under which customers may bring friends today.

    Attributes
    ----------
    index : number of the action in the policy; name and terms are found by it.
    rows : who may bring somebody under it.
    """

    index: int
    name: str
    action: Programme
    rows: Rows


@dataclass(frozen=True)
class Opening:
    """Customers who may apply today to become distributors, and how many there may be in all."""

    name: str
    rows: Rows
    places: int | None


def invites(scenario: Scenario, policy: Policy) -> bool:
    """Whether anybody may ever bring a friend: people speak unasked, or a programme asks them to."""
    rule = scenario.behaviours.get(WORD_OF_MOUTH)
    return getattr(rule, "talk", 0.0) > 0 or any(
        getattr(action, "brings_friends", False) for action in policy.actions.values()
    )


def programme_at(world: PrivateDomain, index: int) -> tuple[str, Programme]:
    """Name and action of the programme with this number."""
    name: str = list(world.policy.actions)[index]
    return name, cast("Programme", world.policy.actions[name])


def rows_of(world: PrivateDomain, keys: NDArray[np.int64]) -> Rows:
    """Rows of those who brought somebody, by key. Shape (n,)."""
    c = world.customers
    hosts = np.flatnonzero(c.brought > 0)
    hosts = hosts[np.argsort(c.key[hosts], kind="stable")]
    found: Rows = hosts[np.searchsorted(c.key[hosts], keys)]
    return found


def turns(keys: NDArray[np.int64], inviters: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Positions in turns in which each inviter occurs once, their friends in the order of their keys."""
    order = np.lexsort((keys, inviters))
    first = np.r_[True, inviters[order][1:] != inviters[order][:-1]] if len(order) else np.empty(0, bool)
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    turn = np.arange(len(order)) - start
    for number in range(int(turn.max(initial=-1)) + 1):
        yield order[turn == number]


def reward(world: PrivateDomain, newcomers: Rows, inviters: Rows, programme: Programme, name: str) -> None:
    """Pay these inviters, each once, for these newcomers of theirs, up to the programme's cap.

    Whoever deleted the operator since cannot be paid, and gets nothing.
    """
    c = world.customers
    c.owed[newcomers] = False
    inviters = inviters[c.contact[inviters] != Contact.DELETED]
    if programme.cap is not None:
        inviters = inviters[c.rewarded[inviters] < programme.cap]
    c.rewarded[inviters] += 1
    if programme.reward_cents:
        world.record("reward", inviters, programme.reward_cents, name)
    if programme.inviter_terms is not None:
        give(world, inviters, programme.inviter_terms, name)
    earn_for(world, inviters, "invitation")
