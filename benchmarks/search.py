"""How long the trials of a search take, and how much of that is not simulation.

``python benchmarks/search.py`` lives 96 trials in one process, so that the split is exact, and then with all cores; a
third of them is there before the engine proposes any.
``--full`` is the setting of which the target speaks: 200 trials with 8 replicates of 10,000 customers over 180 days.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import experiments.run as run
from experiments import load
from experiments.ground import prepare
from experiments.search import search_ground

CUSTOMERS, DAYS, TRIALS, REPLICATES = 10_000, 180, 200, 8
TARGET_SECONDS, TARGET_SHARE = 180.0, 0.05


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


def searched(experiment: str, trials: int, processes: int) -> tuple[float, Any]:
    """Seconds of the trials alone, and the search. Nothing is judged beyond the least that there must be."""
    design = load(experiment, "experiment")
    design = design.model_copy(update={"sensitivity": design.sensitivity.model_copy(update={"replicates": 0})})
    ground = prepare(design)
    population = ground.scenario.population.model_copy(update={"size": CUSTOMERS})
    scenario = ground.scenario.model_copy(update={"population": population, "horizon_days": DAYS})
    overrides = {
        "trials": trials, "replicates": REPLICATES, "racing": False, "patience": 0, "finalists": 1,
        "final_replicates": 2, "final_rounds": 1, "holdout_replicates": 2, "fronts": (), "design": 0,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = search_ground(
            replace(ground, scenario=scenario), design, out=Path(folder), processes=processes, overrides=overrides
        )
    return found.course.seconds["trials"], found


def main() -> None:
    """Print the split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=96)
    parser.add_argument("--experiment", default="sparkling_drinks")
    parser.add_argument("--full", action="store_true", help="200 trials, with all cores only")
    options = parser.parse_args()
    cores = run.default_processes()
    print(
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}; {CUSTOMERS:,} customers, {DAYS} days"
    )
    if options.full:
        seconds, found = searched(options.experiment, TRIALS, cores)
        done = len(found.trials) * REPLICATES * CUSTOMERS * DAYS
        print(f"{len(found.trials)} trials x {REPLICATES} replicates with {cores} processes: {seconds:.0f} s "
              f"(target {TARGET_SECONDS:.0f}); {done / seconds / 1e6:.1f} M agent-days/s")  # fmt: skip
        return
    clock = run.live = Clock()  # type: ignore[assignment]
    seconds, found = searched(options.experiment, options.trials, 1)
    lived = len(found.trials) * REPLICATES / clock.runs * clock.seconds  # what was lived after the trials is left out
    print(f"one process : {60 * len(found.trials) / seconds:6.1f} trials a minute; {clock.runs} replicates, "
          f"{clock.seconds / clock.runs:.3f} s each; {1 - lived / seconds:.1%} of the trials is not simulation "
          f"(target {TARGET_SHARE:.0%})")  # fmt: skip
    seconds, found = searched(options.experiment, options.trials, cores)
    print(f"all cores   : {60 * len(found.trials) / seconds:6.1f} trials a minute")


if __name__ == "__main__":
    main()
