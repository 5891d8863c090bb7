"""What all customers of a day have in common: the day of the month, and weather that nobody foresees.

A model of single customers knows why one orders and another does not; it does not know that this week everybody buys
more. Without that, a simulated total is far too sure of itself: the luck of thousands of customers averages out, the
luck of a week does not.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from scipy.special import ndtri

from sim.draws import Draws
from sim.spec import Spec, parameter

Floats = NDArray[np.float64]

MONTH_DAYS = 31
FLAT = (0.0,) * MONTH_DAYS
WEEK = 7


@dataclass(frozen=True)
class Course:
    """One replicate's season: log-odds of an order and log of its amount, added for everybody, by day of the world."""

    order: Floats
    basket: Floats


class Season(Spec):
    """Common ups and downs of orders (log-odds of the day) and of their amounts (log)."""

    order_by_day: tuple[float, ...] = parameter(FLAT, doc="log-odds of an order added on each day of the month, 1 … 31")
    basket_by_day: tuple[float, ...] = parameter(FLAT, doc="log amount added on each day of the month, 1 … 31")
    order_noise: float = parameter(0.0, ge=0, doc="sd of what a week adds to the log-odds of all orders, then is gone")
    order_drift: float = parameter(0.0, ge=0, doc="sd of what a week adds to the log-odds of all orders and leaves")
    basket_noise: float = parameter(0.0, ge=0, doc="sd of what a week adds to the log of all amounts, then is gone")
    basket_drift: float = parameter(0.0, ge=0, doc="sd of what a week adds to the log of all amounts and leaves")
    source: str = parameter("no season", doc="where the numbers come from")

    @model_validator(mode="after")
    def _a_month(self) -> Self:
        for name in ("order_by_day", "basket_by_day"):
            if len(getattr(self, name)) != MONTH_DAYS:
                raise ValueError(f"{name} needs {MONTH_DAYS} numbers, not {len(getattr(self, name))}")
        return self

    def order_on(self, date: dt.date) -> float:
        """Log-odds that the day of the month adds."""
        return self.order_by_day[date.day - 1]

    def basket_on(self, date: dt.date) -> float:
        """Log amount that the day of the month adds."""
        return self.basket_by_day[date.day - 1]

    def course(self, draws: Draws, start: dt.date, days: int) -> Course:
        """The season of one replicate, ``days`` days from ``start``; the same seed has the same under every policy."""
        month = np.array([(start + dt.timedelta(days=day)).day - 1 for day in range(days)], np.intp)
        week, weeks = np.arange(days) // WEEK, -(-days // WEEK)

        def weather(name: str, noise: float, drift: float) -> Floats:
            steps = _normal(draws, f"season.{name}.drift", weeks) * drift
            # A week's own step is half felt within it: the level moves on all its days.
            level = np.cumsum(steps) - steps / 2
            return np.asarray((level + _normal(draws, f"season.{name}.noise", weeks) * noise)[week])

        return Course(
            np.array(self.order_by_day)[month] + weather("order", self.order_noise, self.order_drift),
            np.array(self.basket_by_day)[month] + weather("basket", self.basket_noise, self.basket_drift),
        )


def _normal(draws: Draws, decision: str, weeks: int) -> Floats:
    return np.asarray(ndtri([draws.one(decision, week) for week in range(weeks)]), dtype=np.float64)
