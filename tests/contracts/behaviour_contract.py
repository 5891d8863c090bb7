"""The contract of customer behaviours. A new behaviour inherits it with one class in ``test_behaviours``."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, get_args

from agents.behaviours import DEFAULTS, Behaviour
from agents.behaviours.base import PhaseName
from agents.domain import PrivateDomain, operate
from agents.scenario import Scenario
from agents.today import Today
from tests.contracts.documents import KindContract, changed_columns, fields_of, is_numeric
from tests.worlds import CHANNELS, LIVELY, Event, busy_policy, busy_scenario, canonical, live


@cache
def deeds(seed: int = 1) -> dict[str, tuple[set[str], set[str]]]:
    """What each behaviour did in the busy world: columns that it changed, kinds of event that it wrote."""
    world = PrivateDomain(busy_scenario(), busy_policy(), seed=seed)
    done: dict[str, tuple[set[str], set[str]]] = {b.kind: (set(), set()) for b in world.behaviours}
    written: set[str] = set()
    book = world.ledger.count

    def noted(day: int, kind: str, *more: Any) -> None:
        written.add(kind)
        book(day, kind, *more)

    world.ledger.count = noted  # type: ignore[method-assign]  # every event passes here
    for _ in range(world.horizon_days):
        world.today = Today()
        for phase in world.PHASES:
            if phase is operate:
                phase(world)
                continue
            for behaviour in (b for b in world.behaviours if b.phase == phase.__name__):
                before = world.customers.arrays()
                written.clear()
                behaviour.apply(world)
                columns, kinds = done[behaviour.kind]
                columns |= changed_columns(before, world.customers)
                kinds |= written
        world.day += 1
    return done


@cache
def plain_events(seed: int) -> list[Event]:
    """Events of the busy world as it is."""
    return canonical(live(busy_scenario(), busy_policy(), seed=seed))


@cache
def unnamed_events() -> list[Event]:
    """Events of twenty days in which every behaviour is as it is by default."""
    return canonical(live(busy_scenario(80, 30, behaviours={}), busy_policy(), until=20))


def lives_as_before(of: Scenario, seed: int) -> bool:
    """Whether the busy policy brings about in it what it does in the busy world. Most differ in the first days."""
    plain, world = plain_events(seed), PrivateDomain(of, busy_policy(), seed=seed)
    for until in (4, 10, 24, world.horizon_days):
        world.run(until)
        if canonical(world) != [event for event in plain if event[0] < until]:
            return False
    return True


class BehaviourContract(KindContract):
    """Inherit, and set ``kind`` and the tables."""

    kind: ClassVar[type[Behaviour]]
    example: ClassVar[dict[str, Any]] = {}
    columns: ClassVar[set[str]]
    """Columns of customers who are there already that ``apply`` writes."""
    events: ClassVar[set[str]]
    """Kinds of event that it writes."""
    choices: ClassVar[set[str]] = set()
    """Numeric parameters that are somebody's choice, with nothing to cite."""

    def test_has_a_phase_of_the_day(self) -> None:
        assert self.kind.phase in get_args(PhaseName)
        assert self.kind.phase in {phase.__name__ for phase in PrivateDomain.PHASES}

    def test_every_number_has_a_source(self) -> None:
        for path, field in fields_of(self.kind):
            if is_numeric(field.default):
                extra = field.json_schema_extra
                source = extra.get("source") if isinstance(extra, dict) else None
                assert bool(source) is (path not in self.choices), f"{path}: {source!r}"

    def test_defaults_keep_their_own_limits(self) -> None:
        assert self.kind.model_validate(self.kind().model_dump(mode="json")) == self.kind()

    def test_touches_only_its_columns_and_writes_only_its_events(self) -> None:
        """And all of them, so that the tables are no wider than the truth."""
        columns, events = deeds()[self.kind.kind]
        assert columns == self.columns
        assert events == self.events

    def test_every_number_matters(self) -> None:
        """A parameter that changes nothing in two worlds when it is halved or doubled is dead."""
        here = {k: v for k, v in LIVELY.get(self.kind.kind, {}).items() if k != "kind"}
        part = self.kind.model_validate(here)
        dead = set()
        for name in self.kind.model_fields:
            value = getattr(part, name)
            if is_numeric(value):
                bent = {**LIVELY, self.kind.kind: {"kind": self.kind.kind, **here, name: _bent(value)}}
                if all(lives_as_before(busy_scenario(behaviours=bent), seed) for seed in (1, 2)):
                    dead.add(name)
        assert not dead

    def test_works_alone(self) -> None:
        """With no other behaviour in the world."""
        alone = busy_scenario(60, 30, behaviours={self.kind.kind: {"kind": self.kind.kind}}, only_named_behaviours=True)
        assert [type(b) for b in live(alone, busy_policy()).behaviours] == [self.kind]

    def test_works_with_nobody_there(self) -> None:
        nobody = {name: {"volume": 9, "cost_per_reach_cny": 1e9, "partner": True} for name in CHANNELS}
        alone = busy_scenario(0, 30, channels=nobody, behaviours={self.kind.kind: {"kind": self.kind.kind}})
        world = live(alone, busy_policy())
        assert len(world.customers) == 0

    def test_leaving_it_out_or_naming_its_defaults(self) -> None:
        """A scenario that names a default behaviour without changing it is the scenario that does not name it."""
        named = {self.kind.kind: {"kind": self.kind.kind}}
        assert canonical(live(busy_scenario(80, 30, behaviours=named), busy_policy(), until=20)) == unnamed_events()
        assert self.kind in DEFAULTS


def _bent(value: Any) -> Any:
    """Half of it, twice as many of a count; shares so that they still add up."""
    if isinstance(value, tuple):
        if len(value) == 3:
            return (value[0] - 0.1, value[1] + 0.1, value[2])
        return tuple(v * 0.5 + 0.01 for v in value)
    if isinstance(value, int):
        return value * 2
    return value * 0.5 if value else 0.1
