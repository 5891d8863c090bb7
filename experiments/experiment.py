"""An experiment: which world, which status quo, which logs, which search."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import model_validator

from experiments.searching.questions.field_test import FieldTest
from experiments.searching.worlds import Uncertain
from sim.spec import Spec, parameter


class Sensitivity(Spec):
    """How the recommendation is tried against assumptions."""

    replicates: int = parameter(8, ge=0, le=1000, doc="paired replicates for each alternative; 0 tries none")
    shortlist: int = parameter(2, ge=1, le=20, doc="policies of the final round that may take the winner's place")


class Experiment(Spec):
    """A question put to a world."""

    title: str = parameter(doc="the question, in one line")
    scenario: str = parameter(doc="name or path of the scenario")
    policy: str = parameter(doc="name or path of the status quo")
    search: str | None = parameter(None, doc="name or path of the search; none for a comparison only")
    logs: str | None = parameter(None, doc="complete_journey, or a folder or file in the log schema; none for defaults")
    models: str | None = parameter(None, doc="folder of `siyu train`, instead of logs; its effects are cited priors")
    cut_off: dt.date | None = parameter(None, doc="last day that training sees; the world starts on the day after")
    zone: str | None = parameter(None, doc="time zone whose days count, as Asia/Shanghai; none takes times as written")
    lapse_days: int | Literal["auto"] = parameter("auto", doc="days of silence after which a customer counts as lapsed")
    sensitivity: Sensitivity = Sensitivity()
    uncertain: dict[str, Uncertain] = parameter(
        default_factory=dict, doc="plausible values by dotted path into the scenario: {low, high} or {values: [...]}"
    )
    ensemble: str | None = parameter(None, doc="ensemble.yaml of `siyu calibrate`: worlds are drawn from its sets")
    field_test: FieldTest = FieldTest()
    worlds: int = parameter(8, ge=2, le=256, doc="scenarios drawn from what is uncertain, which every policy meets")
    plugins: tuple[str, ...] = parameter((), doc="modules to import before this document is read")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.models and (self.logs or self.cut_off or self.zone):
            raise ValueError("models were trained on their own logs: leave out logs, cut_off and zone")
        return self
