"""What a user of the product would do with the logs of a hidden world: documents, learning, search, claim."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents.behaviours import DEFAULTS
from agents.policy import Policy
from experiments.closed_loop.future import spread_sample
from experiments.closed_loop.hidden import FUTURE_DAYS, LOG_DAYS, START, Truth
from experiments.closed_loop.space import Effort, plan_of
from experiments.experiment import Experiment, Sensitivity
from experiments.ground import Ground, prepare
from experiments.search import search_ground
from experiments.searching.result import SearchResult
from experiments.searching.worlds import Span, Uncertain, value_in

PRIORS = {
    "coupon": {"mean": 3.5, "sd": 2.0, "source": "prior: catalogue coupons 4.4, Gönül & Shi (1998); lower and wide"},
    "advert": {"mean": 0.12, "sd": 0.07, "source": "assumed, wide"},
}
"""What the scenario document believes before it sees logs."""
PLAUSIBLE = {
    "behaviours.attention.fatigue_half_life_days": (2.0, 10.0),
    "behaviours.attention.fatigue_scale": (2.0, 8.0),
    "behaviours.reaction.mute": (-8.0, -6.0),
    "behaviours.reaction.delete": (-9.5, -7.5),
    "behaviours.reaction.per_fatigue": (0.15, 0.5),
}
"""What a researcher holds plausible where logs say nothing: the ranges from which worlds are drawn."""
REPLACED_BY = {
    "behaviours.reaction.mute": {"mute"},
    "behaviours.reaction.delete": {"delete"},
    "behaviours.reaction.per_fatigue": {"mute", "delete"},
}
"""Learned hazards in whose presence a value decides nothing."""


def documents(truth: Truth, status_quo: Policy, effort: Effort, folder: Path, seed: int) -> Experiment:
    """Scenario, status quo and search as files: public facts and priors, and nothing that only the world knows."""
    scenario = {
        "title": "what the operator's books say", "horizon_days": FUTURE_DAYS, "margin": truth.margin,
        "discount_rate": 0.08, "effects": PRIORS,
    }  # fmt: skip
    parts: dict[str, Any] = {
        "scenario": scenario,
        "policy": status_quo.model_dump(mode="json"),
        "search": plan_of(truth, effort, seed).model_dump(mode="json"),
    }
    paths = {}
    for kind, content in parts.items():
        paths[kind] = folder / kind / "loop.yaml"
        paths[kind].parent.mkdir(parents=True, exist_ok=True)
        paths[kind].write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    last = START.fromordinal(START.toordinal() + LOG_DAYS - 1)
    return Experiment(
        title="closed loop", scenario=str(paths["scenario"]), policy=str(paths["policy"]),
        search=str(paths["search"]), logs=str(folder / "logs"), cut_off=last,
        sensitivity=Sensitivity(replicates=0),
    )  # fmt: skip


def sampled(ground: Ground, most: int) -> Ground:
    """The ground with at most so many of the logged customers, evenly over how much they order."""
    learned = ground.learned
    assert learned is not None  # there are logs
    rows = spread_sample(learned.history.arrays(), most)
    return replace(ground, learned=learned.only(rows))


def learn(experiment: Experiment, effort: Effort) -> Ground:
    """What the product makes of the logs, ready for a search."""
    return sampled(prepare(experiment), effort.customers)


def search(ground: Ground, experiment: Experiment, folder: Path) -> SearchResult:
    """The product's search, with what nobody told it as an ensemble of worlds."""
    design = experiment.model_copy(update={"uncertain": unknown(ground)})
    return search_ground(ground, design, out=folder, processes=1)


def unknown(ground: Ground) -> dict[str, Uncertain]:
    """Plausible values of what decides the answer, stands in the scenario as one number, and was not learned.

    A value that the logs have moved away from the default is learned; hazards of contact take the place of reactions.
    """
    learned = ground.learned.contact.models if ground.learned and ground.learned.contact else ()
    found: dict[str, Uncertain] = {}
    for path, (low, high) in PLAUSIBLE.items():
        if REPLACED_BY.get(path, {""}) <= {name for name in ("mute", "delete") if name in learned}:
            continue
        here = value_in(ground.scenario, path)
        if isinstance(here, float) and here == _default(path) and low <= here <= high:
            found[path] = Span(low=low, high=high, log=low > 0)
    return found


def _default(path: str) -> Any:
    _, kind, field = path.split(".")
    return next(behaviour for behaviour in DEFAULTS if behaviour.kind == kind).model_fields[field].default
