"""The book of points: balances in two periods, earning, and what a point is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sim.columns import Columns, column

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Act = Literal["check_in", "photo", "reply", "invitation"]
MOST_POINTS = np.iinfo(np.int32).max  # a balance stops here


class Balance(Columns):
    """Columns of customers where there are points."""

    points_new = column("i4", 0, unit="points", doc="balance earned in the running period")
    points_old = column("i4", 0, unit="points", doc="balance earned in the period before; expires when this one ends")


class Season(Columns):
    """Columns of customers where points decide the level of membership."""

    points_season = column("i4", 0, unit="points", doc="points earned in the running season")
    points_before = column("i4", 0, unit="points", doc="points earned in the season before")


def earn(world: PrivateDomain, rows: Rows, points: NDArray[np.int64] | int, source: str) -> None:
    """Credit points to these customers, each once. ``source`` says for what; nothing happens without the action.

    Parameters
    ----------
    rows : who, each once.
    points : how many, for all or for each; who gets none has no event.
    source : the occasion (``spend``, ``check_in``, …), written under the action's name.
    """
    if world.scheme is None or not world.scheme.runs(world.day):
        return
    each = np.broadcast_to(np.asarray(points, np.int64), (len(rows),))
    rows, each = rows[each > 0], each[each > 0]
    if not len(rows):
        return
    c = world.customers
    c.points_new[rows] = np.minimum(c.points_new[rows] + each, MOST_POINTS)
    if "points_season" in c.DECLARED:
        c.points_season[rows] = np.minimum(c.points_season[rows] + each, MOST_POINTS)
    world.record("points_earned", rows, each, f"{world.scheme_name}.{source}")


def earn_for(world: PrivateDomain, rows: Rows, act: Act) -> None:
    """Credit what the action gives for an act, such as an invitation that was followed."""
    if world.scheme is not None:
        earn(world, rows, getattr(world.scheme, act), act)


def balance(world: PrivateDomain, rows: Rows | slice) -> NDArray[np.int64]:
    """Points that these customers can redeem."""
    c = world.customers
    both: NDArray[np.int64] = c.points_new[rows].astype(np.int64) + c.points_old[rows]
    return both


def spent_share(world: PrivateDomain) -> float:
    """Face value of the points that an order earns before any multiplier, as a share of what is paid."""
    scheme = world.scheme
    return scheme.per_cny / scheme.points_per_cny if scheme is not None and scheme.runs(world.day) else 0.0


def earned_share(world: PrivateDomain, rows: Rows | slice) -> NDArray[np.float32] | np.float32:
    """Face value of the points that an order earns, as a share of what is paid. Shape (n,), or one for everybody."""
    share, c = np.float32(spent_share(world)), world.customers
    if not share or "points_multiplier" not in c.DECLARED:
        return share
    each: NDArray[np.float32] = share * c.points_multiplier[rows]
    return each
