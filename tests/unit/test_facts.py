"""Stylised facts: how a number becomes a verdict, and what the command tells. The facts themselves are not tested: they
may fail, and then the document says so."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agents.behaviours.base import Behaviour
from agents.domain import PrivateDomain
from agents.effects import Effects
from agents.policy import DO_NOTHING
from experiments import cli, facts
from experiments.pool import Pool
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


@pytest.fixture(scope="module")
def busy() -> PrivateDomain:
    return live(busy_scenario(), busy_policy(), seed=2)


def test_shares_of_the_tiers_are_those_of_the_events(busy: PrivateDomain) -> None:
    world = busy
    spent: dict[int, int] = {}
    events = world.ledger.of("order", "coupon_redeemed", "member_discount")
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        spent[key] = spent.get(key, 0) + (amount if kind == world.ledger.code["order"] else -amount)
    ranked = sorted(spent.values())
    cut, top = round(0.45 * len(ranked)), round(0.8 * len(ranked))
    general, core, high_value = (tiers.SalesOfTier("ranked", tier)(world) for tier in range(3))
    assert general == pytest.approx(sum(ranked[:cut]) / sum(ranked))
    assert high_value == pytest.approx(sum(ranked[top:]) / sum(ranked))
    assert general + core + high_value == pytest.approx(1)


def test_sales_by_the_last_tier_and_by_that_of_the_order(busy: PrivateDomain) -> None:
    world = busy
    tier: dict[int, int] = {}
    sales = [0, 0, 0]
    sign = {"order": 1, "package": 1, "coupon_redeemed": -1, "member_discount": -1}
    events = world.ledger.events()
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        name = world.ledger.kinds[kind].name
        if name == "value_tier":
            tier[key] = amount
        sales[tier.get(key, 0)] += sign.get(name, 0) * amount
    assert all(sales)
    last, c = [0, 0, 0], world.customers
    now = dict(zip(c.key.tolist(), c.tier.tolist(), strict=True))
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        last[now.get(key, 0)] += (sign | {"package": 0}).get(world.ledger.kinds[kind].name, 0) * amount
    for number in range(3):
        assert tiers.SalesOfTier("reviewed", number)(world) == pytest.approx(last[number] / sum(last))
        assert tiers.SalesOfTier("then", number)(world) == pytest.approx(sales[number] / sum(sales))


def test_what_is_asked_of_one_world_is_told_apart() -> None:
    """Arms share a life by their keys: two measures under one key would have one answer."""
    asked = [arm.key for fact in tiers.facts() for arm in fact.arms]
    assert len(set(asked)) == len(asked) == 4 * 9 + 3 * 2


def test_the_best_fifth_is_counted_by_all_that_customers_cost_and_bring() -> None:
    adverts = {"kind": "advert", "cost_cny": 0.3, "calendar": {"per_week": 3}}
    coupon = {"kind": "coupon", "depth": 0.2, "calendar": {"every_days": 9}}
    world = live(scenario(80, 60), policy(friday=coupon, adverts=adverts), seed=2)
    profit = dict.fromkeys(world.customers.key.tolist(), 0)
    events, sign = world.ledger.events(), world.ledger.signs()
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        if key >= 0:
            profit[key] += int(sign[kind]) * amount
    buyers = set(world.ledger.of("order").key.tolist())
    assert 10 < len(buyers) < len(profit) == 80
    assert min(profit.values()) < 0
    for people, measure in ((buyers, tiers.best_fifth_of_buyers), (set(profit), tiers.best_fifth_of_contacts)):
        ranked = sorted((profit[key] for key in people), reverse=True)
        assert measure(world) == pytest.approx(sum(ranked[: round(0.2 * len(ranked))]) / sum(ranked))


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
    assert "| of the world | emergent | thirty live here: 29 to 31 people | S9 | 30 | 30 … 30 | holds |" in text
    assert "**fails**" in text
    assert "Of the 2 that are emergent and not tuned, 1 hold." in text


def test_a_rule_that_makes_a_fact_is_told_and_another_reading_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def source() -> Iterator[Fact]:
        yield replace(a_fact(29, 31), rule="`population.size` says so", tuned=True)
        yield replace(a_fact(2, 3, name="size: of another"), judged=False)

    monkeypatch.setattr(facts, "SOURCES", (source,))
    told = CliRunner().invoke(app, ["facts", "--processes", "1"])
    assert told.exit_code == 0
    assert "Made by `siyu validate facts`." in told.stdout
    assert "1 of 1 facts hold, 0 are open, 0 fail. Of the 0 that are emergent" in told.stdout
    table, _, rest = told.stdout.partition("## What follows from one rule")
    assert "| of the world | direct, *tuned* |" in table
    assert "of another" not in table
    rules, _, others = rest.partition("## Other readings")
    assert "- size: of the world: `population.size` says so." in rules
    assert "| of another | emergent | thirty live here: 2 to 3 people | S9 | 30 | 30 … 30 | **fails** |" in others


def test_ctrl_c_leaves_the_old_document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, two_facts: None) -> None:
    def stop(arms: object, seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(facts, "ask", stop)
    (out := tmp_path / "facts.md").write_text("of yesterday")
    told = CliRunner().invoke(cli.app, ["validate", "facts", "--processes", "1", "-o", str(out)])
    assert told.exit_code == cli.INTERRUPTED
    assert [path.name for path in tmp_path.iterdir()] == ["facts.md"]
    assert out.read_text() == "of yesterday"


def test_a_place_that_cannot_be_written_is_refused_before_the_work(two_facts: None, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = CliRunner().invoke(cli.app, ["validate", "facts", "-o", str(tmp_path / "file" / "facts.md")])
    assert told.exit_code == cli.USER_ERROR
    assert "asking" not in told.stderr
    assert "nothing can be written here" in " ".join(told.stderr.split())


def test_what_killed_workers_leave_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed:
        def __init__(self, processes: int, *, initializer: object, initargs: tuple[int, str]) -> None:
            self.scratch = Path(initargs[1])
            (self.scratch / "half a search").mkdir()

        def shutdown(self, *, wait: bool, kill_workers: bool) -> None:
            assert kill_workers

    monkeypatch.setattr("experiments.pool.ProcessPoolExecutor", Killed)
    with contextlib.suppress(KeyboardInterrupt), Pool(2) as pool:
        assert isinstance(pool._pool, Killed)
        scratch = pool._pool.scratch
        assert scratch.exists()
        raise KeyboardInterrupt
    assert not scratch.exists()


def test_one_group_alone_holds(two_facts: None) -> None:
    told = CliRunner().invoke(app, ["facts", "size", "--replicates", "2", "--processes", "1", "--json"])
    assert told.exit_code == 0
    (finding,) = json.loads(told.stdout)["findings"]
    assert (finding["verdict"], finding["mean"], finding["expected"]) == ("holds", 30.0, [29, 31])


def test_an_unknown_fact_is_refused_with_the_nearest(two_facts: None) -> None:
    with pytest.raises(facts.SiyuError, match=r"no fact named 'sise'; did you mean 'size'"):
        facts.check_facts(["sise"])


@pytest.fixture(scope="module")
def every() -> tuple[Fact, ...]:
    return facts.all_facts()


def test_every_fact_has_a_source_and_a_name_of_its_own(every: tuple[Fact, ...]) -> None:
    assert len({fact.name for fact in every}) == len(every) > 15
    assert all(fact.source and fact.low < fact.high for fact in every)


def test_rules_that_make_facts_name_what_there_is(every: tuple[Fact, ...]) -> None:
    """A parameter that is renamed must not go on standing in the document."""
    named = [name for fact in every for name in re.findall(r"`([\w.]+)`", fact.rule)]
    assert len(named) > 10
    for name in named:
        kind, _, field = name.partition(".")
        fields = Effects.model_fields if kind == "effects" else Behaviour.REGISTRY[kind].model_fields
        assert not field or field in fields, name
