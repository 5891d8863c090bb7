"""The command line: the numbers of the Python API, complete folders or none, and one object where JSON is asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from agents.models import CustomerModels
from experiments import compare, load, load_logs, simulate
from experiments.cli import app
from experiments.compare import difference
from experiments.reporting import story_answer
from experiments.reporting.record import RunRecord
from experiments.run import seeds_for
from experiments.terminal import tell
from experiments.terminal.closeup import live_closely
from experiments.terminal.console import Bars, mendable
from experiments.terminal.folders import NewFolder, search_folder
from sim.errors import StudyError
from tests.desk import SEARCHING, SIMULATE, desk, run

__all__ = ["desk"]  # a fixture

ROOT = Path(__file__).parents[2]
COMPARE = ("compare", "policy/winback", "quo.yaml", "--scenario", "world.yaml", "--replicates", "3", "--processes", "1")
COMMANDS = [
    (command,)
    for command in ("simulate", "compare", "search", "worker", "calibrate", "train", "report", "describe", "schema")
]


# -- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), *COMMANDS, ("validate",), ("validate", "forecast")])
def test_help_is_there(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def options() -> list[Any]:
    group: Any = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {"": command})
        found += [pytest.param(option, id=f"{name} {option.name}") for c in inner.values() for option in c.params]
    return found


@pytest.mark.parametrize("option", options())
def test_every_option_says_what_it_is_and_its_default(option: Any) -> None:
    assert option.help.endswith((".", "all."))
    if option.param_type_name == "option" and not option.required and not option.is_flag:
        assert option.show_default or option.default is not None or "efault" in option.help


def test_help_comes_at_once() -> None:
    """Nothing that takes long is imported for it."""
    code = "import sys, experiments.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "pydantic", "mesa", "optuna", "sklearn", "matplotlib", "scipy", "loky"}
    assert not heavy & set(done.stdout.split())


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("siyu ")


# -- the same numbers as from Python ----------------------------------------------------------------------------------


def test_simulate_tells_the_numbers_of_the_api(desk: Path) -> None:
    said = run(desk, *SIMULATE[:4], "--replicates", "3", "--seed", "7", "--processes", "1", "--json")
    found = json.loads(said.out)
    results = simulate(load("world.yaml", "scenario"), load("quo.yaml", "policy"), replicates=3, seed=7, processes=1)
    frame = results.frame()
    for metric in ("clv", "equity", "spend", "n_order"):
        assert found["metrics"][metric]["mean"] == pytest.approx(frame[metric].mean(), rel=1e-12)
    assert (found["replicates"], found["seed"], found["currency"]) == (3, 7, "CNY")
    assert found["folder"] is None
    assert said.new == set()


def test_compare_tells_the_numbers_of_the_api(desk: Path) -> None:
    found = json.loads(run(desk, *COMPARE, "--json").out)
    verdict = compare(
        load("policy/winback"), load("quo.yaml", "policy"), scenario=load("world.yaml", "scenario"), replicates=3,
        processes=1,
    )  # fmt: skip
    assert found["summary"] == str(verdict)
    assert found["differences"]["clv"]["low"] == verdict.differences["clv"].low
    assert found["policies"] == ["win-back", "status quo"]


def test_one_replicate_has_no_interval(desk: Path) -> None:
    """JSON knows no NaN."""
    said = run(desk, *SIMULATE, "--json")
    assert "NaN" not in said.out
    assert json.loads(said.out)["metrics"]["clv"]["low"] is None


def test_text_tells_the_same(desk: Path) -> None:
    said = run(desk, *SIMULATE, "--profile")
    clv = json.loads(run(desk, *SIMULATE, "--json").out)["metrics"]["clv"]["mean"]
    assert f" {clv:,.2f} " in said.out
    assert all(phase in said.out for phase in ("arrive", "operate", "purchase", "observe", "all phases"))


@pytest.mark.parametrize(
    "command", [SIMULATE, COMPARE, ("describe",), ("describe", "coupon"), ("describe", "policy/winback")]
)
def test_json_is_one_object_on_standard_output(desk: Path, command: tuple[str, ...]) -> None:
    said = run(desk, *command, "--json")
    assert said.code == 0
    assert isinstance(json.loads(said.out), dict)


# -- folders ----------------------------------------------------------------------------------------------------------


def test_results_are_kept_and_never_written_over(desk: Path) -> None:
    first = run(desk, *SIMULATE, "--out", "runs/one", "--events")
    kept = {path: path.read_bytes() for path in (desk / "runs" / "one").iterdir()}
    assert {path.name for path in kept} >= {"replicates.parquet", "provenance.json", "report.html", "events.parquet"}
    assert not {name for name in first.new if name.startswith("runs/.")}
    second = run(desk, *SIMULATE, "--out", "runs/one")
    assert second.out.splitlines()[-1] == "folder: runs/one-2"
    assert kept == {path: path.read_bytes() for path in kept}
    remade = json.loads(run(desk, "report", "runs/one-2", "--json").out)
    assert Path(remade["report"]) == Path("runs/one-2/report.html")


def test_events_are_those_of_the_first_replicate(desk: Path) -> None:
    said = json.loads(run(desk, *SIMULATE, "--out", "run", "--events", "--json").out)
    events = pd.read_parquet(desk / "run" / "events.parquet")
    assert list(events) == ["day", "date", "key", "event", "amount", "unit", "source"]
    assert (events["event"] == "order").sum() == said["metrics"]["n_order"]["mean"] > 0
    assert events["date"].min() == pd.Timestamp(said["start"])
    media = events[events["event"] == "media"]
    assert (media["amount"].unique().tolist(), media["source"].unique().tolist()) == ([500], ["media.store"])
    assert (media["key"] == -1).all()


def test_a_closer_look_changes_nothing() -> None:
    world, policy = load("scenario/sparkling_drinks"), load("policy/winback")
    world = world.model_copy(update={"horizon_days": 10})
    plain = live_closely(world, policy, seed=3, profile=True)
    assert plain.events is None
    assert sum(plain.seconds.values()) > 0
    events = live_closely(world, policy, seed=3, events=True).events
    assert events is not None
    orders = simulate(world, policy, replicates=1, processes=1).frame()["n_order"][0]
    assert (events["event"] == "order").sum() != orders  # another seed is other luck, so the test below can fail
    first = simulate(world, policy, replicates=1, processes=1).frame()["seed"][0]
    again = live_closely(world, policy, seed=int(first), events=True).events
    assert again is not None
    assert (again["event"] == "order").sum() == orders


def test_a_new_folder_is_complete_or_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with NewFolder(tmp_path / "a" / "b" / "run") as half:
            (half.path / "half").touch()
            assert not (tmp_path / "a" / "b" / "run").exists()
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run").mkdir()
    (tmp_path / "run-2").touch()
    with NewFolder(tmp_path / "run") as folder:
        (folder.path / "all").touch()
    assert folder.path == tmp_path / "run-3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run-2", "run-3"]
    assert folder.path.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_where_a_search_runs(tmp_path: Path) -> None:
    wanted = tmp_path / "run"
    assert search_folder(wanted) == wanted
    wanted.mkdir()
    assert search_folder(wanted) == wanted  # empty
    (wanted / "study.journal").touch()
    assert search_folder(wanted) == wanted  # unfinished
    (wanted / "record.json").touch()
    assert search_folder(wanted) == wanted  # still: this file is not the last one of a search
    (wanted / "recommendation.json").touch()
    assert search_folder(wanted) == tmp_path / "run-2"
    (tmp_path / "run-2").mkdir()
    (tmp_path / "run-2" / "record.json").touch()  # of a finished simulate
    assert search_folder(wanted) == tmp_path / "run-3"
    (tmp_path / "run-3").mkdir()
    (tmp_path / "run-3" / "thesis.txt").touch()
    with pytest.raises(StudyError, match="something that is no search"):
        search_folder(wanted)


def test_full_disks_are_the_users_matter_and_bugs_are_ours() -> None:
    assert mendable(OSError(28, "No space left on device", "runs/x")) == (
        "runs/x: no space left on device; give another path or free this one"
    )
    assert mendable(OSError(5, "Input/output error", "runs/x")) is None
    assert mendable(FileNotFoundError(2, "No such file", "ours.j2")) is None
    assert mendable(ValueError("ours")) is None


# -- search -----------------------------------------------------------------------------------------------------------


def recommendation(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "recommendation.json").read_text(encoding="utf-8"))
    return found


def test_search_names_its_folder_and_keeps_finished_ones(desk: Path) -> None:
    said = run(desk, *SEARCHING)
    assert said.out.splitlines()[-2:] == ["report: runs/question/report.html", "folder: runs/question"]
    assert "runs/question/report.html" in said.new
    kept = {path: path.read_bytes() for path in (desk / "runs" / "question").iterdir()}
    again = json.loads(run(desk, *SEARCHING, "--json").out)
    assert again["folder"] == "runs/question-2"
    assert kept == {path: path.read_bytes() for path in kept}
    first = recommendation(desk / "runs" / "question")
    assert {name: again[name] for name in ("winner", "policy", "finalists")} == {
        name: first[name] for name in ("winner", "policy", "finalists")
    }


def test_options_of_search_change_the_plan(desk: Path) -> None:
    run(desk, *SEARCHING, "--trials", "11", "--replicates", "3", "--holdout", "6", "--seed", "9")
    trials = pd.read_parquet(desk / "runs" / "question" / "trials.parquet")
    provenance = json.loads((desk / "runs" / "question" / "provenance.json").read_text(encoding="utf-8"))
    replicates = pd.read_parquet(desk / "runs" / "question" / "replicates.parquet")
    assert trials["replicates"].tolist() == [3] * 11
    holdout = replicates.loc[replicates["arm"] == "status quo", "seed"]
    assert holdout.tolist() == list(range(provenance["seeds"]["holdout"], provenance["seeds"]["holdout"] + 6))
    assert provenance["seeds"]["holdout"] == seeds_for("holdout", 1, 9)[0]


def test_an_interrupted_search_reports_the_best_so_far_and_goes_on(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(desk, *SEARCHING, "--out", "whole", "--trials", "12")
    stopped = []

    def step(self: Bars, done: int, note: str = "") -> None:
        if note and not stopped:  # after the first trials
            stopped.append(done)
            raise KeyboardInterrupt

    command = (*SEARCHING, "--out", "broken off", "--trials", "12")
    with monkeypatch.context() as patch:
        patch.setattr(Bars, "step", step)
        said = run(desk, *command)
    assert said.code == 0
    assert said.out.startswith(f"This search was stopped by hand after {stopped[0]} of 12 trials.")
    assert "The same command goes on where it stopped." in in_one_line(said.out)
    assert {"broken off/study.journal", "broken off/report.html"} <= said.new
    assert recommendation(desk / "broken off")["interrupted"]
    went_on = run(desk, *command)
    assert went_on.code == 0
    assert went_on.out.splitlines()[-1] == "folder: broken off"
    assert "stopped by hand" not in went_on.out
    assert recommendation(desk / "broken off") == recommendation(desk / "whole")


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_search_tells_the_story_of_its_report(desk: Path) -> None:
    (desk / "plan.yaml").write_text((desk / "plan.yaml").read_text() + "budget: 500\n", encoding="utf-8")
    said = run(desk, *SEARCHING)
    facts = RunRecord.load(desk / "runs" / "question").facts
    told = story_answer.recommendation(facts)
    seen = in_one_line(said.out)
    assert said.out.startswith(told.title)
    places = [seen.index(text) for text in (*filter(None, told.sentences), "Limits: On the holdout seeds", "report: ")]
    assert places == sorted(places)
    for change in story_answer.changes(facts):
        assert f"{change.label} {change.before} {change.after}" in seen
    assert max(len(line) for line in said.out.splitlines() if not line.startswith(("report", "folder"))) <= 150
    story = json.loads(run(desk, *SEARCHING, "--json").out)["story"]
    assert story[0] == told.title
    assert all(sentence in in_one_line(said.out) for sentence in story)


def test_an_interruption_before_anything_leaves_nothing(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("experiments.ground"), "prepare", stop)
    monkeypatch.setattr(import_module("experiments.search"), "prepare", stop)
    for command in (SEARCHING, (*SIMULATE, "--out", "runs/x")):
        said = run(desk, *command)
        assert said.code == 130
        assert said.err == "Interrupted. Nothing was written; the same command begins again.\n"
        assert said.new == set()


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_control_c_ends_the_program_and_its_workers(desk: Path) -> None:
    """The real signal, sent to the whole group as a terminal does."""
    (desk / "world.yaml").write_text("title: t\npopulation: {size: 20000}\n", encoding="utf-8")
    (desk / "quo.yaml").write_text(
        "title: t\nactions: {offer: {kind: coupon, depth: 0.1, calendar: {every_days: 7}}}\n", encoding="utf-8"
    )
    program = [sys.executable, "-c", "from experiments.cli import main; main()"]
    started = subprocess.Popen(
        [*program, *SEARCHING[:2], "--processes", "2", "--trials", "500", "--out", "run"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not (desk / "run" / "study.journal").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2)
        os.killpg(started.pid, signal.SIGINT)
        out, err = started.communicate(timeout=60)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
    assert started.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("Interrupted. To go on where it stopped, run again: ")
    while group_lives(started.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not group_lives(started.pid)


# -- train ------------------------------------------------------------------------------------------------------------


def write_orders(folder: Path, customers: int = 120, days: int = 200) -> None:
    """Orders of customers with rates of their own."""
    rng = np.random.default_rng(5)
    rows = []
    for customer in range(customers):
        gap, day = rng.gamma(2, 6), rng.uniform(0, 20)
        while day < days:
            stamp = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=day)).isoformat(timespec="seconds")
            rows.append((f"c{customer}", stamp, f"o{len(rows)}", round(float(rng.lognormal(3, 0.5)), 2), 0))
            day += 0.7 + rng.exponential(gap)
    folder.mkdir()
    frame = pd.DataFrame(rows, columns=["customer_id", "ts", "order_id", "gross", "discount"])
    frame.to_csv(folder / "orders.csv", index=False)


def test_a_count_has_no_span_below_zero(capsys: pytest.CaptureFixture[str]) -> None:
    few = np.array([0.0, 0.0, 6.0])
    for signed in (False, True):
        numbers = {metric: difference(metric, few) for metric in ("profit", "n_mute")}
        tell._say_numbers(numbers, "CNY", signed=signed)
        profit, mutes = (line for line in capsys.readouterr().out.splitlines() if "…" in line)
        assert "-9.7 …" in profit
        assert ("-9.7 …" if signed else "0.0 …") in mutes


def test_train_writes_models_and_card_and_simulate_starts_from_logs(desk: Path) -> None:
    write_orders(desk / "shop")
    said = run(desk, "train", "shop", "--cut-off", "2024-05-15", "--lapse-days", "60", "--json")
    assert said.code == 0, said.err
    folder = desk / "runs" / "train-shop"
    assert {path.name for path in folder.iterdir()} == {
        "models.json", "states.npz", "training.json", "card.json", "card.html",
    }  # fmt: skip
    models = CustomerModels.from_json((folder / "models.json").read_text(encoding="utf-8"))
    found = json.loads(said.out)
    assert found["models"] == models.digest()
    assert (models.lapse_days, found["card"]["cut_off"]) == (60, "2024-05-15")
    assert json.loads((folder / "card.json").read_text(encoding="utf-8"))["lapse_days"] == 60
    described = run(desk, "describe", "runs/train-shop/models.json")
    assert "days up to 2024-05-15; a customer lapses after 60 days of silence" in described.out
    command = (*SIMULATE, "--logs", "shop", "--cut-off", "2024-05-15", "--json")
    lived = json.loads(run(desk, *command).out)
    assert lived["start"] == "2024-05-16"
    assert lived["metrics"]["acquired"]["mean"] > 100  # the customers of the logs, not the 40 of the scenario
    assert any("120 customers" in note for note in lived["notes"])


def test_zone_decides_the_days(desk: Path) -> None:
    write_orders(desk / "shop")
    path = desk / "shop" / "orders.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.assign(ts=frame["ts"] + "Z").to_csv(path, index=False)
    command = (*SIMULATE, "--logs", "shop", "--cut-off", "2024-05-15", "--json")
    notes = [json.loads(run(desk, *command, *zone).out)["notes"][0] for zone in ((), ("--zone", "Asia/Shanghai"))]
    assert load_logs("shop").digest in notes[0]
    assert load_logs("shop", zone="Asia/Shanghai").digest in notes[1]
    assert notes[0] != notes[1]


# -- progress ---------------------------------------------------------------------------------------------------------


def test_progress_is_quiet_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        bars.stage("searching", 10)
        for done in range(10):
            bars.step(done, "best so far +1.00")
        bars.stage("judging", 2)
        bars.count(2, 2)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "searching …\njudging …\n")


def test_bars_show_how_far_and_the_best_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Bars() as bars:
        bars.stage("searching", 10)
        bars.step(4, "continued")
        bars.step(5, "best so far +1.00")
    said = capsys.readouterr()
    assert said.out == ""
    assert "best so far +1.00" in said.err
    assert "10/10" in said.err  # a stage that ended well is full
