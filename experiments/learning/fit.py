"""Estimators of scikit-learn, turned into pure numbers that the world can use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import GammaRegressor, LogisticRegression

from agents.models import Basket, Hazard, sigmoid
from agents.models.basket import quantile_grid

Floats = NDArray[np.float64]

FEWEST_EVENTS = 10  # of either kind, by weight, below which a hazard is a smoothed constant; assumed
RIDGE_CUSTOMERS = 2000.0  # customers at which C of LogisticRegression is 1, see ``fit_hazard``; between samples of 50
#                           and 2,400 customers of Complete Journey and CDNOW, judged inside their calibration windows
RIDGE_BASKET = 1e-4  # alpha of GammaRegressor, per observation; assumed
NO_RIDGE = 1e10  # C where nothing is to be shrunk
FEWEST_WEEKS = 4  # whose slopes say how uncertain their mean is; assumed
NEWTON_STEPS = 20  # far more than a one-dimensional concave problem takes
FLAT = 1e-9  # a covariate whose sd is below this never varied, and says nothing


class Scale:
    """Standardisation that is undone in the exported coefficients; covariates that never vary get coefficient 0."""

    def __init__(self, x: Floats, weight: Floats) -> None:
        self.mean = np.average(x, axis=1, weights=weight)
        self.sd = np.sqrt(np.average((x - self.mean[:, None]) ** 2, axis=1, weights=weight))
        self.varies = self.sd > FLAT

    def __call__(self, x: Floats) -> Floats:
        """Covariates for scikit-learn, shape (n, those that vary)."""
        return np.ascontiguousarray(((x[self.varies] - self.mean[self.varies, None]) / self.sd[self.varies, None]).T)

    def unfold(self, coef: Floats, intercept: float) -> tuple[tuple[float, ...], float]:
        """Coefficients and intercept for covariates as they are."""
        raw = np.zeros(len(self.mean))
        raw[self.varies] = coef / self.sd[self.varies]
        return tuple(float(c) for c in raw), float(intercept - raw @ self.mean)


def fit_hazard(
    name: str,
    features: Sequence[str],
    x: Floats,
    y: Floats,
    *,
    weight: Floats | None = None,
    customers: int,
    prior: float,
    source: str,
    tolerance: float = 1e-4,
) -> Hazard:
    """Logistic regression of an event on covariates.

    The events of one customer resemble each other, so many events of few customers say less than their number: the
    ridge penalty is strong for few customers and for many events of each, and fades in logs of thousands.

    Parameters
    ----------
    x : covariates, shape (features, n).
    y : share of each row in which the event happened, 0..1, shape (n,): a label that is known only in probability
        counts as that much of an event and the rest of none.
    weight : weight of each row.
    customers : how many the rows come from.
    prior : probability that one pseudo-event per 1 / prior rows speaks for, where events are too few for a regression.
    tolerance : of the gradient of the mean loss, scikit-learn's ``tol``; rare events need less than its default, which
        is a good part of their share.
    """
    weight = np.ones(len(y)) if weight is None else weight
    events, others = float(weight @ y), float(weight @ (1.0 - y))
    if min(events, others) < FEWEST_EVENTS:
        p = (events + 1.0) / (events + others + 1.0 / prior)
        intercept = float(np.log(p) - np.log1p(-p))
        return Hazard(name=name, features=(), coef=(), intercept=intercept, source=f"{source}: {events:.0f} events")
    kept = weight > 0
    scale = Scale(x[:, kept], weight[kept])
    rows, labels, weights = scale(x[:, kept]), y[kept], weight[kept]
    unsure = (labels > 0) & (labels < 1)
    if unsure.any():
        rows = np.concatenate([rows, rows[unsure]])
        weights = np.concatenate(
            [np.where(unsure, weights * labels, weights), weights[unsure] * (1.0 - labels[unsure])]
        )
        labels = np.concatenate([labels, np.zeros(int(unsure.sum()))])
    strength = customers / RIDGE_CUSTOMERS * min(1.0, customers / events)
    model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=100, tol=tolerance)
    model.fit(rows, labels > 0, sample_weight=weights)
    coef, intercept = scale.unfold(model.coef_[0], float(model.intercept_[0]))
    return Hazard(name=name, features=tuple(features), coef=coef, intercept=intercept, source=source)


def sharpness(hazard: Hazard, x: Floats, y: Floats, weight: Floats, week: NDArray[np.int64]) -> tuple[float, float]:
    """Platt's slope of a hazard on rows that it has not seen, and its standard error between weeks.

    A slope of one means that the logits are as far apart as they should be; below one, that training overfitted.
    """
    logit = hazard.logit(x)[:, None]
    slopes = []
    for number in np.unique(week):
        rows = (week == number) & (weight > 0)
        if min(weight[rows] @ y[rows], weight[rows] @ (1 - y[rows])) >= FEWEST_EVENTS:
            model = LogisticRegression(C=NO_RIDGE).fit(logit[rows], y[rows] > 0, sample_weight=weight[rows])
            slopes.append(float(model.coef_[0, 0]))
    if len(slopes) < FEWEST_WEEKS:
        return 1.0, 0.0
    return float(np.mean(slopes)), float(np.std(slopes, ddof=1) / np.sqrt(len(slopes)))


def recalibrated(hazard: Hazard, slope: float, x: Floats, y: Floats, weight: Floats) -> Hazard:
    """The hazard with its logits stretched by a slope, and the total of its probabilities met on the given rows."""
    stretched = hazard.recalibrated(slope, 0.0)
    logit, events = stretched.logit(x), float(weight @ y)
    offset = 0.0
    for _ in range(NEWTON_STEPS):
        p = sigmoid(logit + offset)
        offset += (events - float(weight @ p)) / float(weight @ (p * (1.0 - p)))
    return stretched.recalibrated(1.0, offset)


def fit_basket(features: Sequence[str], x: Floats, net_cents: NDArray[np.int64], *, source: str) -> Basket:
    """Gamma regression with log link, its total set right, and the distribution of amount / mean.

    Parameters
    ----------
    x : covariates, shape (features, n).
    net_cents : net amounts, shape (n,).
    """
    amount = np.maximum(net_cents.astype(np.float64), 1.0)
    scale = Scale(x, np.ones(len(amount)))
    rows, unit = scale(x), float(amount.mean())
    model = GammaRegressor(alpha=RIDGE_BASKET, solver="newton-cholesky", max_iter=100).fit(rows, amount / unit)
    coef, intercept = scale.unfold(model.coef_, float(model.intercept_) + np.log(unit))
    fitted = unit * model.predict(rows)
    # The log link is not the gamma's own, so totals are not met by themselves.
    intercept += float(np.log(amount.sum() / fitted.sum()))
    ratio = amount / fitted
    return Basket(
        features=tuple(features), coef=coef, intercept=intercept, quantiles=quantile_grid(ratio), source=source
    )
