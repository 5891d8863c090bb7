"""The review of members: who reaches which free level, and to whom plans are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.customers import is_contact
from agents.membership_book import Offer

if TYPE_CHECKING:
    from agents.actions.membership import Membership
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]


def review_levels(world: PrivateDomain, club: Membership, name: str) -> Rows:
    """Re-estimate free levels; return the rows whose level changed."""
    c = world.customers
    if not club.tiers:
        return np.empty(0, np.intp)
    unit = 1.0 if club.by_points else 100.0
    thresholds = np.array([round(tier.threshold * unit) for tier in club.tiers])
    amounts = (c.points_season, c.points_before) if club.by_points else (c.spend_season, c.spend_before)
    level = np.searchsorted(thresholds, np.maximum(*amounts), side="right").astype(np.int8)
    level[(c.orders == 0) | ~is_contact(c.contact)] = 0
    rows = np.flatnonzero(level != c.member_level)
    c.member_level[rows] = level[rows]
    world.record("member_level", rows, level[rows].astype(np.int64), name)
    return rows


def offer_plans(world: PrivateDomain, club: Membership, due: bool, ended: Rows) -> None:
    """Offer plans to contacts without one; they answer in the respond phase.

    Whoever's trial ended yesterday is offered the full plan, on whatever day that is.
    """
    c = world.customers
    trials = {n: list(club.plans).index(p.trial_of) for n, p in enumerate(club.plans.values()) if p.trial_of}
    if not due and not (trials and len(ended)):
        return
    open_to = np.zeros((len(c), len(club.plans)), bool)
    if due:
        free = c.card_until < world.day
        for number, plan in enumerate(club.plans.values()):
            open_to[:, number] = (plan.audience or club.audience).mask(c, world.day) & free
            if number in trials:
                open_to[:, number] &= ~c.tried
    there = ended[is_contact(c.contact[ended])]
    for trial, full in trials.items():
        open_to[there[c.card_plan[there] == trial], full] = True
    rows = np.flatnonzero(open_to.any(axis=1))
    if len(rows):
        world.today.offers.append(Offer(rows, open_to[rows]))
