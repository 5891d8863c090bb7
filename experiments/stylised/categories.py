"""Categories: where the money goes in worlds that differ in one thing alone (S1).

The worlds are one base with one property set low or high. All their values are assumed, and were fixed before any of
the searches was run. Two of the three properties are set so that what S1 says follows almost from the setting: long
chains need trust, and people who interact invite. An active buyer spends the same in a year at every frequency: what is
bought rarely is dear. Effects are at the means of their priors, so that searches differ by luck and not by what is
believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.effects import EFFECT_NAMES, Effects
from agents.scenario import Scenario
from experiments.stylised.budget import CHANNEL, Optimum, Share
from experiments.stylised.fact import Fact, difference
from sim.spec import validate

YEARLY_CNY = 1200.0
CONTACTS, DAYS = 1000, 120
MORE = 0.001  # share of the money by which one end must surpass the other: the same at both is not more


def _often(orders_per_year: float, lapse_after_first: float) -> dict[str, Any]:
    return {
        "orders_per_year": orders_per_year, "basket_cny": YEARLY_CNY / orders_per_year,
        "lapse_after_first": lapse_after_first,
    }  # fmt: skip


BUYING = {"low": _often(1.0, 0.6), "middle": _often(8.0, 0.35), "high": _often(24.0, 0.2)}
"""How often is bought: like furniture, in between, and like coffee."""
FIRST_ORDER = {
    "short": {"first_order": -4.0, "neutral_trust": 0.3, "distrust": 4.0},
    "middle": {"first_order": -4.6, "neutral_trust": 0.6, "distrust": 6.0},
    "long": {"first_order": -4.6, "neutral_trust": 0.8, "distrust": 10.0},
}
"""Log-odds a day of a first order, how much trust it needs, and what is lost without."""
TALK = {
    "weak": {"talk": 0.0, "paid_per_day": 0.001},
    "middle": {"talk": 1.0, "paid_per_day": 0.004},
    "strong": {"talk": 4.0, "paid_per_day": 0.016},
}
"""How much people speak of such goods, of themselves and for a reward."""
FRIENDS = {"weak": 3.0, "middle": 6.0, "strong": 12.0}
INTERACT = {"weak": 0.02, "middle": 0.05, "strong": 0.15}
"""Friends who could be won with such goods, and the chance that content makes a stranger react."""


def world(frequency: str = "middle", chain: str = "middle", interaction: str = "middle") -> Scenario:
    """The base world, with one or more properties set to an end."""
    certain = {name: getattr(Effects(), name).model_copy(update={"sd": 0.0}).model_dump() for name in EFFECT_NAMES}
    return validate(
        Scenario,
        {
            "title": f"frequency {frequency}, decision chain {chain}, interaction {interaction}",
            "horizon_days": DAYS, "margin": 0.4, "population": {"size": CONTACTS}, "effects": certain,
            "channels": {CHANNEL: {"volume": 20_000, "cost_per_reach_cny": 4.0, "add_rate": 0.3, "trust": 0.15}},
            "staff": {"hours_per_week": 40.0, "wage_cny_per_hour": 35.0},
            "buying": BUYING[frequency], "friends": {"friends": FRIENDS[interaction]},
            "behaviours": {
                "purchase": {"kind": "purchase", **FIRST_ORDER[chain]},
                "word_of_mouth": {"kind": "word_of_mouth", **TALK[interaction]},
                "attention": {"kind": "attention", "interact_chance": INTERACT[interaction]},
            },
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """A property of worlds, and which purposes S1 says get more at its one end than at its other."""

    name: str
    ends: tuple[str, str]
    more_at_first: tuple[str, ...]
    more_at_second: tuple[str, ...]
    rule: str = ""


AXES = (
    Axis("frequency", ("low", "high"), ("acquisition",), ("goodwill", "conversion", "loyalty")),
    Axis(
        "chain", ("short", "long"), ("acquisition", "conversion"), ("goodwill", "loyalty"),
        rule="a long chain is set as a first order that needs more trust (`purchase`), and goodwill is what buys trust",
    ),
    Axis(
        "interaction", ("weak", "strong"), ("acquisition",), ("referral",),
        rule="strong interaction is set as people with more friends to ask, who invite four times as readily for the "
        "same reward (`word_of_mouth`)",
    ),
)  # fmt: skip
WORDS = {"frequency": "purchase frequency", "chain": "decision chain", "interaction": "interaction"}


def facts() -> Iterator[Fact]:
    """The six statements, each a difference between the two ends of an axis."""
    for axis in AXES:
        ends = {end: Optimum(f"{end} {WORDS[axis.name]}", world(**{axis.name: end})) for end in axis.ends}
        first, second = axis.ends
        for of, less, purposes in ((first, second, axis.more_at_first), (second, first, axis.more_at_second)):
            arms = tuple(Share(end, question, purposes) for end, question in ends.items())
            words = " and ".join(purposes) if len(purposes) < 3 else f"{', '.join(purposes[:-1])} and {purposes[-1]}"
            yield Fact(
                f"categories: {words}, {of} less {less} {WORDS[axis.name]}",
                f"where {WORDS[axis.name]} is {of}, the best plan leans to {words}", "S1",
                MORE, math.inf, "share of the money", arms, difference(of, less), rule=axis.rule,
            )  # fmt: skip
