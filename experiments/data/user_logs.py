"""User logs: the operator's own orders, touches and customers, checked at the door and stripped of identities.

The checks are our own and vectorised, not a schema library's: an error has to point at one cell of the file and say the
cure. Strict where a guess would change results, lenient where leaving out is what anybody would do. Left out and
counted: rows without a customer (till sales), exact copies of a row, orders without value, touches outside the days of
the orders, which are the days that the logs cover.
"""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.fields import Stamps, cents, filled, fractions, stamps, whole_numbers, words
from experiments.data.logs import CAMPAIGN_COLUMNS, Ints, Logs, codes_by_first_order, digest_of, visits_of
from experiments.data.tables import SUFFIXES, Table, read_table
from sim.errors import DataError

TOUCH_KINDS = (
    "message_advert", "message_content", "chat", "reply", "coupon_issued", "coupon_redeemed", "coupon_expired",
    "invite", "join", "mute", "unmute", "delete", "event", "trust_level",
)  # fmt: skip
ORDERS = (("customer_id", "ts", "order_id", "gross", "discount"), ("coupon_id", "cost", "channel", "category"))
TOUCHES = (
    ("customer_id", "ts", "kind"),
    ("depth", "min_spend", "valid_days", "campaign_id", "propensity", "level"),
)
CUSTOMERS = (("customer_id",), ("joined", "channel", "region", "age_band", "trust_level"))
TRUST_LEVELS = (*"012345", *(f"L{level}" for level in range(6)), "")


MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64  # 64 is BLAKE2b's own limit; under 16 a list of phone numbers can be tried

Columns = tuple[tuple[str, ...], tuple[str, ...]]


def load_user_logs(source: Path, *, zone: str | None = None, key: bytes | None = None) -> Logs:
    """Logs from one file of orders, or from a folder that holds ``orders`` and perhaps ``touches`` and ``customers``.

    Parameters
    ----------
    zone : the zone whose days count, as Asia/Shanghai; None takes times as written.
    key : 16 to 64 secret bytes. With it ``customers`` gets the column ``pseudonym``, a keyed hash by which the holder
        of the key can find customers again. Without it the ids are replaced by codes and forgotten, which is what a
        random key thrown away would come to. No result depends on it.

    Raises
    ------
    DataError : one error for the first thing wrong, with file, row, column, value and cure.
    """
    if key is not None and not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise DataError("key has the wrong length", value=f"{len(key)} bytes", cure="use 16 to 64 random bytes")
    files = _files(source)
    dropped: dict[str, int] = {}
    orders = _read(files["orders"], ORDERS, dropped, "orders")
    when = stamps(orders, "ts", zone=zone)
    origin = int(when.day.min())
    last_day = int(when.day.max()) - origin
    people = _read(files["customers"], CUSTOMERS, dropped, "customers") if "customers" in files else None
    code_of = _codes(orders, when, people)
    visits = _visits(orders, when.day - origin, code_of, dropped)
    customers = _customers(people, code_of, visits, origin, last_day, key)
    touches = campaigns = None
    if "touches" in files:
        touches = _touches(_read(files["touches"], TOUCHES, dropped, "touches"), code_of, when, origin, zone)
        campaigns = _campaigns(touches)
        outside = ~touches["day"].between(0, last_day)
        _count(dropped, "touches outside the days of the orders", int(outside.sum()))
        touches = touches[~outside].reset_index(drop=True)
    start = datetime.date(1970, 1, 1) + datetime.timedelta(days=origin)
    public = customers.drop(columns="pseudonym", errors="ignore")
    return Logs(
        name=source.stem,
        origin=start,
        last_day=last_day,
        customers=customers,
        visits=visits,
        touches=touches,
        campaigns=campaigns,
        dropped=dropped,
        digest=digest_of(start, last_day, public, visits, touches, campaigns),
    )


def _files(source: Path) -> dict[str, Path]:
    if not source.is_dir():
        return {"orders": source}
    found: dict[str, Path] = {}
    for name in ("orders", "touches", "customers"):
        here = [path for path in (source / f"{name}{suffix}" for suffix in SUFFIXES) if path.is_file()]
        if len(here) > 1:
            raise DataError(f"two files of {name}", place=str(source), cure="keep the CSV or the Parquet file")
        if here:
            found[name] = here[0]
    if "orders" not in found:
        value = ", ".join(sorted(path.name for path in source.iterdir())) or "an empty folder"
        raise DataError(
            "no file of orders", place=str(source), value=value, cure="name it orders.csv or orders.parquet"
        )
    return found


def _count(dropped: dict[str, int], reason: str, rows: int) -> None:
    if rows:
        dropped[reason] = dropped.get(reason, 0) + rows


def _read(path: Path, columns: Columns, dropped: dict[str, int], name: str) -> Table:
    """A table without nameless rows and exact copies."""
    table = read_table(path, required=columns[0], optional=columns[1])
    nameless = (table.frame["customer_id"] == "").to_numpy()
    blank = int((table.frame[nameless] == "").all(axis=1).sum())
    _count(dropped, f"blank lines of {name}", blank)
    _count(dropped, f"{name} without customer", int(nameless.sum()) - blank)
    table = table.keep(~nameless)
    copies = table.frame.duplicated().to_numpy()
    _count(dropped, f"copies of a row of {name}", int(copies.sum()))
    table = table.keep(~copies)
    if table.frame.empty:
        raise DataError(
            "no row names a customer", place=f"{path}, row 2, column customer_id", value="", cure="fill it in"
        )
    return table


def _codes(orders: Table, when: Stamps, people: Table | None) -> dict[str, int]:
    """Code of each raw id: by first order, then those who never ordered as they stand in the file of customers."""
    label, ids = pd.factorize(orders.frame["customer_id"])
    _, ranked = codes_by_first_order(label.astype(np.int64), when.second)
    names: list[str] = ids.tolist()
    known = {names[rank]: code for code, rank in enumerate(ranked)}
    if people is not None:
        twice = people.frame["customer_id"].duplicated().to_numpy()
        cure = "keep one row per customer"
        people.refuse(twice, column="customer_id", rule="customer stands twice", cure=cure, identity=True)
        for name in people.frame["customer_id"]:
            known.setdefault(name, len(known))
    return known


def _visits(orders: Table, day: Ints, code_of: dict[str, int], dropped: dict[str, int]) -> pd.DataFrame:
    twice = filled(orders, "order_id").duplicated().to_numpy()
    cure = "write one row per order: add up its lines"
    orders.refuse(twice, column="order_id", rule="order stands twice with different content", cure=cure)
    gross, discount = cents(orders, "gross"), cents(orders, "discount")
    cure = "gross is the price before the discount"
    orders.refuse((discount > gross).to_numpy(), column="discount", rule="discount exceeds gross", cure=cure)
    worth = (gross > 0).to_numpy()
    _count(dropped, "orders without value", int((~worth).sum()))
    if not worth.any():
        orders.refuse(~worth, column="gross", rule="no order has a value", cure="export gross before discounts")
    codes: Ints = orders.frame["customer_id"].map(code_of).to_numpy().astype(np.int64)
    money: list[Ints] = [column.to_numpy().astype(np.int64)[worth] for column in (gross, discount)]
    return visits_of(codes[worth], day[worth], *money)


def _customers(
    people: Table | None, code_of: dict[str, int], visits: pd.DataFrame, origin: int, last_day: int, key: bytes | None
) -> pd.DataFrame:
    codes = pd.RangeIndex(len(code_of))
    first = visits.groupby("customer")["day"].min().reindex(codes, fill_value=last_day + 1)
    columns: dict[str, pd.Series] = {"first_day": first.astype(np.int64)}
    if people is not None:
        of = people.frame["customer_id"].map(code_of)
        if "joined" in people.frame:
            dated = people.keep((people.frame["joined"] != "").to_numpy())
            days = stamps(dated, "joined").day - origin if len(dated.frame) else np.empty(0, np.int64)
            columns["joined_day"] = pd.Series(days, index=of[dated.frame.index]).reindex(codes).astype("Int64")
        for name in ("region", "age_band", "channel"):
            if name in people.frame:
                text = people.frame[name]
                columns[name] = text.where(text != "").set_axis(of).reindex(codes)
        if "trust_level" in people.frame:
            level = words(people, "trust_level", TRUST_LEVELS).str.removeprefix("L")
            columns["trust_level"] = pd.to_numeric(level).astype("Int64").set_axis(of).reindex(codes)
    if key is not None:
        hashes = [hashlib.blake2b(name.encode(), digest_size=16, key=key).hexdigest() for name in code_of]
        columns["pseudonym"] = pd.Series(hashes, index=list(code_of.values())).reindex(codes)
    return pd.DataFrame(columns, index=codes)


def _touches(table: Table, code_of: dict[str, int], orders: Stamps, origin: int, zone: str | None) -> pd.DataFrame:
    codes = table.frame["customer_id"].map(code_of)
    cure = "add the customer to customers.csv, or leave the row out"
    rule = "customer is neither in customers nor in orders"
    table.refuse(codes.isna().to_numpy(), column="customer_id", rule=rule, cure=cure, identity=True)
    when = stamps(table, "ts", zone=zone, like=orders)
    index = table.frame.index
    nothing = pd.Series(np.nan, index=index)
    given = table.frame.columns
    frame = pd.DataFrame(
        {
            "customer": codes.astype(np.int64),
            "day": when.day - origin,
            "kind": words(table, "kind", TOUCH_KINDS),
            "depth": fractions(table, "depth") if "depth" in given else nothing,
            "min_spend": cents(table, "min_spend", blank=True) if "min_spend" in given else nothing.astype("Int64"),
            "valid_days": whole_numbers(table, "valid_days") if "valid_days" in given else nothing.astype("Int64"),
            "campaign_id": table.frame["campaign_id"] if "campaign_id" in given else "",
            "propensity": fractions(table, "propensity") if "propensity" in given else nothing,
        }
    )
    tags = (frame["kind"] == "trust_level").to_numpy()
    if "level" in given:  # only where there are dated tags: other logs keep their digest
        frame["level"] = _levels(table, tags)
    else:
        cure = "add a column level with L0 to L5"
        table.refuse(tags, column="kind", rule="touches of kind trust_level need a column level", cure=cure)
    frame = frame.assign(second=when.second).sort_values(["customer", "second"], kind="stable", ignore_index=True)
    return frame.drop(columns="second")


def _levels(table: Table, tags: NDArray[np.bool_]) -> pd.Series:
    """Trust levels 0..5 of the touches that are tags; missing for the others."""
    level = words(table, "level", TRUST_LEVELS)
    untagged = tags & (level == "").to_numpy()
    table.refuse(untagged, column="level", rule="a touch of kind trust_level needs its level", cure="write L0 to L5")
    return pd.to_numeric(level.str.removeprefix("L")).astype("Int64")


def _campaigns(touches: pd.DataFrame) -> pd.DataFrame | None:
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
