"""The trials of a search: first policies, pilot, batches of proposals, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from agents.policy import Policy
from experiments.listener import Listener
from experiments.searching.aims import Limit, excesses
from experiments.searching.engine.engine import Engine, History, method_of
from experiments.searching.engine.proposals import enough
from experiments.searching.finals.finalists import STATUS_QUO
from experiments.searching.plan import SearchPlan
from experiments.searching.replicates.lives import Lives
from experiments.searching.space.coordinates import Coordinates
from experiments.searching.studies.study import Proposal, Study, Trial
from experiments.searching.trials.first_look import FirstLook
from experiments.searching.trials.measuring import (
    BATCH,
    EFFORT,
    FIRST_LOOK,
    GIVEN_UP,
    SMALL,
    Effort,
    Measurer,
    uplift,
    uplift_of,
)
from experiments.searching.trials.pilot import FEWEST_RANKED, Pilot, Replication, measure, replication
from sim.errors import StudyError

Floats = NDArray[np.float64]

REFERENCE = 8  # replicates of a trial by which effort is counted; data.md measured .28 % regret with it
PILOT_SEEDS = 16
PILOT_POLICIES = 20
FEWEST_SPREAD = 4  # policies spread over a space, and two more for each of its dimensions; assumed
EDGE = 1.645  # standard errors of a limited metric that the search keeps away from a limit: 95 % keep it elsewhere
FEWEST_AT_ONCE = 2  # replicates at the first look of a race
FEWEST_RUNS = 320  # replicates that a pilot has to share out at least, so that its rule has something to weigh
MORE_TRIALS = 3  # times as many trials as asked, at most, when the pilot finds that few replicates are enough
FEWEST_TRIALS, PER_DIMENSION = 40, 10  # before a search may stop by itself; assumed
REFIT = 2  # batches of an engine without a surrogate of its own between looks at what improvement is left


class TrialLoop:
    """Runs the trials of a search.

    Parameters
    ----------
    base : the status quo, with which every policy is compared.
    playbooks : policies that are always tried, by name.
    study : where trials are kept.
    lives : who lives them.
    at_once : trials that this process claims together once others measure too; None for all that wait.

    Attributes
    ----------
    pilot, replication : what the pilot measured and chose; None without one.
    stopped : why the search stopped before its last trial; empty when it did not.
    """

    def __init__(
        self, plan: SearchPlan, base: Policy, playbooks: Mapping[str, Policy], study: Study, lives: Lives,
        hear: Listener, at_once: int | None = None,
    ) -> None:  # fmt: skip
        self.plan, self.base, self.playbooks, self.study, self.lives = plan, base, playbooks, study, lives
        self.hear, self.at_once = hear, at_once
        self.coordinates = Coordinates(plan.dimensions())
        self.limits = plan.all_limits()
        self.measurer = Measurer(plan, base, study, lives)
        self.pilot: Pilot | None = None
        self.replication: Replication | None = None
        self.stopped = ""

    # -- the whole ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run what is missing of the trials."""
        effort = self._prepare()
        self.hear.stage("searching", effort.trials)
        note = ""
        while True:
            self._measure_open(effort, note)
            finished = self.study.finished()
            history = self.history(finished)
            note = self._note(finished, history)
            self.hear.step(len(finished), note)
            self._refuse_hopeless(finished, history, last=len(finished) >= effort.trials)
            if len(finished) >= effort.trials or not self._propose(effort, finished, history):
                return

    def engine(self) -> Engine:
        """Who proposes."""
        effort = Effort.of(self.study.fact(EFFORT))
        return Engine(
            method_of(self.plan.engine, self.coordinates, effort.trials),
            self.coordinates,
            self.plan.seed,
            self.plan.batch,
        )

    def history(self, trials: Sequence[Trial]) -> History:
        """Finished trials with their objective on the same footing: all on the first seeds that a full trial has."""
        longest = max(len(t.measured["values"]["equity"]) for t in trials if GIVEN_UP not in t.measured)
        most = min(Effort.of(self.study.fact(EFFORT)).replicates, longest)  # a pilot may ask for more than it had
        values, noise = self._on_one_footing(trials, most)
        limits = self.tightened()
        excess = {name: np.empty(len(trials)) for name in limits}
        for i, trial in enumerate(trials):
            for name, over in excesses(limits, trial.measured["values"]).items():
                excess[name][i] = over
        return History(
            params=tuple(t.params for t in trials),
            values=values,
            noise=noise,
            excess=excess,
            batches=np.array([0 if t.label else t.batch for t in trials]),
        )

    def _on_one_footing(self, trials: Sequence[Trial], most: int) -> tuple[Floats, Floats]:
        """Objectives, and the variance of what their missing replicates add.

        A trial that was dropped has seen fewer seeds than the others, and those may be kind or harsh. So its gap to
        the best full trial on the seeds that both have seen is taken for the whole; where it was dropped in a smaller
        world, the gap between the two there.
        """
        ups = [uplift_of(t, self.measurer.base_values)[:most] for t in trials]
        small = [GIVEN_UP in t.measured for t in trials]
        full = [i for i, u in enumerate(ups) if len(u) == most and not small[i]]
        scores = self.plan.objective.scores(np.array([ups[i] for i in full]), self.lives.world_of(most))
        values, noise = np.empty(len(ups)), np.zeros(len(ups))
        values[full] = scores
        leader = full[int(np.argmax(scores))]
        for i, u in enumerate(ups):
            if small[i] or len(u) < most:
                best = np.asarray(trials[leader].measured[SMALL]) if small[i] else ups[leader]
                gap = u - best[: len(u)]
                values[i] = float(scores.max() + gap.mean())
                # Replicates of the whole world are missing in part, those of a smaller one tell of another world.
                noise[i] = float(gap.var(ddof=1)) / len(u) * (1 if small[i] else 1 - len(u) / most)
        return values, noise

    def tightened(self, replicates: int | None = None) -> dict[str, Limit]:
        """The limits as the search keeps them: with room for what a metric may be on other seeds than so many.

        All policies meet the same few seeds, so on these all may spend a little less than they will; who is right on
        the edge would break the limit in the final judgement. The spread of the metric is the status quo's.
        """
        base, n = self.measurer.base_values, replicates or Effort.of(self.study.fact(EFFORT)).replicates
        found = {}
        for name, limit in self.limits.items():
            values = np.asarray(base[name])
            relative = float(values.std(ddof=1)) / abs(float(values.mean())) if values.mean() else 0.0
            bound = max((abs(bound) for _, bound in limit.sides()), default=0.0)
            found[name] = limit.tightened(EDGE * relative * bound / n**0.5)
        return found

    def first_look(self) -> FirstLook | None:
        """Whether policies were tried in a smaller world first, and how many were given up there; None before that is
        known or where the plan asks for none."""
        known = self.study.fact(FIRST_LOOK)
        if known is None:
            return None
        found = FirstLook.of(known)
        tried = [t for t in self.study.finished() if t.batch and SMALL in t.measured]
        return replace(found, tried=len(tried), dropped=sum(GIVEN_UP in t.measured for t in tried))

    # -- first trials, pilot ------------------------------------------------------------------------------------

    def _prepare(self) -> Effort:
        """The status quo's values, the first trials and the pilot; taken from the study where it has them."""
        fixed = None if self.plan.replicates == "auto" else int(self.plan.replicates)
        # More than a fixed trial has: the spread of limited metrics is read off them.
        self.measurer.measure_base(max(PILOT_SEEDS, self._fewest() if fixed is None else fixed))
        known = [
            self._proposal(STATUS_QUO, self.plan.params_of(self.base)),
            self._proposal("least", self.plan.least(self.base)),
            *(self._proposal(f"playbook {n}", self.plan.params_of(p)) for n, p in self.playbooks.items()),
        ]
        alone = [self._proposal(f"only {what}", params) for what, params in self.plan.single_changes(self.base)]
        if fixed is None:
            return self._with_pilot(known, alone)
        first = known + alone + self._spread(2 * len(self.coordinates) + FEWEST_SPREAD)
        schedule = _looks(fixed) if self.plan.racing is True else None
        effort = Effort(max(self.plan.trials, len(first)), fixed, schedule, fixed)
        self.study.set_fact(EFFORT, effort.as_dict())
        self._begin(first, effort)
        if self.plan.first_at is not None:
            self.hear.stage("trying the first policies", len(first))
            self._measure_open(effort)
            self.hear.step(len(first))
            self._compare_worlds(effort)
        return effort

    def _begin(self, first: Sequence[Proposal], effort: Effort) -> None:
        """Hand in the first trials. Where they are too few to tell of a smaller world, none is lived there."""
        if self.plan.first_at is not None and len(first) < FEWEST_RANKED:
            found = FirstLook.unknown(self.plan.first_at, effort.replicates, len(first))
            self.study.set_fact(FIRST_LOOK, found.as_dict())
        self.study.propose(0, first)

    def _compare_worlds(self, effort: Effort) -> None:
        """Keep whether the smaller world ranks the first trials as the whole one does; say so."""
        assert self.plan.first_at is not None
        trials = [t for t in self.study.finished() if t.batch == 0]
        known = self.study.fact(FIRST_LOOK)
        if known is None:
            small = [np.asarray(t.measured[SMALL]) for t in trials]
            whole = [uplift(t.measured["values"], self.measurer.base_values) for t in trials]
            found = FirstLook.compared(self.plan.first_at, effort.replicates, small, whole)
        else:
            found = replace(FirstLook.of(known), replicates=effort.replicates)
        self.study.set_fact(FIRST_LOOK, found.as_dict())
        self.hear.say(found.words())

    def _spread(self, n: int) -> list[Proposal]:
        """Policies spread evenly over the space: where no policy has been tried yet, no engine expects a peak."""
        rows = self.coordinates.sobol(min(n, PILOT_POLICIES), self.plan.seed)
        return [Proposal(f"spread {i + 1}", self.coordinates.params(row)) for i, row in enumerate(rows)]

    def _proposal(self, label: str, params: Mapping[str, Any]) -> Proposal:
        """A proposal without the coordinates that do not matter there."""
        return Proposal(label, self.coordinates.params(self.coordinates.row(params)))

    def _with_pilot(self, known: list[Proposal], alone: list[Proposal]) -> Effort:
        """Measure known and spread-out policies on shared seeds, and choose the effort by what they show."""
        first = known + self._spread(max(self.plan.trials // 4, 1))
        seeds = max(PILOT_SEEDS, self._fewest())
        pilot = Effort(len(first), seeds, None, seeds)
        self._begin(first, pilot)
        fact = self.study.fact(EFFORT)
        if fact is None:
            self.hear.stage("pilot", len(first))
            self._measure_open(pilot)
            self.hear.step(len(first))
        trials = [t for t in self.study.finished() if t.batch == 0]
        base = self.measurer.base_values
        clv = np.asarray(base["equity"]) / np.maximum(np.asarray(base["acquired"]), 1.0)
        self.pilot = measure(np.array([clv[:seeds] + uplift(t.measured["values"], base)[:seeds] for t in trials]))
        left = max(self.plan.trials - len(first) - len(alone), 1) * REFERENCE
        self.replication = replication(self.pilot, runs=max(left, FEWEST_RUNS), levers=len(self.coordinates))
        effort = self._chosen(len(first) + len(alone), left, seeds) if fact is None else Effort.of(fact)
        self.measurer.measure_base(effort.replicates)
        if self.plan.first_at is not None:
            self._compare_worlds(effort)
        self.study.set_fact(EFFORT, effort.as_dict())
        self.study.propose(1, alone)
        return effort

    def _chosen(self, first: int, left: int, seeds: int) -> Effort:
        assert self.replication is not None
        best = self.replication.chosen
        raced = self.plan.racing is not False and self.plan.objective.measure == "mean"
        replicates = max(best.replicates, self._fewest())
        schedule = _looks(replicates) if raced and (self.plan.racing is True or best.schedule) else None
        more = best.trials if schedule and best.schedule else left // replicates
        return Effort(first + int(np.clip(more, 1, MORE_TRIALS * self.plan.trials)), replicates, schedule, seeds)

    def _fewest(self) -> int:
        return max(self.plan.objective.fewest_replicates(len(self.lives.worlds)), 2)

    # -- batches ------------------------------------------------------------------------------------------------

    def _measure_open(self, effort: Effort, note: str = "") -> None:
        """Measure every trial that is not finished, here or with the help of workers elsewhere."""
        before, still, lived = len(self.study.finished()), len(self.study.open()), 0

        def tell() -> None:
            nonlocal lived
            lived = min(lived + 1, still)  # a race lives a policy several times
            self.hear.step(before + lived, note)

        self.lives.beat.tell = tell
        try:
            while self.study.open():
                mine = self.study.take(self.at_once if self.study.helped else None)
                if mine:
                    self.measurer.measure(mine, effort)
                else:
                    self.study.wait()
        finally:
            self.lives.beat.tell = None

    def _propose(self, effort: Effort, finished: Sequence[Trial], history: History) -> bool:
        """Hand in the next batch; False when there is none.

        What decides it is read from the study, so that an interrupted search goes on with the same policies.
        """
        number, batch = len(finished), 1 + self._last_batch()
        facts = [self.study.fact(f"{BATCH} {b}") for b in range(1, batch)]
        engine = self.engine()
        proposed = engine.propose(history, min(self.plan.batch, effort.trials - number), number)
        if engine.method != "gp" and self.plan.patience and batch % REFIT == 0:
            engine.expects(history, number)
        if not proposed:
            self.stopped = f"after {number} trials: the space holds no other policy"
            return False
        gains = [fact["gain"] for fact in facts if fact is not None and fact["gain"] is not None]
        gain = engine.improvement if np.isfinite(engine.improvement) else None
        if self._enough([*gains, gain] if gain is not None else gains, history, finished):
            self.stopped = f"after {number} trials: what more trials can be expected to add is below the noise"
            return False
        self.study.set_fact(f"{BATCH} {batch}", {"incumbent": _incumbent(finished, history), "gain": gain})
        self.study.propose(batch, [Proposal("", params) for params in proposed])
        return True

    def _last_batch(self) -> int:
        """The last batch all of whose trials were handed in."""
        return max((t.batch for t in self.study.finished()), default=0)

    def _enough(self, gains: list[float], history: History, finished: Sequence[Trial]) -> bool:
        """Whether the improvement to be expected has been too small to be seen in the final judgement for long enough.

        The space must have been looked at for a while: a surrogate of a few policies on a plateau expects nothing.
        """
        fewest = FEWEST_TRIALS + PER_DIMENSION * len(self.coordinates)
        if not self.plan.patience or not history.feasible.any() or len(finished) < fewest:
            return False
        base = self.measurer.base_values
        spreads = [uplift(t.measured["values"], base).std(ddof=1) for t in finished if not t.measured["dropped"]]
        return enough(gains, float(np.median(spreads)) / self.plan.final_replicates**0.5, self.plan.patience)

    def _refuse_hopeless(self, finished: Sequence[Trial], history: History, *, last: bool) -> None:
        """Say after the first batch that a limit cannot be met, with the nearest miss.

        Raises
        ------
        StudyError
            When neither the first policies nor a whole batch after them keep some limit.
        """
        if history.feasible.any() or not (last or history.batches.any()):
            return
        excess = {name: np.array([excesses({name: limit}, t.measured["values"])[name] for t in finished])
                  for name, limit in self.limits.items()}  # fmt: skip
        if np.all([over <= 0 for over in excess.values()], axis=0).any():  # somebody is within, with little room
            return
        name = max(self.limits, key=lambda n: float(excess[n].min()))
        over = excess[name]
        if over.min() <= 0 and not last:  # each limit alone is kept by somebody: the search goes on
            return
        trial = finished[int(np.argmin(over))]
        mean = float(np.mean(trial.measured["values"][name]))
        raise StudyError(
            f"no policy kept the limit on {name}, {self.limits[name].words()}; the nearest had {mean:,.6g} "
            f"(trial {trial.number}{f', {trial.label}' if trial.label else ''})",
            place=f"search: {'budget' if name == 'spend' and self.plan.budget is not None else f'limits.{name}'}",
            cure="loosen the limit, or widen the bounds of what moves it",
        )

    def _note(self, finished: Sequence[Trial], history: History) -> str:
        """The best so far, with the interval of its mean on the seeds of the search."""
        if not history.feasible.any():
            return "none within the limits yet"
        best = history.best()
        up = uplift_of(finished[best], self.measurer.base_values)
        half = float(stats.t.ppf(0.975, len(up) - 1)) * float(up.std(ddof=1)) / len(up) ** 0.5
        reach = f" ± {half:.2f}" if self.plan.objective.measure == "mean" else ""
        return f"best so far {history.values[best]:+.2f}{reach} on the seeds that chose it"


def _incumbent(finished: Sequence[Trial], history: History) -> int | None:
    """Number of the best trial that keeps the limits and was lived to its end; None without any: then nobody knows yet
    how much keeping them costs, and worse may be better."""
    rows = [i for i, t in enumerate(finished) if history.feasible[i] and not t.measured["dropped"]]
    return finished[max(rows, key=lambda i: float(history.values[i]))].number if rows else None


def _looks(replicates: int) -> tuple[int, ...] | None:
    """Numbers of replicates at which a race looks: 2, 4, 8 … up to all; None where there is but one look."""
    looks: list[int] = []
    at = FEWEST_AT_ONCE
    while at < replicates:
        looks.append(at)
        at *= 2
    return (*looks, replicates) if looks else None


def plain_values(trial: Trial) -> dict[str, Any]:
    """What a trial keeps of its replicates, by metric."""
    values: dict[str, Any] = trial.measured["values"]
    return values
