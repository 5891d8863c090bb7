"""Repeats: rows of a file that stand there twice, found by hashes, so that no id has to be kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.files import File
from experiments.data.tables import Inspection, Table, refusal, shown

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
BORDER = "\x1f"  # between the cells of a row; no text of an export holds it


class Repeats:
    """Rows with the same cells in some columns.

    A pass over the file notes one hash of 64 bits a row. Most files have no hash twice and are done. Otherwise the file
    is read again, and the rows whose hash stands twice are compared by 128 bits and more.

    Parameters
    ----------
    columns : that may not be the same in two different rows; None for all columns.
    kept : the rows of a piece that count.
    """

    def __init__(self, file: File, columns: tuple[str, ...] | None, kept: Callable[[Table], Table]) -> None:
        self.file, self.columns, self.kept = file, columns, kept
        self._secret = [secrets.token_hex(8) for _ in range(3)]  # nobody can prepare rows that collide
        self._noted: list[Words] = []

    def note(self, table: Table) -> None:
        """Remember the rows of the next piece, all that count."""
        self._noted.append(self._hash(table, self.columns, 0))

    def copies(self, *, column: str = "", rule: str = "", cure: str = "") -> Ints:
        """Rows that are exact copies of an earlier one, counted over the rows that count, ascending.

        Raises
        ------
        DataError : different rows with the same cells in ``columns``; the words are the caller's, who needs none where
            all columns are compared.
        """
        ordered = np.sort(np.concatenate(self._noted))
        self._noted.clear()
        suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        if not len(suspects):
            return np.empty(0, np.int64)
        row, position, first_hash, second_hash, whole = self._read_again(suspects)
        later = _later((first_hash, second_hash, whole))
        others = _later((first_hash[~later], second_hash[~later]))
        if others.any():
            rest = position[~later]
            first = int(rest[others].min())
            rows = int(others.sum())
            raise refusal(self.file, first, column, rule=rule, value=self._value(first, column), cure=cure, rows=rows)
        return row[later]

    def _read_again(self, suspects: Words) -> tuple[Ints, Ints, Words, Words, Words]:
        """Number, position, and hashes of the rows under suspicion: two of their columns and one of the whole row."""
        found: list[tuple[Ints, Ints, Words, Words, Words]] = []
        rows = 0

        def compare(piece: Table) -> None:
            nonlocal rows
            table = self.kept(piece)
            hashes = self._hash(table, self.columns, 0)
            hit = np.isin(hashes, suspects)
            number = rows + np.flatnonzero(hit)
            rows += len(hit)
            few = table.keep(hit)
            others = self._hash(few, self.columns, 1), self._hash(few, None, 2)
            found.append((number, few.frame.index.to_numpy(np.int64), hashes[hit], *others))

        Inspection(self.file).each(compare)
        number, position, first, second, whole = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return number, position, first, second, whole

    def _value(self, position: int, column: str) -> str:
        """What an error may show of a cell that is an id."""
        for frame in self.file.pieces():
            if position in frame.index:
                return shown(str(frame.at[position, column]), identity=True)
        raise AssertionError("the file has become shorter")

    def _hash(self, table: Table, columns: tuple[str, ...] | None, which: int) -> Words:
        names = list(columns or table.frame.columns)
        text = table.frame[names[0]]
        for name in names[1:]:
            text = text + BORDER + table.frame[name]
        hashes = pd.util.hash_array(text.to_numpy(object), hash_key=self._secret[which], categorize=False)
        return np.asarray(hashes, np.uint64)


def _later(columns: tuple[Words, ...]) -> NDArray[np.bool_]:
    """Rows whose cells stood in an earlier row."""
    order = np.lexsort(columns[::-1])
    same = np.ones(max(len(order) - 1, 0), bool)
    for column in columns:
        same &= column[order][1:] == column[order][:-1]
    later = np.zeros(len(order), bool)
    later[order[1:]] = same  # lexsort is stable: of equal rows the first stays first
    return later
