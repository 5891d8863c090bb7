"""Fields: text columns of a table turned into cents, days and fractions, or refused with their row."""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.data.logs import Ints
from experiments.data.tables import Table
from sim.errors import DataError, nearest

log = logging.getLogger(__name__)

OLDEST = np.datetime64("1990-01-01")  # assumed; older stamps are an empty clock (1970-01-01, 1899-12-30)
LARGEST = 1e12  # currency units; assumed; keeps sums of cents far inside int64 and exact as float64
OFFSET = r"([Zz]|[+-]\d{2}(?::?\d{2})?)$"


@dataclass
class Clock:
    """The clock by which a file's times are written: that of its first row.

    Attributes
    ----------
    zone : the zone whose days count; stamps with an offset are converted to it. None: times are taken as written.
    offset : as written in the first row, or empty; None before it was read. Another file's, if they must agree.
    """

    zone: str | None = None
    offset: str | None = None


@dataclass(frozen=True)
class Stamps:
    """Local times: ``second`` and ``day`` since 1970-01-01 by that clock."""

    second: Ints
    day: Ints


def numbers(table: Table, column: str, *, blank: bool = False) -> pd.Series:
    """Finite float64 numbers; a blank cell is NaN where ``blank`` is allowed and an error elsewhere."""
    text = table.frame[column]
    value: pd.Series = pd.to_numeric(text, errors="coerce").astype(np.float64)
    wrong = ~np.isfinite(value.to_numpy())
    if blank:
        wrong &= (text != "").to_numpy()
    table.refuse(wrong, column=column, rule="not a number", cure="write digits and a point, as 12.50")
    return value


def cents(table: Table, column: str, *, blank: bool = False) -> pd.Series:
    """Amounts of money, at least 0, rounded to cents: int64, or Int64 where ``blank`` is allowed."""
    value = numbers(table, column, blank=blank)
    cure = "write amounts as 0 or more; take a refund off its order's gross"
    table.refuse((value < 0).to_numpy(), column=column, rule="amount is negative", cure=cure)
    table.refuse((value > LARGEST).to_numpy(), column=column, rule="amount is not believable", cure="check the unit")
    whole = (value * 100).round()
    return whole.astype("Int64") if blank else whole.astype(np.int64)


def fractions(table: Table, column: str) -> pd.Series:
    """Numbers from 0 to 1 as float64, blank is NaN."""
    value = numbers(table, column, blank=True)
    table.refuse(((value < 0) | (value > 1)).to_numpy(), column=column, rule="outside 0 to 1", cure="15 % is 0.15")
    return value


def whole_numbers(table: Table, column: str) -> pd.Series:
    """Whole numbers, at least 0, as Int64; blank is missing."""
    value = numbers(table, column, blank=True)
    wrong = ((value < 0) | (value != np.floor(value))) & value.notna()
    table.refuse(wrong.to_numpy(), column=column, rule="not a whole number of at least 0", cure="write it as 0, 1, 2 …")
    return value.astype("Int64")


def filled(table: Table, column: str) -> pd.Series:
    """Text that may not be blank."""
    table.refuse((table.frame[column] == "").to_numpy(), column=column, rule="cell is blank", cure="fill it in")
    return table.frame[column]


def words(table: Table, column: str, known: tuple[str, ...]) -> pd.Series:
    """Text out of a list of known words."""
    unknown = ~table.frame[column].isin(known).to_numpy()
    hint = nearest(str(table.frame[column][unknown].iloc[0]), known) if unknown.any() else ""
    table.refuse(unknown, column=column, rule="unknown kind", cure=hint)
    return table.frame[column]


def stamps(table: Table, column: str, clock: Clock) -> Stamps:
    """Times in ISO 8601, as the local clock shows them.

    Notes
    -----
    Without a zone all stamps must have one offset, or none. With it offsets may differ, as they do where clocks are
    changed in summer. A mixture of stamps with and without an offset is ambiguous and always refused.
    """
    text = table.frame[column]
    offset = _offsets(text)
    if clock.offset is None and len(text):
        clock.offset = str(offset.iloc[0])
        if clock.offset == "+00:00" and not clock.zone:
            log.warning(
                "%s: times are in UTC and days are counted in UTC; name the zone if the shops are elsewhere",
                table.inspection.file.path,
            )
    first = clock.offset or ""
    bare = text.where(offset == "", text.str.slice(0, 8) + text.str.slice(8).str.replace(OFFSET, "", regex=True))
    local = pd.to_datetime(bare, format="ISO8601", errors="coerce")
    unread = (local.isna() | ~text.str.match(r"\d{4}-?\d{2}-?\d{2}")).to_numpy()
    table.refuse(unread, column=column, rule="not a date or time", cure="write ISO 8601, as 2024-03-05T14:30:00")
    mixed = (offset == "") != (first == "") if clock.zone else offset != first
    table.refuse(
        mixed.to_numpy(),
        column=column,
        rule=f"time zones are mixed: another offset than {first or 'none'}",
        cure="write all times by the local clock, without offset"
        + ("" if clock.zone else ", or name the zone to convert to"),
    )
    if clock.zone and first:
        local = _in_zone(local, offset, clock.zone)
    second = local.to_numpy().astype("datetime64[s]")
    day = second.astype("datetime64[D]")
    newest = np.datetime64(datetime.date.today()) + 1  # one day of grace for clocks further east
    table.refuse(day > newest, column=column, rule="date lies in the future", cure="check the year and the export")
    table.refuse(day < OLDEST, column=column, rule="date is before 1990", cure="an empty clock? leave the row out")
    return Stamps(second.astype(np.int64), day.astype(np.int64))


def _offsets(text: pd.Series) -> pd.Series:
    """``+08:00`` and the like, with Z as ``+00:00``; empty where a stamp has none."""
    tail = text.str.slice(8)  # behind the date, whose hyphens are no signs
    if not tail.str.contains("[Zz+-]").any():
        return pd.Series("", index=text.index)
    found = tail.str.extract(OFFSET, expand=False).fillna("")
    canonical = {label: _canonical(label) for label in found.unique()}
    return found.map(canonical)


def _canonical(label: str) -> str:
    if label in ("", "Z", "z"):
        return "+00:00" if label else ""
    digits = label[1:].replace(":", "").ljust(4, "0")
    return f"{label[0]}{digits[:2]}:{digits[2:]}" if digits != "0000" else "+00:00"


def _in_zone(local: pd.Series, offset: pd.Series, zone: str) -> pd.Series:
    minutes = {x: (int(x[1:3]) * 60 + int(x[4:])) * (-1 if x[0] == "-" else 1) for x in offset.unique()}
    utc = local - pd.to_timedelta(offset.map(minutes), unit="min")
    return utc.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)


def known_zone(zone: str | None) -> str | None:
    """The zone; an error if there is none of that name, whether or not the logs need it."""
    try:
        if zone is not None:
            pd.Timestamp(0, tz="UTC").tz_convert(zone)
    except (KeyError, ValueError, OSError):
        raise DataError("no such time zone", value=zone, cure="write it as Asia/Shanghai") from None
    return zone
