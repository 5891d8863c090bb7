"""Values of family B from its Markov chain alone: nothing here knows the simulator.

Tables of depths and values have the shape (..., recencies, habits). The state (r, h) is at [r - 1, h].
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator
from scipy.special import expit

from agents.customers import LEVELS
from experiments.known_answers.family import DEEPEST, Family, Floats, Moments, Optimum
from sim.spec import parameter

MOST_TABLES = 250_000  # that an enumeration compares: seconds of work
TABLES_AT_ONCE = 4096
MOST_ROUNDS = 1000  # of policy iteration, which needs a handful


class HabitChain(Family):
    """Parameters of the chain, and what any table of depths is worth to a customer who starts at (1, 0)."""

    price: float = parameter(100.0, gt=0, doc="list price of an order")
    margin: float = parameter(30.0, ge=0, doc="margin of an order at list price")
    cost: float = parameter(0.7, ge=0, doc="cost of sending a coupon")
    depths: tuple[float, ...] = parameter((0.10, 0.25), min_length=1, doc="depths that a coupon may have, rising")
    recencies: int = parameter(8, ge=1, le=60, doc="months since the last order that are told apart")
    most_habit: int = parameter(2, ge=0, le=len(LEVELS) - 1, doc="strongest habit")
    intercept: float = parameter(-0.7, doc="log-odds of an order at (1, 0) without a coupon")
    per_recency: float = parameter(0.66, doc="log-odds lost with each further month")
    lift: float = parameter(4.4, doc="log-odds that a coupon adds, per unit of depth")
    per_habit: float = parameter(0.7, doc="log-odds of a full-price order lost with each step of the habit")
    leaving: float = parameter(0.024, ge=0, le=1, doc="chance of leaving in a month without an order, per month")
    discount: float = parameter(0.98, gt=0, lt=1, doc="discount factor of a month")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        edges = (0.0, *self.depths)
        if any(b <= a for a, b in itertools.pairwise(edges)) or self.depths[-1] > DEEPEST:
            raise ValueError(f"depths must rise, above 0 and up to {DEEPEST} (they are {self.depths}); order them")
        if self.margin > self.price:
            raise ValueError(f"margin {self.margin:g} exceeds price {self.price:g}; lower it")
        if self.leaving * self.recencies > 1:
            raise ValueError(f"leaving {self.leaving:g} times {self.recencies} recencies exceeds 1; lower one of them")
        return self

    # -- any policy ---------------------------------------------------------------------------------------------

    def exact(self, *, depths: ArrayLike, months: int | None = None) -> float:
        """Value over so many months, or for ever.

        Parameters
        ----------
        depths : one for each state, shape (recencies, habits), or for each recency, shape (recencies,).
        """
        table = self.table(depths)[None]
        return float((self._for_ever(table) if months is None else self._over(table, months))[0, 0, 0])

    def moments(self, *, depths: ArrayLike, months: int) -> Moments:
        """Mean and standard deviation of a customer's value over so many months, by backward recursion."""
        table, factor = self.table(depths), self.discount
        order, stay = self._chances(table)
        idle = -self.cost * (table > 0)
        sale = idle + self.margin - self.price * table
        mean = square = nothing = np.zeros_like(table)
        for _ in range(months):
            lives = [(order, sale, self._bought(table, mean), self._bought(table, square)),
                     (stay, idle, self._silent(mean), self._silent(square)),
                     (1 - order - stay, idle, nothing, nothing)]  # fmt: skip
            square = sum((p * (now**2 + 2 * now * factor * m + factor**2 * s) for p, now, m, s in lives), nothing)
            mean = sum((p * (now + factor * m) for p, now, m, _ in lives), nothing)
        return Moments(float(mean[0, 0]), math.sqrt(max(float(square[0, 0] - mean[0, 0] ** 2), 0.0)))

    def table(self, depths: ArrayLike) -> Floats:
        """Depths as a table of all states. Raises ValueError on another shape or a depth outside 0 … 0.5."""
        given, shape = np.asarray(depths, np.float64), (self.recencies, self.most_habit + 1)
        if given.shape not in (shape, shape[:1]):
            raise ValueError(f"depths must have shape {shape} or {shape[:1]} (they have {given.shape})")
        if not np.all((given >= 0) & (given <= DEEPEST)):
            raise ValueError(f"depths must lie within 0 … {DEEPEST} (they are {given.tolist()})")
        return np.broadcast_to(given if given.ndim == 2 else given[:, None], shape).copy()

    # -- best policies ------------------------------------------------------------------------------------------

    def optimum(self, *, months: int | None = None) -> Optimum:
        """The best depth in each state, for ever by policy iteration; over fewer months, that of the first month.

        The value is a ceiling: nobody who knows less, or must do the same each month, gains more.
        """
        choices = np.array([0.0, *self.depths])
        every = np.broadcast_to(choices[:, None, None], (len(choices), self.recencies, self.most_habit + 1))
        best, values = np.zeros(every.shape[1:], np.intp), np.zeros(every.shape[1:])
        for _ in range(MOST_ROUNDS if months is None else months):
            if months is None:
                values = self._for_ever(choices[best][None])[0]
            worth = self._month(every, values)
            better = worth.argmax(axis=0)
            if months is None and np.all(worth.max(axis=0) <= values + 1e-10 * np.abs(values).max()):
                break
            best, values = better, worth.max(axis=0)
        levers = {f"recency_{r + 1}_habit_{h}": float(choices[i]) for (r, h), i in np.ndenumerate(best)}
        return Optimum(levers, float(values[0, 0]))

    def best_by_recency(self, *, months: int | None = None) -> Optimum:
        """The best of all policies that know recency alone, by enumeration."""
        number = (len(self.depths) + 1) ** self.recencies
        if number > MOST_TABLES:
            raise ValueError(f"{number} policies are too many to enumerate; take fewer depths or recencies")
        vectors = itertools.product((0.0, *self.depths), repeat=self.recencies)
        best, value = self._best(vectors, months)
        return Optimum({f"recency_{r}": depth for r, depth in enumerate(best, start=1)}, value)

    def best_thresholds(self, *, months: int | None = None) -> Optimum:
        """The best recencies from which to send each depth, and the last at which to send any, by enumeration."""
        number = self.recencies ** (len(self.depths) + 1)
        if number > MOST_TABLES:
            raise ValueError(f"{number} policies are too many to enumerate; take fewer depths or recencies")
        every = list(itertools.product(range(1, self.recencies + 1), repeat=len(self.depths) + 1))
        best, value = self._best((self.by_threshold(starts, until) for *starts, until in every), months)
        *starts, until = next(one for one in every if self.by_threshold(one[:-1], one[-1]) == best)
        levers = {f"from_{depth:g}": float(start) for depth, start in zip(self.depths, starts, strict=True)}
        return Optimum({**levers, "until": float(until)}, value)

    def by_threshold(self, starts: Sequence[int], until: int) -> tuple[float, ...]:
        """Depth for each recency when each of the family's depths is sent from a recency on: the deepest of them."""
        pairs = list(zip(self.depths, starts, strict=True))
        months = range(1, self.recencies + 1)
        return tuple(max((d for d, start in pairs if start <= r <= until), default=0.0) for r in months)

    def _best(self, vectors: Iterator[tuple[float, ...]], months: int | None) -> tuple[tuple[float, ...], float]:
        best: tuple[tuple[float, ...], float] = ((), -math.inf)
        while some := list(itertools.islice(vectors, TABLES_AT_ONCE)):
            tables = np.repeat(np.array(some)[:, :, None], self.most_habit + 1, axis=2)
            values = (self._for_ever(tables) if months is None else self._over(tables, months))[:, 0, 0]
            top = int(values.argmax())
            if values[top] > best[1]:
                best = some[top], float(values[top])
        return best

    # -- the chain ----------------------------------------------------------------------------------------------

    def _chances(self, depths: Floats) -> tuple[Floats, Floats]:
        """Chances of an order, and of staying without one."""
        r = np.arange(1, self.recencies + 1)[:, None]
        h = np.arange(self.most_habit + 1)
        lost = self.per_recency * (r - 1) + self.per_habit * h * (depths == 0)
        order: Floats = expit(self.intercept + self.lift * depths - lost)
        return order, (1 - order) * (1 - self.leaving * r)

    def _bought(self, depths: Floats, after: Floats) -> Floats:
        """What follows an order: recency 1 and the habit of it."""
        h = np.arange(self.most_habit + 1)
        more, less = after[..., :1, np.minimum(h + 1, self.most_habit)], after[..., :1, np.maximum(h - 1, 0)]
        return np.where(depths > 0, more, less)

    def _silent(self, after: Floats) -> Floats:
        """What follows a month without an order."""
        later: Floats = after[..., np.minimum(np.arange(self.recencies) + 1, self.recencies - 1), :]
        return later

    def _month(self, depths: Floats, after: Floats) -> Floats:
        """Expected value of a month and all after it."""
        order, stay = self._chances(depths)
        earned = order * (self.margin - self.price * depths) - self.cost * (depths > 0)
        return earned + self.discount * (order * self._bought(depths, after) + stay * self._silent(after))

    def _over(self, depths: Floats, months: int) -> Floats:
        values = np.zeros_like(depths)
        for _ in range(months):
            values = self._month(depths, values)
        return values

    def _for_ever(self, depths: Floats) -> Floats:
        """Solve v = now + A v. The columns of A are a month's answer to a unit of value in one state alone."""
        shape, n = depths.shape, depths[0].size
        units: NDArray[np.float64] = np.eye(n).reshape(n, 1, *shape[1:])
        now = self._month(depths, np.zeros_like(depths))
        later = (self._month(depths[None], units) - now).reshape(n, shape[0], n).transpose(1, 2, 0)
        solved: Floats = np.linalg.solve(np.eye(n) - later, now.reshape(-1, n, 1)).astype(np.float64)
        return solved.reshape(shape)
