"""Partner swaps bring people for what ours put up with; welcomes tire a group by what is beyond one an hour."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agents.actions import Welcome
from agents.domain import PrivateDomain
from tests.worlds import live, policy, scenario

POOL: dict[str, Any] = {"volume": 50_000, "cost_per_reach_cny": 3.0, "add_rate": 0.3, "partner": True}
SEEING: dict[str, Any] = {"reaction": {"kind": "reaction", "mute": -50.0, "delete": -50.0}}


def swapped(reciprocity: float, days: int = 9, **swap: Any) -> PrivateDomain:
    """A swap a day; nobody mutes."""
    of = scenario(400, days, channels={"pool": POOL | {"reciprocity": reciprocity}}, behaviours=SEEING)
    return live(of, policy(swap={"kind": "partner_swap", "channel": "pool", "calendar": {"per_week": 7}, **swap}))


def test_the_partner_reaches_as_many_as_it_promised() -> None:
    """Reach is what ours saw times reciprocity; that of the last day comes after the end."""
    for reciprocity in (0.2, 1.0):
        world = swapped(reciprocity)
        seen = (world.ledger.of("message_advert").day < 8).sum()
        share = -math.expm1(-seen * reciprocity / POOL["volume"])
        assert len(world.ledger.of("reached")) == pytest.approx(share * POOL["volume"], rel=0.1)


def test_nothing_for_nothing() -> None:
    assert not len(swapped(0.0).ledger.of("reached"))
    assert not len(swapped(1.0, audience={"orders_min": 9999}).ledger.of("reached"))


def test_a_partners_advert_tires_and_sells_nothing() -> None:
    """Against our own advert: the same fatigue, no pull."""
    theirs = swapped(0.0).customers
    of = scenario(400, 9, channels={"pool": POOL}, behaviours=SEEING)
    ours = live(of, policy(swap={"kind": "advert", "calendar": {"per_week": 7}})).customers
    assert (theirs.fatigue == ours.fatigue).all()
    assert theirs.fatigue.max() > 3
    assert theirs.stimulus.max() == 0 < ours.stimulus.max()


def greeted(every_hours: float, joiners: float = 60, contacts: int = 400) -> PrivateDomain:
    """So many joiners a day in two groups."""
    gate = {"volume": 90_000, "cost_per_reach_cny": 1, "organic_per_day": joiners, "add_rate": 1.0}
    of = scenario(contacts, 10, channels={"gate": gate}, behaviours=SEEING)
    return live(of, policy(hello={"kind": "welcome", "every_hours": every_hours}))


def test_one_an_hour_tires_nobody_and_one_each_the_more_the_more_join() -> None:
    tired = [greeted(0, joiners).customers.fatigue[:400].mean() for joiners in (10, 40, 160)]
    assert 0 < 4 * tired[0] < tired[1] < tired[2] / 2
    for hours in (1, 2, 24):
        assert greeted(hours).customers.fatigue[:400].max() == 0


def test_a_shared_welcome_warms_less() -> None:
    warmth = [world.customers.goodwill[world.customers.joined >= 0].mean() for world in map(greeted, (0, 1, 24))]
    assert warmth[0] > warmth[1] > warmth[2] > 0


def test_in_communities_only_those_of_the_joiners_group_are_tired() -> None:
    """Seats are taken over days: welcomes tire who sat in that group before, and nobody else."""
    groups = {"kind": "community", "size": 30, "again_days": 1, "calendar": {"every_days": 1}}
    staying = {
        "greeting": {"kind": "greeting", "surplus_load": 10},
        "group_leaving": {"kind": "group_leaving", "leave_per_day": 0},
        "attrition": {"kind": "attrition", "delete_per_day": 0},
    }
    of = scenario(600, 4, behaviours={**SEEING, **staying})
    each, hourly = (
        live(of, policy(groups=groups, hello={"kind": "welcome", "every_hours": hours})) for hours in (0, 1)
    )
    c, tired = each.customers, each.customers.fatigue - hourly.customers.fatigue
    assert len(each.ledger.of("welcome")) == np.count_nonzero((c.seated_day >= 0) & (c.seated_day < 3)) > 20
    assert not tired[c.community < 0].any()
    last = c.community[c.seated_day == 2]  # groups in which somebody was welcomed on the last day
    filled = (c.community >= 0) & ~np.isin(c.community, c.community[c.seated_day > 0])
    assert filled.any()
    assert not tired[filled].any(), "nobody came after they did"
    assert (tired[np.isin(c.community, last) & (c.seated_day < 2)] > 0).all()


def test_messages_of_an_hour_by_their_closed_form() -> None:
    """Poisson joiners: one each leaves λ − (1 − e^−λ) beyond the first; the throttle is continuous in its hours."""
    each, often, hourly = (Welcome(every_hours=hours) for hours in (0, 1e-6, 1))
    assert each.surplus_an_hour(2.0) == pytest.approx(2 - (1 - math.exp(-2)))
    assert often.surplus_an_hour(2.0) == pytest.approx(each.surplus_an_hour(2.0), rel=1e-4)
    assert hourly.surplus_an_hour(2.0) == 0
    assert hourly.joiners_a_message(2.0) == pytest.approx(2 / (1 - math.exp(-2)))
    assert each.joiners_a_message(2.0) == 1
