"""Optuna's journal with another behaviour when somebody is killed or a disk is full: there are only whole lines.

Its lock is the operating system's and ends with its process; half a line that a kill has left is dropped before the
next is written, by whoever writes next.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sim.errors import StudyError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Numbers of the operating system's errors when a disk, a quota or a file is full."""
SAVED = "everything finished is kept, and the same command goes on where this one stopped"
FIRST_WORD = b'{"op_code"'


class Journal(JournalFileBackend):
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


def replayed(journal: Journal) -> JournalStorage:
    """The journal's contents. Raises StudyError when it is another kind of file or has been damaged."""
    try:
        with journal.path.open("rb") as file:
            head = file.read(len(FIRST_WORD))
        if not FIRST_WORD.startswith(head):
            raise ValueError("another kind of file")
        return JournalStorage(journal)
    except (ValueError, KeyError, AssertionError, TypeError):
        raise StudyError(
            "this is no journal of a study, or it has been damaged", place=str(journal.path),
            cure="give another --out, or restore the file",
        ) from None  # fmt: skip


@contextmanager
def disk_errors(place: Path | str) -> Iterator[None]:
    """Tell of a full disk in one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StudyError("the disk is full", place=str(place), cure=f"free some space; {SAVED}") from None
