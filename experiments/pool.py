"""Processes for whole questions: worlds of different kinds, each asked and measured where it lives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import Any

from loky import ProcessPoolExecutor

from experiments import run


class Pool:
    """Processes for whole worlds; with one, this process. What they leave in temporary folders goes with them."""

    def __init__(self, processes: int | None) -> None:
        self.processes = processes or run.default_processes()
        self._pool: ProcessPoolExecutor | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Pool:
        if self.processes > 1:
            self._scratch = tempfile.TemporaryDirectory(prefix="siyu-", ignore_cleanup_errors=True)
            self._pool = ProcessPoolExecutor(
                self.processes, initializer=_begin, initargs=(os.getpid(), self._scratch.name)
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, kill_workers=kind is not None)
        if self._scratch:
            self._scratch.cleanup()

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


def _begin(parent: int, scratch: str) -> None:
    """No worker hears Ctrl-C or outlives its parent, and when it is killed its temporary files go too."""
    run.begin_worker([], None, parent)
    tempfile.tempdir = scratch
