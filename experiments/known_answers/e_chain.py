"""A constrained Markov decision process with few states: exact values, and the best policy under a budget.

A policy is a mix: the chance of each action in each state, shape (states, actions). The start is state 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog, minimize_scalar

from experiments.known_answers.family import Floats, Moments
from sim.errors import SpecError

INFEASIBLE = 2  # scipy.optimize.linprog's status


@dataclass(frozen=True)
class Best:
    """The best mix within a budget in the long run.

    Attributes
    ----------
    mix : chances of the actions in each state; a state that is never reached has the cheapest allowed action.
    value : expected discounted profit from state 0, net of costs.
    price : what one more unit of the budget earns, net of that unit; 0 where the budget does not bind.
    """

    mix: Floats
    value: float
    price: float


@dataclass(frozen=True)
class Chain:
    """States and actions. Money of a period comes at its start.

    Attributes
    ----------
    move : chance of the next state, shape (states, actions, states); what is missing to 1 is the end of everything.
    profit : expected profit of a period, net of the cost of the action, shape (states, actions).
    square : expected square of that profit; profit and move are independent given state and action.
    cost : cost of the action, shape (states, actions).
    factor : discount factor of a period.
    """

    move: Floats
    profit: Floats
    square: Floats
    cost: Floats
    factor: float

    def total(self, mix: Floats, of: Floats, periods: int | None) -> float:
        """Expected discounted sum of ``profit`` or ``cost`` from state 0, over so many periods or for ever."""
        onward = self.factor * np.einsum("sa,sat->st", mix, self.move)
        now = (mix * of).sum(1)
        n = len(now)
        if periods is None:
            return float(np.linalg.solve(np.eye(n) - onward, now)[0])
        step = np.eye(n + 1)
        step[:n, :n], step[:n, n] = onward, now
        return float(np.linalg.matrix_power(step, periods)[0, n])

    def moments(self, mix: Floats, periods: int, *, of_cost: bool = False) -> Moments:
        """Mean and standard deviation of the discounted profit, or cost, of one who starts in state 0."""
        now, square = (self.cost, self.cost**2) if of_cost else (self.profit, self.square)
        mean = second = np.zeros(len(mix))
        for _ in range(periods):
            later, later_square = self.factor * self.move @ mean, self.factor**2 * self.move @ second
            second = (mix * (square + 2 * now * later + later_square)).sum(1)
            mean = (mix * (now + later)).sum(1)
        return Moments(float(mean[0]), math.sqrt(max(float(second[0] - mean[0] ** 2), 0.0)))

    def best(self, allowed: Sequence[int], budget: float | None) -> Best:
        """The linear programme on discounted visits to each state and action.

        Raises
        ------
        SpecError
            When no mix of the allowed actions keeps the budget.
        """
        states, actions = self.profit.shape
        flow = np.repeat(np.eye(states), actions, axis=1) - self.factor * self.move.reshape(-1, states).T
        ends = [(0, None if action in allowed else 0) for _ in range(states) for action in range(actions)]
        within = {} if budget is None else {"A_ub": self.cost.reshape(1, -1), "b_ub": [budget]}
        found = linprog(-self.profit.ravel(), A_eq=flow, b_eq=np.eye(states)[0], bounds=ends, method="highs", **within)
        if found.status == INFEASIBLE:
            raise SpecError(
                "no policy of these actions spends so little", place="budget", value=budget,
                cure="raise the budget or allow a cheaper action",
            )  # fmt: skip
        visits = found.x.reshape(states, actions).clip(0.0)
        seen = visits.sum(1, keepdims=True)
        idle = np.eye(actions)[[min(allowed, key=row.__getitem__) for row in self.cost]]
        mix = np.where(seen > 0, visits / np.where(seen > 0, seen, 1.0), idle)
        price = 0.0 if budget is None else -float(found.ineqlin.marginals[0])
        return Best(mix, -float(found.fun), price)

    def ceiling(self, allowed: Sequence[int], budget: float | None, periods: int) -> tuple[float, float]:
        """What no policy within the budget exceeds over so many periods, however it changes over time, and its price.

        The Lagrangian dual: the least, over prices of a unit of cost, of the best value at that price plus the price of
        the budget. It is the value itself but for what is lost by acting alike in all periods.
        """
        move, profit, cost = self.move[:, allowed], self.profit[:, allowed], self.cost[:, allowed]

        def bound(price: float) -> float:
            value, now = np.zeros(len(profit)), profit - price * cost
            for _ in range(periods):
                value = (now + self.factor * move @ value).max(1)
            return float(value[0]) + price * (budget or 0.0)

        if budget is None:
            return bound(0.0), 0.0
        likely = self.best(allowed, budget).price
        if likely == 0:
            return bound(0.0), 0.0
        found = minimize_scalar(bound, bounds=(0.0, 2 * likely), method="bounded", options={"xatol": 1e-6})
        return float(found.fun), float(found.x)
