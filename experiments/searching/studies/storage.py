"""Where a study lies: a journal file on a disk that all its processes share, or a PostgreSQL database.

A database may go away for a while: what is asked of it is asked again until it answers or patience is over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.storages import BaseStorage

from experiments.searching.studies.journal import SAVED, Journal, disk_errors, replayed
from experiments.searching.studies.locks import DatabaseLock, FileLock, Lock
from sim.errors import StudyError

optuna.logging.set_verbosity(optuna.logging.ERROR)  # what matters is said here, in our words

log = logging.getLogger(__name__)
T = TypeVar("T")

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
OPENING = 0x73697975  # key of the lock under which tables are made
PATIENCE_SECONDS = 300.0  # how long a database may be away before the search gives up; assumed
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0


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
        self.where, self.place = where, shown(where)
        self.tell, self.patience_seconds = tell or log.warning, patience_seconds
        self._backend: Journal | None = None
        self.engine: Any = None
        if is_url(where):
            self.optuna, self.engine = _open_database(str(where))
            return
        path = Path(where)
        if not make and not path.is_file():
            raise StudyError("no such journal", place=str(path), cure="start the search first, or mend the path")
        with disk_errors(path):
            self._backend = Journal(path)
            self.optuna = replayed(self._backend)

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
                with disk_errors(self.place):
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
        place, found = self.storage.place, _sqlstate(error)
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
            self.storage.tell(f"{self.storage.place}: the database answers again after {gone:.0f} s")


AWAY = {"08", "57", "53", "25", "40"}
"""Classes of SQLSTATE that pass: connection, operator intervention, too many connections, standby, deadlock."""


def _sqlstate(error: Exception) -> str:
    """What the server said of an error; nothing when it said nothing, as when the connection broke."""
    inner = error.__cause__
    return str(getattr(getattr(inner, "orig", inner), "sqlstate", "") or "")


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
    from optuna.storages import RDBStorage, get_storage

    engine = sqlalchemy.create_engine(url, connect_args=CONNECT)
    try:
        with engine.connect() as connection:
            # Tables are made by the first who comes; two at once would stumble over each other.
            connection.exec_driver_sql(f"select pg_advisory_lock({OPENING})")
            options = {"pool_pre_ping": True, "connect_args": CONNECT}
            rdb = RDBStorage(url.replace("{", "{{").replace("}", "}}"), options)
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        said = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise StudyError(f"cannot be opened: {said}", place=shown(url), cure="is the server running?") from None
    finally:
        engine.dispose()
    return get_storage(rdb), rdb.engine  # with a memory of finished trials
