"""What the families of known answers share: money, periods, exact moments, and values read from the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from agents.behaviours.base import Behaviour
from agents.customers import Traits
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Population, Scenario
from experiments.metrics import outcome
from sim.spec import Spec

Floats = NDArray[np.float64]

UNIT_CNY = 100.0  # a family's unit of money: 10,000 cents, so that a rounded amount of one unit is off by 5e-5 at most
ALIKE = Traits(rate_sd=0.0, basket_sd=0.0, price_sensitivity_sd=0.0, tolerance_sd=0.0, interest_sd=0.0)
STRANGERS = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # level shares of people without past orders
DEEPEST = 0.5  # limit of Coupon.depth
GRID = 500  # pieces in which the highest value is looked for first: a function may have several peaks
LARGEST_RATE = math.log(2.0)  # Scenario.discount_rate is below 1: a year at most halves money


@dataclass(frozen=True)
class Moments:
    """Exact mean and standard deviation of one customer's value, in units of the family."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Optimum:
    """The best levers of a family, by name, and what they are worth per customer."""

    levers: Mapping[str, float]
    value: float


class Family(Spec):
    """A world whose truth is known in closed form. Its fields are the parameters of the family, in its own units.

    A family builds documents of the product — ``scenario(...)``, ``policy(...)`` — and says what must come out:
    ``exact(...)``, and ``optimum()`` where there is something to choose. Neither is ever taken from the simulator.
    ``question(...)`` is all that a search needs to be tried on it.
    """


def shortest_period(log_discount: float) -> int:
    """Fewest days that can stand for a period whose discount factor is exp(-log_discount)."""
    return math.floor(365 * log_discount / LARGEST_RATE) + 1


def annual_rate(log_discount: float, period_days: int) -> float:
    """The yearly rate at which ``period_days`` days discount by exp(-log_discount)."""
    return math.expm1(log_discount * 365 / period_days)


def world_of(
    behaviours: dict[str, Behaviour],
    *,
    title: str,
    module: str,
    customers: int,
    days: int,
    margin: float = 1.0,
    discount_rate: float = 0.0,
) -> Scenario:
    """A scenario in which people are alike, nobody has ordered, and only these behaviours exist."""
    return Scenario(
        title=title,
        horizon_days=days,
        margin=margin,
        discount_rate=discount_rate,
        population=Population(size=customers, level_shares=STRANGERS),
        traits=ALIKE,
        behaviours=behaviours,
        only_named_behaviours=True,
        plugins=(module,),
    )


def annuity(now: float, later: float, survival: float, factor: float, periods: int) -> Moments:
    """Moments of V = now + B · factor · (later + V'), where B is survival of the period and V' the periods to come.

    Backward recursion over ``periods``; V' is 0 after the last one.
    """
    mean = square = 0.0
    for _ in range(periods):
        square = later**2 + 2 * later * mean + square  # of what survival brings
        mean += later
        square = now**2 + 2 * now * survival * factor * mean + survival * factor**2 * square
        mean = now + survival * factor * mean
    return Moments(mean, math.sqrt(max(square - mean**2, 0.0)))


def highest_of(value: Callable[[float], float], low: float, high: float, pieces: int = GRID) -> float:
    """Where a smooth function is highest within bounds: the best of a grid, refined between its neighbours."""
    grid = np.linspace(low, high, pieces + 1)
    best = int(np.argmax([value(x) for x in grid]))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, pieces)])
    found = minimize_scalar(lambda x: -value(x), bounds=around, method="bounded", options={"xatol": 1e-10})
    # A search within bounds never tries the bounds themselves.
    return max(float(found.x), float(grid[best]), key=value)


def lever(policy: Policy, like: Policy, field: str) -> float | None:
    """Value of a field of a policy's only action, or none without any action.

    Raises ValueError when the policy differs from ``like`` in anything else: what it is worth is not known then.
    """
    if not policy.actions:
        return None
    ((name, action),) = like.actions.items()
    value = getattr(policy.actions.get(name), field, None)
    if value is None or policy.actions != {name: action.model_copy(update={field: value})}:
        raise ValueError(f"'{policy.title}': only the action '{name}' with any {field} has a known value here")
    return float(value)


def mean_value(world: PrivateDomain) -> float:
    """Discounted profit per customer of day 0, in units: the product's own metric ``clv``."""
    return outcome(world).values["clv"] / UNIT_CNY


def customer_values(world: PrivateDomain) -> Floats:
    """The same for every customer, shape (n,), from the single events of a synthetic population."""
    events, signs = world.ledger.events(), world.ledger.signs()
    factors = np.array([world.spec.day_factor(day) for day in range(world.horizon_days)])
    amount = events.amount * signs[events.kind] * factors[events.day]
    # The keys of a synthetic population are its row numbers.
    return np.bincount(events.key, weights=amount, minlength=len(world.customers)) / (100 * UNIT_CNY)
