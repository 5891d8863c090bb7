"""Every shipped experiment can be lived and searched as it is: documents load, fit each other, name their sources."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.experiment import Sensitivity
from experiments.ground import prepare
from experiments.load import load, shipped
from experiments.reporting.words import lever_words
from experiments.search import search_ground
from experiments.searching.plan import SearchPlan
from experiments.terminal.describe import values
from sim.ledger import Ledger

NAMES = [name.removeprefix("experiment/") for name in shipped("experiment")]
LOGGED = {"grocery"}  # documented by logs, not by one of S0 … S4
DAYS, PEOPLE, CHANNEL = 15, 300, 400  # fifteen days: what happens every fortnight does so twice


def documents(name: str) -> tuple[Scenario, Policy, SearchPlan]:
    design = load(name, "experiment")
    assert design.search is not None
    return load(design.scenario, "scenario"), load(design.policy, "policy"), load(design.search, "search")


def smaller(scenario: Scenario) -> Scenario:
    """The same world for a fortnight, with fewer people and as many hours for each of them."""
    share = min(PEOPLE / scenario.population.size, 1.0)
    channels = {
        name: spec.model_copy(update={"volume": CHANNEL, "organic_per_day": spec.organic_per_day * share})
        for name, spec in scenario.channels.items()
    }
    return scenario.model_copy(
        update={
            "population": scenario.population.model_copy(update={"size": min(PEOPLE, scenario.population.size)}),
            "channels": channels,
            "horizon_days": DAYS,
        }
    )


def counted(ledger: Ledger, kind: str) -> int:
    totals = ledger.totals()
    return int(totals.n[totals.kind == ledger.code[kind]].sum())


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_fits_together(name: str) -> None:
    """The policy works in its scenario, levers exist there, and both ends of each (and of each two) are allowed."""
    scenario, policy, search = documents(name)
    policy.check(scenario)
    search.check(policy, scenario)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_lives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers see and (but for rarely bought goods) buy something in a fortnight; staff work within their hours."""
    scenario, policy, _ = documents(name)
    monkeypatch.setattr(Policy, "check", lambda *_: None)  # dates may lie beyond a fortnight
    world = PrivateDomain(smaller(scenario), policy, seed=1, detail=False)
    world.run(None)
    assert counted(world.ledger, "order") > 0 or scenario.buying.orders_per_year < 1
    assert counted(world.ledger, "view") > 0
    assert policy.hours_asked_per_week() <= scenario.staff.hours_per_week


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LOGGED])
def test_a_preset_names_its_source(name: str) -> None:
    """Every number that a preset gives says where it comes from, and some of them is documented."""
    design = load(name, "experiment")
    told = [value for document in (design.scenario, design.policy) for value in values(document)[1] if value.given]
    numbers = [value for value in told if re.fullmatch(r"-?[\d.]+", value.value)]
    assert all(value.source for value in numbers)
    assert any(re.search(r"\bS[0-4]\b", value.source) for value in told)


LEAST = {
    "trials": 3, "replicates": 2, "finalists": 1, "final_replicates": 2, "final_rounds": 1, "holdout_replicates": 2,
    "design": 0, "fronts": [],
}  # fmt: skip


@pytest.mark.parametrize("name", ["wine_club", "light_food_groups"])  # a table that grows; weekdays, switches, hours
def test_a_preset_is_searched(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole space of a preset, from the first trial to the claim; each lever has words of its own."""
    monkeypatch.setattr(Policy, "check", lambda *_: None)  # dates may lie beyond two days
    design = load(name, "experiment").model_copy(update={"sensitivity": Sensitivity(replicates=0)})
    ground = prepare(design)
    short = smaller(ground.scenario).model_copy(update={"horizon_days": 2})
    found = search_ground(
        replace(ground, scenario=short), design, out=tmp_path, processes=1, overrides={**LEAST, "budget": 1e6}
    )
    assert found.claim.n == LEAST["holdout_replicates"]
    labels = [lever_words(d.name) for d in found.plan.dimensions()]
    assert len(set(labels)) == len(labels)
    assert not any("_" in label or "actions" in label for label in labels)
