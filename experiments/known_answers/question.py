"""What a search needs to be tried on a family, and what it must come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.policy import Policy
from agents.scenario import Scenario


@dataclass(frozen=True)
class Question:
    """A search over a world whose truth is exact. Values are per customer, in the scenario's currency.

    Attributes
    ----------
    scenario, status_quo : the world, and a feasible policy that is clearly not the best.
    space : levers as plain data of a search document: dotted path into the policy to ``{low, high[, step]}`` or
        ``{choices: [...]}``.
    truth : exact expected value of any policy within the space, over the scenario's own horizon.
    best : the truth of the best policy within the space and the limits.
    ceiling : value that no policy of any kind exceeds within the limits; none where the space holds the best of all.
    limits : metric to ``{at_most: ...}``; empty where nothing is limited.
    spend : exact expected value of the limited metric; none without limits.
    shadow_price : what one more yuan of the limit earns, net of that yuan; none without limits.
    """

    scenario: Scenario
    status_quo: Policy
    space: Mapping[str, Mapping[str, Any]]
    truth: Callable[[Policy], float]
    best: float
    ceiling: float | None = None
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    spend: Callable[[Policy], float] | None = None
    shadow_price: float | None = None
