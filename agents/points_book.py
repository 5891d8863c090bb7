"""The book of points: balances in two periods, earning, and what a point is worth to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from agents.customers import YOUNG_DAYS
from sim.columns import Columns, column

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]
Act = Literal["check_in", "photo", "reply", "invitation"]
MOST_POINTS = np.iinfo(np.int32).max  # a balance stops here


class Balance(Columns):
    """Columns of customers where there are points."""

    points_new = column("i4", 0, unit="points", doc="balance earned in the running period")
    points_old = column("i4", 0, unit="points", doc="balance earned in the period before; expires when this one ends")


class SeasonPoints(Columns):
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
    if isinstance(points, np.ndarray):
        (some,) = (points > 0).nonzero()
        rows, points = rows[some], points[some]
    elif points <= 0:
        return
    if not len(rows):
        return
    c = world.customers
    c.points_new[rows] = np.minimum(c.points_new[rows].astype(np.int64) + points, MOST_POINTS)
    if "points_season" in c.DECLARED:
        c.points_season[rows] = np.minimum(c.points_season[rows].astype(np.int64) + points, MOST_POINTS)
    world.record("points_earned", rows, points, f"{world.scheme_name}.{source}")


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


def face_share(world: PrivateDomain, rows: Rows | slice) -> NDArray[np.float32] | np.float32:
    """Face value of the points that an order earns, as a share of what is paid. Shape (n,), or one for everybody."""
    share, c = np.float32(spent_share(world)), world.customers
    if not share or "points_multiplier" not in c.DECLARED:
        return share
    each: NDArray[np.float32] = share * c.points_multiplier[rows]
    return each


def hoped_share(world: PrivateDomain, rows: Rows, multiplier: Floats | float | None = None) -> Floats:
    """What these customers hold the points of an order for, as a share of what is paid. Shape (n,).

    Face value, what the reward is worth of it, and the chance that they will ever be redeemed, multiplied; whoever
    thinks of ordering counts that order among his own. ``multiplier`` is that of a plan in view; the customer's own
    otherwise.
    """
    share, c = spent_share(world), world.customers
    if not share:
        return np.zeros(len(rows))
    if multiplier is None:
        multiplier = c.points_multiplier[rows].astype(np.float64) if "points_multiplier" in c.DECLARED else 1.0
    step = _points_of_an_order(world, rows) * multiplier
    chance, _ = _chances(world, rows, step, c.orders[rows] + 1, earned_now=step)
    worth: Floats = share * world.reward_worth * multiplier * chance
    return worth


def chances_to_redeem(world: PrivateDomain, rows: Rows) -> tuple[Floats, Floats]:
    """Chance that points of the running period are redeemed, and those of the one before, at one's own pace; for who
    has none of these, 0.

    They are redeemed when the balance reaches the threshold before they expire. It grows by orders as often as one has
    ordered so far (Poisson), and by acts that points are given for. Shapes (n,), (n,).
    """
    c = world.customers
    step = _points_of_an_order(world, rows)
    if "points_multiplier" in c.DECLARED:
        step *= c.points_multiplier[rows]
    return _chances(world, rows, step, c.orders[rows])


def _chances(
    world: PrivateDomain, rows: Rows, step: Floats, orders: NDArray[np.integer[Any]], earned_now: Floats | float = 0.0
) -> tuple[Floats, Floats]:
    c, scheme = world.customers, world.scheme
    assert scheme is not None
    rate = orders / np.maximum(world.day - c.joined[rows], YOUNG_DAYS)
    acts = _points_of_acts(world, rows)
    new = c.points_new[rows] + earned_now
    soon, late = scheme.days_left(world.day)
    chance, old_too = _reaches(scheme.redeem_from - new - acts * late, step, rate * late), np.zeros(len(rows))
    # Who has nothing from before has no more to redeem before that expires than after.
    (both,) = (c.points_old[rows] > 0).nonzero()
    if len(both):
        missing = (scheme.redeem_from - new - c.points_old[rows] - acts * soon)[both]
        old_too[both] = _reaches(missing, step[both], (rate * soon)[both])
        chance = np.maximum(chance, old_too)
    return chance, old_too


def _reaches(missing: Floats, step: Floats, orders: Floats) -> Floats:
    """Chance that a Poisson number of orders, so many expected, bring so many missing points by such steps."""
    steps = np.divide(missing, step, out=np.full(len(missing), np.inf), where=step > 0)
    chance = np.ones(len(missing))
    (short,) = (missing > 0).nonzero()
    chance[short] = gammainc(steps[short], orders[short])
    return chance


def _points_of_an_order(world: PrivateDomain, rows: Rows) -> Floats:
    """Points that an expected order earns before any multiplier."""
    assert world.scheme is not None
    return world.expected_basket(rows) * (world.scheme.per_cny / 100)


def _points_of_acts(world: PrivateDomain, rows: Rows) -> Floats:
    """Points a day by check-ins and replies, where somebody's chance of these is known."""
    c, scheme = world.customers, world.scheme
    if scheme is None or "check_in_chance" not in c.DECLARED:
        return np.zeros(len(rows))
    acts = ((c.check_in_chance, scheme.check_in), (c.reply_chance, scheme.reply))
    a_day: Floats = np.sum(
        [np.maximum(chance[rows].astype(np.float64), 0.0) * points for chance, points in acts], axis=0
    )
    return a_day
