"""The speed of this engine beside another commit's: python benchmarks/against.py CLONE [--size N] [--repeats N].

Each run lives in a fresh process, in turns, on the process's own CPU clock: six kinds of action there and here, and the
whole playbook here. Compare ratios; other work on the machine makes seconds longer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE))

# Each commit lives the six kinds of action as it writes them. The first releases had no other world to choose.
IN_A_CLONE = """
import json, sys
import benchmarks.engine as engine
name, size, days = sys.argv[1], *map(int, sys.argv[2:])
world = (getattr(engine, name)(size, days),) if hasattr(engine, name) else (size, days)
run = engine.live(*world)
print(json.dumps([run.cpu_seconds, run.events / run.agent_days]))
"""


class Lived(NamedTuple):
    """CPU seconds of a world, and its events an agent-day."""

    seconds: float
    events: float


def lived_in(clone: Path, name: str, size: int, days: int) -> Lived:
    """Live a world of benchmarks/playbook.py in a clone of this repository, in a fresh process."""
    command = [sys.executable, "-c", IN_A_CLONE, name, str(size), str(days)]
    environment = {**os.environ, "PYTHONPATH": str(clone)}
    done = subprocess.run(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Lived(*json.loads(done.stdout))


def show_against(clone: Path, size: int, days: int, repeats: int) -> float:
    """Live the worlds in turns and print; give the time of six kinds of action here over that in the clone."""
    worlds = ((clone, "six_kinds"), (HERE, "six_kinds"), (HERE, "everything"))
    rounds = [[lived_in(where, name, size, days) for where, name in worlds] for _ in range(repeats)]
    there, here, whole = (list(runs) for runs in zip(*rounds, strict=True))
    print(f"in turns with the clone, {size:,} customers, {days} days, best of {repeats}")
    print(f"  six kinds there    {_told(there)}")
    print(f"  six kinds here     {_told(here)}: {ratio(_seconds(there), _seconds(here))}")
    times = ratio(_seconds(there), _seconds(whole))
    each = min(_seconds(whole)) / min(_seconds(there)) * there[0].events / whole[0].events
    print(f"  whole playbook     {_told(whole)}: {times}, an event {each:.2f} times")
    return min(_seconds(here)) / min(_seconds(there))


def _seconds(runs: list[Lived]) -> list[float]:
    return [run.seconds for run in runs]


def _told(runs: list[Lived]) -> str:
    return f"{min(_seconds(runs)):.2f} s CPU, {runs[0].events:.2f} events an agent-day"


def ratio(first: list[float], second: list[float]) -> str:
    """How many times as long the second takes as the first: of the least, and of each pair."""
    pairs = [b / a for a, b in zip(first, second, strict=True)]
    return f"{min(second) / min(first):.2f} times as long (pair by pair {min(pairs):.2f} to {max(pairs):.2f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=Path, help="clone of this repository at another commit")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    show_against(asked.clone.resolve(), asked.size, asked.days, asked.repeats)
