"""Segments: who is in which class, what sets classes apart, whom an audience means, what logs say of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.customers import Traits
from agents.segments import cell_of, class_of, drawn, logged, shifts
from experiments.train import classes_of
from sim.draws import Draws
from sim.errors import SpecError
from tests.worlds import EVERYTHING, SEGMENTS, busy_scenario, canonical, live, policy, scenario

TRAITS = Traits(segments=SEGMENTS)
KEYS = np.arange(40_000, dtype=np.int64)


def classes(dimension: str, cell: Any) -> list[str]:
    names = list(SEGMENTS[dimension])
    return [names[number] for number in class_of(TRAITS.segments, dimension, cell)]


def test_cells_and_classes_are_each_others_inverse() -> None:
    both = [(region, age) for region in range(2) for age in range(3)]
    region, age = (np.array(numbers) for numbers in zip(*both, strict=True))
    cell = cell_of(TRAITS.segments, {"region": region, "age_band": age})
    assert sorted(cell.tolist()) == list(range(6))
    assert class_of(TRAITS.segments, "region", cell).tolist() == region.tolist()
    assert class_of(TRAITS.segments, "age_band", cell).tolist() == age.tolist()
    assert class_of(TRAITS.segments, "region", np.array([-1])).tolist() == [-1]


def test_shares_are_those_asked_and_dimensions_independent() -> None:
    cell = drawn(TRAITS.segments, Draws(3), KEYS)
    expected = np.outer([2 / 3, 1 / 3], np.array([1, 1.5, 1]) / 3.5).ravel()
    counts = np.bincount(cell, minlength=6)
    assert (((counts - expected * len(KEYS)) ** 2) / (expected * len(KEYS))).sum() < 20.5  # chi² with 5 df at .001


def test_classes_differ_by_their_shifts_alone() -> None:
    plain, apart = Traits().draw(Draws(3), KEYS), TRAITS.draw(Draws(3), KEYS)
    cell = apart.pop("segment")
    for name, values in apart.items():
        moved = values - plain[name] if name in ("rate", "basket") else np.log(values / plain[name])
        assert moved == pytest.approx(shifts(TRAITS.segments, name)[cell], abs=1e-9), name
    assert shifts(TRAITS.segments, "rate").tolist() == pytest.approx([0.2, 0.2, 0.1, 0.0, 0.0, -0.1])


def test_an_audience_means_those_of_every_named_dimension() -> None:
    whom = {"segments": {"region": ["south"], "age_band": ["19-24", "35-44"]}}
    coupons = {"kind": "coupon", "depth": 0.1, "calendar": {"every_days": 7}, "audience": whom}
    world = live(scenario(600, 8, traits={"segments": SEGMENTS}), policy(it=coupons))
    got = set(world.ledger.of("coupon_issued").key.tolist())
    cell = world.customers.segment
    meant = [region == "south" and age != "25-34" for region, age in
             zip(classes("region", cell), classes("age_band", cell), strict=True)]  # fmt: skip
    assert 0 < len(got) < len(cell) / 2
    assert got <= set(world.customers.key[meant].tolist())


def test_a_segment_more_changes_nobody() -> None:
    """Classes without shifts are labels: the same people live the same lives."""
    labels = {"region": {"north": {}, "south": {}}}
    under = policy(posts=EVERYTHING["posts"], friends=EVERYTHING["friends"])
    plain, told = (canonical(live(busy_scenario(100, 20, traits={"segments": part}), under)) for part in ({}, labels))
    assert plain == [event for event in told if not event[4].startswith(("segment.", "orders."))]


def test_logs_say_where_somebody_belongs() -> None:
    cell = drawn(TRAITS.segments, Draws(3), KEYS[:5])
    found = logged(TRAITS.segments, cell, {"region": np.array(["south", "north", "", "Mars", "south"])})
    born = classes("region", cell)
    assert classes("region", found) == ["south", "north", born[2], born[3], "south"]
    assert classes("age_band", found) == classes("age_band", cell), "the logs do not say"
    others = Traits(segments={"region": {"north": {}, "other": {}}}).segments
    found = logged(others, drawn(others, Draws(3), KEYS[:3]), {"region": np.array(["north", "Mars", "south"])})
    assert class_of(others, "region", found).tolist() == [0, 1, 1]


def test_a_class_of_few_is_not_told() -> None:
    """No model or state says of fewer than ten customers where they live."""
    regions = ["north"] * 10 + ["south"] * 9 + [None]
    customers = pd.DataFrame({"first_day": 0, "region": regions})
    logs = SimpleNamespace(customers=customers)
    found = classes_of(logs, np.arange(20))  # type: ignore[arg-type]
    assert {name: texts.tolist() for name, texts in found.items()} == {"region": ["north"] * 10 + [""] * 10}


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ({"regoin": ["north"]}, r"no dimension 'regoin'.*did you mean 'region'"),
        ({"region": ["nort"]}, r"'region' has no class 'nort'.*did you mean 'north'"),
        ({"region": []}, r"no class is meant"),
    ],
)
def test_what_the_scenario_does_not_have_is_refused(segments: Any, words: str) -> None:
    action = {"kind": "content", "calendar": {"every_days": 7}, "audience": {"segments": segments}}
    with pytest.raises(SpecError, match=words):
        policy(it=action).check(busy_scenario())


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ({"region": {}}, "segments.region: has no class"),
        ({f"d{i}": {f"c{j}": {} for j in range(11)} for i in range(3)}, "1,331 combinations of classes; at most 1,000"),
    ],
)
def test_segments_that_divide_nobody_or_everybody_are_refused(segments: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Traits(segments=segments)
