"""Logs walked through day by day with the updater that the running world uses."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.models import CustomerModels, History, covariates, record_orders, sigmoid
from experiments.data import Logs
from sim import Draws

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEVER = 2**30  # day of the next order of a customer of whom no further order was seen


@dataclass(frozen=True)
class Diary:
    """Orders by day.

    Attributes
    ----------
    origin : date of day 0.
    joined : first day on which each customer was seen: of joining, not before day 0, or of the first order, shape (n,).
    customer, day, net : one entry per customer and day with an order, sorted by day, then customer; net in cents.
    """

    origin: datetime.date
    joined: Ints
    customer: Ints
    day: Ints
    net: Ints

    @classmethod
    def of(cls, logs: Logs, last_day: int) -> Diary:
        """The orders of some logs up to a day, inclusive; nothing later is looked at."""
        visits = logs.visits[logs.visits["day"] <= last_day].sort_values(["day", "customer"], kind="stable")
        customer, day = visits["customer"].to_numpy(np.int64), visits["day"].to_numpy(np.int64)
        joined = np.full(logs.n_customers, NEVER, dtype=np.int64)
        np.minimum.at(joined, customer, day)  # the logs' own first_day would look beyond the last day
        if "joined_day" in logs.customers:
            told = logs.customers["joined_day"].astype("Float64").fillna(NEVER).to_numpy(np.int64)
            # Whoever joined before the logs is only seen from day 0 on: earlier orders are not on record.
            joined = np.minimum(joined, np.where(told <= last_day, np.maximum(told, 0), NEVER))
        return cls(logs.origin, joined, customer, day, visits["net"].to_numpy(np.int64))

    def on(self, day: int) -> slice:
        """The entries of one day."""
        return slice(int(np.searchsorted(self.day, day)), int(np.searchsorted(self.day, day, side="right")))

    def date(self, day: int) -> datetime.date:
        """The date of a day."""
        return self.origin + datetime.timedelta(days=day)

    def weekday(self, day: int) -> int:
        """0 = Monday."""
        return self.date(day).weekday()

    def only(self, customers: Ints) -> Diary:
        """The diary of some customers, who keep their order and are numbered anew."""
        number = np.full(len(self.joined), -1)
        number[customers] = np.arange(len(customers))
        kept = number[self.customer] >= 0
        return Diary(self.origin, self.joined[customers], number[self.customer[kept]], self.day[kept], self.net[kept])

    def next_day(self) -> Ints:
        """Day of the same customer's next order, NEVER if none, for each entry."""
        order = np.lexsort((self.day, self.customer))
        same = self.customer[order][1:] == self.customer[order][:-1]
        following = np.full(len(order), NEVER, dtype=np.int64)
        following[order[:-1]] = np.where(same, self.day[order][1:], NEVER)
        return following

    def first_order(self) -> Ints:
        """Day of each customer's first order, NEVER if none, shape (n,)."""
        first = np.full(len(self.joined), NEVER, dtype=np.int64)
        np.minimum.at(first, self.customer, self.day)
        return first

    def blank_history(self) -> History:
        """Everybody before day 0."""
        history = History()
        n = len(self.joined)
        history.append(n, key=np.arange(n), joined=self.joined)
        return history


def sample_customers(diary: Diary, most: int) -> Ints:
    """Customers who have ordered: all, or if they are more than ``most`` a fixed random sample."""
    ordered = np.unique(diary.customer)
    if len(ordered) <= most:
        return ordered
    log.info("a sample of %d of %d customers", most, len(ordered))
    luck = Draws(0).uniform("replay.sample", 0, ordered)
    return np.sort(ordered[np.argsort(luck, kind="stable")[:most]])


@dataclass(frozen=True)
class Design:
    """What the estimators see: covariates as of the day, and what came of it.

    Attributes
    ----------
    daily_x, daily_y : covariates (features, rows) and whether there was an order, for each customer who has ordered
        before and each day.
    since : days since the last order.
    opened_by : entry of the diary that is the last order before the row.
    lapse_x : covariates on the evening of each order, (features, entries).
    basket_x : covariates on the morning of each order, (features, entries).
    history : everybody on the evening of the last day.
    """

    daily_x: Floats
    daily_y: NDArray[np.bool_]
    since: Ints
    opened_by: Ints
    lapse_x: Floats
    basket_x: Floats
    history: History


def build_design(
    diary: Diary, *, daily: Sequence[str], lapse: Sequence[str], basket: Sequence[str], first_day: int, last_day: int
) -> Design:
    """Replay a diary to ``last_day`` and keep the daily rows from ``first_day`` on, and all orders."""
    history = diary.blank_history()
    opener = np.full(len(history), -1, dtype=np.int64)
    days: list[tuple[Floats, NDArray[np.bool_], Ints, Ints]] = []
    evenings, mornings = [], []
    for day in range(last_day + 1):
        entries, weekday = diary.on(day), diary.weekday(day)
        rows = diary.customer[entries]
        known = np.flatnonzero(history.orders > 0)
        if day >= first_day and len(known):
            ordered = np.isin(known, rows)
            since = day - history.last_order[known].astype(np.int64)
            days.append((covariates(daily, history, known, day, weekday), ordered, since, opener[known]))
        mornings.append(covariates(basket, history, rows, day, weekday))
        record_orders(history, rows, day, diary.net[entries])
        evenings.append(covariates(lapse, history, rows, day, weekday))
        opener[rows] = np.arange(entries.start, entries.stop)
    empty = (np.empty((len(daily), 0)), np.empty(0, bool), np.empty(0, np.int64), np.empty(0, np.int64))
    days = days or [empty]
    return Design(
        daily_x=np.concatenate([x for x, _, _, _ in days], axis=1),
        daily_y=np.concatenate([y for _, y, _, _ in days]),
        since=np.concatenate([since for _, _, since, _ in days]),
        opened_by=np.concatenate([opened_by for _, _, _, opened_by in days]),
        lapse_x=np.concatenate(evenings, axis=1),
        basket_x=np.concatenate(mornings, axis=1),
        history=history,
    )


class Follower:
    """Walks a history on under given models and keeps P(lapsed | everything observed so far) of each customer.

    The silence of somebody who would have ordered is evidence: by Bayes P(lapsed) = l / (l + (1 - l) S), where l is
    the lapse probability of the last order and S the product of 1 - hazard over the silent days since.
    """

    def __init__(self, models: CustomerModels, diary: Diary) -> None:
        self.models, self.diary = models, diary
        self.history = diary.blank_history()
        self.lapse = np.zeros(len(self.history))
        self.log_silence = np.zeros(len(self.history))

    def p_lapsed(self, evening_of: int) -> Floats:
        """Probability of each customer to have lapsed: 1 after ``lapse_days`` of silence, 0 before any order."""
        active = (1.0 - self.lapse) * np.exp(self.log_silence)
        lapsed = self.lapse / np.maximum(self.lapse + active, np.finfo(np.float64).tiny)
        ordered = self.history.orders > 0
        silent = evening_of - self.history.last_order >= self.models.lapse_days
        return np.where(ordered, np.where(silent, 1.0, lapsed), 0.0)

    def hazard(self, rows: Ints, day: int) -> Floats:
        """Repurchase hazard of some customers who have not lapsed."""
        logit = self.models.repurchase.logit_at(self.history, rows, day, self.diary.weekday(day))
        return sigmoid(logit + self.models.season.order_on(self.diary.date(day)))

    def comeback(self, rows: Ints, day: int) -> Floats:
        """Comeback hazard of some customers."""
        logit = self.models.comeback.logit_at(self.history, rows, day, self.diary.weekday(day))
        return sigmoid(logit + self.models.season.order_on(self.diary.date(day)))

    def p_order(self, rows: Ints, day: int) -> Floats:
        """P(order on ``day`` | everything observed before it)."""
        silent = day - self.history.last_order[rows] > self.models.lapse_days
        p = (1.0 - self.p_lapsed(day - 1)[rows]) * self.hazard(rows, day)
        p[silent] = self.comeback(rows[silent], day)
        return p

    def p_silent(self, rows: Ints, evening_of: int, days: int) -> Floats:
        """P(no order in the next ``days`` days | everything observed up to this evening)."""
        stays, gone = np.ones(len(rows)), np.ones(len(rows))
        lapsed = self.p_lapsed(evening_of)[rows]
        for day in range(evening_of + 1, evening_of + days + 1):
            past = day - self.history.last_order[rows] > self.models.lapse_days
            back = self.comeback(rows, day)
            stays *= 1.0 - np.where(past, back, self.hazard(rows, day))
            gone *= 1.0 - np.where(past, back, 0.0)
        return lapsed * gone + (1.0 - lapsed) * stays

    def advance(self, day: int) -> None:
        """Let one day pass: silence for most, orders for some."""
        entries = self.diary.on(day)
        rows = self.diary.customer[entries]
        known = np.flatnonzero((self.history.orders > 0) & (day - self.history.last_order <= self.models.lapse_days))
        self.log_silence[known] += np.log1p(-np.minimum(self.hazard(known, day), 1.0 - 1e-12))
        record_orders(self.history, rows, day, self.diary.net[entries])
        logit = self.models.lapse.logit_at(self.history, rows, day, self.diary.weekday(day))
        self.lapse[rows], self.log_silence[rows] = sigmoid(logit), 0.0
