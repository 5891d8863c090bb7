"""Group buying (拼团): an item far under the market price for k people together, within a time limit (S4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from agents.actions.base import Action, Claim, Problem, ScheduledAction
from agents.actions.item import Item
from agents.customers import GroupBuyers, Interested, Sociable
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario
    from sim.columns import Columns


class GroupBuy(ScheduledAction):
    """On days of the calendar the audience may open groups and ask others to join; who joins pays.

    A group with enough people is filled: payments become orders. One that is not filled in time is paid back without
    being asked. Money held overnight is a deposit. At the end of the run nothing stays open.
    """

    kind = "group_buy"
    off: ClassVar[dict[str, Any]] = {"item.stock": 0}
    extensive: ClassVar[tuple[str, ...]] = ("item.stock",)

    item: Item = parameter(doc="what is sold; its price_cny is the group price")
    people: int = parameter(3, ge=2, le=100_000, doc="people who fill a group, whoever opened it among them")
    days_open: int = parameter(1, ge=1, le=30, doc="days to fill a group, the day of opening included")
    commission_cny: float = parameter(
        0.0, ge=0, le=100_000, doc="paid to whoever opened a group when it is filled, CNY"
    )

    def carries(self) -> tuple[type[Columns], ...]:
        return (GroupBuyers, Interested, Sociable)

    def claims(self) -> Iterator[Claim]:
        return self.item.claims()

    def apply(self, world: PrivateDomain, name: str) -> None:
        """Nothing: the offer stands in the shop, and customers do the rest (``group_buying``)."""

    def opens_on(self, world: PrivateDomain) -> bool:
        """Whether groups may be opened today."""
        return self.calendar.times(world.day, world.date) > 0 and self.item.left_share(world) > 0

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        pool = scenario.population.size + sum(channel.volume for channel in scenario.channels.values())
        if self.people > pool:
            yield (
                f"a group of {self.people} people exceeds the {pool} who can ever be contacts here",
                "people",
                f"lower people to {pool} at most, or enlarge the scenario",
            )


def group_buys(actions: dict[str, Action]) -> list[tuple[str, GroupBuy]]:
    """The group buys among a policy's actions, by name."""
    return [(name, action) for name, action in actions.items() if isinstance(action, GroupBuy)]
