"""The closed loop: what is scored, what is kept, and one small loop from the logs to the score."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from agents.actions import Action
from agents.customers import NEVER
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments import loop
from experiments.closed_loop import product
from experiments.closed_loop.analyst import Weeks, audiences, naive_policy
from experiments.closed_loop.document import markdown, save
from experiments.closed_loop.future import Future, spread_sample
from experiments.closed_loop.hidden import WHOM, lived, scenario_of, status_quo, truth_of
from experiments.closed_loop.logbook import write_logs
from experiments.closed_loop.scoring import Cell, future_of, scores, with_action
from experiments.closed_loop.space import Effort, plan_of
from experiments.data import load_logs
from experiments.loop import LoopCheck, Size, check_loop
from experiments.pool import Pool
from experiments.reporting.figures_loop import claims_info, plot_claims, plot_regret, regret_info
from experiments.terminal.validation import app
from tests.worlds import busy_policy, busy_scenario, live

TINY = Effort(
    trials=3, replicates=8, judged=2, claims=2, scored=4, customers=200, scored_customers=300, guesses=16
)  # fmt: skip
CUSTOMERS = 300
WORLD = 0


def a_cell(world: int = 0, customers: int = 10_000, **changes: Any) -> Cell:
    """A cell in which the product gains 8 of 10, the naive analyst loses 2, and the claim holds."""
    facts: dict[str, Any] = {
        "world": world, "customers": customers, "truth": {"coupon": 4.0, "advert": 0.1}, "value": 100.0,
        "uplift": {"best": 10.0, "product": 8.0, "naive": -2.0, "nothing": -5.0},
        "error": dict.fromkeys(("best", "product", "naive", "nothing"), 0.1),
        "lost_by": {"coupon": 1.5, "adverts": 0.5}, "levers": {},
        "claimed": 9.0, "low": 6.0, "high": 12.0, "mean_low": 8.5, "mean_high": 9.5,
        "effects": {"coupon": (4.0, 0.5, True), "advert": (0.1, 0.05, False)}, "notes": (), "made_from": "x",
        "code": "y", "seconds": {},
    }  # fmt: skip
    return Cell(**{**facts, **changes})


@pytest.fixture(scope="module")
def future() -> Future:
    return future_of(truth_of(WORLD), WORLD, CUSTOMERS)


# -- the hidden future ------------------------------------------------------------------------------------------------


def test_the_future_goes_on_from_the_state_of_the_past(future: Future) -> None:
    """Days move, people and what they hold stay; nothing of them is drawn anew."""
    past = lived(truth_of(WORLD), world=WORLD, customers=CUSTOMERS)
    c = past.customers
    assert np.array_equal(future.people["last_order"], c.last_order - past.day)
    for name in ("rate", "price_sensitivity", "contact", "fatigue", "coupon_depth", "coupon_noticed", "lapsed"):
        assert np.array_equal(future.people[name], getattr(c, name)), name
    held = (c.coupon_depth > 0) & (c.coupon_until >= past.day)
    assert np.array_equal(future.people["coupon_until"][held], c.coupon_until[held] - past.day)
    assert future.scenario.start.toordinal() - past.start.toordinal() == past.day


def test_the_future_is_what_the_past_would_have_become() -> None:
    """The same people under the same policy, in one run or in two, order as often; only the luck is another."""
    truth = truth_of(WORLD)
    whole = PrivateDomain(scenario_of(truth, customers=CUSTOMERS, days=168), status_quo(truth), seed=3)
    whole.run(84)
    rest = Future.of(whole, scenario_of(truth, customers=CUSTOMERS, days=84, start=whole.date))
    orders = [rest.live(status_quo(truth), seed).values["n_order"] for seed in range(8)]
    whole.run()
    later = np.count_nonzero(whole.ledger.of("order").day >= 84)
    assert later == pytest.approx(np.mean(orders), abs=4 * np.std(orders))
    newborn = PrivateDomain(rest.scenario.model_copy(update={"population": whole.spec.population}),
                            status_quo(truth), seed=3)  # fmt: skip
    newborn.run()
    assert len(newborn.ledger.of("order")) > np.mean(orders) + 4 * np.std(orders), "a new population is another one"


def test_a_policy_may_bring_columns_that_the_past_did_not_know(future: Future) -> None:
    """Nobody has anything there yet, and what had its day keeps its distance from today."""
    policy = status_quo(truth_of(WORLD))
    new = {
        "groups": {"kind": "community", "calendar": {"every_days": 1}},
        "friends": {"kind": "referral", "reward_cny": 30},
        "cared": {"kind": "koc", "hours_per_week": 2, "audience": "everybody"},
    }
    actions = {name: Action.REGISTRY[str(data.pop("kind"))].model_validate(data) for name, data in new.items()}
    richer = policy.model_copy(update={"actions": {**policy.actions, **actions}})
    assert "community" not in future.people
    assert future.live(richer, 5).values["n_referral"] > 0


def test_what_has_a_day_keeps_its_distance_from_today() -> None:
    world = live(busy_scenario(60), busy_policy(), until=20)
    people = Future.of(world, busy_scenario(60)).people
    for name in ("invited_day", "koc_until", "coupon_until", "welcome_day"):
        column = getattr(world.customers, name)
        assert np.array_equal(people[name], np.where(column > NEVER, column - 20, column)), name


def test_luck_is_shared_and_repeatable(future: Future) -> None:
    base = status_quo(truth_of(WORLD))
    assert future.live(base, 5).values == future.live(base, 5).values
    assert future.live(base, 5).values != future.live(base, 6).values


def test_a_spread_sample_is_like_the_whole(future: Future) -> None:
    rows = spread_sample(future.people, 60)
    assert len(np.unique(rows)) == 60
    for name in ("orders", "last_order"):
        whole, part = future.people[name], future.people[name][rows]
        assert abs(part.mean() - whole.mean()) < 0.25 * whole.std(), name
    assert np.array_equal(spread_sample(future.people, CUSTOMERS + 1), np.arange(CUSTOMERS))


# -- scores -----------------------------------------------------------------------------------------------------------


def test_the_truth_regrets_nothing_and_doing_nothing_something(future: Future) -> None:
    truth = dataclasses.replace(truth_of(WORLD), advert=0.2)
    base = status_quo(truth)
    _, up = scores(future, base, {"best": base, "nothing": DO_NOTHING}, WORLD, TINY)
    assert not up["best"].any(), "the same policy with the same luck is the same"
    assert up["nothing"].mean() < 0
    cell = a_cell()
    assert cell.regret("best") == 0
    assert cell.regret("product") == pytest.approx(0.2)
    assert cell.regret("nothing") > 1


class _Ground:
    """As much of a ground as the question of what is unknown looks at."""

    def __init__(self, hazards: tuple[str, ...], scenario: Scenario) -> None:
        contact = SimpleNamespace(models=dict.fromkeys(hazards)) if hazards else None
        self.learned, self.scenario = SimpleNamespace(contact=contact), scenario


@pytest.mark.parametrize(
    ("hazards", "gone"),
    [((), set()), (("rise_2",), set()), (("mute",), {"mute"}), (("mute", "delete"), {"mute", "delete", "per_fatigue"})],
)
def test_only_values_that_learned_hazards_replace_are_known(hazards: tuple[str, ...], gone: set[str]) -> None:
    scenario = Scenario(title="t")
    found = product.unknown(_Ground(hazards, scenario))  # type: ignore[arg-type]
    everything = product.unknown(_Ground((), scenario))  # type: ignore[arg-type]
    assert set(everything) - set(found) == {f"behaviours.reaction.{name}" for name in gone}


def test_where_nothing_can_be_gained_there_is_no_share() -> None:
    poor = a_cell(uplift={"best": 0.3, "product": 0.1, "naive": 0.0, "nothing": 0.2})
    assert not poor.worthwhile
    assert np.isnan(poor.regret("product"))
    assert poor.missed("product") == pytest.approx(0.2)
    unsure = a_cell(error={"best": 6.0, "product": 0.1, "naive": 0.1, "nothing": 0.1})
    assert not unsure.worthwhile, "a gain within two standard errors is none"
    size = Size(10_000, (poor, a_cell(1)))
    assert (size.regret("product"), len(size.worthwhile)) == (pytest.approx(0.2), 1)


def test_harm_is_surely_worse_than_before() -> None:
    cell = a_cell()
    assert (cell.harms("naive"), cell.harms("product"), cell.harms("status quo")) == (True, False, False)
    assert not a_cell(error={**cell.error, "naive": 1.5}).harms("naive")
    assert a_cell(uplift={**cell.uplift, "nothing": 1.0}).harms("status quo")


def test_targets_are_judged() -> None:
    good = LoopCheck((Size(10_000, tuple(a_cell(w, uplift={**a_cell().uplift, "product": 9.5}) for w in range(5))),))
    assert not good.missed()
    lazy = LoopCheck((Size(10_000, (a_cell(),)),))
    assert lazy.missed() == ("median regret 20% from logs of 10,000 customers is above 10%",)
    small = LoopCheck((Size(2_000, (a_cell(customers=2_000),)),))
    assert not small.missed(), "the target of the regret is about 10,000 customers"
    vain = LoopCheck((Size(2_000, tuple(a_cell(w, 2_000, low=9.0 if w < 2 else 6.0) for w in range(10))),))
    assert vain.missed() == ("the claimed interval holds the true uplift in 80% of worlds, less than 85%",)


def test_one_action_is_taken_from_the_other_policy() -> None:
    base = status_quo(truth_of(WORLD))
    other = base.model_copy(update={"actions": {"coupon": base.actions["coupon"].model_copy(update={"depth": 0.3})}})
    mixed = with_action(base, other, "coupon")
    assert mixed.actions["coupon"].model_dump()["depth"] == 0.3
    assert mixed.actions["adverts"] == base.actions["adverts"]
    assert set(with_action(base, other, "adverts").actions) == {"coupon"}


# -- the naive analyst ------------------------------------------------------------------------------------------------


def test_the_naive_analyst_sees_what_was_received(tmp_path: Path) -> None:
    truth = truth_of(WORLD)
    world = lived(truth, world=WORLD, customers=CUSTOMERS)
    logs = load_logs(str(write_logs(world, tmp_path)))
    weeks = Weeks.of(logs, truth.margin)
    assert weeks.orders.sum() == len(world.ledger.of("order"))
    assert weeks.adverts.sum() == len(world.ledger.of("message_advert"))
    gross, off = (int(world.ledger.of(kind).amount.sum()) / 100 for kind in ("order", "coupon_redeemed"))
    assert weeks.worth.sum() == pytest.approx(truth.margin * gross - off)
    assert set(np.unique(weeks.depth)) == {0.0, truth.status_depth, *truth.test_depths}
    past = weeks.past(26)
    assert np.array_equal(past[:, 3], weeks.orders.sum(axis=1))
    meant = audiences(weeks, past)
    assert set(meant) == set(WHOM)
    assert (meant["core and high"] ^ meant["general"]).all()
    plan, base = plan_of(truth, TINY, 1), status_quo(truth)
    found = naive_policy(logs, plan, base, margin=truth.margin, guesses=16, seed=1)
    assert found == naive_policy(logs, plan, base, margin=truth.margin, guesses=16, seed=1)
    assert plan.policy(base, plan.params_of(found)).actions == found.actions, "it lies within the space"


# -- what the product is told -----------------------------------------------------------------------------------------


def test_the_documents_hold_no_hidden_number(tmp_path: Path) -> None:
    truth = truth_of(WORLD)
    asked = product.documents(truth, status_quo(truth), TINY, tmp_path, 1)
    text = "".join(Path(path).read_text(encoding="utf-8") for path in (asked.scenario, asked.policy, str(asked.search)))
    public = {"margin", "advert_cost", "valid_days", "status_depth", "status_adverts", "test_depths", "randomised"}
    for name, value in truth.as_dict().items():
        if name not in public:
            assert f"{value:.6g}"[:6] not in text, name
    assert asked.cut_off is not None


# -- what is kept -----------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Cells that cost nothing; which were made is written down. The fourth asked for is stopped by Ctrl-C, once."""
    made: list[tuple[int, int]] = []
    stops = {3}

    def cell(world: int, customers: int, best: Policy, effort: Effort) -> Cell:
        if len(made) in stops:
            stops.clear()
            raise KeyboardInterrupt
        made.append((world, customers))
        return a_cell(world, customers, made_from=loop.made_from(world, effort))

    monkeypatch.setattr(loop, "cell", cell)
    monkeypatch.setattr(loop, "best_policy", lambda world, effort: DO_NOTHING)
    return made


def test_a_stopped_loop_goes_on(quick: list[tuple[int, int]], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        check_loop(worlds=2, sizes=(200, 400), folder=tmp_path, effort=TINY, processes=1)
    assert quick == [(0, 200), (1, 200), (0, 400)]
    found = check_loop(worlds=2, sizes=(200, 400), folder=tmp_path, effort=TINY, processes=1)
    assert quick[3:] == [(1, 400)], "only what was not finished"
    assert [(c.world, c.customers) for c in found.cells] == [(0, 200), (1, 200), (0, 400), (1, 400)]


def test_another_effort_starts_anew(quick: list[tuple[int, int]], tmp_path: Path) -> None:
    check_loop(worlds=1, sizes=(200,), folder=tmp_path, effort=TINY, processes=1)
    check_loop(worlds=1, sizes=(200,), folder=tmp_path, effort=TINY, processes=1)
    assert quick == [(0, 200)]
    check_loop(worlds=1, sizes=(200,), folder=tmp_path, effort=dataclasses.replace(TINY, trials=4), processes=1)
    assert quick == [(0, 200), (0, 200)]


def test_processes_do_the_same_work() -> None:
    tasks = [(world, TINY) for world in range(3)]
    with Pool(2) as many, Pool(1) as one:
        assert dict(many.each(loop.made_from, tasks)) == dict(one.each(loop.made_from, tasks))


def test_a_cell_survives_its_file() -> None:
    cell = a_cell()
    assert Cell.of(json.loads(json.dumps(cell.as_dict()))) == cell


def test_the_command_ends_with_one_when_a_target_is_missed(quick: list[tuple[int, int]], tmp_path: Path) -> None:
    out = tmp_path / "loop.md"
    args = ["loop", "--worlds", "1", "--sizes", "10000", "--folder", str(tmp_path / "kept"), "--processes", "1"]
    said = CliRunner().invoke(app, [*args, "-o", str(out)])
    assert said.exit_code == 1
    assert "missed: median regret 20%" in out.read_text(encoding="utf-8")
    assert "logs of 10,000 customers, worlds 1: median regret 20% (naive analyst 120%)" in " ".join(said.output.split())
    assert {path.name for path in tmp_path.glob("loop.*")} == {"loop.md", "loop.json", "loop.png"}
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["cells"][0]["world"] == 0


# -- document and figures ---------------------------------------------------------------------------------------------


def test_the_document_says_all_numbers(tmp_path: Path) -> None:
    check = LoopCheck((Size(2_000, (a_cell(customers=2_000),)), Size(10_000, (a_cell(), a_cell(1, low=8.5)))))
    text = markdown(check, command="siyu validate loop")
    for words in ("| 2,000 | 1 | 1 | 20% |", "67% of worlds", "| 10,000 | 2 | 2 | 20% |", "+9.00 (+6.00 to +12.00)"):
        assert words in text, words
    path = save(check, tmp_path / "loop.md", command="siyu validate loop")
    assert "![" in path.read_text(encoding="utf-8")


def test_the_figures_draw_their_tables() -> None:
    cells = [a_cell(w, n) for n in (2_000, 10_000) for w in range(3)] + [a_cell(9, 2_000, low=8.5)]
    info = regret_info(cells)
    product_rows = info[info["arm"] == "product"]
    assert product_rows["median"].tolist() == pytest.approx([0.2, 0.2])
    assert product_rows["worlds"].tolist() == [4, 3]
    assert (info.loc[info["arm"] == "status quo", "median"] == 1).all()
    lines = {line.get_label(): line.get_xydata() for line in plot_regret(info, target=0.1).get_lines()}
    assert np.asarray(lines["the product"])[:, 1].tolist() == pytest.approx([0.2, 0.2])
    claims = claims_info(cells)
    assert claims["held"].tolist().count(False) == 1
    assert claims["truth"].tolist() == pytest.approx([0.08] * 7)
    assert len(plot_claims(claims).containers) == 2


# -- the loop itself --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_small_loop_from_logs_to_score(tmp_path: Path) -> None:
    """Everything together, on one world whose adverts work so well that the status quo of one a week is too few."""
    found = check_loop(worlds=1, sizes=(CUSTOMERS,), folder=tmp_path, effort=TINY, processes=1)
    (cell,) = found.cells
    assert cell.low <= cell.claimed <= cell.high
    assert cell.uplift["nothing"] < 0
    assert cell.notes
    assert set(cell.levers["product"]) == set(cell.levers["best"])
    again = check_loop(worlds=1, sizes=(CUSTOMERS,), folder=tmp_path, effort=TINY, processes=1)
    assert again == found
