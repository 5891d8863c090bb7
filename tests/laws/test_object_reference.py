"""The engine agrees event for event with the same rules written as one mesa agent per customer."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents.birth import Learned, LearnedContact
from agents.customers import ContactHistory
from agents.domain import PrivateDomain
from agents.models import (
    Basket,
    ContactModels,
    CustomerModels,
    Hazard,
    History,
    default_models,
    record_orders,
    record_touch,
)
from agents.models.contact import TRANSITIONS
from agents.models.defaults import _lognormal_grid
from agents.models.exposure import EXPOSURES
from agents.models.hazard import Linear
from agents.models.season import Season
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.learning.fit import triangle
from tests.reference import ReferenceWorld
from tests.worlds import LIVELY, Event, busy_policy, busy_scenario, canonical, live, policy


def reference_events(*args: Any, **kwargs: Any) -> list[Event]:
    """Events of the reference, sorted as ``canonical`` sorts those of the engine."""
    return sorted(ReferenceWorld(*args, **kwargs).run().events, key=lambda event: event[:2])


def assert_agree(of: Scenario, under: Policy, seed: int, learned: Learned | None = None) -> PrivateDomain:
    world = live(of, under, seed=seed, learned=learned)
    ours, theirs = canonical(world), reference_events(of, under, seed=seed, learned=learned)
    for engine, reference in zip(ours, theirs, strict=False):
        assert engine == reference
    assert len(ours) == len(theirs)
    return world


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_everything_at_once(seed: int) -> None:
    world = assert_agree(busy_scenario(), busy_policy(), seed)
    happened = {kind for _, _, kind, _, _ in canonical(world)}
    assert happened == set(world.ledger.code), "an event kind that never happens is not tested"
    sources = {(kind, source) for _, _, kind, _, source in canonical(world)}
    assert {("refund", "club.month"), ("fee", "club.taste"), ("chat", "club.bespoke")} <= sources
    assert {("partner", "club.year"), ("points", "points"), ("points", "points.outstanding")} <= sources
    assert {("delete", "reaction"), ("delete", "attrition")} <= sources
    assert {("message_advert", "friday"), ("coupon_redeemed", "winback"), ("coupon_expired", "friday")} <= sources


def test_nothing_at_all() -> None:
    assert_agree(busy_scenario(channels={}), policy(), seed=5)


@pytest.mark.parametrize("seed", range(6))
def test_policies_at_random(seed: int) -> None:
    assert_agree(*_at_random(random.Random(seed)), seed)


def test_customers_from_logs() -> None:
    """Logged histories, lapsed customers, and models that read the history and the weekday."""
    world = assert_agree(busy_scenario(), busy_policy(), seed=6, learned=_learned(150))
    assert {"comeback", "lapse", "refund"} <= {kind for _, _, kind, _, _ in canonical(world)}


@pytest.mark.parametrize("only", [None, ("mute", "rise_0", "fall_2", "rise_4"), ("delete", "reply")])
def test_learned_contacts(only: tuple[str, ...] | None) -> None:
    """Hazards of contact and trust from logs, all of them and some beside assumed rules, from logged exposure on."""
    learned = _learned(120)
    learned = replace(learned, contact=_learned_contact(learned.history, only))
    world = assert_agree(busy_scenario(days=45), busy_policy(), seed=7, learned=learned)
    seen = {(kind, source) for _, _, kind, _, source in canonical(world)}
    assert {("mute", "attrition"), ("unmute", "attrition"), ("delete", "attrition")} <= seen or only
    assert (("mute", "reaction") in seen) == (only is not None and "mute" not in only)


def test_the_reference_can_disagree() -> None:
    """Negative control: one number that differs by a hundredth is seen."""
    bent = busy_scenario(behaviours=LIVELY | {"points_habits": {**LIVELY["points_habits"], "per_reward": 0.505}})
    assert canonical(live(busy_scenario(), busy_policy())) != reference_events(bent, busy_policy(), seed=1)


def _learned_contact(history: History, only: tuple[str, ...] | None) -> LearnedContact:
    """Hazards that read every kind of exposure, and people with logged messages, mutes and levels."""
    luck, n = random.Random(2), len(history)
    names = [name for name in TRANSITIONS if only is None or name in only]
    base = {"mute": -4.5, "delete": -6.0, "unmute": -3.0, "delete_muted": -5.0, "reply": -0.5}
    hazards = {}
    for name in names:
        features = tuple(luck.sample([*EXPOSURES, "log_since", "no_order", "rate_28", "log_orders"], 14))
        coef = tuple(luck.uniform(-0.25, 0.3) for _ in features)
        hazards[name] = Hazard(
            name=name, features=features, coef=coef, intercept=base.get(name, -3.5), source="made up"
        )
    state = ContactHistory()
    state.append(n, **history.arrays(), contact_day=-50, level_day=-20)
    for row in range(n):
        state.contact[row], state.level[row] = luck.choice([2, 2, 2, 3, 4]), luck.randint(0, 5)
        for day in sorted(luck.sample(range(-40, 0), luck.randint(0, 9))):
            record_touch(
                state, np.array([row]), day, luck.choice(["message_advert", "message_content", "chat", "reply"])
            )
    return LearnedContact(ContactModels(hazards=hazards), state)


def _at_random(luck: random.Random) -> tuple[Scenario, Policy]:
    """A small scenario and a policy with fields drawn at random."""

    def when() -> dict[str, Any]:
        return luck.choice(
            [
                {"every_days": luck.randint(1, 9), "from_day": luck.randint(0, 12)},
                {"per_week": luck.choice([0.5, 3, 7, 15])},
                {"weekdays": luck.sample(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 3), "until_day": 20},
                {"dates": ["2024-01-09", "2024-01-20"]},
            ]
        )

    def whom() -> Any:
        return luck.choice(
            [
                "everybody", "lapsing", "newcomers", "buyers", "core_and_high",
                {"members": luck.random() < 0.5}, {"muted": False, "orders_min": 1, "orders_max": 4},
                {"joined_days_max": 30}, {"joined_days_min": 20, "interest_groups": ["cooking", "gardening"]},
                {"recency_days_max": 20, "levels": ["L4", "L5"]},
            ]
        )  # fmt: skip

    def coupon() -> dict[str, Any]:
        off = luck.choice([{"depth": luck.choice([0, 0.05, 0.2, 0.5])}, {"off_cny": luck.choice([5, 20.01, 300])}])
        return {"kind": "coupon", **off, "minimum_spend_cny": luck.choice([0, 70]),
                "slot": luck.choice(["coupon", "extra"]),
                "valid_days": luck.randint(5, 10), "reminder_days": luck.randint(0, 4),
                "stock": luck.choice([None, 0, 25]), "calendar": when(), "audience": whom()}  # fmt: skip

    def plan(number: int) -> dict[str, Any]:
        return {"fee_cny": luck.choice([0, 3, 40]), "term_days": luck.randint(1, 40),
                "discount": luck.choice([0.1, 0.3]), "refund_if_not_saved": luck.random() < 0.5,
                "partner_share": luck.choice([0, 0.5]), "audience": luck.choice([None, "buyers"]),
                "trial_of": luck.choice([None, "plan 0"]) if number else None,
                "vouchers": luck.choice([[], [{"off_cny": 9, "minimum_spend_cny": 50}]]),
                "cashback": luck.choice([None, {"share": 0.2}]), "orders": luck.choice([None, 2])}  # fmt: skip

    def trigger() -> dict[str, Any]:
        given = {name: value for name, value in coupon().items() if name != "slot"}
        on = luck.choice(["joining", "birthday", "silence"])
        return {**given, "kind": "coupon_trigger", "on": on, "silence_days": luck.randint(1, 20)}

    def bundle() -> dict[str, Any]:
        steps = zip([0, 60, 61], luck.sample([0, 5, 30, 90.5], 3), strict=True)
        return {"kind": "coupon_bundle", "calendar": when(), "audience": whom(), "valid_days": luck.randint(3, 30),
                "reminder_days": luck.randint(0, 2),
                "coupons": [{"minimum_spend_cny": least, "off_cny": off} for least, off in steps]}  # fmt: skip

    actions: dict[str, Any] = {
        "a": coupon(), "b": coupon(), "c": coupon(), "d": trigger(), "e": trigger(), "f": bundle(), "g": bundle(),
        "post": {"kind": "content", "calendar": when(), "audience": whom(), "cost_cny": luck.choice([0, 0.0137])},
        "sell": {"kind": "advert", "calendar": when(), "audience": whom(), "production_cny": luck.choice([0, 3.335])},
        "talk": {"kind": "chat", "hours_per_week": {"L2": luck.uniform(0, 9), "L5": luck.uniform(0, 3)},
                 "minutes_per_chat": luck.uniform(3, 30), "audience": whom(), "calendar": luck.choice([None, when()]),
                 "minutes_per_round": luck.choice([0, 7.5]), "top_share": luck.choice([None, luck.random()])},
        "desk": {"kind": "after_sales", "hours_per_week": luck.uniform(0, 4), "in_favour": luck.random(),
                 "compensation_share": luck.choice([0, 0.5])},
        "team": {"kind": "team", "organisation": luck.choice(["as_is", "marketing", "store", "ecommerce"])},
        "help": {"kind": "agency", "hours_per_week": luck.choice([0, 9]), "from_day": luck.randint(0, 9),
                 "until_day": luck.choice([None, 15]), "fee_cny_per_week": luck.uniform(0, 50)},
        "club": {"kind": "membership", "calendar": when(), "audience": whom(),
                 "tiers": luck.choice([[], [{"threshold_cny": 0, "discount": 0.2}],
                                       [{"threshold_points": 1}, {"threshold_points": 90, "points_multiplier": 3}]]),
                 "plans": {f"plan {number}": plan(number) for number in range(luck.randint(0, 3))}},
        "points": {"kind": "points", "per_cny": luck.choice([0, 1]), "check_in": luck.choice([0, 9]), "photo": 5,
                   "reply": 3, "reward": luck.choice(["cash", "goods"]), "redeem_from": luck.choice([1, 200]),
                   "expiry_days": luck.choice([None, 4]), "from_day": luck.randint(0, 9)},
        "show": {"kind": "posts", "medium": luck.choice(["moments", "group", "broadcast", "direct"]),
                 "advert_share": luck.random(), "interest_group": luck.choice([None, "sports"]), "audience": whom(),
                 "hours_per_post": luck.choice([0, 2.2]), "calendar": {"every_days": luck.randint(2, 5)}},
        "grow": {"kind": "acquisition", "spend_cny_per_day": {"ads": luck.uniform(0, 99), "store": 0},
                 "calendar": when()},
    }  # fmt: skip
    of = busy_scenario(
        80, 30, census_days=luck.randint(1, 9), margin=luck.random(), start=f"2024-01-0{luck.randint(1, 9)}",
        traits={"rate_sd": luck.uniform(0, 2)}, staff={"hours_per_week": luck.choice([0, 5, 40]),
               "weekdays": luck.choice([None, (0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0)])},
        buying={"orders_per_year": luck.uniform(5, 150), "gap_shape": luck.uniform(0.6, 2), "basket_log_sd": 0.5},
    )  # fmt: skip
    under = policy(luck.choice([None, 0, 3]), **actions).model_dump(mode="json")
    stacking = luck.choice([{"with_member_price": False}, {"first": "member_price"}, {}])
    stacking = {**stacking, "coupons_per_order": luck.randint(1, 3)}
    first = luck.sample(["desk", "talk", "show"], luck.randint(0, 2))
    return of, Policy.model_validate({**under, "stacking": stacking, "priority": first})


def _learned(n: int) -> Learned:
    """Customers with up to a dozen logged orders each, and models that use most kinds of covariate."""
    luck, history = random.Random(0), History()
    history.append(n, key=np.arange(n) * 7 + 3, joined=[-luck.randint(1, 200) for _ in range(n)])
    for row in range(n):
        days = range(int(history.joined[row]), 0)
        for day in sorted(luck.sample(days, min(len(days), luck.randint(0, 12)))):
            record_orders(history, np.array([row]), day, [luck.randint(500, 20_000)])
    base = default_models(orders_per_year=40, basket_cents=6000)
    hazard = Hazard(
        name="repurchase",
        features=("log_since", "log_tenure", "rate_28", "weekend", "only_order", "net_mean"),
        coef=(0.2, -0.1, 0.7, 0.3, -0.2, 0.02),
        intercept=-1.0,
        source="made up",
        spread=triangle(np.diag([0.1, 0.02, 0.1, 0.2, 0.1, 0.01, 0.2]) ** 2 + 0.001),
    )
    basket = Basket(
        features=("net_mean", "net_known", "net_last"),
        coef=(0.5, -4.2, 0.02),
        intercept=8.5,
        quantiles=_lognormal_grid(0.8),
        source="made up",
        spread=triangle(np.diag([0.03, 0.03, 0.01, 0.05]) ** 2),
        stretch=Linear(features=("net_known", "only_order"), coef=(-0.4, 0.3), intercept=0.1, source="made up"),
        personal=0.25,
    )
    season = Season(
        order_by_day=tuple(luck.uniform(-0.3, 0.3) for _ in range(31)),
        basket_by_day=tuple(luck.uniform(-0.2, 0.2) for _ in range(31)),
        order_noise=0.2, order_drift=0.1, basket_noise=0.1, basket_drift=0.05,
    )  # fmt: skip
    models = CustomerModels.model_validate(
        base.model_dump() | {"repurchase": hazard, "basket": basket, "season": season, "trained_on": "made up"}
    )
    lapsed = np.array([luck.random() for _ in range(n)]) * (history.orders > 0)
    return Learned(models, history, lapsed, np.array([luck.randint(0, 30_000) for _ in range(n)]))
