"""Gifts with purchase: promised to those who order today, while they last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.actions.welfare_day import WelfareDay
from agents.behaviours.base import Behaviour

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.gatherings import Promise
    from agents.policy import Policy
    from agents.scenario import Scenario


class Gifts(Behaviour):
    """Who orders on the day gets the gift; when there are fewer pieces than orders, luck decides who was first."""

    kind = "gifts"
    phase = "serve"

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(isinstance(a, WelfareDay) and a.gift is not None for a in policy.actions.values())

    def apply(self, world: PrivateDomain) -> None:
        if world.today.promised:
            sold = np.unique(np.concatenate([np.empty(0, np.intp), *(sale.rows for sale in world.today.sales)]))
            for promise in world.today.promised:
                self._keep(world, promise, sold)

    def _keep(self, world: PrivateDomain, promise: Promise, sold: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        rows = np.intersect1d(promise.rows, sold)
        if promise.stock is not None and len(rows) > promise.stock:
            u = world.draws.uniform(f"gift.{promise.name}", world.day, world.customers.key[rows])
            rows = np.sort(rows[np.argsort(u, kind="stable")[: promise.stock]])
        world.record("gift", rows, promise.cost_cents, promise.name)
