"""Where a study lies: a journal file on a disk that all its processes share, or a PostgreSQL database.

The journal differs from Optuna's own in what happens when somebody is killed: its lock is the operating system's and
ends with its process, and half a line is dropped before the next is written, by whoever writes next.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from sim.errors import StudyError

optuna.logging.set_verbosity(optuna.logging.ERROR)  # what matters is said here, in our words

log = logging.getLogger(__name__)
T = TypeVar("T")

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Numbers of the operating system's errors when a disk, a quota or a file is full."""
POSTGRESQL = "postgresql+psycopg://"
CONNECT: dict[str, Any] = {
    "connect_timeout": 10,  # seconds, assumed; with the rest a silent network is noticed within half a minute
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    # The server too: the lock of a searcher whose machine has lost power must not outlive it for hours.
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
PATIENCE_SECONDS = 300.0  # how long a database may be away before the search gives up; assumed
LOST_LOCK_SECONDS = 60.0  # twice the time after which both sides know that a line is dead
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
SAVED = "everything finished is kept, and the same command goes on where this one stopped"


def is_url(storage: Path | str) -> bool:
    """Whether this names a database and not a file."""
    return "://" in str(storage)


def shown(storage: Path | str) -> str:
    """The storage without its password."""
    head, at, tail = str(storage).rpartition("@")
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.split(':')[0]}@{tail}" if at and is_url(storage) else str(storage)


class Storage:
    """An opened storage and its patience.

    Parameters
    ----------
    where : path of a journal, which is made when it is not there, or a ``postgresql+psycopg://`` URL.
    tell : told once whenever a database stops to answer and once when it answers again; a warning is logged without.
    patience_seconds : how long to wait for a database that has answered before.
    make : whether a journal that is not there is made.

    Raises
    ------
    StudyError
        When the URL is of another kind, the driver is missing, or the database or file cannot be opened.
    """

    def __init__(
        self,
        where: Path | str,
        tell: Callable[[str], None] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        make: bool = True,
    ) -> None:
        self.where, self.tell, self.patience_seconds = where, tell or log.warning, patience_seconds
        self._backend: _Journal | None = None
        self.engine: Any = None
        if is_url(where):
            self.optuna, self.engine = _open_database(str(where))
            return
        path = Path(where)
        if not make and not path.is_file():
            raise StudyError("no such journal", place=str(path), cure="start the search first, or mend the path")
        with _said(path):
            self._backend = _Journal(path)
            self.optuna = _replayed(self._backend, path)

    def __call__(self, operation: Callable[[BaseStorage], T]) -> T:
        """Do something with the storage. Waits while a database is away, and then does it again from the start.

        Raises
        ------
        StudyError
            When the database stays away, or a disk is full.
        """
        waited = Waiting(self)
        while True:
            try:
                with _said(self.where):
                    done = operation(self.optuna)
            except optuna.exceptions.StorageInternalError as error:
                waited.pause(error)
            else:
                waited.over()
                return done

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what is written inside as one piece where the storage can, and see it safe on the disk."""
        if self._backend is None:
            yield
        else:
            with self._backend.together():
                yield

    def lock(self, name: str) -> Lock:
        """The lock of the one process that proposes in the study. Raises StudyError when another one has it."""
        return FileLock(Path(self.where)) if self.engine is None else DatabaseLock(self, name)

    def close(self) -> None:
        """Close the connections of a database."""
        if self.engine is not None:
            self.engine.dispose()


class Waiting:
    """For a database that does not answer, with growing pauses and an end."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.since: float | None = None
        self.seconds = FIRST_PAUSE_SECONDS

    def pause(self, error: Exception) -> None:
        """Wait before the next attempt. Raises StudyError when the error is of another kind or patience is over."""
        place, found = shown(self.storage.where), _sqlstate(error)
        if found == "53100":
            raise StudyError(
                "the disk of the database is full", place=place, cure=f"free some space; {SAVED}"
            ) from None
        if found and found[:2] not in AWAY:
            raise error
        now = time.monotonic()
        if self.since is None:
            self.since = now
            self.storage.tell(f"{place}: the database does not answer, waiting …")
        if now - self.since > self.storage.patience_seconds:
            raise StudyError(
                f"the database did not answer for {self.storage.patience_seconds:.0f} seconds",
                place=place,
                cure=f"start it again; {SAVED}",
            ) from error
        time.sleep(self.seconds)
        self.seconds = min(2 * self.seconds, LONGEST_PAUSE_SECONDS)

    def over(self) -> None:
        """It has answered."""
        if self.since is not None:
            gone = time.monotonic() - self.since
            self.storage.tell(f"{shown(self.storage.where)}: the database answers again after {gone:.0f} s")


AWAY = {"08", "57", "53", "25", "40"}
"""Classes of SQLSTATE that pass: connection, operator intervention, too many connections, standby, deadlock."""


def _sqlstate(error: Exception) -> str:
    """What the server said of an error; nothing when it said nothing, as when the connection broke."""
    inner = error.__cause__
    return str(getattr(getattr(inner, "orig", inner), "sqlstate", "") or "")


@contextmanager
def _said(where: Path | str) -> Iterator[None]:
    """Tell of a full disk in one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StudyError("the disk is full", place=shown(where), cure=f"free some space; {SAVED}") from None


# -- databases --------------------------------------------------------------------------------------------------------


def _open_database(url: str) -> tuple[BaseStorage, Any]:
    scheme = url.partition("://")[0]
    if scheme in ("postgresql", "postgres"):
        url = POSTGRESQL + url.partition("://")[2]
    elif f"{scheme}://" != POSTGRESQL:
        raise StudyError(
            "not a storage for studies", place=shown(url), cure=f"give the path of a journal file, or {POSTGRESQL}…"
        )
    try:
        import psycopg  # noqa: F401
        import sqlalchemy
    except ImportError:
        raise StudyError(
            "a PostgreSQL study needs a driver that is not installed", place=shown(url),
            cure="pip install 'siyu[postgresql]'",
        ) from None  # fmt: skip
    from optuna.storages import RDBStorage
    from optuna.storages._cached_storage import _CachedStorage

    try:
        rdb = RDBStorage(url.replace("{", "{{").replace("}", "}}"), {"pool_pre_ping": True, "connect_args": CONNECT})
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        said = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise StudyError(f"cannot be opened: {said}", place=shown(url), cure="is the server running?") from None
    return _CachedStorage(rdb), rdb.engine


# -- journals ---------------------------------------------------------------------------------------------------------


FIRST_WORD = b'{"op_code"'


class _Journal(JournalFileBackend):
    """Optuna's journal with whole lines only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path))
        self._of_thread = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        gathered: list[dict[str, Any]] = []
        self._of_thread.gathered = gathered
        try:
            yield
        finally:
            self._of_thread.gathered = None
        self._append(gathered, safe=True)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        gathered = getattr(self._of_thread, "gathered", None)
        if gathered is not None:
            gathered += logs
        else:
            self._append(logs)

    def _append(self, logs: list[dict[str, Any]], safe: bool = False) -> None:
        """``safe`` waits for the disk: a power cut then loses nothing. A kill loses nothing without it either."""
        text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in logs)
        with self.path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
            _append(file.fileno(), text.encode())
            if safe:
                os.fsync(file)


def _append(file: int, data: bytes) -> None:
    """Write whole lines at the end of a file after its last whole line; on failure leave it as it was."""
    end = _end_of_lines(file)
    if end < os.lseek(file, 0, os.SEEK_END):
        os.ftruncate(file, end)
    try:
        written = 0
        while written < len(data):
            written += os.write(file, data[written:])
    except BaseException:
        os.ftruncate(file, end)
        raise


def _end_of_lines(file: int, block: int = 1 << 16) -> int:
    """Where the last whole line ends: a writer that was killed may have left half a line behind it."""
    end = os.lseek(file, 0, os.SEEK_END)
    if end == 0 or os.pread(file, 1, end - 1) == b"\n":
        return end
    while end > 0:
        start = max(0, end - block)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _replayed(journal: _Journal, path: Path) -> JournalStorage:
    try:
        with path.open("rb") as file:
            head = file.read(len(FIRST_WORD))
        if not FIRST_WORD.startswith(head):
            raise ValueError("another kind of file")
        return JournalStorage(journal)
    except (ValueError, KeyError, AssertionError, TypeError):
        raise StudyError(
            "this is no journal of a study, or it has been damaged", place=str(path),
            cure="give another --out, or restore the file",
        ) from None  # fmt: skip


# -- the lock of the searcher -----------------------------------------------------------------------------------------


class Lock:
    """Held by the one process that proposes."""

    def check(self) -> None:
        """Raise StudyError when the lock was lost and another process has it now."""

    def release(self) -> None:
        """Give it back."""


def _taken(where: Path | str, by: str) -> StudyError:
    return StudyError(
        f"another search is running here{by}", place=shown(where),
        cure="wait for it or stop it; `siyu worker` joins it, another --out is another search",
    )  # fmt: skip


class FileLock(Lock):
    """On a file beside the journal; the operating system gives it back when the process ends, however it ends."""

    def __init__(self, journal: Path) -> None:
        with _said(journal):
            self._file = journal.with_name(journal.name + ".search").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            by = self._file.read().strip()
            self._file.close()
            raise _taken(journal, f": {by}" if by else "") from None
        with _said(journal):
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
        try:
            self._connection.exec_driver_sql("select 1")
        except self._errors():
            self._connection.invalidate()
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
                    self._connection.close()
                    raise _taken(self._storage.where, "")
                time.sleep(1)
        except self._errors() as error:
            raise optuna.exceptions.StorageInternalError("no lock") from error

    @staticmethod
    def _errors() -> type[Exception]:
        import sqlalchemy

        return sqlalchemy.exc.SQLAlchemyError

    def release(self) -> None:
        self._connection.invalidate()  # closes the line itself, where close() would give it back to the pool
        self._connection.close()
