"""A forecast beside what happened: totals, customers, weeks, facts and distributions, as tables and as a document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from experiments.forecasting.facts import FACTS, SHAPES, Fact
from experiments.forecasting.order_days import Floats, Ints
from experiments.forecasting.quarters import Tally
from experiments.forecasting.rivals import CustomerForecast
from experiments.learning.model_card import score

WORLD = "siyu (simulated world)"
BAND = (0.05, 0.95)  # an interval holds 90 %


@dataclass(frozen=True)
class Scores:
    """How one forecaster did. Errors are forecast minus observed; spend in currency.

    Attributes
    ----------
    orders_error_percent, spend_error_percent : of the totals.
    orders_mae, orders_rmse, orders_correlation, spend_mae, spend_rmse, spend_correlation : over customers.
    auc, log_loss, brier, ece10 : of P(any order); see ``model_card.Score``.
    weekly_mape : mean of |error| / observed over the weekly orders, in percent.
    total_low, total_high : 90 % interval of the total of orders; None for those who give none.
    total_held : whether it holds the observed total.
    covered : share of customers whose orders lie within their own 90 % interval.
    """

    orders_error_percent: float
    orders_mae: float
    orders_rmse: float
    orders_correlation: float
    spend_error_percent: float
    spend_mae: float
    spend_rmse: float
    spend_correlation: float
    auc: float | None
    log_loss: float
    brier: float
    ece10: float
    weekly_mape: float
    total_low: float | None = None
    total_high: float | None = None
    total_held: bool | None = None
    covered: float | None = None

    @classmethod
    def of(cls, forecast: CustomerForecast, observed: Tally) -> Scores:
        """Scores of a forecast against what happened."""
        orders, spend = _errors(forecast.orders, observed.orders), _errors(forecast.spend / 100, observed.spend / 100)
        any_order = score(forecast.p_any, observed.orders > 0)
        miss = np.abs(forecast.weekly_orders - observed.weekly_orders) / np.maximum(observed.weekly_orders, 1)
        return cls(
            *orders, *spend, any_order.auc, any_order.log_loss, any_order.brier, any_order.ece10,
            100 * float(miss.mean()) if len(miss) else np.nan, *_intervals(forecast.tallies, observed),
        )  # fmt: skip


def _errors(forecast: Floats, observed: Floats | Ints) -> tuple[float, float, float, float]:
    """Error of the total in percent, mean absolute error, root mean square error, correlation."""
    error, varies = forecast - observed, np.ptp(forecast) > 0 and np.ptp(observed) > 0
    return (
        float(100 * error.sum() / observed.sum()),
        float(np.abs(error).mean()),
        float(np.sqrt((error**2).mean())),
        float(np.corrcoef(forecast, observed)[0, 1]) if varies else np.nan,
    )


def _intervals(tallies: Sequence[Tally], observed: Tally) -> tuple[Any, ...]:
    """Low and high of the total of orders, whether they hold it, and the share of customers who are covered."""
    if not tallies:
        return None, None, None, None
    orders = np.stack([tally.orders for tally in tallies])
    low, high = (float(q) for q in np.quantile(orders.sum(axis=1), BAND))
    mine_low, mine_high = np.quantile(orders, BAND, axis=0, method="inverted_cdf")
    covered = (mine_low <= observed.orders) & (observed.orders <= mine_high)
    return low, high, bool(low <= observed.orders.sum() <= high), float(covered.mean())


@dataclass(frozen=True)
class FactCheck:
    """A fact as observed and as simulated: median and 90 % band over replicates, and whether the band holds it."""

    name: str
    fact: Fact
    observed: float
    median: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the band holds the observed value; rounding of floats apart."""
        slack = 1e-9 * max(abs(self.observed), 1.0)
        return self.low - slack <= self.observed <= self.high + slack


def check_facts(tallies: Sequence[Tally], observed: Tally, facts: dict[str, Fact]) -> list[FactCheck]:
    """Facts that can be measured on the observed and on the simulated quarters."""
    checks = []
    for name, fact in facts.items():
        simulated = np.array([tally.facts[name] for tally in tallies])
        if np.isfinite(observed.facts[name]) and np.isfinite(simulated).all():
            low, median, high = (float(q) for q in np.quantile(simulated, (BAND[0], 0.5, BAND[1])))
            checks.append(FactCheck(name, fact, observed.facts[name], median, low, high))
    return checks


@dataclass(frozen=True)
class Forecast:
    """The world and its rivals, judged on the days after a cut-off.

    Attributes
    ----------
    data : name of the logs.
    cut_off, start, days : last day that anybody saw; first day of the horizon and its length.
    observed : what the forecast customers did.
    late_customers, late_orders, late_spend : customers first seen after the cut-off, whom nobody could forecast; their
        order days and net spend, in currency.
    forecasts, scores : by forecaster; the world first.
    provenance : hashes, seeds, versions.
    seconds : time taken by each stage.
    """

    data: str
    cut_off: dt.date
    start: dt.date
    days: int
    observed: Tally = field(repr=False)
    late_customers: int
    late_orders: int
    late_spend: float
    forecasts: dict[str, CustomerForecast] = field(repr=False)
    scores: dict[str, Scores]
    provenance: dict[str, Any] = field(repr=False)
    seconds: dict[str, float] = field(repr=False)

    @property
    def replicates(self) -> int:
        """Number of simulated quarters."""
        return len(self.forecasts[WORLD].tallies)

    def facts(self, forecaster: str = WORLD) -> list[FactCheck]:
        """The counted facts under a forecaster that simulates."""
        return check_facts(self.forecasts[forecaster].tallies, self.observed, FACTS)

    def shapes(self, forecaster: str = WORLD) -> list[FactCheck]:
        """The distributions under a forecaster that simulates."""
        return check_facts(self.forecasts[forecaster].tallies, self.observed, SHAPES)

    def table(self) -> pd.DataFrame:
        """Scores, one row per forecaster; the world first."""
        return pd.DataFrame({name: vars(scores) for name, scores in self.scores.items()}).T

    def facts_table(self) -> pd.DataFrame:
        """Facts and shapes, one row each: group, what it is, observed, median, low, high, inside."""
        rows = [
            {"fact": c.name, "group": c.fact.group, "doc": c.fact.doc, "observed": c.observed, "median": c.median,
             "low": c.low, "high": c.high, "inside": c.inside}
            for c in (*self.facts(), *self.shapes())
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def weekly(self) -> pd.DataFrame:
        """Orders in each week: observed, the world's mean and 90 % band, and the mean of each rival."""
        world = np.stack([tally.weekly_orders for tally in self.forecasts[WORLD].tallies])
        low, high = np.quantile(world, BAND, axis=0)
        columns = {"observed": self.observed.weekly_orders, "mean": world.mean(axis=0), "low": low, "high": high}
        columns |= {name: f.weekly_orders for name, f in self.forecasts.items() if name != WORLD}
        starts = [self.start + dt.timedelta(days=7 * week) for week in range(len(low))]
        return pd.DataFrame(columns, index=pd.Index(starts, name="week of"))

    def summary(self) -> str:
        """One line: how far off the totals are, and how many facts are shown."""
        s, facts = self.scores[WORLD], self.facts()
        return (
            f"{self.data} after {self.cut_off}, {self.days} days: orders {s.orders_error_percent:+.1f} %, spend"
            f" {s.spend_error_percent:+.1f} %, {sum(c.inside for c in facts)} of {len(facts)} facts inside their band"
        )

    def as_dict(self) -> dict[str, Any]:
        """Every number, as plain data for JSON."""
        return {
            "data": self.data, "cut_off": str(self.cut_off), "start": str(self.start), "days": self.days,
            "customers": len(self.observed.orders), "orders": int(self.observed.orders.sum()),
            "spend": float(self.observed.spend.sum() / 100), "replicates": self.replicates,
            "late": {"customers": self.late_customers, "orders": self.late_orders, "spend": self.late_spend},
            "scores": {name: vars(scores) for name, scores in self.scores.items()},
            "weekly": self.weekly().reset_index().astype({"week of": str}).to_dict(orient="list"),
            "facts": self.facts_table().to_dict(orient="records"),
            "seconds": self.seconds, "provenance": self.provenance,
        }  # fmt: skip
