"""Aims beside CLV: what a policy may use or must reach, and what a strategist weighs against CLV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from scipy import stats

from experiments.metrics import Outcome
from sim.spec import Spec, parameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """Something that is measured in every replicate: a key of ``Outcome.values``, its meaning and unit."""

    name: str
    meaning: str
    unit: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("spend", "operator costs less fees, over the horizon", "currency"),
        Metric("spend_discounted", "the same, discounted, for one acquired customer", "currency a customer"),
        Metric("hours", "paid staff hours a week", "hours a week"),
        Metric("messages", "adverts, content and chats that an acquired customer receives", "a week"),
        Metric("margin", "profit as a share of revenue", "share"),
        Metric("revenue", "sales net of discounts, over the horizon", "currency"),
        Metric("profit", "undiscounted profit over the horizon", "currency"),
        Metric("n_order", "orders over the horizon", "orders"),
        Metric("n_mute", "contacts who mute, over the horizon", "customers"),
        Metric("n_delete", "contacts who delete, over the horizon", "customers"),
    )
}
"""Metrics that a limit or a front may name."""

RISK = "risk"  # what a policy may lose: mean of its worst tenth of worlds, from what each trial keeps
KEPT = ("equity", "acquired", *METRICS)  # values of every replicate that a trial keeps
SURE = 0.95  # confidence with which a policy is said to keep or break a limit


class Limit(Spec):
    """What a metric, as the mean over replicates, may be."""

    at_most: float | None = parameter(None, doc="highest allowed mean")
    at_least: float | None = parameter(None, doc="lowest allowed mean")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a limit has at_most, at_least or both; give one")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}: nothing can keep it; swap")
        return self

    def sides(self) -> tuple[tuple[int, float], ...]:
        """(sign, bound) for each side, so that sign · (value − bound) ≤ 0 keeps it."""
        upper = ((1, self.at_most),) if self.at_most is not None else ()
        lower = ((-1, self.at_least),) if self.at_least is not None else ()
        return upper + lower

    def excess(self, value: float) -> float:
        """How far a value lies beyond the limit; ≤ 0 within."""
        return max(sign * (value - bound) for sign, bound in self.sides())

    def tightened(self, by: float) -> Limit:
        """The limit drawn in by so much on each side, unless nothing would be left between them."""
        high = None if self.at_most is None else self.at_most - by
        low = None if self.at_least is None else self.at_least + by
        if high is not None and low is not None and low > high:
            return self
        return Limit(at_most=high, at_least=low)

    def words(self) -> str:
        """``at most 40,000``."""
        parts = [f"at most {self.at_most:,.6g}"] if self.at_most is not None else []
        parts += [f"at least {self.at_least:,.6g}"] if self.at_least is not None else []
        return " and ".join(parts)


@dataclass(frozen=True)
class Kept:
    """How a policy stands to a limit.

    Attributes
    ----------
    mean, low, high : of the metric over replicates, with its 95 % interval.
    kept : whether the mean keeps the limit.
    sure : whether the whole interval lies on the same side as the mean.
    """

    metric: str
    limit: str
    mean: float
    low: float
    high: float
    kept: bool
    sure: bool


def excesses(limits: Mapping[str, Limit], values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """How far each metric's mean over replicates is beyond its limit; ≤ 0 within."""
    return {name: limit.excess(float(np.mean(values[name]))) for name, limit in limits.items()}


def kept(limits: Mapping[str, Limit], outcomes: Sequence[Outcome]) -> tuple[Kept, ...]:
    """How a policy stands to each limit on these replicates."""
    found = []
    for name, limit in limits.items():
        values = np.array([o.values[name] for o in outcomes])
        n, mean = len(values), float(values.mean())
        half = float(stats.t.ppf((1 + SURE) / 2, n - 1)) * float(values.std(ddof=1)) / n**0.5 if n > 1 else np.inf
        over = limit.excess(mean) > 0
        worst = max(limit.excess(mean - half), limit.excess(mean + half))
        best = min(limit.excess(mean - half), limit.excess(mean + half))
        sure = best > 0 if over else worst <= 0
        found.append(Kept(name, limit.words(), mean, mean - half, mean + half, not over, sure))
    return tuple(found)


# -- fronts -----------------------------------------------------------------------------------------------------------


def front(gain: Floats, price: Floats) -> NDArray[np.intp]:
    """Policies that no other one beats in both: more gain at no higher price. Rising price; equals count once.

    Parameters
    ----------
    gain, price : shape (n,); of policies with the same price the best gain counts, of those with both equal the first.
    """
    order = np.lexsort((np.arange(len(gain)), -gain, price))
    best, kept_rows = -np.inf, []
    for i in order:
        if gain[i] > best:
            kept_rows.append(i)
            best = gain[i]
    return np.array(kept_rows, dtype=np.intp)
