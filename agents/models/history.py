"""What an operator knows about a customer's purchases, folded into a few columns that change only at orders.

Between two orders everything is a function of the state at the last order and the days since, so a day without an
order costs nothing. Training replays logs through the same updater that the running world uses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim import Columns, column

NO_ORDER = -(2**30)  # day of the last order of somebody who has not ordered: longer ago than any table reaches
HALF_LIVES = (7, 28, 112)  # days; a week, a month and a season, so that a rate and its trend can be told apart
RECENT_WEIGHT = 0.2  # of the newest basket in the recent mean; assumed, about the last nine baskets
GAP_LOG_SD = 0.9  # of the gaps of one customer before they are known; Complete Journey 2017, see data.md
GAP_PRIOR = 5.0  # pseudo-gaps behind that sd; assumed
GAP_WEIGHT = 0.05  # of the newest gap once there are twenty; assumed, lets a customer change over a season
NET_LOG_SD = 0.95  # of the baskets of one customer before they are known; Complete Journey 2017
NET_PRIOR = 5.0  # pseudo-baskets behind that sd; assumed
MONEY_FLOOR = 100.0  # cents added before a logarithm: a free basket must not be minus infinity

Rows = slice | NDArray[np.integer[Any]]
Days = int | NDArray[np.int64]


class History(Columns):
    """Observed purchase history, one row per customer. Only :func:`record_orders` writes to it."""

    key = column("i8", 0, unit="id", doc="lasting identity")
    joined = column("i4", 0, unit="day", doc="day of joining, or of the first order seen; may be negative")
    last_order = column("i4", NO_ORDER, unit="day", doc="day of the last order")
    orders = column("i4", 0, unit="days", doc="days with an order so far")
    count_7 = column("f4", 0, unit="orders", doc="orders after the day of joining, half-life 7 days, at last_order")
    count_28 = column("f4", 0, unit="orders", doc="the same, half-life 28 days")
    count_112 = column("f4", 0, unit="orders", doc="the same, half-life 112 days")
    phase_0 = column("f4", 0, unit="orders", doc="the part of count_112 on days divisible by 7")
    phase_1 = column("f4", 0, unit="orders", doc="the same for remainder 1")
    phase_2 = column("f4", 0, unit="orders", doc="the same for remainder 2")
    phase_3 = column("f4", 0, unit="orders", doc="the same for remainder 3")
    phase_4 = column("f4", 0, unit="orders", doc="the same for remainder 4")
    phase_5 = column("f4", 0, unit="orders", doc="the same for remainder 5")
    phase_6 = column("f4", 0, unit="orders", doc="the same for remainder 6")
    gap_log_mean = column(
        "f4", 0, unit="log days", doc="moving mean of log gaps between order days; 0 before the second"
    )
    gap_log_sd = column("f4", GAP_LOG_SD, unit="log days", doc="moving sd of log gaps, shrunk to its default")
    log_net_last = column("f4", 0, unit="log cents", doc="log(net + 100) of the last order day")
    log_net_recent = column("f4", 0, unit="log cents", doc="its moving mean, newest weighs 0.2")
    log_net_mean = column("f4", 0, unit="log cents", doc="its mean over all order days")
    log_net_sd = column(
        "f4", NET_LOG_SD, unit="log cents", doc="its sd over order days before the last, shrunk to its default"
    )

    def rebased(self, days: int) -> History:
        """A copy on a calendar whose day 0 is this calendar's day ``days``."""
        arrays = self.arrays()
        never = arrays["last_order"] == NO_ORDER
        arrays["joined"] -= days
        arrays["last_order"] = np.where(never, NO_ORDER, arrays["last_order"] - days).astype(np.int32)
        for remainder in range(7):
            arrays[f"phase_{remainder}"] = getattr(self, f"phase_{(remainder + days) % 7}").copy()
        moved = History()
        moved.restore(arrays)
        return moved


def record_orders(
    history: History, rows: Rows, day: Days, net_cents: ArrayLike, habit: NDArray[np.bool_] | None = None
) -> None:
    """Fold one day's orders into the history, or the orders of a day for each row.

    Parameters
    ----------
    rows : slice or distinct row numbers, shape (n,).
    day : the day of the orders, or one for each, shape (n,); never before an order that is already recorded.
    net_cents : net value of each order, shape (n,). A second call for the same customer and day adds to that day's
        basket: several orders on one day are one order day.
    habit : which orders count for the personal rate, rhythm and weekday, shape (n,); all without it. An order that
        only a treatment brought moves the last order and the baskets but does not make another kind of customer.
    """
    net = np.asarray(net_cents, dtype=np.float64)
    last = history.last_order[rows]
    again = last == day
    elapsed = np.where(last == NO_ORDER, 0, day - last)
    anew = ~again
    orders = history.orders[rows] + anew
    anew &= history.joined[rows] < day
    if habit is not None:
        anew &= habit
    counted, idle = anew.astype(np.float64), -elapsed
    for half_life in HALF_LIVES:
        count: NDArray[np.float32] = getattr(history, f"count_{half_life}")
        decay = np.exp2(idle / half_life)
        count[rows] = count[rows] * decay + counted
    # The phases fade with the longest half-life, as the count that they are parts of.
    for remainder in range(7):
        phase: NDArray[np.float32] = getattr(history, f"phase_{remainder}")
        if isinstance(day, int) and remainder != day % 7:
            phase[rows] = phase[rows] * decay
        else:
            phase[rows] = phase[rows] * decay + counted * (day % 7 == remainder)
    _record_gaps(history, rows, elapsed if habit is None else np.where(habit, elapsed, 0), orders)
    _record_money(history, rows, net, orders, again)
    history.orders[rows] = orders
    history.last_order[rows] = day


def _record_gaps(history: History, rows: Rows, elapsed: NDArray[Any], orders: NDArray[np.int32]) -> None:
    gaps = np.maximum(orders - 1, 1)
    mean = history.gap_log_mean[rows].astype(np.float64)
    variance = history.gap_log_sd[rows].astype(np.float64) ** 2
    ended = elapsed > 0
    surprise = np.log(np.maximum(elapsed, 1)) - mean
    history.gap_log_mean[rows] = mean + np.where(ended, np.maximum(GAP_WEIGHT, 1.0 / gaps), 0.0) * surprise
    weight = np.where(ended & (gaps > 1), np.maximum(GAP_WEIGHT, 1.0 / (gaps + GAP_PRIOR)), 0.0)
    history.gap_log_sd[rows] = np.sqrt(variance + weight * (surprise**2 - variance))


def _record_money(
    history: History, rows: Rows, net: NDArray[np.float64], orders: NDArray[np.int32], again: NDArray[np.bool_]
) -> None:
    old = history.log_net_last[rows].astype(np.float64)
    recent = history.log_net_recent[rows].astype(np.float64)
    mean = history.log_net_mean[rows].astype(np.float64)
    basket, instead_of_recent, instead_of_mean = net, recent, mean
    if again.any():
        basket = np.where(again, np.exp(old) - MONEY_FLOOR, 0.0) + net
        instead_of_recent, instead_of_mean = np.where(again, old, recent), np.where(again, old, mean)
    new = np.log(basket + MONEY_FLOOR)
    weight = np.where(orders == 1, 1.0, RECENT_WEIGHT)
    history.log_net_recent[rows] = recent + weight * (new - instead_of_recent)
    # The last basket is final only now that another day has one; it pulls its own mean, hence n / (n - 1).
    before = orders - 1
    surprise = (old - mean) ** 2 * before / np.maximum(before - 1, 1)
    weight = np.where(again | (before < 2), 0.0, 1.0 / (before - 1 + NET_PRIOR))
    variance = history.log_net_sd[rows].astype(np.float64) ** 2
    history.log_net_sd[rows] = np.sqrt(variance + weight * (surprise - variance))
    history.log_net_mean[rows] = mean + (new - instead_of_mean) / orders
    history.log_net_last[rows] = new
