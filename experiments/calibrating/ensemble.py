"""Ensemble: the parameter sets that a calibration accepted, as a document that a search lives over."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import model_validator
from ruamel.yaml import YAML

from agents.behaviours import DEFAULTS
from agents.scenario import Scenario
from experiments.experiment import Experiment
from experiments.ground import Ground
from experiments.searching.worlds import Calibrated, Uncertain, value_in
from experiments.terminal.folders import write_text
from sim.errors import SpecError
from sim.spec import Spec, parameter, read_document, validate

FILE = "ensemble.yaml"
LISTED = 1e-4  # of the greatest weight, below which a set is left out
NO_ASSUMPTION = ("title", "start", "horizon_days", "census_days", "plugins")  # may differ where an ensemble is used


class Checked(Spec):
    """A fact, and what the accepted sets say would be measured."""

    observed: float = parameter(doc="the fact")
    tolerance: float = parameter(doc="sd of its error")
    low: float = parameter(doc="5 % of what would be measured")
    median: float = parameter(doc="half of what would be measured")
    high: float = parameter(doc="95 % of what would be measured")
    fits: bool = parameter(doc="whether the fact lies between low and high")


class Fitted(Spec):
    """A free value, its prior span, and its value in each accepted set."""

    low: float = parameter(doc="lowest value that was plausible before")
    high: float = parameter(doc="highest value that was plausible before")
    log: bool = parameter(False, doc="spread evenly on a logarithmic scale")
    told: bool = parameter(doc="whether the facts identify it")
    sets: tuple[float, ...] = parameter(min_length=1, doc="value in each set")


class Ensemble(Spec):
    """Accepted parameter sets with their weights."""

    title: str = parameter(doc="of the targets")
    basis: str = parameter(doc="hash of the scenario without what was fitted")
    worth: float = parameter(gt=0, doc="equally likely sets that these are worth")
    interrupted: bool = parameter(False, doc="whether somebody stopped the rounds")
    facts: dict[str, Checked] = parameter(doc="posterior predictive check of each fact")
    free: dict[str, Fitted] = parameter(min_length=1, doc="fitted values by dotted path into the scenario")
    weights: tuple[float, ...] = parameter(min_length=1, doc="how plausible each set is; adding up to 1")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if min(self.weights) <= 0:
            raise ValueError("every weight must be above 0; leave the set out")
        for path, fitted in self.free.items():
            if len(fitted.sets) != len(self.weights):
                raise ValueError(f"free.{path}: {len(fitted.sets)} sets, and there are {len(self.weights)} weights")
            if not all(fitted.low <= value <= fitted.high for value in fitted.sets):
                raise ValueError(f"free.{path}: a set lies outside {fitted.low:g} … {fitted.high:g}")
        return self

    @property
    def failed(self) -> tuple[str, ...]:
        """Facts that the sets do not show."""
        return tuple(name for name, fact in self.facts.items() if not fact.fits)

    def save(self, folder: Path) -> Path:
        """Write the document into a folder."""
        yaml, text = YAML(typ="safe", pure=True), io.StringIO()
        yaml.width, yaml.sort_base_mapping_type_on_output = 120, False  # type: ignore[assignment]
        yaml.dump(self.model_dump(mode="json"), text)
        return write_text(folder / FILE, text.getvalue())


def read_ensemble(path: Path) -> Ensemble:
    """Read an ensemble. Raises SpecError with file, line and cure for what is wrong with it."""
    document = read_document(path / FILE if path.is_dir() else path)
    return validate(Ensemble, document.data, document)


def basis_of(scenario: Scenario, paths: Iterable[str]) -> str:
    """Hash of a scenario without the values at some paths and without what is no assumption."""
    data = scenario.model_dump(mode="json", exclude=set(NO_ASSUMPTION))
    if not scenario.only_named_behaviours:
        data["behaviours"] = {**{kind.kind: kind().dump() for kind in DEFAULTS}, **data["behaviours"]}
    for path in paths:
        *parents, last = path.split(".")
        node = data
        for step in parents:
            node = node[int(step)] if isinstance(node, list) else node[step]
        node[int(last) if isinstance(node, list) else last] = None
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def with_ensemble(design: Experiment, ground: Ground) -> tuple[Experiment, Ground]:
    """An experiment whose worlds are the sets of the ensemble that it names, and ground that says so.

    Raises
    ------
    SpecError
        When the document cannot be read, was fitted to another scenario, or fits what the experiment calls uncertain
        itself.
    """
    if design.ensemble is None:
        return design, ground
    place = f"ensemble: {design.ensemble}"
    found = read_ensemble(Path(design.ensemble))
    own = {path for path, spread in design.uncertain.items() if not isinstance(spread, Calibrated)}  # not from a run
    twice = sorted(found.free.keys() & own)
    if twice:
        raise SpecError(f"'{twice[0]}' is calibrated, and `uncertain` too", place=place, cure="drop it there")
    for path in found.free:
        value_in(ground.scenario, path)
    if basis_of(ground.scenario, found.free) != found.basis:
        raise SpecError(
            "these sets were fitted to another scenario: it differs in more than what was fitted", place=place,
            cure="calibrate this scenario",
        )  # fmt: skip
    spreads = {path: _spread(found, path, design.ensemble, ground.scenario) for path in found.free}
    design = design.model_copy(update={"uncertain": {**design.uncertain, **spreads}})
    return design, replace(ground, notes=(*ground.notes, in_words(found, design)))


def _spread(found: Ensemble, path: str, name: str, scenario: Scenario) -> Uncertain:
    fitted, own = found.free[path], value_in(scenario, path)
    low, high = min(*fitted.sets, own), max(*fitted.sets, own)
    if low == high:  # a single set, at the scenario's own value
        low, high = fitted.low, fitted.high
    return Calibrated(low=low, high=high, log=fitted.log, ensemble=name, sets=fitted.sets, weights=found.weights)


def in_words(found: Ensemble, design: Experiment) -> str:
    """What an ensemble is and how far it can be believed, in sentences for the report."""
    n, kept = len(found.facts), len(found.facts) - len(found.failed)
    open_ = [path for path, fitted in found.free.items() if not fitted.told]
    text = (
        f"Calibrated: {design.worlds} worlds are drawn by weight from {len(found.weights)} parameter sets, worth "
        f"{found.worth:.0f} equally likely ones, that `siyu calibrate` accepted for '{found.title}' "
        f"({design.ensemble}); {kept} of {n} target figures lie inside what the sets say would be measured."
    )
    if found.failed:
        text += f" Not shown: {', '.join(found.failed)}."
    if open_:
        text += f" The targets do not identify {', '.join(open_)}: there the sets cover the whole span."
    return text
