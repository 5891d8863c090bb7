"""The search: resumable, indifferent to processes, honest about its winner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from agents.policy import DO_NOTHING
from experiments import load
from experiments.compare import difference
from experiments.ground import prepare
from experiments.results import paired
from experiments.run import Task, Workers, live, seeds_for
from experiments.search import JOURNAL, planned, search_ground
from experiments.searching.replicates.lives import PURPOSES
from experiments.searching.result import SearchResult, changes
from experiments.searching.space.paths import with_values
from sim import SpecError, StudyError

SCENARIO: dict[str, Any] = {
    "title": "corner shop",
    "horizon_days": 14,
    "population": {"size": 80, "level_shares": [0.1, 0.1, 0.2, 0.2, 0.3, 0.1]},
    "buying": {"orders_per_year": 40, "basket_cny": 60},
}
POLICY: dict[str, Any] = {
    "title": "as it is",
    "actions": {
        "adverts": {"kind": "advert", "calendar": {"per_week": 3}},
        "chat": {"kind": "chat", "hours_per_week": {"L4": 1}},
        "coupon": {"kind": "coupon", "depth": 0.1, "audience": "everybody", "calendar": {"every_days": 14}},
    },
}
PLAN: dict[str, Any] = {
    "title": "a small search",
    "space": {
        "actions.adverts.calendar.per_week": {"low": 0, "high": 7},
        "actions.chat.hours_per_week.L4": {"low": 0, "high": 6},
        "actions.coupon.depth": {"low": 0, "high": 0.3},
        "actions.coupon.audience": {"choices": ["everybody", "buyers", {"orders_min": 2}]},
    },
    "trials": 26,
    "replicates": 3,
    "batch": 4,
    "finalists": 3,
    "final_replicates": 4,
    "final_rounds": 2,
    "holdout_replicates": 6,
    "fronts": [],
    "design": 0,
}


def write(folder: Path, **changes: Any) -> Path:
    """An experiment of its own in a folder; ``changes`` replace parts of scenario, policy or plan."""
    parts = {
        "scenario": {**SCENARIO, **changes.get("scenario", {})},
        "policy": {**POLICY, **changes.get("policy", {})},
        "search": {**PLAN, **changes.get("search", {})},
        "experiment": {
            "title": "test",
            **{kind: str(folder / kind / "it.yaml") for kind in ("scenario", "policy", "search")},
            "sensitivity": {"replicates": 0},
            **changes.get("experiment", {}),
        },
    }
    for kind, data in parts.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        YAML().dump(data, folder / kind / "it.yaml")
    return folder / "experiment" / "it.yaml"


def run(folder: Path, out: str = "run", processes: int = 1, **changes: Any) -> SearchResult:
    design = load(write(folder, **changes), "experiment")
    return search_ground(prepare(design), design, out=folder / out, processes=processes)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    return run(tmp_path_factory.mktemp("search"))


def table(result: SearchResult) -> str:
    return str(result.trials.to_csv(index=False))


def test_first_trials_are_status_quo_and_least(found: SearchResult) -> None:
    first, second = found.trials.iloc[0], found.trials.iloc[1]
    assert (first.label, second.label) == ("status quo", "least")
    assert first.uplift == 0.0  # the same policy on the same luck differs from itself by nothing, not by a little
    assert first["actions.adverts.calendar.per_week"] == 3
    assert [second[path] for path in list(PLAN["space"])[:3]] == [0, 0, 0]


def test_claim_is_made_on_seeds_that_nothing_else_saw(found: SearchResult) -> None:
    plan = found.plan
    used = [set(seeds_for(p, 10_000, plan.seed)) for p in PURPOSES]
    assert len(set().union(*used)) == 10_000 * len(PURPOSES)
    winner = found.winner.policy
    seeds = seeds_for("holdout", plan.holdout_replicates, plan.seed)
    status_quo = found.ground.status_quo
    fresh = [[live(found.ground.scenario, p, s) for s in seeds] for p in (winner, status_quo, DO_NOTHING)]
    assert difference("clv", paired(fresh[0], fresh[1], "clv")) == found.claim
    assert difference("clv", paired(fresh[2], fresh[1], "clv")) == found.reference
    assert found.finals.value.mean == pytest.approx(sum(o.values["clv"] for o in fresh[0]) / len(seeds))


def test_order_of_finalists_ignores_the_holdout(found: SearchResult) -> None:
    ranked = [f.ranked.mean for f in found.finalists[1:]]
    assert ranked == sorted(ranked, reverse=True)
    assert {"status quo", "do nothing"} <= {f.label for f in found.finalists}


def test_the_simplest_of_the_tied_is_named(found: SearchResult) -> None:
    tied = [f for f in found.finalists if f.tied]
    assert found.winner in tied
    assert found.winner.changes == min(f.changes for f in tied)
    assert sum(f.probability_best for f in found.finalists) == pytest.approx(1.0)


def test_recommended_policy_is_the_one_that_is_described(found: SearchResult) -> None:
    """Values, policy and number of changes of each finalist say the same."""
    for finalist in found.finalists:
        if finalist.values:
            same = with_values(found.ground.status_quo, finalist.values, title=finalist.policy.title)
            assert same == finalist.policy
            assert len(changes(found.plan, found.ground.status_quo, finalist)) == finalist.changes


def test_changes_speak_in_the_words_of_the_document(found: SearchResult) -> None:
    for change in changes(found.plan, found.ground.status_quo, found.winner):
        assert change["from"] != change["to"]
        if change["lever"].endswith("audience"):
            assert change["from"] == "everybody"


def test_same_bytes_with_two_processes(found: SearchResult, tmp_path: Path) -> None:
    again = run(tmp_path, processes=2)
    assert table(again) == table(found)
    assert again.claim == found.claim


def test_goes_on_where_it_stopped(found: SearchResult, tmp_path: Path) -> None:
    run(tmp_path, search={"trials": 22})
    more = run(tmp_path)
    assert table(more) == table(found)


@pytest.mark.slow
def test_kill_in_the_middle_loses_no_trial(found: SearchResult, tmp_path: Path) -> None:
    """kill -9 of the parent: finished trials are kept, open ones repeated, the result is the uninterrupted one."""
    # Slow enough to be caught in the act, and equal in everything that decides a trial.
    path = write(tmp_path)
    code = (
        "import sys; from pathlib import Path; import experiments.run as r; import time\n"
        "old = r.live\n"
        "def slow(*a): time.sleep(0.15); return old(*a)\n"
        "r.live = slow\n"
        "from experiments import search\n"
        f"search({str(path)!r}, out=Path({str(tmp_path / 'run')!r}), processes=1)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    journal = tmp_path / "run" / JOURNAL
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not journal.exists() or journal.read_text().count('"dropped"') < 3):
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = journal.read_text().count('"dropped"')
    assert 3 <= kept < PLAN["trials"]
    assert table(run(tmp_path)) == table(found)


def test_torn_last_line_is_dropped(found: SearchResult, tmp_path: Path) -> None:
    run(tmp_path, search={"trials": 22})
    with (tmp_path / "run" / JOURNAL).open("ab") as handle:
        handle.write(b'{"op_code": 4, "worker')
    assert table(run(tmp_path)) == table(found)


def test_study_of_another_world_is_refused(tmp_path: Path) -> None:
    run(tmp_path, search={"trials": 4})
    with pytest.raises(StudyError, match="another scenario") as error:
        run(tmp_path, search={"trials": 4}, scenario={"margin": 0.5})
    assert JOURNAL in str(error.value)
    assert "--out" in error.value.cure


def test_budget_that_nobody_keeps_names_the_nearest_miss(tmp_path: Path) -> None:
    tight = {
        "space": {"actions.adverts.calendar.per_week": {"low": 2, "high": 7}},
        "budget": 80.0,  # above the wages of the status quo, below wages and adverts
        "trials": 4,
    }
    with pytest.raises(StudyError, match="the nearest had"):
        run(tmp_path, search=tight)


def test_budget_below_fixed_cost_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="fixed cost of 70"):
        run(tmp_path, search={"budget": 65.0})
    assert not (tmp_path / "run" / JOURNAL).exists()


def test_budget_is_kept_by_the_winner(tmp_path: Path) -> None:
    bounded = run(tmp_path, search={"budget": 460.0})
    assert bounded.winner.spend <= 460.0
    assert not bounded.trials.feasible.all()  # else the budget would not have been tried


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"actions.coupon.dept": {"low": 0, "high": 0.1}}, "did you mean 'depth'"),
        ({"actions.coupon.depth": {"low": 0, "high": 0.8}}, "must be at most 0.5"),
        ({"actions.coupon.depth": {"low": 0.2, "high": 0.3}}, "status quo lies outside"),
        ({"actions.coupon.audience": {"choices": ["buyers", "lapsed"]}}, "not among the choices"),
        ({"actions.chat.hours_per_week.L4": {"low": 3, "high": 1}}, "must be below high"),
    ],
)
def test_bad_space_is_refused_at_load(tmp_path: Path, space: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        run(tmp_path, search={"space": space})
    assert not (tmp_path / "run").exists()


def test_values_set_by_path_validate_like_yaml() -> None:
    policy = load("policy/status_quo")
    changed = with_values(policy, {"actions.coupon.depth": 0.25, "actions.chat.hours_per_week.L5": 9})
    assert changed.actions["coupon"].depth == 0.25
    assert changed.actions["chat"].hours_per_week.L5 == 9
    assert policy.actions["coupon"].depth == 0.1


def test_killed_worker_is_replaced_and_its_replicates_repeated() -> None:
    scenario, policy = load("scenario/sparkling_drinks"), load("policy/winback")
    scenario = scenario.model_copy(update={"horizon_days": 20})
    tasks = [Task(policy, seed) for seed in range(12)]
    with Workers([scenario], None, 2) as workers:
        outcomes: dict[int, Any] = {}
        for index, outcome in workers.as_done(tasks):
            if not outcomes:
                assert workers._pool is not None
                os.kill(next(iter(workers._pool._processes)), signal.SIGKILL)
            outcomes[index] = outcome
    assert sorted(outcomes) == list(range(12))
    assert outcomes[11].values == live(scenario, policy, 11).values


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="reads the process table")
def test_workers_leave_with_a_killed_parent() -> None:
    """kill -9 of the parent leaves no process behind that holds memory and cores."""
    code = (
        "from experiments import load\n"
        "from experiments.run import Task, Workers\n"
        "scenario, policy = load('scenario/sparkling_drinks'), load('policy/winback')\n"
        "with Workers([scenario], None, 2) as workers:\n"
        "    for _ in workers.as_done([Task(policy, seed) for seed in range(400)]):\n"
        "        print(*workers._pool._processes, flush=True)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.2)
    assert len(workers) == 2
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


# -- pilot, limits, playbooks, interruptions ---------------------------------------------------------------------------


def test_pilot_measures_a_spread_of_policies_and_chooses_the_effort(tmp_path: Path) -> None:
    auto = run(tmp_path, search={"replicates": "auto", "trials": 16, "finalists": 2})
    course, pilot = auto.course, auto.course.pilot
    assert pilot is not None
    assert (pilot.policies, pilot.seeds) == (6, 16)  # status quo, least, and a quarter of the trials spread out
    assert -1 <= pilot.correlation <= 1
    assert course.effort.replicates in {o.replicates for o in course.replication.options} | {2}
    of_pilot = auto.trials[auto.trials.label.str.startswith("spread") | (auto.trials.label == "status quo")]
    assert (of_pilot.replicates == 16).all()
    assert auto.trials.label.str.startswith("only").sum() == len(PLAN["space"])


def test_a_race_gives_up_trials_that_are_surely_worse(tmp_path: Path) -> None:
    """With coupons that cost much and move nobody, deep ones are given up; the rest sees all replicates."""
    depth = {"actions.coupon.depth": PLAN["space"]["actions.coupon.depth"]}
    plan = {"racing": True, "replicates": 16, "trials": 16, "space": depth}
    raced = run(tmp_path, scenario={"effects": {"coupon": {"mean": 0.0}}}, search=plan)
    assert raced.course.effort.schedule == (2, 4, 8, 16)
    assert (raced.trials.replicates[~raced.trials.dropped] == 16).all()
    assert (raced.trials.replicates[raced.trials.dropped] < 16).all()
    assert raced.trials.uplift.notna().all()
    assert not raced.trials.dropped[raced.trials.uplift.idxmax()]


def test_limits_hold_on_the_holdout_seeds(tmp_path: Path) -> None:
    free = run(tmp_path / "free")
    limit = 0.6 * float(free.trials.hours.max())
    bound = run(tmp_path / "bound", search={"limits": {"hours": {"at_most": limit}}})
    assert (bound.trials.feasible == (bound.trials.hours <= limit)).all()
    assert not bound.trials.feasible.all()
    (kept,) = bound.winner.limits
    assert (kept.metric, kept.kept) == ("hours", True)
    assert kept.mean <= limit
    assert bound.prices[0].metric == "hours"


def test_playbooks_are_tried_and_must_lie_within_the_space(tmp_path: Path) -> None:
    book = {**POLICY, "title": "deep", "actions": {**POLICY["actions"]}}
    book["actions"]["coupon"] = {**POLICY["actions"]["coupon"], "depth": 0.25}
    path = tmp_path / "policy" / "deep.yaml"
    path.parent.mkdir(parents=True)
    YAML().dump(book, path)
    tried = run(tmp_path, search={"playbooks": [str(path)], "trials": 8})
    row = tried.trials[tried.trials.label == f"playbook {path}"]
    assert row["actions.coupon.depth"].tolist() == [0.25]
    book["actions"]["coupon"]["valid_days"] = 9
    YAML().dump(book, path)
    with pytest.raises(SpecError, match="no lever moves") as error:
        run(tmp_path, search={"playbooks": [str(path)]}, out="other")
    assert "actions.coupon.valid_days" in error.value.place


class _Stopper:
    """A listener that presses Ctrl-C once so many trials are done."""

    def __init__(self, after: int) -> None:
        self.after, self.searching = after, False

    def stage(self, name: str, total: int) -> None:
        self.searching = name == "searching"
        if self.searching and not self.after:
            raise KeyboardInterrupt

    def step(self, done: int, note: str = "") -> None:
        if self.searching and done >= self.after:
            self.searching = False
            raise KeyboardInterrupt

    def say(self, text: str) -> None:
        """Nothing."""


def test_an_interrupted_search_is_judged_and_goes_on_later(found: SearchResult, tmp_path: Path) -> None:
    design = load(write(tmp_path), "experiment")
    ground = prepare(design)
    stopped = search_ground(ground, design, out=tmp_path / "run", processes=1, listener=_Stopper(20))
    assert stopped.course.interrupted
    assert 18 <= len(stopped.trials) < PLAN["trials"]
    assert stopped.claim.n == PLAN["holdout_replicates"]
    assert table(run(tmp_path)) == table(found)
    with pytest.raises(KeyboardInterrupt):  # nothing to judge yet
        search_ground(ground, design, out=tmp_path / "early", processes=1, listener=_Stopper(0))


def test_all_that_can_be_asked_is_answered(tmp_path: Path) -> None:
    """Fronts, what it rests on, what mattered: every part of a result is there and speaks of the same policies."""
    whole = run(
        tmp_path,
        scenario={"horizon_days": 7},
        experiment={"sensitivity": {"replicates": 4, "shortlist": 1}},
        search={"fronts": ["spend", "risk"], "design": 24, "budget": 670.0, "final_replicates": 16},
    )
    assert set(whole.fronts) == {"spend", "risk"}
    for points in whole.fronts.values():
        assert [p.amount for p in points] == sorted(p.amount for p in points)
        assert [p.uplift.mean for p in points] == sorted(p.uplift.mean for p in points)
    assert whole.robustness is not None
    assert whole.winner.label in whole.robustness.labels[0]
    assert {(a.effect, a.factor) for a in whole.alternatives} == {
        (name, f) for name in whole.ground.assumed for f in (0.5, 2.0)
    }
    assert whole.information is not None
    mattering = {s.assumption.name for s in whole.robustness.swept if s.matters}
    assert {w.name for w in whole.information.each} == mattering
    assert mattering < set(whole.ground.assumed)  # nobody hosts a community here: its effect asks for no replicates
    assert whole.explanation is not None
    assert whole.explanation.policies == 24
    assert {i.lever for i in whole.explanation.importances.levers} >= set(PLAN["space"])
    assert whole.course.reused > 0  # finalists are lived once, whoever asks


def test_plan_of_another_budget_is_below_the_status_quo(tmp_path: Path) -> None:
    design = load(write(tmp_path), "experiment")
    with pytest.raises(SpecError, match="fixed cost"):
        planned(prepare(design), {"budget": 1.0})
