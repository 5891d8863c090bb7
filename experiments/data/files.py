"""Files: a CSV or Parquet file of any size, read as text piece by piece.

Read with pandas' parser, whose state runs on from piece to piece, so that quoted line breaks, padded rows and line
numbers are the same wherever a file is cut. Arrow's is six times as fast, but refuses rows that are only short.
"""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.errors import DataError, nearest

PIECE_ROWS = 250_000  # held as text at a time: some 150 MB with what is computed from them
SUFFIXES = (".csv", ".csv.gz", ".parquet")
READ_BYTES = 1 << 20  # of a Parquet column at a time, however large its row groups are


@dataclass(frozen=True)
class File:
    """One of the user's files.

    Attributes
    ----------
    required, optional : columns of the log schema; others are ignored.
    """

    path: Path
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def is_parquet(self) -> bool:
        """Whether rows are counted from 1; in a CSV file they are lines, and the header is line 1."""
        return self.path.suffix == ".parquet"

    def pieces(self) -> Iterator[pd.DataFrame]:
        """The known columns as stripped text; the index is the position of a row in the file.

        Raises
        ------
        DataError : unreadable, empty, not UTF-8, ragged, without a required column or without rows.
        """
        rows = 0
        for frame in self._raw():
            if not rows:
                self._check_header(list(frame.columns))
            known = [name for name in frame.columns if name in self.required + self.optional]
            piece = pd.DataFrame({name: frame[name].str.strip() for name in known})
            piece.index = pd.RangeIndex(rows, rows + len(frame))
            rows += len(frame)
            if len(piece):
                yield piece
        if not rows:
            rule, cure = "the file has a header and no rows", "export the rows too"
            raise DataError(rule, place=f"{self.path}, row 1", cure=cure)

    def place(self, position: int, column: str) -> str:
        """Where a cell stands in the file. Reads it again as far as the cell, for the line breaks within quotes."""
        row = position + 1
        if not self.is_parquet:
            row += 1 + self._line_breaks_before(position)
        return f"{self.path}, row {row}, column {column}"

    def _line_breaks_before(self, position: int) -> int:
        seen = breaks = 0
        for frame in self._raw():
            before = frame.iloc[: position - seen]
            breaks += sum(int(before[name].str.count("\n").sum()) for name in before.columns)
            seen += len(frame)
            if seen >= position:
                break
        return breaks

    def _raw(self) -> Iterator[pd.DataFrame]:
        if not self.path.is_file():
            cure = "check the path; shipped logs are complete_journey and cdnow"
            raise DataError("no such file or folder", place=str(self.path), cure=cure)
        if not self.path.name.endswith(SUFFIXES):
            cure = "export it as .csv or .csv.gz (UTF-8) or .parquet"
            raise DataError("not a CSV or Parquet file", place=str(self.path), cure=cure)
        return _parquet_pieces(self.path) if self.is_parquet else _csv_pieces(self.path)

    def _check_header(self, names: list[str]) -> None:
        for name in self.required:
            if name not in names:
                hint = f"name it so in the header; {_hint(name, names)}"
                raise DataError(
                    "required column is missing",
                    place=f"{self.path}, row 1, column {name}",
                    value=", ".join(names),
                    cure="separate the columns by commas" if len(names) == 1 else hint,
                )
        for name in names:
            base = re.sub(r"\.\d+$", "", name)  # pandas names a second "gross" "gross.1"
            if base != name and base in self.required + self.optional and base in names:
                place = f"{self.path}, row 1, column {base}"
                raise DataError("column stands twice", place=place, cure="keep one of the two")


def _hint(name: str, names: list[str]) -> str:
    hint = nearest(name, names)
    return hint if hint.startswith("did") else "see the log schema in the documentation"


# -- CSV --------------------------------------------------------------------------------------------------------------


def _csv_pieces(path: Path) -> Iterator[pd.DataFrame]:
    try:
        with pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,  # so that positions are lines
            index_col=False,
            chunksize=PIECE_ROWS,
        ) as reader:
            while (frame := _next_piece(reader)) is not None:
                yield frame.rename(columns=lambda name: str(name).strip())
    except pd.errors.EmptyDataError:
        raise DataError("the file is empty", place=f"{path}, row 1", cure="export it with a header and rows") from None
    except UnicodeDecodeError:
        _refuse_encoding(path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        cure = "copy or compress it again"
        raise DataError("the file is damaged or cut off", place=str(path), value=str(error), cure=cure) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        line = re.search(r"line (\d+)", str(error))
        raise DataError(
            "a row has more fields than the header, or a quote is never closed",
            place=f"{path}, row {line.group(1) if line else 2}",
            value=str(error).strip(),
            cure="quote cells that hold commas, and close every quote",
        ) from None


def _next_piece(reader: Any) -> pd.DataFrame | None:
    with warnings.catch_warnings():  # around each piece: filters are global and must not stay while others work
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame: pd.DataFrame | None = next(reader, None)
    return frame


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _refuse_encoding(path: Path) -> NoReturn:
    """Name the cell. Of its bytes one is shown: more could be somebody's name."""
    header: list[str] = []
    with _opened(path) as lines:
        for row, line in enumerate(lines, 1):
            header = header or line.decode("utf-8", "replace").strip().split(",")
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                field = line.count(b",", 0, error.start)
                column = header[field] if field < len(header) else str(field + 1)
                cure = "save it as UTF-8 (in a spreadsheet: 'CSV UTF-8'; a Chinese system's default is often GB18030)"
                raise DataError(
                    "the file is not UTF-8",
                    place=f"{path}, row {row}, column {column}",
                    value=line[error.start : error.start + 1],
                    cure=cure,
                ) from None
    raise AssertionError("pandas refused bytes that are UTF-8")


# -- Parquet ----------------------------------------------------------------------------------------------------------


def _parquet_pieces(path: Path) -> Iterator[pd.DataFrame]:
    try:
        with pq.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(PIECE_ROWS):
                columns = zip(batch.schema.names, batch.columns, strict=True)
                yield pd.DataFrame({name: _as_text(column, f"{path}, column {name}") for name, column in columns})
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("not a Parquet file", place=str(path), value=str(error), cure="export it again") from None


def _as_text(column: pa.Array, place: str) -> pd.Series:
    if pa.types.is_timestamp(column.type):
        stamp = "%Y-%m-%dT%H:%M:%S" + ("%z" if column.type.tz else "")
        text = pc.strftime(column, format=stamp)
    else:
        try:
            text = pc.cast(column, pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise DataError("column is not text, number or date", place=place, value=str(column.type)) from None
    return pd.Series(pc.fill_null(text, "").to_pandas().astype(str))
