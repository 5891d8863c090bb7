"""Flash groups and group buying: what holds in every world of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agents.domain import PrivateDomain
from agents.scenario import Scenario
from experiments.known_answers.f_group_buy import GroupDeal
from sim.errors import SpecError
from tests.reference import ReferenceWorld
from tests.worlds import EVERYTHING, busy_policy, busy_scenario, canonical, live, policy, scenario

ITEM: dict[str, Any] = {"name": "box", "list_price_cny": 120, "price_cny": 60, "unit_cost_cny": 30}
COLD = {"level_shares": [0.5, 0.25, 0.15, 0.1, 0, 0]}
SALE_DAY = 40


def flash(item: dict[str, Any] = ITEM, **changes: Any) -> dict[str, Any]:
    """One flash sale, on day 40."""
    when = {"every_days": 99, "from_day": SALE_DAY}
    return {"kind": "flash_group", "calendar": when, "nurture_days": 40, "item": item, **changes}


def together(item: dict[str, Any] = ITEM, **changes: Any) -> dict[str, Any]:
    return {"kind": "group_buy", "calendar": {"every_days": 1}, "people": 4, "days_open": 3, "item": item, **changes}


def buyers(world: PrivateDomain, source: str = "it") -> Counter[int]:
    """Cents paid for the item, by customer."""
    paid: Counter[int] = Counter()
    for _, key, kind, amount, s in canonical(world):
        if (kind, s) == ("order", source):
            paid[key] += amount
    return paid


# -- flash groups -----------------------------------------------------------------------------------------------------


def test_without_nurture_it_sells_far_less_and_trust_alone_is_the_reason() -> None:
    """Content that warms nobody sells nothing more than no content."""

    def sold(nurture: float, **behaviours: Any) -> int:
        cold = scenario(1500, 42, population=COLD, behaviours=behaviours)
        return sum(buyers(live(cold, policy(it=flash(nurture_per_week=nurture)))).values())

    with_it, without = sold(5), sold(0)
    assert with_it > 2 * without > 0
    indifferent = {"attention": {"kind": "attention", "content_goodwill": 0}}
    assert sold(5, **indifferent) == pytest.approx(without, rel=0.03)


def test_those_who_bought_move_the_others_and_nobody_the_other_way() -> None:
    def who(proof: float) -> set[int]:
        rule = {"flash_sale": {"kind": "flash_sale", "proof": proof}}
        return set(buyers(live(scenario(600, 42, behaviours=rule), policy(it=flash()))))

    alone, moved = who(0.0), who(3.0)
    assert alone < moved
    assert len(moved) > 1.15 * len(alone)


def test_waves_alone_change_nothing() -> None:
    """Without social proof a sale in one wave sells as much as in twelve, but for luck."""

    def sold(waves: int) -> int:
        rule = {"flash_sale": {"kind": "flash_sale", "waves": waves, "proof": 0}}
        return len(buyers(live(scenario(3000, 42, behaviours=rule), policy(it=flash(nurture_per_week=0)))))

    one, many = sold(1), sold(12)
    assert abs(one - many) < 3 * np.sqrt(one + many)


def test_a_lower_price_and_more_hours_lose_no_buyer() -> None:
    def who(**changes: Any) -> set[int]:
        hours = changes.pop("hours_open", 1)
        calm = {"flash_sale": {"kind": "flash_sale", "urgency": 0}}
        return set(buyers(live(scenario(600, 42, behaviours=calm), policy(it=flash(ITEM | changes, hours_open=hours)))))

    assert who() < who(price_cny=50)
    assert who() < who(hours_open=24)


def test_one_post_more_changes_nobodys_answer_to_the_invitation() -> None:
    """Who sees the invitation in spite of having muted, and who accepts, has its own luck."""
    plain = {"attention": {"kind": "attention", "content_goodwill": 0, "muted_reach": 0.5},
             "reaction": {"kind": "reaction", "mute": -1}}  # fmt: skip
    noise = {"kind": "advert", "calendar": {"every_days": 1, "until_day": 2}}
    sale = {"nurture_days": 3, "invite_days": 3, "calendar": {"every_days": 99, "from_day": 6}}
    none, some = (
        live(scenario(300, 7, behaviours=plain), policy(noise=noise, it=flash(**sale | {"nurture_per_week": posts})))
        for posts in (0, 7)
    )
    assert len(some.ledger.of("message_content")) > len(none.ledger.of("message_content"))
    accepted = [set(world.ledger.of("flash_join").key.tolist()) for world in (none, some)]
    assert accepted[0] == accepted[1]
    assert accepted[0] & set(none.ledger.of("mute").key.tolist())


def test_the_group_dissolves_after_the_sale() -> None:
    world = live(scenario(200, 50), policy(it=flash()), until=SALE_DAY)
    joined = set(world.ledger.of("flash_join").key.tolist())
    assert joined == set(world.customers.key[world.customers.flash_group >= 0].tolist())
    assert set(buyers(world.run(SALE_DAY + 1))) <= joined  # type: ignore[arg-type]
    assert (world.customers.flash_group < 0).all()


@pytest.mark.parametrize("kind", [flash, together])
def test_no_more_is_sold_than_there_is(kind: Any) -> None:
    keen = {"group_buying": {"kind": "group_buying", "open": -3, "join": 0}}
    paid = buyers(live(scenario(300, 45, behaviours=keen), policy(it=kind(ITEM | {"stock": 37}))))
    assert sum(paid.values()) == 37 * 6000


def test_a_group_that_nobody_joins_fails_and_is_paid_back() -> None:
    shy = {"group_buying": {"kind": "group_buying", "open": -4, "join": -40}}
    world = live(scenario(100, 20, behaviours=shy), policy(it=together(people=2)))
    happened = Counter(kind for _, _, kind, _, source in canonical(world) if source == "it")
    assert happened["deal_opened"] == happened["deal_failed"] > 0
    assert happened["fee"] == happened["refund"] > 0
    assert not buyers(world)


@pytest.mark.parametrize("stacks", [False, True])
def test_coupons_come_off_only_where_the_item_says_so(stacks: bool) -> None:
    deep = {"kind": "coupon", "depth": 0.5, "calendar": {"dates": ["2024-02-10"]}, "valid_days": 1}
    world = live(scenario(400, 42), policy(it=flash(ITEM | {"stacks": stacks}), coupon=deep))
    today = [(key, kind, source) for day, key, kind, _, source in canonical(world) if day == SALE_DAY]
    ordinary = {key for key, kind, source in today if (kind, source) == ("order", "purchase")}
    used = {key for key, kind, _ in today if kind == "coupon_redeemed"}
    assert bool(used & (set(buyers(world)) - ordinary)) is stacks


def test_an_item_that_stacks_agrees_with_the_reference() -> None:
    """Coupons, member price and cards come off it as off any order."""
    item = {**EVERYTHING["flash"]["item"], "stacks": True}
    under = policy(8, **EVERYTHING | {"flash": {**EVERYTHING["flash"], "item": item}})
    theirs = sorted(ReferenceWorld(busy_scenario(), under, seed=1).run().events, key=lambda event: event[:2])
    ours = canonical(live(busy_scenario(), under))
    assert ours == theirs
    assert ours != canonical(live(busy_scenario(), busy_policy()))


def test_the_item_displaces_later_orders() -> None:
    """An order resets recency, whoever brought it: regular buyers order less for some days."""
    regular = scenario(3000, 55, buying={"orders_per_year": 40, "gap_shape": 4.0, "basket_cny": 60},
                       population={"level_shares": [0, 0, 0, 0, 0.5, 0.5]})  # fmt: skip
    sale, none = (live(regular, policy(it=flash(ITEM | {"stock": stock}))) for stock in (None, 0))
    there = set(buyers(sale))

    def later(world: PrivateDomain) -> int:
        return sum(
            key in there and SALE_DAY < day <= SALE_DAY + 5 and (kind, source) == ("order", "purchase")
            for day, key, kind, _, source in canonical(world)
        )

    assert later(sale) < 0.9 * later(none)


# -- one order day ----------------------------------------------------------------------------------------------------


def test_several_orders_on_one_day_are_one_order_day() -> None:
    """Two sellers sell to everybody on one day: history has one order of both amounts, one lesson in trust."""

    def sold(*amounts: int) -> PrivateDomain:
        world = PrivateDomain(scenario(50, 5), policy(), seed=1)
        rows = np.arange(50)
        for amount in amounts:
            world.sell(rows, np.full(50, amount), np.zeros(50, bool))
        for behaviour in world.behaviours:
            if behaviour.phase == "serve":
                behaviour.apply(world)
        return world

    once, twice = sold(9000), sold(5000, 4000)
    for name, column in once.customers.arrays().items():
        assert np.array_equal(column, getattr(twice.customers, name)), name


# -- group buying -----------------------------------------------------------------------------------------------------


def test_groups_are_filled_as_often_as_the_closed_form_says() -> None:
    """Circles with one host who asks everybody: of n who are asked, people - 1 or more must join."""
    depth, deal = 0.3, GroupDeal()
    circles = [circle for seed in range(6) for circle in _circles(depth, deal, seed=seed)]

    def surprise(of: GroupDeal) -> float:
        """Standard deviations between the groups filled and those expected."""
        chances = np.array([of.model_copy(update={"invited": n}).success(depth=depth) for n, _ in circles])
        filled = sum(full for _, full in circles)
        return float((filled - chances.sum()) / np.sqrt((chances * (1 - chances)).sum()))

    assert abs(surprise(deal)) < 3
    assert abs(surprise(deal.model_copy(update={"intercept": deal.intercept + 0.4}))) > 4, "it could not tell"


def _circles(depth: float, deal: GroupDeal, *, seed: int) -> list[tuple[int, bool]]:
    """How many a host could ask, and whether the group was filled, for each circle with one host."""
    circles = 100
    of = Scenario.model_validate(
        {
            "title": "circles", "horizon_days": 1, "population": {"size": 31 * circles}, "only_named_behaviours": True,
            "traits": {"price_sensitivity_sd": 0, "sociability_sd": 0,
                       "interest_groups": {f"g{i}": 1 for i in range(circles)}},
            "effects": {"coupon": {"mean": deal.lift}},
            "behaviours": {"buying": {
                "kind": "group_buying", "distrust": 0, "stretch": 0, "asks_per_day": 1e9, "join": deal.intercept,
                "open": float(np.log(1 / 30)) - deal.lift * depth}},
        }
    )  # fmt: skip
    item = {"name": "x", "list_price_cny": deal.price, "price_cny": deal.price * (1 - depth), "unit_cost_cny": 45}
    world = live(of, policy(it=together(item, people=deal.needed + 1, days_open=1)), seed=seed)
    circle = dict(zip(world.customers.key.tolist(), world.customers.interest_group.tolist(), strict=True))
    size = Counter(circle.values())
    hosts = Counter(circle[key] for key in world.ledger.of("deal_opened").key.tolist())
    full = {circle[key] for key in world.ledger.of("deal_filled").key.tolist()}
    return [(size[i] - 1, i in full) for i, n in hosts.items() if n == 1]


def test_deposits_come_back_in_full_or_become_orders() -> None:
    """Also for groups that are open when the run ends; nobody pays twice."""
    keen = {"group_buying": {"kind": "group_buying", "open": -3.5, "join": -1}}
    for days in (30, 31, 32):
        world = live(scenario(200, days, behaviours=keen), policy(it=together()))
        held: Counter[int] = Counter()
        for _, key, kind, amount, _ in canonical(world):
            held[key] += {"fee": amount, "refund": -amount}.get(kind, 0)
            assert held[key] in (0, 6000)
        assert not any(held.values())
        events = Counter(kind for _, _, kind, *_ in canonical(world))
        assert min(events["deal_filled"], events["deal_failed"]) > 0
        assert events["deal_opened"] == events["deal_filled"] + events["deal_failed"]


# -- contradictions ---------------------------------------------------------------------------------------------------


def test_two_schedules_on_one_stock_are_refused_with_both_places() -> None:
    with pytest.raises(ValidationError, match=r"actions\.a\.item\.name and actions\.b\.item\.name .* stock of 'box'"):
        policy(a=flash(), b=together())


def test_a_group_larger_than_the_pool_is_refused() -> None:
    with pytest.raises(SpecError, match=r"actions\.it\.people: a group of 201 people exceeds the 200"):
        policy(it=together(people=201)).check(scenario(200))
    policy(it=together(people=201)).check(busy_scenario(200))  # its channels bring more


@pytest.mark.parametrize(
    ("calendar", "rule"),
    [({"every_days": 30}, "first sale is on day 0"), ({"every_days": 3, "from_day": 9}, "sales on days 9 and 12")],
)
def test_a_sale_that_nobody_can_be_invited_to_is_refused(calendar: dict[str, Any], rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        policy(it=flash(calendar=calendar)).check(scenario(20))


def test_a_price_above_the_list_price_is_refused() -> None:
    with pytest.raises(ValidationError, match="price_cny 130 exceeds list_price_cny 120"):
        policy(it=flash(ITEM | {"price_cny": 130}))


def test_worlds_without_them_carry_nothing_of_theirs() -> None:
    lean, busy = live(scenario(5, 1)), PrivateDomain(busy_scenario(5), busy_policy(), seed=1)
    assert not {"flash_group", "deal"} & set(lean.customers.DECLARED)
    assert {"flash_group", "deal"} <= set(busy.customers.DECLARED)
