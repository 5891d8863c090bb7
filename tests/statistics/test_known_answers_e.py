"""Family E: a trust ladder under a budget, lived by the product's own engine.

The truth is checked first: against the listed numbers, and by value iteration and by going through all deterministic
policies instead of a linear programme. Then the simulated means of 100,000 customers, of value and of discounted
spend, must lie within four standard errors of it. Seeds are fixed.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial import ConvexHull

from agents.policy import DO_NOTHING
from experiments.known_answers import customer_values, mean_value
from experiments.known_answers.e_ladder import LEVERS, Care, TrustLadder
from experiments.known_answers.e_ladder_world import ACTIVITIES, ActivityCosts, LadderMoves, LevelCare
from experiments.known_answers.family import UNIT_CNY, Floats
from experiments.metrics import outcome
from experiments.searching.plan import SearchPlan
from experiments.searching.space.paths import with_values
from sim.errors import SpecError
from tests.statistics.test_known_answers import CUSTOMERS, assert_agrees, assert_refused, live

LISTED = TrustLadder()
SHORT = TrustLadder(  # three levels, on which coupons pay
    up=((0.02, 0.05, 0.12, 0.06, 0.2), (0.01, 0.03, 0.06, 0.03, 0.04), (0, 0, 0, 0, 0)),
    churn=((0.10, 0.08, 0.05, 0.09, 0.09), (0.05, 0.04, 0.02, 0.05, 0.045), (0.02, 0.015, 0.01, 0.02, 0.018)),
    down=(0, 0.03, 0.02),
    buy=((0.02, 0.03, 0.04, 0.2, 0.03), (0.1, 0.11, 0.12, 0.35, 0.14), (0.3, 0.32, 0.33, 0.6, 0.36)),
    costs=ActivityCosts(content=0.2, chat=0.9, coupon=0.3, event=1.1),
    margin=8, coupon_margin=6, discount=0.98,
)  # fmt: skip
STEEP = TrustLadder(  # rising and falling often, and a strong discount
    up=((0.3, 0.4, 0.6, 0.5, 0.7), (0.2, 0.3, 0.5, 0.2, 0.3), (0.1, 0.2, 0.3, 0.1, 0.5), (0, 0, 0, 0, 0)),
    churn=((0.3, 0.2, 0.1, 0.2, 0.2), (0.2, 0.2, 0.1, 0.2, 0.1), (0.1, 0.1, 0.05, 0.1, 0.1), (0.05,) * 5),
    down=(0, 0.3, 0.4, 0.5),
    buy=((0, 0, 0, 0.1, 0), (0.1, 0.1, 0.2, 0.3, 0.1), (0.3, 0.4, 0.4, 0.5, 0.3), (0.9, 0.9, 0.9, 1, 1)),
    costs=ActivityCosts(content=0.05, chat=2, coupon=0.5, event=1.2),
    margin=12, coupon_margin=4, discount=0.9,
)  # fmt: skip
SETS = {"listed": LISTED, "short": SHORT, "steep": STEEP}
NOTHING: Care = ["none"] * 6
MYOPIC: Care = ["none", *["content"] * 5]
MIXED: Care = [
    LevelCare(action="chat", share=0.3, otherwise="coupon"), LevelCare(action="event", share=0.6, otherwise="content"),
    LevelCare(action="coupon", share=0.5), LevelCare(action="content", share=0.8, otherwise="event"), "chat", "coupon",
]  # fmt: skip


def step(of: TrustLadder) -> Floats:
    """Chance of the next level, written out: shape (levels, activities, levels)."""
    chances = np.zeros((len(of.up), len(ACTIVITIES), len(of.up)))
    for s, a in np.ndindex(chances.shape[:2]):
        stays = 1 - of.churn[s][a]
        chances[s, a, s] += stays * (1 - of.up[s][a] - of.down[s])
        if of.up[s][a]:
            chances[s, a, s + 1] += stays * of.up[s][a]
        if of.down[s]:
            chances[s, a, s - 1] += stays * of.down[s]
    return chances


def money(of: TrustLadder) -> tuple[Floats, Floats]:
    """Profit and cost of a week, shape (levels, activities)."""
    cost = np.array([[0, of.costs.content, of.costs.chat, of.costs.coupon, of.costs.event]] * len(of.up))
    worth = [of.margin, of.margin, of.margin, of.coupon_margin, of.margin]
    return np.array(of.buy) * worth - cost, cost


def every_policy(of: TrustLadder) -> tuple[Floats, Floats]:
    """Value and spend of all deterministic policies, by linear equations; shape (policies,)."""
    n = len(of.up)
    chosen = np.array(list(itertools.product(range(len(ACTIVITIES)), repeat=n)))
    onward = np.eye(n) - of.discount * step(of)[np.arange(n), chosen]
    value, spend = (np.linalg.solve(onward, each[np.arange(n), chosen][..., None])[:, 0, 0] for each in money(of))
    return value, spend


# -- the truth ---------------------------------------------------------------------------------------------------------


def test_listed_numbers() -> None:
    assert LISTED.exact(care=NOTHING) == pytest.approx(4.640131, abs=5e-7)
    assert LISTED.exact(care=MYOPIC) == pytest.approx(7.056950, abs=5e-7)
    best = LISTED.optimum()
    assert best.value == pytest.approx(28.737109, abs=5e-7)
    assert [one.action for one in best.care] == ["chat", "chat", "chat", "event", "event", "content"]
    assert {one.share for one in best.care} == {1.0}
    listed = {2: 12.854288, 4: 16.861721, 6: 19.451820, 10: 22.323291, 20: 25.311430}
    for budget, value in listed.items():
        plan = LISTED.optimum(budget=budget)
        assert plan.value == pytest.approx(value, abs=5e-7)
        assert LISTED.exact(care=plan.care) == pytest.approx(value, abs=5e-7)
        assert plan.spend == pytest.approx(budget, rel=1e-9)
        assert sum(one.share < 1 for one in plan.care) == 1
    # The listed shadow price counts the margin that one more unit brings; net of the unit it is one less.
    assert LISTED.optimum(budget=4).shadow_price + 1 == pytest.approx(2.72711, abs=5e-6)


def test_myopic_is_best_for_one_week() -> None:
    profit, _ = money(LISTED)
    assert [ACTIVITIES[a] for a in profit.argmax(1)] == MYOPIC


@pytest.mark.parametrize("of", SETS.values(), ids=SETS)
def test_the_optimum_by_value_iteration(of: TrustLadder) -> None:
    moves, (profit, _) = step(of), money(of)
    value = np.zeros(len(of.up))
    for _ in range(4000):
        each = profit + of.discount * moves @ value
        value = each.max(1)
    assert of.optimum().value == pytest.approx(value[0], rel=1e-9)
    assert [one.action for one in of.optimum().care] == [ACTIVITIES[a] for a in each.argmax(1)]


@pytest.mark.parametrize("of", SETS.values(), ids=SETS)
@pytest.mark.parametrize("among", [ACTIVITIES, ("content", "event")])
def test_the_best_within_a_budget_by_going_through_all(of: TrustLadder, among: tuple[Any, ...]) -> None:
    """Mixed policies reach exactly the convex hull of the deterministic ones, whose upper edge is the best."""
    value, spend = every_policy(of)
    picked = [all(ACTIVITIES[a] in among for a in row) for row in np.ndindex((len(ACTIVITIES),) * len(of.up))]
    points = np.column_stack([spend[picked], value[picked]])
    upper = points[ConvexHull(points).vertices]
    upper = upper[np.argsort(upper[:, 0])]
    peak, least = upper[upper[:, 1].argmax()], upper[0]
    edge = upper[(upper[:, 1] >= np.interp(upper[:, 0], *np.array([least, peak]).T) - 1e-12) & (upper[:, 0] <= peak[0])]
    assert of.optimum(among=among).value == pytest.approx(peak[1], rel=1e-9)
    for part in (0.1, 0.35, 0.8):
        budget = least[0] + part * (peak[0] - least[0])
        plan = of.optimum(budget=budget, among=among)
        assert plan.value == pytest.approx(np.interp(budget, *edge.T), rel=1e-7)
        assert plan.spend == pytest.approx(budget, rel=1e-7)
        more = np.interp(budget * (1 + 1e-6), *edge.T) - np.interp(budget, *edge.T)
        assert plan.shadow_price == pytest.approx(more / (1e-6 * budget), rel=1e-3)
        assert {one.action for one in plan.care} <= set(among)


@pytest.mark.parametrize("of", SETS.values(), ids=SETS)
def test_a_horizon_by_recursion(of: TrustLadder) -> None:
    care = MIXED[: len(of.up)]
    for weeks in (1, 2, 30, of.longest):
        assert of.exact(care=care, weeks=weeks) == pytest.approx(of.moments(care=care, weeks=weeks).mean, rel=1e-12)
        spend = of.moments(care=care, weeks=weeks, of_spend=True).mean
        assert of.spent(care=care, weeks=weeks) == pytest.approx(spend, rel=1e-12)
    assert of.exact(care=care, weeks=5000) == pytest.approx(of.exact(care=care), rel=1e-9)
    profit, cost = money(of)
    one = care[0]
    assert isinstance(one, LevelCare)
    weights = {ACTIVITIES.index(one.action): one.share, ACTIVITIES.index(one.otherwise): 1 - one.share}
    assert of.exact(care=care, weeks=1) == pytest.approx(sum(w * profit[0, a] for a, w in weights.items()))
    assert of.spent(care=care, weeks=1) == pytest.approx(sum(w * cost[0, a] for a, w in weights.items()))
    worth = [of.coupon_margin if name == "coupon" else of.margin for name in ACTIVITIES]
    square = sum(
        w * (of.buy[0][a] * (worth[a] - cost[0, a]) ** 2 + (1 - of.buy[0][a]) * cost[0, a] ** 2)
        for a, w in weights.items()
    )
    first = of.moments(care=care, weeks=1)
    assert first.sd**2 == pytest.approx(square - first.mean**2)


# -- fixed policies ----------------------------------------------------------------------------------------------------

FIXED: list[tuple[str, Any, int]] = [
    ("listed", NOTHING, 100), ("listed", MYOPIC, 100), ("listed", MIXED, 80),
    ("listed", None, 610), ("listed", 4.0, 610),
    ("short", NOTHING, 60), ("short", None, 300), ("short", 1.5, 100), ("short", MIXED, 60),
    ("steep", NOTHING, 30), ("steep", None, 60), ("steep", 1.0, 60), ("steep", MIXED, 30),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "care", "weeks"), FIXED)
def test_fixed_policies(name: str, care: Any, weeks: int) -> None:
    """``care`` is a budget, or none for no budget, where it is the best within one."""
    of = SETS[name]
    care = care[: len(of.up)] if isinstance(care, list) else of.optimum(budget=care).care
    world = live(of.scenario(customers=CUSTOMERS, weeks=weeks), of.policy(care=care), seed=5, detail=False)
    found = outcome(world).values
    value, spend = of.moments(care=care, weeks=weeks), of.moments(care=care, weeks=weeks, of_spend=True)
    assert_agrees(mean_value(world), of.exact(care=care, weeks=weeks), value.sd)
    assert_agrees(found["spend_discounted"] / UNIT_CNY, of.spent(care=care, weeks=weeks), max(spend.sd, 1e-9))


@pytest.mark.parametrize(("name", "weeks"), [("listed", 60), ("short", 40), ("steep", 20)])
def test_the_spread_between_customers(name: str, weeks: int) -> None:
    of = SETS[name]
    care = MIXED[: len(of.up)]
    world = live(of.scenario(customers=50_000, weeks=weeks), of.policy(care=care), seed=6)
    values = customer_values(world)
    left, moved = world.ledger.of("delete"), world.ledger.of("trust_level")
    last = np.full(50_000, world.horizon_days)
    last[left.key] = left.day
    assert (moved.day < last[moved.key]).all()  # who leaves neither rises nor falls
    assert len(moved) > 1000
    assert values.std() == pytest.approx(of.moments(care=care, weeks=weeks).sd, rel=0.03)


def test_a_share_of_the_customers_weeks() -> None:
    """Who gets which activity is drawn anew each week, at the given share."""
    care: Care = [LevelCare(action="chat", share=0.3, otherwise="coupon"), *["none"] * 5]
    still = LISTED.model_copy(update={"up": ((0.0,) * 5,) * 6, "churn": ((0.0,) * 5,) * 6})
    world = live(still.scenario(customers=2000, weeks=50), still.policy(care=care), seed=7)
    chats = np.bincount(world.ledger.of("chat").key, minlength=2000)
    assert chats.sum() + len(world.ledger.of("message_advert")) == 2000 * 50
    assert chats.mean() == pytest.approx(15, abs=4 * np.sqrt(50 * 0.21 / 2000))
    assert chats.var() == pytest.approx(50 * 0.21, rel=0.15)


def test_wrong_truths_are_refused() -> None:
    care, weeks = LISTED.optimum(budget=4.0).care, 150
    world = live(LISTED.scenario(customers=CUSTOMERS, weeks=weeks), LISTED.policy(care=care), seed=5, detail=False)
    found, of_value = mean_value(world), LISTED.moments(care=care, weeks=weeks)
    spent, of_spend = outcome(world).values, LISTED.moments(care=care, weeks=weeks, of_spend=True)
    assert_agrees(found, LISTED.exact(care=care, weeks=weeks), of_value.sd)
    assert_agrees(spent["spend_discounted"] / UNIT_CNY, of_spend.mean, of_spend.sd)
    left_first = 1 - np.array(LISTED.churn)  # who leaves does not order
    orders_after_leaving = LISTED.model_copy(update={"buy": tuple(map(tuple, np.array(LISTED.buy) * left_first))})
    moves_though_it_leaves = LISTED.model_copy(update={"up": tuple(map(tuple, np.array(LISTED.up) * 1.05))})
    for wrong in (orders_after_leaving, moves_though_it_leaves, LISTED.model_copy(update={"down": (0.0,) * 6})):
        assert_refused(found, wrong.exact(care=care, weeks=weeks), of_value.sd)
    assert_refused(found, LISTED.exact(care=care), of_value.sd)
    assert_refused(spent["spend"] / CUSTOMERS / UNIT_CNY, of_spend.mean, of_spend.sd)  # not discounted
    coupons = TrustLadder(coupon_margin=25)
    world = live(LISTED.scenario(customers=CUSTOMERS, weeks=20), LISTED.policy(care=["coupon"] * 6), seed=5)
    at = {"care": ["coupon"] * 6, "weeks": 20}
    assert_agrees(mean_value(world), LISTED.exact(**at), LISTED.moments(**at).sd)
    assert_refused(mean_value(world), coupons.exact(**at), LISTED.moments(**at).sd)


# -- the question ------------------------------------------------------------------------------------------------------

QUESTIONS: list[tuple[str, float | None, tuple[Any, ...]]] = [
    ("listed", None, ACTIVITIES), ("listed", 4.0, ACTIVITIES), ("listed", 4.0, ("content", "event")),
    ("listed", 20.0, ("content", "chat", "event")), ("short", 1.5, ACTIVITIES), ("steep", 1.0, ("none", "event")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "budget", "among"), QUESTIONS)
def test_question(name: str, budget: float | None, among: tuple[Any, ...]) -> None:
    """The best plan lies within the space and the limit and is worth what is said; the status quo is far from it."""
    of = SETS[name]
    q = of.question(customers=100, budget=budget, among=among)
    plan = SearchPlan.model_validate({"title": "test", "space": q.space})
    plan.params_of(q.status_quo)
    if len(q.space) <= 4:  # it tries all pairs of ends
        plan.check(q.status_quo, q.scenario)
    values = {}
    for path in q.space:
        level, field = path.removeprefix(f"{LEVERS}.").split(".")
        one = of.optimum(budget=budget, among=among).care[int(level[1])]
        if "otherwise" not in {p.rpartition(".")[2] for p in q.space} and budget is not None:
            one = LevelCare(action=among[1], otherwise=among[0], share=share_of(one, among[1]))
        wanted = getattr(one, field)
        values[path] = wanted if field != "otherwise" or wanted in among else among[0]
    best = with_values(q.status_quo, values)
    assert q.truth(best) == pytest.approx(q.best, rel=1e-9)
    assert q.truth(q.status_quo) < 0.9 * q.best
    assert q.ceiling is not None
    assert q.best <= q.ceiling * (1 + 1e-9)
    if set(among) >= {one.action for one in of.optimum(budget=budget).care}:
        assert q.ceiling == pytest.approx(q.best, rel=2e-4)
    if budget is None:
        assert (q.limits, q.spend, q.shadow_price) == ({}, None, None)
        assert q.truth(DO_NOTHING) == pytest.approx(of.exact(care=["none"] * len(of.up)) * UNIT_CNY, rel=1e-3)
        return
    assert q.limits == {"spend_discounted": {"at_most": budget * UNIT_CNY}}
    assert q.spend is not None
    assert q.spend(q.status_quo) <= budget * UNIT_CNY
    assert 0.999 * budget * UNIT_CNY < q.spend(best) <= budget * UNIT_CNY
    assert q.shadow_price == pytest.approx(of.optimum(budget=budget, among=among).shadow_price, rel=2e-3)


def share_of(one: LevelCare, activity: str) -> float:
    return one.share * (one.action == activity) + (1 - one.share) * (one.otherwise == activity)


def test_nothing_within_the_horizon_beats_the_ceiling() -> None:
    """Not even a change of policy near the end, which is what the ceiling allows for."""
    q = LISTED.question(customers=100, budget=4.0)
    assert q.ceiling is not None
    moves, (profit, cost) = step(LISTED), money(LISTED)
    price = q.shadow_price or 0.0
    value, net, spend = np.zeros(6), np.zeros(6), np.zeros(6)
    for _ in range(LISTED.longest):
        choice = (profit - price * cost + LISTED.discount * moves @ value).argmax(1)
        pick = (np.arange(6), choice)
        value = (profit - price * cost)[pick] + LISTED.discount * moves[pick] @ value
        net, spend = (each[pick] + LISTED.discount * moves[pick] @ old for each, old in ((profit, net), (cost, spend)))
    bound = (net[0] + price * (4.0 - spend[0])) * UNIT_CNY  # of all policies that spend 4
    assert q.best < bound == pytest.approx(q.ceiling, rel=1e-6)


# -- nonsense ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"down": (0.01, *LISTED.down[1:])}, "nobody falls below L0"),
        ({"up": (*LISTED.up[:-1], (0, 0, 0, 0, 0.1))}, "nobody rises above the last level"),
        ({"up": ((0.6,) * 5, (0.99,) * 5, *LISTED.up[2:]), "down": (0, 0.02, 0, 0, 0, 0)}, "L1: up 0.99 and down 0.02"),
        ({"down": LISTED.down[:-1]}, "down 5; give one row for each level"),
        ({"buy": LISTED.buy[:-1]}, "buy has 5 levels and up 6"),
        ({"buy": ((0.1, 0.1, 0.1, 0.1), *LISTED.buy[1:])}, "buy"),
        ({"churn": ((0.1, 0.1, 0.1, 0.1, 1.1), *LISTED.churn[1:])}, "less than or equal to 1"),
        ({"discount": 1.0}, "less than 1"),
        ({"discount": 0.0001}, "leaves no room for a week"),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes: dict[str, Any], rule: str) -> None:
    data = {name: getattr(LISTED, name) for name in TrustLadder.model_fields} | changes
    with pytest.raises(ValidationError, match=rule):
        TrustLadder(**data)
    if set(changes) <= {"up", "down"}:
        with pytest.raises(ValidationError, match=rule):
            LadderMoves(**({"up": LISTED.up, "churn": LISTED.churn, "down": LISTED.down} | changes))


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(SpecError, match=r"6 levels need as many entries.*got \['none'\]"):
        LISTED.policy(care=["none"])
    with pytest.raises(SpecError, match=r"no policy of these actions spends so little \(got 0\.5\)"):
        LISTED.optimum(budget=0.5, among=("content", "event"))
    with pytest.raises(SpecError, match="no policy of these actions spends so little"):
        LISTED.optimum(budget=-1.0)
    final = LISTED.model_copy(update={"churn": ((0.06, 0.05, 0.045, 1.0, 0.055), *LISTED.churn[1:])})
    with pytest.raises(SpecError, match=r"content for everybody spends 2\.0657"):  # coupons end it soon, and spend less
        final.question(budget=1.5, among=("content", "coupon"))
    slow = tuple(tuple(chance / 50 for chance in row) for row in LISTED.up)
    patient = {"churn": ((0.0001,) * 5,) * 6, "up": slow, "down": (0.0,) * 6, "discount": 0.9999}
    immortal = LISTED.model_copy(update=patient)
    with pytest.raises(SpecError, match="weeks, the longest horizon, cut off too much"):
        immortal.question()


def test_one_level_is_a_ladder_too() -> None:
    flat = TrustLadder(up=((0.0,) * 5,), churn=((0.2, 0.1, 0.1, 0.1, 0.1),), down=(0.0,), buy=((0.5,) * 5,),
                       margin=4, coupon_margin=4)  # fmt: skip
    assert flat.exact(care=["none"]) == pytest.approx(2 / (1 - 0.99 * 0.8))
    assert flat.exact(care=["content"]) == pytest.approx(1.9 / (1 - 0.99 * 0.9))
    assert flat.optimum().care[0].action == "content"
    world = live(flat.scenario(customers=20_000, weeks=60), flat.policy(care=["content"]), seed=8, detail=False)
    at = {"care": ["content"], "weeks": 60}
    assert_agrees(mean_value(world), flat.exact(**at), flat.moments(**at).sd, 20_000)
