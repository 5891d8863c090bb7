"""The page on staff and after-sales: its examples load, live and do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.metrics import outcome
from experiments.searching.plan import SearchPlan
from sim.spec import Document, validate
from tests.worlds import live

PAGE = (Path(__file__).parents[2] / "docs" / "playbook" / "service.md").read_text(encoding="utf-8")
POLICY, SCENARIO, SPACE = (
    Document(text, "docs/playbook/service.md") for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
)


def test_examples_live_and_can_be_searched() -> None:
    policy, plan = validate(Policy, POLICY.data, POLICY), validate(SearchPlan, SPACE.data, SPACE)
    small = {"population": {"size": 300}, "horizon_days": 60}
    scenario = validate(Scenario, {**SCENARIO.data, **small}, SCENARIO)
    policy.check(scenario)
    plan.check(policy, scenario)
    values = outcome(live(scenario, policy)).values
    assert values["n_problem"] > values["n_quarrel"]
    assert 1 <= values["response_days"] < 4
    assert values["hours"] <= 40 * 1.3 + 12
