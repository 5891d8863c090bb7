"""Group life: who speaks in a community today, what it does to those who listen, and when a group dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.community import runs_communities
from agents.behaviours.base import Behaviour
from agents.behaviours.mood import warm
from agents.customers import Contact, Level, Sociable
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.behaviours.mood import Rows
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

Floats = NDArray[np.float64]


class GroupLife(Behaviour):
    """Talk makes others talk: a member's hazard of speaking rises with the share of members who spoke lately.

    The hazard is sociability times (own accord + hosting + content + events + contagion x activity), halved for every
    ``load_scale`` adverts that a member carries from the group. Nothing says how long a group lives: without hosts the
    activity falls to what people say of their own accord, and under adverts below that.
    """

    kind = "group_life"
    phase = "respond"

    own_accord: float = parameter(0.002, ge=0, doc="hazard a day of speaking unasked", source="assumed")
    contagion: float = parameter(
        0.4, ge=0, le=5, doc="hazard of speaking per share of members who spoke lately", source="assumed: a mean field"
    )
    hosted: float = parameter(0.025, ge=0, doc="hazard that full hosting adds", source="assumed")
    hosting_hours: float = parameter(
        0.7, gt=0, doc="hours a week that give a group half of full hosting", source="assumed"
    )
    content_spark: float = parameter(
        0.01, ge=0, doc="hazard that a piece of content adds which all members saw", source="assumed"
    )
    event_spark: float = parameter(
        0.1, ge=0, doc="hazard that an event adds to which all members come", source="assumed"
    )
    smoothing_days: float = parameter(7.0, gt=0, doc="half-life of the remembered activity", source="assumed")
    load_days: float = parameter(7.0, gt=0, doc="half-life of the load of adverts in a group", source="assumed")
    load_scale: float = parameter(6.0, gt=0, doc="adverts that halve the talk", source="assumed")
    floor: float = parameter(0.02, ge=0, le=1, doc="activity below which nobody looks any more", source="assumed")
    patience_days: int = parameter(14, ge=1, doc="days below the floor that kill a group", source="assumed")
    usual_activity: float = parameter(
        0.07, gt=0, le=1, doc="activity at which the effect of a community holds",
        source="Nielsen (2006): 1 % speak much, 9 % now and then",
    )  # fmt: skip
    goodwill: float = parameter(
        0.005, ge=0, le=1, doc="share of missing trust that a day of usual activity adds", source="assumed"
    )
    dead_load: float = parameter(
        0.5, ge=0, doc="further fatigue of an advert in a dead group, in adverts", source="assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return runs_communities(policy)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Sociable,)

    def apply(self, world: PrivateDomain) -> None:
        if not len(world.communities):
            return
        spark = self._hear(world)
        spoke = np.zeros(len(world.communities), np.int64)
        hazard = self._hazard(world, spark)
        for chunk in world.chunks():
            member = (world.customers.community[chunk] >= 0) & (world.customers.contact[chunk] == Contact.CONTACT)
            rows = member.nonzero()[0] + chunk.start
            group = world.customers.community[rows]
            living = world.communities.alive[group]
            rows, group = rows[living], group[living]
            self._live(world, rows, group)
            spoke += world.communities.counted(world.customers.community[self._speak(world, rows, hazard[group])])
        self._close_day(world, spoke)

    def _hear(self, world: PrivateDomain) -> Floats:
        """Take note of what was posted in the groups; return what content and events add to the hazard of speaking."""
        groups, c = world.communities, world.customers
        seen = {"advert": np.zeros(len(groups), np.int64), "content": np.zeros(len(groups), np.int64)}
        for message, receivers in world.today.seen:
            if message.kind != "content" and (message.kind, message.medium) != ("advert", "group"):
                continue  # value content is talked about wherever it was read
            for rows in world.pieces(receivers):
                seen[message.kind] += groups.counted(c.community[rows])
                if message.kind == "advert":
                    members = rows[c.community[rows] >= 0]
                    c.fatigue[members[~groups.alive[c.community[members]]]] += np.float32(self.dead_load)
        size = np.maximum(groups.members, 1)
        groups.load = groups.load * 2 ** (-1 / self.load_days) + seen["advert"] / size
        came = np.zeros(len(groups), np.int64)
        for rows in world.today.attended:
            came += groups.counted(c.community[rows])
        spark: Floats = self.content_spark * (seen["content"] / size) + self.event_spark * (came / size)
        return spark

    def _hazard(self, world: PrivateDomain, spark: Floats) -> Floats:
        """Hazard of speaking today of a member of median sociability, by community."""
        groups, hours = world.communities, world.today.group_hours
        hosting = self.hosted * hours / (hours + self.hosting_hours)
        talk = self.own_accord + hosting + spark + self.contagion * groups.activity
        hazard: Floats = talk * np.exp2(-groups.load / self.load_scale)
        return hazard

    def _live(self, world: PrivateDomain, rows: Rows, group: NDArray[np.int32]) -> None:
        """What a day among others does to members: liking, and the wish to buy."""
        c = world.customers
        activity = (world.communities.activity / self.usual_activity)[group]
        warm(world, rows, np.minimum(self.goodwill * activity * c.interest[rows], 1.0))
        c.stimulus[rows] += world.effects["community"] * activity

    def _speak(self, world: PrivateDomain, rows: Rows, hazard: Floats) -> Rows:
        """Rows of those who speak, at their hazard without sociability: a public reaction, which makes strangers
        acquainted."""
        c = world.customers
        u = world.draws.uniform("group.speak", world.day, c.key[rows])
        own = hazard * c.sociability[rows]
        (near,) = (u <= own).nonzero()  # no chance exceeds its hazard
        speaks: Rows = rows[near[u[near] < -np.expm1(-own[near])]]
        world.record("interact", speaks, 0, world.communities.name)
        if not world.learns("rise_0"):
            world.set_level(speaks[c.level[speaks] == Level.STRANGER], Level.ACQUAINTED)
        return speaks

    def _close_day(self, world: PrivateDomain, spoke: NDArray[np.int64]) -> None:
        groups = world.communities
        kept = 2 ** (-1 / self.smoothing_days)
        groups.activity = groups.activity * kept + (1 - kept) * (spoke / np.maximum(groups.members, 1))
        quiet = groups.activity < self.floor
        groups.quiet_days = np.where(quiet, groups.quiet_days + 1, 0)
        (dying,) = (groups.alive & (groups.quiet_days >= self.patience_days)).nonzero()
        groups.alive[dying] = False
        for number in dying.tolist():
            world.ledger.record_shared(world.day, "group_dead", number, groups.name)
