"""The private domain: a world of customers, an operator and the order of their day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any, ClassVar, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import Action
from agents.actions.membership import Membership
from agents.actions.points import Points
from agents.actors import Operator
from agents.behaviours import DEFAULTS, Behaviour, PointsHabits
from agents.behaviours.base import PhaseName
from agents.birth import Learned, populate
from agents.channels import Channel
from agents.communities import Communities
from agents.coupon_book import Slot, slots_of
from agents.customers import LEVELS, Customers, ExposedCustomers, Traits
from agents.events import KINDS
from agents.media import MediumName
from agents.messages import Message
from agents.models.bundle import CustomerModels
from agents.models.contact import ContactModels
from agents.models.exposure import record_touch
from agents.policy import Policy
from agents.scenario import Scenario
from agents.staff import Staff
from agents.till import OwnPrice, sell
from agents.today import Today
from sim.columns import Columns
from sim.ledger import Ledger
from sim.world import Phase, World

Rows = NDArray[np.intp]
A = TypeVar("A", bound=Action)


def arrive(world: PrivateDomain) -> None:
    """A day begins: newcomers are reached and add the contact."""
    world.today = Today()
    world.behave("arrive")


def operate(world: PrivateDomain) -> None:
    """The operator acts."""
    if "gift_hope" in world.customers.DECLARED:  # of yesterday
        world.customers.gift_hope[:] = 0.0
    for name, action in world.policy.actions.items():
        with world.timed(f"operate/{name}"):
            action.apply(world, name)


def receive(world: PrivateDomain) -> None:
    """Messages are seen; trust, fatigue and the wish to buy move."""
    world.behave("receive")


def respond(world: PrivateDomain) -> None:
    """Coupons are noticed; the tired mute or delete."""
    world.behave("respond")


def purchase(world: PrivateDomain) -> None:
    """Orders are placed and paid."""
    world.behave("purchase")


def serve(world: PrivateDomain) -> None:
    """Orders are served; histories, points and experience follow."""
    world.behave("serve")


def update(world: PrivateDomain) -> None:
    """Trust levels and value tiers are re-estimated."""
    world.behave("update")


def churn(world: PrivateDomain) -> None:
    """Contacts leave or come round without being asked."""
    world.behave("churn")


def refer(world: PrivateDomain) -> None:
    """Customers speak of the brand to people whom they know."""
    world.behave("refer")


def observe(world: PrivateDomain) -> None:
    """The census is taken, and on the last day the books are closed."""
    world.behave("observe")
    if world.day == world.horizon_days - 1:
        for name, action in world.policy.actions.items():
            action.close(world, name)


class PrivateDomain(World):
    """One replicate of a scenario under a policy.

    Parameters
    ----------
    scenario, policy : what the world is and what the operator does.
    seed : the replicate's seed; the same seed is the same luck under every policy.
    learned : models and starting states from logs; cited defaults and a synthetic population without.
    detail : keep every event (True) or totals only (False).
    """

    PHASES: ClassVar[tuple[Phase, ...]] = (
        arrive, operate, receive, respond, purchase, serve, update, churn, refer, observe,
    )  # fmt: skip

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        *,
        seed: int,
        learned: Learned | None = None,
        detail: bool = True,
        profile: bool = False,
    ) -> None:
        policy.check(scenario)
        self.spec = scenario
        self.policy = policy
        self.learned = learned
        self.contact: ContactModels | None = learned.contact.models if learned and learned.contact else None
        self.behaviours = behaviours_of(scenario, policy)
        super().__init__(
            seed=seed, start=scenario.start, horizon_days=scenario.horizon_days,
            ledger=Ledger(KINDS, detail=detail), profile=profile,
            customers=population_of(
                ExposedCustomers if self.contact else Customers,
                scenario.traits,
                (*policy.actions.values(), *self.behaviours),
            )(),
        )  # fmt: skip
        self.customers.traits = scenario.traits  # what numbers of groups and segments stand for
        self.models: CustomerModels = learned.models.drawn(self.draws) if learned else scenario.buying.models()
        self.season = self.models.season.course(self.draws, scenario.start, scenario.horizon_days)
        self.effects = scenario.effects.draw(self.draws)
        self.operator = Operator(self)
        self.staff = Staff(self)
        self.channels = {
            name: Channel(self, index, name, spec) for index, (name, spec) in enumerate(scenario.channels.items())
        }
        self.communities = Communities(self)
        self.today = Today()
        self.slots = slots_of(self.customers.DECLARED)
        self._slot = {slot.name: slot for slot in self.slots}
        self.programme, self.club = first_of(Membership, policy)  # of which a policy has one at most
        self.scheme_name, self.scheme = first_of(Points, policy)
        habits = (b for b in self.behaviours if isinstance(b, PointsHabits))
        self.reward_worth = next((b.worth_of_reward(self.scheme) for b in habits), 1.0)  # of face value, to customers
        self._acting = {name: [b for b in self.behaviours if b.phase == name] for name in get_args(PhaseName)}
        for old, new in permutations(LEVELS, 2):  # or their codes would depend on which chunk has such a step first
            self.ledger.source_code(f"trust.{old}-{new}")
        populate(self)
        for behaviour in self.behaviours:
            behaviour.begin(self)

    def behave(self, phase: str) -> None:
        """Let the behaviours of a phase act, in their order."""
        for behaviour in self._acting[phase]:
            with self.timed(f"{phase}/{behaviour.kind}"):
                behaviour.apply(self)

    def fingerprint(self) -> str:
        learned = self.learned.digest() if self.learned else ""
        text = f"{self.spec.digest()} {self.policy.digest()} {learned} {self.ledger.detail}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def record(self, kind: str, rows: NDArray[np.integer[Any]], amount: Any, source: str) -> None:
        super().record(kind, rows, amount, source)
        if self.contact:
            record_touch(self.customers, rows, self.day, kind)

    def learns(self, transition: str) -> bool:
        """Whether a transition of contact or trust follows the logs; the scenario's assumed rule decides it if not."""
        return self.contact is not None and transition in self.contact.hazards

    # -- what actions ask for -----------------------------------------------------------------------------------

    def send(
        self, kind: str, rows: Rows, source: str, cost_cny: float, *,
        medium: MediumName = "direct", topic: int = -1, foreign: bool = False, series: str = "",
    ) -> str:  # fmt: skip
        """Put a message in the post; it is delivered in the receive phase. Give the address of its luck.

        Messages of an action are numbered over the day; those of a ``series`` of their own by themselves, so that one
        message more of another sort changes nobody's luck with them.
        """
        series = f"{source}.{series}" if series else source
        number = self.today.posted[series] = self.today.posted.get(series, -1) + 1
        luck = f"{series}.{number}"
        if len(rows):
            self.today.outbox.append(
                Message(kind, rows.astype(np.int32), source, cost_cny, luck, medium, topic, foreign)
            )
        return luck

    def slot(self, name: str) -> Slot:
        """A slot of coupons in hand, by its name."""
        return self._slot[name]

    # -- what behaviours ask for --------------------------------------------------------------------------------

    def pieces(self, rows: Rows | NDArray[np.int32]) -> Iterator[Rows]:
        """Row numbers in pieces that fit the cache."""
        for low in range(0, len(rows), self.chunk_rows):
            yield rows[low : low + self.chunk_rows].astype(np.intp, copy=False)

    def set_level(self, rows: Rows, level: int) -> None:
        """Move customers to a trust level and write it down; the source of the event says from where to where."""
        before = self.customers.level[rows]
        for old in np.flatnonzero(np.bincount(before)).tolist():
            self.record("trust_level", rows[before == old], level, f"trust.{LEVELS[old]}-{LEVELS[level]}")
        self.customers.level[rows] = level

    def set_contact(self, rows: Rows, state: int, kind: str, source: str) -> None:
        """Move customers to a contact state and write it down."""
        if len(rows):
            self.customers.contact[rows] = state
            self.record(kind, rows, 0, source)

    def chance_of_basket(
        self, rows: Rows, minimum: NDArray[np.int32], mean: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Probability that an order reaches a minimum value, cents. Shape (n,).

        ``mean``: :meth:`expected_basket` of these customers, where it is known.
        """
        chance = np.ones(len(rows))
        bound = np.flatnonzero(minimum > 0)
        if len(bound):
            mean = self.expected_basket(rows[bound]) if mean is None else mean[bound]
            stretch = self.models.basket.stretch_at(self.customers, rows[bound], self.day, self.weekday)
            chance[bound] = self.models.basket.exceeds(minimum[bound] / mean, stretch)
        return chance

    def expected_basket(self, rows: Rows) -> NDArray[np.float64]:
        """Expected value of an order at list price, cents. Shape (n,)."""
        c = self.customers
        mean = self.models.basket.mean_cents_at(c, rows, self.day, self.weekday)
        mean *= np.exp(c.basket[rows].astype(np.float64) + self.season.basket[self.day])
        return mean

    def sell(
        self,
        rows: Rows,
        gross: NDArray[np.int64],
        organic: NDArray[np.bool_] | None = None,
        source: str = "purchase",
        own: OwnPrice | None = None,
    ) -> None:
        """Sell to these customers, each once, at these list prices in cents; may be called several times a day.

        ``organic`` marks those who would have ordered today anyway, by default all. ``own``: see ``till.sell``.
        """
        organic = np.ones(len(rows), bool) if organic is None else organic
        self.today.sales.append(sell(self, rows, gross, organic, source, own))


def population_of(base: type[Columns], traits: Traits, parts: Iterable[Action | Behaviour]) -> type[Columns]:
    """The columns of customers in a world of these parts: what everybody has, and what traits and parts need."""
    parts = tuple(parts)
    audiences = (audience for part in parts if isinstance(part, Action) for _, audience in part.audiences())
    return base.with_columns_of(*(columns for part in (traits, *parts, *audiences) for columns in part.carries()))


def first_of(kind: type[A], policy: Policy) -> tuple[str, A | None]:
    """Name and action of the first of a kind in a policy; no name and None without one."""
    return next(((name, action) for name, action in policy.actions.items() if isinstance(action, kind)), ("", None))


def behaviours_of(scenario: Scenario, policy: Policy) -> tuple[Behaviour, ...]:
    """The behaviours of a world in the order in which they act: defaults, replaced and joined by the named ones.

    One that has nothing to do in this scenario under this policy is left out.
    """
    named: dict[str, Any] = dict(scenario.behaviours)
    kept: list[Behaviour] = []
    if not scenario.only_named_behaviours:
        kept = [named.pop(kind.kind, None) or kind() for kind in DEFAULTS]
    return tuple(part for part in (*kept, *named.values()) if part.acts_in(scenario, policy))
