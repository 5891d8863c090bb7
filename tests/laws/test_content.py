"""Laws of posts and live streams: how many are adverts, how far they reach, how they wear, and what platforms allow."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from agents.domain import PrivateDomain
from sim.errors import SpecError
from tests.worlds import canonical, live, policy, scenario

DAILY: dict[str, Any] = {"every_days": 1}
INTERESTS: dict[str, Any] = {"interest_groups": {"cooking": 1, "sports": 1}}
CALM: dict[str, Any] = {"reaction": {"kind": "reaction", "mute": -60, "delete": -60},
                        "attrition": {"kind": "attrition", "delete_per_day": 0}}  # fmt: skip


def posts(**fields: Any) -> dict[str, Any]:
    return {"kind": "posts", "calendar": DAILY, **fields}


def lived(days: int = 28, size: int = 300, seed: int = 1, media: Any = None, **actions: Any) -> PrivateDomain:
    """A world of calm contacts under these actions."""
    of = scenario(size, days, behaviours=CALM, traits=INTERESTS, media=media or {})
    return live(of, policy(**actions), seed=seed)


def kinds_by_day(world: PrivateDomain) -> list[str]:
    """Kind of the post of each day."""
    return list({day: kind for day, key, kind, *_ in canonical(world) if kind.startswith("message_")}.values())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.75, 1.0])
def test_so_many_posts_are_adverts_evenly_mixed(share: float) -> None:
    kinds = kinds_by_day(lived(days=40, it=posts(advert_share=share)))
    adverts = np.cumsum([kind == "message_advert" for kind in kinds])
    assert len(kinds) == 40
    assert np.abs(adverts - share * np.arange(1, 41)).max() < 1


def test_a_post_that_turns_into_an_advert_is_seen_by_the_same() -> None:
    """Luck does not depend on what is posted: only the kind changes."""
    value, selling = (lived(it=posts(advert_share=share)) for share in (0.0, 1.0))
    seen = [[(d, k) for d, k, kind, *_ in canonical(w) if kind == "view"] for w in (value, selling)]
    assert seen[0] == seen[1]
    assert seen[0]


def test_posts_in_a_feed_are_seen_by_chance_and_broadcasts_arrive() -> None:
    media = {"moments": {"seen": 0.25}, "broadcast": {"seen": 0.6}}
    feed, inbox = (lived(media=media, size=1000, days=7, it=posts(medium=m)) for m in ("moments", "broadcast"))
    received, viewed = (Counter(kind for *_, kind, _, _ in canonical(world)) for world in (feed, inbox))
    assert received["message_content"] == received["view"]
    assert received["view"] / 7000 == pytest.approx(0.25, abs=0.02)
    assert viewed["message_content"] == 7000
    assert viewed["view"] / 7000 == pytest.approx(0.6, abs=0.02)


def test_a_higher_chance_to_be_seen_never_hides_a_post() -> None:
    few, many = (lived(media={"moments": {"seen": seen}}, it=posts()) for seen in (0.2, 0.5))
    seen = [{(d, k) for d, k, kind, *_ in canonical(world) if kind == "view"} for world in (few, many)]
    assert seen[0] < seen[1]


@pytest.mark.parametrize(("per", "limit"), [("day", 1), ("week", 3), ("month", 5)])
def test_no_customer_is_sent_more_than_the_platform_lets_through(per: str, limit: int) -> None:
    """Two plans of one medium share the allowance; what exceeds it is not sent and costs nothing."""
    media = {"broadcast": {"limit": limit, "per": per}}
    often = {"month": {"every_days": 6}}.get(per, {"every_days": 3})
    plans = {name: posts(medium="broadcast", calendar=often, cost_cny=1.0) for name in ("a", "b", "c")}
    world = lived(days=62, size=40, media=media, **plans)
    period = {"day": lambda date: date, "week": lambda date: date.isocalendar()[:2], "month": lambda date: date.month}
    dates = [world.spec.start.fromordinal(world.spec.start.toordinal() + day) for day in range(62)]
    sent = [(dates[day], key, amount) for day, key, kind, amount, _ in canonical(world) if kind == "message_content"]
    counts = Counter((period[per](date), key) for date, key, _ in sent)  # type: ignore[no-untyped-call]
    assert max(counts.values()) == limit
    assert {amount for *_, amount in sent} == {100}


def test_a_plan_that_exceeds_the_platform_in_every_period_is_refused() -> None:
    with pytest.raises(
        SpecError, match=r"actions\.it\.calendar: every month has more posts than the 4 .* lets through"
    ):
        lived(days=70, it=posts(medium="official_account", calendar={"per_week": 2}))
    lived(days=70, size=5, it=posts(medium="official_account", calendar={"per_week": 0.9}))
    weekly = {"kind": "live_stream", "calendar": {"per_week": 2}, "announce": "official_account"}
    with pytest.raises(SpecError, match=r"it\.calendar: every month has more posts than the 4 that the platform"):
        lived(days=70, it=weekly)
    newcomers = {"joined_days_max": 6}  # nobody is one for long enough to be sent more than the platform lets through
    lived(days=70, size=5, it=posts(medium="official_account", calendar={"per_week": 2}, audience=newcomers))


def test_repetition_wears_and_a_break_restores() -> None:
    """What the same advert adds to the wish to buy, by how many like it were seen in the days before."""
    media = {"moments": {"seen": 1.0, "wear_scale": 2.0, "wear_half_life_days": 4.0, "load": 0.0}}
    cold = {"kind": "attention", "advert_goodwill": [0.0] * 6, "content_goodwill": 0.0, "interact_chance": 0.0}
    faint = {"advert": {"mean": 1e-3}, "content": {"mean": 0.0}}  # so weak that nobody orders for it
    of = scenario(300, 28, behaviours={**CALM, "attention": cold}, media=media, effects=faint)

    def added(*days: int, share: float = 1.0) -> float:
        """Pull added on the last of these days of January."""
        plan = policy(it=posts(calendar={"dates": [f"2024-01-{day:02d}" for day in days]}, advert_share=share))
        before, after = (live(of, plan, until=n).customers.stimulus.astype(float) for n in (days[-1] - 1, days[-1]))
        return float((after - before * 2 ** (-1 / 2.0)).sum())

    alone = added(20)
    assert added(17, 18, 19, 20) < added(19, 20) < alone
    assert added(19, 20) / alone == pytest.approx(2 ** (-(2 ** (-1 / 4)) / 2), rel=1e-3)
    assert added(12, 20) / alone == pytest.approx(2 ** (-(2 ** (-8 / 4)) / 2), rel=1e-3)
    assert added(19, 20, share=0.5) == pytest.approx(alone, rel=1e-3), "content does not wear adverts out"


def test_what_fits_the_group_of_interest_works_more() -> None:
    world = lived(days=3, media={"moments": {"seen": 1.0}}, it=posts(interest_group="cooking"))
    c = world.customers
    fits = c.interest_group == 0
    each = c.stimulus / c.interest
    assert (each[fits].min() / each[~fits].max()) > 2  # 1.5 and 0.6 of it


def test_a_group_post_goes_to_its_group_alone() -> None:
    world = lived(it=posts(medium="group", interest_group="sports"))
    group = dict(zip(world.customers.key.tolist(), world.customers.interest_group.tolist(), strict=True))
    assert {group[key] for _, key, kind, *_ in canonical(world) if kind == "message_content"} == {1}


def test_adverts_in_moments_drive_away_more_than_content() -> None:
    """And the more of the posts they are, the more: S4's brand, whose posts were nearly all adverts."""
    left = []
    for share in (0.0, 0.5, 1.0):
        worlds = (live(scenario(2000, 60), policy(it=posts(advert_share=share)), seed=seed) for seed in (1, 2))
        left.append(sum(kind in ("mute", "delete") for world in worlds for _, _, kind, *_ in canonical(world)))
    assert left[0] < left[1] < left[2]


def test_worlds_carry_columns_only_of_what_is_posted() -> None:
    declared = {name for name in lived(days=1, it=posts(advert_share=1.0)).customers.DECLARED if "_moments" in name}
    assert declared == {"sent_moments", "worn_moments_advert"}
    plain = lived(days=1, it={"kind": "advert", "calendar": DAILY}).customers.DECLARED
    assert not {name for name in plain if name.startswith(("sent_", "worn_"))} | ({"interest_group"} & set(plain))


def test_short_hours_leave_posts_undone_and_shorten_streams() -> None:
    of = scenario(50, 56, staff={"hours_per_week": 7})
    made = live(of, policy(it=posts(medium="direct", hours_per_post=2.0)))
    assert len(set(made.ledger.of("message_content").day.tolist())) == 28, "half of the hours make half of the posts"
    stream = {"kind": "live_stream", "calendar": DAILY, "length_hours": 4.0, "hosts": 0.5, "announce": None}
    short = live(of, policy(it=stream))
    assert int(short.ledger.of("wages").amount.sum()) == 8 * 7 * 3500


def viewers(world: PrivateDomain) -> set[tuple[int, int]]:
    return {(day, key) for day, key, kind, *_ in canonical(world) if kind == "live_viewer"}


def test_length_announcement_and_gifts_bring_viewers() -> None:
    """Each adds viewers of a first stream and takes none away: the luck of a viewer is the same."""

    def held(**fields: Any) -> set[tuple[int, int]]:
        stream = {"kind": "live_stream", "calendar": {"weekdays": ["thu"]}, "announce": None, "hosts": 0.01, **fields}
        return viewers(lived(size=3000, days=4, it=stream))

    plain = held()
    assert plain
    assert plain < held(length_hours=6.0)
    assert plain < held(announce="broadcast")
    assert plain < held(gift_cny=20.0)


def test_bargain_hunters_come_for_the_gift() -> None:
    """Nobody tells them to: what a gift is worth goes by price sensitivity."""
    stream = {"kind": "live_stream", "calendar": DAILY, "announce": None, "hosts": 0.01}
    share = []
    for gift in (0.0, 30.0):
        of = scenario(3000, 10, behaviours=CALM, traits={"hunter_share": 0.2, "price_sensitivity_sd": 0.1})
        world = live(of, policy(it={**stream, "gift_cny": gift}))
        hunts = world.spec.traits.hunts(world.draws, world.customers.key)
        share.append(np.mean([hunts[key] for _, key in viewers(world)]))
    assert share[1] > share[0] + 0.1


def test_a_snapshot_keeps_allowance_and_wear(tmp_path: Any) -> None:
    of = scenario(80, 20, traits=INTERESTS)
    under = policy(
        a=posts(medium="broadcast", calendar={"every_days": 1}, advert_share=0.4),
        b=posts(medium="moments", interest_group="sports", hours_per_post=1.0),
        c={"kind": "live_stream", "calendar": DAILY, "announce": "moments", "hosts": 2.0},
    )
    whole = live(of, under)
    live(of, under, until=9).save(tmp_path / "day9.npz")
    later = PrivateDomain(of, under, seed=1)
    later.resume(tmp_path / "day9.npz")
    later.run()
    assert canonical(later) == canonical(whole)
