"""Trials per minute of a search, and how much of the time is not simulation.

``python benchmarks/search.py [--trials N] [--experiment NAME]`` searches in one process, so that the split is exact,
and then with all cores.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import experiments.run as run
from experiments import search


class Clock:
    """Counts replicates and the seconds spent in them."""

    def __init__(self) -> None:
        self.seconds, self.runs, self._live = 0.0, 0, run.live

    def __call__(self, *args: Any) -> Any:
        began = time.perf_counter()
        result = self._live(*args)
        self.seconds += time.perf_counter() - began
        self.runs += 1
        return result


class Stages:
    """Remembers when each stage began."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}

    def stage(self, name: str, total: int) -> None:
        self.began[name] = time.perf_counter()

    def step(self, done: int, note: str = "") -> None:
        """Steps are not timed."""


def timed(experiment: str, trials: int, processes: int) -> tuple[float, float]:
    """Seconds of the trials alone, and of the whole search."""
    stages = Stages()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        search(experiment, out=Path(folder) / "run", processes=processes, listener=stages, overrides={"trials": trials})
    times = list(stages.began.values())
    after = next(t for t in times if t > stages.began["searching"])
    return after - stages.began["searching"], time.perf_counter() - began


def main() -> None:
    """Print the split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--experiment", default="sparkling_drinks")
    options = parser.parse_args()
    print(f"{platform.machine()}, {run.default_processes()} cores, Python {platform.python_version()}")
    clock = run.live = Clock()  # type: ignore[assignment]
    alone, whole = timed(options.experiment, options.trials, 1)
    print(f"one process : {60 * options.trials / alone:6.1f} trials a minute; whole search {whole:.1f} s")
    print(f"              {clock.runs} replicates, {clock.seconds / clock.runs:.3f} s each; "
          f"{1 - clock.seconds / whole:.1%} of the search is not simulation")  # fmt: skip
    alone, whole = timed(options.experiment, options.trials, run.default_processes())
    print(f"all cores   : {60 * options.trials / alone:6.1f} trials a minute; whole search {whole:.1f} s")


if __name__ == "__main__":
    main()
