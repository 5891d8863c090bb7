"""Models for worlds without logs: few parameters, each with its source."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from .basket import Basket
from .bundle import CustomerModels
from .features import LOG_SINCE
from .hazard import Floats, Hazard, sigmoid

BG_NBD_LAPSE = 0.246  # P(lapse after the first order) = a / (a + b); CDNOW, Fader, Hardie & Lee (2005), table 2
GAP_SHAPE = 1.15  # Weibull shape with a CV of .87: gaps within households, Complete Journey 2017
BASKET_LOG_SD = 1.02  # log-sd of baskets within a household, Complete Journey 2017
COMEBACK_PER_DAY = 0.004  # assumed; measured by experiments.train: .018 in Complete Journey, .0012 in CDNOW
SILENT_GAPS = 3.0  # lapse_days in mean gaps; an active customer is silent that long with 4 %; assumed
SHORTEST_LAPSE_DAYS = 28  # assumed


def default_models(
    *,
    orders_per_year: float,
    basket_cents: float,
    lapse_after_first: float = BG_NBD_LAPSE,
    gap_shape: float = GAP_SHAPE,
    basket_log_sd: float = BASKET_LOG_SD,
    comeback_per_day: float = COMEBACK_PER_DAY,
    lapse_days: int | None = None,
) -> CustomerModels:
    """Models from a handful of numbers that a practitioner knows.

    Parameters
    ----------
    orders_per_year : of a customer while active.
    basket_cents : mean net amount of an order.
    lapse_after_first : P(no further order) after the first order. After n orders the odds are 2 / (n + 1) of that,
        which is what a beta-geometric dropout implies (Fader, Hardie & Lee 2005: logit = log a - log(b + n - 1)).
    gap_shape : Weibull shape of the gaps of an active customer; 1 = Poisson, above 1 = more regular.
    basket_log_sd : log-sd of the baskets of one customer; 0 = always the same amount.
    comeback_per_day : P(order on a day) of a customer silent for more than ``lapse_days``.
    lapse_days : default three mean gaps, at least 28.
    """
    mean_gap = 365.0 / orders_per_year
    source = f"default_models: {orders_per_year:g} orders a year, gaps of shape {gap_shape:g}"
    repurchase = Hazard(
        name="repurchase",
        features=("log_since",),
        coef=(gap_shape - 1.0,),  # the log hazard of a Weibull gap is (shape - 1) log(days) + constant
        intercept=_intercept(mean_gap, gap_shape - 1.0),
        source=source,
    )
    lapse = Hazard(
        name="lapse",
        features=("log_orders",),
        coef=(-1.0,),
        intercept=_logit(lapse_after_first) + float(np.log(2.0)),
        source="beta-geometric dropout, Fader, Hardie & Lee (2005)",
    )
    comeback = Hazard(name="comeback", features=(), coef=(), intercept=_logit(comeback_per_day), source="assumed")
    basket = Basket(
        features=(),
        coef=(),
        intercept=float(np.log(basket_cents)),
        quantiles=_lognormal_grid(basket_log_sd),
        source=f"log-normal around {basket_cents:g} cents, log-sd {basket_log_sd:g}",
    )
    return CustomerModels(
        repurchase=repurchase,
        lapse=lapse,
        comeback=comeback,
        basket=basket,
        lapse_days=lapse_days or max(SHORTEST_LAPSE_DAYS, round(SILENT_GAPS * mean_gap)),
        trained_on="cited defaults",
    )


def _logit(p: float) -> float:
    return float(np.log(p) - np.log1p(-p))


def _intercept(mean_gap: float, slope: float) -> float:
    """The intercept at which the gaps of hazard sigmoid(intercept + slope * log days) have this mean, by bisection."""
    days = np.arange(1, int(40 * mean_gap) + 2)
    slopes = slope * np.take(LOG_SINCE, days, mode="clip")
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        survival = np.cumprod(1.0 - sigmoid(middle + slopes))
        if 1.0 + float(survival.sum()) > mean_gap:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _lognormal_grid(log_sd: float, cells: int = 1000) -> tuple[float, ...]:
    """Quantiles of a log-normal of mean one; the open end is put where the last cell keeps its mean."""
    z = ndtri(np.arange(1, cells) / cells)
    inner: Floats = np.exp(log_sd * z - log_sd**2 / 2)
    top = max(inner[-1], 2.0 * cells * float(ndtr(log_sd - z[-1])) - inner[-1])
    grid = np.concatenate([[0.0 if log_sd > 0 else 1.0], inner, [top]])
    mean = float(np.mean((grid[1:] + grid[:-1]) / 2))
    return tuple(float(q) for q in grid / mean)
