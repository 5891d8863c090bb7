"""The page on search spaces: its examples load, work, and cover every kind of lever."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.policy import Policy
from experiments.load import load
from experiments.searching.plan import SearchPlan
from experiments.searching.space.coordinates import Coordinates
from experiments.searching.space.levers import LEVERS
from sim.spec import Document, validate

PAGE = (Path(__file__).parents[2] / "docs" / "search_spaces.md").read_text(encoding="utf-8")
POLICY, *SPACES = (Document(text, "docs/search_spaces.md") for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S))


@pytest.mark.parametrize("document", SPACES, ids=lambda d: d.data["title"])
def test_examples_work_in_the_shipped_world(document: Document) -> None:
    policy, plan = validate(Policy, POLICY.data), validate(SearchPlan, document.data, document)
    scenario = load("scenario/sparkling_drinks")
    plan.check(policy, scenario)
    assert plan.policy(policy, plan.params_of(policy)) == policy
    coordinates = Coordinates(plan.dimensions())
    for row in coordinates.sobol(8, seed=1):
        plan.policy(policy, coordinates.params(row)).check(scenario)


def test_every_kind_has_an_example() -> None:
    shown = [type(lever) for document in SPACES for lever in validate(SearchPlan, document.data).space.values()]
    assert set(shown) == set(LEVERS.values())
    assert any(lever.when for document in SPACES for lever in validate(SearchPlan, document.data).space.values())
