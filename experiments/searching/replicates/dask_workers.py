"""Workers on a cluster, through Dask distributed."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from agents.birth import Learned
from agents.scenario import Scenario
from experiments.metrics import Outcome
from experiments.run import MOST_REVIVALS, ReplicateError, Task
from experiments.searching.replicates.digests import world_code
from experiments.searching.studies.journal import SAVED
from sim.errors import SiyuError

CONNECT_SECONDS = 30  # for the scheduler to answer and the first worker to be there; assumed
CLOSE_SECONDS = 5


class DaskWorkers:
    """The workers of a Dask cluster, used like :class:`~experiments.run.Workers`.

    What a worker that is lost was living, another one lives again. The outcomes do not depend on their number.

    Parameters
    ----------
    address : of the scheduler, such as ``tcp://host:8786``.
    scenarios, learned : as for ``Workers``; every worker is sent them once.

    Raises
    ------
    SiyuError
        When Dask is not installed, the cluster cannot be reached or has no worker, or a worker has another version.
    """

    def __init__(self, address: str, scenarios: Sequence[Scenario], learned: Learned | None = None) -> None:
        self.address, self.scenarios, self.learned = address, list(scenarios), learned
        self._key = uuid.uuid4().hex
        self._client: Any = None
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise SiyuError(
                "a Dask cluster needs a package that is not installed", place=address, cure="pip install 'siyu[dask]'"
            ) from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said here, in our words

    def __enter__(self) -> Self:
        from distributed import Client

        from experiments.searching.replicates.dask_plugin import Worlds

        try:
            self._client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
            self._client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            self._client.register_plugin(Worlds(self._key, world_code(), self.scenarios, self.learned), self._key)
        except BaseException as error:
            self._leave()
            if isinstance(error, OSError | TimeoutError | ValueError):
                raise SiyuError(
                    f"the Dask cluster cannot be used: {str(error).splitlines()[0]}", place=self.address,
                    cure="are its scheduler and a worker running?",
                ) from error  # fmt: skip
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):  # the cluster may be gone; its workers forget us then by themselves
            self._client.unregister_worker_plugin(self._key)
        self._leave()

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close(timeout=CLOSE_SECONDS)  # and with it all that still runs for it
            self._client = None

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """(index of the task, outcome) as they finish."""
        from distributed import KilledWorker

        waiting = dict(enumerate(tasks))
        for attempt in range(MOST_REVIVALS + 1):
            try:
                for index, outcome in self._submit(waiting):
                    del waiting[index]
                    yield index, outcome
                return
            except KilledWorker as error:  # a task whose worker was lost several times; it may be the task's fault
                if attempt == MOST_REVIVALS:
                    raise SiyuError(
                        "workers of the cluster died again and again",
                        place=self.address,
                        cure="have they enough memory for the population?",
                    ) from error

    def _submit(self, waiting: dict[int, Task]) -> Iterator[tuple[int, Outcome]]:
        from distributed import KilledWorker, as_completed

        from experiments.searching.replicates.dask_plugin import live_there

        futures = {self._client.submit(live_there, self._key, task, pure=False): i for i, task in waiting.items()}
        try:
            for future in as_completed(list(futures), loop=self._client.loop):  # type: ignore[no-untyped-call]
                index = futures.pop(future)
                if future.status == "cancelled":
                    raise SiyuError(
                        "the scheduler of the cluster has gone", place=self.address, cure=f"start it again; {SAVED}"
                    )
                try:
                    outcome = future.result()
                except (SiyuError, KilledWorker):
                    raise
                except Exception as error:
                    raise ReplicateError.of(waiting[index], error) from error
                yield index, outcome
        finally:  # whoever stops listening wants nothing more to be begun
            with suppress(Exception):
                self._client.cancel(list(futures))
