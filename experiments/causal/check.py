"""Check: every effect that a data set tells, beside what a naive analysis would have claimed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.scenario import Scenario
from experiments.causal.doubly_robust import need_library
from experiments.causal.email_test import EmailTest, analyse
from experiments.causal.priors import PRIORS
from experiments.data.trials import HILLSTROM, load_hillstrom
from experiments.effects import Effect, logged_effects, naive_spend_effects, robust_effects, spend_effects
from experiments.results import provenance

SPEND = ("difference in differences", "doubly robust differences", "naive regression")


@dataclass(frozen=True)
class EffectsCheck:
    """What one data set says of effects.

    Attributes
    ----------
    data : its name.
    email : the analysis of a randomised e-mail test; None for logs.
    effects : by name, on the log-odds of an order; empty for the e-mail test.
    spend : weekly spend by campaign, by three roads (``SPEND``); empty without campaigns.
    made : versions and hashes.
    """

    data: str
    email: EmailTest | None
    effects: dict[str, Effect]
    spend: dict[str, dict[str, Effect]]
    made: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain data; NaN as null."""
        email = None
        if self.email is not None:
            email = {
                "effects": [asdict(one) for one in self.email.effects],
                "segments": self.email.segments.to_dict("records"),
                "qini": {name: {"coefficient": q.coefficient, "sd": q.sd} for name, q in self.email.qinis.items()},
            }
        found = {
            "data": self.data,
            "email": email,
            "effects": {name: asdict(effect) for name, effect in self.effects.items()},
            "spend": {road: {k: asdict(e) for k, e in effects.items()} for road, effects in self.spend.items()},
            "priors": [asdict(prior) for prior in PRIORS],
            "provenance": self.made,
        }
        plain: dict[str, Any] = _plain(found)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_effects(source: str | Path, *, zone: str | None = None) -> EffectsCheck:
    """Estimate every effect of ``hillstrom``, ``complete_journey``, or a folder or file in the log schema.

    Raises
    ------
    DataError
        When the extra ``causal`` is not installed, or for the first thing wrong in the logs.
    """
    need_library()
    if str(source) == HILLSTROM:
        trial = load_hillstrom()
        return EffectsCheck(HILLSTROM, analyse(trial), {}, {}, provenance(rows=len(trial)))
    from experiments.data import load_logs

    logs = load_logs(source, zone=zone)
    day = logs.last_day
    effects = logged_effects(logs, cut_off_day=day, scenario=Scenario(title="defaults"))
    spend = {}
    if logs.campaigns is not None and set(logs.campaigns["kind"]) & set(effects):
        roads = (spend_effects, robust_effects, naive_spend_effects)
        spend = {name: road(logs, cut_off_day=day) for name, road in zip(SPEND, roads, strict=True)}
    return EffectsCheck(logs.name, None, effects, spend, provenance(logs=logs.digest))
