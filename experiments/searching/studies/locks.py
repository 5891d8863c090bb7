"""The lock of the one process that proposes in a study."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

from experiments.searching.studies.journal import disk_errors
from sim.errors import StudyError

if TYPE_CHECKING:
    from experiments.searching.studies.storage import Storage

LOST_LOCK_SECONDS = 60.0  # twice the time after which both sides of a line know that it is dead


class Lock:
    """Held by the one process that proposes."""

    def check(self) -> None:
        """Raise StudyError when the lock was lost and another process has it now."""

    def release(self) -> None:
        """Give it back."""


def _taken(place: Path | str, by: str) -> StudyError:
    return StudyError(
        f"another search is running here{by}", place=str(place),
        cure="wait for it or stop it; `siyu worker` joins it, another --out is another search",
    )  # fmt: skip


class FileLock(Lock):
    """On a file beside the journal; the operating system gives it back when the process ends, however it ends."""

    def __init__(self, journal: Path) -> None:
        with disk_errors(journal):
            self._file = journal.with_name(journal.name + ".search").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            by = self._file.read().strip()
            self._file.close()
            raise _taken(journal, f": {by}" if by else "") from None
        with disk_errors(journal):
            self._file.truncate(0)
            self._file.write(f"process {os.getpid()} on {os.uname().nodename}\n")
            self._file.flush()

    def release(self) -> None:
        self._file.close()


class DatabaseLock(Lock):
    """An advisory lock of PostgreSQL's; it ends with its connection, and is taken again when the server was away."""

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage = storage
        self._key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little", signed=True)
        self._connection: Any = None
        self._storage(lambda _: self._connect(0.0))

    def check(self) -> None:
        self._storage(lambda _: self._hold())

    def _hold(self) -> None:
        if self._connection is not None:
            try:
                self._connection.exec_driver_sql("select 1")
                return
            except self._errors():
                self.release()
        self._connect(LOST_LOCK_SECONDS)

    def _connect(self, seconds: float) -> None:
        """Take the lock, and try for so many seconds: a server may not have noticed yet that our old line is dead."""
        import sqlalchemy

        until = time.monotonic() + seconds
        try:
            engine = self._storage.engine
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            question = sqlalchemy.text("select pg_try_advisory_lock(:key)")
            while not self._connection.execute(question, {"key": self._key}).scalar():
                if time.monotonic() >= until:
                    self.release()
                    raise _taken(self._storage.place, "")
                time.sleep(1)
        except self._errors() as error:
            raise optuna.exceptions.StorageInternalError("no lock") from error

    @staticmethod
    def _errors() -> type[Exception]:
        import sqlalchemy

        return sqlalchemy.exc.SQLAlchemyError

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._errors()):
                connection.invalidate()  # closes the line itself, where close() would give it back to the pool
                connection.close()
