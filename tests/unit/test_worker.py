"""Workers elsewhere: they measure what the searcher leaves them, with the same bytes, and may be killed."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import search
from experiments.searching.studies import worker as worker_module
from experiments.searching.studies.owners import started
from experiments.searching.studies.shared_study import SharedStudy
from experiments.searching.studies.study import Study, Trial
from experiments.searching.studies.worker import running, work
from experiments.searching.trials.trials import TrialLoop
from sim import StudyError
from tests.unit.test_search import write
from tests.unit.test_study import DIMENSIONS, MADE_FROM

searching = sys.modules["experiments.search"]  # the package shows the function under that name


def trials_only(search: Any) -> list[Trial]:
    """The trials of a search without all that comes after them."""
    search.loop.run()
    search.study.end()
    return [replace(trial, lost=0) for trial in search.study.finished()]


def cut_short(patch: pytest.MonkeyPatch) -> None:
    """Searches end with their trials."""
    patch.setattr(searching._Search, "run", trials_only)
    patch.setattr(searching, "save", lambda found: None)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_short(monkeypatch)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    """The trials of a search without help."""
    with pytest.MonkeyPatch.context() as patch:
        cut_short(patch)
        return searched(tmp_path_factory.mktemp("alone"))


def searched(folder: Path, **more: Any) -> list[Trial]:
    found: Any = search(str(write(folder)), out=folder / "run", processes=1, **more)
    return list(found)


def helped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *helpers: Callable[[], None], **more: Any
) -> tuple[list[Trial], list[int]]:
    """The trials of a search whose searcher measures none, and how its helpers ended; each waits for the one before."""
    monkeypatch.setattr(searching, "TrialLoop", lambda *parts: TrialLoop(*parts[:6], 0))
    monkeypatch.setattr(SharedStudy, "helped", True)
    children: list[int] = []
    for helper in helpers:
        child = os.fork()
        if child == 0:
            try:
                while children and started(children[-1]):
                    time.sleep(0.02)
                helper()
            finally:
                os._exit(99)
        children.append(child)
    found = searched(tmp_path, **more)
    return found, [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


EARLY = "no such journal|no search is running|no study|cannot be opened"  # said before the search has begun


def join(study: Path | str, name: str | None = None) -> None:
    """Wait for a search and help it; the process ends with the number of trials."""
    while True:
        try:
            os._exit(work(study, name=name, processes=1))
        except StudyError as error:
            if not re.search(EARLY, str(error)):
                raise
            time.sleep(0.02)


def test_worker_measures_everything_that_is_left_to_it(
    alone: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, (measured,) = helped(tmp_path, monkeypatch, lambda: join(tmp_path / "run" / "study.journal"))
    assert found == alone
    assert measured == len(found)  # and it went home when the search had ended


def test_worker_that_is_killed_loses_its_trial_only(
    alone: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        measure, count = worker_module.measure_trial, iter("ok")

        def measure_some(*parts: Any) -> None:
            if next(count, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            measure(*parts)

        worker_module.measure_trial = measure_some
        join(tmp_path / "run" / "study.journal")

    found, ends = helped(tmp_path, monkeypatch, killed, lambda: join(tmp_path / "run" / "study.journal"))
    assert ends == [-signal.SIGKILL, len(found) - 2]
    assert found == alone
    with SharedStudy(tmp_path / "run" / "study.journal") as study:
        assert sum(trial.lost for trial in study.trials()) == 1


def test_searcher_that_nobody_helps_takes_all_and_one_that_is_helped_leaves_some(tmp_path: Path) -> None:
    with Study(tmp_path / "study.journal", DIMENSIONS, MADE_FROM) as study:
        assert not study.helped
        with SharedStudy(tmp_path / "study.journal") as other:
            other.help()
        assert study.helped
    with Study(tmp_path / "study.journal", DIMENSIONS, MADE_FROM) as study:
        assert not study.helped  # whoever helped the search that was here before may have gone


def test_worker_of_another_version_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(tmp_path)
    with SharedStudy(tmp_path / "run" / "study.journal") as study:
        study._storage(lambda s: s.set_study_user_attr(study._study, "ended", False))
    monkeypatch.setattr(searching, "search_code", lambda: "of tomorrow")
    with pytest.raises(StudyError, match=r"another code version .*of tomorrow; this machine needs the code version"):
        work(tmp_path / "run", processes=1)
    monkeypatch.undo()
    assert work(tmp_path / "run" / "study.journal", processes=1, patience_seconds=0.1) == 0  # nobody hands anything in


def test_worker_finds_the_search_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    with pytest.raises(StudyError, match="no such journal"):
        work(tmp_path)
    for name in ("spring", "summer"):
        Study(path, DIMENSIONS, MADE_FROM, name).close()
    with pytest.raises(StudyError, match="several searches run here: spring, summer; say which with --name"):
        running(path)
    with Study(path, DIMENSIONS, MADE_FROM, "spring") as study:
        study.end()
    assert running(path) == "summer"
    with Study(path, DIMENSIONS, MADE_FROM, "summer") as study:
        study.end()
    with pytest.raises(StudyError, match="no search is running here; start one first"):
        running(path)
    with pytest.raises(StudyError, match="the study does not tell its documents"):
        work(path, name="summer", patience_seconds=0.1)
