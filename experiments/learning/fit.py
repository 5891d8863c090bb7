"""Estimators of scikit-learn, turned into pure numbers that the world can use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import GammaRegressor, LogisticRegression, Ridge

from agents.models import Basket, Hazard, sigmoid
from agents.models.basket import NARROWEST, WIDEST, quantile_grid
from agents.models.hazard import Linear

Floats = NDArray[np.float64]
LinearModel = TypeVar("LinearModel", bound=Linear)

FEWEST_EVENTS = 10  # of either kind, by weight, below which a hazard is a smoothed constant; assumed
RIDGE_CUSTOMERS = 2000.0  # customers at which C of LogisticRegression is 1, see ``fit_hazard``; between samples of 50
#                           and 2,400 customers of Complete Journey and CDNOW, judged inside their calibration windows
LEAST_RATIO = 0.01  # of amount to mean: a free basket must not decide how wide residuals are
RIDGE_STRETCH = 1e-2  # the same of the width of the residual; assumed
STRETCH_PASSES = 4  # the mean of a stretched residual depends on the residual; a fifth changes it by less than 1e-3
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
    customer: NDArray[np.int64] | None = None,
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
    customer : whose each row is; with it the hazard says how far the logs leave its numbers open.
    prior : probability that one pseudo-event per 1 / prior rows speaks for, where events are too few for a regression.
    tolerance : of the gradient of the mean loss, scikit-learn's ``tol``; rare events need less than its default, which
        is a good part of their share.
    """
    weight = np.ones(len(y)) if weight is None else weight
    events, others = float(weight @ y), float(weight @ (1.0 - y))
    if min(events, others) < FEWEST_EVENTS:
        p = (events + 1.0) / (events + others + 1.0 / prior)
        intercept = float(np.log(p) - np.log1p(-p))
        level = ((float(1.0 / np.sqrt((events + 1.0) * (1.0 - p))),),) if customer is not None else ()
        source = f"{source}: {events:.0f} events"
        return Hazard(name=name, features=(), coef=(), intercept=intercept, source=source, spread=level)
    kept = weight > 0
    scale = Scale(x[:, kept], weight[kept])
    rows, labels, weights = scale(x[:, kept]), y[kept], weight[kept]
    rows, labels, weights = _doubled(rows, labels, weights)
    strength = customers / RIDGE_CUSTOMERS * min(1.0, customers / events)
    model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=100, tol=tolerance)
    model.fit(rows, labels > 0, sample_weight=weights)
    coef, intercept = scale.unfold(model.coef_[0], float(model.intercept_[0]))
    hazard = Hazard(name=name, features=tuple(features), coef=coef, intercept=intercept, source=source)
    if customer is None:
        return hazard
    chance = sigmoid(hazard.logit(x[:, kept]))
    open_ = spread(
        scale,
        x[:, kept],
        weight[kept] * (y[kept] - chance),
        weight[kept] * chance * (1.0 - chance),
        1.0 / strength,
        customer[kept],
    )
    return hazard.model_copy(update={"spread": open_})


def _doubled(rows: Floats, labels: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Rows whose label is known only in probability, as an event with that weight and no event with the rest."""
    unsure = (labels > 0) & (labels < 1)
    if not unsure.any():
        return rows, labels, weights
    rows = np.concatenate([rows, rows[unsure]])
    weights = np.concatenate([np.where(unsure, weights * labels, weights), weights[unsure] * (1.0 - labels[unsure])])
    return rows, np.concatenate([labels, np.zeros(int(unsure.sum()))]), weights


def spread(
    scale: Scale, x: Floats, score: Floats, information: Floats, ridge: float, customer: NDArray[np.int64]
) -> tuple[tuple[float, ...], ...]:
    """Cholesky factor of the covariance of the raw (coef, intercept): sandwich, clustered by customer.

    The ridge counts as a prior: a direction of which the rows say nothing keeps the prior's variance.

    Parameters
    ----------
    x : covariates, shape (features, n).
    score, information : first and minus second derivative of each row's log-likelihood by its linear predictor.
    ridge : penalty of the squared standardised coefficients, the factor 1/2 apart.
    customer : whose each row is.
    """
    z = scale(x)
    z = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    penalty = np.full(z.shape[1], ridge)
    penalty[-1] = 0.0
    hessian = (z * information[:, None]).T @ z + np.diag(penalty)
    _, number = np.unique(customer, return_inverse=True)
    scores = np.stack([np.bincount(number, column * score) for column in z.T])
    inverse = np.linalg.pinv(hessian, hermitian=True)
    covariance = inverse @ (scores @ scores.T + np.diag(penalty)) @ inverse
    # From standardised to raw numbers: coef / sd, and the intercept gives back coef · mean / sd.
    back = np.zeros((len(scale.mean) + 1, z.shape[1]))
    varying = np.flatnonzero(scale.varies)
    back[varying, np.arange(len(varying))] = 1.0 / scale.sd[varying]
    back[-1, :-1] = -(scale.mean / np.where(scale.varies, scale.sd, 1.0))[varying]
    back[-1, -1] = 1.0
    return triangle(back @ covariance @ back.T)


def triangle(covariance: Floats) -> tuple[tuple[float, ...], ...]:
    """Rows of a lower triangular factor of a covariance, which may be singular."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    factor = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T).R.T
    return tuple(tuple(float(v) for v in row[: number + 1]) for number, row in enumerate(factor))


def without_last(model: LinearModel, count: int) -> LinearModel:
    """A linear model without its last covariates, whose numbers have gone elsewhere."""
    kept = len(model.coef) - count
    update: dict[str, object] = {"features": model.features[:kept], "coef": model.coef[:kept]}
    if model.spread:
        factor = np.zeros((len(model.spread), len(model.spread)))
        for number, row in enumerate(model.spread):
            factor[number, : len(row)] = row
        rows = factor[[*range(kept), len(model.spread) - 1]]
        update["spread"] = triangle(rows @ rows.T)
    return model.model_copy(update=update)


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


def fit_basket(
    features: Sequence[str],
    x: Floats,
    net_cents: NDArray[np.int64],
    *,
    source: str,
    weight: Floats | None = None,
    customer: NDArray[np.int64] | None = None,
    widths: Sequence[str] = (),
) -> Basket:
    """Gamma regression with log link, its total set right, and the distribution of amount / mean.

    Parameters
    ----------
    x : covariates, shape (features, n).
    net_cents : net amounts, shape (n,).
    weight : weight of each order.
    customer : whose each order is; with it the basket says how far the logs leave its numbers open.
    widths : those of ``features`` on which the width of the residual depends.
    """
    amount = np.maximum(net_cents.astype(np.float64), 1.0)
    weight = np.ones(len(amount)) if weight is None else weight
    scale = Scale(x, weight)
    rows, unit = scale(x), float(np.average(amount, weights=weight))
    model = GammaRegressor(alpha=RIDGE_BASKET, solver="newton-cholesky", max_iter=100)
    model.fit(rows, amount / unit, sample_weight=weight)
    coef, intercept = scale.unfold(model.coef_, float(model.intercept_) + np.log(unit))
    fitted = unit * model.predict(rows)
    # The log link is not the gamma's own, so totals are not met by themselves.
    right = float(weight @ amount / (weight @ fitted))
    ratio = amount / (fitted * right)
    basket = Basket(
        features=tuple(features), coef=coef, intercept=intercept + float(np.log(right)),
        quantiles=quantile_grid(ratio), source=source,
    )  # fmt: skip
    if customer is not None:
        ridge = RIDGE_BASKET * float(weight.sum())
        basket = basket.model_copy(
            update={"spread": spread(scale, x, weight * (ratio - 1.0), weight * ratio, ridge, customer)}
        )
    return _stretched(basket, widths, x, ratio, weight) if widths else basket


def _stretched(basket: Basket, widths: Sequence[str], x: Floats, ratio: Floats, weight: Floats) -> Basket:
    """The basket with a width of the log residual for each customer, and the residual that all have in common."""
    x = x[[basket.features.index(name) for name in widths]]
    logs = np.log(np.maximum(ratio, LEAST_RATIO))
    scale = Scale(x, weight)
    # A wide residual of mean one has a low typical value, which is not width.
    typical = Ridge(alpha=RIDGE_STRETCH).fit(scale(x), logs, sample_weight=weight).predict(scale(x))
    square = (logs - typical) ** 2
    unit = float(np.average(square, weights=weight))
    if unit < FLAT:
        return basket
    model = GammaRegressor(alpha=RIDGE_STRETCH, solver="newton-cholesky", max_iter=100)
    model.fit(scale(x), np.maximum(square / unit, FLAT), sample_weight=weight)
    coef, intercept = scale.unfold(model.coef_ / 2, float(model.intercept_) / 2)
    stretch = Linear(features=tuple(widths), coef=coef, intercept=intercept, source=basket.source)
    for _ in range(STRETCH_PASSES):
        basket = basket.model_copy(update={"stretch": stretch})
        width = np.clip(np.exp(stretch.linear(x)), NARROWEST, WIDEST)
        common = np.exp((logs + basket.log_mean(width)) / width)
        basket = basket.model_copy(update={"quantiles": quantile_grid(common)})
    return basket
