"""The few: operator and staff. Each is a mesa agent of the world and keeps what a snapshot must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.actions.base import cents
from sim.world import Actor

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class Operator(Actor):
    """Keeps the stock of coupons and items."""

    def __init__(self, world: PrivateDomain) -> None:
        super().__init__(world)
        self.stock: dict[str, int] = {}

    def take(self, name: str, wanted: int, stock: int) -> int:
        """Take up to ``wanted`` pieces from a stock that began with ``stock``; return how many there were."""
        left = self.stock.get(name, stock)
        taken = min(left, wanted)
        self.stock[name] = left - taken
        return taken

    def left(self, name: str, stock: int) -> int:
        """Pieces left of a stock that began with ``stock``."""
        return self.stock.get(name, stock)

    def state(self) -> dict[str, float]:
        return dict(self.stock)

    def restore(self, state: dict[str, float]) -> None:
        self.stock = {name: int(left) for name, left in state.items()}


class Staff(Actor):
    """Finite hours. What is asked beyond the hours that exist is cut in proportion."""

    def __init__(self, world: PrivateDomain, hours_per_week: float) -> None:
        super().__init__(world)
        self.hours_per_week = hours_per_week

    def work(self, world: PrivateDomain, name: str, asked_per_week: float) -> float:
        """Put an action's hours to work today, pay them, and return how many a week it gets."""
        hours = asked_per_week * self.granted_share(world.policy.hours_asked_per_week())
        paid = [cents(hours / 7 * day * world.spec.staff.wage_cny_per_hour) for day in (world.day, world.day + 1)]
        if paid[1] > paid[0]:  # differences of a running sum, so that rounding never adds up
            world.ledger.record_shared(world.day, "wages", paid[1] - paid[0], name)
        return hours

    def granted_share(self, asked_per_week: float) -> float:
        """Share of the asked hours that exist, at most 1."""
        return 1.0 if asked_per_week <= self.hours_per_week else self.hours_per_week / asked_per_week

    def state(self) -> dict[str, float]:
        return {}
