"""The study as the one process sees it that proposes: batches handed in, none of them ever doubled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from experiments.searching.studies.shared_study import (
    ENDED,
    FACT,
    HELPED,
    LABEL,
    MADE_FROM,
    NAME,
    PLACE,
    SharedStudy,
    Trial,
    plain,
)
from experiments.searching.studies.storage import is_url
from sim.errors import StudyError

if TYPE_CHECKING:
    from experiments.searching.space.coordinates import Dimension

__all__ = ["Proposal", "SharedStudy", "Study", "Trial"]

PROPOSED = "proposed"  # fact: the batch that was handed in last


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
            self._storage(lambda s: s.set_study_user_attr(self._study, HELPED, False))
            self._facts = self._storage(lambda s: dict(s.get_study_system_attrs(self._study)))
            self.resumed = bool(self.trials())
            self._write_batch()
        except BaseException:
            self._lock.release()
            raise

    def _find(self, storage: BaseStorage) -> int:
        with suppress(KeyError):
            return storage.get_study_id_from_name(self.name)
        with suppress(DuplicatedStudyError):  # somebody was faster
            return storage.create_new_study([StudyDirection.MAXIMIZE], self.name)
        return storage.get_study_id_from_name(self.name)

    def fact(self, name: str) -> Any:
        return self._facts.get(FACT + name)  # this process alone sets any, so it need not ask for them again

    def set_fact(self, name: str, data: Any) -> None:
        super().set_fact(name, data)
        self._facts[FACT + name] = plain(data)

    def propose(self, batch: int, proposals: Sequence[Proposal]) -> None:
        """Write the proposals of a batch.

        They are noted as a whole before the first of them is written as a trial. So a batch is there or not: what a
        kill has left unwritten is written when the study is opened again, and a batch that is there stays as it is.
        """
        for proposal in proposals:
            if unknown := set(proposal.params) - set(self.dimensions):
                raise StudyError(f"no coordinate '{min(unknown)}' in the space", place=proposal.label)
        self._lock.check()
        if not proposals:
            return
        known = self.fact(PROPOSED)
        if known is None or known["batch"] < batch:
            self.set_fact(PROPOSED, {"batch": batch, "proposals": [[p.label, p.params] for p in proposals]})
        self._write_batch()

    def _write_batch(self) -> None:
        """Write what is missing of the batch that was proposed last."""
        known = self.fact(PROPOSED)
        proposals = [Proposal(*proposal) for proposal in known["proposals"]] if known else []
        for place, proposal in enumerate(proposals):
            template = self._template(proposal, [known["batch"], place])
            self._storage(partial(self._write, template))
        self._read()

    def _write(self, template: FrozenTrial, storage: BaseStorage) -> None:
        self._read()
        if tuple(template.system_attrs[PLACE]) not in self._places:
            storage.create_new_trial(self._study, template)

    def _template(self, proposal: Proposal, place: list[int]) -> FrozenTrial:
        return create_trial(
            state=TrialState.WAITING,
            params=dict(proposal.params),
            distributions={name: self.dimensions[name] for name in proposal.params},
            user_attrs={LABEL: proposal.label},
            system_attrs={PLACE: place},
        )

    def end(self) -> None:
        """Say that no more trials will be proposed, so that workers go home."""
        self._storage(lambda s: s.set_study_user_attr(self._study, ENDED, True))

    def close(self) -> None:
        super().close()
        self._lock.release()
