"""The naive analyst: gradient boosting on customer-weeks as they were, read as if who got what had been luck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from agents.policy import Policy
from experiments.closed_loop.hidden import WHOM
from experiments.data import Logs
from experiments.searching.plan import SearchPlan
from experiments.searching.space.coordinates import Coordinates

Floats = NDArray[np.float64]

WEEK = 7
WARM_UP_WEEKS = 4  # of which nothing is learned: little is known of anybody
TIER_SHARE = 0.45  # of buyers whom the product's own tiers call general
RECENT_DAYS = 21
MOST_ROWS = 300_000  # customer-weeks to learn from; of more a share of the customers is used
ASKED = 400  # customers whose response is predicted for every policy
PAST = ("days since last order", "orders in 4 weeks", "orders in 13 weeks", "orders", "mean net", "weeks known")


@dataclass(frozen=True)
class Weeks:
    """A log by customer and week.

    Attributes
    ----------
    orders, net, worth : order days, net spend and contribution, currency units. Shape (customers, weeks).
    last : day of the last order before each week, −1 before the first one.
    depth, minimum : of the deepest coupon that was valid in the week; 0 without one.
    adverts : received in the week.
    """

    orders: Floats
    net: Floats
    worth: Floats
    last: Floats
    depth: Floats
    minimum: Floats
    adverts: Floats

    @classmethod
    def of(cls, logs: Logs, margin: float) -> Weeks:
        """The whole weeks of some logs."""
        n, weeks = logs.n_customers, (logs.last_day + 1) // WEEK
        visits = logs.visits[logs.visits["day"] < weeks * WEEK]
        at = visits["customer"].to_numpy() * weeks + visits["day"].to_numpy() // WEEK

        def sums(values: Any) -> Floats:
            return np.bincount(at, values, n * weeks).reshape(n, weeks).astype(np.float64)

        net, gross = visits["net"].to_numpy() / 100, visits["gross"].to_numpy() / 100
        latest = np.full(n * weeks, -1.0)
        np.maximum.at(latest, at, visits["day"].to_numpy())
        seen = np.maximum.accumulate(latest.reshape(n, weeks), axis=1)
        before = np.concatenate([np.full((n, 1), -1.0), seen[:, :-1]], axis=1)
        worth = sums(gross * margin - (gross - net))
        return cls(sums(np.ones(len(at))), sums(net), worth, before, *_received(logs, n, weeks))

    def past(self, week: int) -> Floats:
        """Covariates on the morning of a week, which may be the one after the last. Shape (customers, PAST)."""
        done, net = self.orders[:, :week], self.net[:, :week].sum(axis=1)
        total = done.sum(axis=1)
        ordered = np.flatnonzero(self.orders[:, :week].any(axis=1))
        known = np.full(len(done), 0.0)
        known[ordered] = week - np.argmax(self.orders[ordered, :week] > 0, axis=1)
        last = self.last[:, week] if week < self.last.shape[1] else self._last_of_all()
        since = np.where(last >= 0, week * WEEK - last, 2.0 * week * WEEK)
        columns = (since, done[:, -4:].sum(axis=1), done[:, -13:].sum(axis=1), total, net / np.maximum(total, 1), known)
        return np.column_stack(columns)

    def _last_of_all(self) -> Floats:
        weeks = self.orders.shape[1]
        final = np.where(self.orders[:, -1] > 0, weeks * WEEK - WEEK / 2, self.last[:, -1])
        return np.asarray(final, np.float64)


def _received(logs: Logs, n: int, weeks: int) -> tuple[Floats, Floats, Floats]:
    """Depth and minimum of the deepest coupon, and adverts, by customer and week."""
    depth, minimum, adverts = (np.zeros((n, weeks)) for _ in range(3))
    if logs.touches is None:
        return depth, minimum, adverts
    touches = logs.touches[logs.touches["day"] < weeks * WEEK]
    shown = touches[touches["kind"] == "message_advert"]
    np.add.at(adverts, (shown["customer"].to_numpy(), shown["day"].to_numpy() // WEEK), 1.0)
    issued = touches[touches["kind"] == "coupon_issued"].sort_values("depth", kind="stable")
    first = issued["day"].to_numpy() // WEEK
    final = (issued["day"] + issued["valid_days"].astype("Int64").fillna(1) - 1).to_numpy(np.int64) // WEEK
    for ahead in range(int((final - first).max(initial=-1)) + 1):
        valid = (first + ahead <= final) & (first + ahead < weeks)
        cell = issued["customer"].to_numpy()[valid], first[valid] + ahead
        depth[cell] = issued["depth"].to_numpy(np.float64)[valid]  # the deepest is written last
        minimum[cell] = issued["min_spend"].astype("Float64").fillna(0).to_numpy(np.float64)[valid] / 100
    return depth, minimum, adverts


def fitted(weeks: Weeks) -> HistGradientBoostingRegressor:
    """Contribution of a customer-week on the past and on what was received."""
    n, number = weeks.orders.shape
    share = max(1, -(-n * (number - WARM_UP_WEEKS) // MOST_ROWS))
    rows = np.arange(0, n, share)
    x = np.concatenate([
        np.column_stack([weeks.past(w)[rows], weeks.depth[rows, w], weeks.minimum[rows, w], weeks.adverts[rows, w]])
        for w in range(WARM_UP_WEEKS, number)
    ])  # fmt: skip
    y = np.concatenate([weeks.worth[rows, w] for w in range(WARM_UP_WEEKS, number)])
    model = HistGradientBoostingRegressor(max_iter=150, min_samples_leaf=50, random_state=0)
    return model.fit(x, y)


def naive_policy(
    logs: Logs, plan: SearchPlan, status_quo: Policy, *, margin: float, guesses: int, seed: int
) -> Policy:  # fmt: skip
    """The policy with the highest predicted contribution, response read off observed customer-weeks.

    Parameters
    ----------
    guesses : policies spread over the space, among which it chooses; the status quo is one more.
    """
    with threadpool_limits(1):
        weeks = Weeks.of(logs, margin)
        model = fitted(weeks)
        past = weeks.past(weeks.orders.shape[1])
        meant = audiences(weeks, past)
        asked = np.linspace(0, len(past) - 1, min(ASKED, len(past))).astype(np.intp)
        coordinates = Coordinates(plan.dimensions())
        policies = [status_quo] + [
            plan.policy(status_quo, coordinates.params(row), title="naive analyst")
            for row in coordinates.sobol(guesses, seed)
        ]
        values = [predicted(model, past[asked], {k: m[asked] for k, m in meant.items()}, p) for p in policies]
    return policies[int(np.argmax(values))]


def audiences(weeks: Weeks, past: Floats) -> dict[str, NDArray[np.bool_]]:
    """Who belongs to each audience of the loop at the end of the logs, as the operator's books say."""
    spend = weeks.net[:, -13:].sum(axis=1)
    high = spend > max(float(np.quantile(spend[past[:, 3] > 0], TIER_SHARE)), 0.0)
    recent = past[:, 0] <= RECENT_DAYS
    found = {"everybody": np.ones(len(past), bool), "core and high": high, "general": ~high, "recent": recent}
    return {**found, "silent": ~recent}


def predicted(
    model: HistGradientBoostingRegressor, past: Floats, meant: Mapping[str, NDArray[np.bool_]], policy: Policy
) -> float:
    """Predicted contribution of a customer in a week, adverts paid."""
    coupon: Any = policy.actions["coupon"]
    adverts: Any = policy.actions["adverts"]
    whom = coupon.audience.model_dump(mode="json", exclude_defaults=True)
    name = next(name for name, conditions in WHOM.items() if conditions == whom)
    cycle = (coupon.calendar.every_days or WEEK) / WEEK
    covered = min(1.0, -(-coupon.valid_days // WEEK) / cycle) if coupon.depth > 0 else 0.0
    share = covered * meant[name]
    cadence = adverts.calendar.per_week or 0.0

    def response(depth: float, minimum: float) -> Floats:
        given = np.broadcast_to([depth, minimum, cadence], (len(past), 3))
        return np.asarray(model.predict(np.column_stack([past, given])), np.float64)

    worth = response(0.0, 0.0) * (1 - share)
    if covered > 0:
        worth = worth + response(coupon.depth, coupon.minimum_spend_cny) * share
    return float(worth.mean()) - cadence * float(adverts.cost_cny)
