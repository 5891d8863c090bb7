"""Past: what the logs knew of a customer on the evening before a day, on scales on which it tells the next orders."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.causal.orders import Diary, Floats
from experiments.data.logs import Ints, Logs

SEASON_DAYS = 91
MESSAGES = ("message_advert", "message_content", "chat", "reply")


class Past:
    """The past of every customer, looked up by customer and day. Nothing of the day itself or later is used."""

    def __init__(self, logs: Logs, touches: pd.DataFrame, orders: Diary) -> None:
        self._first_day = logs.customers["first_day"].to_numpy(np.int64)
        self._orders = orders
        told = touches["kind"].to_numpy()
        wanted = ("coupon_issued", "coupon_redeemed", "mute", *MESSAGES)
        self._touches = {kind: Diary(touches[told == kind]) for kind in wanted if (told == kind).any()}

    def columns(self, customer: Ints, day: Ints) -> Floats:
        """One row per customer and day; columns that never vary are left out. Shape (n, k)."""
        orders, start = self._orders, np.zeros_like(day)
        tenure = np.maximum(day - self._first_day[customer], 0)
        so_far = orders.count(customer, start, day)

        def since(back: int) -> Ints:
            return np.maximum(day - back, 0)

        found: list[Floats] = [
            np.log1p(day - np.maximum(orders.last_before(customer, day), 0)),
            np.log((so_far + 0.5) / (tenure + 30.0)),
            np.log1p(so_far),
            np.log1p(tenure),
            np.log1p(orders.total(customer, since(SEASON_DAYS), day)),
            np.log1p(orders.total(customer, start, day)),
            *(np.log1p(orders.count(customer, since(back), day)) for back in (7, 14, 28, SEASON_DAYS)),
        ]
        for kind, diary in self._touches.items():
            windows = (3, 14) if kind in MESSAGES else (28, 10**6)
            found += [np.log1p(diary.count(customer, since(back), day)) for back in windows]
        return np.column_stack([column for column in found if np.ptp(column) > 0])
