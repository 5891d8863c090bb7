"""Direct models: covariates on an evening to what a customer does over the coming days, in one step.

Taught on earlier evenings whose coming days lie within the past. A horizon beyond a season is taught with a season
and stretched, as far as the evening with twice that span ahead tells how orders thin out. Totals of such a stretched
forecast move by ten percent with small choices; that they are near the truth is luck, not skill.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.lessons import (
    LAST_FROM_FIRST,
    ORDERS,
    RATE,
    SINCE,
    TENURE,
    VALUE,
    Lessons,
    covariates,
    evenings,
)
from experiments.forecasting.order_days import Floats, Ints
from experiments.forecasting.past import Past

SPAN_DAYS = 91  # the longest that is taught in one step; a season
SMALLEST_LEAF, LEAVES_AT_LEAST = 400, 40  # rows of a leaf; in few rows leaves are smaller, so that there are some
TREES: dict[str, Any] = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 4, "random_state": 0}
RIDGE = 1e-3  # alpha of PoissonRegressor on standardised covariates; assumed
BTYD = (SINCE, LAST_FROM_FIRST, ORDERS, VALUE, RATE)

Flags = NDArray[np.bool_]
Chance = Callable[[Floats, Flags], Callable[[Floats], Floats]]
"""Teaches with covariates and outcomes; gives P(event) at other covariates."""
Count = Callable[[Floats, Floats], Callable[[Floats], Floats]]
"""The same with the expected count."""


def tree_chance(x: Floats, y: Flags) -> Callable[[Floats], Floats]:
    """Boosted trees for an event."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(**TREES, min_samples_leaf=_leaf(len(x))).fit(x, y)
    return lambda at: np.asarray(model.predict_proba(at)[:, 1], np.float64)


def tree_count(x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    """Boosted trees for a mean."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(loss="poisson", **TREES, min_samples_leaf=_leaf(len(x))).fit(x, y)
    return lambda at: np.asarray(model.predict(at), np.float64)


def linear_chance(x: Floats, y: Flags) -> Callable[[Floats], Floats]:
    """Logistic regression on logarithms of the covariates."""
    from sklearn.linear_model import LogisticRegression

    model = _standardised(LogisticRegression(max_iter=500)).fit(np.log1p(x), y)
    return lambda at: np.asarray(model.predict_proba(np.log1p(at))[:, 1], np.float64)


def linear_count(x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    """Poisson regression on logarithms of the covariates."""
    from sklearn.linear_model import PoissonRegressor

    model = _standardised(PoissonRegressor(alpha=RIDGE, max_iter=500)).fit(np.log1p(x), y)
    return lambda at: np.asarray(model.predict(np.log1p(at)), np.float64)


def _standardised(model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def _leaf(rows: int) -> int:
    return max(min(SMALLEST_LEAF, rows // LEAVES_AT_LEAST), 1)


def direct_trees(past: Past) -> CustomerForecast:
    """Gradient boosting."""
    return _direct(past, tree_chance, tree_count, slice(None), slice(None))


def direct_linear(past: Past) -> CustomerForecast:
    """Logistic regression for any order, Poisson regression for orders and spend.

    Over a stretched horizon the chance does without tenure: nobody in the lessons was as old as everybody is now.
    """
    n = covariates(past, past.orders.days - 1).shape[1]
    ageless = [column for column in range(n) if column != TENURE or _span(past) == past.horizon_days]
    return _direct(past, linear_chance, linear_count, ageless, slice(None))


def direct_btyd(past: Past) -> CustomerForecast:
    """The same regressions on no more than buy-till-you-die models know: recency, orders, their span and value."""
    return _direct(past, linear_chance, linear_count, list(BTYD), list(BTYD))


def _span(past: Past) -> int:
    """Days that are taught in one step: the horizon where the past holds two and it is no longer than a season."""
    days = past.orders.days
    span = min(past.horizon_days, SPAN_DAYS, days // 2)
    return span if span == past.horizon_days else max(min(span, days // 3), 1)


def _direct(
    past: Past, chance: Chance, count: Count, of_chance: slice | list[int], of_count: slice | list[int]
) -> CustomerForecast:
    span = _span(past)
    taught, now = Lessons.of(past, evenings(past, span), span), covariates(past, past.orders.days - 1)
    times = past.horizon_days / span
    longer, quieter = _stretches(past, span, times)
    unit = max(float(taught.spend.mean()), 1.0)
    any_order = taught.any_order
    p = np.full(len(now), float(any_order.mean()))
    if any_order.any() and not any_order.all():
        p = chance(taught.x[:, of_chance], any_order)(now[:, of_chance])
    orders = longer * _counted(count, taught.x[:, of_count], taught.orders, now[:, of_count])
    spend = longer * unit * _counted(count, taught.x[:, of_count], taught.spend / unit, now[:, of_count])
    weekly = np.full(past.horizon_days // 7, 7 * orders.sum() / past.horizon_days)
    return CustomerForecast(orders, spend, 1.0 - (1.0 - p) ** quieter, weekly)


def _counted(count: Count, x: Floats, y: Floats | Ints, now: Floats) -> Floats:
    """Expected counts; nothing where nothing was ever counted."""
    return count(x, y.astype(np.float64))(now) if y.any() else np.zeros(len(now))


def _stretches(past: Past, span: int, times: float) -> tuple[float, float]:
    """How much more is ordered, and to which power silence is raised, over a horizon so many times as long."""
    if times == 1:
        return 1.0, 1.0
    seen = Lessons.of(past, [max(past.orders.days - 1 - 2 * span, 0)], 2 * span)
    return seen.stretch_of_orders(times), seen.stretch_of_silence(times)
