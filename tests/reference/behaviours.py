"""What customers do on a day, rule by rule, one customer at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.customers import CONTACTS, LEVELS, TIERS, Contact, Level
from agents.models.features import PRIOR_BASKETS

from .acquisition import answer_quotes, bait_for, buys_at_first_contact, greet, lured_chance, sort_newcomers, swap_back
from .contact import change_contacts, change_levels
from .content import arrives, load_of, recover, stands_out, strength_of, watch
from .coupons import discounts, mind_coupons, side_by_side, worth
from .flash import join_flash_groups
from .membership import be_grateful, book_member_price, book_saving, buy_packages, choose_plans, runs
from .operator import Message
from .people import (
    Customer,
    basket_luck,
    expected_basket,
    half_life,
    predictor,
    sigmoid,
    stretch_of,
    traits_of,
)
from .points import collect, hope_of_order
from .service import have_problems, make_up, queues, skill_of

if TYPE_CHECKING:
    from .world import ReferenceWorld


# -- arrive ---------------------------------------------------------------------------------------------------------


def arrive(world: ReferenceWorld) -> None:
    """The reached of earlier days may still add the contact; channels reach new prospects, and some add at once."""
    rule, channels = world.rules["arrival"], world.spec.channels
    for c in world.customers:
        if c.contact == Contact.REACHED and world.day - c.joined <= rule.patience_days:
            spec = list(channels.values())[c.channel]
            decide_to_add(world, c, world.draws.one("channel.add_later", world.day, c.key), spec.add_later)
    for index, (name, spec) in enumerate(channels.items()):
        world.pressure[name] += spec.organic_per_day * spec.cost_per_reach_cny / (
            spec.volume * spec.cost_per_reach_cny
        )  # fmt: skip
        for key in world.reached_today(name):
            c = Customer(world, key, joined=world.day, contact=Contact.REACHED, channel=index)
            own = traits_of(world.spec.traits, world.draws, key, spec.hunter_share)
            c.rate, c.basket = own["rate"] + spec.rate_shift, own["basket"] + spec.basket_shift
            c.price_sensitivity = own["price_sensitivity"] * math.exp(spec.price_sensitivity_shift)
            c.tolerance = own["tolerance"] * math.exp(spec.tolerance_shift)
            c.interest = own["interest"] * math.exp(spec.interest_shift)
            c.resting_trust = spec.trust
            world.customers.append(c)
            world.book(c, "reached", 0, name)
            decide_to_add(world, c, world.draws.one("channel.add", world.day, key), spec.add_rate)
    sort_newcomers(world)


def decide_to_add(world: ReferenceWorld, c: Customer, u: float, base: float) -> None:
    """Below the base chance the contact is added anyway, below the one that a bait makes of it for the bait alone."""
    found = bait_for(world, c)
    if u < base:
        join(world, c)
    elif found and u < lured_chance(world, c, found[1], base):
        join(world, c)
        c.lured = True
        world.book(c, "lured", 0, found[0])


def join(world: ReferenceWorld, c: Customer) -> None:
    c.contact, c.joined = Contact.CONTACT, world.day
    world.book(c, "join", 0, list(world.spec.channels)[c.channel])


# -- receive --------------------------------------------------------------------------------------------------------


def receive(world: ReferenceWorld) -> None:
    rule = world.rules["attention"]
    for c in world.customers:
        if world.day % 7 == 0:
            c.week_messages = 0
        c.stimulus *= half_life(rule.stimulus_half_life_days)
        c.fatigue *= half_life(rule.fatigue_half_life_days)
        c.goodwill *= half_life(rule.goodwill_half_life_days)
        recover(world, c)
    remind(world)
    for message in world.outbox:
        for c in message.receivers:
            deliver(world, c, message)
    world.outbox.clear()
    watch(world)
    be_grateful(world)
    greet(world)


def remind(world: ReferenceWorld) -> None:
    """Word of coupons that run out in so many days, after everything else in the post."""
    for c in world.customers:
        for slot in side_by_side(c):
            held = c.coupons[slot]
            if 0 < held.until - world.day == held.terms.reminder_days and c.here:
                luck, cost = f"{held.source}.{slot}.reminder", world.rules["coupon_reminders"].cost_cny
                world.outbox.append(Message("advert", [c], held.source, cost, luck, reminds=slot))


def deliver(world: ReferenceWorld, c: Customer, message: Message) -> None:
    rule, cap = world.rules["attention"], world.policy.frequency_cap_per_week
    if message.kind == "chat":
        world.book(c, "chat", message.cents(c, world.day), message.source)
    elif message.medium != "direct" and not arrives(world, c, message):
        return
    else:
        if cap is not None and c.week_messages >= cap:
            return
        c.week_messages += 1
        world.book(c, f"message_{message.kind}", message.cents(c, world.day), message.source)
    muted_luck = f"attention.muted.{message.luck}"
    if message.medium != "direct":
        if not stands_out(world, c, message):
            return
    elif c.contact != Contact.CONTACT and world.draws.one(muted_luck, world.day, c.key) >= rule.muted_reach:
        return
    world.book(c, "view", getattr(rule, f"{message.kind}_seconds"), message.source)
    see = {"advert": see_advert, "content": see_content, "chat": see_chat}[message.kind]
    see(world, c, message)
    world.seen.append((c, message))


def pull(world: ReferenceWorld, c: Customer, effect: str, receptivity: float) -> None:
    """A message pulls less on the tired."""
    freshness = 2 ** (-c.fatigue / (world.rules["attention"].fatigue_scale * c.tolerance))
    c.stimulus += world.effects[effect] * receptivity * freshness


def warm(c: Customer, share: float) -> None:
    """Add a share of the trust that is missing."""
    c.goodwill += share * (1.0 - c.trust)


def see_advert(world: ReferenceWorld, c: Customer, message: Message) -> None:
    rule, load = world.rules["attention"], load_of(world, message)
    strength = strength_of(world, c, message)
    if not message.foreign:  # another brand's advert sells nothing of ours
        pull(world, c, "advert", rule.advert_receptivity[c.level] * strength)
    c.goodwill += rule.advert_goodwill[c.level] * load
    c.fatigue += load


def see_content(world: ReferenceWorld, c: Customer, message: Message) -> None:
    rule = world.rules["attention"]
    strength = strength_of(world, c, message)
    pull(world, c, "content", c.interest * strength)
    warm(c, min(rule.content_goodwill * c.interest * strength, 1.0))
    c.fatigue += rule.content_load * load_of(world, message)
    if c.level == Level.STRANGER:
        u = world.draws.one(f"attention.interact.{message.luck}", world.day, c.key)
        if u < min(rule.interact_chance * c.interest, 1.0):
            world.book(c, "interact", 0, "attention")
            if not world.learns("rise_0"):
                world.set_level(c, Level.ACQUAINTED)


def see_chat(world: ReferenceWorld, c: Customer, message: Message) -> None:
    """One number decides how many rounds are answered, three at most."""
    rule = world.rules["attention"]
    once = world.chance("reply", c) if world.learns("reply") else rule.reply_chance[c.level]
    skill, name = skill_of(world, "chat"), message.source
    once = once * skill / (1.0 - once + once * skill)
    u, chance, rounds = world.draws.one(f"attention.reply.{message.luck}", world.day, c.key), once, 0
    while rounds < 3 and u < chance:
        rounds, chance = rounds + 1, once * rule.next_round_chance ** (rounds + 1)
    c.fatigue += rule.chat_load
    if not rounds:
        return
    pull(world, c, "chat", rule.chat_receptivity[c.level] * skill_of(world, "conversion"))
    warm(c, 1.0 - (1.0 - min(rule.chat_goodwill * skill, 1.0)) ** rounds)
    c.rounds += rounds
    world.heard[name] = world.heard.get(name, 0) + rounds
    world.book(c, "reply", rounds, "attention")
    if c.level < Level.ACQUAINTED and not world.learns("rise_0"):
        world.set_level(c, Level.ACQUAINTED)
    if c.level == Level.ACQUAINTED and c.rounds >= rule.rounds_to_talk and not world.learns("rise_1"):
        world.set_level(c, Level.IN_CONVERSATION)


# -- respond --------------------------------------------------------------------------------------------------------


def respond(world: ReferenceWorld) -> None:
    mind_coupons(world)
    choose_plans(world)
    buy_packages(world)
    answer_quotes(world)
    swap_back(world)
    join_flash_groups(world)
    make_up(world)
    for c, message in world.seen:
        react(world, c, message)
    world.seen.clear()


def react(world: ReferenceWorld, c: Customer, message: Message) -> None:
    """One number decides: the angriest delete, the next mute."""
    rule = world.rules["reaction"]
    load = load_of(world, message)
    if load == 0:
        return
    push = rule.per_fatigue * c.fatigue / c.tolerance + rule.per_trust * c.trust + math.log(load)
    if message.kind == "advert" and c.level <= Level.ACQUAINTED:
        push += rule.hard_sell
    u = world.draws.one(f"reaction.{message.luck}", world.day, c.key)
    if u < sigmoid(rule.delete + push) and not world.learns("delete"):
        if c.contact != Contact.DELETED:
            world.set_contact(c, Contact.DELETED, "delete", "reaction")
    elif u < sigmoid(rule.mute + push) and c.contact == Contact.CONTACT and not world.learns("mute"):
        world.set_contact(c, Contact.MUTED, "mute", "reaction")


# -- purchase and service -------------------------------------------------------------------------------------------


def order_chance(world: ReferenceWorld, c: Customer) -> float:
    """The hazard of an order today, given what was received."""
    effects = world.effects
    pulled = c.rate + c.stimulus + effects["trust"] * c.goodwill
    share, price = worth(world, c), c.member_price
    if not world.policy.stacking.with_member_price:
        share, price = (share, 0.0) if share > price else (0.0, price)
    points = world.points_share and world.points_share * c.points_multiplier * hope_of_order(
        world, c, c.points_multiplier
    )
    pulled += effects["member_price"] * c.price_sensitivity * (price + points)
    pulled += effects["coupon"] * c.price_sensitivity * (share + c.gift_hope)
    return hazard(world, c, pulled, c.trust)


def hazard(world: ReferenceWorld, c: Customer, pulled: float, trust: float) -> float:
    rule, models = world.rules["purchase"], world.models
    if c.contact in (Contact.PROSPECT, Contact.REACHED):
        return 0.0
    if c.lapsed:
        silent = world.day - c.last_order > models.lapse_days
        p = (
            sigmoid(predictor(models.comeback, c, world.day, world.weekday) + world.season[0] + pulled)
            if silent
            else 0.0
        )
    elif c.orders == 0:
        p = sigmoid(pulled + rule.first_order - rule.distrust * max(rule.neutral_trust - trust, 0.0))
    else:
        p = sigmoid(predictor(models.repurchase, c, world.day, world.weekday) + world.season[0] + pulled)
    return p * rule.kept_after_deletion if c.contact == Contact.DELETED else p


def purchase(world: ReferenceWorld) -> None:
    for c in world.customers:
        u = world.draws.one("purchase", world.day, c.key)
        ordinary = u < order_chance(world, c)
        if ordinary or buys_at_first_contact(world, c):
            organic = not c.lured if not ordinary else u < hazard(world, c, c.rate, min(max(c.resting_trust, 0.0), 1.0))
            mean = expected_basket(world.models.basket, c, world.day, world.weekday, world.season[1])
            stretch = stretch_of(world.models.basket, c, world.day, world.weekday)
            luck = basket_luck(world.models.basket, world.draws.one("basket", world.day, c.key), stretch)
            gross = max(round(mean * luck), 1)
            source = "purchase" if ordinary else "first_contact"
            world.sales.append((c, sell(world, c, gross, organic, source), organic))


def sell(world: ReferenceWorld, c: Customer, gross: int, organic: bool, source: str) -> int:
    """What comes off by the rules of the till; give the net amount."""
    world.book(c, "order", gross, source)
    world.book(c, "goods", round(gross * (1 - world.spec.margin)), source)
    return take_benefits(world, c, gross, organic)


def take_benefits(world: ReferenceWorld, c: Customer, gross: int, organic: bool) -> int:
    """What remains to pay after coupon and member price."""
    uses, base, member_off = discounts(world, c, gross)
    for held, off in uses:
        world.book(c, "coupon_redeemed", off, held.source)
        book_saving(world, c, off, held.source)
        if organic:
            world.book(c, "subsidised", off, held.source)
    book_member_price(world, c, base, member_off)
    return gross - sum(off for _, off in uses) - member_off


def whole_day(sales: list[tuple[Customer, int, bool]]) -> list[tuple[Customer, int, bool]]:
    """Several orders on one day are one order day."""
    days: dict[int, tuple[Customer, int, bool]] = {}
    for c, net, organic in sales:
        _, before, already = days.get(c.key, (c, 0, False))
        days[c.key] = (c, before + net, already or organic)
    return list(days.values())


def serve(world: ReferenceWorld) -> None:
    """Points, history, experience, and for some the last order for long."""
    rule = world.rules["service"]
    for c, net, organic in whole_day(world.sales):
        world.bought.append((c, net))
        back = c.lapsed
        if back:
            world.book(c, "comeback", 0, "service")
        habit = organic or world.draws.one("habit", world.day, c.key) < rule.habit
        c.remember_order(world.day, net, habit)
        fade = (PRIOR_BASKETS + c.orders - 1) / (PRIOR_BASKETS + c.orders)
        if world.models.knows_rates:
            c.rate *= fade
        if world.models.knows_baskets:
            c.basket *= fade
        c.spend_season += net
        c.resting_trust += rule.experience * (1.0 - c.resting_trust)
        if c.level < Level.BUYER and c.contact != Contact.DELETED:
            world.set_level(c, Level.BUYER)
        if not (habit or back):
            continue
        logit = predictor(world.models.lapse, c, world.day, world.weekday) - world.effects["trust"] * c.goodwill
        c.lapsed = world.draws.one("lapse", world.day, c.key) < sigmoid(logit)
        if c.lapsed:
            world.book(c, "lapse", 0, "service")
    collect(world)
    world.bought.clear()
    have_problems(world)
    world.sales.clear()


# -- update ---------------------------------------------------------------------------------------------------------


def update(world: ReferenceWorld) -> None:
    tomorrow, levels, tiers = world.day + 1, world.rules["trust_levels"], world.rules["value_tiers"]
    if world.contact:
        change_levels(world)
    if tomorrow % levels.every_days == 0:
        review_levels(world)
    if tomorrow % tiers.every_days == 0:
        estimate_tiers(world, world.day % tiers.season_days + 1)
    if tomorrow % tiers.season_days == 0:
        for c in world.customers:
            c.spend_before, c.spend_season = c.spend_season, 0
            c.points_before, c.points_season = c.points_season, 0


def review_levels(world: ReferenceWorld) -> None:
    """A fan likes the brand, a super user buys often and trusts; both can be lost again. One step at a review."""
    rule = world.rules["trust_levels"]
    for c in world.customers:
        often = c.orders >= rule.super_orders and world.day - c.last_order <= rule.super_recency_days
        if not c.here:
            continue
        up, down = not world.learns(f"rise_{c.level}"), not world.learns(f"fall_{c.level}")
        if up and c.level == Level.IN_CONVERSATION and c.trust >= rule.fan_trust:
            world.set_level(c, Level.FAN)
        elif down and c.level == Level.FAN and c.trust < rule.fan_trust - rule.slack:
            world.set_level(c, Level.IN_CONVERSATION)
        elif up and c.level == Level.BUYER and often and c.trust >= rule.super_trust:
            world.set_level(c, Level.SUPER_USER)
        elif down and c.level == Level.SUPER_USER and (not often or c.trust < rule.super_trust - rule.slack):
            world.set_level(c, Level.BUYER)


def estimate_tiers(world: ReferenceWorld, season_day: int) -> None:
    """Tiers by net spend in this season and what of the last one lies within the same span."""
    rule = world.rules["value_tiers"]
    past = 1.0 - season_day / rule.season_days
    spend = {c.key: c.spend_season + past * c.spend_before for c in world.customers}
    buyers = [c for c in world.customers if c.orders > 0 and c.here]
    if rule.cut_offs_cny is not None:
        cuts = [cny * 100 for cny in rule.cut_offs_cny]
    else:
        ranked = sorted(spend[c.key] for c in buyers)
        cuts = [max(quantile(ranked, q), 1.0) for q in (rule.shares[0], rule.shares[0] + rule.shares[1])]
    buyer_keys = {c.key for c in buyers}
    for c in world.customers:
        tier = sum(spend[c.key] >= cut for cut in cuts) if c.key in buyer_keys else 0
        if tier != c.tier:
            c.tier = tier
            world.book(c, "value_tier", tier, "value_tiers")


def quantile(ranked: list[float], q: float) -> float:
    """Linear interpolation between order statistics, from the nearer end as NumPy does it."""
    if not ranked:
        return math.inf
    below, part = divmod((len(ranked) - 1) * q, 1)
    low, high = ranked[int(below)], ranked[min(int(below) + 1, len(ranked) - 1)]
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


# -- churn and observe ----------------------------------------------------------------------------------------------


def churn(world: ReferenceWorld) -> None:
    if world.contact:
        change_contacts(world)
        return
    rule = world.rules["attrition"]
    for c in world.customers:
        u = world.draws.one("attrition", world.day, c.key)
        if c.here and u < rule.delete_per_day * (1.0 - c.trust):
            world.set_contact(c, Contact.DELETED, "delete", "attrition")
        elif c.contact == Contact.MUTED and u < rule.unmute_per_day:
            world.set_contact(c, Contact.CONTACT, "unmute", "attrition")


def observe(world: ReferenceWorld) -> None:
    """The census."""
    if world.day % world.spec.census_days and world.day != world.spec.horizon_days - 1:
        return
    here = [c for c in world.customers if c.here]
    for axis, names, states in (
        ("contact", CONTACTS, [c.contact for c in world.customers]),
        ("level", LEVELS, [c.level for c in here]),
        ("tier", TIERS, [c.tier for c in here if c.orders > 0]),
    ):
        for code, name in enumerate(names):
            world.book_shared("census", states.count(code), f"{axis}.{name}")
    for dimension, classes in world.spec.traits.segments.items():
        for name in classes:
            mine = [c for c in world.customers if c.segments[dimension] == name]
            world.book_shared("census", sum(c.here for c in mine), f"segment.{dimension}.{name}")
            world.book_shared("census", sum(c.orders for c in mine), f"orders.{dimension}.{name}")
    for name, waits in queues(world):
        world.book_shared("census", waits, f"queue.{name}")
    members = sum(c.member_level > 0 or c.card_until >= world.day for c in here)
    world.book_shared("census", members, "member.any")
    for name in world.membership.plans if world.membership and runs(world.membership, world.day) else ():
        holders = sum(c.card_until >= world.day and c.card_plan == name for c in here)
        world.book_shared("census", holders, f"plan.{name}")
