"""The study: proposals and what was measured of them, kept where every process of a search can read and write.

Optuna's storage holds it, so that its dashboard opens it. Optuna proposes nothing here: batches are handed in, and a
trial keeps its number whoever measures it and however often.
"""

from __future__ import annotations

import hashlib
import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import optuna
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from experiments.searching.owners import STALE_SECONDS, Heart, Owner, Watch
from experiments.searching.plan import SearchPlan
from experiments.searching.storage import PATIENCE_SECONDS, Storage, is_url, shown
from sim.errors import StudyError

if TYPE_CHECKING:
    from experiments.searching.coordinates import Dimension

NAME = "siyu"
PLACE, OWNER, FACT = "siyu:place", "siyu:owner", "siyu:"  # system attributes, which the dashboard does not show
LABEL, LOST, MADE_FROM, ENDED = "label", "lost", "made_from", "ended"  # user attributes, which it does
CONSTRAINT = "constraints:"  # Optuna's name for the system attribute of a constraint
GLANCE_SECONDS = 0.5  # between two looks at trials that others measure


@dataclass(frozen=True)
class Proposal:
    """A policy to try.

    Attributes
    ----------
    label : what it is called, such as ``status quo``.
    params : coordinate to value, without those that do not matter here.
    """

    label: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """A proposal and what became of it.

    Attributes
    ----------
    batch : number of the batch that it was proposed in.
    value : what was found; None until it is finished.
    measured : what else was found, name to plain data; ``lost`` is how often a measuring process went away.
    """

    number: int
    batch: int
    label: str
    params: dict[str, Any]
    state: TrialState
    value: float | None
    measured: dict[str, Any]


class SharedStudy:
    """The trials of a study that is there, as every process sees them that may measure some.

    Parameters
    ----------
    storage : path of a journal, or URL of a PostgreSQL database.
    name : name of the study, of which a database holds many.
    tell : told when a database goes away and comes back; see :class:`~experiments.searching.storage.Storage`.
    patience_seconds, stale_seconds : how long a database may be away, and a measuring process silent.

    Raises
    ------
    StudyError
        When the storage cannot be opened or holds no study of that name.
    """

    MAKES = False  # whether a journal and a study that are not there are made

    def __init__(
        self,
        storage: Path | str,
        name: str = NAME,
        *,
        tell: Callable[[str], None] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self.place, self.name = shown(storage), name
        self._storage = Storage(storage, tell, patience_seconds, make=self.MAKES)
        self._study = self._storage(self._find)
        self._known: dict[int, Trial] = {}
        self._ids: dict[int, int] = {}
        self._places: dict[tuple[int, int], int] = {}
        self._sizes: dict[int, int] = {}
        self._owner, self._watch, self._mine = Owner(), Watch(stale_seconds), set[int]()
        self._heart = Heart(self._beat)

    def _find(self, storage: BaseStorage) -> int:
        try:
            return storage.get_study_id_from_name(self.name)
        except KeyError:
            there = ", ".join(sorted(study.study_name for study in storage.get_all_studies()))
            raise StudyError(
                f"no study '{self.name}' here",
                place=self.place,
                cure=f"known: {there}" if there else "start the search",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was claimed and not finished: others need not wait until this process counts as gone."""
        self._heart.stop()
        with suppress(Exception):  # a storage that is away now; others will notice by themselves
            for number in list(self._mine):
                self._put_back(self._storage.optuna, self._ids[number])
        self._mine.clear()
        self._storage.close()

    # -- trials -----------------------------------------------------------------------------------------------------

    def trials(self) -> list[Trial]:
        """All trials by number."""
        self._read()
        return [self._known[number] for number in sorted(self._places.values())]

    def finished(self) -> list[Trial]:
        """Finished trials by number."""
        return [trial for trial in self.trials() if trial.state == TrialState.COMPLETE]

    def waiting(self) -> list[Trial]:
        """Trials that nobody measures, by number; among them those whose process has gone, which are marked so."""
        frozen = self._read()
        for number, trial in frozen.items():
            if self._is_lost(number, trial):
                self._storage(partial(self._recover, trial))
        return [trial for trial in self.trials() if trial.state == TrialState.WAITING]

    def open(self) -> list[Trial]:
        """Trials that are not finished, by number."""
        return [trial for trial in self.trials() if not trial.state.is_finished()]

    def complete(self, batch: int) -> bool:
        """Whether all proposals of a batch have been written."""
        self._read()
        return batch in self._sizes and all((batch, place) in self._places for place in range(self._sizes[batch]))

    def claim(self, number: int) -> bool:
        """Take a waiting trial for this process; False when another one was faster."""
        trial = self._ids[number]
        tries = 0

        def take(storage: BaseStorage) -> bool:
            nonlocal tries
            tries += 1
            # The mark comes first: a process killed between the two steps must not leave a running trial without it.
            try:
                storage.set_trial_system_attr(trial, OWNER, self._owner.mark())
                if storage.set_trial_state_values(trial, TrialState.RUNNING):
                    return True
            except UpdateFinishedTrialError:
                return False
            found = storage.get_trial(trial)  # at a second try the first may have been done and only its answer lost
            return tries > 1 and found.state == TrialState.RUNNING and found.system_attrs[OWNER]["id"] == self._owner.id

        if not self._storage(take):
            return False
        self._mine.add(number)
        self._heart.start()
        return True

    def take(self, most: int | None = None) -> list[Trial]:
        """Claim waiting trials, those of low number first, at most so many."""
        taken: list[Trial] = []
        for trial in self.waiting():
            if len(taken) == most:
                break
            if self.claim(trial.number):
                taken.append(trial)
        return taken

    def finish(
        self, number: int, value: float, measured: Mapping[str, Any], constraints: Mapping[str, float] | None = None
    ) -> None:
        """Record what was found. Does nothing when another process, which took this one for gone, was faster.

        Parameters
        ----------
        value : what the search makes large.
        measured : name to plain data; the dashboard shows it.
        constraints : name to a number that is above 0 where the constraint is broken, as Optuna has it.

        Raises
        ------
        StudyError
            When the value is not a finite number.
        """
        if not math.isfinite(value):
            raise StudyError("a trial's value must be a finite number", place=f"trial {number}", value=value)
        trial = self._ids[number]

        def write(storage: BaseStorage) -> None:
            if storage.get_trial(trial).state.is_finished():
                return
            with suppress(UpdateFinishedTrialError), self._storage.together():
                for name, content in measured.items():
                    storage.set_trial_user_attr(trial, name, plain(content))
                for name, excess in (constraints or {}).items():
                    storage.set_trial_system_attr(trial, CONSTRAINT + name, float(excess))
                storage.set_trial_state_values(trial, TrialState.COMPLETE, [float(value)])

        self._storage(write)
        self._mine.discard(number)
        self._sync(trial)

    def release(self, number: int) -> None:
        """Give a claimed trial back."""
        self._mine.discard(number)
        self._storage(lambda storage: self._put_back(storage, self._ids[number]))

    # -- facts ------------------------------------------------------------------------------------------------------

    def set_fact(self, name: str, data: Any) -> None:
        """Keep plain data of the study under a name."""
        self._storage(lambda s: s.set_study_system_attr(self._study, FACT + name, plain(data)))

    def fact(self, name: str) -> Any:
        """What was kept under a name; None when nothing was."""
        return self._storage(lambda s: s.get_study_system_attrs(self._study)).get(FACT + name)

    @property
    def made_from(self) -> dict[str, str]:
        """What the study belongs to, name to hash."""
        return dict(self._attributes().get(MADE_FROM, {}))

    @property
    def ended(self) -> bool:
        """Whether the search has no more trials to measure."""
        return bool(self._attributes().get(ENDED, False))

    def check(self, made_from: Mapping[str, str], cure: str) -> None:
        """Raise StudyError naming the first thing in which the study was made from something else."""
        known = self.made_from
        for name in dict.fromkeys([*made_from, *known]):
            if known.get(name) != made_from.get(name):
                raise StudyError(
                    f"this study was made with another {name}", place=self.place, value=known.get(name, "none"),
                    cure=f"now it is {made_from.get(name, 'none')}; {cure.format(name=name)}",
                )  # fmt: skip

    def _attributes(self) -> dict[str, Any]:
        return self._storage(lambda s: s.get_study_user_attrs(self._study))

    # -- reading ----------------------------------------------------------------------------------------------------

    def _read(self) -> dict[int, FrozenTrial]:
        """Take in what has changed; return the trials that run, by number."""
        running: dict[int, FrozenTrial] = {}
        for frozen in self._storage(lambda s: s.get_all_trials(self._study, deepcopy=False)):
            known = self._known.get(frozen.number)
            if known is not None and known.state.is_finished():
                continue
            if frozen.state == TrialState.RUNNING:
                running[frozen.number] = frozen
            if known is None or known.state != frozen.state:
                self._take_in(frozen)
        return running

    def _take_in(self, frozen: FrozenTrial) -> None:
        if PLACE not in frozen.system_attrs:
            return  # somebody's own, put there by Optuna's tools
        batch, place, size = frozen.system_attrs[PLACE]
        # A database that broke off while it said that a trial was written may hold it twice; the first one counts.
        if self._places.setdefault((batch, place), frozen.number) != frozen.number:
            return
        self._sizes[batch] = size
        self._ids[frozen.number] = frozen._trial_id
        measured = {name: data for name, data in frozen.user_attrs.items() if name != LABEL}
        value = frozen.value if frozen.state == TrialState.COMPLETE else None
        self._known[frozen.number] = Trial(
            frozen.number, batch, frozen.user_attrs[LABEL], dict(frozen.params), frozen.state, value, measured
        )

    def _sync(self, trial: int) -> None:
        """Let the journal tell now, not at the next question, that another process had finished the trial before."""
        while True:
            with suppress(UpdateFinishedTrialError):
                self._storage(lambda s: s.get_trial(trial))
                return

    # -- processes that are gone ------------------------------------------------------------------------------------

    def _beat(self) -> None:
        for number in list(self._mine):
            with suppress(UpdateFinishedTrialError):
                self._storage.optuna.set_trial_system_attr(self._ids[number], OWNER, self._owner.mark())

    def _is_lost(self, number: int, frozen: FrozenTrial) -> bool:
        return number not in self._mine and self._watch.gone(number, frozen.system_attrs.get(OWNER))

    def _recover(self, frozen: FrozenTrial, storage: BaseStorage) -> None:
        """Mark a trial whose process has gone, and let it wait again, unless somebody else has done so."""
        found = storage.get_trial(frozen._trial_id)
        if found.state == TrialState.RUNNING and found.system_attrs.get(OWNER) == frozen.system_attrs.get(OWNER):
            with suppress(UpdateFinishedTrialError):
                storage.set_trial_user_attr(frozen._trial_id, LOST, found.user_attrs.get(LOST, 0) + 1)
            self._put_back(storage, frozen._trial_id)

    @staticmethod
    def _put_back(storage: BaseStorage, trial: int) -> None:
        with suppress(UpdateFinishedTrialError):
            storage.set_trial_state_values(trial, TrialState.WAITING)


class Study(SharedStudy):
    """A study as the one process sees it that proposes.

    Parameters
    ----------
    storage, name, more : as for :class:`SharedStudy`. The study is made when it is not there.
    dimensions : coordinates of the search space.
    made_from : what decides the trials, name to hash.

    Raises
    ------
    StudyError
        When the study was made from something else, or another process proposes in it.
    """

    MAKES = True

    def __init__(
        self,
        storage: Path | str,
        dimensions: Iterable[Dimension],
        made_from: Mapping[str, str],
        name: str = NAME,
        **more: Any,
    ) -> None:
        super().__init__(storage, name, **more)
        self.dimensions = {d.name: d.distribution for d in dimensions}
        self._lock = self._storage.lock(f"siyu {name}")
        try:
            if not self.made_from:
                self._storage(lambda s: s.set_study_user_attr(self._study, MADE_FROM, dict(made_from)))
            other = "another study name" if is_url(storage) else "another --out"
            self.check(made_from, f"give {other}, or restore the {{name}}")
            self._storage(lambda s: s.set_study_user_attr(self._study, ENDED, False))
        except BaseException:
            self._lock.release()
            raise
        self.resumed = bool(self.trials())

    def _find(self, storage: BaseStorage) -> int:
        with suppress(KeyError):
            return storage.get_study_id_from_name(self.name)
        with suppress(DuplicatedStudyError):  # somebody was faster
            return storage.create_new_study([StudyDirection.MAXIMIZE], self.name)
        return storage.get_study_id_from_name(self.name)

    def propose(self, batch: int, proposals: Sequence[Proposal]) -> None:
        """Write the proposals of a batch. Those that are there, since an earlier process was killed here, stay."""
        self._lock.check()
        for place, proposal in enumerate(proposals):
            template = self._template(proposal, [batch, place, len(proposals)])
            self._storage(partial(self._write, template))
        self._read()

    def _write(self, template: FrozenTrial, storage: BaseStorage) -> None:
        self._read()
        batch, place, _ = template.system_attrs[PLACE]
        if (batch, place) not in self._places:
            storage.create_new_trial(self._study, template)

    def _template(self, proposal: Proposal, place: list[int]) -> FrozenTrial:
        unknown = set(proposal.params) - set(self.dimensions)
        if unknown:
            raise StudyError(f"no coordinate '{min(unknown)}' in the space", place=proposal.label)
        return create_trial(
            state=TrialState.WAITING,
            params=dict(proposal.params),
            distributions={name: self.dimensions[name] for name in proposal.params},
            user_attrs={LABEL: proposal.label},
            system_attrs={PLACE: place},
        )

    def wait(self, seconds: float = GLANCE_SECONDS) -> None:
        """Wait a moment for trials that other processes measure."""
        time.sleep(seconds)

    def end(self) -> None:
        """Say that no more trials will be proposed, so that workers go home."""
        self._storage(lambda s: s.set_study_user_attr(self._study, ENDED, True))

    def close(self) -> None:
        super().close()
        self._lock.release()


def plain(data: Any) -> Any:
    """Data as JSON has it: arrays are lists, NumPy's numbers are Python's."""
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    if isinstance(data, np.ndarray):
        return data.tolist()
    return data.item() if isinstance(data, np.generic) else data


# -- old
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
STARTUP = 10  # trials before the sampler learns, Optuna's default; the enqueued ones count
BUDGET = "budget"  # name of the constraint


class StudyFile:
    """An Optuna study in a journal file, asked in fixed batches.

    Before each question the sampler is seeded with a hash of the plan's seed and the trial's number. So a proposal
    depends on the trials before its batch and on nothing else, and an interrupted search goes on as if it had not been.

    Parameters
    ----------
    path : the journal.
    plan : space and seed.
    made_from : what the study belongs to, name to hash; a journal made from something else is refused.
    """

    def __init__(self, path: Path, plan: SearchPlan, made_from: dict[str, str]) -> None:
        self.plan = plan
        self.resumed = path.exists()
        _drop_torn_line(path)
        storage = JournalStorage(JournalFileBackend(str(path)))
        self.study = optuna.create_study(
            storage=storage, study_name="siyu", direction="maximize", load_if_exists=True, sampler=self._sampler(0),
            pruner=optuna.pruners.NopPruner(),
        )  # fmt: skip
        known: dict[str, str] = self.study.user_attrs.get("made_from", {})
        if not known:
            self.study.set_user_attr("made_from", made_from)
        for name, value in made_from.items():
            if known and known.get(name) != value:
                raise StudyError(
                    f"this study was made with another {name}",
                    place=str(path),
                    value=known.get(name),
                    cure=f"now it is {value}; give another --out, or restore the {name}",
                )

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        digest = hashlib.blake2b(f"{self.plan.seed}/{number}".encode(), digest_size=4).digest()
        seed = int.from_bytes(digest, "little")
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)

    def enqueue(self, params: dict[str, Any], label: str) -> None:
        """Put a policy before all that the sampler proposes, unless it stands there already."""
        if any(t.user_attrs.get("label") == label for t in self.study.get_trials(deepcopy=False)):
            return
        self.study.enqueue_trial(params, user_attrs={"label": label})

    def asked(self) -> list[optuna.trial.FrozenTrial]:
        """Trials that were proposed, finished or not."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state != TrialState.WAITING]

    def next_batch(self) -> list[tuple[optuna.Trial, dict[str, Any]]]:
        """Proposals to evaluate now: first those that an interruption left open, then new ones up to a full batch."""
        asked = self.asked()
        batch: list[tuple[optuna.Trial, dict[str, Any]]] = []
        for frozen in asked:
            if frozen.state == TrialState.RUNNING:
                self.study.sampler = self._sampler(frozen.number)
                batch.append(self._values(optuna.Trial(self.study, frozen._trial_id)))
        missing = -len(asked) % self.plan.batch or (0 if batch else self.plan.batch)
        for number in range(len(asked), min(len(asked) + missing, self.plan.trials)):
            self.study.sampler = self._sampler(number)
            batch.append(self._values(self.study.ask()))
        return batch

    def _values(self, trial: optuna.Trial) -> tuple[optuna.Trial, dict[str, Any]]:
        return trial, {d.name: trial._suggest(d.name, d.distribution) for d in self.plan.dimensions()}

    def tell(self, trial: optuna.Trial, value: float, spend: float, more: dict[str, Any]) -> None:
        """Record a result; with a budget, what was overspent is a constraint."""
        if self.plan.budget is not None:
            trial.set_constraint(BUDGET, spend - self.plan.budget)
        for name, content in {**more, "spend": spend}.items():
            trial.set_user_attr(name, content)
        self.study.tell(trial, value)

    def finished(self) -> list[optuna.trial.FrozenTrial]:
        """Complete trials by number."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state == TrialState.COMPLETE]

    def uplift(self, trial: optuna.trial.FrozenTrial) -> float:
        """Mean uplift of a finished trial."""
        assert trial.value is not None  # complete trials have a value
        return float(trial.value)

    def feasible(self, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether the mean spend of the trial kept the budget."""
        return self.plan.budget is None or float(trial.user_attrs["spend"]) <= self.plan.budget

    def importances(self) -> dict[str, float]:
        """Share of each lever in the variation among all trials, by PED-ANOVA; empty when undefined."""
        trials = self.finished()
        if len(trials) < 8 or len({t.value for t in trials}) < 2:
            return {}
        try:
            return dict(optuna.importance.get_param_importances(self.study))
        except (RuntimeError, ValueError):  # a lever that never moved
            return {}


def _drop_torn_line(path: Path) -> None:
    """Cut a last line that a kill left half written; the journal would otherwise be unreadable from there on."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as handle:
            handle.truncate(data.rfind(b"\n") + 1)
