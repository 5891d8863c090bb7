"""Replicates by content: nothing is lived twice, and what is read is what was lived."""

from __future__ import annotations

import json
import resource
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.cli import app
from experiments.load import load
from experiments.metrics import Outcome
from experiments.run import ReplicateError, Task, Workers, live
from experiments.searching.replicates import digests
from experiments.searching.replicates.cache import FILE, Cache, Replicates, packed, unpacked
from sim import SiyuError
from sim.spec import validate
from tests.unit.test_study import in_child

SCENARIO = validate(Scenario, {"title": "shop", "horizon_days": 20, "population": {"size": 30}})
POLICY = validate(
    Policy, {"title": "as it is", "actions": {"adverts": {"kind": "advert", "calendar": {"per_week": 3}}}}
)
RENAMED = POLICY.model_copy(update={"title": "another name"})
OTHER = validate(Policy, {"title": "as it is", "actions": {"adverts": {"kind": "advert", "calendar": {"per_week": 2}}}})


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return live(SCENARIO, POLICY, 1)


class Counting:
    """Workers that live nothing and remember what they were asked."""

    def __init__(self, outcome: Outcome, scenarios: Sequence[Scenario] = (SCENARIO,)) -> None:
        self.scenarios, self.learned, self.outcome = list(scenarios), None, outcome
        self.asked: list[Task] = []

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        for index in reversed(range(len(tasks))):
            self.asked.append(tasks[index])
            yield (
                index,
                Outcome(tasks[index].seed, {**self.outcome.values, "spend": float(tasks[index].seed)}, {}, {}, {}),
            )


def same(one: Outcome, other: Outcome) -> bool:
    return packed(one) == packed(other) and repr(one) == repr(other)


# -- bytes ------------------------------------------------------------------------------------------------------------


def test_outcome_survives_as_it_is(outcome: Outcome) -> None:
    back = unpacked(packed(outcome))
    assert same(back, outcome)
    assert back.weekly["profit"].flags.writeable
    assert list(back.values) == list(outcome.values)
    assert all(type(back.values[name]) is float for name in back.values)
    assert all(type(n) is int for n in back.census.values())


def test_outcome_without_weeks_census_or_money_survives() -> None:
    empty = Outcome(3, {"clv": 0.1 + 0.2}, {}, {}, {})
    assert unpacked(packed(empty)) == empty
    odd = Outcome(2**62, {}, {}, {"a": np.array([1e-300, -0.0]), "b": np.array([]), "c": np.array([5e300])}, {})
    assert same(unpacked(packed(odd)), odd)


# -- what counts as the same ------------------------------------------------------------------------------------------


def test_nothing_is_lived_twice_in_a_run_or_in_the_next(outcome: Outcome, tmp_path: Path) -> None:
    workers = Counting(outcome)
    tasks = [Task(policy, seed) for policy in (POLICY, OTHER, RENAMED) for seed in (1, 2)]
    with Cache(tmp_path) as cache:
        replicates = Replicates(workers, cache)
        first = dict(replicates.as_done(tasks))
        assert (replicates.simulated, replicates.reused) == (4, 2)
        assert sorted(first) == list(range(6))
        assert [first[i].values["spend"] for i in range(6)] == [1, 2, 1, 2, 1, 2]
        again = dict(replicates.as_done([*tasks, Task(POLICY, 3)]))
        assert (replicates.simulated, replicates.reused) == (5, 8)
        assert [same(again[i], first[i]) for i in range(6)] == [True] * 6
    with Cache(tmp_path) as cache:
        assert len(cache) == 5
        list(Replicates(workers, cache).as_done(tasks))
    assert len(workers.asked) == 5


def test_what_decides_a_replicate_decides_its_key(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = SCENARIO.model_copy(update={"horizon_days": 21})
    workers = Counting(outcome, [SCENARIO, longer])
    tasks = [Task(POLICY, 1), Task(POLICY, 2), Task(OTHER, 1), Task(POLICY, 1, 1), Task(DO_NOTHING, 1)]
    with Cache(tmp_path) as cache:
        assert len(dict(Replicates(workers, cache).as_done(tasks))) == 5
        assert len(workers.asked) == 5
        list(Replicates(workers, cache).as_done([Task(POLICY, 1, longer)]))  # sent along, not named: the same world
        assert len(workers.asked) == 5
        learned: Any = type("Learned", (), {"digest": lambda self: "models"})()
        workers.learned = learned
        list(Replicates(workers, cache).as_done([Task(POLICY, 1)]))
        assert len(workers.asked) == 6
        workers.learned = None
        monkeypatch.setattr(digests, "world_code", lambda: "the code of tomorrow")
        list(Replicates(workers, cache).as_done([Task(POLICY, 1)]))
        assert len(workers.asked) == 7


def test_source_of_a_plug_in_is_part_of_what_is_lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "ours.py"
    text = "from agents.actions import Action\nclass Ours(Action):\n    kind = 'ours_{}'\n"
    found = []
    monkeypatch.syspath_prepend(tmp_path)
    for version in ("one", "one # changed"):
        source.write_text(text.format("x") + f"# {version}\n")
        namespace: dict[str, Any] = {"__name__": "ours"}
        exec(compile(text.format("x"), str(source), "exec"), namespace)  # as an import in another process would
        module = type(digests)("ours")
        module.__file__ = str(source)
        monkeypatch.setitem(digests.sys.modules, "ours", module)
        digests._plugin_code.cache_clear()
        found.append(digests._own([namespace["Ours"]()]))
    assert found[0] != found[1]
    assert all(found)
    assert digests._own(POLICY.actions.values()) == ""


# -- trouble ----------------------------------------------------------------------------------------------------------


def test_replicate_that_comes_to_no_number_is_named_with_the_command_that_lives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.domain import PrivateDomain

    run = PrivateDomain.run

    def spoiled(self: PrivateDomain) -> None:
        run(self)
        if self.draws.seed == 5:
            object.__setattr__(self, "spec", self.spec.model_copy(update={"discount_rate": float("nan")}))

    monkeypatch.setattr(PrivateDomain, "run", spoiled)
    with Workers([SCENARIO], processes=1) as workers, Cache(tmp_path) as cache:
        replicates = Replicates(workers, cache, folder=tmp_path / "out", options="--cut-off 2024-01-01")
        with pytest.raises(ReplicateError) as told:
            list(replicates.as_done([Task(POLICY, 4), Task(POLICY, 5), Task(POLICY, 6)]))
        assert len(cache) == 1  # what was finished before is kept
    failed = tmp_path / "out" / "failed"
    assert str(told.value) == (
        "policy 'as it is', seed 5: the replicate failed: ArithmeticError: clv is nan; to live it alone: siyu simulate "
        f"{failed}/scenario/replicate.yaml --policy {failed}/policy/replicate.yaml --cut-off 2024-01-01 "
        "--replicate-seed 5"
    )
    assert load(failed / "scenario" / "replicate.yaml") == SCENARIO
    assert load(failed / "policy" / "replicate.yaml") == POLICY


def test_replicate_is_lived_alone_by_the_command_that_an_error_tells(
    outcome: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(Counting):
        def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
            raise ReplicateError.of(tasks[0], ArithmeticError("clv is nan"))

    with pytest.raises(ReplicateError) as told:
        list(Replicates(Failing(outcome), folder=tmp_path).as_done([Task(POLICY, 1)]))
    command = told.value.cure.split("siyu ")[1]
    app([*command.split(), "--processes", "1", "--json"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert said["replicates"] == 1
    for name in ("clv", "profit", "n_order"):
        assert said["metrics"][name]["mean"] == outcome.values[name]


def test_damaged_file_is_put_aside_with_a_warning(
    outcome: Outcome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Cache(tmp_path) as cache:
        cache.put(b"k", outcome)
    (tmp_path / FILE).write_bytes(b"not a database" * 500)
    with Cache(tmp_path) as cache:
        assert cache.get(b"k") is None
        assert "replicates are lived again" in caplog.text
        cache.put(b"k", outcome)
        assert same(cache.get(b"k") or pytest.fail("lost"), outcome)
    assert (tmp_path / f"{FILE}.damaged").read_bytes().startswith(b"not a database")


def test_file_damaged_while_it_is_open_costs_time_only(outcome: Outcome, tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        for i in range(300):
            cache.put(i.to_bytes(2, "big"), outcome)
    with Cache(tmp_path) as cache:
        with (tmp_path / FILE).open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 4096 * 50)
        assert cache.get((7).to_bytes(2, "big")) is None
        cache.put(b"k", outcome)
        assert cache.get(b"k") is not None


def test_damaged_outcome_is_lived_again(outcome: Outcome, tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put(b"k", outcome)
        db = sqlite3.connect(tmp_path / FILE)
        db.execute("UPDATE outcomes SET outcome = substr(outcome, 1, 50)")
        db.commit()
        db.close()
        assert cache.get(b"k") is None


def test_full_disk_is_told_and_keeps_what_was_lived(outcome: Outcome, tmp_path: Path) -> None:
    def work() -> None:
        with Cache(tmp_path) as cache:
            cache.put(b"first", outcome)
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
            error = None
            for i in range(100):
                try:
                    cache.put(str(i).encode(), outcome)
                except SiyuError as told:
                    error = str(told)
            assert error
            assert "replicates.sqlite: the disk is full; free some space; everything finished is kept" in error

    assert in_child(work) == 0
    with Cache(tmp_path) as cache:
        assert same(cache.get(b"first") or pytest.fail("lost"), outcome)


def test_two_processes_write_into_one_file(outcome: Outcome, tmp_path: Path) -> None:
    def write(name: str) -> None:
        with Cache(tmp_path) as cache:
            for i in range(60):
                cache.put(f"{name}{i}".encode(), outcome)

    other = threading.Thread(target=lambda: in_child(lambda: write("a")))
    other.start()
    write("b")
    other.join()
    with Cache(tmp_path) as cache:
        assert len(cache) == 120
