"""Bargain hunters: where they show up, over their share of the people who could (S4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agents.customers import Contact
from agents.domain import PrivateDomain
from agents.policy import Policy
from experiments.load import load
from experiments.stylised.fact import Arm, Fact, Measure, ratio
from sim.spec import validate

PRESET = "sparkling_drinks"
BAIT, REFERRAL = "bait", "referral"
BAITED = ("douyin", "xiaohongshu")
ACTIONS = {
    "points": {"kind": "points", "per_cny": 1, "check_in": 5},  # S4 has points for check-ins; how many is assumed
    REFERRAL: {"kind": "referral", "reward_cny": 20, "newcomer": {"off_cny": 50}},  # S4: 50 and cash; how much assumed
    "media": {"kind": "acquisition", "spend_cny_per_day": dict.fromkeys(BAITED, 200)},  # assumed
    BAIT: {"kind": "newcomer_bait", "channels": list(BAITED), "off_cny": 50},  # S4: newcomer coupon 50
}


def hunters(world: PrivateDomain, keys: NDArray[np.int64]) -> float:
    """Share of bargain hunters among customers with these keys; whoever comes twice counts twice."""
    c = world.customers
    order = np.argsort(c.key)
    rows = order[np.searchsorted(c.key[order], keys)]
    hunts = world.spec.traits.hunts(world.draws, keys)
    for channel in world.channels.values():
        mine = c.channel[rows] == channel.index
        hunts[mine] = channel.traits.hunts(world.draws, keys[mine])
    return float(hunts.mean()) if len(keys) else math.nan


def _acts(world: PrivateDomain, kind: str, source: str) -> NDArray[np.int64]:
    """Whose events of a kind from a source."""
    events = world.ledger.of(kind)
    return events.where(events.source == world.ledger.source_code(source)).key


def among_contacts(world: PrivateDomain) -> float:
    """Share among all who ever were contacts."""
    return hunters(world, world.customers.key[world.customers.contact >= Contact.CONTACT])


def among_check_ins(world: PrivateDomain) -> float:
    """Share of check-ins that hunters did."""
    return hunters(world, _acts(world, "points_earned", "points.check_in"))


def among_invitations(world: PrivateDomain) -> float:
    """Share of invitations that hunters sent."""
    return hunters(world, _acts(world, "referral", REFERRAL))


def among_the_reached(world: PrivateDomain) -> float:
    """Share among all whom the channels with a bait reached, whether or not they joined."""
    c = world.customers
    return hunters(world, c.key[np.isin(c.channel, [world.channels[name].index for name in BAITED])])


def among_newcomer_coupons(world: PrivateDomain) -> float:
    """Share of newcomer coupons that hunters got."""
    return hunters(world, _acts(world, "voucher_issued", BAIT))


def facts() -> Iterator[Fact]:
    """Check-ins, invitations and newcomer coupons: the hunters' share there over that in the population."""
    here, policy = load(PRESET, "scenario"), validate(Policy, {"title": "subsidies", "actions": ACTIONS})
    places: tuple[tuple[str, Measure, Measure, str], ...] = (
        ("check-ins for points", among_check_ins, among_contacts, "a check-in's log-odds"),
        ("invitations", among_invitations, among_contacts, "what a reward adds to the hazard of inviting"),
        ("newcomer coupons", among_newcomer_coupons, among_the_reached, "a bait's log-odds of adding the contact"),
    )
    for place, there, everywhere, what in places:
        yield Fact(
            f"hunters: among {place} over among people", "bargain hunters come for what is free, not to buy", "S4",
            1.0, math.inf, "times their share",
            (Arm("there", here, policy, there), Arm("everywhere", here, policy, everywhere)),
            ratio("there", "everywhere"),
            rule=f"a hunter is somebody of four times the price sensitivity, and {what} rises with that",
        )  # fmt: skip
