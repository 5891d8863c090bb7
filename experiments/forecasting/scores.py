"""Scores of a forecast against what happened: customers, totals, weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.order_days import Floats, Ints
from experiments.forecasting.quarters import Tally
from experiments.learning.model_card import score

BAND = (0.05, 0.95)  # an interval holds 90 %


@dataclass(frozen=True)
class Scores:
    """How one forecaster did. Errors are forecast minus observed; spend in currency.

    Attributes
    ----------
    orders_error_percent, spend_error_percent : of the totals.
    orders_mae, orders_rmse, orders_correlation, spend_mae, spend_rmse, spend_correlation : over customers.
    orders_spearman : rank correlation over customers.
    auc, log_loss, brier, ece10 : of P(any order); see ``model_card.Score``.
    weekly_mape : mean of |error| / observed over the weekly orders, in percent.
    cumulative_mape : the same of the orders so far, counted from the cut-off.
    crps : continuous ranked probability score of a customer's orders, mean over customers; None for those who give no
        distribution, as all that follow.
    total_low, total_high : 90 % interval of the total of orders.
    total_held : whether it holds the observed total.
    total_half_width_percent : half of its width in percent of the observed total.
    covered : share of customers whose orders lie within their own 90 % interval.
    spend_weeks_held : share of weeks whose spend lies within its 90 % interval; None where only orders are simulated.
    """

    orders_error_percent: float
    orders_mae: float
    orders_rmse: float
    orders_correlation: float
    spend_error_percent: float
    spend_mae: float
    spend_rmse: float
    spend_correlation: float
    orders_spearman: float
    auc: float | None
    log_loss: float
    brier: float
    ece10: float
    weekly_mape: float
    cumulative_mape: float
    crps: float | None = None
    total_low: float | None = None
    total_high: float | None = None
    total_held: bool | None = None
    total_half_width_percent: float | None = None
    covered: float | None = None
    spend_weeks_held: float | None = None

    @classmethod
    def of(cls, forecast: CustomerForecast, observed: Tally) -> Scores:
        """Scores of a forecast against what happened."""
        orders, spend = _errors(forecast.orders, observed.orders), _errors(forecast.spend / 100, observed.spend / 100)
        any_order = score(forecast.p_any, observed.orders > 0)
        return cls(
            *orders,
            *spend,
            orders_spearman=_spearman(forecast.orders, observed.orders),
            auc=any_order.auc,
            log_loss=any_order.log_loss,
            brier=any_order.brier,
            ece10=any_order.ece10,
            weekly_mape=_mape(forecast.weekly_orders, observed.weekly_orders),
            cumulative_mape=_mape(np.cumsum(forecast.weekly_orders), np.cumsum(observed.weekly_orders)),
            **_of_counts(forecast.counts, observed.orders),
            spend_weeks_held=_weeks_held(forecast, observed),
        )


def crps(counts: Ints, observed: Ints) -> Floats:
    """Continuous ranked probability score of each customer, shape (n,), from simulated counts (replicates, n).

    The fair estimator, whose mean does not depend on the number of replicates. Source: Ferro (2014), eq. 6.
    """
    m = len(counts)
    rank = (2 * np.arange(1, m + 1) - m - 1)[:, None]
    spread = (rank * np.sort(counts, axis=0)).sum(axis=0) / (m * (m - 1))
    found: Floats = np.abs(counts - observed).mean(axis=0) - spread
    return found


def _errors(forecast: Floats, observed: Floats | Ints) -> tuple[float, float, float, float]:
    """Error of the total in percent, mean absolute error, root mean square error, correlation."""
    error, varies = forecast - observed, np.ptp(forecast) > 0 and np.ptp(observed) > 0
    return (
        float(100 * error.sum() / observed.sum()),
        float(np.abs(error).mean()),
        float(np.sqrt((error**2).mean())),
        float(np.corrcoef(forecast, observed)[0, 1]) if varies else np.nan,
    )


def _spearman(forecast: Floats, observed: Ints) -> float:
    from scipy.stats import spearmanr

    if not (np.ptp(forecast) > 0 and np.ptp(observed) > 0):
        return np.nan
    return float(spearmanr(forecast, observed).statistic)


def _mape(forecast: Floats, observed: Floats | Ints) -> float:
    """Mean of |error| / observed over weeks, in percent; NaN without a week."""
    miss = np.abs(forecast - observed) / np.maximum(observed, 1)
    return 100 * float(miss.mean()) if len(miss) else np.nan


def _of_counts(counts: Ints | None, observed: Ints) -> dict[str, Any]:
    """What simulated orders of each customer, shape (replicates, n), say beyond their means."""
    if counts is None:
        return {}
    low, high = (float(q) for q in np.quantile(counts.sum(axis=1), BAND))
    mine_low, mine_high = np.quantile(counts, BAND, axis=0, method="inverted_cdf")
    total = float(observed.sum())
    return {
        "crps": float(crps(counts, observed).mean()),
        "total_low": low,
        "total_high": high,
        "total_held": bool(low <= total <= high),
        "total_half_width_percent": 50 * (high - low) / max(total, 1.0),
        "covered": float(((mine_low <= observed) & (observed <= mine_high)).mean()),
    }


def _weeks_held(forecast: CustomerForecast, observed: Tally) -> float | None:
    if not forecast.tallies or not len(observed.weekly_spend):
        return None
    low, high = np.quantile(np.stack([tally.weekly_spend for tally in forecast.tallies]), BAND, axis=0)
    return float(((low <= observed.weekly_spend) & (observed.weekly_spend <= high)).mean())
