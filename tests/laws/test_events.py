"""Communities live and die by what is done in them; events have an interior optimum, two chances and a price."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from agents.communities import Communities
from agents.domain import PrivateDomain
from sim.errors import SpecError
from tests.worlds import canonical, live, policy, scenario

EAGER = {"group_joining": {"kind": "group_joining", "at_rest": 2.0}}
GROUPS: dict[str, Any] = {"kind": "community", "calendar": {"per_week": 1}, "hours_per_week": 20}


def lived(days: int = 70, size: int = 800, *, seed: int = 1, **actions: Any) -> PrivateDomain:
    return live(scenario(size, days, behaviours=EAGER), policy(**actions), seed=seed)


def test_hosted_groups_live_and_neglected_ones_die() -> None:
    hosted, left_alone = lived(groups=GROUPS), lived(groups={**GROUPS, "hours_per_week": 0})
    assert hosted.communities.alive.all()
    assert not left_alone.communities.alive[:3].any()
    assert len(left_alone.ledger.of("group_left")) > 2 * len(hosted.ledger.of("group_left"))


def test_adverts_kill_groups() -> None:
    noise = {"kind": "posts", "medium": "group", "advert_share": 1, "calendar": {"per_week": 28}}
    loud, calm = lived(groups=GROUPS, noise=noise), lived(groups=GROUPS)
    assert calm.communities.alive.all()
    assert not loud.communities.alive[:3].any()


def test_members_are_those_who_joined_and_did_not_leave() -> None:
    world = lived(groups={**GROUPS, "size": 40, "most_groups": 6})
    groups, seats = world.communities, world.customers.community
    assert groups.members.tolist() == np.bincount(seats[seats >= 0], minlength=len(groups)).tolist()
    assert int(groups.members.max()) <= 40
    assert int(groups.alive.sum()) <= 6
    assert len(world.ledger.of("group_joined")) - len(world.ledger.of("group_left")) == int(groups.members.sum())


def test_communities_survive_as_json() -> None:
    groups = lived(30, groups=GROUPS).communities
    copy = Communities(lived(1))
    copy.restore(json.loads(json.dumps(groups.state())))
    assert copy.state() == groups.state()
    assert copy.seat(np.array([3, 3]), size=2, most=None, opening=0.1).tolist() == [len(groups)] * 2


def pulled(items: int) -> float:
    """Pull on the wish to order that a new-product day of so many items adds, all customers together."""
    day = {"kind": "new_product_day", "items": items, "hours_per_event": 30, "calendar": {"dates": ["2024-01-01"]}}
    return float(live(scenario(20_000, 1), policy(day=day), detail=False).customers.stimulus.sum(dtype=np.float64))


def test_the_number_of_new_products_has_an_optimum_inside() -> None:
    """Of variety and effort alone, before any item costs anything; no rule names the number."""
    pull = {items: pulled(items) for items in (1, 2, 5, 12, 40)}
    assert pull[1] < pull[2] > pull[5] > pull[12] > pull[40]


def test_two_announcements_are_two_chances_and_twice_the_load() -> None:
    def day(n: int) -> PrivateDomain:
        sale = {"kind": "welfare_day", "announcements": n, "calendar": {"dates": ["2024-01-01"]}}
        return live(scenario(4000, 1, traits={"tolerance_sd": 0}), policy(sale=sale))

    once, twice = day(1), day(2)
    came, more = (set(world.ledger.of("attend").key.tolist()) for world in (once, twice))
    assert len(more) > 1.2 * len(came)
    assert len(twice.ledger.of("message_advert")) == 2 * len(once.ledger.of("message_advert"))


def test_a_flash_price_is_gone_tomorrow() -> None:
    sale = {"kind": "welfare_day", "depth": 0.3, "calendar": {"dates": ["2024-01-02"]}}
    used = live(scenario(3000, 5), policy(sale=sale)).ledger.of("coupon_redeemed")
    assert len(used) > 10
    assert set(used.day.tolist()) == {1}


@pytest.mark.parametrize("stock", [0, 3])
def test_gifts_last_as_long_as_there_are_any(stock: int) -> None:
    sale = {"kind": "welfare_day", "gift": {"stock": stock}, "calendar": {"weekdays": ["fri"]}}
    given = live(scenario(2000, 14), policy(sale=sale)).ledger.of("gift")
    assert np.unique(given.day, return_counts=True)[1].tolist() == ([stock] * 2 if stock else [])


def test_a_gift_that_is_not_there_draws_nobody() -> None:
    sale = {"kind": "welfare_day", "depth": 0.1, "calendar": {"weekdays": ["fri"]}}
    plain, empty = (live(scenario(500, 14), policy(sale={**sale, **more})) for more in ({}, {"gift": {"stock": 0}}))
    assert canonical(plain) == canonical(empty)


def test_a_gift_draws_by_the_chance_to_get_it_and_on_its_day_alone() -> None:
    """Orders of its day rise with the pieces there are, as far as there are people for them."""
    sale = {"kind": "welfare_day", "depth": 0, "calendar": {"dates": ["2024-01-02"]}}
    worlds = {
        stock: live(
            scenario(3000, 5, effects={"coupon": {"mean": 4, "sd": 0}}),
            policy(sale={**sale, "gift": {"stock": stock, "worth_cny": 20}}),
        )
        for stock in (0, 1, 600, 100_000, None)
    }
    by_day = {stock: np.bincount(world.ledger.of("order").day, minlength=5).tolist() for stock, world in worlds.items()}
    assert by_day[0][1] < by_day[600][1] < by_day[None][1], "more pieces draw more"
    assert by_day[1][1] < by_day[0][1] * 1.01, "one piece for hundreds draws next to nobody"
    assert canonical(worlds[100_000]) == canonical(worlds[None]), "more than there are people is enough"
    assert by_day[None][2:] == pytest.approx(by_day[0][2:], rel=0.1)
    assert np.array_equal(worlds[None].customers.stimulus, worlds[0].customers.stimulus), "nothing of it stays"


def test_bargain_hunters_come_to_lotteries() -> None:
    draw = {"kind": "lottery", "calendar": {"every_days": 1}}
    world = live(scenario(3000, 1, traits={"hunter_share": 0.2}), policy(draw=draw))
    hunts = world.spec.traits.hunts(world.draws, world.customers.key)
    came = np.isin(world.customers.key, world.ledger.of("attend").key)
    assert came[hunts].mean() > 1.5 * came[~hunts].mean()


def test_a_festival_pays_those_who_heard_of_it_before() -> None:
    fair = {"kind": "festival", "calendar": {"dates": ["2024-01-08"]}}
    early, late = (
        live(scenario(2000, 9), policy(fair={**fair, "run_up_days": n})).ledger.of("coupon_issued") for n in (6, 0)
    )
    assert set(early.day.tolist()) == {7}
    assert len(early) > 1.2 * len(late)


def test_a_festival_that_nobody_prepares_is_remembered_by_nobody() -> None:
    """The hours of its day are what its run-up can promise; here they come first who leave it none."""
    feast: dict[str, Any] = {"kind": "festival", "calendar": {"dates": ["2024-01-20"]}, "depth": 0.3}
    talk = {"kind": "chat", "hours_per_week": {"L4": 400}}
    under = policy(feast=feast, talk=talk)
    idle, staffed = (
        live(scenario(400, 25), under.model_copy(update={"priority": first})) for first in (("talk",), ("feast",))
    )
    assert len(idle.ledger.of("attend")) == 0 < len(staffed.ledger.of("attend"))


@pytest.mark.parametrize(
    ("action", "staff", "found"),
    [
        ({"kind": "lottery", "hours_per_event": 0}, 40, r"actions\.it\.hours_per_event: nobody prepares this event"),
        ({"kind": "new_product_day"}, 0, r"actions\.it\.hours_per_event: no staff work on its days, of 3 hours"),
        ({**GROUPS, "calendar": {"per_week": 0}}, 40, r"actions\.it\.hours_per_week: hosts are asked for 20 hours"),
        ({"kind": "points", "redeem_from": 50_000, "expiry_days": 30}, 40,
         r"actions\.it\.redeem_from: nobody can ever redeem 50000 points: .* has 36000 when"),
    ],
)  # fmt: skip
def test_what_would_be_for_nothing_is_refused(action: dict[str, Any], staff: float, found: str) -> None:
    with pytest.raises(SpecError, match=re.compile(found, re.S)):
        policy(it=action).check(scenario(staff={"hours_per_week": staff}))


def test_an_agency_may_prepare_an_event_and_members_may_reach_a_threshold() -> None:
    help_ = {"kind": "agency", "hours_per_week": 9, "fee_cny_per_week": 1}
    policy(it={"kind": "new_product_day"}, help=help_).check(scenario(staff={"hours_per_week": 0}))
    club = {"kind": "membership", "tiers": [{"threshold_cny": 1, "points_multiplier": 2}]}
    far = {"kind": "points", "redeem_from": 50_000, "expiry_days": 30}
    policy(it=far, club=club).check(scenario())
