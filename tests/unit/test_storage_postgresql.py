"""A study in PostgreSQL: the same trials as in a journal, and a server that goes away for a while."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from optuna.trial import TrialState

from experiments.searching.studies import locks
from experiments.searching.studies.storage import Storage
from experiments.searching.studies.study import Proposal, SharedStudy, Study
from sim import StudyError
from tests.unit.test_study import BATCH, DIMENSIONS, MADE_FROM, in_child
from tests.unit.test_worker import cut_short, helped, join, searched

NOBODY = 65534  # PostgreSQL refuses to run as root


class Server:
    """A PostgreSQL server of our own in a new folder, reached by a socket in it."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="siyu-pg-", dir="/tmp"))
        self.user = NOBODY if os.getuid() == 0 else None
        if self.user is not None:
            os.chown(self.folder, NOBODY, NOBODY)
        self._run("initdb", "-U", "siyu", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.url = f"postgresql+psycopg://siyu@/postgres?host={self.folder}"

    def _run(self, command: str, *more: str) -> None:
        subprocess.run(
            [self.binaries / command, "-D", self.folder / "data", *more], check=True, user=self.user, cwd=self.folder,
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> None:
        options = f"-F -c listen_addresses='' -c unix_socket_directories={self.folder}"
        for left in reversed(range(20)):
            try:
                self._run("pg_ctl", "start", "-w", "-o", options, "-l", str(self.folder / "log"))
            except subprocess.CalledProcessError:  # what served the old lines has not ended yet
                if not left:
                    raise
                time.sleep(0.3)
            else:
                break

    def stop(self) -> None:
        """As if it had crashed."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL is installed: pip install siyu[postgresql]")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (found[-1] if found else None)
    if initdb is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    server = Server(Path(initdb).parent)
    server.start()
    yield server
    with suppress(subprocess.CalledProcessError):  # a test that failed has left it stopped
        server.stop()
    shutil.rmtree(server.folder)


def opened(server: Server, name: str, **more: object) -> Study:
    return Study(server.url, DIMENSIONS, MADE_FROM, name, **more)


def test_trials_are_those_of_a_journal(server: Server, tmp_path: Path) -> None:
    found = []
    for storage in (server.url, tmp_path / "study.journal"):
        with Study(storage, DIMENSIONS, MADE_FROM, "both") as study:
            study.propose(0, BATCH[:1])
            study.propose(0, BATCH[:1])
            study.propose(1, BATCH)
            taken = study.take(2)
            study.finish(1, 1 / 3, {"spend": 7.25, "values": {"clv": [1.0, 1e-300]}}, {"budget": -3.0})
            study.set_fact("base", {"clv": [0.1, 2**53 + 1]})
            study.set_fact("base", {"clv": [0.1, 2**53]})
            study.release(0)
            study.end()
        with SharedStudy(storage, "both") as again:
            found.append((taken, again.trials(), again.finished(), again.fact("base"), again.made_from, again.ended))
    assert found[0] == found[1]


def test_killed_process_loses_what_ran_and_its_lock(server: Server) -> None:
    def work() -> None:
        study = opened(server, "killed")
        study.propose(0, BATCH)
        study.take()
        study.finish(1, 2.0, {})
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(work) == signal.SIGKILL
    time.sleep(0.2)  # until the server has seen that the line is dead
    with opened(server, "killed") as study:
        assert [(t.number, t.value) for t in study.finished()] == [(1, 2.0)]
        assert [(t.number, t.lost) for t in study.waiting()] == [(0, 1)]


def test_tables_are_made_once_however_many_open_a_new_database(server: Server) -> None:
    import psycopg

    with psycopg.connect(f"host={server.folder} user=siyu dbname=postgres", autocommit=True) as connection:
        connection.execute("create database fresh")
    children = []
    for _ in range(3):
        if (child := os.fork()) == 0:
            with suppress(BaseException):
                Storage(server.url.replace("/postgres", "/fresh"))
                os._exit(0)
            os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def test_trials_and_the_lock_belong_to_one_process(server: Server) -> None:
    with opened(server, "alone") as study, SharedStudy(server.url, "alone") as worker:
        study.propose(0, BATCH)
        assert [t.number for t in worker.waiting()] == [0, 1]
        assert study.claim(0)
        assert not worker.claim(0)
        assert worker.claim(1)
        assert [t.state for t in study.open()] == [TrialState.RUNNING] * 2
        with pytest.raises(StudyError, match="another search is running here"):
            opened(server, "alone")
        opened(server, "another name").close()
    opened(server, "alone").close()


@pytest.mark.slow
def test_server_that_goes_away_is_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOST_LOCK_SECONDS", 0.5)
    told: list[str] = []
    with opened(server, "away", tell=told.append) as study, SharedStudy(server.url, "away", tell=told.append) as worker:
        study.propose(0, BATCH)
        assert worker.claim(1)
        server.stop()
        back = threading.Timer(1.0, server.start)
        back.start()
        began = time.monotonic()
        study.propose(1, [Proposal(str(i), {"depth": i / 9, "kind": "a"}) for i in range(9)])
        assert time.monotonic() - began > 0.5
        back.join()
        worker.finish(1, 2.0, {"spend": 1.0})
        assert study.claim(0)
        study.finish(0, 1.0, {})
        assert [t.number for t in study.take(2)] == [2, 3]
        server.stop()
        back = threading.Timer(0.5, server.start)
        back.start()
        assert worker.claim(4)  # the first question after it has gone
        back.join()
        assert [(t.number, t.batch, t.value) for t in study.finished()] == [(0, 0, 1.0), (1, 0, 2.0)]
        assert [t.number for t in study.trials()] == list(range(11))
        study.propose(2, BATCH)  # before anything is written the lock is taken again
        with pytest.raises(StudyError, match="another search is running here"):
            opened(server, "away")
        server.stop()
        server.start()
        with opened(server, "away"), pytest.raises(StudyError, match="another search is running here"):
            study.propose(3, BATCH)  # somebody was faster
    waits = [text for text in told if "does not answer, waiting" in text]
    assert len(waits) == len([text for text in told if "answers again after" in text])
    assert 2 <= len(waits) <= 5  # told once, not at every attempt


def test_server_that_stays_away_is_one_clear_error(server: Server) -> None:
    study = opened(server, "gone", patience_seconds=0.3, tell=lambda text: None)
    study.propose(0, BATCH)
    server.stop()
    try:
        with pytest.raises(StudyError, match=r"postgres.*: the database did not answer for 0 seconds; start it again"):
            study.finished()
        study.close()  # and nothing hangs
    finally:
        server.start()
    with pytest.raises(StudyError, match=r"cannot be opened: connection.*is the server running"):
        Study(f"{server.url}/nowhere", DIMENSIONS, MADE_FROM)


@pytest.mark.slow
def test_search_and_worker_share_a_database_that_goes_away_for_a_while(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker measures all that is handed in, across two crashes of the server, with the trials of a journal."""
    cut_short(monkeypatch)
    alone = searched(tmp_path / "alone")
    crashed: list[int] = []

    def crash() -> None:
        for number in (0, 4):
            measured_until(number)
            server.stop()
            time.sleep(0.5)
            server.start()
            crashed.append(number)

    def measured_until(number: int) -> None:
        while True:
            with suppress(StudyError), SharedStudy(server.url, "run") as study:
                while len(study.finished()) < max(number, 1) and not study.ended:
                    time.sleep(0.02)
                return
            time.sleep(0.05)

    crashes = threading.Thread(target=crash, daemon=True)
    crashes.start()
    found, (measured,) = helped(tmp_path, monkeypatch, lambda: join(server.url, "run"), storage=server.url)
    crashes.join()
    assert crashed == [0, 4]
    assert found == alone
    assert measured == len(found)


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StudyError, match=r"driver that is not installed; pip install 'siyu\[postgresql\]'"):
        Study("postgresql://me@host/db", DIMENSIONS, MADE_FROM)
