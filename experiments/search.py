"""Search: change the policy, never the world; judge the winner on seeds that the search never saw."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.policy import Policy
from experiments.calibrating.ensemble import with_ensemble
from experiments.experiment import Experiment
from experiments.ground import Ground, prepare
from experiments.listener import Listener, Silence
from experiments.load import load
from experiments.results import Results, provenance, write_json
from experiments.run import Workers, default_processes, seeds_for
from experiments.searching.aims import METRICS, excesses
from experiments.searching.engine.engine import Engine, History
from experiments.searching.finals.corrected import corrected, luck
from experiments.searching.finals.finalists import NOTHING, STATUS_QUO, nominate
from experiments.searching.finals.finals import Finals, play
from experiments.searching.plan import SearchPlan
from experiments.searching.questions.bounded import Values
from experiments.searching.questions.explain import Explanation, explain
from experiments.searching.questions.fronts import Point, explore_front
from experiments.searching.questions.shadow import ShadowPrice, shadow_prices
from experiments.searching.questions.stress import Stress
from experiments.searching.replicates.cache import Cache, Pool, Replicates
from experiments.searching.replicates.digests import policy_digest, search_code, world_code
from experiments.searching.replicates.lives import PURPOSES, Lives
from experiments.searching.result import Course, SearchResult, recommendation
from experiments.searching.space.paths import Value
from experiments.searching.studies.shared_study import NAME
from experiments.searching.studies.study import Study, Trial
from experiments.searching.trials.measuring import EFFORT, GIVEN_UP, Effort, kept_values, uplift, uplift_of
from experiments.searching.trials.small import check_smaller
from experiments.searching.trials.trials import TrialLoop, plain_values
from experiments.searching.worlds import World, ensemble
from experiments.searching.worlds import check as check_uncertain
from sim.errors import SpecError, StudyError
from sim.spec import validate

JOURNAL = "study.journal"
T = TypeVar("T")


def search(
    experiment: Experiment | str,
    *,
    out: Path,
    processes: int | None = None,
    listener: Listener | None = None,
    overrides: dict[str, Any] | None = None,
    storage: str | None = None,
    dask: str | None = None,
    cache: Path | None = None,
) -> SearchResult:
    """Find the policy with the highest incremental CLV per customer within its limits.

    Parameters
    ----------
    experiment : the document, or its name or path. It must name a search.
    out : folder of the run. When it holds an unfinished search of the same experiment, that one goes on.
    processes : None takes all cores; the result is the same for any number.
    overrides : fields of the search plan to change, such as ``trials``.
    storage : URL of a PostgreSQL database that holds the study; a journal in ``out`` without.
    dask : address of a Dask scheduler whose workers live the replicates; processes of this machine without.
    cache : folder of replicates to share with other searches; ``out`` without.

    Raises
    ------
    SpecError, DataError
        When a document or log file breaks a rule, before the first trial.
    StudyError
        When the folder holds a study of something else, another process searches there, or no policy keeps a limit.
    """
    hear = listener or Silence()
    design: Experiment = load(experiment, "experiment") if isinstance(experiment, str) else experiment
    if design.search is None:
        raise SpecError("this experiment names no search", place=design.title, cure="add `search: NAME or path`")
    design, ground = with_ensemble(design, prepare(design, hear))
    if design.uncertain:  # several worlds: they differ in what the logs leave open, too
        design = design.model_copy(update={"uncertain": {**ground.uncertain, **design.uncertain}})
    found = search_ground(
        ground, design, out=out, processes=processes, listener=hear, overrides=overrides, storage=storage, dask=dask,
        cache=cache,
    )  # fmt: skip
    save(found)
    return found


def search_ground(
    ground: Ground,
    design: Experiment,
    *,
    out: Path,
    processes: int | None = None,
    listener: Listener | None = None,
    overrides: dict[str, Any] | None = None,
    storage: str | None = None,
    dask: str | None = None,
    cache: Path | None = None,
    workers: Pool | None = None,
) -> SearchResult:
    """The same for documents that are read already; nothing but the study and its replicates is written to ``out``.

    Parameters and errors are those of :func:`search`; ``workers`` that know scenario and models serve many searches.
    """
    hear = listener or Silence()
    plan = planned(ground, overrides)
    playbooks = {name: plan.playbook(load(name, "policy"), ground.status_quo, name) for name in plan.playbooks}
    check_uncertain(ground.scenario, design.uncertain, learned=ground.learned is not None)
    worlds = ensemble(ground.scenario, design.uncertain, design.worlds, plan.seed)
    plan.objective.check(plan.most_replicates(), len(worlds), place="search: replicates")
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        study = stack.enter_context(
            Study(
                storage or out / JOURNAL,
                plan.dimensions(),
                made_from(ground, design, plan),
                name=out.resolve().name if storage else NAME,
                tell=hear.say,
            )
        )
        scenarios = [world.scenario for world in worlds]
        pool = workers or stack.enter_context(_pool(scenarios, ground, processes, dask))
        kept = stack.enter_context(Cache(cache or out))
        runner = Replicates(pool, kept, folder=out, options=_options(design))
        lives = Lives(runner, tuple(world.scenario for world in worlds), plan.seed)
        _check_playbooks(study, playbooks)
        study.set_fact("documents", documents(ground, design, plan))
        at_once = processes or default_processes()
        loop = TrialLoop(plan, ground.status_quo, playbooks, study, lives, hear, at_once)
        return _Search(design, ground, plan, worlds, loop, runner, hear, out).run()


def _pool(scenarios: list[Any], ground: Ground, processes: int | None, dask: str | None) -> Any:
    if dask is None:
        return Workers(scenarios, ground.learned, processes)
    from experiments.searching.replicates.dask_workers import DaskWorkers

    return DaskWorkers(dask, scenarios, ground.learned)


def planned(ground: Ground, overrides: dict[str, Any] | None) -> SearchPlan:
    """The plan with what is overridden.

    Raises
    ------
    SpecError
        When its budget cannot even pay the status quo, or there is no smaller world in which to try policies first.
    """
    if ground.plan is None:
        raise SpecError("no search plan")
    plan = ground.plan
    if overrides:
        plan = validate(SearchPlan, {**plan.model_dump(), **overrides})
    fixed = ground.status_quo.fixed_cost_cny(ground.scenario)
    if plan.budget is not None and plan.budget < fixed:
        raise SpecError(
            f"the budget is below the status quo's fixed cost of {fixed:,.2f} over {ground.scenario.horizon_days} days",
            place="search: budget",
            value=plan.budget,
            cure="raise the budget, shorten the horizon, or cut hours, media and production in the status quo",
        )
    if plan.first_at is not None:
        check_smaller(plan.first_at, ground.scenario, ground.status_quo, learned=ground.learned is not None)
    return plan


def made_from(ground: Ground, design: Experiment, plan: SearchPlan) -> dict[str, str]:
    """What decides the trials of a study, name to hash."""
    return {
        "code version": search_code(),
        "engine version": world_code(),
        "scenario": ground.scenario.digest(),
        "status quo": ground.status_quo.digest(),
        "models": ground.learned.digest() if ground.learned else "cited defaults",
        "ensemble of worlds": json.dumps(
            design.model_dump(mode="json", include={"uncertain", "worlds"} if design.uncertain else {"uncertain"}),
            sort_keys=True,
        ),
        "search plan": plan.trial_digest(),
    }


def _check_playbooks(study: Study, playbooks: dict[str, Policy]) -> None:
    """Raise StudyError when a playbook is another than the one that the study tried under its name."""
    now = {name: policy_digest(policy) for name, policy in playbooks.items()}
    known = study.fact("playbooks")
    if known is not None and known != now:
        name = next((n for n in now if known.get(n) != now[n]), "one that is gone")
        raise StudyError(
            "this study tried another playbook of this name", place=f"search: playbooks: {name}",
            value=known.get(name), cure="give another --out, or restore the playbook",
        )  # fmt: skip
    study.set_fact("playbooks", now)


def documents(ground: Ground, design: Experiment, plan: SearchPlan) -> dict[str, Any]:
    """What a worker elsewhere needs of the documents, as plain data."""
    parts = {"experiment": design, "scenario": ground.scenario, "status quo": ground.status_quo, "search": plan}
    return {name: part.model_dump(mode="json") for name, part in parts.items()}


def _options(design: Experiment) -> str:
    """Options of ``siyu simulate`` that bring the same models."""
    if design.models is not None:
        return f"--models {design.models}"
    if design.logs is None:
        return ""
    return f"--logs {design.logs}" + (f" --cut-off {design.cut_off}" if design.cut_off else "")


class _Search:
    """The stages of one search, after each other."""

    def __init__(
        self, design: Experiment, ground: Ground, plan: SearchPlan, worlds: tuple[World, ...], loop: TrialLoop,
        runner: Replicates, hear: Listener, out: Path,
    ) -> None:  # fmt: skip
        self.design, self.ground, self.plan, self.worlds, self.loop = design, ground, plan, worlds, loop
        self.runner, self.hear, self.out = runner, hear, out
        self.study, self.lives, self.base = loop.study, loop.lives, ground.status_quo
        self.seconds: dict[str, float] = {}
        self.interrupted = False
        self.trials: list[Trial] = []

    def run(self) -> SearchResult:
        """All stages. Whoever stops the trials gets the best of what there is judged; stopping again ends it."""
        with self._timed("trials"):
            try:
                self.loop.run()
            except KeyboardInterrupt:
                if len(self.study.finished()) < len(self.plan.space) or self.study.fact(EFFORT) is None:
                    raise  # nothing to judge yet
                self.interrupted = True
        self.study.end()
        self.trials = self.study.finished()  # read once: a worker elsewhere may finish one more
        history, engine = self.loop.history(self.trials), self.loop.engine()
        with self._timed("judgement"):
            finals = self._finals(history, engine)
        stress = Stress(self.design, self.ground, self.plan, self.worlds, self.lives)
        robustness = self._asked("trying the assumptions", lambda: stress.robustness(finals))
        information = self._asked("what is worth knowing", lambda: stress.information(finals, robustness))
        names = {name: METRICS[name].name if name in METRICS else name for name in self.plan.fronts}
        fronts = {
            name: self._asked(f"front of CLV against {words}", partial(self._front, name, engine, history)) or ()
            for name, words in names.items()
        }
        prices = self._asked("shadow prices", lambda: self._prices(finals, engine, history)) or ()
        explanation = self._asked("what mattered", lambda: self._explanation(finals, engine, history))
        return SearchResult(
            experiment=self.design,
            ground=self.ground,
            finals=finals,
            trials=self._frame(history),
            course=self._course(engine),
            explanation=explanation,
            robustness=robustness,
            information=information,
            fronts=fronts,
            prices=prices,
            alternatives=stress.alternatives(robustness) if robustness else (),
            results=self._results(finals),
            plan=self.plan,
            folder=self.out,
        )

    def _asked(self, question: str, answer: Callable[[], T]) -> T | None:
        """The answer to a further question; None once somebody has stopped the search, who still gets its report."""
        if self.interrupted:
            return None
        self.hear.stage(question, 1)
        with self._timed(question):
            try:
                found = answer()
            except KeyboardInterrupt:
                self.interrupted = True
                return None
        self.hear.step(1)
        return found

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 2)

    # -- judgement ----------------------------------------------------------------------------------------------

    def _finals(self, history: History, engine: Engine) -> Finals:
        finals = self._played(history, engine)
        limits, kept = self.loop.tightened(self.plan.final_replicates), self._kept()
        if self.interrupted or not (ratios := luck(finals, history, kept, limits)):
            return finals
        self.hear.say("fresh seeds show that limits were kept by luck: looking again with what they show")
        history = corrected(history, kept, limits, ratios, engine, self._live_params, self.plan.batch)
        return self._played(history, engine)

    def _played(self, history: History, engine: Engine) -> Finals:
        leader = min(history.best(), len(self.trials) - 1)  # one that was found since has no trial of its own
        best = uplift_of(self.trials[leader], self.loop.measurer.base_values)
        error = float(best.std(ddof=1)) / len(best) ** 0.5 if len(best) > 1 else 0.0
        labels = [t.label for t in self.trials] + [""] * (len(history) - len(self.trials))
        nominees = nominate(self.plan, self.base, labels, history, engine, error)
        if self.interrupted:
            nominees = [*nominees[:2], *(n for n in nominees[2:] if n.label in (STATUS_QUO, NOTHING))]
        return play(self.plan, self.base, nominees, self.lives, self.hear)

    def _kept(self) -> list[Values]:
        """What each trial keeps of its replicates, with its uplift."""
        most = Effort.of(self.study.fact(EFFORT)).replicates
        found: list[Values] = []
        for trial in self.trials:
            values = {name: series[:most] for name, series in plain_values(trial).items()}
            found.append({**values, "uplift": uplift_of(trial, self.loop.measurer.base_values)[:most].tolist()})
        return found

    # -- other aims ---------------------------------------------------------------------------------------------

    def _live_params(self, params: list[dict[str, Any]], purpose: str) -> list[Values]:
        """What policies of the space keep of their replicates, with their uplift."""
        effort = Effort.of(self.study.fact(EFFORT))
        n = effort.replicates if purpose == "search" else self.plan.final_replicates
        policies = [self.plan.policy(self.base, p) for p in params]
        base = self.loop.measurer.base_values
        if purpose != "search":
            policies.append(self.base)
        lived = [kept_values(outcomes) for outcomes in self.lives.live(policies, purpose, n)]
        if purpose != "search":
            base = lived.pop()
        found: list[Values] = []
        for values in lived:
            up = uplift(values, base)
            found.append({**values, "uplift": up.tolist(), "score": [self._score(up)]})
        return found

    def _score(self, up: NDArray[np.float64]) -> float:
        """The objective of a policy beside the trials; a regret is against the best of them and it."""
        full = [uplift_of(t, self.loop.measurer.base_values) for t in self.trials if not t.measured["dropped"]]
        whole = np.array([*(u[: len(up)] for u in full if len(u) >= len(up)), up])
        return float(self.plan.objective.scores(whole, self.lives.world_of(len(up)))[-1])

    def _front(self, metric: str, engine: Engine, history: History) -> tuple[Point, ...]:
        # Trials that were dropped saw fewer seeds than the others.
        whole = [i for i, trial in enumerate(self.trials) if not trial.measured["dropped"]]
        kept = self._kept()
        return explore_front(
            metric, self.loop.tightened(), engine, history.subset(whole), [kept[i] for i in whole], self._live_params,
            self.plan.batch,
        )  # fmt: skip

    def _prices(self, finals: Finals, engine: Engine, history: History) -> tuple[ShadowPrice, ...]:
        limits = self.plan.all_limits()
        if not limits:
            return ()
        best = kept_values(finals.holdout["winner"])
        found = shadow_prices(self.loop.tightened(), engine, history, best, self._live_params, self.plan.batch)
        asked = [bound for limit in limits.values() for _, bound in limit.sides()]
        return tuple(replace(price, limit=bound) for price, bound in zip(found, asked, strict=True))

    def _explanation(self, finals: Finals, engine: Engine, history: History) -> Explanation | None:
        if not self.plan.design:
            return None
        winner = finals.winner.params or self.plan.params_of(self.base)
        return explain(self.plan, self.base, winner, engine, history, self.lives)

    # -- what is kept -------------------------------------------------------------------------------------------

    def _course(self, engine: Engine) -> Course:
        return Course(
            engine=engine.method,
            effort=Effort.of(self.study.fact(EFFORT)),
            pilot=self.loop.pilot,
            replication=self.loop.replication,
            first_look=self.loop.first_look(),
            stopped=self.loop.stopped,
            interrupted=self.interrupted,
            simulated=self.runner.simulated,
            reused=self.runner.reused,
            seconds=self.seconds,
        )

    def _frame(self, history: History) -> pd.DataFrame:
        limits = self.plan.all_limits()
        rows = [
            self._row(trial, float(value), all(x <= 0 for x in excesses(limits, plain_values(trial)).values()))
            for trial, value in zip(self.trials, history.values, strict=True)
        ]
        return pd.DataFrame(rows).sort_values("number", ignore_index=True)

    def _row(self, trial: Trial, value: float, feasible: bool) -> dict[str, Value]:
        values = plain_values(trial)
        up = uplift_of(trial, self.loop.measurer.base_values)
        return {
            "number": trial.number,
            "label": trial.label,
            "uplift": value,
            "standard_error": float(up.std(ddof=1) / len(up) ** 0.5) if len(up) > 1 else float("nan"),
            "replicates": len(up),
            "dropped": bool(trial.measured["dropped"]),
            "population": float(trial.measured.get(GIVEN_UP, 1.0)),
            **{name: float(np.mean(values[name])) for name in METRICS},
            "feasible": feasible,
            **{
                path: str(v) if isinstance(v, dict | list) else v
                for path, v in self.plan.values(trial.params, self.base).items()
            },
        }

    def _results(self, finals: Finals) -> Results:
        arms = dict(finals.holdout)
        if finals.winner.label == STATUS_QUO:
            del arms["winner"]
        return Results(arms, self._provenance())

    def _provenance(self) -> dict[str, Any]:
        return provenance(
            experiment=self.design.model_dump(mode="json"),
            made_from=made_from(self.ground, self.design, self.plan),
            seeds={purpose: seeds_for(purpose, 1, self.plan.seed)[0] for purpose in PURPOSES},
        )


def save(result: SearchResult) -> None:
    """Write the record of a search, and the recommendation last: it says that the search is finished."""
    from experiments.reporting.record import record_of_search  # it reads this module

    record_of_search(result).save(result.folder)
    write_json(result.folder / "recommendation.json", recommendation(result))
