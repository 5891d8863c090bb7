"""Measuring trials: replicates on the seeds of the search, raced against the incumbent, in any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy
from experiments.metrics import Outcome
from experiments.searching.aims import KEPT, excesses
from experiments.searching.lives import Lives
from experiments.searching.plan import SearchPlan
from experiments.searching.racing import boundary, verdict
from experiments.searching.study import SharedStudy, Trial
from sim.errors import StudyError

Floats = NDArray[np.float64]

BASE, EFFORT, BATCH = "base", "effort", "batch"  # facts of a study: the status quo's values, the effort, a batch


@dataclass(frozen=True)
class Effort:
    """How the trials are run.

    Attributes
    ----------
    trials, replicates : how many policies, and how many replicates of one that is not dropped.
    schedule : looks of the race, or None for a fixed number of replicates.
    pilot : replicates of the trials of batch 0.
    """

    trials: int
    replicates: int
    schedule: tuple[int, ...] | None
    pilot: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for the study's facts."""
        return {**vars(self), "schedule": None if self.schedule is None else list(self.schedule)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Effort:
        """What :meth:`as_dict` gave."""
        return cls(**{**data, "schedule": None if data["schedule"] is None else tuple(data["schedule"])})


def kept_values(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """What a trial keeps of its replicates."""
    return {name: [o.values[name] for o in outcomes] for name in KEPT}


def uplift(values: Mapping[str, Sequence[float]], base: Mapping[str, Sequence[float]]) -> Floats:
    """Incremental CLV per customer acquired under the base policy, for each of the values' seeds. Shape (n,)."""
    n = len(values["equity"])
    gap = np.asarray(values["equity"]) - np.asarray(base["equity"][:n])
    return np.asarray(gap / np.maximum(np.asarray(base["acquired"][:n]), 1.0))


class Measurer:
    """Measures trials of a study; what it needs to know of the others it reads there.

    Parameters
    ----------
    base : the status quo, with which every policy is compared.
    study : where trials are kept; its facts hold the status quo's values and the incumbent of each batch.
    lives : who lives them.
    """

    def __init__(self, plan: SearchPlan, base: Policy, study: SharedStudy, lives: Lives) -> None:
        self.plan, self.base, self.study, self.lives = plan, base, study, lives
        self.limits = plan.all_limits()
        self._base_values: dict[str, list[float]] | None = None

    @property
    def base_values(self) -> dict[str, list[float]]:
        """What the status quo keeps of the replicates of the search."""
        if self._base_values is None:
            known = self.study.fact(BASE)
            if known is None:
                raise StudyError(
                    "the study has no outcomes of its status quo yet", place=self.study.place, cure="start the search"
                )
            self._base_values = known
        return self._base_values

    def measure(self, trials: Sequence[Trial], effort: Effort) -> None:
        """Live claimed trials and finish them. All meet a look together, so that processes share its replicates."""
        policies = {t.number: self.plan.policy(self.base, t.params) for t in trials}
        seen: dict[int, list[Outcome]] = {t.number: [] for t in trials}
        races = {t.number: self._race(t, effort) for t in trials}
        low = 0
        for high in sorted({look for _, schedule in races.values() for look in schedule}):
            going = [t for t in trials if t.number in policies and high <= races[t.number][1][-1]]
            # A look of one trial may lie between those of another, which then sees more replicates before its own.
            lived = self.lives.live([policies[t.number] for t in going], "search", high, low)
            for trial, outcomes in zip(going, lived, strict=True):
                seen[trial.number] += outcomes
                incumbent, schedule = races[trial.number]
                last = high == schedule[-1]
                if last or (high in schedule and self._hopeless(seen[trial.number], incumbent, schedule, trial)):
                    self._finish(trial, seen[trial.number], dropped=not last)
                    del policies[trial.number]
            low = high

    def _race(self, trial: Trial, effort: Effort) -> tuple[Floats | None, tuple[int, ...]]:
        """Uplift of the incumbent that a trial is raced against, or None; and the numbers of replicates to look at."""
        if trial.batch == 0:
            return None, (effort.pilot,)
        fact = self.study.fact(f"{BATCH} {trial.batch}") if effort.schedule else None
        if trial.label or fact is None or effort.schedule is None:
            return None, (effort.replicates,)
        incumbent = next(t for t in self.study.finished() if t.number == fact["incumbent"])
        return uplift(incumbent.measured["values"], self.base_values), effort.schedule

    def _hopeless(
        self, outcomes: Sequence[Outcome], incumbent: Floats | None, schedule: tuple[int, ...], trial: Trial
    ) -> bool:
        if incumbent is None:
            return False
        mine = uplift(kept_values(outcomes), self.base_values)
        # The incumbent is the best of all that were measured before this batch, so it is likely a lucky one.
        return verdict(mine - incumbent[: len(mine)], boundary(schedule, rivals=max(trial.number, 1))) == "drop"

    def _finish(self, trial: Trial, outcomes: Sequence[Outcome], dropped: bool) -> None:
        values = kept_values(outcomes)
        gain = float(uplift(values, self.base_values).mean())
        self.study.finish(
            trial.number, gain, {"values": values, "dropped": dropped}, constraints=excesses(self.limits, values)
        )


def measure_trial(measurer: Measurer, trial: Trial) -> None:
    """Measure one claimed trial of a running search, as a worker elsewhere does."""
    effort = measurer.study.fact(EFFORT)
    if effort is None:  # the pilot is on: its trials are all of batch 0
        raise StudyError("the study does not say yet how trials are run", place=measurer.study.place, cure="wait")
    measurer.measure([trial], Effort.of(effort))
