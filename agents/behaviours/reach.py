"""Reach: how far a post gets through a medium, and what is left of it when many like it went before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.mood import Rows
from agents.customers import Contact
from agents.media import Medium, sent_column, worn_column

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.messages import Message


def new_periods(world: PrivateDomain) -> None:
    """Count anew what is sent through the media whose platform begins a new period today."""
    for name, medium in world.spec.media:
        column = sent_column(name)
        if column in world.customers.DECLARED and medium.begins(world.date):
            getattr(world.customers, column)[:] = 0


def recoveries(world: PrivateDomain) -> dict[str, np.float32]:
    """By how much each column of wear shrinks in a day."""
    return {
        column: np.float32(2 ** (-1 / medium.wear_half_life_days))
        for name, medium in world.spec.media
        for column in (worn_column(name, kind) for kind in ("advert", "content"))
        if column in world.customers.DECLARED
    }


def capped(count: NDArray[Any], rows: Rows, cap: int | None) -> Rows:
    """Those of some rows whose count lies below a cap."""
    if cap is None or not len(rows):
        return rows
    had = count[rows]
    return rows if had.max() < cap else rows[(had < cap).nonzero()[0]]


def allowed(world: PrivateDomain, name: str, medium: Medium, rows: Rows) -> Rows:
    """Those to whom the platform lets one message more go through a medium; it counts them."""
    if medium.limit is None:
        return rows
    sent = getattr(world.customers, sent_column(name))
    rows = capped(sent, rows, medium.limit)
    sent[rows] += 1
    return rows


def noticed(world: PrivateDomain, message: Message, medium: Medium, rows: Rows) -> Rows:
    """Those who happen to see a post."""
    c = world.customers
    most = max(medium.seen, medium.seen_muted)
    near, u = world.draws.below(f"attention.seen.{message.luck}", world.day, c.key[rows], most)
    rows = rows[near]
    seen = u < np.where(c.contact[rows] == Contact.CONTACT, medium.seen, medium.seen_muted)
    return rows[seen.nonzero()[0]]


def wear(customers: Any, message: Message, medium: Medium, rows: Rows) -> NDArray[np.float64] | float:
    """Strength of a post that is seen, less the more of its kind were seen lately; this one is added to them."""
    if medium.wear_scale is None:
        return medium.strength
    worn = getattr(customers, worn_column(message.medium, message.kind))
    seen = worn[rows]
    worn[rows] = seen + np.float32(1.0)
    left: NDArray[np.float64] = medium.strength * np.exp2(seen.astype(np.float64) / -medium.wear_scale)
    return left
