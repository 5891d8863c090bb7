"""Family B: recency and a habit of coupons, lived by the product's own engine.

The truth is checked first: against the listed numbers, and by methods that share nothing with it — a linear programme,
the distribution over states carried forward, all lives of a few months one by one. Then the simulated mean of 100,000
customers must lie within four standard errors of it. Seeds are fixed.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import linprog

from agents.audience import Audience
from agents.calendar import Calendar
from agents.policy import DO_NOTHING, Policy
from experiments.known_answers import customer_values, mean_value
from experiments.known_answers.b_habituation import Habituation, RecencyCoupon
from experiments.known_answers.family import UNIT_CNY
from tests.statistics.test_known_answers import CUSTOMERS, assert_agrees, assert_refused, live
from tests.worlds import canonical

LISTED = Habituation()
THREE_DEPTHS = Habituation(
    price=60, margin=40, cost=0.2, depths=(0.05, 0.20, 0.40), recencies=4, most_habit=3, intercept=-0.2,
    per_recency=0.9, lift=3.0, per_habit=0.4, leaving=0.08, discount=0.95,
)  # fmt: skip
LOYAL = Habituation(depths=(0.15,), recencies=12, most_habit=1, per_recency=0.2, per_habit=1.5, leaving=0.01)
FORGETFUL = Habituation(depths=(0.3,), recencies=1, most_habit=0, leaving=0.2, discount=0.4)  # one state in all
SETS = [LISTED, THREE_DEPTHS, LOYAL, FORGETFUL]
WEAK_HABIT = {"recencies": 3, "most_habit": 1}

State = tuple[int, int]
Life = tuple[float, float, State | None]  # probability, what the month brings, the next state


def by_recency(of: Habituation) -> list[float]:
    return list(of.best_by_recency().levers.values())


def by_state(of: Habituation) -> np.ndarray:
    """The best depth in each state: what somebody who knew everything would send."""
    return np.array(list(of.optimum().levers.values())).reshape(of.recencies, of.most_habit + 1)


def month(of: Habituation, state: State, x: float) -> Iterator[Life]:
    """The family's definition, written down once more for one customer and month."""
    r, h = state
    score = of.intercept - of.per_recency * (r - 1) + of.lift * x - (of.per_habit * h if x == 0 else 0.0)
    p, idle = 1 / (1 + math.exp(-score)), -of.cost if x > 0 else 0.0
    yield p, idle + of.margin - of.price * x, (1, min(of.most_habit, h + 1) if x > 0 else max(0, h - 1))
    yield (1 - p) * (1 - of.leaving * r), idle, (min(of.recencies, r + 1), h)
    yield (1 - p) * of.leaving * r, idle, None


# -- the truth ---------------------------------------------------------------------------------------------------------


def test_listed_numbers() -> None:
    assert LISTED.optimum().value == pytest.approx(43.558608, abs=5e-7)
    assert LISTED.exact(depths=[0] * 8) == pytest.approx(37.821649, abs=5e-7)
    assert LISTED.exact(depths=[0.10] * 8) == pytest.approx(37.218099, abs=5e-7)
    assert LISTED.best_by_recency().value == pytest.approx(42.520781, abs=5e-7)


def test_the_myopic_policy_is_to_send_nothing() -> None:
    """It never forms a habit, so that states with one are not reached."""
    for r in range(1, 9):
        now = {x: sum(p * money for p, money, _ in month(LISTED, (r, 0), x)) for x in (0.0, *LISTED.depths)}
        assert max(now, key=lambda x: now[x]) == 0


def test_thresholds_reach_what_recency_alone_can() -> None:
    best = LISTED.best_thresholds()
    assert best.value == pytest.approx(LISTED.best_by_recency().value, rel=1e-12)
    assert best.levers == {"from_0.1": 1, "from_0.25": 3, "until": 7}
    for of in SETS[:3]:
        values = [of.best_thresholds().value, of.best_by_recency().value, of.optimum().value]
        assert values == sorted(values)


@pytest.mark.parametrize("of", SETS)
def test_ceiling_by_a_linear_programme(of: Habituation) -> None:
    """The least values that no month of any depth improves."""
    states = list(itertools.product(range(1, of.recencies + 1), range(of.most_habit + 1)))
    place = {state: i for i, state in enumerate(states)}
    rows, bounds = [], []
    for state, x in itertools.product(states, (0.0, *of.depths)):
        row, now = np.zeros(len(states)), 0.0
        row[place[state]] -= 1
        for p, money, then in month(of, state, x):
            now += p * money
            if then:
                row[place[then]] += of.discount * p
        rows.append(row)
        bounds.append(-now)
    found = linprog(np.ones(len(states)), np.array(rows), bounds, bounds=(None, None))
    assert of.optimum().value == pytest.approx(found.x[place[1, 0]], rel=1e-8)
    assert of.exact(depths=by_state(of)) == pytest.approx(of.optimum().value, rel=1e-12)


@pytest.mark.parametrize("of", SETS)
@pytest.mark.parametrize("months", [1, 7, 40, None])
def test_any_policy_by_carrying_states_forward(of: Habituation, months: int | None) -> None:
    rng = np.random.default_rng(5)
    table = rng.choice((0.0, *of.depths), (of.recencies, of.most_habit + 1))
    there, value, factor = {(1, 0): 1.0}, 0.0, 1.0
    for _ in range(months or 1200):
        after: dict[State, float] = defaultdict(float)
        for (r, h), share in there.items():
            for p, money, then in month(of, (r, h), float(table[r - 1, h])):
                value += factor * share * p * money
                if then:
                    after[then] += share * p
        there, factor = after, factor * of.discount
    assert of.exact(depths=table, months=months) == pytest.approx(value, rel=1e-9)


def test_spread_by_all_lives_of_five_months() -> None:
    table = np.array([[0, 0.1], [0.25, 0], [0.1, 0.25]])
    of = Habituation(**WEAK_HABIT)
    lives = [(1.0, 0.0, (1, 0))]
    for t in range(5):
        lives = [
            (share * p, money + of.discount**t * more, then)
            for share, money, state in lives
            for p, more, then in (month(of, state, table[state[0] - 1, state[1]]) if state else [(1.0, 0.0, None)])
        ]
    share, money = np.array([[p, v] for p, v, _ in lives]).T
    known = of.moments(depths=table, months=5)
    assert known.mean == pytest.approx(share @ money, rel=1e-12)
    assert known.sd == pytest.approx(math.sqrt(share @ (money - share @ money) ** 2), rel=1e-12)


@pytest.mark.parametrize("months", [4, None])
def test_best_by_enumeration(months: int | None) -> None:
    of = Habituation(**WEAK_HABIT)
    values = {xs: of.exact(depths=xs, months=months) for xs in itertools.product((0.0, 0.1, 0.25), repeat=3)}
    assert of.best_by_recency(months=months).value == max(values.values())
    steps = {xs: v for xs, v in values.items() if {x for x in xs if x} <= {0.1, 0.25}}
    for starts, until in itertools.product(itertools.product((1, 2, 3), repeat=2), (1, 2, 3)):
        depths = of.depths_of(of.thresholds(starts=starts, until=until))[:, 0]
        assert of.by_threshold(starts, until) == tuple(depths)
        assert steps[tuple(depths)] <= of.best_thresholds(months=months).value + 1e-12


def test_over_fewer_months_the_ceiling_is_that_of_changing_policies() -> None:
    """The last month is best spent on nothing, which no policy that stays the same can do."""
    last = LISTED.optimum(months=1)
    assert last.value == LISTED.exact(depths=[0] * 8, months=1)
    assert LISTED.optimum(months=24).value > LISTED.exact(depths=by_state(LISTED), months=24)
    assert LISTED.optimum(months=600).value == pytest.approx(LISTED.optimum().value, rel=1e-9)


# -- the engine --------------------------------------------------------------------------------------------------------

POLICIES: dict[str, Any] = {
    "never": lambda of: of.policy(depths=[0] * of.recencies),
    "the shallowest": lambda of: of.policy(depths=[of.depths[0]] * of.recencies),
    "best by recency": lambda of: of.policy(depths=by_recency(of)),
    "best by state": lambda of: of.policy(depths=by_state(of)),
    "the deepest from 2": lambda of: of.thresholds(
        starts=[1, *[2] * (len(of.depths) - 1)][: len(of.depths)], until=max(of.recencies - 1, 1)
    ),
}


def assert_lived(of: Habituation, policy: Policy, months: int, seed: int) -> None:
    scenario = of.scenario(customers=CUSTOMERS, months=months)
    world = live(scenario, policy, seed, detail=False)
    known = of.moments(depths=of.depths_of(policy), months=months)
    assert_agrees(mean_value(world), known.mean, known.sd)


@pytest.mark.slow
@pytest.mark.parametrize("name", POLICIES)
def test_listed_policies(name: str) -> None:
    """What the months beyond the horizon would add is a quarter of a standard error at most."""
    policy = POLICIES[name](LISTED)
    assert_lived(LISTED, policy, 54, seed=12)
    known = LISTED.moments(depths=LISTED.depths_of(policy), months=54)
    for_ever = LISTED.exact(depths=LISTED.depths_of(policy))
    assert for_ever == pytest.approx(known.mean, abs=known.sd / math.sqrt(CUSTOMERS) / 4)


@pytest.mark.slow
@pytest.mark.parametrize("of", [THREE_DEPTHS, LOYAL])
@pytest.mark.parametrize("name", POLICIES)
def test_other_parameters(of: Habituation, name: str) -> None:
    assert_lived(of, POLICIES[name](of), 10, seed=13)


@pytest.mark.parametrize("depths", [[0.0], [0.3]])
def test_one_state(depths: list[float]) -> None:
    assert_lived(FORGETFUL, FORGETFUL.policy(depths=depths), 5, seed=14)


def test_spread_of_lives() -> None:
    policy = LISTED.policy(depths=by_recency(LISTED))
    world = live(LISTED.scenario(customers=20_000, months=30), policy, seed=15)
    values, known = customer_values(world), LISTED.moments(depths=LISTED.depths_of(policy), months=30)
    assert values.mean() == pytest.approx(mean_value(world), rel=1e-9)
    assert values.std() == pytest.approx(known.sd, rel=0.03)


def test_wrong_truths_are_refused() -> None:
    depths, months = [0.0, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25, 0.0], 24
    world = live(LISTED.scenario(customers=CUSTOMERS, months=months), LISTED.policy(depths=depths), 16, detail=False)
    known = LISTED.moments(depths=depths, months=months)
    assert_agrees(mean_value(world), known.mean, known.sd)
    no_habit, free_postage, nobody_leaves = (
        LISTED.model_copy(update={name: 0.0}).exact(depths=depths, months=months)
        for name in ("per_habit", "cost", "leaving")
    )
    a_month_late = LISTED.exact(depths=[*depths[1:], 0.0], months=months)
    undiscounted = LISTED.model_copy(update={"discount": 1 - 1e-9}).exact(depths=depths, months=months)
    for wrong in (no_habit, free_postage, nobody_leaves, a_month_late, undiscounted):
        assert_refused(mean_value(world), wrong, known.sd)


def test_thresholds_are_depths_by_recency() -> None:
    """The plug-in's coupons and the product's own with the same depths are the same history, to the cent."""
    scenario = LISTED.scenario(customers=500, months=20)
    one, other = LISTED.thresholds(starts=[1, 3], until=7), LISTED.policy(depths=by_recency(LISTED))
    events = [
        [(day, key, kind, amount) for day, key, kind, amount, _ in canonical(live(scenario, policy))]
        for policy in (one, other)
    ]
    assert events[0] == events[1]
    assert {kind for _, _, kind, _ in events[0]} >= {"coupon_issued", "coupon_redeemed", "message_advert", "delete"}


def test_every_coupon_is_sent_once_and_paid_under_its_action() -> None:
    world = live(LISTED.scenario(customers=500, months=6), LISTED.thresholds(starts=[1, 1]), seed=2)
    sent = world.ledger.of("message_advert")
    at_risk = len(world.ledger.of("coupon_issued"))
    assert len(sent) == at_risk == len(np.unique(sent.key + 1000 * sent.day))
    assert set(sent.amount.tolist()) == {round(0.7 * UNIT_CNY * 100)}
    assert set(sent.source.tolist()) == {world.ledger.source_code("coupon")}


def test_a_better_coupon_never_loses_an_order() -> None:
    """Luck has an address: who bought without a coupon in the first month buys with one."""
    first = [
        set(live(LISTED.scenario(customers=2000, months=1), policy).ledger.of("order").key.tolist())
        for policy in (DO_NOTHING, *(LISTED.policy(depths=[x] * 8) for x in (0.1, 0.25)))
    ]
    assert first[0] < first[1] < first[2]


def test_recency_coupon_can_be_off() -> None:
    coupon = LISTED.thresholds(starts=[1, 3]).actions["coupon"]
    assert isinstance(coupon, RecencyCoupon)
    assert coupon.model_copy(update=coupon.off).coupons() == []


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"depths": (0.25, 0.10)}, "depths must rise"), ({"depths": (0.0, 0.1)}, "depths must rise"),
     ({"depths": (0.1, 0.6)}, "up to 0.5"), ({"depths": ()}, "at least 1"), ({"margin": 120}, "exceeds price"),
     ({"leaving": 0.2}, "exceeds 1"), ({"most_habit": 6}, "less than or equal to 5"), ({"discount": 1}, "less than 1"),
     ({"recencies": 0}, "greater than or equal to 1")],
)  # fmt: skip
def test_nonsense_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Habituation(**wrong)


def test_policies_of_another_world_are_refused() -> None:
    for depths in ([0.1] * 7, np.zeros((8, 2)), [0.6] * 8, [-0.1] * 8, 0.1):
        with pytest.raises(ValueError, match="depths must"):
            LISTED.policy(depths=depths)
    with pytest.raises(ValueError, match="too many to enumerate"):
        Habituation(recencies=20, leaving=0.01).best_by_recency()
    with pytest.raises(ValidationError, match="give one for each"):
        LISTED.thresholds(starts=[1])


def test_no_truth_is_made_up() -> None:
    """A coupon whose value the chain does not know."""
    known = LISTED.policy(depths=[0.1] * 8).actions["recency_3"]
    for change in ({"valid_days": 30}, {"stock": 5}, {"calendar": Calendar(every_days=7)},
                   {"audience": Audience(recency_days_min=90)}, {"audience": Audience(recency_days_max=88)},
                   {"audience": Audience(orders_min=2)}):  # fmt: skip
        with pytest.raises(ValueError, match="only monthly coupons"):
            LISTED.depths_of(Policy(title="other", actions={"it": known.model_copy(update=change)}))
    assert LISTED.truth(DO_NOTHING, months=9) == LISTED.exact(depths=[0] * 8, months=9) * UNIT_CNY
