"""Rivals: what a simulated world must hold its own against, on the same split. Each sees the past alone.

Rules of thumb and the classics of the field; the direct models have a file of their own. None of them is a world: none
says what an action would change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
from scipy.special import betaincinv

from experiments.forecasting.btyd import BgNbd, GammaGamma, ParetoNbd, Records
from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.order_days import Floats, OrderDays
from experiments.forecasting.past import Past
from experiments.forecasting.quarters import Tally
from experiments.learning.baselines import SEASON_DAYS, HouseholdRate


def the_same_again(past: Past) -> CustomerForecast:
    """The horizon repeats the repeat orders of the days before the cut-off: the rule of thumb of every sales plan."""
    o, stretch = past.orders, past.stretch
    orders, spend = (stretch * count.astype(np.float64) for count in (o.orders(past.recent), o.spend(past.recent)))
    weekly = _flat(orders.sum(), past.horizon_days)
    if stretch == 1:
        first = o.days - past.horizon_days
        weekly = np.bincount((o.day[past.recent] - first) // 7, minlength=len(weekly))[: len(weekly)].astype(np.float64)
    return CustomerForecast(orders, spend, past.p_any_as_before, weekly)


def recent_and_history(past: Past) -> CustomerForecast:
    """Mean of the same again and of all repeat orders so far, scaled to the horizon.

    Nobody's history counts as shorter than the horizon, or one order on the last day would be one every day.
    """
    again = the_same_again(past)
    watched = np.maximum(past.orders.days - past.joined, min(past.horizon_days, past.orders.days))
    scale = past.horizon_days / watched
    orders, spend = past.orders.orders(past.repeats) * scale, past.orders.spend(past.repeats) * scale
    return CustomerForecast(
        orders=(again.orders + orders) / 2,
        spend=(again.spend + spend) / 2,
        p_any=past.p_any_as_before,
        weekly_orders=(again.weekly_orders + _flat(orders.sum(), past.horizon_days)) / 2,
    )


def _flat(total: float, days: int) -> Floats:
    return np.full(days // 7, 7 * total / days)


def buy_till_you_die(past: Past, model: ParetoNbd | BgNbd, records: Records) -> CustomerForecast:
    """Orders by a fitted model, spend by Gamma-Gamma on the values of repeat orders."""
    horizon = past.horizon_days / 7
    totals = np.array([model.expected(records, t).sum() for t in range(past.horizon_days // 7 + 1)])
    orders = model.expected(records, horizon)
    return CustomerForecast(
        orders, orders * _order_value(past, records), model.p_any(records, horizon), np.diff(totals)
    )


def _order_value(past: Past, records: Records) -> Floats:
    """Expected net value of an order in cents, by Gamma-Gamma."""
    mean = past.orders.spend(past.repeats) / np.maximum(records.x, 1.0)
    return GammaGamma.fit(records.x, mean).expected(records.x, mean)


def pareto_nbd(past: Past, seeds: tuple[int, ...] = ()) -> CustomerForecast:
    """Pareto/NBD and Gamma-Gamma; with seeds, also what may happen if the fitted model were the truth."""
    records = Records.of(past.orders)
    model = ParetoNbd.fit(records)
    found, weeks = buy_till_you_die(past, model, records), past.horizon_days / 7
    if not seeds:
        return found
    return replace(found, counts=np.stack([model.drawn(records, weeks, np.random.default_rng(s)) for s in seeds]))


def bg_nbd(past: Past) -> CustomerForecast:
    """BG/NBD and Gamma-Gamma."""
    records = Records.of(past.orders)
    return buy_till_you_die(past, BgNbd.fit(records), records)


def resampled(past: Past, seeds: tuple[int, ...]) -> CustomerForecast:
    """The plainest simulation: each day an order with the customer's own rate, each basket one of the customer's own.

    The rate is drawn from its beta posterior given the last 13 weeks, once for each replicate.
    """
    o = past.orders
    season = min(SEASON_DAYS, o.days)
    days = np.minimum(o.days - 1 - past.joined, season)
    orders = o.orders(past.repeats & o.within(o.days - season, o.days - 1))
    rate = HouseholdRate(orders, days)
    a, b = rate.a + orders, rate.b + np.maximum(days - orders, 0)
    last, n = o.first_and_last()[1], o.orders()
    start = o.start + dt.timedelta(days=o.days)
    first_entry = np.cumsum(n) - n
    tallies = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        p = betaincinv(a, b, rng.random(o.n_customers))
        customer, day = np.nonzero(rng.random((o.n_customers, past.horizon_days)) < p[:, None])
        basket = first_entry[customer] + np.floor(rng.random(len(customer)) * n[customer]).astype(np.int64)
        future = OrderDays(start, past.horizon_days, last - o.days, customer, day, o.net[basket])
        tallies.append(Tally.of(future))
    return CustomerForecast.of_tallies(tallies)
