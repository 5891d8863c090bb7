"""User logs: the operator's own orders, touches and customers, checked at the door and stripped of identities.

Files are read piece by piece, so that they may be larger than memory. The checks are our own and vectorised, not a
schema library's: an error has to point at one cell of the file and say the cure. Strict where a guess would change
results, lenient where leaving out is what anybody would do. Left out and counted: rows without a customer (till sales),
exact copies of a row, orders without value, touches outside the days of the orders: these are the days that logs cover.
"""

from __future__ import annotations

import datetime
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data import orders as order_file
from experiments.data import people as people_file
from experiments.data import touches as touch_file
from experiments.data.fields import Clock, known_zone
from experiments.data.files import SUFFIXES, File
from experiments.data.identities import Identities
from experiments.data.logs import Ints, Logs, digest_of
from experiments.data.orders import Orders, read_orders
from experiments.data.people import read_people
from experiments.data.touches import campaigns_of, read_touches
from sim.errors import DataError

log = logging.getLogger(__name__)

FILES = {"orders": order_file.COLUMNS, "touches": touch_file.COLUMNS, "customers": people_file.COLUMNS}


def load_user_logs(source: Path, *, zone: str | None = None, key: bytes | None = None) -> Logs:
    """Logs from one file of orders, or from a folder that holds ``orders`` and perhaps ``touches`` and ``customers``.

    Parameters
    ----------
    zone : the zone whose days count, as Asia/Shanghai; None takes times as written.
    key : 16 to 64 secret bytes. With it ``customers`` gets the column ``pseudonym``, a keyed hash by which the holder
        of the key can find customers again, and by which their luck in simulated worlds is the same in every export.
        Without it ids are told apart by a random key that is forgotten, and customers are their codes.

    Raises
    ------
    DataError : one error for the first thing wrong, with file, row, column, value and cure.
    """
    identities = Identities(key)
    files = _files(source)
    dropped: dict[str, int] = {}
    clock = Clock(known_zone(zone))
    orders = read_orders(files["orders"], clock, identities, dropped)
    if zone and not clock.offset:
        log.warning("%s: times carry no offset and count as written; the zone %s changes nothing", source, zone)
    people = read_people(files["customers"], identities, dropped) if "customers" in files else None
    code = np.concatenate([orders.code, np.arange(len(orders.code), len(identities))])
    customers = _customers(people, code, orders)
    touches = campaigns = None
    if "touches" in files:
        own = Clock(zone, clock.offset)
        touches = read_touches(files["touches"], own, identities, code, orders.origin, dropped)
        campaigns = campaigns_of(touches)
        outside = ~touches["day"].between(0, orders.last_day)
        if outside.any():
            dropped["touches outside the days of the orders"] = int(outside.sum())
            touches = touches[~outside].reset_index(drop=True)
    if identities.look_personal:
        log.warning("%s: customer ids look like addresses or telephone numbers; they go no further than here", source)
    start = datetime.date(1970, 1, 1) + datetime.timedelta(days=orders.origin)
    digest = digest_of(start, orders.last_day, customers, orders.visits, touches, campaigns)
    if identities.keyed:
        names = np.empty(len(code), object)
        names[code] = [f"{number:016x}" for number in identities.pseudonyms().tolist()]
        customers["pseudonym"] = pd.Series(names, index=customers.index).astype(str)
    return Logs(
        name=_name(source),
        origin=start,
        last_day=orders.last_day,
        customers=customers,
        visits=orders.visits,
        touches=touches,
        campaigns=campaigns,
        dropped=dropped,
        digest=digest,
    )


def _name(source: Path) -> str:
    return source.name.removesuffix(".gz").rsplit(".", 1)[0] or source.name


def _files(source: Path) -> dict[str, File]:
    if not source.is_dir():
        return {"orders": File(source, *FILES["orders"])}
    found: dict[str, File] = {}
    for name, columns in FILES.items():
        here = [path for path in (source / f"{name}{suffix}" for suffix in SUFFIXES) if path.is_file()]
        if len(here) > 1:
            raise DataError(f"two files of {name}", place=str(source), cure="keep one of CSV, gzip and Parquet")
        if here:
            found[name] = File(here[0], *columns)
    if "orders" not in found:
        value = ", ".join(sorted(path.name for path in source.iterdir())) or "an empty folder"
        raise DataError(
            "no file of orders", place=str(source), value=value, cure="name it orders.csv or orders.parquet"
        )
    return found


def _customers(people: pd.DataFrame | None, code: Ints, orders: Orders) -> pd.DataFrame:
    codes = pd.RangeIndex(len(code))
    first = orders.visits.groupby("customer")["day"].min().reindex(codes, fill_value=orders.last_day + 1)
    columns: dict[str, pd.Series] = {"first_day": first.astype(np.int64)}
    if people is not None:
        known = people.set_axis(code[people.index.to_numpy()]).reindex(codes)
        columns |= {str(name): known[name] for name in known.columns}
        if "joined_day" in columns:
            columns["joined_day"] = (columns["joined_day"] - orders.origin).astype("Int64")
    return pd.DataFrame(columns, index=codes)
