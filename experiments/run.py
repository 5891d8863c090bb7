"""Running replicates: arms meet the same seeds, processes share the work, results do not depend on how many.

Processes come from loky: unlike the standard library's spawn it does not import the user's script again, so the five
lines of the README work in a plain script, a notebook and a shell alike, and fresh processes carry no locked threads.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Self

from loky import ProcessPoolExecutor

import agents.actions  # noqa: F401  (registers the kinds of action in worker processes too)
from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.metrics import Outcome, outcome
from sim.errors import SiyuError

LOKY_LOG = "concurrent.futures"  # the logger that loky writes to
PARENT_CHECK_SECONDS = 1.0
MOST_REVIVALS = 3  # times that killed workers are replaced before a run gives up

Progress = Callable[[int, int], None]  # done, total


def seeds_for(purpose: str, n: int, root: int) -> tuple[int, ...]:
    """Seeds of replicates 0 … n−1 for a purpose, such as ``search`` or ``holdout``.

    A purpose owns a block of 2^20 seeds whose number is a 43-bit hash of root and purpose.
    """
    digest = hashlib.blake2b(f"{root}/{purpose}".encode(), digest_size=8).digest()
    first = (int.from_bytes(digest, "little") >> 21) << 20
    return tuple(first + i for i in range(n))


@dataclass(frozen=True)
class Task:
    """One replicate of a policy in one of the scenarios that the workers know, or in another that is sent along."""

    policy: Policy
    seed: int
    scenario: int | Scenario = 0


def scenario_of(task: Task, known: Sequence[Scenario]) -> Scenario:
    """The scenario that a task names or brings."""
    return known[task.scenario] if isinstance(task.scenario, int) else task.scenario


_SCENARIOS: list[Scenario] = []
_LEARNED: list[Learned | None] = []


def begin_worker(scenarios: list[Scenario], learned: Learned | None, parent: int) -> None:
    _SCENARIOS[:] = scenarios
    _LEARNED[:] = [learned]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the end of this block, and for ever in processes that are started inside: one that is still
    importing when it comes would print a traceback."""
    resource_tracker.ensure_running()  # loky starts it when it starts a process, and that would end the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _worth_saying(record: logging.LogRecord) -> bool:
    """Whether the pool's own thread complains of more than that it cannot fail a future which was cancelled before."""
    return not (record.exc_info and isinstance(record.exc_info[1], InvalidStateError))


def _leave_with(parent: int) -> None:
    """End this worker when its parent is gone: a parent that is killed cannot tell its workers to stop."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _live(task: Task) -> Outcome:
    return live(scenario_of(task, _SCENARIOS), task.policy, task.seed, _LEARNED[0])


def live(scenario: Scenario, policy: Policy, seed: int, learned: Learned | None = None) -> Outcome:
    """Live one replicate without keeping single events. Raises ArithmeticError when a metric is not a finite number."""
    world = PrivateDomain(scenario, policy, seed=seed, learned=learned, detail=False)
    world.run()
    found = outcome(world)
    for name, value in found.values.items():
        if not math.isfinite(value):
            raise ArithmeticError(f"{name} is {value}")
    return found


class ReplicateError(SiyuError):
    """A replicate that failed or came to no finite number.

    Attributes
    ----------
    task : the replicate; None in another process than the one that asked for it.
    """

    def __init__(
        self, rule: str, task: Task | None = None, *, place: str = "", value: object = None, cure: str = ""
    ) -> None:
        super().__init__(rule, place=place, value=value, cure=cure)
        self.task = task

    @classmethod
    def of(cls, task: Task, error: Exception) -> ReplicateError:
        """What is told when a replicate ends with an error that is none of the user's documents."""
        return cls(
            f"the replicate failed: {type(error).__name__}: {error}",
            task,
            place=f"policy '{task.policy.title}', seed {task.seed}",
            cure=f"to live it alone: siyu simulate SCENARIO --policy POLICY --replicate-seed {task.seed}",
        )


def default_processes() -> int:
    """As many processes as this one may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that know the scenarios and models and live replicates.

    Parameters
    ----------
    scenarios : those that tasks may name by index.
    learned : models and starting states, or None for cited defaults.
    processes : 1 works in this process; None takes all cores.
    """

    def __init__(
        self, scenarios: Sequence[Scenario], learned: Learned | None = None, processes: int | None = None
    ) -> None:
        self.scenarios = list(scenarios)
        self.learned = learned
        self.processes = processes or default_processes()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def _open(self) -> None:
        if self.processes > 1:
            logging.getLogger(LOKY_LOG).addFilter(_worth_saying)
            self._pool = ProcessPoolExecutor(
                self.processes, initializer=begin_worker, initargs=(self.scenarios, self.learned, os.getpid())
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, kill_workers=kind is not None)

    def run(self, tasks: Sequence[Task], progress: Progress | None = None) -> list[Outcome]:
        """Outcomes in the order of the tasks."""
        results: dict[int, Outcome] = {}
        for index, result in self.as_done(tasks):
            results[index] = result
            if progress:
                progress(len(results), len(tasks))
        return [results[index] for index in range(len(tasks))]

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """(index of the task, outcome) as they finish. Tasks of a worker that was killed are given to new workers."""
        if self._pool is None:
            for index, task in enumerate(tasks):
                yield index, self._live_here(task)
            return
        waiting = dict(enumerate(tasks))
        for attempt in range(MOST_REVIVALS + 1):
            try:
                for index, outcome in self._submit(waiting):
                    del waiting[index]
                    yield index, outcome
                return
            except BrokenProcessPool as error:
                if attempt == MOST_REVIVALS:
                    raise SiyuError(
                        f"worker processes died {attempt + 1} times: {error}",
                        cure="is there enough memory? try fewer --processes",
                    ) from error
                self._pool.shutdown(wait=True, kill_workers=True)
                self._open()

    def _live_here(self, task: Task) -> Outcome:
        try:
            return live(scenario_of(task, self.scenarios), task.policy, task.seed, self.learned)
        except SiyuError:
            raise
        except Exception as error:
            raise ReplicateError.of(task, error) from error

    def _submit(self, waiting: dict[int, Task]) -> Iterator[tuple[int, Outcome]]:
        assert self._pool is not None
        with interrupts_held():
            futures: dict[Future[Outcome], int] = {self._pool.submit(_live, t): i for i, t in waiting.items()}
        try:
            for future in as_completed(futures):
                index = futures[future]
                try:
                    result = future.result()
                except (SiyuError, BrokenProcessPool):
                    raise
                except Exception as error:
                    raise ReplicateError.of(waiting[index], error) from error
                yield index, result
        finally:  # whoever stops listening, as after Ctrl-C, wants nothing more to be begun
            for future in futures:
                future.cancel()
