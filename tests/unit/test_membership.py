"""Membership and points: what comes out of them, beyond the contracts and the reference."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.behaviours.points import PointsHabits
from agents.domain import PrivateDomain
from agents.points_book import chances_to_redeem
from agents.policy import Policy
from agents.scenario import Scenario
from sim.spec import Document, validate
from tests.worlds import canonical, live, policy, scenario

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "membership.md"
EAGER: dict[str, Any] = {"card_choice": {"kind": "card_choice", "at_par": 60, "per_log_ratio": 0}}
DAILY: dict[str, Any] = {"kind": "membership", "audience": "everybody", "calendar": {"every_days": 1}}


def members(days: int = 40, **changes: Any) -> Scenario:
    """A market in which everybody buys any plan at once."""
    return scenario(150, days, **{"behaviours": EAGER, **changes})


def total(world: Any, kind: str, source: str | None = None) -> int:
    return sum(amount for _, _, k, amount, s in canonical(world) if k == kind and source in (None, s))


def test_the_page_shows_a_policy_that_loads() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    found = validate(Policy, Document(text, "page").data)
    world = live(scenario(40, 12), found)
    assert {"points_earned", "fee"} <= {kind for _, _, kind, *_ in canonical(world)}


def test_benefits_end_with_the_programme_and_members_get_what_they_are_owed() -> None:
    club = {**DAILY, "calendar": {"every_days": 1, "until_day": 19}, "tiers": [{"threshold_cny": 0, "discount": 0.1}],
            "plans": {"card": {"fee_cny": 30, "discount": 0.2, "refund_if_not_saved": False}}}  # fmt: skip
    world = live(members(), policy(club=club))
    days = {kind: [day for day, _, k, *_ in canonical(world) if k == kind] for kind in ("member_discount", "refund")}
    assert max(days["member_discount"]) == 19
    assert set(days["refund"]) == {20}
    assert not world.customers.member_price.any()
    assert not world.customers.member_level.any()
    first = [amount for day, _, kind, amount, _ in canonical(world) if kind == "refund"]
    assert max(first) == 1000, "of thirty days from day 0 the last ten are not earned on day 20, which has begun"


def test_what_the_free_level_gives_is_not_saved_with_the_card() -> None:
    plans = {"card": {"fee_cny": 1000, "discount": 0.1, "term_days": 39}}
    same = {**DAILY, "plans": plans, "tiers": [{"threshold_cny": 0, "discount": 0.1}]}
    buyers = members(population={"level_shares": [0, 0, 0, 0, 1, 0]})  # who has not ordered yet is on no level
    assert not live(buyers, policy(club=same), until=30).customers.card_saved.any()
    alone = live(buyers, policy(club={**DAILY, "plans": plans}), until=30)
    by_card = [amount for _, _, kind, amount, _ in canonical(alone) if kind == "member_discount"]
    assert alone.customers.card_saved.sum() == sum(by_card) > 0


def test_a_plan_that_gets_cheaper_takes_buyers_and_gives_none_away() -> None:
    def buyers(fee: float) -> dict[int, str]:
        club = {**DAILY, "calendar": {"dates": ["2024-01-01"]},
                "plans": {"a": {"fee_cny": fee}, "b": {"fee_cny": 30, "term_days": 60}}}  # fmt: skip
        flat = {"card_choice": {"kind": "card_choice", "at_par": 0.0, "reference": 0.0}}
        world = live(scenario(1500, 1, horizon_days=2, behaviours=flat), policy(club=club), until=1)
        return {key: source for _, key, kind, _, source in canonical(world) if kind == "fee"}

    dear, cheap = buyers(18), buyers(12)
    assert set(dear) <= set(cheap)
    assert all(cheap[key] == "club.a" for key in cheap if cheap[key] != dear.get(key))
    assert len(set(cheap) - set(dear)) > 3


@pytest.mark.parametrize(("reference", "more"), [(0.0, False), (0.6, True)])
def test_a_dear_card_beside_it_sells_the_cheap_one_by_comparison_alone(reference: float, more: bool) -> None:
    choice = {"card_choice": {"kind": "card_choice", "at_par": -1.0, "reference": reference}}

    def sold(**plans: Any) -> int:
        club = {**DAILY, "calendar": {"dates": ["2024-01-01"]}, "plans": {"month": {}, **plans}}
        world = live(scenario(3000, 2, behaviours=choice), policy(club=club), until=1)
        return sum(source == "club.month" for _, _, kind, _, source in canonical(world) if kind == "fee")

    assert (sold(year={"fee_cny": 198, "discount": 0.0, "refund_if_not_saved": False}) > sold()) is more


def test_after_a_trial_comes_the_offer_of_the_full_plan() -> None:
    club = {**DAILY, "calendar": {"dates": ["2024-01-01"]},
            "plans": {"month": {"audience": {"orders_min": 9999}},
                      "taste": {"term_days": 7, "trial_of": "month"}}}  # fmt: skip
    bought: dict[int, list[tuple[int, str]]] = {}
    for day, key, kind, _, source in canonical(live(members(), policy(club=club))):
        if kind == "fee":
            bought.setdefault(key, []).append((day, source))
    assert len(bought) == 150
    both = [plans for plans in bought.values() if plans == [(0, "club.taste"), (7, "club.month")]]
    assert len(both) > 140
    assert all(plans == [(0, "club.taste")] for plans in bought.values() if plans not in both), "they left before"


def test_a_trial_for_one_order_ends_with_it() -> None:
    club = {**DAILY, "calendar": {"dates": ["2024-01-01"]}, "plans": {"once": {"term_days": 39, "orders": 1}}}
    world = live(members(), policy(club=club))
    used = [key for _, key, kind, *_ in canonical(world) if kind == "member_discount"]
    assert len(used) == len(set(used)) > 10


def test_a_partner_pays_its_share_of_a_co_branded_card() -> None:
    club = {**DAILY, "plans": {"card": {"partner_share": 0.5, "benefits": {"gift": {"cost_cny": 4}}}}}
    world = live(members(), policy(club=club))
    shared = total(world, "member_discount") + total(world, "benefit")
    assert total(world, "partner") == pytest.approx(shared / 2, abs=len(world.ledger.of("partner")))


def test_cashback_is_a_voucher_of_yesterdays_order() -> None:
    club = {**DAILY, "plans": {"card": {"discount": 0.0, "cashback": {"share": 0.1, "valid_days": 2}}}}
    events = canonical(live(members(), policy(club=club)))
    paid = {(day, key): amount for day, key, kind, amount, _ in events if kind == "order"}
    for day, key, kind, amount, _ in events:
        if kind == "coupon_redeemed":
            paid[day, key] -= amount
    given = [(day, key, amount) for day, key, kind, amount, _ in events if kind == "voucher_issued"]
    assert len(given) > 30
    assert all(amount == round(paid[day - 1, key] * 0.1) for day, key, amount in given)


def test_a_firm_takes_the_dearest_package_within_its_budget() -> None:
    firms = {"firm_deals": {"kind": "firm_deals", "firm_share": 1, "deals_per_year": 365, "budget_log_sd": 0}}
    packages = {name: {"price_cny": price, "cost_cny": 10} for name, price in (("c", 4980), ("a", 1290), ("b", 2480))}
    world = live(scenario(20, 1, behaviours=firms), policy(club={"kind": "membership", "packages": packages}))
    assert {source for _, _, kind, _, source in canonical(world) if kind == "package"} == {"club.b"}
    assert total(world, "package") == 20 * 248_000


def test_spend_of_a_season_is_as_long_as_the_season() -> None:
    def before(days: int) -> Any:
        tiers = {"value_tiers": {"kind": "value_tiers", "season_days": days}}
        return live(scenario(300, 1, behaviours=tiers), until=0).customers.spend_before

    assert (before(14) <= before(91)).all()
    assert 0 < before(14).sum() < before(91).sum()


# -- points -----------------------------------------------------------------------------------------------------------


def test_bargain_hunters_check_in_for_the_points() -> None:
    of = scenario(3000, 1, traits={"hunter_share": 0.3})
    rates = []
    for reward in (1, 50):
        world = live(of, policy(points={"kind": "points", "check_in": reward}))
        hunts = of.traits.hunts(world.draws, world.customers.key)
        keys = {key for _, key, kind, *_ in canonical(world) if kind == "points_earned"}
        came = np.isin(world.customers.key, list(keys))
        rates.append((came[hunts].mean(), came[~hunts].mean()))
    (low_hunter, low), (high_hunter, high) = rates
    assert high_hunter > 2 * high
    assert high_hunter - low_hunter > 2 * (high - low)


def redeemed_share(world: PrivateDomain) -> float:
    """Share redeemed of all points that are gone."""
    redeemed, expired = total(world, "points_redeemed"), total(world, "points_expired")
    return redeemed / (redeemed + expired)


def test_a_threshold_leaves_points_to_expire() -> None:
    """Breakage is what comes out, not what is put in."""

    def gone(redeem_from: int) -> float:
        points = {"kind": "points", "check_in": 5, "redeem_from": redeem_from, "expiry_days": 15}
        return redeemed_share(live(scenario(400, 60), policy(points=points)))

    assert 1 > gone(20) > gone(200) >= 0


def test_what_is_outstanding_on_the_last_day_is_booked_as_it_will_be_redeemed() -> None:
    """In full where nothing keeps them from it, at their chance where the threshold is far."""
    owed, earned = {}, {}
    for redeem_from in (1, 12_000, 120_000):
        rule = {"points_habits": {"kind": "points_habits", "redeem_chance": 0}}
        points = {"kind": "points", "per_cny": 2, "redeem_from": redeem_from}
        world = live(scenario(200, 30, behaviours=rule), policy(points=points))
        earned[redeem_from] = total(world, "points_earned")  # a point is worth a cent
        owed[redeem_from] = total(world, "points", "points.outstanding")
        assert {day for day, _, kind, *_ in canonical(world) if kind == "points"} <= {29}
    assert owed[1] == earned[1]
    assert 0.05 * earned[12_000] < owed[12_000] < 0.95 * earned[12_000]
    assert owed[120_000] < 0.001 * earned[120_000]


def test_points_beyond_reach_move_nobody_and_cost_nothing() -> None:
    """Or a search would promise what it never pays: orders and acts are as if the points were worth nothing."""
    eager = {"effects": {"member_price": {"mean": 6, "sd": 0}}}
    worlds = {}
    for name, change in {"near": {}, "far": {"redeem_from": 40_000}, "worthless": {"points_per_cny": 10_000}}.items():
        points = {"kind": "points", "per_cny": 10, "check_in": 20, "redeem_from": 1, "expiry_days": 20, **change}
        worlds[name] = live(scenario(600, 30, **eager), policy(points=points))
    orders = {name: len(world.ledger.of("order")) for name, world in worlds.items()}
    acts = {name: len(world.ledger.of("points_earned")) - orders[name] for name, world in worlds.items()}
    assert orders["near"] > 1.15 * orders["far"]
    assert orders["far"] == pytest.approx(orders["worthless"], rel=0.02)
    assert acts["near"] > 1.5 * acts["far"]
    assert total(worlds["far"], "points") < 0.002 * total(worlds["near"], "points")


def test_hope_of_redemption_is_what_comes_true() -> None:
    """Customers reckon with their own pace; so much of the points in hand is redeemed before it expires."""
    points = {"kind": "points", "per_cny": 1, "redeem_from": 600, "expiry_days": 60}
    world = live(scenario(500, 120), policy(points=points), until=40)
    hoped, _ = chances_to_redeem(world, np.arange(500))
    held = world.customers.points_new.astype(float)
    redeemed = world.run().ledger.of("points_redeemed")
    comes_true = np.isin(world.customers.key[:500], redeemed.key[redeemed.day >= 40])
    assert np.average(hoped, weights=held) == pytest.approx(np.average(comes_true, weights=held), abs=0.1)


def test_goods_cost_less_than_cash() -> None:
    costs = {}
    for reward in ("cash", "goods"):
        points = {"kind": "points", "per_cny": 5, "redeem_from": 1000, "reward": reward}
        rule = {"points_habits": {"kind": "points_habits", "redeem_chance": 0}}
        costs[reward] = total(live(scenario(200, 30, behaviours=rule), policy(points=points)), "points")
    assert costs["goods"] == pytest.approx(0.6 * costs["cash"], rel=0.01)


def test_decoys_that_nobody_buys_do_not_sell_the_cheap_card_without_limit() -> None:
    """The dear card beside it does, and one further or dearer decoy beyond the reach changes nothing."""
    sold = {}
    for dear in [(), (198,), (100_000,), (100_000, 99_000), (50_000,)]:
        fees = {"month": 18, **{f"dear {number}": fee for number, fee in enumerate(dear)}}
        plans = {name: {"fee_cny": fee, "discount": 0.2} for name, fee in fees.items()}
        world = live(scenario(600, 20), policy(club={**DAILY, "plans": plans}))
        sold[dear] = [event for event in canonical(world) if event[2] == "fee"]
        assert {source for *_, source in sold[dear] if "dear" in source and 198 not in dear} == set()
    assert sold[(100_000,)] == sold[(100_000, 99_000)] == sold[(50_000,)]
    assert 0 < len(sold[()]) < len(sold[(198,)]) < len(sold[(100_000,)])


@pytest.mark.parametrize("club", [{}, {"club": {**DAILY, "plans": {"card": {"fee_cny": 9, "points_multiplier": 9}}}}])
def test_goods_move_less_than_cash(club: dict[str, Any]) -> None:
    """Or they would win the same for less: they are worth less to who gets them, in orders, acts and plans."""
    rule = {"points_habits": {"kind": "points_habits", "redeem_chance": 0}}
    found = {}
    for reward in ("cash", "goods"):
        points = {"kind": "points", "per_cny": 20, "check_in": 500, "photo": 900, "redeem_from": 1, "reward": reward}
        events = canonical(live(scenario(300, 30, behaviours=rule), policy(points=points, **club)))
        sources = ("points.check_in", "points.photo")
        found[reward] = {
            "orders": sum(kind == "order" for _, _, kind, *_ in events),
            "cards": sum(kind == "fee" for _, _, kind, *_ in events),
            **{source: sum(s == source for *_, s in events) for source in sources},
        }
    assert all(found["goods"][what] <= found["cash"][what] for what in found["cash"]), found
    assert len([what for what in found["cash"] if found["goods"][what] < found["cash"][what]]) >= 3 + bool(club), found


def test_no_column_without_the_action() -> None:
    names = set(live(scenario(5, 1), policy()).customers.DECLARED)
    assert not {name for name in names if name.startswith(("points", "card_plan", "card_saved", "check_in", "tried"))}


def test_an_unpaid_act_has_its_unpaid_chance() -> None:
    """At median price sensitivity and interest, a reward of nothing adds nothing."""
    rule = PointsHabits()
    paid = rule.check_in + rule.per_reward * math.log1p(5)
    world = live(
        scenario(4000, 1, traits={"price_sensitivity_sd": 0, "interest_sd": 0}),
        policy(points={"kind": "points", "check_in": 5, "redeem_from": 1}),
    )
    assert np.allclose(world.customers.check_in_chance, 1 / (1 + math.exp(-paid)), rtol=1e-5)
