"""What a forecaster says of each customer over the horizon."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from experiments.forecasting.order_days import Floats, Ints
from experiments.forecasting.quarters import Tally


@dataclass(frozen=True)
class CustomerForecast:
    """What is expected of each customer over the horizon.

    Attributes
    ----------
    orders, spend : expected order days and net spend in cents, shape (n,).
    p_any : P(any order), shape (n,).
    weekly_orders : expected order days of all in each whole week, shape (weeks,).
    tallies : replicates, of those that simulate orders and spend.
    counts : order days of each customer in each replicate, shape (replicates, n), of those that simulate orders.
    """

    orders: Floats
    spend: Floats
    p_any: Floats
    weekly_orders: Floats
    tallies: tuple[Tally, ...] = ()
    counts: Ints | None = field(default=None, repr=False)

    @classmethod
    def of_tallies(cls, tallies: list[Tally], p_any: Floats | None = None) -> CustomerForecast:
        """Expectations as means over replicates.

        P(any order) is counted where it is not given; half a replicate then keeps it off 0 and 1.
        """
        orders = np.stack([tally.orders for tally in tallies])
        counted = ((orders > 0).sum(axis=0) + 0.5) / (len(tallies) + 1)
        return cls(
            orders=orders.mean(axis=0),
            spend=np.mean([tally.spend for tally in tallies], axis=0),
            p_any=counted if p_any is None else p_any,
            weekly_orders=np.mean([tally.weekly_orders for tally in tallies], axis=0),
            tallies=tuple(tallies),
            counts=orders,
        )
