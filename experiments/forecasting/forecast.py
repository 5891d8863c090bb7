"""A forecast beside what happened: totals, customers, weeks, facts and distributions, as tables and as a document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.facts import FACTS, SHAPES, Fact
from experiments.forecasting.order_days import Floats, Ints
from experiments.forecasting.quarters import Tally
from experiments.forecasting.scores import BAND, Scores
from experiments.learning.model_card import Task
from experiments.reporting.suppression import FEWEST

WORLD = "siyu (simulated world)"


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
    origins : scores of short questions, asked on evenings of the horizon, by question; see ``origins.QUESTIONS``.
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
    origins: dict[str, Task] = field(repr=False)
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
        orders = self._weekly([tally.weekly_orders for tally in self.forecasts[WORLD].tallies], "weekly_orders")
        return orders.assign(**{name: f.weekly_orders for name, f in self.forecasts.items() if name != WORLD})

    def weekly_spend(self) -> pd.DataFrame:
        """Net spend in each week, in currency: observed, and the world's mean and 90 % band."""
        return self._weekly([tally.weekly_spend for tally in self.forecasts[WORLD].tallies], "weekly_spend")

    def cumulative(self) -> pd.DataFrame:
        """Orders since the cut-off at the end of each week, in the columns of :meth:`weekly`."""
        sums = [np.cumsum(tally.weekly_orders) for tally in self.forecasts[WORLD].tallies]
        orders = self._weekly(sums, "weekly_orders").assign(observed=np.cumsum(self.observed.weekly_orders))
        rivals = {name: f.weekly_orders for name, f in self.forecasts.items() if name != WORLD}
        return orders.assign(**{name: np.cumsum(weekly) for name, weekly in rivals.items()})

    def _weekly(self, simulated: Sequence[Floats | Ints], observed: str) -> pd.DataFrame:
        world = np.stack(simulated)
        low, high = np.quantile(world, BAND, axis=0)
        starts = [self.start + dt.timedelta(days=7 * week) for week in range(len(low))]
        columns = {"observed": getattr(self.observed, observed), "mean": world.mean(axis=0), "low": low, "high": high}
        return pd.DataFrame(columns, index=pd.Index(starts, name="week of"))

    def summary(self) -> str:
        """One line: how far off the totals are, and how many facts are shown."""
        s, facts = self.scores[WORLD], self.facts()
        return (
            f"{self.data} after {self.cut_off}, {self.days} days: orders {s.orders_error_percent:+.1f} %, spend"
            f" {s.spend_error_percent:+.1f} %, {sum(c.inside for c in facts)} of {len(facts)} facts inside their band"
        )

    def _late(self) -> dict[str, float | None]:
        """Who came after the cut-off; nothing about too few."""
        if self.late_customers < FEWEST:
            return {"customers": None, "orders": None, "spend": None}
        return {"customers": self.late_customers, "orders": self.late_orders, "spend": self.late_spend}

    def as_dict(self) -> dict[str, Any]:
        """Every number, as plain data for JSON."""
        return {
            "data": self.data, "cut_off": str(self.cut_off), "start": str(self.start), "days": self.days,
            "customers": len(self.observed.orders), "orders": int(self.observed.orders.sum()),
            "spend": float(self.observed.spend.sum() / 100), "replicates": self.replicates,
            "late": self._late(),
            "scores": {name: vars(scores) for name, scores in self.scores.items()},
            "origins": {name: asdict(task) for name, task in self.origins.items()},
            "weekly": self.weekly().reset_index().astype({"week of": str}).to_dict(orient="list"),
            "facts": self.facts_table().to_dict(orient="records"),
            "seconds": self.seconds, "provenance": self.provenance,
        }  # fmt: skip
