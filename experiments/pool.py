"""Processes for whole questions: worlds of different kinds, each asked and measured where it lives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import Any

from loky import ProcessPoolExecutor

from experiments import run


class Pool:
    """Processes for whole worlds; with one, this process."""

    def __init__(self, processes: int | None) -> None:
        self.processes = processes or run.default_processes()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Pool:
        if self.processes > 1:
            # No worker hears Ctrl-C, and none lives longer than its parent.
            self._pool = ProcessPoolExecutor(
                self.processes, initializer=run.begin_worker, initargs=([], None, os.getpid())
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, kill_workers=kind is not None)

    def each(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """(index of the task, what came of it) as they finish."""
        if self._pool is None:
            yield from ((index, work(*task)) for index, task in enumerate(tasks))
            return
        with run.interrupts_held():
            futures = {self._pool.submit(work, *task): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()
