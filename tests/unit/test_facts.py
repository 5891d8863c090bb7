"""Stylised facts: how a number becomes a verdict, and what the command tells. The facts themselves are not tested: they
may fail, and then the document says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from experiments import facts
from experiments.stylised import tiers
from experiments.stylised.document import markdown
from experiments.stylised.fact import Arm, Fact, Finding, difference, found, ratio, the
from experiments.stylised.trust import kept
from experiments.terminal.validation import app
from tests.worlds import busy_policy, busy_scenario, canonical, live, policy, scenario


def people(world: PrivateDomain) -> float:
    return len(world.customers)


def luck(world: PrivateDomain) -> float:
    return world.draws.one("test.facts")


def a_fact(low: float, high: float, measure: facts.Measure = people, name: str = "size: of the world") -> Fact:
    arm = Arm("world", scenario(30, 1), DO_NOTHING, measure)
    return Fact(name, "thirty live here", "S9", low, high, "people", (arm,), the("world"))


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.3, 0.7, "holds"), (0.5, 0.7, "open"), (0.9, 1.0, "fails"), (-1, 0.1, "fails")]
)
def test_the_interval_decides(low: float, high: float, verdict: str) -> None:
    finding = found(a_fact(low, high), {"world": np.array([0.45, 0.5, 0.55, 0.5])})
    assert (finding.mean, finding.verdict) == (pytest.approx(0.5), verdict)
    assert finding.high - finding.low == pytest.approx(2 * 3.18245 * 0.0408248 / 2, rel=1e-4)


def test_a_number_that_does_not_exist_fails() -> None:
    assert Finding(a_fact(-np.inf, np.inf), np.nan, np.nan, np.nan, 3).verdict == "fails"


def test_ratios_are_of_means_and_differences_of_pairs() -> None:
    answers = {"a": np.array([0.0, 6.0, 6.0]), "b": np.array([0.0, 1.0, 2.0])}
    pseudo = ratio("a", "b")(answers)
    assert pseudo.tolist() == pytest.approx([3 * 4 - 2 * 4, 3 * 4 - 2 * 3, 3 * 4 - 2 * 6])
    assert difference("a", "b")(answers).tolist() == [0, 5, 4]


def test_shares_of_the_tiers_are_those_of_the_events() -> None:
    world = live(busy_scenario(), busy_policy(), seed=2)
    spent: dict[int, int] = {}
    events = world.ledger.of("order", "coupon_redeemed", "member_discount")
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        spent[key] = spent.get(key, 0) + (amount if kind == world.ledger.code["order"] else -amount)
    ranked = sorted(spent.values())
    cut, top = round(0.45 * len(ranked)), round(0.8 * len(ranked))
    assert tiers.general_sales(world) == pytest.approx(sum(ranked[:cut]) / sum(ranked))
    assert tiers.high_value_sales(world) == pytest.approx(sum(ranked[top:]) / sum(ranked))
    assert tiers.general_sales(world) + tiers.core_sales(world) + tiers.high_value_sales(world) == pytest.approx(1)


def test_the_best_fifth_is_counted_by_margin() -> None:
    coupon = {"kind": "coupon", "depth": 0.2, "calendar": {"every_days": 9}}
    world = live(scenario(80, 60), policy(friday=coupon), seed=2)
    margin: dict[int, int] = {}
    events, sign = world.ledger.of("order", "goods", "coupon_redeemed"), world.ledger.signs()
    assert len(world.ledger.of("coupon_redeemed"))
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        margin[key] = margin.get(key, 0) + int(sign[kind]) * amount
    ranked = sorted(margin.values(), reverse=True)
    assert tiers.top_fifth(world) == pytest.approx(sum(ranked[: round(0.2 * len(ranked))]) / sum(ranked))


def test_the_kept_are_the_best_of_day_0_who_are_still_there() -> None:
    world = live(scenario(200, 60), policy())
    at_first = {key for day, key, kind, amount, _ in canonical(world) if (day, kind, amount) == (0, "value_tier", 2)}
    later = {key for day, key, kind, amount, _ in canonical(world) if (kind, amount) == ("value_tier", 2)}
    c = world.customers
    people = zip(c.key.tolist(), c.lapsed.tolist(), c.contact.tolist(), strict=True)
    there = {key: not lapsed and contact != 4 for key, lapsed, contact in people}
    assert at_first < later
    assert kept(world) == pytest.approx(sum(there[key] for key in at_first) / len(at_first))
    world.customers.contact[:] = 4
    assert kept(world) == 0


def test_arms_that_ask_the_same_world_share_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = a_fact(29, 31), replace(a_fact(0, 1, luck, "luck: of the world"), times=3)
    lived: list[tuple[list[str], int]] = []

    def ask(arms: list[Arm], seed: int) -> list[float]:
        lived.append(([arm.measure.__name__ for arm in arms], seed))
        return facts_ask(arms, seed)

    facts_ask = facts.ask
    monkeypatch.setattr(facts, "ask", ask)
    monkeypatch.setattr(facts, "SOURCES", (lambda: iter((one, other)),))
    check = facts.check_facts(replicates=2, processes=1)
    assert [names for names, _ in lived] == [["people", "luck"]] * 6
    seeds = [seed for _, seed in lived]
    assert [finding.replicates for finding in check.findings] == [2, 6]
    expected = [luck(live(scenario(30, 1), seed=seed)) for seed in seeds]
    assert check.findings[1].mean == pytest.approx(np.mean(expected))
    assert "2 (for facts in which luck is large: 3 times as many) replicates" in markdown(check, command="siyu")


@pytest.fixture
def two_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    def source() -> Iterator[Fact]:
        yield a_fact(29, 31)
        yield a_fact(2, 3, luck, "luck: of the world")

    monkeypatch.setattr(facts, "SOURCES", (source,))


def test_the_command_ends_with_one_when_a_fact_fails(two_facts: None, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "facts.md"
    told = CliRunner().invoke(app, ["facts", "--replicates", "3", "--processes", "1", "-o", str(out)])
    assert told.exit_code == 1
    assert "1 of 2 facts hold, 0 are open, 1 fail." in told.stdout
    text = out.read_text()
    assert "Made by `siyu validate facts --replicates 3`" in text
    assert "| of the world | thirty live here: 29 to 31 people | S9 | 30 | 30 … 30 | holds |" in text
    assert "**fails**" in text


def test_one_group_alone_holds(two_facts: None) -> None:
    told = CliRunner().invoke(app, ["facts", "size", "--replicates", "2", "--processes", "1", "--json"])
    assert told.exit_code == 0
    (finding,) = json.loads(told.stdout)["findings"]
    assert (finding["verdict"], finding["mean"], finding["expected"]) == ("holds", 30.0, [29, 31])


def test_an_unknown_fact_is_refused_with_the_nearest(two_facts: None) -> None:
    with pytest.raises(facts.SiyuError, match=r"no fact named 'sise'; did you mean 'size'"):
        facts.check_facts(["sise"])


def test_every_fact_has_a_source_and_a_name_of_its_own() -> None:
    every = facts.all_facts()
    assert len({fact.name for fact in every}) == len(every) > 15
    assert all(fact.source and fact.low < fact.high for fact in every)
