"""The team: how the staff are organised, and agencies that help for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from agents.actions.base import Action, Problem, cents
from sim.errors import nearest
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.scenario import Scenario

Organisation = Literal["as_is", "marketing", "store", "ecommerce", "independent"]


class Skill(Spec):
    """How well people do their work, as factors; 1 is what the scenario's staff do."""

    chat: float = parameter(1.0, gt=0, le=5, doc="odds of a reply, and trust that a round of chat adds")
    conversion: float = parameter(1.0, gt=0, le=5, doc="pull of a chat on the wish to buy")
    content: float = parameter(1.0, gt=0, le=5, doc="trust that value content adds")
    after_sales: float = parameter(1.0, gt=0, le=5, doc="trust that a settled problem gives back")


class TeamSpec(Spec):
    """A way to organise the same people, against the scenario's staff."""

    hours: float = parameter(1.0, ge=0, le=10, doc="hours for the private domain, times the scenario's", fact=True)
    wage: float = parameter(1.0, ge=0, le=10, doc="wage, times the scenario's", fact=True)
    skill: Skill = parameter(Skill(), doc="how well they work", fact=True)
    reach: dict[str, Annotated[float, Field(ge=1, le=100)]] = parameter(
        default_factory=dict,
        fact=True,
        doc="people reached without spending, by preset of channel, or its name without one; times its organic_per_day",
    )


# S1 names the four and in which department each sits; every number is assumed. Each pays about the same a week.
TEAMS: dict[str, TeamSpec] = {
    "as_is": TeamSpec(),
    "marketing": TeamSpec(  # those who make campaigns: content and advertising channels, little time for each customer
        hours=0.8, wage=1.2, skill=Skill(chat=0.9, conversion=0.9, content=1.4, after_sales=0.8),
        reach={"douyin": 1.5, "xiaohongshu": 1.5, "moments_ads": 1.5, "content_account": 1.5},
    ),
    "store": TeamSpec(  # shop assistants: many cheap hours, know their customers, bring those who come to the shop
        hours=1.3, wage=0.8, skill=Skill(chat=1.2, conversion=1.1, content=0.7, after_sales=1.1),
        reach={"store_qr": 2.0},
    ),
    "ecommerce": TeamSpec(  # shop operators: convert and serve, and put cards into parcels
        hours=1.0, wage=1.0, skill=Skill(chat=0.9, conversion=1.3, content=0.8, after_sales=1.2),
        reach={"parcel_insert": 2.0, "search": 1.5},
    ),
    "independent": TeamSpec(  # a department of its own: skilled in all of it, dear, and without channels of others
        hours=0.9, wage=1.2, skill=Skill(chat=1.3, conversion=1.2, content=1.2, after_sales=1.2),
    ),
}  # fmt: skip


class Team(Action):
    """How the staff are organised: marketing-led, store-led, under e-commerce or independent (S1).

    An organisation stands for hours, wages, skills and channels against the scenario's staff; ``own`` describes one.
    """

    kind = "team"
    single = True
    off: ClassVar[dict[str, Any]] = {"organisation": "as_is", "own": None, "setup_cny": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("setup_cny",)

    organisation: Organisation = parameter("as_is", doc="where the team sits; as_is keeps the scenario's staff")
    own: TeamSpec | None = parameter(None, doc="another organisation, described by its numbers, in place of these")
    setup_cny: float = parameter(0.0, ge=0, doc="cost of setting the team up, once, CNY", fact=True)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.own is not None and self.organisation != "as_is":
            raise ValueError(f"organisation '{self.organisation}' and own contradict each other: keep one")
        return self

    @property
    def about(self) -> TeamSpec:
        """Hours, wage, skill and channels of this team."""
        return self.own or TEAMS[self.organisation]

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        kinds = [channel.preset or name for name, channel in scenario.channels.items()]
        for kind in self.own.reach if self.own else ():
            if kind not in kinds:
                yield f"no channel of the kind '{kind}'; {nearest(kind, kinds)}", "own.reach", "name one"

    def apply(self, world: PrivateDomain, name: str) -> None:
        if world.day == 0 and self.setup_cny:
            world.ledger.record_shared(0, "setup", cents(self.setup_cny), name)
        for channel in world.channels.values():
            factor = self.about.reach.get(channel.spec.preset or channel.name, 1.0)
            if factor > 1.0:
                channel.push((factor - 1.0) * channel.spec.organic_per_day * channel.spec.cost_per_reach_cny)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        return self.setup_cny


class Agency(Action):
    """An agency that sets the system up and leaves (S1): a fee, hours and skill while it is there, and what it taught.

    Hours of its people are paid like those of the staff, by the actions that they work for; its fee comes on top.
    """

    kind = "agency"
    off: ClassVar[dict[str, Any]] = {"hours_per_week": 0.0, "setup_cny": 0.0, "fee_cny_per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week", "setup_cny", "fee_cny_per_week", "learning_hours")

    hours_per_week: float = parameter(
        20.0, ge=0, le=10_000, doc="hours a week of its people", source="assumed", fact=True
    )
    setup_cny: float = parameter(0.0, ge=0, doc="fee for setting the system up, once, CNY", fact=True)
    fee_cny_per_week: float = parameter(0.0, ge=0, doc="running fee a week on top of wages, CNY", fact=True)
    skill: Skill = parameter(
        Skill(chat=1.3, conversion=1.3, content=1.3, after_sales=1.3),
        doc="skill of its people",
        source="assumed",
        fact=True,
    )
    teaches: float = parameter(
        0.3, ge=0, le=1, doc="share of its lead in skill that stays when it has left", source="assumed", fact=True
    )
    learning_hours: float = parameter(
        100.0, gt=0, le=100_000, doc="hours that its people have to work until all of that is taught; fewer teach less",
        source="assumed", fact=True,
    )  # fmt: skip
    from_day: int = parameter(0, ge=0, doc="first day of the contract")
    until_day: int | None = parameter(90, ge=0, doc="last day of the contract; none if it stays", source="assumed")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if self.until_day is not None and self.until_day < self.from_day:
            raise ValueError(f"until_day {self.until_day} is before from_day {self.from_day}; swap or drop one")
        return self

    def is_there(self, day: int) -> bool:
        """Whether its people work on this day."""
        return day >= self.from_day and (self.until_day is None or day <= self.until_day)

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        if self.from_day >= scenario.horizon_days:
            yield f"the contract begins on day {self.from_day}, after the horizon", "from_day", "begin it earlier"

    def apply(self, world: PrivateDomain, name: str) -> None:
        due = self._due(world.day)
        if due > 0:
            world.ledger.record_shared(world.day, "setup", due, name)

    def _due(self, day: int) -> int:
        """Fee of a day, cents: differences of a running sum."""
        if not self.is_there(day):
            return 0
        since = day - self.from_day
        fee = cents(self.fee_cny_per_week / 7 * (since + 1)) - cents(self.fee_cny_per_week / 7 * since)
        return fee + (cents(self.setup_cny) if since == 0 else 0)

    def fixed_cost_cny(self, scenario: Scenario) -> float:
        return sum(self._due(day) for day in range(scenario.horizon_days)) / 100
