"""Folders of runs: complete or not there at all, and never written over."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from sim.errors import StudyError

JOURNAL = "study.journal"  # of a search
REPLICATES = "replicates.sqlite"  # of a search whose trials are in a database
ELSEWHERE = "give another --out"
FINISHED = {"search": "recommendation.json", "run": "record.json"}  # the file that is written last


class NewFolder:
    """A folder that gets its name only when everything is in it.

    Within the ``with`` block, ``path`` is a temporary folder beside the wanted one. When the block ends well it is
    renamed to the wanted name, or to the first free of ``name-2``, ``name-3``, …; when it fails it is removed, with
    the parents that were made for it. After the block ``path`` is where the folder is.
    """

    def __init__(self, wanted: Path) -> None:
        self.wanted = wanted
        self.path = wanted
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        self._made = make_folder(self.wanted.parent)
        self.path = Path(tempfile.mkdtemp(prefix=f".{self.wanted.name}-", dir=self.wanted.parent))
        self.path.chmod(0o777 & ~_umask())  # a temporary folder is private, a result is not
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.path = _renamed(self.path, self.wanted)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
            remove_empty(self._made)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _renamed(folder: Path, wanted: Path) -> Path:
    """Rename to the first free name. Making the empty target first claims the name, whoever else asks for it."""
    for name in names(wanted):
        try:
            name.mkdir()
        except FileExistsError:
            continue
        return folder.replace(name)
    raise AssertionError("names never end")


def names(wanted: Path) -> Iterator[Path]:
    """``name``, ``name-2``, ``name-3``, …"""
    yield wanted
    for number in itertools.count(2):
        yield wanted.with_name(f"{wanted.name}-{number}")


def search_folder(wanted: Path) -> Path:
    """Where a search runs: its unfinished folder, or the first free name after finished ones.

    Raises
    ------
    StudyError
        When the folder holds something that is no search.
    """
    for folder in names(wanted):
        is_search = any((folder / name).exists() for name in (JOURNAL, REPLICATES))
        if _finished(folder, "search" if is_search else "run"):
            continue
        if folder.is_dir() and any(folder.iterdir()) and not is_search:
            raise StudyError("this folder holds something that is no search", place=str(folder), cure=ELSEWHERE)
        return folder
    raise AssertionError("names never end")


def _finished(folder: Path, kind: str) -> bool:
    """Whether a folder holds a run that is over; a search that somebody stopped goes on."""
    path = folder / FINISHED[kind]
    if kind == "run" or not path.exists():
        return path.exists()
    with contextlib.suppress(ValueError, AttributeError):
        return not json.loads(path.read_text(encoding="utf-8")).get("interrupted", False)
    return True  # somebody has written into it; nothing is overwritten


def make_folder(folder: Path) -> list[Path]:
    """Make a folder with its parents; return those that were not there, the outermost first.

    Raises
    ------
    StudyError
        When nothing can be made or written there.
    """
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()][::-1]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return missing
    except OSError as error:
        remove_empty(missing)
        reason = (error.strerror or str(error)).lower()
        raise StudyError(f"nothing can be written here: {reason}", place=str(folder), cure=ELSEWHERE) from None


def remove_empty(folders: list[Path]) -> None:
    """Remove the folders that hold nothing, the innermost first."""
    for folder in reversed(folders):
        try:
            folder.rmdir()
        except OSError:  # something is in it
            return


def write_text(path: Path, text: str) -> Path:
    """Write a file under a temporary name, then rename it: never half a file."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        return temporary.replace(path)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise
