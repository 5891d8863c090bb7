"""The contract of operator actions. A new action inherits it with one class in ``test_actions``."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, ClassVar

import pytest

from agents.actions import Action
from agents.domain import PrivateDomain, operate
from agents.events import OPERATOR_COSTS
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.trials.small import smaller, smaller_policy
from sim.errors import SpecError
from sim.ledger import NOBODY
from tests.contracts.documents import KindContract, changed_columns, everybody_deletes, put
from tests.worlds import EVERYTHING, NEED_CHANNELS, Event, busy_scenario, canonical, live, policy

TOUCHING = frozenset({
    "message_advert", "message_content", "chat", "coupon_issued", "voucher_issued", "fee", "member_level",
})  # fmt: skip


@lru_cache(maxsize=1)
def alone_events(contract: type[ActionContract]) -> tuple[Event, ...]:
    """What happens when a policy does nothing else."""
    of = contract()
    return tuple(canonical(live(of.world(), of.alone())))


class ActionContract(KindContract):
    """Inherit, and set ``kind``, ``example`` and the tables."""

    kind: ClassVar[type[Action]]
    columns: ClassVar[set[str]]
    """Customer columns that ``apply`` writes."""
    costs: ClassVar[set[str]]
    """Kinds of cost that it brings about, all booked under its name."""

    def data(self, **changes: Any) -> dict[str, Any]:
        return {"kind": self.kind.kind, **self.example, **changes}

    def alone(self, cap: int | None = None) -> Policy:
        return policy(cap, it=self.data())

    def others(self) -> dict[str, Any]:
        """Every other action of the busy policy."""
        return {name: action for name, action in EVERYTHING.items() if action["kind"] != self.kind.kind}

    def world(self, **changes: Any) -> Scenario:
        return busy_scenario(**{"staff": {"hours_per_week": 100}, **changes})

    def test_does_something(self) -> None:
        """What can do nothing passes every other check."""
        assert alone_events(type(self)) != tuple(canonical(live(self.world())))

    def test_off_is_as_if_it_were_not_there(self) -> None:
        assert self.kind.off, "name the values at which it does nothing"
        data = self.data()
        for path, value in self.kind.off.items():
            data = put(data, path, value)
        of = self.world(days=30)
        without = live(of, policy(8, **self.others()))
        with_it = live(of, policy(8, idle=data, **self.others()))
        assert canonical(with_it) == canonical(without)
        idle = policy(idle=data)
        assert idle.fixed_cost_cny(self.world()) == 0

    def test_touches_only_its_columns(self) -> None:
        """Over a whole run, and all of them, so that the table is no wider than the truth."""
        world = PrivateDomain(self.world(), policy(it=self.data(), **self.others()), seed=2)
        touched: set[str] = set()
        for _ in range(world.horizon_days):
            for phase in world.PHASES:
                if phase is not operate:
                    phase(world)
                    continue
                there = len(world.customers)
                for name, action in world.policy.actions.items():
                    before = world.customers.arrays() if name == "it" else {}
                    action.apply(world, name)
                    assert len(world.customers) == there, "an action creates nobody"
                    touched |= changed_columns(before, world.customers)
            world.day += 1
        assert touched == self.columns

    def test_costs_are_booked_under_its_name(self) -> None:
        costs = [(kind, source) for _, _, kind, _, source in alone_events(type(self)) if kind in OPERATOR_COSTS]
        assert {kind for kind, _ in costs} == self.costs
        assert {source.split(".")[0] for _, source in costs} <= {"it"}

    def test_fixed_cost_is_what_is_booked_whatever_customers_do(self) -> None:
        planned = round(self.alone().fixed_cost_cny(self.world()) * 100)
        others = (self.world(population={"size": 0}), self.world(effects={"advert": {"mean": 3}}))
        for events in (alone_events(type(self)), *(canonical(live(of, self.alone())) for of in others)):
            booked = sum(a for _, key, kind, a, _ in events if key == NOBODY and kind in OPERATOR_COSTS)
            assert abs(booked - planned) <= 1

    def test_a_quarter_of_the_customers_is_served_for_a_quarter_of_the_cost(self) -> None:
        """What it costs whatever customers do, or asks of the staff, is named as ``extensive``."""
        small = smaller_policy(self.alone(), 0.25)
        costs = small.fixed_cost_cny(smaller(self.world(), 0.25)), self.alone().fixed_cost_cny(self.world()) / 4
        assert costs[0] == pytest.approx(costs[1], rel=0.01)
        assert small.hours_asked_per_week() == pytest.approx(self.alone().hours_asked_per_week() / 4)

    def test_works_with_nobody_there(self) -> None:
        nobody = {"store": {"volume": 1, "cost_per_reach_cny": 1e9, "partner": True}}
        nobody |= dict.fromkeys(("ads", "partner"), nobody["store"])
        world = live(self.world(population={"size": 0}, channels=nobody), self.alone())
        assert len(world.customers) == 0
        assert all(key == NOBODY for _, key, *_ in canonical(world))

    def test_works_when_everybody_left(self) -> None:
        """Deleted contacts cost nothing and hear nothing."""
        world = PrivateDomain(self.world() if self.kind.kind in NEED_CHANNELS else self.world(channels={}),
                              self.alone(), seed=1)  # fmt: skip
        everybody_deletes(world.customers)
        there = set(world.customers.key.tolist())
        assert not [e for e in canonical(world.run()) if e[1] in there and e[2] in TOUCHING]

    @pytest.mark.parametrize("cap", [0, 1, 3])
    def test_keeps_the_frequency_cap(self, cap: int) -> None:
        weekly = Counter(
            (day // 7, key)
            for day, key, kind, *_ in canonical(live(self.world(), self.alone(cap)))
            if kind.startswith("message_")
        )
        assert max(weekly.values(), default=0) <= cap

    def test_a_calendar_that_never_comes_up_is_refused(self) -> None:
        if "calendar" not in self.kind.model_fields:
            pytest.skip("it has no calendar")
        late = policy(it=self.data(calendar={"every_days": 1, "from_day": 60}))
        with pytest.raises(SpecError, match=r"actions\.it\.calendar: the calendar never comes up"):
            late.check(self.world())
