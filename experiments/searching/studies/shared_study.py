"""A study as every process sees it that may measure some of its trials.

Optuna's storage holds it, so that its dashboard opens it. A trial keeps its number whoever measures it and however
often, so a search that was killed and went on ends with the same bytes as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from experiments.searching.studies.owners import STALE_SECONDS, Heart, Owner, Watch
from experiments.searching.studies.storage import PATIENCE_SECONDS, Storage, shown
from sim.errors import StudyError

NAME = "siyu"
PLACE, OWNER, FACT = "siyu:place", "siyu:owner", "siyu:"  # system attributes, which the dashboard does not show
LABEL, LOST, MADE_FROM, ENDED, HELPED = (
    "label",
    "lost",
    "made_from",
    "ended",
    "helped",
)  # user attributes, which it does
CONSTRAINT = "constraints:"  # Optuna's name for the system attribute of a constraint
GLANCE_SECONDS = 0.5  # between two looks at trials that others measure


@dataclass(frozen=True)
class Trial:
    """A proposal and what became of it.

    Attributes
    ----------
    batch : number of the batch that it was proposed in.
    value : what was found; None until it is finished.
    measured : what else was found, name to plain data.
    lost : how often a process that measured it went away.
    """

    number: int
    batch: int
    label: str
    params: dict[str, Any]
    state: TrialState
    value: float | None
    measured: dict[str, Any]
    lost: int = 0


class SharedStudy:
    """The trials of a study that is there, as every process sees them that may measure some.

    Parameters
    ----------
    storage : path of a journal, or URL of a PostgreSQL database.
    name : name of the study, of which a database holds many.
    tell : told when a database goes away and comes back; see :class:`~experiments.searching.studies.storage.Storage`.
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
        return self._all()

    def _all(self) -> list[Trial]:
        return [self._known[number] for number in sorted(self._places.values())]

    def finished(self) -> list[Trial]:
        """Finished trials by number."""
        return [trial for trial in self.trials() if trial.state == TrialState.COMPLETE]

    def waiting(self) -> list[Trial]:
        """Trials that nobody measures, by number; among them those whose process has gone, which are marked so."""
        running = self._read()
        lost = [frozen for number, frozen in running.items() if self._is_lost(number, frozen)]
        for frozen in lost:
            self._storage(partial(self._recover, frozen))
        return [trial for trial in (self.trials() if lost else self._all()) if trial.state == TrialState.WAITING]

    def open(self) -> list[Trial]:
        """Trials that are not finished, by number."""
        return [trial for trial in self.trials() if not trial.state.is_finished()]

    def claim(self, number: int) -> bool:
        """Take a waiting trial for this process; False when another one was faster."""
        trial = self._id(number)
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
        trial = self._id(number)

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
        self._storage(lambda storage: self._put_back(storage, self._id(number)))

    def help(self) -> None:
        """Say that other processes than the searcher measure trials of this study, so that it leaves them some."""
        self._storage(lambda s: s.set_study_user_attr(self._study, HELPED, True))

    @property
    def helped(self) -> bool:
        """Whether another process than the searcher has come to measure trials."""
        return bool(self._attributes().get(HELPED, False))

    def wait(self, seconds: float = GLANCE_SECONDS) -> None:
        """Wait a moment for trials that other processes measure."""
        time.sleep(seconds)

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
        batch, place = frozen.system_attrs[PLACE]
        # A database that broke off while it said that a trial was written may hold it twice; the first one counts.
        if self._places.setdefault((batch, place), frozen.number) != frozen.number:
            return
        self._ids[frozen.number] = frozen._trial_id
        attributes = dict(frozen.user_attrs)
        label, lost = attributes.pop(LABEL), attributes.pop(LOST, 0)
        value = frozen.value if frozen.state == TrialState.COMPLETE else None
        self._known[frozen.number] = Trial(
            frozen.number, batch, label, dict(frozen.params), frozen.state, value, attributes, lost
        )

    def _id(self, number: int) -> int:
        if number not in self._ids:
            self._read()
        if number not in self._ids:
            raise StudyError("no such trial", place=self.place, value=number)
        return self._ids[number]

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


def plain(data: Any) -> Any:
    """Data as JSON has it: arrays are lists, NumPy's numbers are Python's."""
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    if isinstance(data, np.ndarray):
        return data.tolist()
    return data.item() if isinstance(data, np.generic) else data
