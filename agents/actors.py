"""The operator: a mesa agent of the world that keeps what a snapshot must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
