"""Small markets with known habits, as logs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from experiments.data import Logs

MONDAY = dt.date(2024, 1, 1)
CUT_DAY = 167
CUT_OFF = MONDAY + dt.timedelta(days=CUT_DAY)


def logs_of(customer: Any, day: Any, net: Any, last_day: int, n: int) -> Logs:
    """Logs from arrays of visits; net in cents."""
    visits = pd.DataFrame({"customer": customer, "day": day, "gross": net, "discount": 0 * net, "net": net})
    visits = visits.sort_values(["customer", "day"], ignore_index=True)
    first = visits.groupby("customer")["day"].min().reindex(range(n), fill_value=last_day + 1)
    customers = pd.DataFrame({"first_day": first.to_numpy(np.int64)})
    return Logs("toy", MONDAY, last_day, customers, visits, None, None, {}, "0123456789abcdef")


def toy_logs(n: int = 300, late: int = 10, days: int = 224, seed: int = 1) -> Logs:
    """Customers with lasting rates; the last ``late`` begin on day 200."""
    rng = np.random.default_rng(seed)
    rate, size = rng.gamma(2.0, 0.06, n).clip(0.01, 0.7), np.exp(rng.normal(7.5, 0.5, n))
    ordered = rng.random((n, days)) < rate[:, None]
    ordered[np.arange(n), np.arange(n) % 14] = True
    ordered[n - late :, :200] = False
    customer, day = np.nonzero(ordered)
    net = np.rint(size[customer] * np.exp(rng.normal(0, 0.7, len(customer)))).astype(np.int64) + 1
    return logs_of(customer, day, net, days - 1, n)
