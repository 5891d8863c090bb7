"""Friends: who exists never depends on a policy, only who is asked and joins; chains grow as a branching process."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from agents.customers import Contact
from agents.domain import PrivateDomain
from agents.friends import friend_keys, people_who_are_friends
from agents.keys import FRIENDS
from experiments.known_answers.f_referral import Cascades
from experiments.metrics import contacts_at_start, outcome
from tests.worlds import busy_policy, busy_scenario, canonical, live, policy, scenario

ALIKE = {f"{name}_sd": 0.0 for name in ("rate", "basket", "price_sensitivity", "tolerance", "interest", "sociability")}
ALONE = ("guests", "word_of_mouth", "referral_rewards")


def still(size: int, days: int, talk: dict[str, Any], **changes: Any) -> Any:
    """A world in which people only bring each other."""
    named = {kind: {"kind": kind} for kind in ALONE} | {"word_of_mouth": {"kind": "word_of_mouth", **talk}}
    return scenario(size, days, behaviours=named, only_named_behaviours=True, **changes)


def joined(world: PrivateDomain) -> dict[int, int]:
    """Day of joining of each friend, by key."""
    return {key: day for day, key, kind, _, source in canonical(world) if (kind, source) == ("join", "referral")}


def test_the_friends_are_the_same_people_under_every_policy() -> None:
    hunted = {"traits": {"hunter_share": 0.2, "interest_groups": {"cooking": 1, "sports": 2}}}
    busy, idle = (live(busy_scenario(**hunted), p, until=40) for p in (busy_policy(), policy()))
    here = np.arange(200)
    for number in range(5):
        at = np.full(200, number)
        ours, theirs = (friend_keys(w, w.customers.key[here], at) for w in (busy, idle))
        assert np.array_equal(ours, theirs)
        assert ours.min() >= FRIENDS
        for one, other in zip(
            people_who_are_friends(busy, here, ours), people_who_are_friends(idle, here, theirs), strict=True
        ):
            assert all(np.array_equal(one[name], other[name]) for name in one.keys() & other.keys())


def test_nobody_is_the_friend_of_two() -> None:
    world = live(still(3000, 1, {"talk": 1}))
    keys = np.concatenate([friend_keys(world, world.customers.key, np.full(3000, number)) for number in range(20)])
    assert len(np.unique(keys)) == 60_000


def test_a_pool_twice_as_large_leaves_the_friends_of_the_first_half() -> None:
    ask: dict[str, Any] = {"kind": "referral", "reward_cny": 30}
    few, many = (joined(live(still(n, 40, {"paid_per_day": 0.05}), policy(ask=ask))) for n in (150, 300))
    assert len(few) > 30
    assert few == {key: day for key, day in many.items() if key in few}
    assert len(many) > len(few)


@pytest.mark.parametrize("better", [{"reward_cny": 40}, {"newcomer": {"off_cny": 60}}, {"inviter": {"off_cny": 9}}])
def test_more_to_be_had_never_removes_a_newcomer(better: dict[str, Any]) -> None:
    """Nor lets one come later, where nothing but the reward moves anybody."""
    base: dict[str, Any] = {"kind": "referral", "reward_cny": 10, "newcomer": {"off_cny": 5}}
    of = still(300, 50, {"paid_per_day": 0.03, "join_trust": 0})
    less, more = (joined(live(of, policy(ask=ask))) for ask in (base, base | better))
    assert less.keys() < more.keys()
    assert all(more[key] <= day for key, day in less.items())


@pytest.mark.parametrize(
    "promise",
    [{"reward_cny": 50, "minimum_order_cny": 90_000}, {"newcomer": {"off_cny": 5000, "minimum_spend_cny": 90_000}},
     {"inviter": {"off_cny": 5000, "minimum_spend_cny": 90_000}}],
)  # fmt: skip
def test_a_promise_that_can_never_be_due_moves_nobody(promise: dict[str, Any]) -> None:
    """Or a search would find that a threshold beyond reach is a gift for nothing."""
    of = still(300, 50, {"paid_per_day": 0.03, "talk": 1.0})
    nothing, beyond = (
        live(of, policy(**asks)) for asks in ({}, {"ask": {"kind": "referral", "reward_cny": 0} | promise})
    )
    assert joined(beyond).keys() == joined(nothing).keys() != set()


@pytest.mark.parametrize(("friends", "chance"), [(2.0, 0.3), (1.5, 0.8)])
def test_chains_grow_as_a_branching_process(friends: float, chance: float) -> None:
    """Everybody asks all their friends at once, each of whom joins with the same chance: R0 of a generation."""
    at_once = {"paid_per_day": 10, "join": float(np.log(chance / (1 - chance))), "join_trust": 0}
    of = still(3000, 25, at_once, traits=ALIKE, friends={"friends": friends})
    c = live(of, policy(ask={"kind": "referral", "reward_cny": 100_00})).customers
    row = {key: i for i, key in enumerate(c.key.tolist())}
    generation = np.zeros(len(c), int)
    for i in np.flatnonzero(c.inviter >= 0):
        generation[i] = generation[row[int(c.inviter[i])]] + 1
    sizes = np.bincount(generation)[:4] / 3000
    per_person = friends * chance
    exact = np.diff([0.0, *(Cascades(per_person=per_person).exact(generations=n) for n in range(4))])
    for n, (size, mean) in enumerate(zip(sizes, exact, strict=True)):
        assert size == pytest.approx(
            mean, abs=4.5 * np.sqrt(per_person**n * max(1, n) * (1 + per_person) / 3000) + 1e-9
        )


def test_friends_are_alike_in_every_generation_and_people_stay_as_they_are() -> None:
    of = still(4000, 30, {"paid_per_day": 1, "join": 3}, friends={"likeness": 0.5, "same_group": 0.9},
               traits={"hunter_share": 0.2, "interest_groups": {"a": 1, "b": 1}})  # fmt: skip
    world = live(of, policy(ask={"kind": "referral", "reward_cny": 50}), until=8)
    c, row = world.customers, {key: i for i, key in enumerate(world.customers.key.tolist())}
    late = np.flatnonzero(c.inviter >= FRIENDS)
    hosts = np.array([row[int(key)] for key in c.inviter[late]])
    assert len(late) > 3000
    for name in ("basket", "tolerance", "interest", "sociability"):
        a, b = (np.log(getattr(c, name)) if name != "basket" else c.basket for _ in (0, 1))
        assert np.corrcoef(a[late], b[hosts])[0, 1] == pytest.approx(0.5, abs=0.06), name
        if name != "sociability":  # the sociable bring more
            assert a[late].std() == pytest.approx(a[:4000].std(), rel=0.06), name
    hunts = of.traits.hunts(world.draws, c.key)
    assert hunts[late][hunts[hosts]].mean() > 2 * hunts[late][~hunts[hosts]].mean()
    assert hunts[:4000].mean() == pytest.approx(0.2, abs=0.03)


def test_rewards_wait_for_an_order_and_end_at_the_cap() -> None:
    ask = {"kind": "referral", "reward_cny": 20, "minimum_order_cny": 50, "cap_per_inviter": 1}
    world = live(busy_scenario(300), policy(ask=ask))
    paid = Counter(key for _, key, kind, *_ in canonical(world) if kind == "reward")
    assert paid
    assert max(paid.values()) == 1
    c = world.customers
    owing = {int(key) for key in c.inviter[(c.inviter >= 0) & ~c.owed & (c.programme >= 0)]}
    gone = set(world.ledger.of("delete").key.tolist())
    assert set(paid) - gone == owing - gone
    assert set(paid) <= owing
    best = dict.fromkeys(c.key[c.inviter >= 0].tolist(), 0)
    for _, key, kind, amount, _ in canonical(world):
        if kind == "order" and key in best:
            best[key] = max(best[key], amount)
    settled = c.key[(c.inviter >= 0) & (c.programme >= 0) & ~c.owed].tolist()
    assert settled
    assert all(best[key] >= 5000 for key in settled)


def test_those_whom_friends_bring_are_acquired_and_were_not_there_at_the_start() -> None:
    world = live(busy_scenario(), busy_policy())
    assert contacts_at_start(world) == 200
    joins = len(world.ledger.of("join"))
    assert outcome(world).values["acquired"] == 200 + joins
    assert len(joined(world)) > 10


def test_a_commission_is_a_share_of_what_friends_pay_for_a_time() -> None:
    sell = {"kind": "distribution", "commission": 0.2, "commission_days": 10, "calendar": {"every_days": 1}}
    keen = {"distributors": {"kind": "distributors", "apply_at_opening": 0.5},
            "word_of_mouth": {"kind": "word_of_mouth", "paid_per_day": 0.1, "join": 1.0}}  # fmt: skip
    world = live(scenario(200, 60, behaviours=keen), policy(sell=sell))
    c = world.customers
    brought = {key: (day, host) for key, day, host in zip(c.key.tolist(), c.joined.tolist(), c.inviter.tolist(),
                                                          strict=True) if host >= 0}  # fmt: skip
    gone = {key: day for day, key, kind, *_ in canonical(world) if kind == "delete"}
    due: Counter[tuple[int, int]] = Counter()
    for day, key, kind, amount, _ in canonical(world):
        since, host = brought.get(key, (-99, -1))
        if kind == "order" and day - since < 10 and gone.get(host, day + 1) > day:
            due[day, host] += round(amount * 0.2)
    paid: Counter[tuple[int, int]] = Counter()
    for day, key, kind, amount, source in canonical(world):
        if kind == "commission":
            assert source == "sell"
            paid[day, key] += amount
    assert paid == due
    assert len(paid) > 10


def test_whom_the_day_lost_does_not_become_a_distributor() -> None:
    angry = {"reaction": {"kind": "reaction", "delete": -0.5}, "distributors": {"kind": "distributors",
             "apply_at_opening": 1.0}}  # fmt: skip
    sellers = {"kind": "distribution", "commission": 0.1, "calendar": {"every_days": 1}}
    noise = {"kind": "advert", "calendar": {"per_week": 7}}
    of = busy_scenario(200, 1, channels={}, behaviours=angry)
    world = live(of, policy(sellers=sellers, noise=noise))
    lost, chosen = (world.ledger.of(kind).key for kind in ("delete", "distributor"))
    assert len(lost) > 10
    assert len(chosen) > 10
    assert not np.isin(lost, chosen).any()


def test_no_more_are_cultivated_than_there_are_hours_for_however_often_they_are_chosen() -> None:
    """A term is not over because the calendar has come round; whoever has left takes nobody's time."""
    given = {}
    for every in (1, 5, 10):
        koc = {"kind": "koc", "hours_per_week": 4, "minutes_per_week": 30, "term_days": 10, "gift_cny": 3,
               "audience": "everybody", "calendar": {"every_days": every}}  # fmt: skip
        world = PrivateDomain(scenario(60, 40, staff={"hours_per_week": 40}), policy(koc=koc), seed=1)
        for day in range(40):
            world.run(day + 1)
            c = world.customers
            kept = (c.contact == Contact.CONTACT) | (c.contact == Contact.MUTED)
            assert np.count_nonzero((c.koc_until >= day) & kept) <= 8
        given[every] = len(world.ledger.of("gift"))
    assert given[10] == 32
    assert all(32 <= many <= 40 for many in given.values()), given
