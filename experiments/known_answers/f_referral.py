"""Family F, second part: referral as a Galton-Watson process. Everybody brings a Poisson number of people, once.

With R0 of them on average a cascade has 1 / (1 - R0) members when R0 < 1, its founder included, with variance
R0 / (1 - R0)³. It dies out for certain when R0 ≤ 1, and else with the smallest root s of s = exp(R0 (s - 1)).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw, pdtr

from agents.actions.base import cents
from agents.behaviours.base import Behaviour
from agents.channels import ChannelSpec
from agents.customers import Contact
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Population, Scenario
from experiments.known_answers.family import ALIKE, STRANGERS, UNIT_CNY, Family, Moments
from sim.draws import address, words
from sim.errors import SpecError, nearest
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

FOUNDER_BITS = 20  # the last bits of a key: the founder of the cascade, whose key they are
MOST_PEOPLE = 20_000_000  # that a world may be expected to hold
TAIL = 1e-15  # of the Poisson distribution that no draw reaches


def invited_key(inviter: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keys of those whom these inviters bring: the same person under every policy and seed. Shape (n,).

    A newcomer's key hashes the inviter's and which of their newcomers it is, and keeps the founder's last bits.
    """
    key = np.empty_like(inviter)
    for one in np.unique(number):
        mine = number == one
        state = address(0, f"referral.key.{one}", 0)
        mixed = (words(state, inviter[mine]) >> np.uint64(FOUNDER_BITS + 1)).astype(np.int64)
        key[mine] = (mixed << FOUNDER_BITS) | founder_of(inviter[mine])
    return key


def founder_of(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """Key of the founder of each one's cascade. Shape (n,)."""
    return key & ((1 << FOUNDER_BITS) - 1)


class Referral(Behaviour):
    """The day after joining, and founders on day 0, everybody brings a Poisson number of newcomers."""

    kind = "referral"
    phase = "arrive"

    per_person: float = parameter(ge=0, le=20, doc="R0: newcomers whom one person brings, on average")
    channel: str = parameter("referral", doc="channel under which newcomers are booked")

    def begin(self, world: PrivateDomain) -> None:
        if self.channel not in world.channels:
            raise SpecError(
                f"the scenario has no channel '{self.channel}'",
                place="behaviours.referral.channel",
                cure=nearest(self.channel, world.channels),
            )

    def apply(self, world: PrivateDomain) -> None:
        c, first = world.customers, len(world.customers)
        inviters = np.flatnonzero((c.joined < 0) if world.day == 0 else (c.joined == world.day - 1))
        u = world.draws.uniform("referral", world.day, c.key[inviters])
        # The inverse distribution function: more newcomers on average never send one away.
        brought = np.searchsorted(self.chances(), u, side="right")
        number = np.arange(brought.sum()) - np.repeat(np.cumsum(brought) - brought, brought)
        self._join(world, invited_key(np.repeat(c.key[inviters], brought), number))
        world.today.arrived = np.arange(first, len(world.customers))

    def chances(self) -> NDArray[np.float64]:
        """P(at most n newcomers) for n = 0, 1, … as far as it is below 1."""
        n = np.arange(math.ceil(self.per_person + 12 * math.sqrt(self.per_person) + 20))
        cumulative: NDArray[np.float64] = pdtr(n, self.per_person)
        return cumulative[cumulative < 1 - TAIL]

    def _join(self, world: PrivateDomain, keys: NDArray[np.int64]) -> None:
        if not len(keys):
            return
        traits = world.spec.traits.draw(world.draws, keys, world.customers.DECLARED)
        index = list(world.channels).index(self.channel)
        rows = world.customers.append(
            len(keys), key=keys, joined=world.day, contact=Contact.CONTACT, channel=index, **traits
        )
        world.record("join", np.arange(rows.start, rows.stop), 0, self.channel)


class WelcomeOrder(Behaviour):
    """Everybody orders once, on the day of joining; founders on day 0."""

    kind = "welcome_order"
    phase = "purchase"

    price_cny: float = parameter(gt=0, doc="value of the order, CNY")

    def apply(self, world: PrivateDomain) -> None:
        joined = world.customers.joined
        rows = np.flatnonzero(joined == world.day if world.day else joined <= 0)
        world.sell(rows, np.full(len(rows), cents(self.price_cny)))


class Cascades(Family):
    """Referral among strangers. A model day is a generation, and there is nothing to choose. Values are per founder."""

    per_person: float = parameter(0.8, ge=0, le=20, doc="R0: people whom one brings, on average")
    margin: float = parameter(1.0, gt=0, doc="margin of everybody's only order")

    def scenario(self, *, founders: int, generations: int) -> Scenario:
        """The world up to a generation of newcomers. Raises ValueError when it would outgrow a machine."""
        people = founders * self.exact(generations=generations) / self.margin
        if people > MOST_PEOPLE or founders >= 1 << FOUNDER_BITS:
            raise ValueError(
                f"{founders:,} founders come to {people:,.0f} people in {generations} generations; "
                f"at most {MOST_PEOPLE:,} fit, of {(1 << FOUNDER_BITS) - 1:,} founders; take fewer of either"
            )
        # The channel is a name to book newcomers under: no media reaches anybody through it.
        unreached = ChannelSpec(volume=1, cost_per_reach_cny=1.0, add_rate=0.0)
        return Scenario(
            title="referral",
            horizon_days=generations,
            margin=1.0,
            discount_rate=0.0,
            population=Population(size=founders, level_shares=STRANGERS),
            traits=ALIKE,
            channels={"referral": unreached},
            behaviours={
                "referral": Referral(per_person=self.per_person),
                "welcome_order": WelcomeOrder(price_cny=self.margin * UNIT_CNY),
            },
            only_named_behaviours=True,
            plugins=(__name__,),
        )

    def policy(self) -> Policy:
        """The operator does nothing."""
        return DO_NOTHING

    def exact(self, *, generations: int | None = None) -> float:
        """Expected margin of a cascade up to a generation, or of all of it."""
        return self.moments(generations=generations).mean

    def moments(self, *, generations: int | None = None) -> Moments:
        """Mean and standard deviation of the margin of a cascade."""
        r, mean, variance = self.per_person, 1.0, 0.0
        if generations is None:
            if r >= 1:
                raise ValueError(f"a cascade has no end on average at per_person {r:g}; say how many generations")
            mean, variance = 1 / (1 - r), r / (1 - r) ** 3
        for _ in range(generations or 0):
            # One member and a Poisson number of cascades that are a generation shorter.
            mean, variance = 1 + r * mean, r * (variance + mean**2)
        return Moments(self.margin * mean, self.margin * math.sqrt(variance))

    def extinction(self, *, generations: int | None = None) -> float:
        """Chance that nobody is left to join in a generation, or in the end."""
        r = self.per_person
        if generations is None:
            # s = exp(r (s - 1)) solved by the principal branch of Lambert's W.
            return 1.0 if r <= 1 else float(-lambertw(-r * math.exp(-r)).real / r)
        gone = 0.0
        for _ in range(generations):
            gone = math.exp(r * (gone - 1))
        return gone

    def sizes(self, world: PrivateDomain) -> NDArray[np.int64]:
        """Members of each founder's cascade in a world that was lived, founder included. Shape (founders,)."""
        return np.bincount(founder_of(world.customers.key), minlength=world.spec.population.size)
