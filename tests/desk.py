"""A desk with good documents, at which the tests of the command line sit."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from experiments.cli import app

SCENARIO = """\
title: a small world
population: {size: 40}
horizon_days: 14
channels: {store: {volume: 100, cost_per_reach_cny: 1}}
"""
POLICY = """\
title: status quo
actions:
  offer: {kind: coupon, depth: 0.1, calendar: {every_days: 7}}
  media: {kind: acquisition, spend_cny_per_day: {store: 5}}
"""
SEARCH = """\
title: depth
space:
  actions.offer.depth: {low: 0, high: 0.3}
trials: 4
replicates: 2
finalists: 1
final_replicates: 2
final_rounds: 1
holdout_replicates: 2
fronts: []
design: 0
"""
EXPERIMENT = """\
title: how deep?
scenario: world.yaml
policy: quo.yaml
search: plan.yaml
sensitivity: {replicates: 0}
"""

SIMULATE = ("simulate", "world.yaml", "--policy", "quo.yaml", "--replicates", "1", "--processes", "1")
SEARCHING = ("search", "question.yaml", "--processes", "1")


class Said(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str
    new: set[str]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good documents, where commands are run."""
    documents = {"world": SCENARIO, "quo": POLICY, "plan": SEARCH, "question": EXPERIMENT}
    for name, text in documents.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def runner() -> CliRunner:
    """A runner that keeps standard output and standard error apart, which older versions do only if told."""
    try:
        return CliRunner(mix_stderr=False)  # type: ignore[call-arg, unused-ignore]
    except TypeError:
        return CliRunner()


def run(desk: Path, *args: str) -> Said:
    """Run a command. An exception that is no orderly end fails the test."""
    before = set(desk.rglob("*"))
    result = runner().invoke(app, list(args))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    new = {str(path.relative_to(desk)) for path in set(desk.rglob("*")) - before}
    return Said(result.exit_code, result.stdout, result.stderr, new)
