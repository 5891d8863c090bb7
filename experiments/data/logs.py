"""Logs: what an operator's systems recorded, cleaned, in days and int64 cents, without anybody's identity."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
LOGGED_KEYS = 1 << 62  # keys of customers with a pseudonym start here, above those of all prospects

TEXTS_AT_ONCE = 100_000  # of a column that is hashed as text

CAMPAIGN_COLUMNS = ("campaign_id", "kind", "start_day", "end_day", "customer", "redeemed")


@dataclass(frozen=True)
class Logs:
    """The observed past of a set of customers.

    Attributes
    ----------
    name : ``complete_journey``, or the stem of the file or folder.
    origin : the date of day 0. All days below are whole local days since then.
    last_day : the last day covered, inclusive.
    customers : one row per customer, index 0..n-1 = customer code. ``first_day`` is the day of the first visit
        (``last_day + 1`` for somebody known who has not ordered yet); optional ``joined_day``, ``region``,
        ``age_band``, ``channel``, ``trust_level``; ``pseudonym``, 16 hexadecimal digits, only if a key was given. Codes
        run in the order of first orders, so they depend on neither the raw ids nor the key.
    visits : one row per customer and day with an order, sorted by both; ``gross``, ``discount``, ``net`` in cents,
        net = gross - discount, gross > 0. Several baskets on one day are one visit.
    touches : what customers were sent and did about it, or None; days within 0..last_day. ``depth`` and
        ``propensity`` are fractions, ``min_spend`` cents, ``valid_days`` days; missing where not logged. ``level`` is
        a column only where trust tags are dated: the new level 0..5 of a touch of kind ``trust_level``.
    campaigns : one row per coupon campaign and targeted customer, or None. ``start_day`` may be negative and
        ``end_day`` beyond ``last_day``: campaigns are not cut at the borders of the logs.
    dropped : rows left out, by reason.
    digest : 16 hexadecimal digits, a hash of the content above (without ``name``, ``dropped`` and pseudonyms).
    """

    name: str
    origin: datetime.date
    last_day: int
    customers: pd.DataFrame
    visits: pd.DataFrame
    touches: pd.DataFrame | None
    campaigns: pd.DataFrame | None
    dropped: dict[str, int]
    digest: str

    @property
    def n_customers(self) -> int:
        """Number of customers."""
        return len(self.customers)

    @property
    def keyed(self) -> bool:
        """Whether customers have pseudonyms under a key of the user's."""
        return "pseudonym" in self.customers

    @property
    def keys(self) -> Ints:
        """Lasting identity of each customer, by which luck is drawn, shape (n,).

        From the pseudonym where a key was given, so that a customer keeps its luck in next month's export; else the
        code, so that the same logs give the same results.
        """
        if not self.keyed:
            return np.arange(self.n_customers, dtype=np.int64)
        numbers = [int(name, 16) for name in self.customers["pseudonym"]]
        return np.array(numbers, np.int64) + LOGGED_KEYS

    def until(self, day: int) -> Logs:
        """The logs as they stood on the evening of a day, for who must not see more.

        Customers first seen later keep their rows, as codes are places, but count as not having ordered. Trust tags of
        customers are those of the export and go. Of campaigns that run on, whoever had been issued something stays;
        their ``end_day`` is as planned.
        """
        if day >= self.last_day:
            return self
        first_day = self.customers["first_day"].clip(upper=day + 1)
        touches, campaigns = self.touches, self.campaigns
        if campaigns is not None:
            campaigns = campaigns[campaigns["start_day"] <= day]
        if touches is not None and campaigns is not None:
            issued = touches[touches["kind"] == "coupon_issued"].groupby(["campaign_id", "customer"])["day"].min()
            pairs = pd.MultiIndex.from_frame(campaigns[["campaign_id", "customer"]])
            campaigns = campaigns[~(issued.reindex(pairs).to_numpy() > day)]
        return replace(
            self,
            last_day=day,
            customers=self.customers.drop(columns="trust_level", errors="ignore").assign(first_day=first_day),
            visits=self.visits[self.visits["day"] <= day].reset_index(drop=True),
            touches=None if touches is None else touches[touches["day"] <= day].reset_index(drop=True),
            campaigns=None if campaigns is None else campaigns.reset_index(drop=True),
        )


def codes_by_first_order(ids: Ints, when: Ints) -> tuple[Ints, Ints]:
    """Customer codes in the order of first orders, ties by row.

    Parameters
    ----------
    ids : any integer label of the customer of each order.
    when : time of each order, in any unit.

    Returns
    -------
    The code of each order's customer, and the label behind each code.
    """
    by_time = np.argsort(when, kind="stable")
    labels, first_row, inverse = np.unique(ids[by_time], return_index=True, return_inverse=True)
    rank = np.argsort(first_row, kind="stable")
    code_of_label = np.empty(len(labels), dtype=np.int64)
    code_of_label[rank] = np.arange(len(labels))
    codes = np.empty(len(ids), dtype=np.int64)
    codes[by_time] = code_of_label[inverse]
    return codes, labels[rank].astype(np.int64)


def visits_of(customer: Ints, day: Ints, gross: Ints, discount: Ints) -> pd.DataFrame:
    """Orders or their lines added up to one row per customer and day. Money in cents, exact; days not negative."""
    span = int(day.max()) + 1 if len(day) else 1
    cell = customer * span + day
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    cell = cell[starts]
    added = {"gross": np.add.reduceat(gross[order], starts), "discount": np.add.reduceat(discount[order], starts)}
    added["net"] = added["gross"] - added["discount"]
    return pd.DataFrame({"customer": cell // span, "day": cell % span, **added}, copy=False)


def digest_of(origin: datetime.date, last_day: int, *frames: pd.DataFrame | None) -> str:
    """Sixteen hexadecimal digits that change with any value, row order, column or border of the frames."""
    state = hashlib.blake2b(f"{origin.isoformat()} {last_day}".encode(), digest_size=8)
    for frame in frames:
        state.update(b"\x1dnone" if frame is None else b"\x1dframe")
        if frame is None:
            continue
        for name in frame.columns:
            column = frame[name]
            state.update(f"\x1e{name}\x1f".encode())
            if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
                state.update(column.to_numpy(dtype="<i8").tobytes())
            elif isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
                state.update(column.to_numpy(dtype="<f8").tobytes())
            else:
                for first in range(0, len(column), TEXTS_AT_ONCE):
                    texts = ["" if pd.isna(v) else str(v) for v in column.iloc[first : first + TEXTS_AT_ONCE]]
                    state.update((("\x1f" if first else "") + "\x1f".join(texts)).encode())
    return state.hexdigest()
