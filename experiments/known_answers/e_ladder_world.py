"""The world of family E: activities by trust level, orders, departures and steps on the ladder, week by week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from agents.actions.base import ScheduledAction, cents
from agents.behaviours.base import Behaviour
from agents.customers import LEVELS, Contact
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

Activity = Literal["none", "content", "chat", "coupon", "event"]
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
COUPON = ACTIVITIES.index("coupon")
SENT_AS = {"content": "content", "chat": "chat", "coupon": "advert", "event": "advert"}  # kinds of message

Chance = Annotated[float, Field(ge=0, le=1)]
Row = tuple[Chance, Chance, Chance, Chance, Chance]
"""Chances after a week of each activity, in the order of ``ACTIVITIES``."""


class LevelCare(Spec):
    """What customers of one level get in a week."""

    action: Activity = parameter("none", doc="activity for a share of the customers, drawn anew each week")
    share: float = parameter(1.0, ge=0, le=1, doc="chance that a customer gets this activity")
    otherwise: Activity = parameter("none", doc="activity for the others")


class CareByLevel(Spec):
    """Care for each trust level."""

    L0: LevelCare = parameter(LevelCare(), doc="strangers")
    L1: LevelCare = parameter(LevelCare(), doc="the acquainted")
    L2: LevelCare = parameter(LevelCare(), doc="those in conversation")
    L3: LevelCare = parameter(LevelCare(), doc="fans")
    L4: LevelCare = parameter(LevelCare(), doc="buyers")
    L5: LevelCare = parameter(LevelCare(), doc="super users")

    def values(self) -> tuple[LevelCare, ...]:
        """Care for L0 … L5."""
        return tuple(getattr(self, level) for level in LEVELS)


class ActivityCosts(Spec):
    """Cost of each activity for one customer."""

    content: float = parameter(ge=0, doc="a week of content, CNY")
    chat: float = parameter(ge=0, doc="a week of chat, CNY")
    coupon: float = parameter(ge=0, doc="a coupon handed out, CNY")
    event: float = parameter(ge=0, doc="an event, CNY")


class LadderCare(ScheduledAction):
    """An activity for each customer, by trust level. Costs are booked under the action's name, a dot, the activity."""

    kind = "ladder_care"
    single = True
    off: ClassVar[dict[str, Any]] = {
        f"levels.{level}.{name}": value
        for level in LEVELS
        for name, value in (("action", "none"), ("share", 0.0), ("otherwise", "none"))
    }

    levels: CareByLevel = parameter(doc="who gets what")
    cost_cny: ActivityCosts = parameter(doc="costs of the activities")

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.calendar.times(world.day, world.date):
            return
        c, plan = world.customers, self.levels.values()
        rows = np.flatnonzero(self.audience.mask(c, world.day))
        level, share = c.level[rows], np.array([one.share for one in plan])
        first, second = (np.array([ACTIVITIES.index(getattr(one, n)) for one in plan]) for n in ("action", "otherwise"))
        u = world.draws.uniform(f"{self.kind}.{name}", world.day, c.key[rows])
        given = np.where(u < share[level], first[level], second[level])
        for code, activity in enumerate(ACTIVITIES):
            if activity != "none":
                cost = getattr(self.cost_cny, activity)
                world.send(SENT_AS[activity], rows[given == code], f"{name}.{activity}", cost)


class LadderPurchase(Behaviour):
    """Once a week what was sent is received, and every contact may order."""

    kind = "ladder_purchase"
    phase = "purchase"

    buy: tuple[Row, ...] = parameter(min_length=1, max_length=len(LEVELS), doc="chance of an order, by level")
    margin_cny: float = parameter(ge=0, doc="worth of an order, CNY")
    coupon_margin_cny: float = parameter(ge=0, doc="worth of an order with a coupon, CNY")
    week_days: int = parameter(7, ge=1, doc="days that stand for a week")

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.week_days:
            return
        c = world.customers
        for message in world.today.outbox:
            cost = message.cents(world.day, c.key[message.rows])
            booked = "chat" if message.kind == "chat" else f"message_{message.kind}"
            world.record(booked, message.rows, cost, message.source)
        world.today.seen = [(message, message.rows) for message in world.today.outbox]
        rows = np.flatnonzero((c.contact == Contact.CONTACT) & (c.level < len(self.buy)))
        given = received(world)[rows]
        u = world.draws.uniform("ladder_purchase", world.day, c.key[rows])
        buys = u < np.array(self.buy)[c.level[rows], given]
        worth = np.where(given[buys] == COUPON, cents(self.coupon_margin_cny), cents(self.margin_cny))
        world.sell(rows[buys], worth.astype(np.int64))


class LadderMoves(Behaviour):
    """Once a week a contact leaves or stays, and who stays may rise or fall by a trust level."""

    kind = "ladder_moves"
    phase = "churn"

    up: tuple[Row, ...] = parameter(min_length=1, max_length=len(LEVELS), doc="chance of rising of who stays, by level")
    churn: tuple[Row, ...] = parameter(min_length=1, max_length=len(LEVELS), doc="chance of leaving, by level")
    down: tuple[Chance, ...] = parameter(
        min_length=1, max_length=len(LEVELS), doc="chance of falling of who stays, by level"
    )
    week_days: int = parameter(7, ge=1, doc="days that stand for a week")

    @model_validator(mode="after")
    def _ladder(self) -> Self:
        check_ladder(self.up, self.churn, self.down)
        return self

    def apply(self, world: PrivateDomain) -> None:
        if world.day % self.week_days:
            return
        c = world.customers
        rows = np.flatnonzero((c.contact == Contact.CONTACT) & (c.level < len(self.up)))
        given, level = received(world)[rows], c.level[rows]
        leaves = world.draws.uniform("ladder_churn", world.day, c.key[rows]) < np.array(self.churn)[level, given]
        world.set_contact(rows[leaves], Contact.DELETED, "delete", self.kind)
        rows, given, level = rows[~leaves], given[~leaves], level[~leaves]
        u = world.draws.uniform("ladder_step", world.day, c.key[rows])
        rises, falls = u < np.array(self.up)[level, given], u >= 1 - np.array(self.down)[level]
        for to in range(len(self.up)):
            world.set_level(rows[(rises & (level == to - 1)) | (falls & (level == to + 1))], to)


def received(world: PrivateDomain) -> NDArray[np.int8]:
    """Index of the activity that each customer received today, ``none`` by default. Shape (n,)."""
    given = np.zeros(len(world.customers), np.int8)
    for message, rows in world.today.seen:
        activity = message.source.rpartition(".")[2]
        if activity in ACTIVITIES:
            given[rows] = ACTIVITIES.index(activity)
    return given


def check_ladder(up: Sequence[Row], churn: Sequence[Row], down: Sequence[float]) -> None:
    """Raise ValueError unless the tables belong to one ladder and chances of rising and falling fit together."""
    if not len(up) == len(churn) == len(down):
        raise ValueError(
            f"up has {len(up)} levels, churn {len(churn)} and down {len(down)}; give one row for each level"
        )
    if down[0] > 0:
        raise ValueError(f"nobody falls below L0: down[0] must be 0 (got {down[0]:g})")
    if max(up[-1]) > 0:
        raise ValueError(f"nobody rises above the last level: its row of up must be 0 (got {up[-1]})")
    for level, (row, fall) in enumerate(zip(up, down, strict=True)):
        if max(row) + fall > 1:
            raise ValueError(f"L{level}: up {max(row):g} and down {fall:g} add up to more than 1; lower one")
