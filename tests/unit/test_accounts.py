"""The trust funnel, and accounts as they are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.accounts import funnel, segments
from experiments.cli import app
from experiments.metrics import outcome
from experiments.reporting.report_tables import identity_tables, steps_table
from tests.worlds import busy_policy, busy_scenario, canonical, live


def test_steps_of_the_census_are_those_of_the_events() -> None:
    world = live(busy_scenario(), busy_policy(), seed=2)
    moves = [source.removeprefix("trust.") for _, _, kind, _, source in canonical(world) if kind == "trust_level"]
    census = outcome(world).census
    steps = {state.removeprefix("step."): 0 for _, state in census if state.startswith("step.")}
    for (_, state), n in census.items():
        if state.startswith("step."):
            steps[state.removeprefix("step.")] += n
    assert steps == {move: moves.count(move) for move in set(moves)}
    assert {"L0-L1", "L1-L2", "L3-L2", "L4-L5", "L5-L4"} <= set(steps)


def frame(**states: list[float]) -> pd.DataFrame:
    """A census of two weeks of an arm."""
    rows = [
        {"arm": "a", "day": day, "state": state.replace("_", ".", 1).replace("_", "-"), "customers": n}
        for state, counts in states.items()
        for day, n in zip((6, 13), counts, strict=True)
    ]
    return pd.DataFrame(rows)


def test_a_rate_is_moves_for_those_who_stood_there_a_week() -> None:
    census = frame(level_L1=[100, 60], level_L2=[5, 5], step_L1_L2=[10, 10], step_L1_L4=[0, 12], step_L1_L0=[16, 0])
    found = funnel(census).set_index("level")
    assert found.loc["L1", "stood"] == 80
    assert found.loc["L1", "up_a_week"] == pytest.approx(32 / 80 / 2)
    assert found.loc["L1", "down_a_week"] == pytest.approx(16 / 80 / 2)
    assert np.isnan(found.loc["L2", "stood"]), "fewer than ten are not shown"
    assert steps_table(census).rows[1] == ("L1 acquainted", "80", "20.00%", "10.00%")
    assert steps_table(census).rows[2] == ("L2 in conversation", "<10", "<10", "<10")


def test_an_identity_that_breaks_says_so_in_its_table() -> None:
    rows = pd.DataFrame(
        {"arm": "a", "identity": "sales", "formula": "a × b", "unit": "money", "result": 12.5, "source": "S1",
         "factor": ["visitors", "orders"], "counted": ["who came", "what they ordered"], "value": [2500.0, 0.005],
         "of": ["visits", "orders a visit"], "broken": "order value"}
    )  # fmt: skip
    ((caption, table),) = identity_tables(rows)
    assert caption == "Sales: a × b (S1), one replicate"
    assert table.rows == (
        ("visitors: who came", "2,500\nvisits"),
        ("orders: what they ordered", "0.005\norders a visit"),
        ("product", "12\nno product"),
    )


def test_simulate_tells_the_accounts_and_where_the_time_goes(tmp_path: Path) -> None:
    asked = ["simulate", "sparkling_drinks", "--replicates", "1", "--processes", "1", "--accounts", "--profile"]
    told = CliRunner().invoke(app, [*asked, "--json"])
    found = json.loads(told.stdout)
    sales = found["identities"][0]
    assert (sales["name"], [f["name"] for f in sales["factors"]]) == (
        "sales", ["visitors", "conversion rate", "order value"],
    )  # fmt: skip
    assert np.prod([f["value"] for f in sales["factors"]]) == pytest.approx(sales["result"])
    assert {"operate", "operate/moments", "receive/attention"} <= set(found["seconds"])
    shown = CliRunner().invoke(app, asked).stdout
    assert "GMV = visitors × conversion rate × order value" in shown
    assert "L0 strangers" in shown
    assert "  attention" in shown


def test_segments_tell_contacts_and_orders_by_class() -> None:
    def day(of: int, north: float, south: float, orders: float) -> list[dict[str, Any]]:
        states = {"segment.region.north": north, "segment.region.south": south, "orders.region.north": orders,
                  "orders.region.south": 3.0, "level.L1": north + south}  # fmt: skip
        return [{"arm": "status quo", "day": of, "state": state, "customers": n} for state, n in states.items()]

    told = segments(pd.DataFrame([*day(0, 20, 9, 10), *day(7, 40, 9, 70)])).set_index("name")
    assert told.loc["north", ["before", "after", "orders"]].tolist() == [20, 40, 60 / 30]
    assert told.loc["south", ["before", "after", "orders"]].isna().all(), "fewer than ten are not told of"
    assert told["dimension"].tolist() == ["region", "region"]
    assert not len(segments(pd.DataFrame(day(0, 20, 9, 10)[-1:])))
