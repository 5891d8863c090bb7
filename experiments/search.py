"""Search: change the policy, never the world; judge the winner on seeds that the search never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import sim
from agents.policy import DO_NOTHING, Policy
from experiments.calibrate import Ground, prepare
from experiments.compare import Difference, difference
from experiments.experiment import Experiment
from experiments.listener import Listener, Silence
from experiments.load import load
from experiments.metrics import Outcome
from experiments.results import Results, paired, provenance, write_json
from experiments.run import Task, Workers, seeds_for
from experiments.searching.levers import Number
from experiments.searching.paths import Value, with_values
from experiments.searching.plan import SearchPlan
from experiments.searching.study import StudyFile
from sim.errors import SpecError, StudyError
from sim.spec import validate

JOURNAL = "study.journal"


@dataclass(frozen=True)
class Finalist:
    """A policy of the final round.

    Attributes
    ----------
    label : ``trial 17``, ``status quo``.
    values : lever to value.
    claimed : mean uplift that the search saw, per customer.
    ranked : uplift on the fresh seeds that rank the finalists.
    holdout : uplift on the holdout seeds: the only number that is claimed.
    spend : mean spend on the holdout seeds.
    """

    label: str
    policy: Policy
    values: dict[str, Value]
    claimed: float
    ranked: Difference
    holdout: Difference
    spend: float


@dataclass(frozen=True)
class Alternative:
    """The recommendation under another assumption.

    Attributes
    ----------
    effect, factor : which assumed effect is how many times as strong.
    uplift : of the recommended policy over the status quo in that world.
    best : label of the best policy of the shortlist there; ``behind`` is how much more it earns per customer.
    """

    effect: str
    factor: float
    uplift: Difference
    best: str
    behind: Difference


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    winner : the recommended policy; the status quo itself when nothing beat it.
    finalists : in the order of the fresh seeds, winner first.
    reference : ``do nothing`` against the status quo on the holdout seeds.
    trials : one row per trial: number, label, mean uplift, spend, feasible, levers.
    importances : share of each lever in the variation among trials.
    alternatives : the recommendation under halved and doubled assumptions.
    results : outcomes of status quo, do nothing and winner on the holdout seeds.
    """

    experiment: Experiment
    ground: Ground
    winner: Finalist
    finalists: tuple[Finalist, ...]
    reference: Difference
    trials: pd.DataFrame
    importances: dict[str, float]
    alternatives: tuple[Alternative, ...]
    results: Results
    plan: SearchPlan
    folder: Path

    @property
    def keeps_status_quo(self) -> bool:
        """Whether the recommendation is to change nothing."""
        return self.winner.label == "status quo"

    def __str__(self) -> str:
        d, currency = self.winner.holdout, self.ground.scenario.currency
        if self.keeps_status_quo:
            return "Keep the status quo: no policy within the bounds and the budget beat it on fresh seeds."
        return (
            f"{self.winner.label}: incremental CLV {d.mean:+.2f} ± {d.half_width:.2f} {currency} per customer on "
            f"{d.n} holdout replicates (in most worlds between {d.world_low:+.2f} and {d.world_high:+.2f})"
        )


def search(
    experiment: Experiment | str,
    *,
    out: Path,
    processes: int | None = None,
    listener: Listener | None = None,
    overrides: dict[str, Any] | None = None,
) -> SearchResult:
    """Find the policy with the highest incremental CLV per customer within the budget.

    Parameters
    ----------
    experiment : the document, or its name or path. It must name a search.
    out : folder of the run. When it holds an unfinished search of the same experiment, that one goes on.
    processes : None takes all cores; the result is the same for any number.
    overrides : fields of the search plan to change, such as ``trials``.

    Raises
    ------
    SpecError, DataError
        When a document or log file breaks a rule, before the first trial.
    StudyError
        When the folder holds a study of something else.
    """
    hear = listener or Silence()
    design: Experiment = load(experiment, "experiment") if isinstance(experiment, str) else experiment
    if design.search is None:
        raise SpecError("this experiment names no search", place=design.title, cure="add `search: NAME or path`")
    ground = prepare(design, hear)
    plan = _plan(ground, overrides)
    out.mkdir(parents=True, exist_ok=True)
    study = StudyFile(out / JOURNAL, plan, made_from(ground, plan))
    scenarios = [ground.scenario, *(scenario for _, _, scenario in variants(ground, design))]
    with Workers(scenarios, ground.learned, processes) as workers:
        return _Search(design, ground, plan, study, workers, hear, out).run()


def _plan(ground: Ground, overrides: dict[str, Any] | None) -> SearchPlan:
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
    return plan


def made_from(ground: Ground, plan: SearchPlan) -> dict[str, str]:
    """What decides the trials of a study, name to hash."""
    return {
        "code": code_digest(),
        "scenario": ground.scenario.digest(),
        "status quo": ground.status_quo.digest(),
        "models": ground.learned.digest() if ground.learned else "cited defaults",
        "plan": plan.model_copy(update={"trials": 3}).digest(),  # more trials continue the same study
    }


def variants(ground: Ground, design: Experiment) -> list[tuple[str, float, Any]]:
    """(effect, factor, scenario) for each assumption to be tried at another strength."""
    return [
        (name, factor, ground.scenario.model_copy(update={"effects": ground.scenario.effects.scaled(name, factor)}))
        for name in ground.assumed
        for factor in design.sensitivity.factors
    ]


class _Search:
    """The stages of one search; they share the ground, the study and the workers."""

    def __init__(
        self, design: Experiment, ground: Ground, plan: SearchPlan, study: StudyFile, workers: Workers,
        hear: Listener, out: Path,
    ) -> None:  # fmt: skip
        self.design, self.ground, self.plan, self.study = design, ground, plan, study
        self.workers, self.hear, self.out = workers, hear, out
        self.seeds = {
            "search": seeds_for("search", plan.replicates, plan.seed),
            "final": seeds_for("final", plan.final_replicates, plan.seed),
            "holdout": seeds_for("holdout", plan.holdout_replicates, plan.seed),
            "assumptions": seeds_for("assumptions", design.sensitivity.replicates, plan.seed),
        }
        if len(set().union(*self.seeds.values())) != sum(len(s) for s in self.seeds.values()):
            raise StudyError("two purposes share a seed", value=plan.seed, cure="choose another search seed")

    def run(self) -> SearchResult:
        """All stages."""
        self._trials()
        candidates = self._candidates()
        finalists, results, reference = self._judge(candidates)
        alternatives = self._assumptions(finalists)
        result = SearchResult(
            experiment=self.design,
            ground=self.ground,
            winner=finalists[0],
            finalists=tuple(finalists),
            reference=reference,
            trials=self._frame(),
            importances=self.study.importances(),
            alternatives=tuple(alternatives),
            results=results,
            plan=self.plan,
            folder=self.out,
        )
        self._save(result)
        return result

    # -- trials -------------------------------------------------------------------------------------------------

    def _trials(self) -> None:
        status_quo = self.ground.status_quo
        here = self.plan.params_of(status_quo)
        self.study.enqueue(here, "status quo")
        self.study.enqueue({**here, **least(self.plan, status_quo)}, "least")
        for path, params in self.plan.single_changes(status_quo):
            self.study.enqueue(params, f"only {path}")
        base = self._run([status_quo], "search")[0]
        done = len(self.study.finished())
        self.hear.stage("searching", self.plan.trials)
        self.hear.step(done, "continued" if done else "")
        while done < self.plan.trials:
            batch = self.study.next_batch()
            if not batch:
                break
            policies = [self.plan.policy(status_quo, params) for _, params in batch]
            for index, outcomes in self._run_as_done(policies, "search"):
                uplift = paired(outcomes, base, "clv")
                spend = float(np.mean([o.values["spend"] for o in outcomes]))
                self.study.tell(batch[index][0], float(uplift.mean()), spend, {"uplift": uplift.tolist()})
                done += 1
                self.hear.step(done, self._best_note())

    def _run(self, policies: Sequence[Policy], purpose: str, scenario: int = 0) -> list[list[Outcome]]:
        found = dict(self._run_as_done(policies, purpose, scenario))
        return [found[i] for i in range(len(policies))]

    def _run_as_done(self, policies: Sequence[Policy], purpose: str, scenario: int = 0) -> Any:
        """Yield (index of the policy, its outcomes in the order of the seeds) as policies are complete."""
        seeds = self.seeds[purpose]
        tasks = [Task(policy, seed, scenario) for policy in policies for seed in seeds]
        got: dict[int, dict[int, Outcome]] = {i: {} for i in range(len(policies))}
        for number, outcome in self.workers.as_done(tasks):
            index, replicate = divmod(number, len(seeds))
            got[index][replicate] = outcome
            if len(got[index]) == len(seeds):
                yield index, [got[index][r] for r in range(len(seeds))]

    def _best_note(self) -> str:
        values = [self.study.uplift(t) for t in self.study.finished() if self.study.feasible(t)]
        return (
            f"best so far {max(values):+.2f} (to be judged on fresh seeds)" if values else "none within the budget yet"
        )

    # -- judgement ----------------------------------------------------------------------------------------------

    def _candidates(self) -> list[tuple[str, dict[str, Value], float]]:
        """Feasible trials by mean uplift, equal policies once; the status quo is always among them."""
        feasible = [t for t in self.study.finished() if self.study.feasible(t)]
        if not feasible:
            nearest = min(self.study.finished(), key=lambda t: float(t.user_attrs["spend"]))
            raise StudyError(
                f"no trial kept the budget of {self.plan.budget:,.0f}; the nearest spent "
                f"{float(nearest.user_attrs['spend']):,.0f} (trial {nearest.number})",
                place=str(self.out / JOURNAL),
                cure="raise the budget or lower the bounds of what costs",
            )
        chosen: dict[str, tuple[str, dict[str, Value], float]] = {}
        for trial in sorted(feasible, key=lambda t: (-self.study.uplift(t), t.number)):
            values = self.plan.values(trial.params)
            label = str(trial.user_attrs.get("label", f"trial {trial.number}"))
            chosen.setdefault(str(values), (label, values, self.study.uplift(trial)))
            if len(chosen) == self.plan.finalists:
                break
        return [c for c in chosen.values() if c[0] != "status quo"]

    def _judge(self, candidates: list[tuple[str, dict[str, Value], float]]) -> Any:
        """Rank on fresh seeds, then claim on holdout seeds."""
        status_quo = self.ground.status_quo
        policies = [with_values(status_quo, values, title=label) for label, values, _ in candidates]
        n_final, n_holdout = (len(self.seeds[p]) for p in ("final", "holdout"))
        total = (len(policies) + 1) * n_final + (len(policies) + 2) * n_holdout
        self.hear.stage("judging the finalists on fresh seeds", total)
        final = self._run([*policies, status_quo], "final")
        self.hear.step((len(policies) + 1) * n_final)
        holdout = self._run([*policies, status_quo, DO_NOTHING], "holdout")
        self.hear.step(total)
        base_final, base, nothing = final[-1], holdout[-2], holdout[-1]
        everybody = [*candidates, ("status quo", {}, 0.0)]
        judged = [
            Finalist(
                label=label,
                policy=policy,
                values=values,
                claimed=claimed,
                ranked=difference("clv", paired(f, base_final, "clv")),
                holdout=difference("clv", paired(h, base, "clv")),
                spend=float(np.mean([o.values["spend"] for o in h])),
            )
            for (label, values, claimed), policy, f, h in zip(
                everybody, [*policies, status_quo], final, holdout[:-1], strict=True
            )
        ]
        # The order is that of the ranking seeds; the holdout seeds only measure, so they choose nothing.
        affordable = [self._affordable(f) for f in final]
        order = sorted(range(len(judged)), key=lambda i: (not affordable[i], -judged[i].ranked.mean))
        arms = {"status quo": base, "do nothing": nothing}
        if order[0] != len(judged) - 1:
            arms["winner"] = holdout[order[0]]
        results = Results(arms, self._provenance())
        return [judged[i] for i in order], results, difference("clv", paired(nothing, base, "clv"))

    def _affordable(self, outcomes: list[Outcome]) -> bool:
        return self.plan.budget is None or float(np.mean([o.values["spend"] for o in outcomes])) <= self.plan.budget

    def _assumptions(self, finalists: list[Finalist]) -> list[Alternative]:
        """The recommendation and its nearest rivals where one assumed effect is weaker or stronger."""
        worlds = variants(self.ground, self.design)
        shortlist = finalists[: self.design.sensitivity.shortlist]
        if all(f.label != "status quo" for f in shortlist):
            shortlist = [*shortlist, next(f for f in finalists if f.label == "status quo")]
        self.hear.stage("trying the assumptions", len(worlds))
        found = []
        for number, (effect, factor, _) in enumerate(worlds, start=1):
            outcomes = self._run([f.policy for f in shortlist], "assumptions", scenario=number)
            base = outcomes[next(i for i, f in enumerate(shortlist) if f.label == "status quo")]
            uplift = [difference("clv", paired(o, base, "clv")) for o in outcomes]
            best = int(np.argmax([u.mean for u in uplift]))
            behind = difference("clv", paired(outcomes[best], outcomes[0], "clv"))
            found.append(Alternative(effect, factor, uplift[0], shortlist[best].label, behind))
            self.hear.step(number)
        return found

    # -- what is kept -------------------------------------------------------------------------------------------

    def _frame(self) -> pd.DataFrame:
        rows = []
        for trial in self.study.finished():
            uplift = np.array(trial.user_attrs["uplift"])
            rows.append(
                {
                    "number": trial.number,
                    "label": trial.user_attrs.get("label", ""),
                    "uplift": self.study.uplift(trial),
                    "standard_error": float(uplift.std(ddof=1) / len(uplift) ** 0.5),
                    "spend": float(trial.user_attrs["spend"]),
                    "feasible": self.study.feasible(trial),
                    **{
                        path: str(v) if isinstance(v, dict) else v for path, v in self.plan.values(trial.params).items()
                    },
                }
            )
        return pd.DataFrame(rows).sort_values("number", ignore_index=True)

    def _provenance(self) -> dict[str, Any]:
        return provenance(
            experiment=self.design.model_dump(mode="json"),
            made_from=made_from(self.ground, self.plan),
            seeds={purpose: [s[0], len(s)] for purpose, s in self.seeds.items()},
        )

    def _save(self, result: SearchResult) -> None:
        from experiments.reporting.record import record_of_search  # it reads this module

        record_of_search(result).save(self.out)
        write_json(
            self.out / "recommendation.json",
            {
                "summary": str(result),
                "winner": result.winner.label,
                "policy": result.winner.policy.model_dump(mode="json"),
                "changes": changes(self.plan, self.ground.status_quo, result.winner),
                "incremental_clv": vars(result.winner.holdout),
                "spend": result.winner.spend,
                "budget": self.plan.budget,
                "finalists": [
                    {"label": f.label, "values": f.values, "claimed": f.claimed, "ranked": vars(f.ranked),
                     "holdout": vars(f.holdout), "spend": f.spend}
                    for f in result.finalists
                ],
                "do_nothing": vars(result.reference),
                "importances": result.importances,
                "assumptions": [
                    {"effect": a.effect, "factor": a.factor, "uplift": vars(a.uplift), "best": a.best,
                     "behind": vars(a.behind)}
                    for a in result.alternatives
                ],
            },
        )  # fmt: skip


def least(plan: SearchPlan, status_quo: Policy) -> dict[str, Value]:
    """Lever values at which searched actions do nothing, as far as the bounds allow."""
    values: dict[str, Value] = {}
    for path, lever in plan.space.items():
        parts = path.split(".")
        if parts[0] != "actions" or len(parts) < 3:
            continue
        off = status_quo.actions[parts[1]].off
        inner = ".".join(parts[2:])
        key = next((k for k in off if inner == k or inner.startswith(f"{k}.")), None)
        if key is not None and isinstance(lever, Number) and lever.low <= off[key] <= lever.high:
            values[path] = off[key]
    return values


def changes(plan: SearchPlan, status_quo: Policy, finalist: Finalist) -> list[dict[str, Value]]:
    """Levers that the finalist sets differently from the status quo: lever, from, to."""
    here = plan.values_of(status_quo)
    return [
        {"lever": path, "from": here[path], "to": value}
        for path, value in finalist.values.items()
        if here[path] != value
    ]


def code_digest() -> str:
    """Hash of the engine's and the domain's source: what decides a run besides its documents."""
    import agents

    h = hashlib.sha256()
    for package in (sim, agents):
        for file in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            h.update(file.read_bytes())
    return h.hexdigest()[:16]
