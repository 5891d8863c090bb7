"""Tables: one file of the user's as text columns, with errors that point into the file."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.errors import DataError, nearest

Flags = NDArray[np.bool_]
SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Table:
    """A file read as text; ``frame``'s index is the position of a row in the file and survives every selection."""

    path: Path
    frame: pd.DataFrame

    def keep(self, rows: Flags) -> Table:
        """The table with only these rows, which keep their position."""
        return Table(self.path, self.frame[rows])

    def place(self, position: int, column: str) -> str:
        """Where a cell stands in the file: for CSV its line (the header is line 1), for Parquet its row (from 1)."""
        if self.path.suffix == ".parquet":
            return f"{self.path}, row {position + 1}, column {column}"
        before = self.frame[self.frame.index < position]
        inside_quotes = sum(int(before[name].str.count("\n").sum()) for name in before.columns)
        return f"{self.path}, row {position + 2 + inside_quotes}, column {column}"

    def refuse(self, bad: Flags, *, column: str, rule: str, cure: str, identity: bool = False) -> None:
        """Raise DataError at the first bad row, if there is one.

        ``identity`` marks a value that may be a person's name or number: only its first character is shown.
        """
        if not bad.any():
            return
        first = int(np.argmax(bad))
        value = str(self.frame[column].iloc[first])
        if identity and value:
            value = value[0] + "…"
        more = int(bad.sum()) - 1
        cure += f" ({more} more such rows)" if more else ""
        raise DataError(rule, place=self.place(int(self.frame.index[first]), column), value=value, cure=cure)


def read_table(path: Path, *, required: tuple[str, ...], optional: tuple[str, ...]) -> Table:
    """Read a CSV (UTF-8, commas, one header row) or Parquet file as text. Columns that are not named are ignored.

    Raises
    ------
    DataError : unreadable, empty, not UTF-8, ragged, or without a required column.
    """
    if not path.is_file():
        raise DataError("no such file", place=str(path), cure="check the path")
    if path.suffix not in SUFFIXES:
        raise DataError("not a CSV or Parquet file", place=str(path), cure="export it as .csv (UTF-8) or .parquet")
    frame = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
    _check_header(path, list(frame.columns), required, optional)
    if frame.empty:
        raise DataError("the file has a header and no rows", place=f"{path}, row 1", cure="export the rows too")
    known = [name for name in frame.columns if name in required + optional]
    stripped = {name: frame[name].str.strip() for name in known}
    return Table(path, frame.assign(**stripped))


def _check_header(path: Path, names: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    for name in required:
        if name not in names:
            cure = (
                "separate the columns by commas"
                if len(names) == 1
                else f"name it so in the header; {_hint(name, names)}"
            )
            place = f"{path}, row 1, column {name}"
            raise DataError("required column is missing", place=place, value=", ".join(names), cure=cure)
    for name in names:
        base = re.sub(r"\.\d+$", "", name)  # pandas names a second "gross" "gross.1"
        if base != name and base in required + optional and base in names:
            raise DataError("column stands twice", place=f"{path}, row 1, column {base}", cure="keep one of the two")


def _hint(name: str, names: list[str]) -> str:
    hint = nearest(name, names)
    return hint if hint.startswith("did") else "see the log schema in the documentation"


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                na_filter=False,
                encoding="utf-8-sig",
                skip_blank_lines=False,  # so that positions are lines
                index_col=False,
            )
    except pd.errors.EmptyDataError:
        raise DataError("the file is empty", place=f"{path}, row 1", cure="export it with a header and rows") from None
    except UnicodeDecodeError:
        _refuse_encoding(path)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        line = re.search(r"line (\d+)", str(error))
        raise DataError(
            "a row has more fields than the header, or a quote is never closed",
            place=f"{path}, row {line.group(1) if line else 2}",
            value=str(error).strip(),
            cure="quote cells that hold commas, and close every quote",
        ) from None
    return frame.rename(columns=lambda name: str(name).strip())


def _refuse_encoding(path: Path) -> NoReturn:
    raw = path.read_bytes()
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        header = raw[: raw.find(b"\n")].decode("utf-8", "replace").strip().split(",")
        field = raw.count(b",", start, error.start)
        column = header[field] if field < len(header) else str(field + 1)
        row = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            "the file is not UTF-8",
            place=f"{path}, row {row}, column {column}",
            value=raw[error.start : error.start + 4],
            cure="save it as UTF-8 (in a spreadsheet: 'CSV UTF-8'; a Chinese system's default is often GB18030)",
        ) from None
    raise AssertionError("pandas refused bytes that are UTF-8")


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("not a Parquet file", place=str(path), value=str(error), cure="export it again") from None
    return pd.DataFrame({name: _as_text(table[name], f"{path}, column {name}") for name in table.column_names})


def _as_text(column: pa.ChunkedArray, place: str) -> pd.Series:
    if pa.types.is_timestamp(column.type):
        stamp = "%Y-%m-%dT%H:%M:%S" + ("%z" if column.type.tz else "")
        text = pc.strftime(column, format=stamp)
    else:
        try:
            text = pc.cast(column, pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise DataError("column is not text, number or date", place=place, value=str(column.type)) from None
    return pd.Series(pc.fill_null(text, "").to_pandas().astype(str))
