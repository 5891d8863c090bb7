"""Bad input: exit code 2, one message with place, value and cure, no traceback, nothing left on disk."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from experiments.cli import app
from tests.desk import SCENARIO, SEARCHING, SIMULATE, desk, run

__all__ = ["desk"]  # a fixture

ORDERS = "customer_id,ts,order_id,gross,discount\nann,2024-03-01T10:00:00,1,10,0\n"

Edit = Callable[[Path], None]


def refused(desk: Path, *args: str) -> str:
    """The message of a command that is refused as bad input should be."""
    said = run(desk, *args)
    assert said.code == 2, said
    assert said.out == ""
    assert said.new == set()
    message = "\n".join(line for line in said.err.splitlines() if not line.endswith(" …"))  # names of stages
    assert "Traceback" not in message
    assert message.startswith(tuple(f"{n} rules are broken:" for n in range(2, 9))) or message.count("\n") == 0
    return message


def replace(name: str, old: str, new: str) -> Edit:
    def edit(desk: Path) -> None:
        text = (desk / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (desk / name).write_text(text.replace(old, new), encoding="utf-8")

    return edit


def add(name: str, text: str) -> Edit:
    def edit(desk: Path) -> None:
        path = desk / name
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text(encoding="utf-8") if path.exists() else "") + text, encoding="utf-8")

    return edit


DEPTH = "actions.offer.depth: {low: 0, high: 0.3}"

DOCUMENTS: dict[str, tuple[Edit, tuple[str, ...], tuple[str, ...]]] = {
    # a document with one thing wrong, the command that reads it, and what must be said
    "a name with a dot": (
        add("quo.yaml", "  club.m: {kind: content}\n"), SIMULATE, ("actions.club.m: 'club.m' is no name", "letters")),
    "a number whose cents overflow": (
        add("world.yaml", "staff: {wage_cny_per_hour: 1e300}\n"), SIMULATE,
        ("world.yaml:5: staff.wage_cny_per_hour", "no number may exceed 1e12", "1e+300")),
    "beyond the calendar": (
        add("world.yaml", "start: 9999-12-31\n"), SIMULATE, ("go beyond the calendar", "start earlier")),
    "unknown key": (add("world.yaml", "margn: 3\n"), SIMULATE, ("world.yaml:5: margn", "did you mean 'margin'?")),
    "two keys": (add("world.yaml", "title: again\n"), SIMULATE, ("world.yaml:5", 'duplicate key "title"')),
    "YAML syntax": (add("world.yaml", "staff: {a: [1\n"), SIMULATE, ("world.yaml:6: not valid YAML", "mend the line")),
    "unknown kind": (replace("quo.yaml", "kind: coupon", "kind: cupon"), SIMULATE,
                     ("quo.yaml:3: actions.offer", "unknown kind 'cupon'", "did you mean 'coupon'?")),
    "no kind": (replace("quo.yaml", "kind: coupon, ", ""), SIMULATE, ("actions.offer: 'kind' is missing", "coupon")),
    "kind of a wrong type": (replace("quo.yaml", "kind: coupon", "kind: [coupon]"), SIMULATE, ("unknown kind",)),
    "text for a number": (add("world.yaml", "margin: high\n"), SIMULATE, ("world.yaml:5: margin", "number", "'high'")),
    "truth for a number": (add("world.yaml", "margin: true\n"), SIMULATE, ("world.yaml:5: margin", "number", "'true'")),
    "truth in a mapping": (replace("quo.yaml", "store: 5", "store: true"), SIMULATE, ("spend_cny_per_day", "number")),
    "number for a date": (add("world.yaml", "start: 86400\n"), SIMULATE,
                          ("world.yaml:5: start: must be a date (got 86400)", "write it as 2024-09-30")),
    "30 February": (add("world.yaml", "start: 2024-02-30\n"), SIMULATE, ("world.yaml:5", "day is out of range")),
    "per cent": (replace("quo.yaml", "0.1", "10%"), SIMULATE, ("quo.yaml:3", "'10%'", "write 10% as 0.1")),
    "commas between thousands": (
        replace("world.yaml", "population: {size: 40}", "population: {size: '1,000'}"), SIMULATE,
        ("'1,000'", "without commas, as 1000")),
    "decimal comma": (replace("quo.yaml", "depth: 0.1", "depth: '0,1'"), SIMULATE, ("'0,1'", "as 0.1")),
    "infinite": (replace("world.yaml", "40", ".inf"), SIMULATE, ("world.yaml:2: population.size", "finite", "inf")),
    "not a number": (add("world.yaml", "margin: nan\n"), SIMULATE, ("world.yaml:5: margin", "finite", "nan")),
    "huge": (replace("world.yaml", "40", "9" * 30), SIMULATE, ("population.size: must be at most 100000000", "lower")),
    "beyond any number": (replace("world.yaml", "40", "9" * 5000), SIMULATE, ("world.yaml:2", "5000 digits")),
    "fraction of a day": (replace("world.yaml", "14", "14.5"), SIMULATE, ("horizon_days", "whole number", "14.5")),
    "nothing": (replace("world.yaml", " 14", ""), SIMULATE, ("world.yaml:3: horizon_days", "nothing is written here")),
    "nested too deeply": (add("world.yaml", "x: " + "[" * 3000), SIMULATE, ("world.yaml", "too deeply")),
    "no days": (replace("world.yaml", "14", "0"), SIMULATE, ("world.yaml:3: horizon_days", "at least 1 (got 0)")),
    "nobody": (replace("world.yaml", SCENARIO[20:], "\npopulation: {size: 0}\n"), SIMULATE,
               ("world.yaml", "nobody", "population.size is 0", "give one")),
    "shares": (replace("world.yaml", "size: 40", "level_shares: [0.5, 0.5, 0.5, 0, 0, 0]"), SIMULATE,
               ("world.yaml:2: population", "add up to 1 (they add up to 1.5)")),
    "few shares": (replace("world.yaml", "size: 40", "level_shares: [0.5, 0.5]"), SIMULATE,
                   ("population.level_shares: must have 6 items (got 2)",)),
    "unknown channel": (replace("quo.yaml", "store: 5", "stor: 5"), SIMULATE,
                        ("actions.media.spend_cny_per_day.stor", "no channel 'stor'", "did you mean 'store'?")),
    "channel named as friends are": (replace("world.yaml", "store:", "referral:"), SIMULATE,
                                     ("channels.referral", "whom friends brought", "rename the channel")),
    "team that loses those who come": (replace("quo.yaml", "actions:", "actions:\n  team: {kind: team, own: {reach: "
                                               "{store: 0.5}}}"), SIMULATE,
                                       ("actions.team.own.reach.store: must be at least 1 (got 0.5)",)),
    "dates outside the run": (replace("quo.yaml", "every_days: 7", "dates: [2030-01-01]"), SIMULATE,
                              ("actions.offer.calendar", "between 2024-01-01 and 2024-01-14", "change the calendar")),
    "unknown weekday": (replace("quo.yaml", "every_days: 7", "weekdays: [monday]"), SIMULATE,
                        ("actions.offer.calendar.weekdays.0: must be 'mon', 'tue'", "(got 'monday')")),
    "unknown plug-in": (add("world.yaml", "plugins: [no_such_module]\n"), SIMULATE,
                        ("world.yaml:5: plugins.0", "'no_such_module'", "PYTHONPATH")),
    "plug-in without a name": (add("world.yaml", "plugins: ['']\n"), SIMULATE, ("plugins.0", "PYTHONPATH")),
    "plug-ins that are no list": (add("world.yaml", "plugins: os\n"), SIMULATE, ("world.yaml:5: plugins", "a list")),
    "empty": (replace("world.yaml", SCENARIO, ""), SIMULATE, ("world.yaml: a document is a mapping", "siyu describe")),
    "unknown lever": (replace("plan.yaml", "offer.depth", "offer.dept"), SEARCHING,
                      ("actions.offer.dept", "no 'dept' at 'actions.offer'", "did you mean 'depth'?")),
    "lever below a number": (replace("plan.yaml", "offer.depth", "offer.depth.x"), SEARCHING,
                             ("no 'x' at 'actions.offer.depth'", "end the path there")),
    "lever beyond the action": (replace("plan.yaml", "0.3", "0.8"), SEARCHING,
                                ("space: actions.offer.depth", "at most 0.5 (got 0.8)", "narrow the bounds")),
    "low above high": (replace("plan.yaml", "low: 0,", "low: 0.4,"), SEARCHING,
                       ("plan.yaml:3: space.actions.offer.depth", "low 0.4 must be below high 0.3")),
    "status quo outside": (replace("plan.yaml", "low: 0,", "low: 0.2,"), SEARCHING,
                           ("actions.offer.depth", "outside 0.2 … 0.3 (got 0.1)", "widen the bounds")),
    "status quo not a choice": (replace("plan.yaml", DEPTH, "actions.offer.audience: {choices: [buyers, lapsed]}"),
                                SEARCHING, ("actions.offer.audience", "not among the choices", "add it")),
    "impossible choice": (replace("plan.yaml", DEPTH, "actions.offer.audience: {choices: [everybody, lapsd]}"),
                          SEARCHING, ("no audience named 'lapsd'", "did you mean 'lapsed'?", "drop it")),
    "lever on text": (replace("plan.yaml", DEPTH, "actions.offer.audience: {low: 0, high: 1}"), SEARCHING,
                      ("actions.offer.audience",)),
    "whole lever without a step": (replace("plan.yaml", DEPTH, "actions.offer.valid_days: {low: 1, high: 10}"),
                                   SEARCHING, ("actions.offer.valid_days", "whole number", "add step: 1")),
    "lever where nothing is set": (replace("plan.yaml", DEPTH, "actions.offer.stock: {low: 1, high: 9, step: 1}"),
                                   SEARCHING, ("actions.offer.stock", "no number here", "give it one")),
    "lever misspelt": (replace("plan.yaml", "high: 0.3", "hihg: 0.3"), SEARCHING,
                       ("2 rules are broken", "'high' is missing", "plan.yaml:3", "did you mean 'high'?")),
    "budget below the fixed cost": (add("plan.yaml", "budget: 10\n"), SEARCHING,
                                    ("budget", "fixed cost of 70.00 over 14 days (got 10.0)", "raise the budget")),
    "no search": (replace("question.yaml", "search: plan.yaml\n", ""), SEARCHING, ("names no search", "add `search:")),
    "missing document": (replace("question.yaml", "world.yaml", "word.yaml"), SEARCHING, ("word.yaml: no such file",)),
    "missing logs": (add("question.yaml", "logs: nowhere\n"), SEARCHING, ("nowhere: no such file", "check the path")),
    "two ways to lapse": (add("question.yaml", "lapse_days: soon\n"), SEARCHING,
                          ("question.yaml:6: lapse_days: must be a whole number or 'auto' (got 'soon')",)),
}  # fmt: skip


@pytest.mark.parametrize("case", DOCUMENTS)
def test_documents(desk: Path, case: str) -> None:
    edit, command, fragments = DOCUMENTS[case]
    edit(desk)
    message = refused(desk, *command)
    for fragment in fragments:
        assert fragment in message


def test_good_documents_are_not_refused(desk: Path) -> None:
    """Negative control of all the cases above."""
    assert run(desk, *SIMULATE).code == 0
    assert run(desk, *SEARCHING).code == 0


COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unknown scenario": (("simulate", "sparkling_drink"), ("'scenario/sparkling_drink' and no such file", "_drinks'?")),
    "unknown policy": ((*SIMULATE[:2], "--policy", "win-back"), ("'policy/win-back'", "mean 'policy/winback'?")),
    "unknown experiment": (("search", "grocry"), ("'experiment/grocry'", "did you mean 'experiment/grocery'?")),
    "missing file": (("simulate", "none.yaml"), ("none.yaml: no such file", "name of a shipped config")),
    "directory": (("simulate", "."), ("cannot be read: is a directory", "path of a YAML file")),
    "policy for a scenario": (("simulate", "quo.yaml"), ("quo.yaml: a scenario is needed here", "a policy")),
    "scenario for a policy": ((*SIMULATE[:2], "--policy", "world.yaml"), ("a policy is needed here", "a scenario")),
    "no experiment": (("search", "scenario/grocery"), ("an experiment is needed here", "is a scenario")),
    "no replicates": (("simulate", "world.yaml", "--replicates", "0"), ("'--replicates'", "at least 1 (got '0')")),
    "one of a pair": (("compare", "quo.yaml", "quo.yaml", "--scenario", "world.yaml", "--replicates", "1"),
                      ("'--replicates'", "at least 2 (got '1')")),
    "replicates in words": (("simulate", "world.yaml", "--replicates", "ten"), ("whole number", "(got 'ten')")),
    "too few trials": ((*SEARCHING, "--trials", "2"), ("'--trials'", "at least 3 (got '2')")),
    "too many trials": ((*SEARCHING, "--trials", "1000000"), ("trials: must be at most 100000 (got 1000000)",)),
    "negative seed": ((*SEARCHING, "--seed", "-1"), ("'--seed'", "at least 0 (got '-1')")),
    "no process": ((*SIMULATE[:2], "--processes", "0"), ("'--processes'", "at least 1 (got '0')")),
    "cut-off in words": ((*SIMULATE, "--logs", "logs", "--cut-off", "soon"), ("'--cut-off'", "(got 'soon')")),
    "cut-off without logs": ((*SIMULATE, "--cut-off", "2024-03-01"), ("--cut-off", "add --logs")),
    "zone without logs": ((*SIMULATE, "--zone", "Asia/Shanghai"), ("--zone", "add --logs")),
    "events nowhere": ((*SIMULATE, "--events"), ("--events", "add --out")),
    "lapse in words": (("train", "logs", "--lapse-days", "soon"), ("'--lapse-days'", "or auto (got 'soon')")),
    "lapse at once": (("train", "logs", "--lapse-days", "1"), ("'--lapse-days'", "at least 2", "(got '1')")),
    "cut-off after the logs": (("train", "logs", "--cut-off", "2031-01-01"), ("2024-03-01", "(got '2031-01-01')")),
    "cut-off before the logs": (("train", "logs", "--cut-off", "2001-01-01"), ("2024-03-01", "(got '2001-01-01')")),
    "too little to learn": (("train", "logs"), ("logs: at least 56 days", "(got 1)", "bring longer logs")),
    "unknown zone": (("train", "zoned", "--zone", "Mars"), ("no such time zone (got 'Mars')", "Asia/Shanghai")),
    "unneeded zone": (("train", "logs", "--zone", "Mars"), ("no such time zone (got 'Mars')", "Asia/Shanghai")),
    "too small a loop": (("validate", "loop", "--sizes", "50"), ("'--sizes'", "at least 200 (got '50')")),
    "no days to judge": (("validate", "forecast", "logs", "--cut-off", "2024-03-01"), ("7 days, and 0 lie", "earlier")),
    "missing column": (("train", "columns"), ("orders.csv, row 1, column gross", "missing", "did you mean 'gros'?")),
    "logs that are cut off": (("train", "packed"), ("orders.csv.gz: the file is damaged or cut off", "again")),
    "models of nothing": ((*SIMULATE, "--models", "logs"), ("logs: no training here", "siyu train LOGS --out FOLDER")),
    "models of a newer version": ((*SIMULATE, "--models", "newer"), ("training.json: made by a newer version, 9.0",
                                                                     "(got 'siyu-training/9')", "update siyu")),
    "models and logs": ((*SIMULATE, "--models", "newer", "--logs", "logs"), ("--logs and --models", "leave one")),
    "no orders": (("train", "."), ("no file of orders", "name it orders.csv")),
    "no logs": (("train", "nowhere"), ("nowhere: no such file", "check the path")),
    "out below a file": ((*SIMULATE, "--out", "quo.yaml/run"), ("quo.yaml: nothing can be written here", "--out")),
    "search below a file": ((*SEARCHING, "--out", "quo.yaml/run"), ("quo.yaml/run: nothing can be", "another --out")),
    "search into a file": ((*SEARCHING, "--out", "quo.yaml"), ("quo.yaml: nothing can be written here", "--out")),
    "search into other things": ((*SEARCHING, "--out", "logs"), ("logs: this folder holds something", "--out")),
    "schema below a file": (("schema", "--out", "quo.yaml/x"), ("quo.yaml/x: nothing can be written here", "--out")),
    "report of nothing": (("report", "nowhere"), ("nowhere: no finished run here", "record.json")),
    "report of a file": (("report", "quo.yaml"), ("quo.yaml: no finished run here", "record.json")),
    "report of broken JSON": (("report", "broken"), ("broken: this run cannot be read", "run it again")),
    "report of other fields": (("report", "other"), ("other: this run cannot be read", "another version")),
    "unknown word": (("describe", "coupn"), ("nothing named 'coupn' to describe", "did you mean 'coupon'?")),
    "unknown document": (("describe", "policy/winbak"), ("'policy/winbak'", "did you mean 'policy/winback'?")),
    "models of another version": (("describe", "models.json"), ("models.json: the format must be 'siyu-models/2'",
                                                                "(got 'siyu-models/0')", "train the models again")),
    "models nowhere": (("describe", "none.json"), ("none.json: cannot be read: no such file", "of a training")),
    "models that are no text": (("describe", "binary.json"), ("binary.json: is no UTF-8 text", "of a training")),
    "unknown schema": (("schema", "polcy"), ("no kind of document 'polcy'", "did you mean 'policy'?")),
    "unknown command": (("simulat", "world.yaml"), ("No such command 'simulat'", "siyu --help")),
    "unknown option": ((*SIMULATE, "--replicats", "3"), ("--replicats", "--replicates", "siyu simulate --help")),
    "argument left out": (("simulate",), ("Missing argument 'SCENARIO'", "siyu simulate --help")),
    "binary": (("simulate", "binary.yaml"), ("binary.yaml: cannot be read as UTF-8 text", "byte 0", "UTF-8")),
}  # fmt: skip


@pytest.mark.parametrize("case", COMMANDS)
def test_commands(desk: Path, case: str) -> None:
    for name, text in {
        "logs/orders.csv": ORDERS,
        "zoned/orders.csv": ORDERS.replace("10:00:00", "10:00:00+08:00"),
        "columns/orders.csv": ORDERS.replace("gross", "gros"),
        "broken/record.json": "{",
        "other/record.json": '{"kind": "search"}',
        "models.json": '{"format": "siyu-models/0"}',
        "newer/training.json": '{"format": "siyu-training/9", "made_by": {"versions": {"siyu": "9.0"}}}',
        "packed/orders.csv.gz": "",
    }.items():
        add(name, text)(desk)
    for name in ("binary.yaml", "binary.json"):
        (desk / name).write_bytes(b"\x89PNG\x00\xff\xfe")
    (desk / "packed" / "orders.csv.gz").write_bytes(gzip.compress(ORDERS.encode())[:40])
    command, fragments = COMMANDS[case]
    message = refused(desk, *command)
    for fragment in fragments:
        assert fragment in message


def test_a_study_of_another_scenario_is_refused(desk: Path) -> None:
    """An unfinished study whose scenario was changed since: neither continued nor overwritten."""
    assert run(desk, *SEARCHING, "--out", "run").code == 0
    (desk / "run" / "recommendation.json").unlink()
    journal = (desk / "run" / "study.journal").read_bytes()
    replace("world.yaml", "size: 40", "size: 41")(desk)
    message = refused(desk, *SEARCHING, "--out", "run")
    assert "study.journal: this study was made with another scenario" in message
    assert "give another --out" in message
    assert (desk / "run" / "study.journal").read_bytes().startswith(journal)


def test_a_mistake_of_ours_keeps_its_traceback(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, the exception itself, and no folder left behind."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(import_module("experiments.compare"), "simulate", fail)
    before = set(desk.rglob("*"))
    result = CliRunner().invoke(app, [*SIMULATE, "--out", "results/run"])
    assert result.exit_code == 1
    assert isinstance(result.exception, RuntimeError)
    assert set(desk.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "code", "start"),
    [
        (("simulate", "none.yaml"), 2, "none.yaml: no such file"),
        (("simulate", "--replicates", "0", "grocery"), 2, "Inv"),
    ],
)
def test_the_program_itself_ends_so(desk: Path, command: tuple[str, ...], code: int, start: str) -> None:
    """Not only within the test runner."""
    done = subprocess.run(
        [sys.executable, "-c", "from experiments.cli import main; main()", *command],
        capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(start)
    assert done.stderr.count("\n") == 1
