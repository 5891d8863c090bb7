"""Touches: what customers were sent and did about it, read piece by piece, and the campaigns among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.fields import Clock, cents, fractions, stamps, whole_numbers, words
from experiments.data.files import File
from experiments.data.identities import Identities
from experiments.data.logs import CAMPAIGN_COLUMNS, Ints
from experiments.data.orders import Dropped, named, refuse_nobody
from experiments.data.repeats import Repeats
from experiments.data.tables import Inspection, Table

TOUCH_KINDS = (
    "message_advert", "message_content", "chat", "reply", "coupon_issued", "coupon_redeemed", "coupon_expired",
    "invite", "join", "mute", "unmute", "delete", "event", "trust_level",
)  # fmt: skip
COLUMNS = (
    ("customer_id", "ts", "kind"),
    ("depth", "min_spend", "valid_days", "campaign_id", "propensity", "level"),
)
TRUST_LEVELS = (*"012345", *(f"L{level}" for level in range(6)), "")


def read_touches(
    file: File, clock: Clock, identities: Identities, code: Ints, origin: int, dropped: dict[str, int]
) -> pd.DataFrame:
    """Touches by customer and time, days since ``origin``. Raises DataError for the first rule that is broken.

    Parameters
    ----------
    clock : that of the orders, by which touches must be written too.
    code : of each customer by the number of :class:`Identities`.
    """
    gathered = _Gathered(file, clock, identities, code, origin, Dropped("touches", dropped))
    Inspection(file).each(gathered.take)
    return gathered.touches()


@dataclass
class _Gathered:
    """Touches so far: one array of each column per piece; words as numbers."""

    file: File
    clock: Clock
    identities: Identities
    code: Ints
    origin: int
    dropped: Dropped
    columns: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    campaigns: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def __post_init__(self) -> None:
        self.repeats = Repeats(self.file, None, named)

    def take(self, piece: Table) -> None:
        """Check a piece and keep its numbers."""
        table = self.dropped.named(piece)
        number = self.identities.known(table)
        cure = "add the customer to customers.csv, or leave the row out"
        rule = "customer is neither in customers nor in orders"
        table.refuse(number < 0, column="customer_id", rule=rule, cure=cure, identity=True)
        when = stamps(table, "ts", self.clock)
        kind = words(table, "kind", TOUCH_KINDS)
        values: dict[str, Any] = {
            "customer": self.code[number].astype(np.int32),
            "day": (when.day - self.origin).astype(np.int32),
            "kind": pd.Categorical(kind, TOUCH_KINDS).codes,
            "depth": _optional(table, "depth", fractions),
            "min_spend": _optional(table, "min_spend", lambda t, column: cents(t, column, blank=True)),
            "valid_days": _optional(table, "valid_days", whole_numbers),
            "campaign_id": self._campaigns(table),
            "propensity": _optional(table, "propensity", fractions),
            "second": when.second,
            **_levels(table, (kind == "trust_level").to_numpy()),
        }
        self.repeats.note(table)
        for name, column in values.items():
            self.columns.setdefault(name, []).append(np.asarray(column))
        self.rows += len(number)

    def _campaigns(self, table: Table) -> NDArray[np.int32]:
        """Numbers of the rows' campaigns, in the order in which they are first met."""
        if "campaign_id" not in table.frame:
            return np.full(len(table.frame), self.campaigns.setdefault("", 0), np.int32)
        row, names = pd.factorize(table.frame["campaign_id"])
        return np.array([self.campaigns.setdefault(name, len(self.campaigns)) for name in names], np.int32)[row]

    def touches(self) -> pd.DataFrame:
        """All of them in order. What was gathered is used up, for it is large."""
        refuse_nobody(self.file, self.rows)
        copies = self.repeats.copies()
        self.dropped.count("copies of a row of touches", len(copies))
        kept = np.delete(np.arange(self.rows), copies)
        customer = np.concatenate(self.columns["customer"])[kept]
        order = kept[np.lexsort((np.concatenate(self.columns.pop("second"))[kept], customer))]
        del customer, kept
        finish: dict[str, Callable[[NDArray[Any]], Any]] = {
            "customer": _int64, "day": _int64,
            "kind": lambda codes: _texts(codes, TOUCH_KINDS),
            "campaign_id": lambda codes: _texts(codes, tuple(self.campaigns)),
            "min_spend": _whole, "valid_days": _whole, "level": _whole,
        }  # fmt: skip
        columns = {}
        for name in tuple(self.columns):
            values = np.concatenate(self.columns.pop(name))[order]
            columns[name] = finish[name](values) if name in finish else values.astype(np.float64)
        return pd.DataFrame(columns, copy=False)


def _optional(table: Table, column: str, read: Callable[[Table, str], pd.Series]) -> NDArray[Any]:
    """A column of numbers, NaN where nothing is written; in two bytes a row where the column is not there."""
    if column not in table.frame:
        return np.full(len(table.frame), np.nan, np.float16)
    return read(table, column).to_numpy(np.float64, na_value=np.nan)


def _levels(table: Table, tags: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Trust levels 0..5 of the touches that are tags; a column only where tags are dated."""
    if "level" not in table.frame:
        cure = "add a column level with L0 to L5"
        table.refuse(tags, column="kind", rule="touches of kind trust_level need a column level", cure=cure)
        return {}
    level = words(table, "level", TRUST_LEVELS)
    untagged = tags & (level == "").to_numpy()
    table.refuse(untagged, column="level", rule="a touch of kind trust_level needs its level", cure="write L0 to L5")
    return {"level": pd.to_numeric(level.str.removeprefix("L")).to_numpy(np.float64, na_value=np.nan)}


def _int64(values: NDArray[Any]) -> NDArray[np.int64]:
    return values.astype(np.int64)


def _whole(values: NDArray[Any]) -> pd.Series:
    return pd.Series(values.astype(np.float64)).astype("Int64")


def _texts(codes: NDArray[Any], names: tuple[str, ...]) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype=str))).astype(str)


def campaigns_of(touches: pd.DataFrame) -> pd.DataFrame | None:
    """A campaign is all that was issued under one ``campaign_id``: from the first issue to the last expiry."""
    named = touches[touches["campaign_id"] != ""]
    issued = named[named["kind"] == "coupon_issued"]
    if issued.empty:
        return None
    issued = issued.assign(end_day=issued["day"] + issued["valid_days"].fillna(0).astype(np.int64))
    about = issued.groupby("campaign_id").agg(start_day=("day", "min"), end_day=("end_day", "max"))
    pairs = issued[["campaign_id", "customer"]].drop_duplicates().join(about, on="campaign_id")
    used = named.loc[named["kind"] == "coupon_redeemed", ["campaign_id", "customer"]].drop_duplicates()
    pairs = pairs.merge(used.assign(redeemed=True), on=["campaign_id", "customer"], how="left")
    pairs = pairs.assign(kind=pairs["campaign_id"], redeemed=pairs["redeemed"].notna())
    return pairs[list(CAMPAIGN_COLUMNS)].sort_values(["start_day", "campaign_id", "customer"], ignore_index=True)
