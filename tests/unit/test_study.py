"""The study: batches that are never doubled, trials that are claimed once, kills that lose nothing but what ran."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from experiments.searching.space.coordinates import Dimension
from experiments.searching.studies.owners import Watch, machine, started
from experiments.searching.studies.study import Proposal, SharedStudy, Study
from sim import StudyError

DIMENSIONS = (
    Dimension("depth", FloatDistribution(0, 1)),
    Dimension("kind", CategoricalDistribution(("a", "b"))),
    Dimension("n", IntDistribution(0, 7), when=("kind", ("b",))),
)
MADE_FROM = {"code": "c0", "scenario": "s0", "policy": "p0"}
BATCH = [Proposal("status quo", {"depth": 0.1, "kind": "a"}), Proposal("", {"depth": 1 / 3, "kind": "b", "n": 3})]
GONE = {"id": "x", "machine": machine(), "pid": 2**22 + 1, "started": "5", "beat": 1}


def opened(folder: Path, made_from: dict[str, str] = MADE_FROM, **more: Any) -> Study:
    return Study(folder / "study.journal", DIMENSIONS, made_from, **more)


def in_child(work: Callable[[], None]) -> int:
    """Status of a process of its own that does the work; it leaves nothing behind but files."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return os.waitpid(child, 0)[1]


# -- batches ----------------------------------------------------------------------------------------------------------


def test_what_is_proposed_is_read_back_exactly(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        assert not study.resumed
        study.propose(0, BATCH)
        first, second = study.waiting()
        assert (first.number, first.batch, first.label, first.params) == (
            0,
            0,
            "status quo",
            {"depth": 0.1, "kind": "a"},
        )
        assert second.params == {"depth": 1 / 3, "kind": "b", "n": 3}
        assert type(second.params["n"]) is int
    with opened(tmp_path) as again:
        assert again.resumed
        assert again.waiting() == [first, second]


def test_batch_cut_short_by_a_kill_is_completed_and_never_doubled(tmp_path: Path) -> None:
    """Every byte at which a kill can cut the journal gives the same trials, or the batch as if never handed in."""
    other = [Proposal("another", {"depth": 0.9, "kind": "a"})] * 3
    with opened(tmp_path) as study:
        study.propose(0, BATCH)
        before = (tmp_path / "study.journal").stat().st_size
        study.propose(1, BATCH)
        whole = study.trials()
    data = (tmp_path / "study.journal").read_bytes()
    noted = data.index(b"\n", before) + 1  # the batch is noted in one line
    cuts = [before, before + 1, noted - 1, noted, noted + 1, data.index(b"\n", noted) + 1, len(data) - 1, len(data)]
    for cut in cuts:
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "study.journal").write_bytes(data[:cut])
        with opened(folder) as study:
            assert study.trials() == (whole if cut >= noted else whole[:2])
            study.propose(1, BATCH if cut < noted else other)
            assert study.trials() == whole


def test_trial_that_a_lost_answer_wrote_twice_counts_once(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        study.propose(0, BATCH)
        storage = study._storage.optuna
        storage.create_new_trial(study._study, study._template(BATCH[0], [0, 0]))
        study.propose(1, BATCH[:1])
        assert [(t.number, t.batch) for t in study.waiting()] == [(0, 0), (1, 0), (3, 1)]


def test_proposal_outside_the_space_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as study, pytest.raises(StudyError, match="no coordinate 'deepth'"):
        study.propose(0, [Proposal("x", {"deepth": 1})])


# -- trials -----------------------------------------------------------------------------------------------------------


def test_finished_trials_are_kept_and_in_order_of_number(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        study.propose(0, BATCH)
        taken = study.take()
        assert [t.number for t in taken] == [0, 1]
        study.finish(1, 2.5, {"spend": 7.25, "values": {"clv": [1.0, 1e-300]}}, {"budget": -3.0})
        study.finish(0, -1.0, {})
        found = study.finished()
        assert [(t.number, t.value) for t in found] == [(0, -1.0), (1, 2.5)]
        assert found[1].measured == {"spend": 7.25, "values": {"clv": [1.0, 1e-300]}}
        study.set_fact("base", {"clv": [0.1, 0.2]})
        study.end()
    with SharedStudy(tmp_path / "study.journal") as again:
        assert again.finished() == found
        assert again.fact("base") == {"clv": [0.1, 0.2]}
        assert again.fact("pilot") is None
        assert again.made_from == MADE_FROM
        assert again.ended


def test_value_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        study.propose(0, BATCH)
        study.take()
        with pytest.raises(StudyError, match=r"trial 0: .*finite.*got nan"):
            study.finish(0, float("nan"), {})


def test_dashboard_sees_value_params_label_and_metrics(tmp_path: Path) -> None:
    dashboard = pytest.importorskip(
        "optuna_dashboard", reason="the dashboard is not installed: pip install siyu[dashboard]"
    )
    with opened(tmp_path) as study:
        study.propose(0, BATCH)
        study.take()
        study.finish(0, 1.25, {"spend": 7.5}, {"budget": 2.0})
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.journal"))
    )
    app = dashboard.wsgi(storage)
    assert [s["study_name"] for s in ask(app, "/api/studies")["study_summaries"]] == ["siyu"]
    page = ask(app, "/api/studies/0?after=0")
    first, second = page["trials"]
    assert (first["state"], first["values"]) == ("Complete", [1.25])
    assert {a["key"]: a["value"] for a in first["user_attrs"]} == {"label": "status quo", "spend": "7.5"}
    assert {p["name"]: p["param_external_value"] for p in first["params"]} == {"depth": "0.1", "kind": "a"}
    assert second["state"] in ("Waiting", "Running")
    assert not optuna.load_study(study_name="siyu", storage=storage).best_trials  # the constraint is Optuna's too


def ask(app: Any, path: str) -> Any:
    """Answer of a WSGI application to GET."""
    path, _, query = path.partition("?")
    said: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "x", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
    }  # fmt: skip
    body = b"".join(app(environ, lambda status, headers, info=None: said.append(status)))
    assert said[0].startswith("200"), body
    return json.loads(body)


# -- processes --------------------------------------------------------------------------------------------------------


def test_a_trial_is_claimed_by_one_process_only(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        study.propose(0, [Proposal(str(i), {"depth": i / 100, "kind": "a"}) for i in range(100)])
    claimed = [tmp_path / name for name in ("one", "other")]

    def race() -> None:
        if os.fork() == 0:
            claim_all(claimed[0])
        claim_all(claimed[1])

    def claim_all(out: Path) -> None:
        study = SharedStudy(tmp_path / "study.journal")
        study.trials()
        out.touch()
        while not all(path.exists() for path in claimed):
            time.sleep(0.001)
        mine = []
        for n in range(100):
            if study.claim(n):
                mine.append(n)
                time.sleep(0.005)  # the other's turn
        while out == claimed[1] and not claimed[0].read_text():
            time.sleep(0.001)  # both live until both have claimed, or one would find the other gone
        out.write_text(json.dumps(mine))
        os._exit(0)

    assert in_child(race) == 0
    one, other = (json.loads(path.read_text()) for path in claimed)
    assert one
    assert other
    assert sorted(one + other) == list(range(100))


def test_killed_process_loses_what_ran_and_nothing_else(tmp_path: Path) -> None:
    def work() -> None:
        study = opened(tmp_path)
        study.propose(0, BATCH)
        study.take()
        study.finish(1, 2.0, {})
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(work) == signal.SIGKILL
    with opened(tmp_path) as study:  # at once: the lock went with its process
        assert [t.number for t in study.finished()] == [1]
        assert [t.state for t in study.open()] == [TrialState.RUNNING]
        (lost,) = study.waiting()
        assert (lost.number, lost.lost, lost.measured) == (0, 1, {})
        assert study.claim(0)
        study.finish(0, 1.0, {})
        assert [(t.number, t.value) for t in study.finished()] == [(0, 1.0), (1, 2.0)]


def test_trial_of_a_process_that_lives_is_left_to_it(tmp_path: Path) -> None:
    with opened(tmp_path, stale_seconds=0.0) as study:
        study.propose(0, BATCH)
        with SharedStudy(tmp_path / "study.journal", stale_seconds=1e9) as other:
            other.trials()
            assert other.claim(0)
            study.waiting()  # the first look at a beat says nothing
            other._beat()
            assert [t.number for t in study.waiting()] == [1]  # it has changed
            assert [t.number for t in study.waiting()] == [0, 1]  # it has not
            assert study.claim(0)
            other.finish(0, 1.0, {})  # it was alive after all, and is first
            study.finish(0, 1.0, {"late": True})
            assert [(t.measured, t.lost) for t in study.finished()] == [({}, 1)]


def test_watch_believes_beats_elsewhere_and_processes_here() -> None:
    here = {**GONE, "pid": os.getpid(), "started": started(os.getpid())}
    assert not Watch(60).gone(0, here)
    assert Watch(60).gone(0, GONE)
    assert Watch(60).gone(0, {**here, "started": "another process of the same number"})
    far = Watch(0.0)
    assert [far.gone(0, {**GONE, "machine": "far", "beat": b}) for b in (1, 2, 2)] == [False, False, True]
    assert [Watch(60).gone(0, None) for _ in range(2)] == [False, False]


def test_closing_gives_back_what_is_not_finished(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        study.propose(0, BATCH)
        study.take()
    with opened(tmp_path, stale_seconds=1e9) as study:
        assert [t.state for t in study.trials()] == [TrialState.WAITING] * 2
        assert study.take(most=1)[0].number == 0


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(MADE_FROM))
def test_study_made_from_something_else_is_refused_by_name(tmp_path: Path, name: str) -> None:
    opened(tmp_path).close()
    with pytest.raises(
        StudyError, match=f"another {name} .got '{MADE_FROM[name]}'.; now it is other; .*restore the {name}"
    ):
        opened(tmp_path, {**MADE_FROM, name: "other"})
    with pytest.raises(StudyError, match=r"another logs .got 'none'.; now it is l0"):
        opened(tmp_path, {**MADE_FROM, "logs": "l0"})
    opened(tmp_path).close()  # a refusal leaves no lock behind


def test_second_search_in_a_folder_is_told_of_the_first(tmp_path: Path) -> None:
    with opened(tmp_path):
        with pytest.raises(StudyError, match=rf"another search is running here: process {os.getpid()} "):
            opened(tmp_path)
        SharedStudy(tmp_path / "study.journal").close()  # a worker may join
    opened(tmp_path).close()


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    for text in ("a letter to a friend", '{"op_code":99}\n', '{"op_code"\n{}\n'):
        path.write_text(text)
        with pytest.raises(StudyError, match="no journal of a study"):
            opened(tmp_path)
        assert path.read_text() == text
    with pytest.raises(StudyError, match="no such journal"):
        SharedStudy(tmp_path / "other.journal")
    assert not (tmp_path / "other.journal").exists()


def test_no_study_of_that_name_names_those_that_are_there(tmp_path: Path) -> None:
    opened(tmp_path, name="spring").close()
    with pytest.raises(StudyError, match="no study 'autumn' here; known: spring"):
        SharedStudy(tmp_path / "study.journal", "autumn")


def test_storage_that_nobody_knows_is_refused_without_its_password() -> None:
    with pytest.raises(StudyError, match=r"mysql://me@host/db: not a storage") as told:
        Study("mysql://me:secret@host/db", DIMENSIONS, MADE_FROM)
    assert "secret" not in str(told.value)


def test_full_disk_is_told_and_keeps_everything_that_was_finished(tmp_path: Path) -> None:
    def work() -> None:
        study = opened(tmp_path)
        study.propose(0, BATCH)
        study.take()
        study.finish(1, 2.0, {})
        size = (tmp_path / "study.journal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
        with pytest.raises(StudyError, match=r"study\.journal: the disk is full; free .*; everything finished is kept"):
            study.finish(0, 1.0, {"much": "x" * 500})
        study.close()

    assert in_child(work) == 0
    with opened(tmp_path) as study:
        assert [(t.number, t.value) for t in study.finished()] == [(1, 2.0)]
        assert [t.number for t in study.waiting()] == [0]
