"""Staff, chats, teams and after-sales keep the contracts, and the hours of a day are never exceeded."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from typing import ClassVar

from agents.actions import AfterSales, Agency, QuoteDesk, Team
from agents.behaviours import Behaviour, Problems, Recovery
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract
from tests.worlds import busy_policy, busy_scenario, live


class TestTeam(ActionContract):
    kind = Team
    example = {"organisation": "store", "setup_cny": 300.0}
    columns = set()
    costs = {"setup"}


class TestAgency(ActionContract):
    kind = Agency
    example = {"hours_per_week": 10, "setup_cny": 400.0, "fee_cny_per_week": 35.5, "from_day": 3, "until_day": 40}
    columns = set()
    costs = {"setup"}


class TestAfterSales(ActionContract):
    kind = AfterSales
    example = {"hours_per_week": 2.0, "gift_cny": 2.0, "in_favour": 0.7}
    columns = {"problem_day"}
    costs = {"wages", "compensation"}


class TestQuoteDesk(ActionContract):
    kind = QuoteDesk
    example = {"hours_per_week": 3.0, "cost_cny": 0.8}
    columns = set()
    costs = {"wages", "chat"}


class Sleeper:
    """A default behaviour that stays out of a world where it has nothing to do."""

    kind: ClassVar[type[Behaviour]]
    awake: ClassVar[dict[str, float]] = {}
    """Fields with which it has something to do."""

    def test_works_alone(self) -> None:
        alone = busy_scenario(60, 30, behaviours={self.kind.kind: {"kind": self.kind.kind, **self.awake}},
                              only_named_behaviours=True)  # fmt: skip
        assert [type(b) for b in live(alone, busy_policy()).behaviours] == [self.kind]


class TestProblems(Sleeper, BehaviourContract):
    kind = Problems
    awake = {"per_order": 0.1}
    columns = {"problem_day", "problem_cents", "resting_trust", "goodwill", "contact"}
    events = {"problem", "quarrel", "delete"}


class TestRecovery(Sleeper, BehaviourContract):
    kind = Recovery
    columns = {"resting_trust"}
    events = set()
