"""Points in customers' hands: who collects them, for what, and who redeems them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.behaviours.mood import pull
from agents.customers import Level, is_contact
from agents.models.hazard import sigmoid
from agents.points_book import balance, chances_to_redeem, earn, earn_for
from agents.till import whole_day
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.actions.points import Points
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
UNKNOWN = -1.0  # a chance that was not looked up yet
LOOK_EVERY = 28  # days after which one looks again whether points will ever be of use: assumed


class Habits(Columns):
    """Columns of customers who collect points. A chance follows from traits, the reward and how far one gets."""

    check_in_chance = column("f4", UNKNOWN, unit="probability", doc="chance a day of a check-in", access="latent")
    reply_chance = column("f4", UNKNOWN, unit="probability", doc="chance a day of a public reply", access="latent")


class PointsHabits(Behaviour):
    """Orders earn points; some check in, post a photo or reply in public, and redeem when the balance suffices.

    The log-odds of such an act rise with interest, and with what it pays, the more so the more price-sensitive one is:
    bargain hunters do it for the points. It pays by the chance that the points will ever be redeemed, so that a
    threshold keeps away whom it leaves no hope, and by what the reward is worth to them: goods, which cost less than
    cash, are worth less too. An act that is not rewarded is not followed.
    """

    kind = "points_habits"
    phase = "serve"

    check_in: float = parameter(-4.0, doc="log-odds a day of a check-in, unpaid", source="assumed")
    photo: float = parameter(-5.0, doc="log-odds of a photo after an order, unpaid", source="assumed")
    reply: float = parameter(-7.0, doc="log-odds a day of a public reply, unpaid", source="assumed")
    per_interest: float = parameter(1.0, ge=0, doc="log-odds per unit of log interest", source="assumed")
    per_reward: float = parameter(
        0.5, ge=0, doc="log-odds per unit of log(1 + cents that an act pays), at median price sensitivity",
        source="assumed",
    )  # fmt: skip
    seen_as_content: float = parameter(
        0.5, ge=0, le=5, doc="pull of a check-in on orders, in pieces of content", source="assumed"
    )
    fatigue_scale: float = parameter(
        4.0, gt=0, doc="messages' worth of fatigue that halve this pull", source="assumed: as of messages"
    )
    redeem_chance: float = parameter(
        0.1, ge=0, le=1, doc="chance a day to redeem a balance that suffices, at median price sensitivity",
        source="assumed",
    )  # fmt: skip
    goods_appeal: float = parameter(
        0.7, ge=0, le=1, doc="tries of redemption that goods are worth, cash being 1", source="assumed"
    )

    goods_worth: float = parameter(
        0.8, ge=0, le=1, doc="worth of goods to who gets them for points, in units of their price",
        source="Waldfogel (1993): gifts are valued at 71 to 90 % of their cost",
    )  # fmt: skip

    def worth_of_reward(self, scheme: Points | None) -> float:
        """What face value is worth to customers, by what points are paid out in."""
        return self.goods_worth if scheme is not None and scheme.reward == "goods" else 1.0

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        schemes = [action for action in policy.actions.values() if action.kind == "points"]
        return any(getattr(scheme, field) for scheme in schemes for field in scheme.off)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Habits,)

    def apply(self, world: PrivateDomain) -> None:
        scheme = world.scheme
        if scheme is None or not scheme.runs(world.day):
            return
        sale = whole_day(world.today.sales)
        if sale:
            self._pay_for_orders(world, scheme, sale.rows, sale.net)
            if scheme.photo:
                self._photos(world, scheme, sale.rows)
        if scheme.check_in or scheme.reply:
            for chunk in world.chunks():
                self._get_to_know(world, scheme, chunk)
        if scheme.check_in:
            self._check_in(world)
        if scheme.reply:
            self._reply(world)
        self._redeem(world, scheme)

    def _pay_for_orders(self, world: PrivateDomain, scheme: Points, rows: Rows, net: NDArray[np.int64]) -> None:
        c, rate = world.customers, np.full(len(rows), scheme.per_cny)
        if "points_multiplier" in c.DECLARED:
            rate *= c.points_multiplier[rows]
        earn(world, rows, np.rint(net * rate / 100).astype(np.int64), "spend")

    def _photos(self, world: PrivateDomain, scheme: Points, rows: Rows) -> None:
        rows = rows[is_contact(world.customers.contact[rows])]
        u, pays = (
            world.draws.uniform("points.photo", world.day, world.customers.key[rows]),
            scheme.photo / scheme.points_per_cny * world.reward_worth,
        )
        near = u <= self._chance(world, rows, self.photo, pays)  # hope can only lower it
        rows, u = rows[near], u[near]
        hope, _ = chances_to_redeem(world, rows)
        earn_for(world, rows[u < self._chance(world, rows, self.photo, hope * pays)], "photo")

    def _check_in(self, world: PrivateDomain) -> None:
        c = world.customers
        found = [np.empty(0, np.intp)]
        for chunk in world.chunks():
            u = world.draws.uniform("points.check_in", world.day, c.key[chunk])
            found.append((u < c.check_in_chance[chunk]).nonzero()[0] + chunk.start)
        rows = np.concatenate(found)
        rows = rows[is_contact(world.customers.contact[rows])]
        earn_for(world, rows, "check_in")
        interest = c.interest[rows].astype(np.float64)
        pull(world, rows, self.seen_as_content * world.effects["content"] * interest, self.fatigue_scale)

    def _reply(self, world: PrivateDomain) -> None:
        c = world.customers
        found = [np.empty(0, np.intp)]
        for chunk in world.chunks():
            chance = c.reply_chance[chunk]
            near, u = world.draws.below("points.reply", world.day, c.key[chunk], float(chance.max()))
            found.append(near[u < chance[near]] + chunk.start)
        rows = np.concatenate(found)
        rows = rows[is_contact(world.customers.contact[rows])]
        earn_for(world, rows, "reply")
        if not world.learns("rise_0"):  # a reply in public is what makes an acquaintance
            world.set_level(rows[c.level[rows] == Level.STRANGER], Level.ACQUAINTED)

    def _get_to_know(self, world: PrivateDomain, scheme: Points, chunk: slice) -> None:
        """Work out the chances of those who are new, and now and then of everybody.

        Who would reach the threshold by acts that pay in full, beside the orders, is drawn by what they pay.
        """
        c = world.customers
        if (world.day - scheme.from_day) % LOOK_EVERY == 0:
            rows = np.arange(chunk.start, chunk.stop)
        else:
            rows = (c.check_in_chance[chunk] < 0).nonzero()[0] + chunk.start
        if not len(rows):
            return
        for again in (False, True):
            hope: Floats | float = chances_to_redeem(world, rows)[0] if again else 1.0
            pays = hope / scheme.points_per_cny * world.reward_worth
            c.check_in_chance[rows] = self._chance(world, rows, self.check_in, scheme.check_in * pays)
            c.reply_chance[rows] = self._chance(world, rows, self.reply, scheme.reply * pays)

    def _chance(self, world: PrivateDomain, rows: Rows, unpaid: float, reward_cny: Floats | float) -> Floats:
        """Chance of an act that pays so much. Shape (n,)."""
        c = world.customers
        logit = unpaid + self.per_interest * np.log(c.interest[rows].astype(np.float64))
        logit += self.per_reward * np.log1p(100 * reward_cny) * c.price_sensitivity[rows]
        return sigmoid(logit)

    def _redeem(self, world: PrivateDomain, scheme: Points) -> None:
        c = world.customers
        found = [np.empty(0, np.intp)]
        for chunk in world.chunks():
            # The sum of both balances may not fit into four bytes, and the difference does.
            found.append((c.points_new[chunk] >= scheme.redeem_from - c.points_old[chunk]).nonzero()[0] + chunk.start)
        rows = np.concatenate(found)
        rows = rows[is_contact(world.customers.contact[rows])]
        if not len(rows):
            return
        tries = c.price_sensitivity[rows].astype(np.float64) * (1.0 if scheme.reward == "cash" else self.goods_appeal)
        chance = 1.0 - (1.0 - self.redeem_chance) ** tries
        rows = rows[world.draws.uniform("points.redeem", world.day, c.key[rows]) < chance]
        held = balance(world, rows)
        c.points_new[rows] = 0
        c.points_old[rows] = 0
        world.record("points_redeemed", rows, held, world.scheme_name)
        cost = scheme.cost_cents(world, held)
        world.record("points", rows[cost > 0], cost[cost > 0], world.scheme_name)
