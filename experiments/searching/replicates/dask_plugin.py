"""What the workers of a Dask cluster know: worlds and models, brought once to each, also to those that come late."""

from __future__ import annotations

import threading
from typing import Any

from distributed import WorkerPlugin, get_worker

from agents.birth import Learned
from agents.scenario import Scenario
from experiments.metrics import Outcome
from experiments.run import Task, live, scenario_of
from experiments.searching.replicates.digests import world_code
from sim.errors import SiyuError

_KNOWN: dict[str, Worlds] = {}
_ONE_AT_A_TIME = threading.Lock()  # a worker may have several threads, and a world expects to have its process alone


class Worlds(WorkerPlugin):
    """Brings worlds and models to a worker when it starts or when they are registered.

    Parameters
    ----------
    key : under which tasks name them; several searches may share a cluster.
    code : the searcher's version of the engine, which the worker's must equal.
    """

    def __init__(self, key: str, code: str, scenarios: list[Scenario], learned: Learned | None) -> None:
        self.key, self.code, self.scenarios, self.learned = key, code, scenarios, learned

    def setup(self, worker: Any) -> None:
        _KNOWN[self.key] = self

    def teardown(self, worker: Any) -> None:
        _KNOWN.pop(self.key, None)


def live_there(key: str, task: Task) -> Outcome:
    """Live a replicate in a worker. Raises SiyuError when the worker is of another version than the searcher."""
    known = _KNOWN[key]
    if world_code() != known.code:
        raise SiyuError(
            "a worker of the cluster has another version of siyu or NumPy", place=str(get_worker().address),
            value=world_code(), cure=f"install the searcher's, {known.code}, and start the worker again",
        )  # fmt: skip
    with _ONE_AT_A_TIME:
        return live(scenario_of(task, known.scenarios), task.policy, task.seed, known.learned)
