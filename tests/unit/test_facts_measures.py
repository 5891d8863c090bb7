"""Measures of stylised facts against plain counting of events: one event after the other, without arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from experiments.facts import all_facts
from experiments.stylised import cards, hunters, welcome
from tests.worlds import CHANNELS, Event, canonical, live, policy, scenario

EAGER: dict[str, Any] = {
    "card_choice": {"kind": "card_choice", "at_par": -1.0}, "attrition": {"kind": "attrition", "delete_per_day": 0.01},
}  # fmt: skip
TERM = 9
CLUB: dict[str, Any] = {
    "kind": "membership", "calendar": {"every_days": 4, "from_day": 25},
    "plans": {"month_card": {"fee_cny": 7.5, "term_days": TERM, "discount": 0.12}, "year_card": {"fee_cny": 60}},
}  # fmt: skip


@pytest.fixture(scope="module")
def club() -> Iterator[PrivateDomain]:
    patch = pytest.MonkeyPatch()
    patch.setattr(cards, "FROM_DAY", 25)
    yield live(scenario(150, 60, behaviours=EAGER, channels=CHANNELS), policy(club=CLUB), seed=3)
    patch.undo()


def sold(world: PrivateDomain) -> list[tuple[int, int]]:
    """Customer and first day of each month card."""
    return [
        (key, day) for day, key, kind, _, source in canonical(world) if (kind, source) == ("fee", "club.month_card")
    ]


def orders_with_a_card(world: PrivateDomain, happened: list[Event]) -> int:
    return sum(
        kind == "order" and any(whose == key and first <= day < first + TERM for whose, first in sold(world))
        for day, key, kind, _, _ in happened
    )


def test_orders_of_holders_and_of_their_twins(club: PrivateDomain) -> None:
    assert cards.orders_of_holders(club) == orders_with_a_card(club, canonical(club)) > 20
    twin = live(club.spec, DO_NOTHING, seed=3)
    assert cards.orders_of_twins(club) == orders_with_a_card(club, canonical(twin)) > 10


def test_nobody_holds_a_card_where_none_is_sold() -> None:
    world = live(scenario(30, 30), policy(club=CLUB | {"calendar": {"every_days": 4, "from_day": 29}}))
    assert cards.orders_of_holders(world) == 0


def test_what_is_given_back_is_counted_when_a_term_ends(club: PrivateDomain) -> None:
    ended = [(key, first + TERM) for key, first in sold(club) if first + TERM < 60]
    paid = {(k, day): amount for day, k, kind, amount, source in canonical(club)
            if (kind, source) == ("refund", "club.month_card")}  # fmt: skip
    back = [paid.get(end, 0) for end in ended]
    assert 0 < sum(amount > 0 for amount in back) < len(back) < len(sold(club))
    assert cards.refunded(club) == pytest.approx(sum(amount > 0 for amount in back) / len(back))
    assert cards.fees_given_back(club) == pytest.approx(sum(back) / 750 / len(back))


def test_break_even_is_the_fee_over_what_an_order_saves(club: PrivateDomain) -> None:
    saved = [amount for _, _, kind, amount, source in canonical(club)
             if (kind, source) == ("member_discount", "club.month_card")]  # fmt: skip
    assert cards.break_even_orders(club) == pytest.approx(750 / (sum(saved) / len(saved)))


def test_revenue_counts_every_plan(club: PrivateDomain) -> None:
    money = Counter({"fee": 0, "refund": 0})
    for _, _, kind, amount, source in canonical(club):
        if kind in money:
            assert source in ("club.month_card", "club.year_card")
            money[kind] += amount
    assert cards.card_revenue(club) == pytest.approx((money["fee"] - money["refund"]) / 100)


def test_past_orders_are_those_of_customers_of_then(club: PrivateDomain) -> None:
    c, happened = club.customers, canonical(club)
    before = Counter(key for day, key, kind, _, _ in happened if kind == "order" and day < 25)
    after = Counter(key for day, key, kind, _, _ in happened if kind == "order" and day >= 25)
    gone = {key for day, key, kind, _, _ in happened if kind == "delete" and day < 25}
    holders = {key for key, _ in sold(club)}
    found: dict[bool, list[int]] = {True: [], False: []}
    for key, orders, contact in zip(c.key.tolist(), c.orders.tolist(), c.contact.tolist(), strict=True):
        if orders > after[key] and contact >= 2 and key not in gone:
            found[key in holders].append(before[key])
    assert gone
    assert cards.past_orders_of_buyers(club) == pytest.approx(sum(found[True]) / len(found[True]))
    assert cards.past_orders_of_others(club) == pytest.approx(sum(found[False]) / len(found[False]))


def test_losses_are_mutes_and_deletions() -> None:
    adverts = {"kind": "advert", "calendar": {"per_week": 14}}
    world = live(scenario(100, 60, behaviours=EAGER), policy(adverts=adverts))
    kinds = Counter(kind for _, _, kind, _, _ in canonical(world))
    assert min(kinds["mute"], kinds["delete"]) > 0
    assert welcome.losses(world) == kinds["mute"] + kinds["delete"]


def test_hunters_are_counted_by_the_channel_that_brought_them() -> None:
    baited = {
        name: CHANNELS["ads"] | {"hunter_share": share} for name, share in (("douyin", 0.9), ("xiaohongshu", 0.1))
    }
    here = scenario(100, 40, channels=baited, traits={"hunter_share": 0.3})
    world = live(here, policy(**hunters.ACTIONS))
    c = world.customers
    hunts = {
        key: bool(
            (world.channels[name].traits if channel >= 0 else world.spec.traits).hunts(world.draws, c.key[[row]])[0]
        )
        for row, (key, channel) in enumerate(zip(c.key.tolist(), c.channel.tolist(), strict=True))
        for name in [list(world.channels)[max(channel, 0)]]
    }

    def share(keys: list[int]) -> float:
        return sum(hunts[key] for key in keys) / len(keys)

    def who(of: str, by: str) -> list[int]:
        return [key for _, key, kind, _, source in canonical(world) if (kind, source) == (of, by)]

    people = list(zip(c.key.tolist(), c.contact.tolist(), c.channel.tolist(), strict=True))
    assert hunters.among_contacts(world) == pytest.approx(share([key for key, contact, _ in people if contact >= 2]))
    assert hunters.among_the_reached(world) == pytest.approx(share([key for key, _, channel in people if channel >= 0]))
    assert hunters.among_check_ins(world) == pytest.approx(share(who("points_earned", "points.check_in")))
    assert hunters.among_invitations(world) == pytest.approx(share(who("referral", "referral")))
    assert hunters.among_newcomer_coupons(world) == pytest.approx(share(who("voucher_issued", "bait")))


DIFFERENCES = {
    "events: profit of 2 new products a week less that of 1": "actions.event.items",
    "events: profit of 2 new products a week less that of 5": "actions.event.items",
    "events: profit of a welfare day announced twice less once": "actions.event.announcements",
    "welcome: losses under one for each over one an hour at most": "actions.hello.every_hours",
    "trust: profit of segmented hours": "actions.talk.top_share",
    "trust: lifetime of segmented hours": "actions.talk.top_share",
    "cards: revenue with a year card less without": "actions.club.plans.year_card",
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_arms_differ_in_nothing_but_what_the_fact_is_about(name: str) -> None:
    (fact,) = (fact for fact in all_facts() if fact.name == name)
    one, other = fact.arms
    assert one.scenario == other.scenario
    assert set(differences(one.policy.model_dump(), other.policy.model_dump())) == {"title", DIFFERENCES[name]}


def differences(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(one, dict) or not isinstance(other, dict):
        if one != other:
            yield ".".join(path)
        return
    for name in one.keys() | other.keys():
        yield from differences(one.get(name), other.get(name), (*path, name))
