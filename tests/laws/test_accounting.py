"""Nobody is created, lost or moved without an event: final states follow from the events alone."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from agents.customers import CONTACTS, LEVELS, TIERS, Contact
from agents.domain import PrivateDomain
from sim.ledger import NOBODY
from tests.worlds import Event, busy_policy, busy_scenario, canonical, live


@pytest.fixture(scope="module")
def born() -> PrivateDomain:
    """The busy world before its first day."""
    return PrivateDomain(busy_scenario(), busy_policy(), seed=1)


def since_birth(born: PrivateDomain, events: list[Event]) -> list[Event]:
    """Events without those of the first estimations, which are in the starting states already."""
    early = Counter(canonical(born))
    rest = []
    for event in events:
        if early[event] > 0:
            early[event] -= 1
        else:
            rest.append(event)
    return rest


def test_contact_states_follow_from_events(born: PrivateDomain, busy: PrivateDomain, busy_events: list[Event]) -> None:
    moves = {
        "reached": (None, Contact.REACHED), "join": (Contact.REACHED, Contact.CONTACT),
        "mute": (Contact.CONTACT, Contact.MUTED), "unmute": (Contact.MUTED, Contact.CONTACT),
    }  # fmt: skip
    state: dict[int, int] = dict.fromkeys(born.customers.key.tolist(), Contact.CONTACT)
    for _, key, kind, _, source in busy_events:
        if kind in moves:
            before, after = moves[kind]
            if source == "referral":
                before = None  # no channel reached a friend before
            assert state.get(key) == before, kind
            state[key] = after
        elif kind == "delete":
            assert state[key] in (Contact.CONTACT, Contact.MUTED)
            state[key] = Contact.DELETED
    assert state == dict(zip(busy.customers.key.tolist(), busy.customers.contact.tolist(), strict=True))
    assert set(state.values()) == {Contact.REACHED, Contact.CONTACT, Contact.MUTED, Contact.DELETED}


@pytest.mark.parametrize(
    ("kind", "column"), [("trust_level", "level"), ("value_tier", "tier"), ("member_level", "member_level")]
)
def test_levels_follow_from_events(
    kind: str, column: str, born: PrivateDomain, busy: PrivateDomain, busy_events: list[Event]
) -> None:
    state = defaultdict(int, zip(born.customers.key.tolist(), getattr(born.customers, column).tolist(), strict=True))
    for _, key, k, amount, _ in since_birth(born, busy_events):
        if k == kind:
            assert state[key] != amount, "a move that moves nobody"
            state[key] = amount
    final = dict(zip(busy.customers.key.tolist(), getattr(busy.customers, column).tolist(), strict=True))
    assert {key: state[key] for key in final} == final


def test_order_histories_follow_from_events(born: PrivateDomain, busy: PrivateDomain, busy_events: list[Event]) -> None:
    orders = Counter(dict(zip(born.customers.key.tolist(), born.customers.orders.tolist(), strict=True)))
    # Several orders on one day are one order day.
    orders.update(key for _, key in {(day, key) for day, key, kind, _, _ in busy_events if kind == "order"})
    for customer in busy.customers:
        assert customer.orders == orders[customer.key]


def test_coupons_issued_are_redeemed_expired_or_in_hand() -> None:
    world = live(busy_scenario(), busy_policy(), until=55)  # two days after a Friday
    events, found = canonical(world), []
    for source in ("friday", "winback"):
        issued, redeemed, expired = (
            Counter(key for _, key, k, _, s in events if (k, s) == (kind, source))
            for kind in ("coupon_issued", "coupon_redeemed", "coupon_expired")
        )
        code = world.ledger.source_code(source)
        in_hand = Counter(c.key for c in world.customers if c.coupon_depth > 0 and c.coupon_source == code)
        assert issued == redeemed + expired + in_hand
        found.append((len(redeemed), len(expired), len(in_hand)))
    assert min(found[0]) > 0, "no way that a coupon can go is left out"


def test_who_lapsed_comes_back_by_an_order_alone(
    born: PrivateDomain, busy: PrivateDomain, busy_events: list[Event]
) -> None:
    lapsed: set[int] = {c.key for c in born.customers if c.lapsed}
    for _, key, kind, _, _ in busy_events:
        if kind == "comeback":
            lapsed.remove(key)
        elif kind == "lapse":
            assert key not in lapsed
            lapsed.add(key)
        elif kind == "order":
            # The comeback of the same day is written after its order.
            assert key not in lapsed or any(e[1] == key and e[2] == "comeback" for e in busy_events)
    assert lapsed == {c.key for c in busy.customers if c.lapsed}


def test_the_census_counts_what_is_there(busy: PrivateDomain, busy_events: list[Event]) -> None:
    last = {
        source: amount for day, key, kind, amount, source in busy_events if (day, kind, key) == (59, "census", NOBODY)
    }
    c = busy.customers
    here = (c.contact == Contact.CONTACT) | (c.contact == Contact.MUTED)
    for code, name in enumerate(CONTACTS):
        assert last[f"contact.{name}"] == int((c.contact == code).sum())
    for code, name in enumerate(LEVELS):
        assert last[f"level.{name}"] == int((here & (c.level == code)).sum())
    for code, name in enumerate(TIERS):
        assert last[f"tier.{name}"] == int((here & (c.orders > 0) & (c.tier == code)).sum())
    assert last["member.any"] == int((here & ((c.member_level > 0) | (c.card_until >= 59))).sum())


def test_nobody_who_deleted_hears_from_us(busy_events: list[Event]) -> None:
    """After the day of the deletion no message, chat, coupon, card or level reaches this customer.

    Nor does anything for friends brought before: there is nobody to pay it to.
    """
    gone: dict[int, int] = {}
    for day, key, kind, _, source in busy_events:
        if kind == "delete":
            gone[key] = day
        elif key in gone and day > gone[key]:
            assert not source.endswith(".invitation")
            assert kind in {
                "order", "goods", "points", "points_earned", "points_expired", "partner", "coupon_redeemed",
                "coupon_expired", "member_discount", "refund", "lapse", "subsidised",
                "comeback", "value_tier", "member_level",
            }  # fmt: skip
    assert gone
