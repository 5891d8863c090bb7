"""Columns: declared once, live views, growth, and what an operator may see."""

from __future__ import annotations

import numpy as np
import pytest

from sim.columns import Columns, column
from sim.errors import SiyuError


class Sheep(Columns):
    wool = column("f4", 1.5, unit="kg", doc="wool on the back")
    age = column("i2", 0, unit="years", doc="age")
    mood = column("f4", 0.25, unit="0..1", doc="mood", access="latent")

    @property
    def joy(self) -> np.ndarray:
        return self.mood * 2


class Ram(Sheep):
    horns = column("i1", 2, unit="count", doc="horns")


def flock(n: int = 3) -> Sheep:
    sheep = Sheep()
    sheep.append(n, age=np.arange(n))
    return sheep


def test_rows_have_their_values_and_defaults_for_the_rest() -> None:
    sheep = flock()
    assert sheep.wool.tolist() == [1.5] * 3
    assert sheep.age.tolist() == [0, 1, 2]
    assert (sheep.wool.dtype, sheep.age.dtype) == (np.float32, np.int16)
    assert len(sheep) == 3


def test_declarations_are_inherited_and_keep_their_order() -> None:
    assert list(Ram.DECLARED) == ["wool", "age", "mood", "horns"]
    assert list(Sheep.DECLARED) == ["wool", "age", "mood"]
    assert (Ram.DECLARED["mood"].access, Ram.DECLARED["wool"].unit, Ram.DECLARED["horns"].name) == (
        "latent",
        "kg",
        "horns",
    )
    assert Ram().bytes_per_row == 4 + 2 + 4 + 1


def test_some_rows_are_taken_as_a_copy_in_their_order() -> None:
    ram = Ram()
    ram.append(3, age=[4, 5, 6], horns=[0, 1, 2])
    kept = ram.taken(np.array([2, 0]))
    assert isinstance(kept, Ram)
    assert (kept.age.tolist(), kept.horns.tolist(), kept.wool.tolist()) == ([6, 4], [2, 0], [1.5, 1.5])
    kept.age += 1
    assert ram.age.tolist() == [4, 5, 6]


def test_views_are_live_until_the_flock_grows() -> None:
    sheep = flock()
    view = sheep.wool
    view += 1
    assert sheep.wool.tolist() == [2.5] * 3
    sheep.append(1)
    assert len(view) == 3
    assert sheep.wool.tolist() == [2.5, 2.5, 2.5, 1.5]


def test_growth_by_many_small_steps_keeps_everything() -> None:
    sheep = Sheep()
    for age in range(300):
        rows = sheep.append(1, age=age)
        assert (rows.start, rows.stop) == (age, age + 1)
    assert sheep.age.tolist() == list(range(300))
    assert set(sheep.wool.tolist()) == {1.5}


def test_appending_nobody_changes_nothing() -> None:
    sheep = flock()
    assert sheep.append(0) == slice(3, 3)
    assert len(sheep) == 3


def test_a_row_is_read_only_and_gives_python_numbers() -> None:
    row = flock()[-1]
    assert (row.age, row.wool, type(row.age), type(row.wool)) == (2, 1.5, int, float)
    assert row.as_dict() == {"wool": 1.5, "age": 2, "mood": 0.25}
    assert "age=2" in repr(row)
    with pytest.raises(AttributeError, match=r"read-only: write to columns\.age\[2\]"):
        row.age = 5  # type: ignore[misc]


def test_rows_beyond_the_end_are_refused() -> None:
    for row in (3, -4):
        with pytest.raises(IndexError, match=f"row {row} of 3"):
            flock()[row]
    assert [row.age for row in flock()] == [0, 1, 2]


def test_unknown_columns_name_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no column 'wol'; did you mean 'wool'"):
        _ = flock().wol
    with pytest.raises(SiyuError, match="no column 'agee'; did you mean 'age'"):
        flock().append(1, agee=3)


def test_observed_shows_no_latent_column_and_nothing_made_of_one() -> None:
    seen = flock().observed()
    assert seen.age.tolist() == [0, 1, 2]
    assert len(seen) == 3
    for hidden in ("mood", "joy"):
        with pytest.raises(SiyuError, match=f"'{hidden}' is"):
            getattr(seen, hidden)
    with pytest.raises(AttributeError, match="no column 'moood'"):
        _ = seen.moood


def test_restore_takes_back_what_arrays_gave() -> None:
    sheep = flock()
    kept = sheep.arrays()
    sheep.wool += 9
    sheep.append(2)
    assert kept["wool"].tolist() == [1.5] * 3, "arrays are copies"
    sheep.restore(kept)
    assert len(sheep) == 3
    sheep.append(1, age=7)
    assert sheep.age.tolist() == [0, 1, 2, 7]
    assert kept["age"].tolist() == [0, 1, 2]
