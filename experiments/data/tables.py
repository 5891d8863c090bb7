"""Tables: pieces of a file, inspected by the same rules and refused with the same words wherever the file is cut."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.files import File
from sim.errors import DataError

Flags = NDArray[np.bool_]
PERSONAL = re.compile(r"@|\d(?:[ ()-]{0,2}\d){6,}")
"""An e-mail address or seven digits and more, as in a telephone number."""
HARMLESS = re.compile(r"\d{4}-\d{2}-\d{2}([T ]|$)|-?\d{1,9}\.\d+$")
"""A time, or an amount with a decimal point."""


class Breach(Exception):  # noqa: N818 -- no error of the user's yet: the rest of the file is inspected first
    """A piece broke a rule; what else it breaks does not matter."""


class Inspection:
    """What is wrong with a file, found piece by piece.

    Rules are asked in the same order of every piece. Of all rules that are broken the first one counts, as if the whole
    file had been asked rule by rule: its first row is named and its other rows are counted.
    """

    def __init__(self, file: File) -> None:
        self.file = file
        self._asked = 0
        self._broken = sys.maxsize  # number of the first broken rule
        self._rows = 0
        self._first: tuple[str, int, str, str, str] | None = None

    def each(self, work: Callable[[Table], None]) -> None:
        """Do something with every piece of the file. Raises DataError at the end if a piece broke a rule."""
        for frame in self.file.pieces():
            self._asked = 0
            with suppress(Breach):
                work(Table(frame, self))
        if self._first is not None:
            rule, position, column, value, cure = self._first
            raise refusal(self.file, position, column, rule=rule, value=value, cure=cure, rows=self._rows)

    def ask(self, bad: Flags, table: Table, column: str, rule: str, cure: str, identity: bool) -> None:
        """Note the rows that break the next rule."""
        self._asked += 1
        if self._asked < self._broken and bad.any():
            first = int(np.argmax(bad))
            value = shown(str(table.frame[column].iloc[first]), identity)
            self._first = rule, int(table.frame.index[first]), column, value, cure
            self._broken, self._rows = self._asked, 0
        if self._asked == self._broken:
            self._rows += int(bad.sum())
            raise Breach


@dataclass(frozen=True)
class Table:
    """A piece of a file as text; ``frame``'s index is the position of a row in the file, whatever is selected."""

    frame: pd.DataFrame
    inspection: Inspection

    def keep(self, rows: Flags) -> Table:
        """The table with only these rows, which keep their position."""
        return Table(self.frame[rows], self.inspection)

    def refuse(self, bad: Flags, *, column: str, rule: str, cure: str, identity: bool = False) -> None:
        """Let no row be bad. Ask every piece every rule, also where nothing can be bad: rules are told by their order.

        ``identity`` marks a value that tells who somebody is: only its length is shown.
        """
        self.inspection.ask(bad, self, column, rule, cure, identity)


def refusal(file: File, position: int, column: str, *, rule: str, value: str, cure: str, rows: int) -> DataError:
    """The error for the first of some rows."""
    more = f" ({rows - 1} more such rows)" if rows > 1 else ""
    return DataError(rule, place=file.place(position, column), value=value, cure=cure + more)


def shown(value: str, identity: bool = False) -> str:
    """What an error may show of a cell: no identity, and nothing that looks like one and stands in a wrong column."""
    if not value:
        return value
    if identity:
        return f"an id of {len(value)} characters"
    if looks_personal(value):
        return f"{len(value)} characters that look like an address or a telephone number"
    return value


def looks_personal(value: str) -> bool:
    """Whether a cell may be an e-mail address or a telephone number; a time or an amount is none."""
    return not HARMLESS.match(value) and bool(PERSONAL.search(value))
