"""What the command line says: results on standard output; progress, warnings and errors on standard error."""

from __future__ import annotations

import errno
import json
import math
import shutil
import sys
import textwrap
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

WIDE = 150  # columns of a table that goes to a file or a pipe
COMFORTABLE = 100  # columns of a paragraph
MENDABLE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR,
    errno.ENAMETOOLONG,
}  # fmt: skip
"""Numbers of the operating system's errors that are about the user's files and not about a mistake of ours."""


def mendable(error: Exception) -> str | None:
    """What to tell the user of an error that the user can mend; None for any other, which keeps its traceback."""
    from sim.errors import SiyuError

    if isinstance(error, SiyuError):
        return str(error)
    if isinstance(error, OSError) and error.errno in MENDABLE:
        return f"{error.filename}: {(error.strerror or 'cannot be used').lower()}; give another path or free this one"
    return None


def complain(text: str) -> None:
    """Print one message on standard error."""
    print(text, file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Print a line of the result."""
    print(text)


def say_wrapped(text: str) -> None:
    """Print a paragraph of the result, its lines no longer than the terminal or a comfortable length."""
    width = min(shutil.get_terminal_size((COMFORTABLE, 24)).columns, COMFORTABLE)
    print("\n".join(textwrap.fill(line, width, break_on_hyphens=False) for line in text.split("\n")))


def say_json(data: Any) -> None:
    """Print one JSON object; a number that is not finite is null."""
    print(json.dumps(_finite(data), ensure_ascii=False, allow_nan=False, indent=1, default=str))


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if hasattr(data, "item"):  # a number of NumPy's
        data = data.item()
    return None if isinstance(data, float) and not math.isfinite(data) else data


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
    """Print a table. ``numbers`` are the columns that are set to the right."""
    table = Table(
        *(Column(name, justify="right" if i in numbers else "left", overflow="fold") for i, name in enumerate(header)),
        box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False,
    )  # fmt: skip
    table.columns[0].no_wrap = True  # names are looked for, so they are kept whole where there is room
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    Console(width=None if console.is_terminal else WIDE).print(table)


class Bars:
    """A listener that draws one bar for each stage; where nobody watches it prints the names of the stages."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._task: TaskID | None = None
        self._bars: Progress | None = None
        if console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False), console=console,
            )  # fmt: skip

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            if kind is None:
                self._end()
            self._bars.stop()

    def _end(self) -> None:
        """Fill the bar of the stage that has ended."""
        if self._bars and self._task is not None:
            self._bars.update(self._task, completed=self._bars.tasks[self._task].total)

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` steps begins; the stage before has ended."""
        if not self._bars:
            complain(f"{name} …")
            return
        self._end()
        self._task = self._bars.add_task(name, total=total, note="")

    def step(self, done: int, note: str = "") -> None:
        """So many steps of the stage are done."""
        if not self._bars or self._task is None:
            return
        task = self._bars.tasks[self._task]
        if task.completed == 0 and note == "continued":
            # What an earlier run did took no time now, and would make the time that is left look short.
            self._bars.reset(self._task, total=int(task.total or done), completed=done, note=note)
        else:
            self._bars.update(self._task, completed=done, note=note)

    def say(self, text: str) -> None:
        """Something happens that a user should know of; it is printed above the bars."""
        if self._bars:
            self._bars.console.print(text, markup=False, highlight=False)
        else:
            complain(text)

    def count(self, done: int, total: int) -> None:
        """So many of the stage's steps are done; for calls that report both numbers."""
        self.step(done)
