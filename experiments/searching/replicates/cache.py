"""Replicates by content: what was lived once, in this search or another, is read and not lived again."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from agents.birth import Learned
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.metrics import Outcome
from experiments.run import ReplicateError, Task, scenario_of
from experiments.searching.replicates.digests import policy_digest, world_digest
from experiments.searching.studies.journal import SAVED
from sim.errors import SiyuError

log = logging.getLogger(__name__)

FILE = "replicates.sqlite"
BUSY_SECONDS = 60.0  # how long one process waits for another that writes; assumed
COMPRESSION = 1  # zlib's fastest: 6 saves a tenth of the space and takes three times as long
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_SHMSIZE)
"""SQLite's error codes when a disk, a quota or a file is full."""
FAILED = "failed"  # folder for the documents of a replicate that failed


class Cache:
    """Outcomes by key in one SQLite file, which several processes of a machine may share.

    Parameters
    ----------
    folder : where the file is or shall be. It must lie on a disk of this machine.

    Raises
    ------
    SiyuError
        When the disk is full.
    OSError
        When the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            self._complain(error)
            self._begin_again(error)

    def _connect(self) -> None:
        self._db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        # With a write-ahead log readers and a writer do not wait for each other, and no commit waits for the disk: a
        # kill loses nothing, a power cut the last outcomes, which are lived again.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS outcomes (key BLOB PRIMARY KEY, outcome BLOB) WITHOUT ROWID")

    def _begin_again(self, error: Exception) -> None:
        """Put a file that cannot be read aside: all that is lost is time."""
        aside = self.path.with_name(self.path.name + ".damaged")
        log.warning("%s: %s; replicates are lived again, the damaged file is now %s", self.path, error, aside.name)
        self._db.close()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # another process was faster
            self.path.replace(aside)
        self._connect()

    def _complain(self, error: sqlite3.DatabaseError) -> None:
        """Raise what is not about a damaged file."""
        code = getattr(error, "sqlite_errorcode", 0)
        if code in FULL:
            raise SiyuError("the disk is full", place=str(self.path), cure=f"free some space; {SAVED}") from None
        if code & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise SiyuError(f"cannot be used: {error}", place=str(self.path), cure="give another folder") from error

    def get(self, key: bytes) -> Outcome | None:
        """What was lived under a key; None when nothing was, or what is kept has been damaged."""
        try:
            row = self._db.execute("SELECT outcome FROM outcomes WHERE key = ?", (key,)).fetchone()
        except sqlite3.DatabaseError as error:
            self._complain(error)
            self._begin_again(error)
            return None
        try:
            return unpacked(row[0]) if row else None
        except (zlib.error, ValueError, KeyError):
            log.warning("%s: an outcome has been damaged and is lived again", self.path)
            return None

    def put(self, key: bytes, outcome: Outcome) -> None:
        """Keep an outcome. Raises SiyuError when the disk is full."""
        row = (key, packed(outcome))
        for _ in range(2):
            try:
                self._db.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?)", row)
                return
            except sqlite3.DatabaseError as error:
                self._complain(error)
                self._begin_again(error)

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM outcomes").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def packed(outcome: Outcome) -> bytes:
    """An outcome as bytes: names and sums as JSON, weeks and census as arrays; exact."""
    weeks = {name: len(series) for name, series in outcome.weekly.items()}
    money = [[source, kind, amount] for (source, kind), amount in outcome.money.items()]
    states = {state: i for i, state in enumerate(dict.fromkeys(state for _, state in outcome.census))}
    census = [[day, states[state], n] for (day, state), n in outcome.census.items()]
    head = json.dumps([outcome.seed, outcome.values, money, list(states), weeks], separators=(",", ":")).encode()
    tail = np.array(census, "<i8").tobytes()
    series = b"".join(series.astype("<f8").tobytes() for series in outcome.weekly.values())
    return zlib.compress(len(head).to_bytes(4, "little") + head + series + tail, COMPRESSION)


def unpacked(data: bytes) -> Outcome:
    """The outcome of :func:`packed`. Raises zlib.error or ValueError when the bytes have been damaged."""
    text = zlib.decompress(data)
    start = 4 + int.from_bytes(text[:4], "little")
    seed, values, money, states, weeks = json.loads(text[4:start])
    numbers = np.frombuffer(text, "<f8", sum(weeks.values()), start).astype(np.float64)
    census = np.frombuffer(text, "<i8", offset=start + numbers.nbytes).reshape(-1, 3).tolist()
    ends = np.cumsum(list(weeks.values()), dtype=np.int64).tolist()
    return Outcome(
        seed=seed,
        values=values,
        money={(source, kind): amount for source, kind, amount in money},
        weekly={name: numbers[end - n : end] for (name, n), end in zip(weeks.items(), ends, strict=True)},
        census={(day, states[state]): n for day, state, n in census},
    )


class Pool(Protocol):
    """Who lives replicates: :class:`~experiments.run.Workers`, or processes of a cluster."""

    scenarios: list[Scenario]
    learned: Learned | None

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """(index of the task, outcome) as they finish."""


class Replicates:
    """Workers with a memory.

    Parameters
    ----------
    workers : who lives what is not known.
    cache : None remembers nothing.
    folder : where the documents of a replicate that failed are left, so that it can be lived alone.
    options : of the command that does so besides scenario, policy and seed, such as ``--logs LOGS``.

    Attributes
    ----------
    simulated, reused : replicates lived and replicates read.
    """

    def __init__(
        self, workers: Pool, cache: Cache | None = None, *, folder: Path | None = None, options: str = ""
    ) -> None:
        self.workers, self.cache, self.folder, self.options = workers, cache, folder, options
        self.simulated = self.reused = 0
        self._worlds: dict[int, tuple[Scenario, str]] = {}
        self._policies: dict[int, tuple[Policy, str]] = {}

    def as_done(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """(index of the task, outcome), those that are known first. Equal tasks are lived once.

        Raises
        ------
        ReplicateError
            When a replicate fails or comes to no finite number: which one, and the command that lives it alone.
        """
        places: dict[bytes, list[int]] = {}
        for index, task in enumerate(tasks):
            places.setdefault(self._key(task), []).append(index)
        self._policies.clear()
        missing: list[bytes] = []
        for key, indices in places.items():
            known = self.cache.get(key) if self.cache is not None else None
            if known is None:
                missing.append(key)
                continue
            self.reused += len(indices)
            yield from ((index, known) for index in indices)
        lived = self._live([tasks[places[key][0]] for key in missing])
        for number, outcome in lived:
            key = missing[number]
            if self.cache is not None:
                self.cache.put(key, outcome)
            self.simulated += 1
            self.reused += len(places[key]) - 1
            yield from ((index, outcome) for index in places[key])

    def _live(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        try:
            yield from self.workers.as_done(tasks)
        except ReplicateError as error:
            raise (self._alone(error, error.task) if error.task and self.folder else error) from error

    def _key(self, task: Task) -> bytes:
        """Documents are told apart by identity here, for most tasks share them; they are kept so that this holds."""
        scenario = scenario_of(task, self.workers.scenarios)
        if id(scenario) not in self._worlds:
            self._worlds[id(scenario)] = scenario, world_digest(scenario, self.workers.learned)
        if id(task.policy) not in self._policies:
            self._policies[id(task.policy)] = task.policy, policy_digest(task.policy)
        text = f"{self._worlds[id(scenario)][1]}/{self._policies[id(task.policy)][1]}/{task.seed}"
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def _alone(self, error: ReplicateError, task: Task) -> ReplicateError:
        """The error with a command that lives its replicate alone, for which the documents are written."""
        scenario = scenario_of(task, self.workers.scenarios)
        folder = Path(self.folder or ".") / FAILED
        documents: dict[str, Any] = {"scenario": scenario, "policy": task.policy}
        for kind, document in documents.items():
            (folder / kind).mkdir(parents=True, exist_ok=True)
            text = json.dumps(document.model_dump(mode="json"), ensure_ascii=False, indent=1)
            (folder / kind / "replicate.yaml").write_text(text + "\n", encoding="utf-8")
        return ReplicateError(
            error.rule,
            task,
            place=error.place,
            cure=f"to live it alone: siyu simulate {folder / 'scenario' / 'replicate.yaml'} "
            f"--policy {folder / 'policy' / 'replicate.yaml'}{' ' * bool(self.options)}{self.options} "
            f"--replicate-seed {task.seed}",
        )
