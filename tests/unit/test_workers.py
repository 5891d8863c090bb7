"""Worker processes: Ctrl-C is the parent's, and whoever stops listening stops what has not begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.policy import DO_NOTHING
from agents.scenario import Scenario
from experiments.run import ReplicateError, Task, Workers
from sim.spec import validate

SCENARIO = validate(Scenario, {"title": "shop", "horizon_days": 20, "population": {"size": 30}})
LISTEN = """
from tests.unit.test_workers import *
with Workers([SCENARIO], processes=2) as workers:
    try:
        for _ in workers.as_done([Task(DO_NOTHING, seed) for seed in range(3_000)]):
            print(*workers._pool._processes, flush=True)
    except KeyboardInterrupt:
        {then}
"""
CLOSES = "print('stopped', flush=True); raise SystemExit(7)"
GOES_ON = "print(len(dict(workers.as_done([Task(DO_NOTHING, seed) for seed in range(3)]))), flush=True)"


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads the process table")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("then", "said", "code"), [(CLOSES, "stopped", 7), (GOES_ON, "3", 0)], ids=["closes", "goes on"]
)
def test_ctrl_c_reaches_the_parent_only(then: str, said: str, code: int) -> None:
    """No traceback of a worker, none left behind; the parent may close at once, or live a few more on the same ones."""
    parent = subprocess.Popen(
        [sys.executable, "-c", LISTEN.format(then=then)], cwd=Path(__file__).parents[2], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to all of them
    began = time.monotonic()
    out, err = parent.communicate(timeout=60)
    assert time.monotonic() - began < 20
    assert (parent.returncode, out.splitlines()[-1], err) == (code, said, "")
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.parametrize("processes", [1, 2])
def test_replicate_that_fails_is_named(processes: int) -> None:
    with Workers([SCENARIO], processes=processes) as workers:
        with pytest.raises(ReplicateError) as told:
            list(workers.as_done([Task(DO_NOTHING, 5, 3)]))
        assert told.value.task == Task(DO_NOTHING, 5, 3)
        assert str(told.value) == (
            "policy 'do nothing', seed 5: the replicate failed: IndexError: list index out of range; to live it alone: "
            "siyu simulate SCENARIO --policy POLICY --replicate-seed 5"
        )
        assert len(list(workers.as_done([Task(DO_NOTHING, 5)]))) == 1  # the workers have survived
