"""After-sales: staff settle the problems that customers have with their orders, first come, first served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agents.actions.base import Action, cents
from agents.staff import whole_since
from agents.troubles import REFUSED, Settlement, Troubled, waiting
from agents.waiting_line import first_in_line
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain


class AfterSales(Action):
    """A desk with hours. Who waits is served by the day of asking and then by luck; the response time is what results.

    A problem is settled in the customer's favour, with compensation and a gift, or refused. What the hours do not reach
    waits (``census`` of ``queue.NAME``; the amount of ``settled`` and ``refused`` is the days waited).
    """

    kind = "after_sales"
    off: ClassVar[dict[str, Any]] = {"hours_per_week": 0.0}
    extensive: ClassVar[tuple[str, ...]] = ("hours_per_week",)

    hours_per_week: float = parameter(ge=0, le=10_000, doc="hours of the desk a week")
    minutes_per_case: float = parameter(15.0, gt=0, le=480, doc="minutes of one problem", source="assumed", fact=True)
    compensation_share: float = parameter(
        0.2, ge=0, le=1, doc="money given back when settled in the customer's favour, share of what the order cost",
        source="assumed",
    )  # fmt: skip
    gift_cny: float = parameter(0.0, ge=0, doc="cost of a gift with it, CNY (S3: gifts)")
    in_favour: float = parameter(
        1.0, ge=0, le=1, doc="share of problems settled in the customer's favour", source="S3: in the customer's favour"
    )

    def carries(self) -> tuple[type[Columns], ...]:
        return (Troubled,)

    def hours_asked_per_week(self) -> float:
        return self.hours_per_week

    def waiting(self, world: PrivateDomain, name: str) -> int | None:
        return len(waiting(world)) if self.hours_per_week else None

    def apply(self, world: PrivateDomain, name: str) -> None:
        if not self.hours_per_week:
            return
        before, after = world.staff.put_to_work(world, name)
        capacity = whole_since(before, after, 60 / self.minutes_per_case)
        c, rows = world.customers, waiting(world)
        rows = first_in_line(world, rows, c.problem_day[rows], capacity, "after_sales.line")
        if not len(rows):
            return
        waited = world.day - c.problem_day[rows].astype(np.int64)
        kind = world.draws.uniform("after_sales.favour", world.day, c.key[rows]) < self.in_favour
        world.record("settled", rows[kind], waited[kind], name)
        world.record("refused", rows[~kind], waited[~kind], name)
        c.problem_day[rows[~kind]] = REFUSED
        rows, waited = rows[kind], waited[kind]
        c.problem_day[rows] = Troubled.DECLARED["problem_day"].default
        paid = c.problem_cents[rows].astype(np.int64)
        given = np.rint(paid * self.compensation_share).astype(np.int64) + cents(self.gift_cny)
        world.record("compensation", rows[given > 0], given[given > 0], name)
        world.today.settled.append(Settlement(rows, waited, given / np.maximum(paid, 1)))
