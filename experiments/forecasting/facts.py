"""Facts: numbers that a simulated quarter must show as an observed one does. All are functions of order days.

Twenty-two are counted, in the groups rhythm, gaps, baskets and concentration; the group ``shape`` spells out the
distributions of gaps, baskets, orders and spend and is reported beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.forecasting.order_days import Floats, Ints, OrderDays

SUNDAY = 6
FEWEST_GAPS = 3  # of a customer whose regularity is measured; assumed
FEWEST_BASKETS = 5  # of a customer whose mean basket is compared with others'; assumed
GAP_BINS = ((1, 1), (2, 2), (3, 3), (4, 7), (8, 14), (15, 28))  # days, both ends inclusive; longer ones come after
BASKET_LEVELS = (5, 25, 50, 75, 95, 99)  # percentiles
CUSTOMER_LEVELS = (10, 25, 50, 75, 90, 99)  # percentiles


class Moments(NamedTuple):
    """Mean, standard deviation and number of the values of each of some customers."""

    mean: Floats
    sd: Floats
    n: Ints


@dataclass(frozen=True)
class Fact:
    """One number about a stretch of order days: its group, how it is written, and what it is."""

    group: str
    form: str
    doc: str


FACTS: dict[str, Fact] = {
    "weekly_spend": Fact("rhythm", ",.0f", "net spend a week, mean"),
    "weekly_spend_cv": Fact("rhythm", ".3f", "net spend a week, coefficient of variation between weeks"),
    "weekly_customers": Fact("rhythm", ",.0f", "customers who order in a week, mean"),
    "weekly_customers_cv": Fact("rhythm", ".3f", "customers who order in a week, coefficient of variation"),
    "orders_per_active_week": Fact("rhythm", ".2f", "order days of a customer in a week with any"),
    "again_after_active": Fact("rhythm", ".3f", "chance of an order in the week after one with an order"),
    "again_after_silent": Fact("rhythm", ".3f", "chance of an order in the week after one without"),
    "sunday_orders": Fact("rhythm", ".3f", "share of orders on Sundays"),
    "sunday_spend": Fact("rhythm", ".3f", "share of spend on Sundays"),
    "gap_mean": Fact("gaps", ".2f", "days since the order before, mean"),
    "gap_median": Fact("gaps", ".0f", "days since the order before, median"),
    "gap_one_day": Fact("gaps", ".3f", "share of gaps of one day"),
    "gap_over_14": Fact("gaps", ".3f", "share of gaps over 14 days"),
    "gap_cv": Fact("gaps", ".3f", f"sd / mean of the gaps of a customer with {FEWEST_GAPS} or more, mean"),
    "basket_log_mean": Fact("baskets", ".3f", "log of spend per order day, mean"),
    "basket_log_sd": Fact("baskets", ".3f", "log of spend per order day, standard deviation"),
    "basket_between": Fact(
        "baskets", ".3f", f"sd of customers' mean log spend per order day, {FEWEST_BASKETS} or more"
    ),
    "basket_within": Fact("baskets", ".3f", "sd of log spend per order day within customers, pooled"),
    "top_decile": Fact("concentration", ".3f", "share of spend of the top tenth of customers"),
    "top_fifth": Fact("concentration", ".3f", "share of spend of the top fifth"),
    "bottom_half": Fact("concentration", ".3f", "share of spend of the bottom half"),
    "silent": Fact("concentration", ".3f", "share of customers without any order"),
}
"""Those that are counted."""


def _span(low: int, high: int) -> str:
    return f"{low}–{high} days" if low < high else f"{low} day{'s' * (low > 1)}"


SHAPES: dict[str, Fact] = {
    **{f"gap_{low}_to_{high}": Fact("shape", ".3f", f"share of gaps of {_span(low, high)}") for low, high in GAP_BINS},
    "gap_longer": Fact("shape", ".3f", "share of gaps that are longer"),
    **{f"basket_p{p}": Fact("shape", ",.2f", f"spend per order day, percentile {p}") for p in BASKET_LEVELS},
    **{f"orders_p{p}": Fact("shape", ".0f", f"orders of a customer, percentile {p}") for p in CUSTOMER_LEVELS},
    **{f"spend_p{p}": Fact("shape", ",.0f", f"spend of a customer, percentile {p}") for p in CUSTOMER_LEVELS},
}
"""The distributions behind them."""


def facts_of(orders: OrderDays) -> dict[str, float]:
    """Every fact and shape of some order days, by name; NaN where there is nothing to measure it on.

    Money is in the currency of the logs. Weeks are blocks of seven days from the first day; an incomplete last block
    is left out of what is said about weeks.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {**_rhythm(orders), **_gaps(orders), **_baskets(orders), **_concentration(orders)}
    return {name: float(value) for name, value in values.items()}


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _cv(values: Floats) -> float:
    return float(values.std(ddof=1) / values.mean()) if len(values) > 1 else np.nan


def _rhythm(orders: OrderDays) -> dict[str, float]:
    whole = orders.day < 7 * orders.weeks
    active = np.zeros((orders.n_customers, orders.weeks), dtype=bool)
    active[orders.customer[whole], orders.day[whole] // 7] = True
    spend, customers = orders.weekly_spend(), active.sum(axis=0).astype(np.float64)
    sunday = (orders.start.weekday() + orders.day) % 7 == SUNDAY
    before, after = active[:, :-1], active[:, 1:]
    return {
        "weekly_spend": _mean(spend),
        "weekly_spend_cv": _cv(spend),
        "weekly_customers": _mean(customers),
        "weekly_customers_cv": _cv(customers),
        "orders_per_active_week": whole.sum() / active.sum(),
        "again_after_active": _mean(after[before]),
        "again_after_silent": _mean(after[~before]),
        "sunday_orders": _mean(sunday),
        "sunday_spend": orders.net[sunday].sum() / orders.net.sum(),
    }


def _gaps(orders: OrderDays) -> dict[str, float]:
    gap, customer = orders.gaps()
    mine = _by_customer(gap.astype(np.float64), customer, orders.n_customers, FEWEST_GAPS)
    shares = {f"gap_{low}_to_{high}": _mean((gap >= low) & (gap <= high)) for low, high in GAP_BINS}
    return {
        "gap_mean": _mean(gap),
        "gap_median": float(np.median(gap)) if len(gap) else np.nan,
        "gap_one_day": _mean(gap == 1),
        "gap_over_14": _mean(gap > 14),
        "gap_cv": _mean(mine.sd / mine.mean),
        **shares,
        "gap_longer": _mean(gap > GAP_BINS[-1][1]),
    }


def _baskets(orders: OrderDays) -> dict[str, float]:
    paid = orders.net > 0
    log_net = np.log(orders.net[paid] / 100)
    means = _by_customer(log_net, orders.customer[paid], orders.n_customers, FEWEST_BASKETS).mean
    mine = _by_customer(log_net, orders.customer[paid], orders.n_customers, 2)
    within = np.sqrt((mine.sd**2 * (mine.n - 1)).sum() / (mine.n - 1).sum()) if len(mine.n) else np.nan
    return {
        "basket_log_mean": _mean(log_net),
        "basket_log_sd": float(log_net.std(ddof=1)) if len(log_net) > 1 else np.nan,
        "basket_between": float(means.std(ddof=1)) if len(means) > 1 else np.nan,
        "basket_within": float(within),
        **_percentiles("basket", orders.net / 100, BASKET_LEVELS),
    }


def _concentration(orders: OrderDays) -> dict[str, float]:
    spend, n = orders.spend() / 100, orders.n_customers
    rising = np.sort(spend)
    total = rising.sum()
    return {
        "top_decile": rising[n - round(n / 10) :].sum() / total,
        "top_fifth": rising[n - round(n / 5) :].sum() / total,
        "bottom_half": rising[: n // 2].sum() / total,
        "silent": _mean(orders.orders() == 0),
        **_percentiles("orders", orders.orders().astype(np.float64), CUSTOMER_LEVELS),
        **_percentiles("spend", spend, CUSTOMER_LEVELS),
    }


def _percentiles(name: str, values: Floats, levels: tuple[int, ...]) -> dict[str, float]:
    found = np.percentile(values, levels) if len(values) else np.full(len(levels), np.nan)
    return {f"{name}_p{level}": float(value) for level, value in zip(levels, found, strict=True)}


def _by_customer(values: Floats, customer: Ints, n_customers: int, fewest: int) -> Moments:
    """Mean, sd and number of the values of each customer who has at least so many (two or more)."""
    n = np.bincount(customer, minlength=n_customers)
    mean = np.bincount(customer, values, n_customers) / np.maximum(n, 1)
    squares = np.bincount(customer, (values - mean[customer]) ** 2, n_customers)
    kept = n >= fewest
    return Moments(mean[kept], np.sqrt(squares[kept] / (n[kept] - 1)), n[kept])
