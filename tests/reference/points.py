"""Points, customer by customer: earning, taking part, redeeming, expiry and what is owed at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.actions import Points
from agents.customers import Level

from .people import Customer, expected_basket, sigmoid

if TYPE_CHECKING:
    from .world import ReferenceWorld


def keep_points(world: ReferenceWorld, name: str, action: Points) -> None:
    """At the end of a period what was earned before it expires."""
    since = world.day - action.from_day
    if action.expiry_days is None or since <= 0 or since % action.expiry_days:
        return
    for c in world.customers:
        if c.points_old > 0:
            world.book(c, "points_expired", c.points_old, name)
        c.points_old, c.points_new = c.points_new, 0


def earn(world: ReferenceWorld, c: Customer, points: int, source: str) -> None:
    """Credit points, where there is an action that gives them."""
    if world.scheme is None or world.day < world.scheme.from_day or points <= 0:
        return
    c.points_new += points
    c.points_season += points
    world.book(c, "points_earned", points, f"{world.scheme_name}.{source}")


def cost_of(world: ReferenceWorld, points: float) -> int:
    scheme = world.scheme
    share = 1.0 if scheme.reward == "cash" else 1.0 - world.spec.margin
    return round(points * (100 * share / scheme.points_per_cny))


def collect(world: ReferenceWorld) -> None:
    """After the orders of the day are served."""
    rule, scheme = world.rules["points_habits"], world.scheme
    if scheme is None or world.day < scheme.from_day:
        return
    for c, net in world.bought:
        earn(world, c, round(net * (scheme.per_cny * c.points_multiplier) / 100), "spend")
    for c, _ in world.bought:
        if scheme.photo and c.here and does(world, c, "photo", rule.photo, scheme.photo):
            earn(world, c, scheme.photo, "photo")
    for c in world.customers:
        if (scheme.check_in or scheme.reply) and (not c.knows_points or (world.day - scheme.from_day) % 28 == 0):
            look_at_points(world, c)
        if scheme.check_in and c.here and world.draws.one("points.check_in", world.day, c.key) < c.check_in_chance:
            earn(world, c, scheme.check_in, "check_in")
            freshness = 2 ** (-c.fatigue / (rule.fatigue_scale * c.tolerance))
            c.stimulus += rule.seen_as_content * world.effects["content"] * c.interest * freshness
        if scheme.reply and c.here and world.draws.one("points.reply", world.day, c.key) < c.reply_chance:
            earn(world, c, scheme.reply, "reply")
            if c.level == Level.STRANGER and not world.learns("rise_0"):
                world.set_level(c, Level.ACQUAINTED)
        redeem(world, c)


def does(world: ReferenceWorld, c: Customer, act: str, unpaid: float, points: int) -> bool:
    """Whether a customer does what points are given for."""
    return world.draws.one(f"points.{act}", world.day, c.key) < chance_of_act(
        world, c, unpaid, points, hope(world, c)[0]
    )


def chance_of_act(world: ReferenceWorld, c: Customer, unpaid: float, points: int, hoped: float) -> float:
    """Chance of an act of which the points will be redeemed with this chance."""
    rule, fen = world.rules["points_habits"], 100 * hoped * points / world.scheme.points_per_cny
    fen *= rule.goods_worth if world.scheme.reward == "goods" else 1.0
    logit = unpaid + rule.per_interest * math.log(c.interest)
    logit += rule.per_reward * math.log(1 + fen) * c.price_sensitivity
    return sigmoid(logit)


def look_at_points(world: ReferenceWorld, c: Customer) -> None:
    """How often one would take part if points were as good as money; and then, how good they are."""
    rule, scheme = world.rules["points_habits"], world.scheme
    c.knows_points, hoped = True, 1.0
    for _ in range(2):
        c.check_in_chance = chance_of_act(world, c, rule.check_in, scheme.check_in, hoped)
        c.reply_chance = chance_of_act(world, c, rule.reply, scheme.reply, hoped)
        hoped = hope(world, c)[0]


def hope(world: ReferenceWorld, c: Customer) -> tuple[float, float]:
    """Chance that points of this period are redeemed, and those of the last."""
    return _hope(world, c, c.points_multiplier, c.orders, 0)


def hope_of_order(world: ReferenceWorld, c: Customer, multiplier: float) -> float:
    """The first of these as it would be after an order of today."""
    return _hope(world, c, multiplier, c.orders + 1, 1)[0]


def _hope(world: ReferenceWorld, c: Customer, multiplier: float, orders: int, today: int) -> tuple[float, float]:
    scheme = world.scheme
    mean = expected_basket(world.models.basket, c, world.day, world.weekday, world.season[1])
    step, a_day = mean * scheme.per_cny / 100 * multiplier, orders / max(world.day - c.joined, 30)
    acts = c.check_in_chance * scheme.check_in + c.reply_chance * scheme.reply
    soon = late = 3660
    if scheme.expiry_days is not None:
        soon = scheme.expiry_days - 1 - (world.day - scheme.from_day) % scheme.expiry_days
        late = soon + scheme.expiry_days
    chances = []
    for held, days in ((c.points_new, late), (c.points_new + c.points_old, soon)):
        missing = scheme.redeem_from - held - today * step - acts * days
        chances.append(1.0 if missing <= 0 else 0.0 if step <= 0 else poisson_reaches(missing / step, a_day * days))
    return max(chances), chances[1]


def poisson_reaches(steps: float, mean: float) -> float:
    """P(N >= steps) of a Poisson number N, between whole steps as the incomplete gamma function has it: its series."""
    if mean <= 0:
        return 0.0
    if mean > steps + 12 * math.sqrt(mean) + 30:
        return 1.0
    k, term, total = steps, math.exp(steps * math.log(mean) - mean - math.lgamma(steps + 1)), 0.0
    while term > 1e-17 * total or k < mean:
        total, k = total + term, k + 1
        term *= mean / k
    return total


def redeem(world: ReferenceWorld, c: Customer) -> None:
    """A balance that suffices is redeemed all at once, sooner by the price-sensitive."""
    rule, scheme, held = world.rules["points_habits"], world.scheme, c.points_new + c.points_old
    if held < scheme.redeem_from or not c.here:
        return
    tries = c.price_sensitivity * (1.0 if scheme.reward == "cash" else rule.goods_appeal)
    if world.draws.one("points.redeem", world.day, c.key) < 1.0 - (1.0 - rule.redeem_chance) ** tries:
        c.points_new = c.points_old = 0
        world.book(c, "points_redeemed", held, world.scheme_name)
        if cost_of(world, held) > 0:
            world.book(c, "points", cost_of(world, held), world.scheme_name)


def close_points(world: ReferenceWorld, name: str) -> None:
    """Outstanding points of those who are there, at their chance to be redeemed."""
    for c in world.customers:
        if c.here and c.points_new + c.points_old > 0:
            new, old = hope(world, c)
            due = cost_of(world, c.points_new * new + c.points_old * old)
            if due > 0:
                world.book(c, "points", due, f"{name}.outstanding")
