"""The speed of one world at two commits: each run in a fresh process, in turns, on the process's own CPU clock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.playbook import Setting

# Each commit lives the six kinds of action as it writes them. The first releases had no other world to choose.
IN_A_CLONE = """
import sys
import benchmarks.engine as engine
size, days = map(int, sys.argv[1:])
world = (engine.six_kinds(size, days),) if hasattr(engine, "six_kinds") else (size, days)
print(engine.live(*world).cpu_seconds)
"""


def seconds_in(clone: Path, setting: Setting) -> float:
    """CPU seconds that a clone of this repository takes to live a world of this size, in a fresh process."""
    command = [sys.executable, "-c", IN_A_CLONE, str(setting.size), str(setting.days)]
    environment = {**os.environ, "PYTHONPATH": str(clone)}
    done = subprocess.run(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def show_against(clone: Path, setting: Setting, repeats: int) -> float:
    """Live six kinds of action here and in another clone in turns; the ratio of their times."""
    here = Path(__file__).parents[1]
    pairs = [(seconds_in(clone, setting), seconds_in(here, setting)) for _ in range(repeats)]
    theirs, ours = ([pair[number] for pair in pairs] for number in (0, 1))
    print(f"six kinds of action in turns with the clone, {setting.size:,} customers: {min(theirs):.2f} s CPU there")
    print(f"  {min(ours):.2f} s here, {ratio(theirs, ours)}")
    return min(ours) / min(theirs)


def ratio(first: list[float], second: list[float]) -> str:
    """How many times as long the second takes as the first: of the least, and of each pair."""
    pairs = [b / a for a, b in zip(first, second, strict=True)]
    return f"{min(second) / min(first):.2f} times as long (pair by pair {min(pairs):.2f} to {max(pairs):.2f})"
