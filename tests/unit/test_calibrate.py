"""Calibrating: facts as they happened, the same answer however it is lived, and every way to write targets wrong."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.domain import PrivateDomain
from agents.scenario import Scenario
from experiments import load
from experiments.calibrate import calibrate
from experiments.calibrating.ensemble import FILE, read_ensemble, with_ensemble
from experiments.calibrating.facts import Fact, day_of
from experiments.calibrating.folder import calibration_folder
from experiments.calibrating.logged import figure, people_in_logs, with_logged_figures
from experiments.calibrating.proposal import propose, systematic
from experiments.calibrating.targets import Effort, Targets
from experiments.data import load_logs
from experiments.ground import prepare
from experiments.metrics import outcome
from experiments.searching.questions.assumptions import assumed_values
from experiments.searching.worlds import Calibrated, check, chosen_sets, ensemble
from sim.errors import SpecError, StudyError
from sim.spec import Document, validate
from tests.desk import desk, run
from tests.worlds import busy_policy, busy_scenario, live

__all__ = ["desk"]  # a fixture

WORLD = """\
title: a small world
population: {size: 80, level_shares: [0.4, 0.2, 0.1, 0.1, 0.1, 0.1]}
horizon_days: 28
"""
POLICY = """\
title: status quo
actions:
  adverts: {kind: advert, calendar: {per_week: 7}}
  talk: {kind: chat, hours_per_week: {L0: 5, L4: 2}}
"""
TARGETS = """\
title: mutes and replies
policy: policy.yaml
facts:
  mutes: {kind: mute_rate, value: 0.2, tolerance: 0.05, weeks: [1, 1], source: assumed, measured: now}
  replies: {kind: reply_rate, value: 0.3, tolerance: 0.1, weeks: [1, 1], source: assumed, measured: now}
free:
  behaviours.reaction.mute: {low: -9, high: -3}
  behaviours.attention.reply_chance.0: {low: 0.02, high: 0.6}
effort: {replicates: 1, first: 24, batch: 12, rounds: 2, fresh: 16, sets: 8}
"""
EXPERIMENT = """\
title: how often?
scenario: world.yaml
policy: policy.yaml
worlds: 4
"""
CALIBRATE = ("calibrate", "world.yaml", "targets.yaml", "-o", "answer")


@pytest.fixture
def here(desk: Path) -> Path:
    texts = {"world": WORLD, "policy": POLICY, "targets": TARGETS, "question": EXPERIMENT}
    for name, text in texts.items():
        (desk / f"{name}.yaml").write_text(text, encoding="utf-8")
    return desk


def rewrite(name: str, old: str, new: str) -> None:
    text = Path(name).read_text(encoding="utf-8")
    assert old in text
    Path(name).write_text(text.replace(old, new), encoding="utf-8")


# -- facts ------------------------------------------------------------------------------------------------------------


def fact(**data: Any) -> Fact:
    data = {"source": "test", "measured": "now", "tolerance": 0.1, **data}
    return Targets.model_validate(
        {"title": "t", "facts": {"it": data}, "free": {"margin": {"low": 0, "high": 1}}}
    ).facts["it"]


@pytest.fixture(scope="module")
def world() -> PrivateDomain:
    return live(busy_scenario(150, 35), busy_policy())


def count(world: PrivateDomain, kind: str, first: int, last: int) -> int:
    events = world.ledger.events()
    return int(((events.kind == world.ledger.code[kind]) & (events.day >= first) & (events.day <= last)).sum())


def mean_at_risk(world: PrivateDomain, states: tuple[str, ...], days: tuple[int, ...]) -> float:
    census = outcome(world).census
    return float(np.mean([sum(census[day, f"contact.{state}"] for state in states) for day in days]))


def test_rates_count_the_events_of_their_weeks(world: PrivateDomain) -> None:
    lived, spec = outcome(world), world.spec
    both = mean_at_risk(world, ("contact", "muted"), (7, 14))
    open_ = mean_at_risk(world, ("contact",), (7, 14))
    wanted = {
        "mute_rate": count(world, "mute", 7, 20) / open_ / 14 * 30,
        "delete_rate": count(world, "delete", 7, 20) / both / 14 * 30,
        "orders_per_customer": count(world, "order", 7, 20) / both / 14 * 30,
        "reply_rate": count(world, "reply", 7, 20) / count(world, "chat", 7, 20),
        "weekly_orders": count(world, "order", 7, 20) / 2,
    }
    for kind, value in wanted.items():
        assert value > 0, kind
        assert fact(kind=kind, value=0.5, weeks=[2, 3]).measure(lived, spec) == pytest.approx([value]), kind


def test_sales_are_net_of_discounts(world: PrivateDomain) -> None:
    lived = outcome(world)
    found = fact(kind="weekly_net", value=100).measure(lived, world.spec)
    assert found == pytest.approx([lived.values["revenue"] / 5])
    assert lived.values["revenue"] < lived.values["gross_sales"]


def test_a_rate_may_be_for_other_days(world: PrivateDomain) -> None:
    lived = outcome(world)
    month, week = (fact(kind="mute_rate", value=0.1, per_days=days).measure(lived, world.spec)[0] for days in (30, 7))
    assert week == pytest.approx(month * 7 / 30)


def test_shares_are_of_those_who_are_there(world: PrivateDomain) -> None:
    lived = outcome(world)
    levels = [lived.census[28, f"level.L{level}"] for level in range(6)]
    share = fact(kind="trust_levels", at={28: {"L4": 0.2, "L0": 0.1}}).measure(lived, world.spec)
    assert share == pytest.approx([levels[4] / sum(levels), levels[0] / sum(levels)])
    number = fact(kind="trust_levels", at={28: {"L4": 20}}, counts=True).measure(lived, world.spec)
    assert number == [levels[4]]
    members = fact(kind="members", at={28: {"any": 0.2}}).measure(lived, world.spec)
    assert members == pytest.approx([lived.census[28, "member.any"] / sum(levels)])


def test_a_month_ends_on_its_last_day() -> None:
    scenario = Scenario.model_validate({"title": "t", "start": "2024-01-15", "horizon_days": 60})
    assert day_of("2024-02", scenario) == 45  # 29 February
    assert day_of("17", scenario) == day_of(17, scenario) == 17
    with pytest.raises(ValueError, match="'2024-03' is not lived: the scenario lives from 2024-01-15 to 2024-03-14"):
        day_of("2024-03", scenario)


def test_between_counts_the_last_one_holds(world: PrivateDomain) -> None:
    lived = outcome(world)
    shares = [fact(kind="trust_levels", at={day: {"L4": 0.2}}).measure(lived, world.spec) for day in (14, 16, 20, 21)]
    assert shares[0] == shares[1] == shares[2] != shares[3]


# -- figures from logs ------------------------------------------------------------------------------------------------

ORDERS = """customer_id,ts,order_id,gross,discount
ann,2024-03-01,o1,20.00,5.00
bob,2024-03-02,o2,10.00,0
ann,2024-03-09,o3,4.00,0
bob,2024-03-14,o4,6.00,0
ann,2024-03-20,o5,100.00,0
"""
MOVES = """customer_id,ts,kind
ann,2024-03-03,mute
ann,2024-03-08,unmute
bob,2024-03-09,mute
ann,2024-03-10,chat
ann,2024-03-10,reply
bob,2024-03-11,chat
bob,2024-03-12,delete
ann,2024-03-19,mute
"""


def test_logs_are_counted_before_the_cut_off_alone(tmp_path: Path) -> None:
    """Days 7 to 13: ann and bob are there all the time; bob mutes and deletes, each after the week has begun."""
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (tmp_path / "touches.csv").write_text(MOVES, encoding="utf-8")
    logs = load_logs(tmp_path)
    wanted = {"mute_rate": 1 / 1 / 7 * 30, "delete_rate": 1 / 2 / 7 * 30, "reply_rate": 0.5, "weekly_orders": 2,
              "weekly_net": 10.0, "orders_per_customer": 2 / 2 / 7 * 30}  # fmt: skip
    for kind, value in wanted.items():
        found = figure(fact(kind=kind, value="logs"), logs, 13, 1)  # type: ignore[arg-type]
        assert found == pytest.approx(value), kind
    assert people_in_logs(logs, np.array([0, 1, 2, 3, 8])) == pytest.approx(
        ((0 + 1 + 2 + 2 + 2) / 5, (0 + 1 + 2 + 1 + 2) / 5)
    )


def grounded(folder: Path, touches: str) -> Any:
    """Logs of twelve customers over five weeks, of whom each orders weekly, with the ground that knows their end."""
    from types import SimpleNamespace

    days = [f"2024-{3 + d // 31:02d}-{1 + d % 31:02d}" for d in range(0, 35, 7)]
    rows = [f"c{i},{day},o{i}{day},20,0" for i in range(12) for day in days]
    (folder / "orders.csv").write_text("customer_id,ts,order_id,gross,discount\n" + "\n".join(rows), encoding="utf-8")
    if touches:
        (folder / "touches.csv").write_text("customer_id,ts,kind\n" + touches, encoding="utf-8")
    logs = load_logs(folder)
    end = logs.origin + dt.timedelta(days=20)
    scenario = Scenario.model_validate({"title": "t", "horizon_days": 70})
    return SimpleNamespace(logs=logs, scenario=scenario, training=SimpleNamespace(models=SimpleNamespace(cut_off=end)))


LOGGED = "title: t\nfacts:\n  it: {{kind: {}, value: logs, tolerance_share: 0.1, source: a, measured: b}}\n" + (
    "free: {{margin: {{low: 0, high: 1}}}}\n"
)


def filled(folder: Path, kind: str, touches: str) -> Targets:
    document = Document(LOGGED.format(kind), "targets.yaml")
    return with_logged_figures(validate(Targets, document.data, document), grounded(folder, touches), document)


def test_figures_of_the_logs_are_filled_in(tmp_path: Path) -> None:
    """The run has ten weeks and the logs three before their cut-off: these count."""
    assert filled(tmp_path, "weekly_orders", "").facts["it"].figures() == {"": 12.0}


@pytest.mark.parametrize(
    ("touches", "words"),
    [
        ("", "targets.yaml:3: facts.it.value: these logs have no touches"),
        ("c1,2024-03-05,mute\nc2,2024-03-05,mute\n", "this stands for fewer than 10 customers, and no figure may"),
    ],
)
def test_figures_that_the_logs_cannot_give_are_refused(tmp_path: Path, touches: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        filled(tmp_path, "mute_rate", touches)


# -- the answer -------------------------------------------------------------------------------------------------------


def test_the_command_fits_and_writes_an_answer(here: Path) -> None:
    said = run(here, *CALIBRATE, "--processes", "1", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    found = read_ensemble(here / "answer")
    assert told["worth"] == found.worth > 8
    assert sum(found.weights) == pytest.approx(1, abs=1e-4)
    mute = found.free["behaviours.reaction.mute"]
    middle = np.average(mute.sets, weights=found.weights)
    assert -7.5 < middle < -5.0
    assert mute.told
    for name in ("facts.png", "values.png", "calibration.md", "sets.parquet"):
        assert (here / "answer" / name).stat().st_size > 500
    sets = pd.read_parquet(here / "answer" / "sets.parquet")
    assert len(sets) == 48
    assert sets["weight"].sum() == pytest.approx(1)
    page = (here / "answer" / "calibration.md").read_text(encoding="utf-8")
    assert "| mutes | 0.2 | ± 0.05 |" in page
    again = run(here, *CALIBRATE, "--processes", "1")
    assert again.code == 0
    assert "answer-2/ensemble.yaml" in again.out.replace("\n", "")  # what is finished is never written over


def test_any_number_of_processes_gives_the_same_bytes(here: Path) -> None:
    texts = []
    for processes in (1, 2):
        out = here / f"with{processes}"
        calibrate("world.yaml", "targets.yaml", out=out, processes=processes).ensemble.save(out)
        texts.append((out / FILE).read_bytes())
    assert texts[0] == texts[1]


class _StopAt:
    """A listener that presses Ctrl-C when a stage begins."""

    def __init__(self, stage: str) -> None:
        self.at = stage

    def stage(self, name: str, total: int) -> None:
        if name.startswith(self.at):
            raise KeyboardInterrupt

    def step(self, done: int, note: str = "") -> None:
        pass

    def say(self, text: str) -> None:
        pass


def test_who_stops_the_rounds_gets_what_they_came_to_and_can_go_on(here: Path) -> None:
    out = here / "answer"
    stopped = calibrate("world.yaml", "targets.yaml", out=out, processes=1, listener=_StopAt("round 2"))
    assert stopped.ensemble.interrupted
    assert len(stopped.posterior.points) == 36
    stopped.ensemble.save(out)
    assert calibration_folder(out) == out
    whole = calibrate("world.yaml", "targets.yaml", out=out, processes=1)
    assert (whole.simulated, whole.reused) == (12, 36 + 32)
    fresh = calibrate("world.yaml", "targets.yaml", out=here / "fresh", processes=1)
    assert whole.ensemble == fresh.ensemble
    with pytest.raises(KeyboardInterrupt):
        calibrate("world.yaml", "targets.yaml", out=here / "early", processes=1, listener=_StopAt("telling"))


def test_a_folder_of_something_else_is_left_alone(here: Path) -> None:
    with pytest.raises(StudyError, match="holds something that is no calibration"):
        calibration_folder(here)


# -- the search over it -----------------------------------------------------------------------------------------------


def written(folder: Path, **changes: Any) -> Path:
    """An ensemble of four sets for the world of this file, of which the third counts most."""
    scenario = load("world.yaml", "scenario")
    from experiments.calibrating.ensemble import Ensemble, basis_of

    paths = ("behaviours.reaction.mute", "margin")
    data = {
        "title": "test", "basis": basis_of(scenario, paths), "worth": 3.0, "weights": [0.1, 0.2, 0.6, 0.1],
        "facts": {"mutes": {"observed": 0.2, "tolerance": 0.05, "low": 0.3, "median": 0.4, "high": 0.5, "fits": False}},
        "free": {
            paths[0]: {"low": -9, "high": -3, "told": True, "sets": [-8, -7, -6, -5]},
            paths[1]: {"low": 0.1, "high": 0.9, "told": False, "sets": [0.2, 0.4, 0.6, 0.8]},
        },
        **changes,
    }  # fmt: skip
    return validate(Ensemble, data).save(folder)


def test_worlds_are_whole_sets_drawn_by_weight(here: Path) -> None:
    written(here)
    rewrite(
        "question.yaml",
        "worlds: 4",
        f"worlds: 10\nensemble: {FILE}\nuncertain: {{discount_rate: {{low: 0, high: 0.2}}}}",
    )
    design = load("question.yaml", "experiment")
    design, ground = with_ensemble(design, prepare(design))
    check(ground.scenario, design.uncertain)
    worlds = ensemble(ground.scenario, design.uncertain, design.worlds, 1)
    pairs = [(w.values["behaviours.reaction.mute"], w.values["margin"]) for w in worlds]
    assert {pair: pairs.count(pair) for pair in pairs} == {(-8, 0.2): 1, (-7, 0.4): 2, (-6, 0.6): 6, (-5, 0.8): 1}
    assert sorted(int(w.values["discount_rate"] * 50) for w in worlds) == list(range(10))
    assert [w.scenario.margin for w in worlds] == [margin for _, margin in pairs]
    note = ground.notes[-1]
    assert "10 worlds are drawn by weight from 4 parameter sets" in note
    assert "Not shown: mutes." in note
    assert "do not identify margin" in note
    assert validate(type(design), design.model_dump(mode="json")) == design  # as a worker elsewhere gets it


@pytest.mark.filterwarnings("error")
def test_a_single_set_is_every_world() -> None:
    alone = {path: Calibrated(low=0, high=1, ensemble="x", sets=(0.5,), weights=(1.0,)) for path in ("a", "b")}
    assert chosen_sets(alone, 3, 1) == [0, 0, 0]


def test_an_assumption_that_was_calibrated_keeps_its_distribution(here: Path) -> None:
    written(here)
    rewrite("question.yaml", "worlds: 4", f"worlds: 10\nensemble: {FILE}")
    design = load("question.yaml", "experiment")
    design, ground = with_ensemble(design, prepare(design))
    worlds = ensemble(ground.scenario, design.uncertain, 10, 1)
    mute = next(a for a in assumed_values(ground.scenario, design.uncertain) if a.name.endswith("mute"))
    assert mute.plausible == (-8, -5)
    assert isinstance(mute.spread, Calibrated)
    places = mute.unknown(worlds, np.arange(10)).standard
    assert np.mean(places) == pytest.approx(0, abs=1e-9)  # evenly spread, though the sets are not
    assert sorted(set(places)) == pytest.approx([-0.9, -0.6, 0.2, 0.9])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"basis": "0" * 16}, "fitted to another scenario"),
        ({"weights": [0.5, 0.5]}, "4 sets, and there are 2 weights"),
        ({"weights": [0.5, 0.5, 0.0, 0.0]}, "every weight must be above 0"),
        ({"free": {"margin": {"low": 0.3, "high": 0.9, "told": True, "sets": [0.2, 0.4, 0.6, 0.8]}}}, "lies outside"),
    ],
)  # fmt: skip
def test_an_ensemble_that_cannot_be_used_is_refused(here: Path, changes: dict[str, Any], words: str) -> None:
    written(here)
    text = json.loads(json.dumps(read_ensemble(here / FILE).model_dump(mode="json")))
    (here / FILE).write_text(json.dumps({**text, **changes}), encoding="utf-8")
    rewrite("question.yaml", "worlds: 4", f"ensemble: {FILE}")
    design = load("question.yaml", "experiment")
    with pytest.raises(SpecError, match=words):
        with_ensemble(design, prepare(design))


def test_a_changed_world_is_another_but_a_longer_one_is_not(here: Path) -> None:
    written(here)
    rewrite("question.yaml", "worlds: 4", f"ensemble: {FILE}")
    design = load("question.yaml", "experiment")
    rewrite("world.yaml", "horizon_days: 28", "horizon_days: 60\nmargin: 0.5")  # margin is one of the fitted values
    with_ensemble(design, prepare(design))
    rewrite("world.yaml", "size: 80", "size: 81")
    with pytest.raises(SpecError, match="fitted to another scenario"):
        with_ensemble(design, prepare(design))


def test_what_is_calibrated_is_not_uncertain_too(here: Path) -> None:
    written(here)
    rewrite("question.yaml", "worlds: 4", f"ensemble: {FILE}\nuncertain: {{margin: {{low: 0.1, high: 0.9}}}}")
    design = load("question.yaml", "experiment")
    with pytest.raises(SpecError, match="'margin' is calibrated, and `uncertain` too"):
        with_ensemble(design, prepare(design))


# -- proposals --------------------------------------------------------------------------------------------------------


def test_a_proposal_is_drawn_from_its_density_and_knows_its_constant() -> None:
    """A normal density in the middle of the cube, raised to the power 0.7: sd 0.1 / √0.7, constant known."""
    rng = np.random.default_rng(1)
    found = propose(lambda points: -0.5 * (((points - 0.5) / 0.1) ** 2).sum(axis=1), rng.random((2000, 2)), rng)
    sd = 0.1 / 0.7**0.5
    assert found.points.std(axis=0) == pytest.approx([sd, sd], rel=0.08)
    assert found.points.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.01)
    assert np.exp(found.log_constant) == pytest.approx(2 * np.pi * sd**2, rel=0.1)
    assert found.density(np.full((1, 2), 0.5)) == pytest.approx([1 / (2 * np.pi * sd**2)], rel=0.1)


def test_systematic_draws_are_as_even_as_weights_allow() -> None:
    drawn = systematic(np.array([0.25, 0.0, 0.5, 0.25]), 8, 0.5)
    assert np.bincount(drawn, minlength=4).tolist() == [2, 0, 4, 2]


def test_too_small_a_first_batch_is_raised_to_what_the_surface_needs() -> None:
    assert Effort().first > 100
    with pytest.raises(ValueError, match="greater than or equal"):
        Effort(first=2)


# -- bad input --------------------------------------------------------------------------------------------------------

MUTES = "mutes: {kind: mute_rate, value: 0.2, tolerance: 0.05, weeks: [1, 1], source: assumed, measured: now}"
BAD: list[tuple[str, str, tuple[str, ...]]] = [  # what stands there, what is written instead, what must be said
    ("mute_rate", "mute_rat", ("targets.yaml:4: facts.mutes", "unknown kind 'mute_rat'", "mean 'mute_rate'?")),
    ("value: 0.2", "value: 12", ("targets.yaml:4", "a share must be at most 1 (it is 12)", "write 12 % as 0.12")),
    ("value: 0.2", "value: -1", ("targets.yaml:4", "must be at least 0")),
    ("value: 0.2", "value: logs", ("targets.yaml:4: facts.mutes", "counted in logs, and there are none")),
    ("tolerance: 0.05, ", "", ("targets.yaml:4", "needs either 'tolerance'")),
    ("tolerance: 0.05", "tolerance: 0", ("targets.yaml:4", "must be above 0")),
    ("weeks: [1, 1], source", "weeks: [1, 9], source", ("targets.yaml:4", "week 9 ends on day 62", "lives 28 days")),
    ("weeks: [1, 1], source", "weeks: [2, 1], source", ("targets.yaml:4", "weeks must rise")),
    ("assumed, measured: now}\n  rep", "assumed}\n  rep", ("targets.yaml:4", "'measured' is missing")),
    (MUTES, "levels: {kind: trust_levels, at: {7: {L0: 0.8, L4: 0.4}}, tolerance: 0.1, source: a, measured: b}",
     ("targets.yaml:4", "the shares add up to 1.2", "lower them")),
    (MUTES, "tiers: {kind: value_tiers, at: {7: {general: 0.4, core: 0.3, high_value: 0.1}}, tolerance: 0.1, "
     "source: a, measured: b}", ("targets.yaml:4", "these are all states", "add up to 0.8")),
    (MUTES, "levels: {kind: trust_levels, at: {7: {L9: 0.1}}, tolerance: 0.1, source: a, measured: b}",
     ("targets.yaml:4", "no state 'L9'")),
    (MUTES, "levels: {kind: trust_levels, at: {spring: {L0: 0.1}}, tolerance: 0.1, source: a, measured: b}",
     ("targets.yaml:4", "neither a day of the run nor a month")),
    (MUTES, f"{MUTES}\n  again: {MUTES.replace('0.2', '0.9').removeprefix('mutes: ')}",
     ("facts.again contradicts facts.mutes: 0.9 and 0.2 of the same thing",)),
    ("  behaviours.reaction.mute: {low: -9, high: -3}\n  behaviours.attention.reply_chance.0: {low: 0.02, high: 0.6}\n",
     "  {}\n", ("targets.yaml:6: free", "must have at least 1 items")),
    ("behaviours.reaction.mute:", "behaviours.reaction.mut:",
     ("targets.yaml:7: free.behaviours.reaction.mut", "the scenario has no 'mut'", "did you mean 'mute'?")),
    ("behaviours.reaction.mute: {low: -9, high: -3}", "population.size: {low: 10, high: 90}",
     ("targets.yaml:7: free.population.size", "every world must hold the same people")),
    ("behaviours.reaction.mute: {low: -9, high: -3}", "effects.advert.mean: {low: 0, high: 1}",
     ("targets.yaml:7: free.effects.advert.mean", "effects are distributions already")),
    ("{low: -9, high: -3}", "{low: -6, high: -3}",
     ("targets.yaml:7", "the scenario's own value lies outside -6 … -3", "widen the span")),
    ("{low: -9, high: -3}", "{low: -9, high: 3}", ("targets.yaml:7", "the scenario refuses this value")),
    ("policy: policy.yaml\n", "", ("targets.yaml", "does not say what the operator did", "add `policy: NAME or path`")),
    (MUTES, "many: {kind: orders_per_customer, value: 30, tolerance: 1, source: a, measured: b}",
     ("targets.yaml:4: facts.many", "no parameter set of 24 comes near 30 ± 1", "the nearest miss is",
      "behaviours.reaction.mute =", "widen the spans")),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), BAD)
def test_bad_targets_are_told_in_one_message(here: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    rewrite("targets.yaml", old, new)
    said = run(here, *CALIBRATE, "--processes", "1")
    assert said.code == 2, said.out
    message = said.err.split("…\n")[-1]
    for word in words:
        assert word in message, message
    assert "Traceback" not in said.err


def test_when_nothing_is_accepted_the_nearest_miss_is_told(here: Path) -> None:
    rewrite("targets.yaml", "0.3, tolerance: 0.1", "0.99, tolerance: 0.001")
    said = run(here, *CALIBRATE, "--processes", "1")
    assert said.code == 2
    assert "targets.yaml:5: facts.replies: none of 48 parameter sets shows all facts together" in said.err
    assert "the nearest misses 'replies' by -" in said.err
    assert "answer/ensemble.yaml" not in said.new


def test_a_policy_is_no_world(here: Path) -> None:
    said = run(here, "calibrate", "policy.yaml", "targets.yaml")
    assert said.code == 2
    assert "an experiment or a scenario is needed here, and 'policy.yaml' is a policy" in said.err
