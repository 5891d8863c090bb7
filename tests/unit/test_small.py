"""A smaller world of the same kind, and the search that tries policies there first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agents.behaviours import Gathering
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.experiment import Experiment, Sensitivity
from experiments.ground import Ground
from experiments.known_answers.c_budget import SegmentBudget
from experiments.known_answers.c_coupon_depth import CouponDepth
from experiments.listener import Silence
from experiments.metrics import Outcome
from experiments.run import Workers, live, seeds_for
from experiments.search import JOURNAL, search_ground
from experiments.searching.aims import METRICS
from experiments.searching.engine.engine import History
from experiments.searching.plan import SearchPlan
from experiments.searching.replicates.lives import Lives
from experiments.searching.result import SearchResult
from experiments.searching.studies.shared_study import SharedStudy, Trial
from experiments.searching.trials.first_look import FirstLook, SmallWorlds
from experiments.searching.trials.measuring import Measurer, measure_trial
from experiments.searching.trials.pilot import Effort, RankAgreement, Replication
from experiments.searching.trials.racing import boundary, verdict
from experiments.searching.trials.small import as_whole, check_smaller, smaller, smaller_policy
from experiments.searching.trials.trials import TrialLoop, _incumbent
from sim.errors import SpecError
from sim.spec import validate
from tests.worlds import EVERYTHING, busy_policy, busy_scenario, policy, scenario

SHARE = 0.25

# -- worlds -----------------------------------------------------------------------------------------------------------


def test_the_whole_is_a_share_of_itself() -> None:
    assert smaller(busy_scenario(), 1) == busy_scenario()
    assert smaller_policy(busy_policy(), 1) == busy_policy()


def test_a_half_of_a_half_is_a_quarter() -> None:
    world, busy = busy_scenario(400), busy_policy()
    assert smaller(smaller(world, 0.5), 0.5) == smaller(world, 0.25)
    assert smaller_policy(smaller_policy(busy, 0.5), 0.5) == smaller_policy(busy, 0.25)


def test_what_customers_share_is_scaled_and_nothing_else() -> None:
    world, busy = busy_scenario(400), busy_policy()
    assert changed(world.model_dump(), smaller(world, 0.5).model_dump()) == {
        "population.size", "staff.hours_per_week", "channels.store.organic_per_day",
        "behaviours.gathering.preparation_hours",
        *(f"channels.{name}.volume" for name in world.channels),
    }  # fmt: skip
    assert changed(busy.model_dump(mode="json"), smaller_policy(busy, 0.5).model_dump(mode="json")) == {
        *(f"actions.growth.spend_cny_per_day.{name}" for name in world.channels),
        *(f"actions.talk.hours_per_week.L{level}" for level in range(6)),
        "actions.desk.hours_per_week", "actions.offers.hours_per_week", "actions.people.setup_cny",
        *(f"actions.helpers.{name}" for name in ("hours_per_week", "setup_cny", "fee_cny_per_week", "learning_hours")),
        "actions.care.hours_per_week.L4", "actions.care.hours_per_week.L5",
        "actions.moments.hours_per_post", "actions.live.hosts", "actions.live.setup_cny",
        "actions.moments.production_cny",
        "actions.flash.item.stock", "actions.flash.production_cny", "actions.together.item.stock",
        "actions.posts.production_cny", "actions.adverts.production_cny", "actions.winback.stock",
        "actions.hello.stock", "actions.missed.stock", "actions.club.plans.bespoke.expert_hours_per_week",
        "actions.groups.hours_per_week", "actions.groups.most_groups", "actions.new.hours_per_event",
        "actions.new.item_cost_cny", "actions.draw.hours_per_event", "actions.fair.hours_per_event",
        "actions.fair.production_cny", "actions.welfare.hours_per_event", "actions.welfare.production_cny",
        "actions.welfare.gift.stock", "actions.sellers.places", "actions.darlings.hours_per_week",
    }  # fmt: skip


def changed(one: Any, other: Any, path: str = "") -> set[str]:
    """Dotted paths at which two pieces of plain data differ."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return set().union(*(changed(one[key], other[key], f"{path}.{key}".lstrip(".")) for key in one))
    return set() if one == other else {path}


def test_whole_numbers_stay_whole_and_above_nothing() -> None:
    rare = policy(it={"kind": "coupon", "depth": 0.1, "stock": 3, "calendar": {"every_days": 7}},
                  none={"kind": "coupon", "depth": 0.1, "stock": 0, "calendar": {"every_days": 7}})  # fmt: skip
    small = smaller_policy(rare, 0.1).actions
    assert (small["it"].stock, small["none"].stock) == (1, 0)


def test_a_default_that_is_for_all_together_is_scaled_though_nobody_named_it() -> None:
    there = smaller(scenario(), 0.5)
    assert there.behaviours["gathering"].model_dump()["preparation_hours"] == Gathering().preparation_hours / 2
    assert smaller(there, 0.5) == smaller(scenario(), 0.25)
    assert not smaller(scenario(only_named_behaviours=True), 0.5).behaviours


def test_policies_are_worth_the_same_to_a_customer_of_a_smaller_world() -> None:
    """Were anything that customers share not scaled, staff, media or coupons would be four times as plenty there.

    Groups have the size that the platform gives them, so they are small enough here for both worlds to have several.
    """
    world = busy_scenario(800, 40, staff={"hours_per_week": 40})
    actions = {name: action for name, action in EVERYTHING.items() if name != "friday"}  # its coupons have no end
    actions["greet"] = {**actions["greet"], "group_size": 25}
    actions["groups"] = {**actions["groups"], "most_groups": 8}
    busy = policy(cap=8, **actions)
    whole = lived(world, [busy, DO_NOTHING])
    small = lived(smaller(world, SHARE), [smaller_policy(busy, SHARE), smaller_policy(DO_NOTHING, SHARE)])
    near(uplift(*small), uplift(*whole))
    for name in (*METRICS, "acquired", "n_reached", "n_coupon_issued"):
        there = as_whole({name: [o.values[name] for o in small[0]]}, SHARE)[name]
        near(np.array(there), np.array([o.values[name] for o in whole[0]]))


def lived(world: Scenario, policies: Sequence[Policy], seeds: int = 8) -> list[list[Outcome]]:
    return [[live(world, p, seed) for seed in range(seeds)] for p in policies]


def uplift(one: list[Outcome], other: list[Outcome]) -> Any:
    return np.array([a.values["clv"] - b.values["clv"] for a, b in zip(one, other, strict=True)])


def near(there: Any, here: Any) -> None:
    """Two means are equal within 4 standard errors of their paired difference, or the rounding of hours and people."""
    gap = there - here
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / len(gap) ** 0.5 + 0.01 * abs(here.mean())


def test_segments_of_a_block_of_customers_keep_their_shares() -> None:
    """The exact value of a policy of the C2 family is that of its smaller world."""
    family = SegmentBudget()
    world, best = family.scenario(customers=10_000), family.policy(spend=list(family.optimum().levers.values()))
    values = [live(smaller(world, 0.2), smaller_policy(best, 0.2), seed).values["clv"] for seed in range(12)]
    error = np.std(values, ddof=1) / len(values) ** 0.5
    assert abs(np.mean(values) - family.optimum().value * 100) < 4 * error


def test_policies_are_lived_as_they_are_there() -> None:
    """Every replicate in the world whose turn it is, on the seeds of the search."""
    worlds, busy = (busy_scenario(200, 20), busy_scenario(200, 20, margin=0.6)), busy_policy()
    with Workers(worlds, processes=1) as workers:
        ((first, second),) = SmallWorlds(SHARE, Lives(workers, worlds, 5)).live([busy], 3, 1)
    seeds = seeds_for("search", 3, 5)
    assert first.values == live(smaller(worlds[1], SHARE), smaller_policy(busy, SHARE), seeds[1]).values
    assert second.values == live(smaller(worlds[0], SHARE), smaller_policy(busy, SHARE), seeds[2]).values


def test_totals_are_those_of_the_whole() -> None:
    values = {name: [3.0, 6.0] for name in ("equity", "acquired", *METRICS)}
    found = as_whole(values, 0.25)
    same = {name for name, series in found.items() if series == [3.0, 6.0]}
    assert same == {"margin", "messages", "spend_discounted"}
    assert all(found[name] == [12.0, 24.0] for name in found.keys() - same)


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_customers_of_logs_cannot_be_fewer() -> None:
    with pytest.raises(SpecError, match=r"has its own customers.*leave first_at out"):
        check_smaller(0.5, scenario(1000), busy_policy(), learned=True)


def test_too_few_customers_are_refused() -> None:
    with pytest.raises(SpecError, match="would have 49 customers of 490, and needs 50"):
        check_smaller(0.1, scenario(490), DO_NOTHING, learned=False)
    check_smaller(0.1, scenario(500), DO_NOTHING, learned=False)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"first_at": 0.95}, "first_at: must be at most 0.9"),
        ({"first_at": 0.001}, "first_at: must be at least 0.01"),
        ({"first_at": 0.2, "objective": {"measure": "cvar"}}, "the objective is cvar; leave first_at out"),
        ({"first_at": 0.2, "replicates": 3}, "needs 4 replicates, for with 3 no difference is sure"),
    ],
)
def test_a_first_look_that_cannot_be_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        validate(SearchPlan, {"title": "t", "space": {PATH: {"low": 0, "high": 0.3}}, **said})


def test_it_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="needs 50"):
        search(tmp_path, first_at=0.02)
    assert not (tmp_path / JOURNAL).exists()


# -- the search -------------------------------------------------------------------------------------------------------

QUESTION = CouponDepth().question(customers=2000)
PATH = "actions.coupon.depth"
PLAN: dict[str, Any] = {
    "title": "depth", "space": dict(QUESTION.space), "trials": 30, "replicates": 8, "finalists": 1, "patience": 0,
    "final_replicates": 4, "final_rounds": 1, "holdout_replicates": 4, "fronts": [], "design": 0, "engine": "tpe",
}  # fmt: skip


class Heard:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, name: str, total: int) -> None: ...

    def step(self, done: int, note: str = "") -> None: ...

    def say(self, text: str) -> None:
        self.said.append(text)


def search(
    out: Path, processes: int = 1, hear: Heard | None = None, base: Policy = QUESTION.status_quo, **said: Any
) -> SearchResult:
    design = Experiment(title="t", scenario="", policy="", search="", sensitivity=Sensitivity(replicates=0))
    ground = Ground(QUESTION.scenario, base, validate(SearchPlan, {**PLAN, **said}), None, None, {}, ())
    return search_ground(ground, design, out=out, processes=processes, listener=hear)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small")


@pytest.fixture(scope="module")
def found(folder: Path) -> SearchResult:
    return search(folder, first_at=0.2)


def table(result: SearchResult) -> str:
    return str(result.trials.to_csv(index=False))


def test_what_is_surely_worse_is_never_lived_at_full_size(found: SearchResult) -> None:
    look, trials = found.course.first_look, found.trials
    given_up = trials[trials.population < 1]
    assert look is not None
    assert look.used
    assert look.agreement.policies == len(trials) - look.tried
    assert look.dropped == len(given_up) >= 5
    assert set(given_up.population) == {0.2}
    assert given_up.dropped.all()
    truth = trials[PATH].map(lambda depth: QUESTION.truth(with_depth(depth)))
    assert truth[given_up.index].max() < 0.99 * QUESTION.best
    assert truth.max() > 0.999 * QUESTION.best


def with_depth(depth: float) -> Policy:
    coupon = QUESTION.status_quo.actions["coupon"].model_copy(update={"depth": depth})
    return QUESTION.status_quo.model_copy(update={"actions": {"coupon": coupon}})


def test_what_was_given_up_stands_where_the_whole_world_would_put_it(found: SearchResult) -> None:
    """Uplift by its gap to the best policy in the smaller world, spend by what the whole world would spend."""
    full, given_up = (found.trials[found.trials.population == share] for share in (1.0, 0.2))
    leader, one = full.loc[full.uplift.idxmax()], given_up.iloc[0]
    best, mine = uplift_in_small(leader[PATH]), uplift_in_small(one[PATH])
    assert one.uplift == pytest.approx(leader.uplift + (mine - best).mean())
    assert one.standard_error == pytest.approx(mine.std(ddof=1) / 8**0.5)
    (whole,) = lived(QUESTION.scenario, [with_depth(one[PATH])])
    assert one.spend == pytest.approx(np.mean([o.values["spend"] for o in whole]), rel=0.03)


def uplift_in_small(depth: float) -> Any:
    """Uplift of a coupon in a fifth of the world on the seeds of the search."""
    world, base = smaller(QUESTION.scenario, 0.2), smaller_policy(QUESTION.status_quo, 0.2)
    seeds = seeds_for("search", 8, 1)
    return uplift(*[[live(world, p, seed) for seed in seeds] for p in (with_depth(depth), base)])


def test_who_is_given_up_is_the_verdict_of_the_race_there(found: SearchResult, folder: Path) -> None:
    with SharedStudy(folder / JOURNAL) as study:
        trials = [t for t in study.finished() if t.batch]
        incumbents = {batch: study.fact(f"batch {batch}")["incumbent"] for batch in {t.batch for t in trials}}
    for trial in trials:
        incumbent = incumbents[trial.batch]
        assert not found.trials.dropped[incumbent]
        gap = uplift_in_small(found.trials[PATH][trial.number]) - uplift_in_small(found.trials[PATH][incumbent])
        expected = verdict(gap, boundary((8,), rivals=trial.number)) == "drop"
        assert trial.measured["dropped"] == expected == (found.trials.population[trial.number] < 1)


def test_the_engine_is_told_how_unsure_the_smaller_world_is(found: SearchResult, folder: Path) -> None:
    with SharedStudy(folder / JOURNAL) as study, Workers([QUESTION.scenario], processes=1) as workers:
        lives = Lives(workers, (QUESTION.scenario,), 1)
        loop = TrialLoop(found.plan, QUESTION.status_quo, {}, study, lives, Silence())
        history = loop.history(study.finished())
    small = (found.trials.population < 1).to_numpy()
    assert not history.noise[~small].any()
    best = int(np.argmax(np.where(small, -np.inf, history.values)))
    one = int(np.flatnonzero(small)[-1])
    gap = uplift_in_small(found.trials[PATH][one]) - uplift_in_small(found.trials[PATH][best])
    assert history.noise[one] == pytest.approx(gap.var(ddof=1) / 8)


def test_the_best_within_the_limits_is_whom_others_must_beat() -> None:
    trials: list[Any] = [SimpleNamespace(number=i, measured={"dropped": i == 2}) for i in range(4)]
    values, beyond = np.array([1.0, 9.0, 8.0, 3.0]), np.array([-1.0, 2.0, -1.0, -1.0])
    history = History(({},) * 4, values, np.zeros(4), {"spend": beyond}, np.ones(4, np.int64))
    assert _incumbent(trials, history) == 3
    assert _incumbent(trials, replace(history, excess={"spend": np.ones(4)})) is None


def test_same_bytes_with_two_processes(found: SearchResult, tmp_path: Path) -> None:
    assert table(search(tmp_path, processes=2, first_at=0.2)) == table(found)


def test_goes_on_where_it_stopped(found: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of a batch, after some of its trials were given up."""
    finish = SharedStudy.finish

    def killed(study: SharedStudy, number: int, *a: Any, **k: Any) -> None:
        if number == 16:
            raise MemoryError
        finish(study, number, *a, **k)

    with monkeypatch.context() as patch:
        patch.setattr(SharedStudy, "finish", killed)
        with pytest.raises(MemoryError):
            search(tmp_path, first_at=0.2)
    assert table(search(tmp_path, first_at=0.2)) == table(found)


class Witness:
    """A finished study to which the trials of a batch are measured again, as if by another process."""

    def __init__(self, study: SharedStudy) -> None:
        self.study, self.place, self.again = study, study.place, dict[int, Any]()

    def fact(self, name: str) -> Any:
        return self.study.fact(name)

    def finished(self) -> list[Trial]:
        return self.study.finished()

    def finish(self, number: int, value: float, measured: Any, constraints: Any = None) -> None:
        self.again[number] = (value, measured)


def test_a_worker_elsewhere_comes_to_the_same(found: SearchResult, folder: Path) -> None:
    with SharedStudy(folder / JOURNAL) as study, Workers([QUESTION.scenario], processes=1) as workers:
        witness = Witness(study)
        measurer = Measurer(found.plan, QUESTION.status_quo, witness, Lives(workers, (QUESTION.scenario,), 1))
        late = [t for t in study.finished() if t.batch == 2]
        for trial in late:
            measure_trial(measurer, trial)
        assert witness.again == {t.number: (t.value, t.measured) for t in late}
        assert any(t.measured["dropped"] for t in late)
        assert not all(t.measured["dropped"] for t in late)


def test_where_ranks_do_not_agree_it_is_said_and_nothing_is_given_up(tmp_path: Path) -> None:
    """Near the optimum policies hardly differ, and sixty customers cannot tell which is better."""
    hear = Heard()
    flat: dict[str, Any] = {"space": {PATH: {"low": 0.17, "high": 0.18}}, "trials": 17, "replicates": 4}
    base = with_depth(0.175)
    result = search(tmp_path / "asked", hear=hear, base=base, first_at=0.03, **flat)
    look = result.course.first_look
    assert look is not None
    assert not look.used
    assert look.agreement.low < 0.7
    assert (look.tried, look.dropped) == (0, 0)
    assert any("lived at full size at once" in text for text in hear.said)
    assert table(result) == table(search(tmp_path / "not", base=base, **flat))


def test_too_few_first_policies_are_not_lived_twice(tmp_path: Path) -> None:
    result = search(tmp_path, first_at=0.2, replicates="auto", trials=4)
    look = result.course.first_look
    assert look == FirstLook.unknown(0.2, result.course.effort.replicates, 3)
    assert look is not None
    assert "3 first policies are too few" in look.words()
    with SharedStudy(tmp_path / JOURNAL) as study:
        assert not any("small" in trial.measured for trial in study.finished())


def test_a_pilot_tells_of_the_smaller_world_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it asks for more replicates of a trial than it had itself."""
    many = Effort(32, None, 8, 0.0, 0.0)
    monkeypatch.setattr("experiments.searching.trials.trials.replication", lambda *_, **__: Replication(many, (many,)))
    result = search(tmp_path, first_at=0.1, replicates="auto", trials=24)
    look, pilot = result.course.first_look, result.course.pilot
    assert look is not None
    assert pilot is not None
    assert look.used
    assert look.agreement.policies == pilot.policies == 8
    assert look.replicates == 32
    assert look.tried == 4  # three of them affordable, and the single change
    assert set(result.trials.replicates) == {16, 32}


@pytest.mark.parametrize(
    ("faithful", "replicates", "words"),
    [
        (True, 8, "tried on 20 % of the population first: rank correlation 0.90 with the whole"),
        (False, 8, "at full size at once, not on 20 % first: .*, and 0.7 must lie below it"),
        (True, 2, "at full size at once.*with 2 replicates of a trial no difference there is sure"),
    ],
)
def test_says_why(faithful: bool, replicates: int, words: str) -> None:
    look = FirstLook(0.2, replicates, RankAgreement(20, 0.9, 0.8 if faithful else 0.6, 0.95, faithful))
    assert look.used == (faithful and replicates >= 4)
    assert FirstLook.of(look.as_dict()) == look
    with pytest.raises(ValueError, match=words):
        raise ValueError(look.words())
