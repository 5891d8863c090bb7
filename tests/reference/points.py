"""Points, customer by customer: earning, taking part, redeeming, expiry and what is owed at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.actions import Points
from agents.customers import Level

from .people import Customer, sigmoid

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
            world.points_gone[1] += c.points_old
        c.points_old, c.points_new = c.points_new, 0


def earn(world: ReferenceWorld, c: Customer, points: int, source: str) -> None:
    """Credit points, where there is an action that gives them."""
    if world.scheme is None or world.day < world.scheme.from_day or points <= 0:
        return
    c.points_new += points
    c.points_season += points
    world.book(c, "points_earned", points, f"{world.scheme_name}.{source}")


def cost_of(world: ReferenceWorld, points: int) -> int:
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
        if scheme.check_in and c.here and does(world, c, "check_in", rule.check_in, scheme.check_in):
            earn(world, c, scheme.check_in, "check_in")
            freshness = 2 ** (-c.fatigue / (rule.fatigue_scale * c.tolerance))
            c.stimulus += rule.seen_as_content * world.effects["content"] * c.interest * freshness
        if scheme.reply and c.here and does(world, c, "reply", rule.reply, scheme.reply):
            earn(world, c, scheme.reply, "reply")
            if c.level == Level.STRANGER and not world.learns("rise_0"):
                world.set_level(c, Level.ACQUAINTED)
        redeem(world, c)


def does(world: ReferenceWorld, c: Customer, act: str, unpaid: float, points: int) -> bool:
    """Whether a customer does what points are given for."""
    rule, fen = world.rules["points_habits"], 100 * points / world.scheme.points_per_cny
    logit = unpaid + rule.per_interest * math.log(c.interest)
    logit += rule.per_reward * math.log(1 + fen) * c.price_sensitivity
    return world.draws.one(f"points.{act}", world.day, c.key) < sigmoid(logit)


def redeem(world: ReferenceWorld, c: Customer) -> None:
    """A balance that suffices is redeemed all at once, sooner by the price-sensitive."""
    rule, scheme, held = world.rules["points_habits"], world.scheme, c.points_new + c.points_old
    if held < scheme.redeem_from or not c.here:
        return
    tries = c.price_sensitivity * (1.0 if scheme.reward == "cash" else rule.goods_appeal)
    if world.draws.one("points.redeem", world.day, c.key) < 1.0 - (1.0 - rule.redeem_chance) ** tries:
        c.points_new = c.points_old = 0
        world.book(c, "points_redeemed", held, world.scheme_name)
        world.points_gone[0] += held
        if cost_of(world, held) > 0:
            world.book(c, "points", cost_of(world, held), world.scheme_name)


def close_points(world: ReferenceWorld, name: str) -> None:
    """Outstanding points at what is expected to be redeemed of them, judged by those that are gone."""
    redeemed, expired = world.points_gone
    share = redeemed / (redeemed + expired) if redeemed + expired else 1.0
    for c in world.customers:
        due = round(cost_of(world, c.points_new + c.points_old) * share)
        if due > 0:
            world.book(c, "points", due, f"{name}.outstanding")
