"""The simpler policies that stand beside the leader of a search."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from experiments.searching.finals.finalists import simplified
from experiments.searching.plan import SearchPlan
from experiments.searching.space.coordinates import Coordinates
from tests.worlds import policy


def test_levers_that_matter_nothing_go_back_to_the_letter() -> None:
    """Also where a coordinate does not give the value back: 10 hours on a logarithmic scale."""
    base = policy(chat={"kind": "chat", "hours_per_week": {"L1": 3, "L2": 10}})
    space = {
        "actions.chat.hours_per_week.L2": {"low": 3, "high": 30, "log": True},
        "actions.chat.hours_per_week.L1": {"low": 0, "high": 15},
    }
    plan = SearchPlan.model_validate({"title": "t", "space": space})
    coordinates, here = Coordinates(plan.dimensions()), plan.params_of(base)
    name = "actions.chat.hours_per_week.L2"
    assert coordinates.params(coordinates.row(here))[name] != here[name]
    engine = cast(Any, SimpleNamespace(coordinates=coordinates))
    indifferent = cast(Any, SimpleNamespace(difference=lambda rows, start: (np.zeros(len(rows)), None)))
    assert simplified(plan, base, dict.fromkeys(here, 7.0), here, indifferent, engine, 1.0) == here
