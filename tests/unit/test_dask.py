"""Workers on a cluster: the same bytes, also when one of them is killed; errors that say what to do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.run import ReplicateError, Task, Workers
from experiments.searching.replicates.cache import packed
from experiments.searching.replicates.dask_workers import DaskWorkers
from sim import SiyuError
from sim.spec import validate

SCENARIO = validate(Scenario, {"title": "shop", "horizon_days": 40, "population": {"size": 100}})
LONGER = SCENARIO.model_copy(update={"horizon_days": 61})
POLICY = validate(Policy, {"title": "adverts", "actions": {"adverts": {"kind": "advert", "calendar": {"per_week": 3}}}})
TASKS = [Task(policy, seed, scenario) for policy in (POLICY, DO_NOTHING) for seed in range(6) for scenario in (0, 1)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install siyu[dask]")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
    ) as cluster:
        yield cluster


def lived(workers: Any, tasks: Sequence[Task] = TASKS) -> list[bytes]:
    found = dict(workers.as_done(tasks))
    return [packed(found[i]) for i in range(len(tasks))]


@pytest.mark.slow
def test_same_bytes_as_in_one_process_though_a_worker_is_killed(cluster: Any) -> None:
    with Workers([SCENARIO, LONGER], processes=1) as workers:
        expected = lived(workers)
    with DaskWorkers(cluster.scheduler_address, [SCENARIO, LONGER]) as workers:
        assert lived(workers) == expected
        pids = set(workers._client.run(os.getpid).values())
        found = {}
        for number, (index, outcome) in enumerate(workers.as_done(TASKS)):
            found[index] = packed(outcome)
            if number == 3:
                os.kill(min(pids), signal.SIGKILL)
        assert [found[i] for i in range(len(TASKS))] == expected
        workers._client.wait_for_workers(2, timeout=60)
        assert set(workers._client.run(os.getpid).values()) != pids
        assert lived(workers) == expected  # the worker that came instead knows the worlds too


@pytest.mark.slow
def test_replicate_that_fails_is_named(cluster: Any) -> None:
    with DaskWorkers(cluster.scheduler_address, [SCENARIO]) as workers:
        with pytest.raises(ReplicateError, match="policy 'adverts', seed 3: the replicate failed: IndexError") as told:
            lived(workers, [Task(POLICY, 3, 7)])
        assert told.value.task == Task(POLICY, 3, 7)


@pytest.mark.slow
def test_worker_of_another_version_is_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.searching.replicates.dask_workers.world_code", lambda: "of tomorrow")
    told = pytest.raises(SiyuError, match=r"tcp://127.*: a worker of the cluster has another version.*of tomorrow")
    with DaskWorkers(cluster.scheduler_address, [SCENARIO]) as workers, told:
        lived(workers, TASKS[:1])


def test_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install siyu[dask]")
    monkeypatch.setattr("experiments.searching.replicates.dask_workers.CONNECT_SECONDS", 0.2)
    with pytest.raises(SiyuError, match=r"tcp://127\.0\.0\.1:9: the Dask cluster cannot be used: .*scheduler"):
        DaskWorkers("tcp://127.0.0.1:9", [SCENARIO]).__enter__()


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SiyuError, match=r"not installed; pip install 'siyu\[dask\]'"):
        DaskWorkers("tcp://127.0.0.1:9", [SCENARIO])
