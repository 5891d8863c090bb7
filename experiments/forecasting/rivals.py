"""Rivals: what a simulated world must hold its own against, on the same split. Each sees the past alone.

Rules of thumb, the classics of the field, and direct models that forecast a customer's coming weeks in one step. None
of them is a world: only the resampled one can say how its total may vary, none what an action would change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from experiments.forecasting.btyd import BgNbd, GammaGamma, ParetoNbd, Records
from experiments.forecasting.order_days import NEVER, Floats, Ints, OrderDays
from experiments.forecasting.quarters import Tally
from experiments.learning.baselines import SEASON_DAYS, HouseholdRate

ORIGINS = 13  # evenings, a week apart, from which a direct model is taught
FIRST_ORIGIN_DAYS = 28  # of past that an origin has at least; assumed
YOUNG_DAYS = 91  # beyond, tenure is a calendar clock where all customers enter together
WINDOWS = (7, 28, 91)  # days of recent past that the trees see
TREES = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 15, "min_samples_leaf": 40, "random_state": 0}


@dataclass(frozen=True)
class CustomerForecast:
    """What is expected of each customer over the horizon.

    Attributes
    ----------
    orders, spend : expected order days and net spend in cents, shape (n,).
    p_any : P(any order), shape (n,).
    weekly_orders : expected order days of all in each whole week, shape (weeks,).
    tallies : replicates, of those that can say what may happen and not only what is expected.
    """

    orders: Floats
    spend: Floats
    p_any: Floats
    weekly_orders: Floats
    tallies: tuple[Tally, ...] = ()

    @classmethod
    def of_tallies(cls, tallies: list[Tally]) -> CustomerForecast:
        """Expectations as means over replicates; half a replicate keeps P(any order) off 0 and 1."""
        orders = np.stack([tally.orders for tally in tallies])
        return cls(
            orders=orders.mean(axis=0),
            spend=np.mean([tally.spend for tally in tallies], axis=0),
            p_any=((orders > 0).sum(axis=0) + 0.5) / (len(tallies) + 1),
            weekly_orders=np.mean([tally.weekly_orders for tally in tallies], axis=0),
            tallies=tuple(tallies),
        )


@dataclass(frozen=True)
class Past:
    """All that a rival may see: the order days up to the cut-off of customers who have ordered; and how far to look."""

    orders: OrderDays
    horizon_days: int

    @cached_property
    def joined(self) -> Ints:
        """Day of the first order, shape (n,)."""
        return self.orders.first_and_last()[0]

    @cached_property
    def repeats(self) -> NDArray[np.bool_]:
        """Mask of the order days that are not a customer's first, which says nothing of how often there are more."""
        return self.orders.day > self.joined[self.orders.customer]

    @cached_property
    def recent(self) -> NDArray[np.bool_]:
        """Mask of the repeat orders within one horizon before the cut-off."""
        return self._between(self.orders.days - self.horizon_days, self.orders.days - 1)

    def _between(self, first_day: int, last_day: int) -> NDArray[np.bool_]:
        return self.repeats & self.orders.within(first_day, last_day)

    @property
    def stretch(self) -> float:
        """Horizon / the days of past that one horizon back finds."""
        return self.horizon_days / min(self.horizon_days, self.orders.days)

    @cached_property
    def p_any_as_before(self) -> Floats:
        """P(any order in the horizon), given whether there was any repeat order in as many days before.

        The two shares are counted between halves of a past that holds no two horizons.
        """
        days = self.orders.days
        span = min(self.horizon_days, days // 2)
        before = self.orders.orders(self._between(days - 2 * span, days - span - 1)) > 0
        after = self.orders.orders(self._between(days - span, days - 1)) > 0
        known = self.joined < days - span
        shares = [
            (after[known & (before == ordered)].sum() + 0.5) / ((known & (before == ordered)).sum() + 1.0)
            for ordered in (False, True)
        ]
        chance: Floats = np.where(self.orders.orders(self.recent) > 0, shares[1], shares[0])
        return chance


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


def pareto_nbd(past: Past) -> CustomerForecast:
    """Pareto/NBD and Gamma-Gamma."""
    records = Records.of(past.orders)
    return buy_till_you_die(past, ParetoNbd.fit(records), records)


def bg_nbd(past: Past) -> CustomerForecast:
    """BG/NBD and Gamma-Gamma."""
    records = Records.of(past.orders)
    return buy_till_you_die(past, BgNbd.fit(records), records)


@dataclass(frozen=True)
class Lessons:
    """What direct models are taught with, one row per customer and evening.

    Attributes
    ----------
    x : covariates, shape (rows, covariates).
    orders, half, spend : orders in the coming days, in the first half of them, and net spend in cents.
    """

    x: Floats
    orders: Ints
    half: Ints
    spend: Ints

    @classmethod
    def of(cls, past: Past, evenings: Sequence[int], span: int) -> Lessons:
        """Lessons from some evenings about the coming ``span`` days, of the customers known by then."""
        o = past.orders
        rows = []
        for evening in evenings:
            known, coming = past.joined <= evening, o.within(evening + 1, evening + span)
            half = o.within(evening + 1, evening + span // 2)
            columns = (_covariates(past, evening), o.orders(coming), o.orders(half), o.spend(coming))
            rows.append(tuple(column[known] for column in columns))
        return cls(*(np.concatenate(column) for column in zip(*rows, strict=True)))

    def stretch_of_orders(self, times: float) -> float:
        """How many times as many orders in a span so many times as long, by the power law of half and whole span."""
        return float(times ** np.log2(max(self.orders.sum() / max(self.half.sum(), 1), 1.0)))

    def stretch_of_silence(self, times: float) -> float:
        """The power of P(no order) that a span so many times as long takes, by the same law."""
        silent, silent_half = ((n == 0).mean() for n in (self.orders, self.half))
        if not 0 < silent < silent_half < 1:
            return 1.0
        return float(times ** np.log2(np.log(silent) / np.log(silent_half)))


def boosted_trees(past: Past) -> CustomerForecast:
    """Direct gradient boosting: covariates on an evening to orders, spend and any order over the coming days.

    Taught on earlier evenings whose coming days lie within the past. Where the horizon is longer than half of the
    past it is taught with that half, and stretched as far as halves and wholes of that span tell how orders thin out.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    days = past.orders.days
    span = min(past.horizon_days, days // 2)
    last = days - 1 - span
    evenings = [day for back in range(ORIGINS) if (day := last - 7 * back) >= min(FIRST_ORIGIN_DAYS, last)]
    taught, now = Lessons.of(past, evenings, span), _covariates(past, days - 1)
    times, unit = past.horizon_days / span, max(float(taught.spend.mean()), 1.0)
    longer = taught.stretch_of_orders(times)
    any_order = taught.orders > 0
    with threadpool_limits(1):  # its threads wait for each other actively: on a busy machine ten times slower
        orders = HistGradientBoostingRegressor(loss="poisson", **TREES).fit(taught.x, taught.orders).predict(now)
        spend = HistGradientBoostingRegressor(loss="poisson", **TREES).fit(taught.x, taught.spend / unit).predict(now)
        p = np.full(len(now), float(any_order.mean()))
        if any_order.any() and not any_order.all():
            p = HistGradientBoostingClassifier(**TREES).fit(taught.x, any_order).predict_proba(now)[:, 1]
    return CustomerForecast(
        orders=orders * longer,
        spend=spend * unit * longer,
        p_any=1.0 - (1.0 - p) ** taught.stretch_of_silence(times),
        weekly_orders=_flat(orders.sum() * longer, past.horizon_days),
    )


def _covariates(past: Past, evening: int) -> Floats:
    """What is known of each customer on an evening, shape (n, covariates)."""
    o, so_far = past.orders, past.orders.day <= evening
    last = np.full(o.n_customers, NEVER, dtype=np.int64)
    last[o.customer[so_far]] = o.day[so_far]
    tenure = np.maximum(evening + 1 - past.joined, 1)
    n, spend = o.orders(so_far), o.spend(so_far)
    columns = [evening - last, np.minimum(tenure, YOUNG_DAYS), n / tenure, spend / tenure, spend / np.maximum(n, 1)]
    for days in WINDOWS:
        recent = o.within(evening - days + 1, evening)
        columns += [o.orders(recent), o.spend(recent)]
    previous = o.within(evening - 2 * YOUNG_DAYS + 1, evening - YOUNG_DAYS)
    columns += [o.orders(previous), o.spend(previous), last - past.joined, np.minimum(n, 60)]
    return np.stack(columns, axis=1).astype(np.float64)


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
