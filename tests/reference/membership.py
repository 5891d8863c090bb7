"""The programme of membership, member by member: levels, plans, benefits, experts, packages for firms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.actions import Membership, Points
from agents.actions.plans import Benefit, MemberTier, Plan
from agents.coupon_book import CouponTerms
from agents.customers import NEVER, Contact
from agents.membership_gifts import EXPERT_MINUTES

from .coupons import give as hand_over
from .operator import RULES, Message, addressed
from .people import Customer, chance_above, expected_basket, normal, single, stretch_of, whole_cents
from .points import hope_of_order, keep_points
from .service import put_to_work, whole

if TYPE_CHECKING:
    from .world import ReferenceWorld

MONTH = 30


@dataclass
class Offer:
    """A customer to whom plans are open today, by name."""

    customer: Customer
    plans: list[str]


def runs(action: Membership, day: int) -> bool:
    until = action.calendar.until_day
    return day >= action.calendar.from_day and (until is None or day <= until)


def run_programme(world: ReferenceWorld, name: str, action: Membership) -> None:
    hours = pay_experts(world, name, action)
    if not runs(action, world.day):
        if world.day > action.calendar.from_day and runs(action, world.day - 1):
            end_programme(world, name, action)
        return
    last_day = world.day == world.spec.horizon_days - 1
    ended = [c for c in world.customers if c.card_until == world.day - 1]
    for c in ended:
        settle(world, c, action, name)
    due = action.calendar.times(world.day, world.date) > 0
    if due:
        for c in world.customers:
            review(world, c, action, name)
    if action.plans and not last_day:
        offer_plans(world, action, due, ended)
    for c in world.customers:
        set_benefits(c, action, world.day)
    give_benefits(world, name, action)
    for c in world.customers:
        pay_back(world, c, action, name)
    advise(world, name, action, hours)


def close_cards(world: ReferenceWorld) -> None:
    """After the last day, its orders included: cards that still run give back what is not earned."""
    for name, action in world.policy.actions.items():
        if isinstance(action, Membership) and action.plans:
            for c in world.customers:
                close_the_books(world, c, action, name, world.day)


def end_programme(world: ReferenceWorld, name: str, action: Membership) -> None:
    """Nothing is left of a programme that is over; members are paid what they are owed."""
    for c in world.customers:
        if c.card_until == world.day - 1:
            settle(world, c, action, name)
        close_the_books(world, c, action, name, world.day - 1)
        c.card_until = NEVER
        if c.member_level > 0:
            c.member_level = 0
            world.book(c, "member_level", 0, name)
        set_benefits(c, action, world.day)


def settle(world: ReferenceWorld, c: Customer, action: Membership, name: str) -> None:
    """A card that ended yesterday: give back what was saved less than the fee."""
    plan = action.plans[c.card_plan]
    due = whole_cents(plan.fee_cny) - c.card_saved
    if plan.refund_if_not_saved and due > 0:
        world.book(c, "refund", due, f"{name}.{c.card_plan}")
    c.card_until = NEVER


def close_the_books(world: ReferenceWorld, c: Customer, action: Membership, name: str, last_day: int) -> None:
    """A card that still runs gives back what is not earned yet, and what was promised."""
    if c.card_until < world.day:
        return
    plan = action.plans[c.card_plan]
    fee = whole_cents(plan.fee_cny)
    unearned = round(fee * (c.card_until - last_day) / plan.term_days)
    short = max(fee - unearned - c.card_saved, 0) if plan.refund_if_not_saved else 0
    if unearned + short > 0:
        world.book(c, "refund", unearned + short, f"{name}.{c.card_plan}")


def review(world: ReferenceWorld, c: Customer, action: Membership, name: str) -> None:
    """Free levels by net spend, or by points earned, in this season or the last."""
    if not action.tiers:
        return
    level = 0
    for tier in action.tiers:
        if tier.threshold_points is None:
            reached = max(c.spend_season, c.spend_before) >= whole_cents(tier.threshold_cny or 0.0)
        else:
            reached = max(c.points_season, c.points_before) >= round(tier.threshold_points)
        level += reached
    if c.orders == 0 or not c.here:
        level = 0
    if level != c.member_level:
        c.member_level = level
        world.book(c, "member_level", level, name)


def offer_plans(world: ReferenceWorld, action: Membership, due: bool, ended: list[Customer]) -> None:
    """On the calendar to whoever is meant and holds none; after a trial the full plan at once."""
    meant = {
        name: {c.key for c in addressed(world, plan.audience or action.audience)} for name, plan in action.plans.items()
    }
    just_ended = {c.key for c in ended}
    for c in world.customers:
        last = action.plans[c.card_plan].trial_of if c.card_plan else None
        open_to = [
            name
            for name, plan in action.plans.items()
            if (due and c.key in meant[name] and c.card_until < world.day and not (plan.trial_of and c.tried))
            or (c.key in just_ended and c.here and name == last)
        ]
        if open_to:
            world.offers.append(Offer(c, open_to))


def level_price(c: Customer, action: Membership) -> float:
    return single(action.tiers[c.member_level - 1].discount) if c.member_level else 0.0


def level_multiplier(c: Customer, action: Membership) -> float:
    return action.tiers[c.member_level - 1].points_multiplier if c.member_level else 1.0


def set_benefits(c: Customer, action: Membership, day: int) -> None:
    """The better of level and plan counts. Whoever is not a member earns points at the base rate."""
    price, points = level_price(c, action), level_multiplier(c, action)
    if c.card_until >= day:
        plan = action.plans[c.card_plan]
        price, points = max(price, plan.discount), max(points, plan.points_multiplier)
    c.member_price, c.points_multiplier = price, points


def sell_plan(world: ReferenceWorld, c: Customer, action: Membership, name: str) -> None:
    plan = action.plans[name]
    c.card_plan, c.card_until, c.card_saved, c.card_orders = name, world.day + plan.term_days - 1, 0, 0
    c.tried = c.tried or plan.trial_of is not None
    world.book(c, "fee", whole_cents(plan.fee_cny), f"{world.programme}.{name}")
    set_benefits(c, action, world.day)


# -- benefits and experts -------------------------------------------------------------------------------------------


def give_benefits(world: ReferenceWorld, name: str, action: Membership) -> None:
    """Levels on the programme's own months; holders in months counted from the day after buying."""
    month = (world.day - action.calendar.from_day) % MONTH == 0
    for c in world.customers:
        if not c.here:
            continue
        if month and c.member_level:
            give(world, c, action.tiers[c.member_level - 1].benefits, name)
            give_vouchers(world, c, action.tiers[c.member_level - 1], name)
        if c.card_until >= world.day:
            plan = action.plans[c.card_plan]
            bought = c.card_until - plan.term_days + 1
            if (world.day - bought - 1) % MONTH == 0:
                cost = give(world, c, plan.benefits, f"{name}.{c.card_plan}")
                partner_pays(world, c, plan, cost)
                give_vouchers(world, c, plan, f"{name}.{c.card_plan}")


def give(world: ReferenceWorld, c: Customer, benefits: dict[str, Benefit], source: str) -> int:
    cost = sum(whole_cents(benefit.cost_cny) for benefit in benefits.values())
    if cost:
        world.book(c, "benefit", cost, source)
        world.gifts.append((c, cost))
    return cost


def give_vouchers(world: ReferenceWorld, c: Customer, part: MemberTier | Plan, source: str) -> None:
    for number, voucher in enumerate(part.vouchers, start=1):
        terms = CouponTerms(
            off_cents=whole_cents(voucher.off_cny), minimum_cents=whole_cents(voucher.minimum_spend_cny),
            valid_days=voucher.valid_days, slot=f"voucher{number}", sure=True,
        )  # fmt: skip
        hand_over(world, c, terms, source)


def pay_back(world: ReferenceWorld, c: Customer, action: Membership, name: str) -> None:
    """The cashback voucher of yesterday's order, for whoever still is a contact and last held that plan."""
    plan = action.plans.get(c.card_plan)
    if c.cashback_due > 0 and c.here and plan and plan.cashback:
        days = plan.cashback.valid_days
        terms = CouponTerms(off_cents=c.cashback_due, valid_days=days, slot="cashback", sure=True)
        hand_over(world, c, terms, f"{name}.{c.card_plan}")
    c.cashback_due = 0


def partner_pays(world: ReferenceWorld, c: Customer, plan: Plan, cost: int) -> None:
    if round(cost * plan.partner_share) > 0:
        world.book(c, "partner", round(cost * plan.partner_share), f"{world.programme}.{c.card_plan}")


def pay_experts(world: ReferenceWorld, name: str, action: Membership) -> float:
    """Hours that the experts of all plans work today."""
    if not any(plan.expert_hours_per_week for plan in action.plans.values()):
        return 0.0
    return put_to_work(world, name)


def advise(world: ReferenceWorld, name: str, action: Membership, hours: float) -> None:
    """As many holders as there is time for, those with the smallest draw first."""
    asked = sum(plan.expert_hours_per_week for plan in action.plans.values())
    after = world.worked.get(name, 0.0)
    for plan_name, plan in action.plans.items():
        part = plan.expert_hours_per_week / asked * 60 / EXPERT_MINUTES if asked else 0.0
        k, source = whole(after * part) - whole((after - hours) * part), f"{name}.{plan_name}"
        if not k:
            continue
        holds = [c for c in world.customers if c.card_until >= world.day and c.card_plan == plan_name]
        holds = [c for c in holds if c.contact == Contact.CONTACT]
        first = sorted(holds, key=lambda c: world.draws.one(f"expert.{source}", world.day, c.key))[:k]
        met = {c.key for c in first}
        world.outbox.append(Message("chat", [c for c in holds if c.key in met], source, 0.0, f"{source}.0"))


# -- what customers do ----------------------------------------------------------------------------------------------


def be_grateful(world: ReferenceWorld) -> None:
    """A gift adds a share of the trust that is missing."""
    for c, cost in world.gifts:
        c.goodwill += (1.0 - (1.0 - world.rules["gratitude"].per_cny) ** (cost / 100)) * (1.0 - c.trust)
    world.gifts.clear()


def choose_plans(world: ReferenceWorld) -> None:
    """The plan of the highest utility with its own luck, or none."""
    action = world.membership
    for offer in world.offers:
        if action is None:
            break
        c = offer.customer
        best, best_value = None, luck(world, "card.none", c)
        for name in offer.plans:
            value = utility(world, action, c, name, offer.plans) + luck(world, f"card.{name}", c)
            if value > best_value:
                best, best_value = name, value
        if best:
            sell_plan(world, c, action, best)
    world.offers.clear()


def luck(world: ReferenceWorld, decision: str, c: Customer) -> float:
    return -math.log(-math.log(world.draws.one(decision, world.day, c.key)))


def utility(world: ReferenceWorld, action: Membership, c: Customer, name: str, in_view: list[str]) -> float:
    """How much better than none a plan looks beside the others."""
    rule, plan = world.rules["card_choice"], action.plans[name]
    orders = c.orders / max(world.day - c.joined, 30) * plan.term_days
    if plan.orders is not None:
        orders = min(orders, plan.orders)
    basket = expected_basket(world.models.basket, c, world.day, world.weekday, world.season[1])
    gain = max(plan.discount - level_price(c, action), 0.0)
    if world.points_share:
        free = level_multiplier(c, action)
        better = max(plan.points_multiplier, free)
        more = better * hope_of_order(world, c, better) - free * hope_of_order(world, c, free)
        gain += world.points_share * max(more, 0.0)
    benefits = sum(benefit.cost_cny for benefit in plan.benefits.values()) * 100 * plan.term_days / MONTH
    saving = orders * basket * gain + rule.benefit_worth * benefits + vouchers_worth(world, c, plan, basket)
    fee = max(plan.fee_cny * 100, 1.0)
    worth = math.log(max(saving, 1.0) / fee)
    if plan.refund_if_not_saved and worth < 0:
        worth *= 1 - rule.refund_trusted
    found = rule.at_par + rule.per_log_ratio * worth * c.price_sensitivity
    found -= rule.outlay * max(math.log(fee / basket), 0.0)
    paid = [action.plans[n] for n in in_view if action.plans[n].trial_of is None and action.plans[n].fee_cny > 0]
    if plan in paid:
        mean = sum(math.log(other.fee_cny * 100) for other in paid) / len(paid)
        found += rule.reference * min(mean - math.log(fee), math.log(rule.reference_reach))
    return found


def vouchers_worth(world: ReferenceWorld, c: Customer, plan: Plan, basket: float) -> float:
    """What vouchers and cashback are expected to take off, an order using one of them."""
    rate, worth = c.orders / max(world.day - c.joined, 30), 0.0
    for voucher in plan.vouchers:
        reached, minimum = 1.0, whole_cents(voucher.minimum_spend_cny)
        if minimum > 0:
            stretch = stretch_of(world.models.basket, c, world.day, world.weekday)
            reached = chance_above(world.models.basket, minimum / basket, stretch)
        used = min(rate * MONTH / len(plan.vouchers), 1.0)
        worth += plan.term_days / MONTH * used * whole_cents(voucher.off_cny) * reached
    if plan.cashback:
        in_time = 1.0 - math.exp(-rate * plan.cashback.valid_days)
        worth += rate * plan.term_days * basket * plan.cashback.share * in_time
    return worth


def buy_packages(world: ReferenceWorld) -> None:
    """A few buy for a firm: the dearest package within the budget of the day."""
    rule, action = world.rules["firm_deals"], world.membership
    if action is None or not action.packages or not runs(action, world.day):
        return
    for c in world.customers:
        if not c.here or world.draws.one("firm.deal", world.day, c.key) >= rule.deals_per_year / 365:
            continue
        if world.draws.one("trait.firm", 0, c.key) >= rule.firm_share:
            continue
        sd = rule.budget_log_sd
        budget = rule.budget_cny * math.exp(sd * normal(world.draws, "firm.budget", world.day, c.key))
        within = [name for name, package in action.packages.items() if package.price_cny <= budget]
        if within:
            name = max(within, key=lambda n: action.packages[n].price_cny)
            world.book(c, "package", whole_cents(action.packages[name].price_cny), f"{world.programme}.{name}")
            world.book(c, "goods", whole_cents(action.packages[name].cost_cny), f"{world.programme}.{name}")


def book_member_price(world: ReferenceWorld, c: Customer, base: int, off: int) -> None:
    """What membership takes off an order; what a card takes off beyond the free level was saved with it."""
    action = world.membership
    holds = action is not None and c.card_until >= world.day
    if off > 0:
        world.book(c, "member_discount", off, f"{world.programme}.{c.card_plan}" if holds else world.programme)
    if holds:
        plan = action.plans[c.card_plan]
        partner_pays(world, c, plan, off)
        if plan.cashback:
            c.cashback_due += round((base - off) * plan.cashback.share)
        c.card_saved += max(off - round(base * level_price(c, action)), 0)
        c.card_orders += 1
        if plan.orders is not None and c.card_orders >= plan.orders:
            c.card_until = world.day


def book_saving(world: ReferenceWorld, c: Customer, off: int, source: str) -> None:
    """A voucher of the running plan was saved with it."""
    action = world.membership
    if action is not None and c.card_until >= world.day and source == f"{world.programme}.{c.card_plan}":
        c.card_saved += off
        partner_pays(world, c, action.plans[c.card_plan], off)


RULES |= {Membership: run_programme, Points: keep_points}
