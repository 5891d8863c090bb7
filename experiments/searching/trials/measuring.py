"""Measuring trials: replicates on the seeds of the search, raced against the incumbent, in any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy
from experiments.metrics import Outcome
from experiments.results import per_customer
from experiments.searching.aims import KEPT, excesses
from experiments.searching.plan import SearchPlan
from experiments.searching.replicates.lives import Lives, Outcomes
from experiments.searching.studies.study import SharedStudy, Trial
from experiments.searching.trials.first_look import FirstLook, SmallWorlds
from experiments.searching.trials.racing import boundary, verdict
from experiments.searching.trials.small import as_whole
from sim.errors import StudyError

Floats = NDArray[np.float64]

BASE, EFFORT, BATCH = "base", "effort", "batch"  # facts of a study: the status quo's values, the effort, a batch
SMALL_BASE, FIRST_LOOK = "small base", "first look"  # the same in a smaller world, and whether it is used
SMALL, GIVEN_UP = "small", "given_up_at"  # of a trial: uplift in the smaller world; the share of its customers


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
    return per_customer(values["equity"], base["equity"][:n], base["acquired"][:n])


def uplift_of(trial: Trial, base: Mapping[str, Sequence[float]]) -> Floats:
    """Uplift of a finished trial on each of its seeds, in the world in which it was lived to its end. Shape (n,).

    Parameters
    ----------
    base : values of the status quo in the whole world.
    """
    if GIVEN_UP in trial.measured:
        return np.asarray(trial.measured[SMALL])
    return uplift(trial.measured["values"], base)


@dataclass(frozen=True)
class _Entrant:
    """A trial that is lived.

    Attributes
    ----------
    looks : replicates after which it is compared with the incumbent; the last ends it.
    incumbent : uplift of the incumbent in the same world; None where a trial is not compared.
    last : whether it may be given up at the last look too.
    """

    trial: Trial
    policy: Policy
    looks: tuple[int, ...]
    incumbent: Floats | None
    last: bool

    def hopeless(self, mine: Floats) -> bool:
        """Whether it is surely worse than the incumbent after these replicates."""
        n = len(mine)
        if self.incumbent is None or n > len(self.incumbent) or (n == self.looks[-1] and not self.last):
            return False
        # The incumbent is the best of all that were measured before this batch, so it is likely a lucky one.
        limits = boundary(self.looks, rivals=max(self.trial.number, 1))
        return verdict(mine - self.incumbent[:n], limits) == "drop"


class Measurer:
    """Measures trials of a study; what it needs to know of the others it reads there.

    Parameters
    ----------
    base : the status quo, with which every policy is compared.
    study : where trials are kept; its facts hold the status quo's values and the incumbent of each batch.
    lives : who lives them.

    Attributes
    ----------
    small : the smaller worlds in which policies may be tried first; None where the plan asks for none.
    """

    def __init__(self, plan: SearchPlan, base: Policy, study: SharedStudy, lives: Lives) -> None:
        self.plan, self.base, self.study, self.lives = plan, base, study, lives
        self.limits = plan.all_limits()
        self.small = SmallWorlds(plan.first_at, lives) if plan.first_at is not None else None
        self._known: dict[str, dict[str, list[float]]] = {}

    @property
    def base_values(self) -> dict[str, list[float]]:
        """What the status quo keeps of the replicates of the search."""
        return self._values(BASE)

    def _values(self, name: str) -> dict[str, list[float]]:
        if name not in self._known:
            known = self.study.fact(name)
            if known is None:
                raise StudyError(
                    "the study has no outcomes of its status quo yet", place=self.study.place, cure="start the search"
                )
            self._known[name] = known
        return self._known[name]

    def measure_base(self, n: int) -> None:
        """Keep what the status quo comes to on the first n seeds, also in the smaller world where there is one."""
        for name, live in ((BASE, self._whole), (SMALL_BASE, self.small.live if self.small else None)):
            known = self.study.fact(name)
            if live is not None and (known is None or len(known["equity"]) < n):
                self.study.set_fact(name, kept_values(live([self.base], n)[0]))
                self._known.pop(name, None)

    def _whole(self, policies: Sequence[Policy], high: int, low: int = 0) -> list[Outcomes]:
        return self.lives.live(policies, "search", high, low)

    # -- trials -----------------------------------------------------------------------------------------------------

    def measure(self, trials: Sequence[Trial], effort: Effort) -> None:
        """Live claimed trials and finish them. All meet a look together, so that processes share its replicates."""
        policies = {t.number: self.plan.policy(self.base, t.params) for t in trials}
        small: dict[int, list[float]] = {}
        for entrant, outcomes, dropped in self._raced(trials, policies, effort, SMALL_BASE):
            number = entrant.trial.number
            small[number] = uplift(kept_values(outcomes), self._values(SMALL_BASE)).tolist()
            if dropped:
                self._give_up(entrant.trial, outcomes, small[number])
                del policies[number]
        left = [t for t in trials if t.number in policies]
        for entrant, outcomes, dropped in self._raced(left, policies, effort, BASE):
            values, known = kept_values(outcomes), small.get(entrant.trial.number)
            measured = {"values": values, "dropped": dropped, **({SMALL: known} if known is not None else {})}
            self._finish(entrant.trial, uplift(values, self.base_values), measured)

    def _raced(
        self, trials: Sequence[Trial], policies: Mapping[int, Policy], effort: Effort, world: str
    ) -> Iterator[tuple[_Entrant, Outcomes, bool]]:
        """Trials with their outcomes in the whole world or the smaller one, and whether they were given up there."""
        tried = trials if world == BASE else [t for t in trials if self._begins_small(t)]
        entrants = [self._entrant(t, policies[t.number], effort, world) for t in tried]
        live = self.small.live if self.small and world == SMALL_BASE else self._whole
        seen: dict[int, Outcomes] = {e.trial.number: [] for e in entrants}
        low = 0
        for high in sorted({look for e in entrants for look in e.looks}):
            going = [e for e in entrants if e.trial.number in seen and high <= e.looks[-1]]
            # A look of one trial may lie between those of another, which then sees more replicates before its own.
            for e, outcomes in zip(going, live([e.policy for e in going], high, low), strict=True):
                mine = seen[e.trial.number]
                mine += outcomes
                dropped = high in e.looks and e.hopeless(uplift(kept_values(mine), self._values(world)))
                if dropped or high == e.looks[-1]:
                    yield e, seen.pop(e.trial.number), dropped
            low = high

    def _begins_small(self, trial: Trial) -> bool:
        """Whether a trial is lived in the smaller world: the first, until they have told whether it is of any use."""
        if self.small is None:
            return False
        known = self.study.fact(FIRST_LOOK)
        return known is None if trial.batch == 0 else known is not None and FirstLook.of(known).used

    def _entrant(self, trial: Trial, policy: Policy, effort: Effort, world: str) -> _Entrant:
        """How a trial is lived: those with a name of their own always to the end."""
        whole = world == BASE
        if trial.batch == 0:
            return _Entrant(trial, policy, (effort.pilot,), None, last=False)
        fact = self.study.fact(f"{BATCH} {trial.batch}") if effort.schedule or not whole else None
        if trial.label or fact is None or fact["incumbent"] is None:
            return _Entrant(trial, policy, (effort.replicates,), None, last=False)
        found = next(t for t in self.study.finished() if t.number == fact["incumbent"])
        incumbent = uplift(found.measured["values"], self.base_values) if whole else np.asarray(found.measured[SMALL])
        return _Entrant(trial, policy, effort.schedule or (effort.replicates,), incumbent, last=not whole)

    def _give_up(self, trial: Trial, outcomes: Outcomes, small: list[float]) -> None:
        """Finish a trial that is surely worse in the smaller world, with totals as the whole world would have them."""
        assert self.small is not None
        values = as_whole(kept_values(outcomes), self.small.share)
        self._finish(trial, np.asarray(small), {
            "values": values, "dropped": True, SMALL: small, GIVEN_UP: self.small.share,
        })  # fmt: skip

    def _finish(self, trial: Trial, up: Floats, measured: dict[str, Any]) -> None:
        self.study.finish(
            trial.number, float(up.mean()), measured, constraints=excesses(self.limits, measured["values"])
        )


def measure_trial(measurer: Measurer, trial: Trial) -> None:
    """Measure one claimed trial of a running search, as a worker elsewhere does."""
    effort = measurer.study.fact(EFFORT)
    if effort is None:  # the pilot is on: its trials are all of batch 0
        raise StudyError("the study does not say yet how trials are run", place=measurer.study.place, cure="wait")
    measurer.measure([trial], Effort.of(effort))
