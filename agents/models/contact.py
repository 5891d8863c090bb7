"""Learned hazards of contact and trust: who mutes, comes back, deletes, answers a chat and changes trust level."""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sim import Columns, Spec
from sim.errors import nearest

from .exposure import EXPOSURES
from .features import FEATURES, LOG_EXPOSURE, PRIOR_ORDERS
from .hazard import Hazard, sigmoid
from .history import Rows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SLACK = 1.0 + 1e-9  # more than what rounding takes off a bound that adds up in another order than the chance
TRANSITIONS = {
    "mute": "P(muted by the end of a day | contact)",
    "delete": "P(deleted by the end of a day | contact)",
    "unmute": "P(contact again by the end of a day | muted)",
    "delete_muted": "P(deleted by the end of a day | muted)",
    "reply": "P(a reply on the day of a chat | contact)",
    **{f"rise_{k}": f"P(L{k + 1} or higher by the end of a day | L{k}), first orders aside" for k in (0, 1, 2, 4)},
    **{f"fall_{k}": f"P(a lower level by the end of a day | L{k})" for k in (1, 2, 3, 5)},
}
"""L3 → L4 is not among them: the first order makes a buyer, and a buyer stays one (S3)."""


class ContactModels(Spec):
    """Hazards by transition; what is not there keeps the scenario's assumed rule."""

    format: Literal["siyu-contact/1"] = "siyu-contact/1"
    hazards: dict[str, Hazard] = Field(description="learned hazards by name of the transition")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, hazard in self.hazards.items():
            if name not in TRANSITIONS:
                raise ValueError(f"no transition '{name}'; {nearest(name, TRANSITIONS)}")
            if hazard.name != name:
                raise ValueError(f"the hazard '{name}' is named '{hazard.name}'")
        return self

    def __contains__(self, name: str) -> bool:
        return name in self.hazards

    @property
    def trust(self) -> bool:
        """Whether any transition between trust levels was learned."""
        return any(name.startswith(("rise_", "fall_")) for name in self.hazards)

    def chance(self, name: str, history: Columns, rows: NDArray[np.intp], day: int, weekday: int) -> Floats:
        """Probability of a transition today, shape (n,); 0 where it was not learned."""
        if name not in self.hazards:
            return np.zeros(len(rows))
        return sigmoid(self.hazards[name].logit_at(history, rows, day, weekday))

    def at_most(self, name: str, history: Columns, rows: Rows) -> float:
        """What :meth:`chance` cannot exceed for any of these rows, whatever the day; 0 where nothing was learned.

        It takes the highest value of each column by itself, which costs a hundredth of the exact chances.
        """
        if name not in self.hazards:
            return 0.0
        hazard = self.hazards[name]
        logit = hazard.intercept
        for coef, feature in zip(hazard.coef, hazard.features, strict=True):
            if feature in EXPOSURES:
                logit += max(coef * EXPOSURES[feature][1](history, rows), 0.0)
            elif feature == "rate_28":
                low, high = (
                    math.log(PRIOR_ORDERS),
                    math.log(float(history.count_28[rows].max(initial=0)) + PRIOR_ORDERS),
                )
                logit += max(coef * (low - LOG_EXPOSURE[28][-1]), coef * (high - LOG_EXPOSURE[28][0]))
            elif FEATURES[feature].per_row is None:
                logit += sum(float((coef * table).max()) for table in FEATURES[feature].tables.values())
            else:
                return 1.0
        return SLACK / (1.0 + math.exp(min(-logit, 700.0)))


def first_or_second(u: Floats, p: Floats, q: Floats) -> tuple[Flags, Flags]:
    """Which rows make a first transition of chance p, and which of the others a second of chance q, by one number each.

    Raising either chance never undoes an event: it adds one, or turns the second into the first.
    """
    one = u < p
    return one, ~one & (u < p + (1.0 - p) * q)
