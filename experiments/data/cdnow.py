"""CDNOW: the customers who first bought from an online music shop in the first quarter of 1997, to 1998-06-30.

The file lies in the package ``lifetimes``, which needs a pandas of long ago: install it with
``pip install --no-deps lifetimes``. Nothing of it is imported; its folder ``datasets`` is read. Orders of one day are
one visit. Orders worth nothing are left out; eight customers of the sample placed no other.
"""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.logs import Logs, codes_by_first_order, digest_of, visits_of
from sim.errors import DataError

FILES = {"cdnow": "CDNOW_sample.txt", "cdnow_master": "CDNOW_master.txt"}
"""By the name that stands for them: a tenth of the customers, 2,357, and all 23,570."""

ORIGIN = datetime.date(1997, 1, 1)
LAST_DAY = 545  # 1998-06-30: 78 weeks


def load_cdnow(name: str, folder: Path | None = None) -> Logs:
    """The logs of a name in ``FILES``. Day 0 is 1997-01-01, weeks 1 to 39 end on 1997-09-30.

    Parameters
    ----------
    folder : where the file lies; that of the package ``lifetimes`` unless told.

    Raises
    ------
    DataError : where the package is not installed.
    """
    path = (folder or _package_folder(name)) / FILES[name]
    raw = pd.read_csv(path, sep=r"\s+", header=None, dtype=str).iloc[:, -4:]
    raw = raw.set_axis(["id", "date", "units", "net"], axis=1)
    raw = raw[raw["date"].str.isdigit()]  # one of the two files has a line of names
    date = pd.to_datetime(raw["date"], format="%Y%m%d").to_numpy().astype("datetime64[D]")
    day = (date - np.datetime64(ORIGIN)).astype(np.int64)
    net = np.rint(raw["net"].astype(np.float64).to_numpy() * 100).astype(np.int64)
    codes, labels = codes_by_first_order(raw["id"].to_numpy().astype(np.int64), day)
    worth = net > 0
    visits = visits_of(codes[worth], day[worth], net[worth], np.zeros(int(worth.sum()), dtype=np.int64))
    first = visits.groupby("customer")["day"].min().reindex(range(len(labels)), fill_value=LAST_DAY + 1)
    customers = pd.DataFrame({"first_day": first.to_numpy(np.int64)})
    return Logs(
        name=name,
        origin=ORIGIN,
        last_day=LAST_DAY,
        customers=customers,
        visits=visits,
        touches=None,
        campaigns=None,
        dropped={"orders without value": int((~worth).sum())},
        digest=digest_of(ORIGIN, LAST_DAY, customers, visits, None, None),
    )


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec("lifetimes")  # found, not imported
    if spec is None or spec.origin is None:
        raise DataError(
            "CDNOW comes with the package lifetimes, which is not installed",
            place="logs", value=name, cure="pip install --no-deps lifetimes",
        )  # fmt: skip
    return Path(spec.origin).parent / "datasets"
