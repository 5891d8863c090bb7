"""Category statements: worlds that differ in one property, and where a search's money goes by the ledger.

Which purposes get it is not tested: a statement may fail, and then the document says so.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.domain import PrivateDomain
from agents.scenario import Scenario
from experiments import facts
from experiments.ground import check_documents
from experiments.metrics import outcome
from experiments.stylised import categories
from experiments.stylised.budget import (
    EFFORT,
    PURPOSES,
    Optimum,
    Spending,
    plan_of,
    search_spending,
    spent_by_purpose,
    status_quo,
)
from experiments.terminal.validation import app

QUICK = EFFORT | {"trials": 3, "finalists": 1, "final_replicates": 2, "holdout_replicates": 2}


def small(scenario: Scenario, size: int = 80, days: int = 21) -> Scenario:
    people = scenario.population.model_copy(update={"size": size})
    return scenario.model_copy(update={"population": people, "horizon_days": days})


def leaves(data: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(data, dict):
        return {path: data}
    return {p: v for key, value in data.items() for p, v in leaves(value, f"{path}.{key}").items()}


def test_the_purposes_share_all_that_is_spent() -> None:
    world = PrivateDomain(scenario := small(categories.world(), 300, 40), status_quo(scenario), seed=3)
    world.run()
    spent = spent_by_purpose([outcome(world)])
    assert sum(spent.values()) == pytest.approx(outcome(world).values["spend"], abs=0.01)
    assert all(spent[purpose] > 0 for purpose in PURPOSES)
    totals = world.ledger.totals()
    media = totals.amount[totals.kind == world.ledger.code["media"]].sum() / 100
    assert spent["acquisition"] == pytest.approx(media)
    rewards = world.ledger.of("reward")
    assert spent["referral"] == pytest.approx(rewards.amount.sum() / 100)
    twice = spent_by_purpose([outcome(world)] * 2)
    assert twice == pytest.approx(spent)


def test_fixed_costs_of_the_budget_are_those_of_the_policy() -> None:
    scenario = small(categories.world(), days=70)  # whole weeks
    plan, base = plan_of(scenario, 1, EFFORT), status_quo(scenario)
    parts = {path: plan.values_of(base)[path] for path in plan.space["money"].over}
    cost = sum(value * plan.space["money"].cost[path] for path, value in parts.items())
    messages = base.actions["goodwill_posts"].calendar.per_week * 10 * 0.02 * scenario.population.size
    assert cost == pytest.approx(base.fixed_cost_cny(scenario) + messages, rel=0.02)


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"frequency": "low"}, {".buying."}),
        ({"chain": "long"}, {".behaviours.purchase."}),
        ({"interaction": "strong"}, {".friends.", ".behaviours.word_of_mouth.", ".behaviours.attention."}),
    ],
)
def test_a_world_differs_from_the_base_along_its_axis_alone(changed: dict[str, str], parts: set[str]) -> None:
    base, other = (leaves(w.model_dump()) for w in (categories.world(), categories.world(**changed)))
    different = {path for path in base | other if base.get(path) != other.get(path)} - {".title"}
    assert different
    assert all(path.startswith(tuple(parts)) for path in different)
    assert all(any(path.startswith(part) for path in different) for part in parts)


def test_every_world_can_be_searched() -> None:
    for axis in categories.AXES:
        for end in axis.ends:
            scenario = categories.world(**{axis.name: end})
            check_documents(scenario, status_quo(scenario), plan_of(scenario, 2**60 + 1, EFFORT))


def test_a_search_divides_the_budget() -> None:
    scenario = small(categories.world(), 30, 10)
    found = search_spending(scenario, 5, QUICK)
    assert sum(found.share(purpose) for purpose in PURPOSES) == pytest.approx(1)
    assert 0 < found.total < 1.5 * 12 * scenario.population.size


def test_a_search_that_is_broken_off_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off = SimpleNamespace(course=SimpleNamespace(interrupted=True))
    monkeypatch.setattr("experiments.stylised.budget.search_ground", lambda *_, **__: broken_off)
    with pytest.raises(KeyboardInterrupt):
        search_spending(small(categories.world(), 30, 10), 5, QUICK)


def test_nothing_spent_has_no_shares() -> None:
    nothing = Spending(dict.fromkeys(PURPOSES, 0.0), 0.0)
    assert nothing.share("acquisition") != nothing.share("acquisition")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Answers without searches: acquisition gets 60 % at the first end of each axis and 20 % at the other."""
    calls: list[tuple[str, int]] = []

    def answer(self: Optimum, seed: int) -> Spending:
        calls.append((self.title, seed))
        acquisition = 60 + seed % 2 if self.title.split()[0] in ("low", "short", "weak") else 20 + seed % 3
        rest = (100 - acquisition) / 4
        return Spending({p: float(acquisition) if p == "acquisition" else rest for p in PURPOSES}, 1.0)

    monkeypatch.setattr(Optimum, "answer", answer)
    monkeypatch.setattr(facts, "SOURCES", (categories.facts,))
    return calls


def test_one_search_answers_all_statements_of_its_world(asked: list[tuple[str, int]]) -> None:
    check = facts.check_facts(["categories"], replicates=9, searches=3, processes=1)
    assert len(asked) == len(set(asked)) == 6 * 3
    assert len({seed for _, seed in asked}) == 3  # paired: the same seeds in all worlds
    assert len(check.findings) == 6
    assert not check.failed()
    assert [f.replicates for f in check.findings] == [3] * 6
    assert 0.38 < check.findings[0].mean < 0.41
    assert len(check.optima["weak interaction"]) == 3


def test_the_same_share_at_both_ends_does_not_hold(
    asked: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spending = Spending(dict.fromkeys(PURPOSES, 1.0), 1.0)
    monkeypatch.setattr(Optimum, "answer", lambda self, seed: spending)
    assert len(facts.check_facts(["categories"], searches=2, processes=1).failed()) == 6


def test_the_document_shows_where_the_money_goes(asked: list[tuple[str, int]]) -> None:
    told = CliRunner().invoke(app, ["facts", "categories", "--searches", "2", "--processes", "1"])
    assert told.exit_code == 0
    assert "--searches 2`" in told.stdout
    assert "| acquisition, low less high purchase frequency |" in told.stdout
    row = next(line for line in told.stdout.splitlines() if line.startswith("| long decision chain"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1].startswith("2")
    assert cells[-2:] == ["100 (100 … 100)", "1 (1 … 1)"]
