"""Friends who bring friends, one at a time: the graph, speaking, joining, rewards, distributors, cultivation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from agents.actions import Distribution, Koc, Referral, ShareVoucher
from agents.actions.programme import FriendVoucher
from agents.coupon_book import CouponTerms
from agents.customers import TRAITS, Contact

from .coupons import give
from .people import (
    Customer,
    apart,
    chance_above,
    expected_basket,
    normal,
    sigmoid,
    single,
    stretch_of,
    traits_of,
    whole_cents,
)
from .points import earn

if TYPE_CHECKING:
    from .world import ReferenceWorld

FIRST_FRIEND = 2**62
MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
SCORES = (*TRAITS, "sociability")
PROGRAMMES = (Referral, ShareVoucher, Distribution)


# -- the graph ------------------------------------------------------------------------------------------------------


def mixed(word: int) -> int:
    """SplitMix64's finaliser."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def hashed(decision: str, key: int) -> int:
    """64 bits for a key, the same in every replicate."""
    from sim.draws import address

    return mixed((address(0, decision, 0) + GOLDEN * (key + 1)) & MASK)


def friend_key(world: ReferenceWorld, inviter: Customer, number: int) -> int:
    """Key of a friend; the last bit says whether they hunt bargains."""
    first = (hashed("friend", inviter.key) + GOLDEN * number) & MASK
    key = FIRST_FRIEND + (hashed("friend.number", first) >> 3 << 1)
    share, alike = world.spec.traits.hunter_share, world.spec.friends.hunters_likeness
    chance = share + alike * (1 - share) if inviter.hunts else share * (1 - alike)
    return key + (world.draws.one("trait.hunter", 0, key) < chance)


def birth_score(world: ReferenceWorld, c: Customer, name: str) -> float:
    own = normal(world.draws, f"trait.{name}", 0, c.key)
    return math.sqrt(1 - world.spec.friends.likeness**2) * own + c.kin[name] if c.key >= FIRST_FRIEND else own


def friend_of(world: ReferenceWorld, inviter: Customer, number: int) -> Customer:
    """The friend as they would join today."""
    graph, traits, key = world.spec.friends, world.spec.traits, friend_key(world, inviter, number)
    friend = Customer(world, key, joined=world.day, contact=Contact.CONTACT, channel=-2)
    friend.hunts = bool(key & 1)
    kin = {name: graph.likeness * birth_score(world, inviter, name) for name in SCORES}
    own = math.sqrt(1 - graph.likeness**2)
    z = {name: own * normal(world.draws, f"trait.{name}", 0, key) + kin[name] for name in SCORES}
    friend.kin = {name: single(score) for name, score in kin.items()}
    if world.draws.one("friends.same_segment", 0, key) < graph.same_segment:
        friend.segments = inviter.segments
    for name, value in apart(traits, z, friend.segments, friend.hunts).items():
        setattr(friend, name, value)
    if world.draws.one("friends.same_group", 0, key) < graph.same_group:
        friend.interest_group = inviter.interest_group
    else:
        friend.interest_group = traits_of(traits, world.draws, key)["interest_group"]
    friend.resting_trust = graph.trust * inviter.trust
    friend.inviter = inviter
    return friend


def friends_in_all(world: ReferenceWorld, c: Customer) -> int:
    """Poisson number of friends by inverse distribution function."""
    mean, u = world.spec.friends.friends * c.sociability, world.draws.one("friends.count", 0, c.key)
    n, term = 0, math.exp(-mean)
    below = term
    while u >= below:
        n += 1
        term *= mean / n
        below += term
    return n


# -- what the operator does -----------------------------------------------------------------------------------------


def open_referral(world: ReferenceWorld, name: str, action: Referral) -> None:
    from .operator import addressed

    total = action.reward_cny + (action.inviter.off_cny if action.inviter else 0.0)
    gives = total > 0 or (action.newcomer and action.newcomer.off_cny > 0)
    if gives and action.calendar.times(world.day, world.date):
        world.programmes[name] = {
            c.key
            for c in addressed(world, action.audience)
            if action.cap_per_inviter is None or c.rewarded < action.cap_per_inviter
        }


def open_sharing(world: ReferenceWorld, name: str, action: ShareVoucher) -> None:
    from .operator import addressed

    if action.voucher.off_cny:
        world.programmes[name] = {
            c.key
            for c in addressed(world, action.audience)
            if action.cap_per_inviter is None or c.rewarded < action.cap_per_inviter
        }


def open_distribution(world: ReferenceWorld, name: str, action: Distribution) -> None:
    from .operator import addressed

    if not action.commission:
        return
    world.programmes[name] = {c.key for c in world.customers if c.distributor}
    if action.calendar.times(world.day, world.date):
        world.openings.append(
            (name, [c for c in addressed(world, action.audience) if not c.distributor], action.places)
        )


def cultivate(world: ReferenceWorld, name: str, action: Koc) -> None:
    from .operator import addressed
    from .service import asked_today, put_to_work

    if not action.hours_per_week:
        return
    got = put_to_work(world, name)
    if not action.calendar.times(world.day, world.date):
        return
    asked = asked_today(world, name)
    hours = action.hours_per_week * (got / asked if asked else 1.0)
    many = math.floor(round(hours * 60 / action.minutes_per_week, 9))
    many -= sum(c.here and c.koc_until >= world.day for c in world.customers)  # their time is taken
    chosen = [c for c in addressed(world, action.audience) if c.koc_until < world.day]
    chosen.sort(key=lambda c: (-c.brought, world.draws.one(f"koc.choose.{name}", world.day, c.key)))
    for c in chosen[: max(many, 0)]:
        c.koc_until, c.koc_gift = world.day + action.term_days - 1, action.gift_cny
        if action.gift_cny:
            world.book(c, "gift", whole_cents(action.gift_cny), name)


RULES: dict[Any, Any] = {
    Referral: open_referral,
    ShareVoucher: open_sharing,
    Distribution: open_distribution,
    Koc: cultivate,
}


# -- what customers do ----------------------------------------------------------------------------------------------


def guests_arrive(world: ReferenceWorld) -> None:
    """Friends who agreed yesterday."""
    for host in [c for c in world.customers if c.guest]:
        friend = friend_of(world, host, host.guest - 1)
        friend.programme, friend.owed = host.guest_programme, host.guest_programme is not None
        host.guest = 0
        host.brought += 1
        world.customers.append(friend)
        world.book(friend, "join", 0, "referral")
        hand_over(world, friend, benefit(world, friend.programme), friend.programme)
        if friend.owed and due_from(world, friend) == 0:
            pay(world, friend)


def benefit(world: ReferenceWorld, programme: str | None) -> FriendVoucher | None:
    """What a newcomer gets."""
    action = world.policy.actions[programme] if programme else None
    if isinstance(action, Referral):
        return action.newcomer
    return action.voucher if isinstance(action, ShareVoucher) else None


def hand_over(world: ReferenceWorld, c: Customer, voucher: FriendVoucher | None, name: str) -> None:
    """A voucher that its receiver surely means to use."""
    if voucher and voucher.off_cny:
        terms = CouponTerms(
            off_cents=whole_cents(voucher.off_cny), minimum_cents=whole_cents(voucher.minimum_spend_cny),
            valid_days=voucher.valid_days, slot="referral", sure=True,
        )  # fmt: skip
        give(world, c, terms, name)


def due_from(world: ReferenceWorld, friend: Customer) -> int:
    action = world.policy.actions[friend.programme]
    return whole_cents(action.minimum_order_cny) if isinstance(action, Referral) else 0


def pay(world: ReferenceWorld, friend: Customer) -> None:
    """The reward for a newcomer, up to the cap."""
    action, inviter = world.policy.actions[friend.programme], friend.inviter
    friend.owed = False
    if not inviter.here:  # gone: nobody to pay
        return
    cap = None if isinstance(action, Distribution) else action.cap_per_inviter
    if cap is not None and inviter.rewarded >= cap:
        return
    inviter.rewarded += 1
    if isinstance(action, Referral):
        if action.reward_cny:
            world.book(inviter, "reward", whole_cents(action.reward_cny), friend.programme)
        hand_over(world, inviter, action.inviter, friend.programme)
    elif isinstance(action, ShareVoucher):
        hand_over(world, inviter, action.voucher, friend.programme)
    if world.scheme:
        earn(world, inviter, world.scheme.invitation, "invitation")


def apply_for_distribution(world: ReferenceWorld) -> None:
    rule = world.rules["distributors"]
    for name, there, places in world.openings:
        keen = []
        for c in (c for c in there if c.here):
            u = world.draws.one(f"distribution.apply.{name}", world.day, c.key)
            if u < 1.0 - (1.0 - rule.apply_at_opening) ** c.sociability:
                keen.append((u, c.key, c))
        free = len(keen) if places is None else max(places - sum(c.distributor and c.here for c in world.customers), 0)
        for _, _, c in sorted(keen)[:free]:
            c.distributor = True
            world.book(c, "distributor", 0, name)
    world.openings.clear()


def settle_rewards(world: ReferenceWorld, sales: list[Any]) -> None:
    """What an order of somebody whom a friend brought makes due."""
    for name, action in world.policy.actions.items():
        mine = sorted(((c, net) for c, net, _ in sales if c.programme == name), key=lambda sale: sale[0].key)
        for c, net in mine:
            if c.owed and net >= due_from(world, c):
                pay(world, c)
        for c, net in mine:
            paid_for = isinstance(action, Distribution) and world.day - c.joined < action.commission_days
            if paid_for and c.inviter.here:
                amount = round(net * action.commission)
                if amount > 0:
                    world.book(c.inviter, "commission", amount, name)


def worth_cny(world: ReferenceWorld, c: Customer, name: str) -> float | None:
    """What bringing a friend under a programme looks worth; None where the customer may not."""
    action, may = world.policy.actions[name], world.programmes.get(name, set())
    if c.key not in may:
        return None
    if isinstance(action, Distribution):
        mean = expected_basket(world.models.basket, c, world.day, world.weekday, world.season[1])
        return mean / 100 * action.commission * action.expected_orders
    if isinstance(action, ShareVoucher) and c.last_order != world.day:
        return None
    if isinstance(action, ShareVoucher):
        return voucher_worth(world, c, action.voucher)
    assert isinstance(action, Referral)
    inviter = voucher_worth(world, c, action.inviter) if action.inviter else 0.0
    return usable(world, c, whole_cents(action.minimum_order_cny)) * (action.reward_cny + inviter)


def voucher_worth(world: ReferenceWorld, c: Customer, voucher: FriendVoucher) -> float:
    """The amount, times the chance that an order of this customer reaches the minimum."""
    return voucher.off_cny * usable(world, c, whole_cents(voucher.minimum_spend_cny))


def usable(world: ReferenceWorld, c: Customer, minimum: int) -> float:
    """Chance that an order reaches a minimum, cents."""
    if minimum <= 0:
        return 1.0
    basket = world.models.basket
    mean = expected_basket(basket, c, world.day, world.weekday, world.season[1])
    return chance_above(basket, minimum / mean, stretch_of(basket, c, world.day, world.weekday))


def speak(world: ReferenceWorld) -> None:
    """One friend at a time, from liking or for a reward."""
    rule = world.rules["word_of_mouth"]
    for c in world.customers:
        if not c.here:
            continue
        best, programme = 0.0, None
        for name, action in world.policy.actions.items():
            worth = worth_cny(world, c, name) if isinstance(action, PROGRAMMES) else None
            if worth is not None:
                wish = math.log1p(worth / rule.worth_scale_cny)
                wish *= rule.prompt if isinstance(action, ShareVoucher) else 1.0
                if programme is None or wish > best:
                    best, programme = wish, name
        fresh = 1.0
        if c.orders:
            fresh += rule.fresh * 2 ** (-(world.day - c.last_order) / rule.fresh_half_life_days)
        liking = rule.talk * rule.unasked_per_day[c.level] * c.trust * fresh
        hazard = c.sociability * (liking + rule.paid_per_day * c.price_sensitivity * best)
        if c.koc_until >= world.day:
            hazard *= 1.0 + rule.care * (1.0 + math.log1p(c.koc_gift / rule.worth_scale_cny))
        speaks = world.draws.one("referral.speak", world.day, c.key) < 1.0 - math.exp(-hazard)
        if speaks and c.asked < friends_in_all(world, c):
            c.asked += 1
            world.book(c, "referral", 0, programme or "word_of_mouth")
            ask(world, c, programme)
    world.programmes.clear()


def ask(world: ReferenceWorld, c: Customer, programme: str | None) -> None:
    """The same luck decides whenever a friend is asked."""
    rule, friend = world.rules["word_of_mouth"], friend_of(world, c, c.asked - 1)
    offered = benefit(world, programme)
    gain = math.log1p(voucher_worth(world, c, offered) / rule.worth_scale_cny) if offered else 0.0
    chance = sigmoid(rule.join + rule.join_trust * c.trust + rule.join_benefit * friend.price_sensitivity * gain)
    if world.draws.one("referral.join", 0, friend.key) < chance:
        c.guest, c.guest_programme = c.asked, programme
