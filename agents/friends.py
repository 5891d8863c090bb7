"""The social graph: the friends whom each person has outside the pool, a pure function of the person's key.

Friend j of customer k is the same person under every policy: who exists never depends on who is asked. A friend's key
is ``FRIENDS`` plus a hash of (k, j) of 61 bits, whose place is not used by any other kind of person, and one bit that
says whether the friend hunts bargains. Two of n friends share a key with a chance of about n² / 2^62: one in fifty
thousand for ten million friends. Friends have friends of their own in the same way, so the graph is a forest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from agents.customers import Sociable
from agents.keys import FRIENDS
from agents.segments import drawn
from sim.columns import column
from sim.draws import GOLDEN, address, words
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.customers import Customers
    from agents.domain import PrivateDomain

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]
Rows = NDArray[np.intp]


class SocialGraph(Spec):
    """Whom customers know and how much alike friends are. It belongs to the world; a policy decides who is asked."""

    friends: float = parameter(
        6.0, ge=0, le=500, doc="friends who could be won, of somebody of median sociability", source="assumed"
    )
    likeness: float = parameter(
        0.3, ge=0, lt=1, doc="correlation of friends' traits",
        source="assumed; friends are alike: McPherson, Smith-Lovin & Cook (2001)",
    )  # fmt: skip
    hunters_likeness: float = parameter(
        0.4, ge=0, lt=1, doc="correlation of hunting bargains between friends: hunters have groups of their own",
        source="assumed",
    )  # fmt: skip
    same_group: float = parameter(
        0.8,
        ge=0,
        le=1,
        doc="share of friends in the same group of interest",
        source="S0 names the groups; share assumed",
    )
    same_segment: float = parameter(
        0.6, ge=0, le=1, doc="share of friends in the same classes of all segments (region, age band)",
        source="assumed; friends are alike in age and live near: McPherson, Smith-Lovin & Cook (2001)",
    )  # fmt: skip
    trust: float = parameter(
        0.6, ge=0, le=1, doc="trust that a friend brings along, as a share of the inviter's",
        source="assumed; referred customers stay longer: Schmitt, Skiera & Van den Bulte (2011)",
    )  # fmt: skip


class Kin(Sociable):
    """What friends have of those who brought them: the part of their normal scores that is inherited."""

    kin_rate = column("f4", 0.0, unit="score", doc="inherited part of the score of rate", access="latent")
    kin_basket = column("f4", 0.0, unit="score", doc="the same of basket", access="latent")
    kin_price_sensitivity = column("f4", 0.0, unit="score", doc="the same of price_sensitivity", access="latent")
    kin_tolerance = column("f4", 0.0, unit="score", doc="the same of tolerance", access="latent")
    kin_interest = column("f4", 0.0, unit="score", doc="the same of interest", access="latent")
    kin_sociability = column("f4", 0.0, unit="score", doc="the same of sociability", access="latent")


SCORES = tuple(name.removeprefix("kin_") for name in Kin.DECLARED if name.startswith("kin_"))


def friend_keys(world: PrivateDomain, inviters: Keys, numbers: NDArray[np.integer[Any]]) -> Keys:
    """Keys of friend number ``numbers`` (from 0) of each inviter. Shape (n,)."""
    mixed = words(address(0, "friend", 0), inviters)
    mixed += numbers.astype(np.uint64) * np.uint64(GOLDEN)
    mixed = words(address(0, "friend.number", 0), mixed.view(np.int64))
    keys: Keys = FRIENDS + ((mixed >> np.uint64(3)).astype(np.int64) << 1)
    return keys + _hunt(world, inviters, keys)


def _hunt(world: PrivateDomain, inviters: Keys, friends: Keys) -> NDArray[np.bool_]:
    """Which friends hunt bargains: the share among all friends is that of everybody, hunters have more of them."""
    share, alike = world.spec.traits.hunter_share, world.spec.friends.hunters_likeness
    if not share:
        return np.zeros(len(friends), bool)
    hunts = world.spec.traits.hunts(world.draws, inviters)
    chance = np.where(hunts, share + alike * (1 - share), share * (1 - alike))
    hunt: NDArray[np.bool_] = world.draws.uniform("trait.hunter", 0, friends) < chance
    return hunt


def has_friend(world: PrivateDomain, rows: Rows, number: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Whether each of these customers has a friend of this number (from 0).

    Somebody has a Poisson number of friends, on average ``friends`` times their sociability, by inverse distribution
    function: they have more than n when their number u is not below P(N ≤ n).
    """
    c, graph = world.customers, world.spec.friends
    u = world.draws.uniform("friends.count", 0, c.key[rows])
    has: NDArray[np.bool_] = u >= pdtr(number, graph.friends * c.sociability[rows].astype(np.float64))
    return has


def people_who_are_friends(
    world: PrivateDomain, inviters: Rows, keys: Keys
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Trait columns of the friends with these keys, one of each inviter, and their columns of ``Kin``."""
    c, graph, traits = world.customers, world.spec.friends, world.spec.traits
    kin = {name: graph.likeness * score for name, score in birth_scores(world, inviters).items()}
    own = math.sqrt(1 - graph.likeness**2)
    z = {name: own * score + kin[name] for name, score in traits.scores(world.draws, keys, c.DECLARED).items()}
    segment = None
    if traits.segments:
        near = world.draws.uniform("friends.same_segment", 0, keys) < graph.same_segment
        segment = np.where(near, c.segment[inviters], drawn(traits.segments, world.draws, keys))
    people = traits.of_scores(world.draws, keys, z, c.DECLARED, segment)
    if "interest_group" in people:
        same = world.draws.uniform("friends.same_group", 0, keys) < graph.same_group
        people["interest_group"] = np.where(same, c.interest_group[inviters], people["interest_group"])
    return people, {f"kin_{name}": score for name, score in kin.items()}


def birth_scores(world: PrivateDomain, rows: Rows) -> dict[str, Floats]:
    """Normal scores with which these customers were born, whatever they have been through since. Shape (n,)."""
    c: Customers = world.customers
    own = world.spec.traits.scores(world.draws, c.key[rows], c.DECLARED)
    weight = np.where(c.key[rows] >= FRIENDS, math.sqrt(1 - world.spec.friends.likeness**2), 1.0)
    return {name: weight * own[name] + getattr(c, f"kin_{name}")[rows] for name in SCORES}
