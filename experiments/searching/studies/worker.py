"""A worker: joins a search that runs elsewhere, and measures trials for it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agents.birth import Learned
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.experiment import Experiment
from experiments.ground import Ground
from experiments.listener import Listener, Silence
from experiments.run import Workers
from experiments.searching.plan import SearchPlan
from experiments.searching.replicates.cache import Cache, Replicates
from experiments.searching.replicates.lives import Lives
from experiments.searching.studies.shared_study import GLANCE_SECONDS, SharedStudy
from experiments.searching.studies.storage import Storage, is_url
from experiments.searching.trials.measuring import EFFORT, Measurer, measure_trial
from experiments.searching.worlds import ensemble
from sim.errors import SpecError, StudyError
from sim.spec import validate

PATIENCE_SECONDS = 600.0  # how long to wait for the next batch when the searcher may be gone; assumed
LONGEST_PAUSE_SECONDS = 5.0  # between two looks for work; a thousand workers then ask a database 200 times a second
JOURNAL = "study.journal"


def work(
    study: Path | str,
    *,
    name: str | None = None,
    logs: str | None = None,
    processes: int | None = None,
    cache: Path | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
    listener: Listener | None = None,
) -> int:
    """Measure trials of a running search until it has no more; return how many.

    Parameters
    ----------
    study : URL of a database, or path of a journal or of the folder that holds it.
    name : of the study; needed only where several are running.
    logs : where this machine has the logs, or the models, of the experiment; where the experiment says without.
    processes : None takes all cores.
    cache : folder of replicates to share with other searches on this machine; none is kept without.
    patience_seconds : how long to wait without a trial to measure.

    Raises
    ------
    StudyError
        When there is no such search, or this machine has another version or other logs than the searcher.
    """
    hear = listener or Silence()
    place = study if is_url(study) else Path(study) / JOURNAL if Path(study).is_dir() else Path(study)
    with ExitStack() as stack:
        shared = stack.enter_context(SharedStudy(place, name or running(place), tell=hear.say))
        documents = _wait_for(shared, "documents", patience_seconds)
        design, ground, plan = _understood(documents, logs, hear)
        _check(shared, ground, design, plan)
        worlds = tuple(w.scenario for w in ensemble(ground.scenario, design.uncertain, design.worlds, plan.seed))
        pool = stack.enter_context(Workers(worlds, ground.learned, processes))
        kept = stack.enter_context(Cache(cache)) if cache is not None else None
        lives = Lives(Replicates(pool, kept), worlds, plan.seed)
        return _measure(Measurer(plan, ground.status_quo, shared, lives), patience_seconds, hear)


def running(place: Path | str) -> str:
    """Name of the one study of a storage that has not ended. Raises StudyError when there is none, or several."""
    storage = Storage(place, make=False)
    try:
        studies = storage(lambda s: s.get_all_studies())
    finally:
        storage.close()
    open_ = sorted(study.study_name for study in studies if not study.user_attrs.get("ended"))
    if len(open_) != 1:
        rule = f"several searches run here: {', '.join(open_)}" if open_ else "no search is running here"
        cure = "say which with --name" if open_ else "start one first"
        raise StudyError(rule, place=storage.place, cure=cure)
    return open_[0]


def _wait_for(study: SharedStudy, fact: str, seconds: float) -> Any:
    """A fact that the searcher is about to write."""
    until = time.monotonic() + seconds
    while (found := study.fact(fact)) is None:
        if time.monotonic() > until:
            raise StudyError(f"the study does not tell its {fact}", place=study.place, cure="start the search again")
        study.wait()
    return found


def _understood(
    documents: Mapping[str, Any], logs: str | None, hear: Listener
) -> tuple[Experiment, Ground, SearchPlan]:
    """The searcher's documents, and models from this machine's copy of the logs."""
    for data in documents.values():
        for module in data.get("plugins", ()):
            try:
                importlib.import_module(module)
            except ImportError as error:
                raise SpecError(
                    f"plug-in cannot be imported: {error}", value=module, cure="install it on this machine too"
                ) from None
    design = validate(Experiment, documents["experiment"])
    plan = validate(SearchPlan, documents["search"])
    ground = Ground(
        scenario=validate(Scenario, documents["scenario"]),
        status_quo=validate(Policy, documents["status quo"]),
        plan=plan,
        learned=_learned(design, logs, hear),
        training=None,
        effects={},
        notes=(),
    )
    return design, ground, plan


def _learned(design: Experiment, logs: str | None, hear: Listener) -> Learned | None:
    if design.models is not None:
        from experiments.learning.trained import load_trained

        return load_trained(Path(logs or design.models)).learned
    if design.logs is None:
        return None
    from experiments.data import load_logs
    from experiments.train import train

    hear.stage("reading logs", 1)
    read = load_logs(logs or design.logs, zone=design.zone)
    hear.stage("learning", 1)
    return train(read, cut_off=design.cut_off, lapse_days=design.lapse_days).learned()


def _check(study: SharedStudy, ground: Ground, design: Experiment, plan: SearchPlan) -> None:
    """Raise StudyError naming what differs between this machine and the searcher's."""
    from experiments.search import made_from  # it imports what a worker is not, so only here

    study.check(made_from(ground, design, plan), "this machine needs the {name} that the search has")


def _measure(measurer: Measurer, patience_seconds: float, hear: Listener) -> int:
    study, done, ready = measurer.study, 0, False
    since, pause = time.monotonic(), GLANCE_SECONDS
    while not study.ended and time.monotonic() - since < patience_seconds:
        if not ready and (effort := study.fact(EFFORT)):  # there is none while the searcher's pilot is on
            hear.stage("measuring", effort["trials"])
            ready = True
        if not study.helped:  # a searcher that was started again does not know of its helpers
            study.help()
        taken = study.take(1) if ready else []
        if not taken:
            study.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            continue
        measure_trial(measurer, taken[0])
        done += 1
        hear.step(done, f"trial {taken[0].number}")
        since, pause = time.monotonic(), GLANCE_SECONDS
    return done
