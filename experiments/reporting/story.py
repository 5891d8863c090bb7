"""What a run says, in sentences that a strategist can act on. Every number is one that the record holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.compare import Difference
from experiments.reporting.record import Facts
from experiments.reporting.searched import Searched
from experiments.reporting.words import money

Outcome = Literal["gain", "needed", "beyond", "unsettled", "loss", "keep"]


@dataclass(frozen=True)
class Recommendation:
    """The answer: how it came out, a title, and sentences in the order of their weight."""

    outcome: Outcome
    title: str
    sentences: tuple[str, ...]


def searched_of(facts: Facts) -> Searched:
    """The part of a search, which a search has."""
    assert facts.search is not None
    return facts.search


# -- phrases ----------------------------------------------------------------------------------------------------------


def signed(value: float) -> str:
    """An amount per customer as it is printed everywhere: sign, two decimals."""
    return f"{value:+.2f}"


def plus_minus(d: Difference) -> str:
    """Mean and half of its 95 % interval."""
    return f"{signed(d.mean)} ± {d.half_width:.2f}"


def worlds_won(d: Difference) -> str:
    """``31 of 32``."""
    return f"{round(d.better * d.n)} of {d.n}"


def date_words(day: dt.date) -> str:
    """``1 October 2017``."""
    return f"{day.day} {day:%B %Y}"


def percent(share: float) -> str:
    """A share in whole percent; never 0 or 100 for what is merely close to them."""
    if 0 < share < 0.01:
        return "below 1 %"
    return "above 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def listed(items: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(n: int, what: str) -> str:
    """``1 lever``, ``2 levers``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


# -- runs that searched nothing ---------------------------------------------------------------------------------------


def comparison(facts: Facts) -> Recommendation:
    """The answer of a comparison."""
    trial, base = facts.arms
    d, total, currency = facts.differences["clv"], facts.differences["equity"], facts.world.currency
    outcome: Outcome = "gain" if d.low > 0 else "loss" if d.high < 0 else "unsettled"
    words = {"gain": "earns more than", "loss": "earns less than", "unsettled": "cannot be told from"}[outcome]
    return Recommendation(
        outcome,
        f"'{trial}' {words} '{base}': {plus_minus(d)} {currency} per customer",
        (
            f"The difference in CLV is {plus_minus(d)} {currency} per customer (95 % interval {signed(d.low)} to "
            f"{signed(d.high)}), in total {money(total.mean, currency, sign=True)} over the "
            f"{facts.world.horizon_days} days from {date_words(facts.world.start)}.",
            f"In most worlds (the central 90 % of {d.n} paired worlds) it lies between {signed(d.world_low)} and "
            f"{signed(d.world_high)}; it is a gain in {worlds_won(d)} ({percent(d.better)}).",
        ),
    )


def simulation(facts: Facts, clv: Difference, spend: float) -> Recommendation:
    """The answer of a simulation. ``clv`` describes the replicates of its one arm."""
    world, currency = facts.world, facts.world.currency
    text = (
        f"Under '{facts.arms[0]}' a customer is worth {clv.mean:.2f} {currency} over the {world.horizon_days} days "
        f"from {date_words(world.start)}"
    )
    if clv.n > 1:
        text += f"; in most worlds (the central 90 % of {clv.n} replicates) between {clv.world_low:.2f} and "
        text += f"{clv.world_high:.2f}"
    return Recommendation(
        "keep",
        f"CLV {clv.mean:.2f} {currency} per customer",
        (
            f"{text}. It spends {money(spend, currency)}.",
            "This describes one policy. Whether another would do better is what compare and search answer.",
        ),
    )
