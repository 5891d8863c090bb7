"""The speed of one world at two commits: each run in a fresh process, in turns, on the process's own CPU clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.playbook import Setting

IN_A_CLONE = """
import gc, json, sys, time
import agents.actions
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
market, operator = json.load(sys.stdin)
world = PrivateDomain(Scenario.model_validate(market), Policy.model_validate(operator), seed=1, detail=False)
gc.collect()
began = time.process_time()
world.run()
print(time.process_time() - began)
"""


def seconds_in(clone: Path, setting: Setting) -> float:
    """CPU seconds that a clone of this repository, at whatever commit, takes to live a world, in a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(clone)}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CLONE], input=json.dumps([setting.market, setting.operator]), cwd=clone,
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def show_against(clone: Path, setting: Setting, repeats: int) -> float:
    """Live a world here and in another clone in turns; the ratio of their times."""
    here = Path(__file__).parents[1]
    pairs = [(seconds_in(clone, setting), seconds_in(here, setting)) for _ in range(repeats)]
    theirs, ours = ([pair[number] for pair in pairs] for number in (0, 1))
    print(f"seven kinds of action in turns with the clone, {setting.size:,} customers: {min(theirs):.2f} s CPU there")
    print(f"  {min(ours):.2f} s here, {ratio(theirs, ours)}")
    return min(ours) / min(theirs)


def ratio(first: list[float], second: list[float]) -> str:
    """How many times as long the second takes as the first: of the least, and of each pair."""
    pairs = [b / a for a, b in zip(first, second, strict=True)]
    return f"{min(second) / min(first):.2f} times as long (pair by pair {min(pairs):.2f} to {max(pairs):.2f})"
