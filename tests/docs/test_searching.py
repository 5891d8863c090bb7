"""The page on searching: its small search is one that can be copied."""

from __future__ import annotations

import re
from pathlib import Path

from experiments.experiment import Experiment
from experiments.load import load
from experiments.searching.plan import SearchPlan
from sim.spec import Document, validate

PAGE = Path(__file__).parents[2] / "docs" / "searching.md"


def test_the_small_search_suits_the_shipped_world() -> None:
    first, second = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    experiment = validate(Experiment, Document(first, "mine.yaml").data)
    plan = validate(SearchPlan, Document(second, str(experiment.search)).data)
    plan.check(load(str(experiment.policy), "policy"), load(str(experiment.scenario), "scenario"))
