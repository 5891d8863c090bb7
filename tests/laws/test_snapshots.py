"""A run may be stopped and continued anywhere, and leaves nothing behind."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

from agents.domain import PrivateDomain
from sim.errors import SiyuError
from tests.worlds import Event, busy_policy, busy_scenario, canonical, live, policy


@pytest.mark.parametrize("day", [0, 1, 17, 45, 60])
def test_a_run_in_two_parts_is_the_whole(
    day: int, tmp_path: Path, busy: PrivateDomain, busy_events: list[Event]
) -> None:
    live(busy_scenario(), busy_policy(), until=day).save(tmp_path / "half.npz")
    world = PrivateDomain(busy_scenario(), busy_policy(), seed=1)
    world.resume(tmp_path / "half.npz")
    assert world.day == day
    world.run()
    assert canonical(world) == busy_events
    for name, column in world.customers.arrays().items():
        assert column.tobytes() == getattr(busy.customers, name).tobytes(), name
    assert [actor.state() for actor in world.agents] == [actor.state() for actor in busy.agents]


def test_totals_survive_without_events(tmp_path: Path, busy: PrivateDomain) -> None:
    live(busy_scenario(), busy_policy(), until=20, detail=False).save(tmp_path / "half.npz")
    world = PrivateDomain(busy_scenario(), busy_policy(), seed=1, detail=False)
    world.resume(tmp_path / "half.npz").run()
    for name, column in vars(world.ledger.totals()).items():
        assert np.array_equal(column, getattr(busy.ledger.totals(), name)), name


def test_a_snapshot_of_another_world_is_refused(tmp_path: Path) -> None:
    live(busy_scenario(), busy_policy(), until=3).save(tmp_path / "half.npz")
    for other in (
        PrivateDomain(busy_scenario(), policy(), seed=1),
        PrivateDomain(busy_scenario(days=61), busy_policy(), seed=1),
        PrivateDomain(busy_scenario(), busy_policy(), seed=1, detail=False),
    ):
        with pytest.raises(SiyuError, match="another fingerprint"):
            other.resume(tmp_path / "half.npz")
    with pytest.raises(SiyuError, match="another seed"):
        PrivateDomain(busy_scenario(), busy_policy(), seed=2).resume(tmp_path / "half.npz")


def test_a_snapshot_is_data_alone(tmp_path: Path) -> None:
    """No pickle in it, so that a snapshot from somebody else can run no code; and no half-written file is left."""
    live(busy_scenario(), busy_policy(), until=3).save(tmp_path / "half.npz")
    with np.load(tmp_path / "half.npz", allow_pickle=False) as parts:
        assert all(parts[name].dtype != object for name in parts.files)
    assert [path.name for path in tmp_path.iterdir()] == ["half.npz"]


def test_fifty_worlds_are_forgotten() -> None:
    """Mesa 3.3 keeps every model alive through ``Agent._ids``; ours are collected, or a search runs out of memory."""
    worlds = []
    for seed in range(50):
        world = live(busy_scenario(20, 5), busy_policy(), seed=seed, detail=False)
        worlds.append(weakref.ref(world))
    del world
    gc.collect()
    assert not [ref for ref in worlds if ref() is not None]


def test_a_world_stops_at_its_horizon() -> None:
    world = live(busy_scenario(20, 5), policy())
    before = canonical(world)
    world.step()
    world.run(99)
    assert (world.day, world.running) == (5, False)
    assert canonical(world) == before


def test_a_day_leaves_nothing_for_the_next_even_where_nobody_reads_it() -> None:
    """In a world of named behaviours alone those who would act on a message may not be there."""
    of = busy_scenario(20, 5, behaviours={"attention": {"kind": "attention"}}, only_named_behaviours=True)
    world = live(of, policy(noise={"kind": "advert", "calendar": {"per_week": 7}}))
    assert len(world.today.seen) == 1
