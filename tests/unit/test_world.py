"""The engine with a world of its own: sheep that are shorn, and nothing of marketing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.columns import Columns, column
from sim.errors import SiyuError
from sim.ledger import EventKind, Ledger
from sim.world import Actor, World


class Sheep(Columns):
    key = column("i8", 0, unit="id", doc="identity")
    wool = column("f4", 0.0, unit="kg", doc="wool")


class Barn(Actor):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.kilos = 0.0

    def state(self) -> dict[str, float]:
        return {"kilos": self.kilos}


def grow(world: Farm) -> None:
    """Wool grows by luck."""
    for rows in world.chunks():
        world.customers.wool[rows] += world.draws.uniform("grow", world.day, world.customers.key[rows])


def shear(world: Farm) -> None:
    """Whoever has more than two kilos is shorn."""
    rows = np.flatnonzero(world.customers.wool > 2)
    world.record("shear", rows, np.rint(world.customers.wool[rows] * 1000).astype(np.int64), "barn")
    world.barn.kilos += float(world.customers.wool[rows].sum())
    world.customers.wool[rows] = 0


class Farm(World):
    PHASES = (grow, shear)

    def __init__(self, seed: int = 1, **kwargs: Any) -> None:
        sheep = Sheep()
        sheep.append(10, key=np.arange(10))
        ledger = Ledger([EventKind("shear", 0, "count", "grams")])
        super().__init__(
            seed=seed, start=dt.date(2024, 2, 28), horizon_days=20, ledger=ledger, customers=sheep, **kwargs
        )  # fmt: skip
        self.barn = Barn(self)

    def fingerprint(self) -> str:
        return "farm"


def test_a_day_is_its_phases_in_order() -> None:
    farm = Farm().run(5)
    assert farm.day == 5
    assert farm.customers.wool.max() <= 2, "shorn after growing"
    assert [phase.__name__ for phase in Farm.PHASES] == ["grow", "shear"]


def test_dates_and_weekdays_follow_the_calendar() -> None:
    farm = Farm()
    assert (farm.date, farm.weekday) == (dt.date(2024, 2, 28), 2)
    farm.run(2)
    assert (farm.date, farm.weekday) == (dt.date(2024, 3, 1), 4), "a leap year"


def test_it_stops_at_the_horizon() -> None:
    farm = Farm().run()
    events = len(farm.ledger.events())
    farm.step()
    assert (farm.day, farm.running, len(farm.ledger.events())) == (20, False, events)


def test_the_profile_names_every_phase_and_changes_nothing() -> None:
    timed, plain = Farm(profile=True).run(), Farm().run()
    assert set(timed.seconds) == {"grow", "shear"}
    assert min(timed.seconds.values()) > 0
    assert plain.seconds == {}
    assert np.array_equal(timed.customers.wool, plain.customers.wool)


@pytest.mark.parametrize("rows", [1, 3, 10, 99])
def test_chunks_cover_everybody_once(rows: int) -> None:
    farm = Farm()
    farm.chunk_rows = rows
    assert [row for chunk in farm.chunks() for row in range(10)[chunk]] == list(range(10))
    assert max(chunk.stop - chunk.start for chunk in farm.chunks()) <= rows


def test_save_and_resume_with_actors(tmp_path: Path) -> None:
    whole = Farm().run()
    Farm().run(8).save(tmp_path / "farm.npz")
    farm = Farm().resume(tmp_path / "farm.npz").run()
    assert farm.barn.kilos == whole.barn.kilos > 0
    assert np.array_equal(farm.ledger.events().amount, whole.ledger.events().amount)
    with pytest.raises(SiyuError, match=r"farm\.npz: this snapshot has another seed \(got 1\); need 2"):
        Farm(seed=2).resume(tmp_path / "farm.npz")


def test_mesa_knows_the_actors() -> None:
    farm, other = Farm(), Farm()
    assert list(farm.agents) == [farm.barn]
    assert farm.barn.unique_id == other.barn.unique_id == 1, "ids are counted in each world"
