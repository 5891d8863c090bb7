"""The private domain: a world of customers, an operator and the order of their day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from agents.actions.membership import Membership, PaidCard
from agents.actors import Channel, Operator, Staff
from agents.behaviours import DEFAULTS, Behaviour
from agents.behaviours.base import PhaseName
from agents.birth import Learned, populate
from agents.customers import Customers, ExposedCustomers
from agents.events import KINDS
from agents.models.bundle import CustomerModels
from agents.models.contact import ContactModels
from agents.models.exposure import record_touch
from agents.policy import Policy
from agents.scenario import Scenario
from sim.ledger import Ledger
from sim.world import Phase, World

Rows = NDArray[np.intp]

NO_KEYS = np.empty(0, np.int64)
CENT_CYCLE = 10_000  # keys or days over which costs of up to four decimals of a cent add up exactly


@dataclass(frozen=True)
class Message:
    """What one action sends today: kind, receivers, the action, the cost of each in CNY, and the address of its luck.

    The address is the action's name and the number of its message today, whoever receives it, so that one message more
    or one customer more changes nobody else's luck.
    """

    kind: str
    rows: NDArray[np.int32]
    source: str
    cost_cny: float
    luck: str

    def cents(self, day: int, keys: NDArray[np.int64]) -> NDArray[np.int64] | int:
        """Cost of each of these customers' message in whole cents.

        Fractions of a cent are spread evenly over keys and days: nobody's cost depends on who else is addressed.
        """
        cost = round(self.cost_cny * 100, 6)
        if cost.is_integer():
            return int(cost)
        place = (keys + day) % CENT_CYCLE
        low, high = (np.floor(np.round(n * cost, 6)) for n in (place, place + 1))
        return (high - low).astype(np.int64)

    def cost(self, world: World, rows: Rows) -> NDArray[np.int64] | int:
        """:meth:`cents` of the customers in some rows; their keys are looked up only where they matter."""
        whole = self.cents(world.day, NO_KEYS)
        return whole if isinstance(whole, int) else self.cents(world.day, world.customers.key[rows])


@dataclass(frozen=True)
class Offer:
    """A paid card offered today: to whom, by which action, and the member price that each has already."""

    rows: Rows
    action: Membership
    card: PaidCard
    source: str
    member_price: NDArray[np.float64]


@dataclass
class Sales:
    """Today's orders: rows, gross and net value in cents, and who would have ordered anyway."""

    rows: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    gross: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    net: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    organic: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))


def arrive(world: PrivateDomain) -> None:
    """Newcomers are reached and add the contact."""
    world.behave("arrive")


def operate(world: PrivateDomain) -> None:
    """The operator acts."""
    world.posted.clear()
    for name, action in world.policy.actions.items():
        action.apply(world, name)


def receive(world: PrivateDomain) -> None:
    """Messages are seen; trust, fatigue and the wish to buy move."""
    world.behave("receive")


def respond(world: PrivateDomain) -> None:
    """Coupons are noticed; the tired mute or delete."""
    world.behave("respond")


def purchase(world: PrivateDomain) -> None:
    """Orders are placed and paid."""
    world.sales = Sales()
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


def observe(world: PrivateDomain) -> None:
    """The census is taken."""
    world.behave("observe")


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
        arrive, operate, receive, respond, purchase, serve, update, churn, observe,
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
        super().__init__(
            seed=seed, start=scenario.start, horizon_days=scenario.horizon_days,
            ledger=Ledger(KINDS, detail=detail), profile=profile,
            customers=ExposedCustomers() if self.contact else Customers(),
        )  # fmt: skip
        self.models: CustomerModels = learned.models.drawn(self.draws) if learned else scenario.buying.models()
        self.season = self.models.season.course(self.draws, scenario.start, scenario.horizon_days)
        self.effects = scenario.effects.draw(self.draws)
        self.operator = Operator(self)
        self.staff = Staff(self, scenario.staff.hours_per_week)
        self.channels = {
            name: Channel(self, index, name, spec) for index, (name, spec) in enumerate(scenario.channels.items())
        }
        self.outbox: list[Message] = []
        self.posted: dict[str, int] = {}  # messages today, by action
        self.seen: list[tuple[Message, NDArray[np.int32]]] = []
        self.issued: list[NDArray[np.int32]] = []
        self.offers: list[Offer] = []
        self.arrived: Rows = np.empty(0, np.intp)
        self.sales = Sales()
        self.programme = "membership"  # name of the action that runs the membership; its benefits are its costs
        self.behaviours = behaviours_of(scenario)
        self._acting = {name: [b for b in self.behaviours if b.phase == name] for name in get_args(PhaseName)}
        populate(self)
        for behaviour in self.behaviours:
            behaviour.begin(self)

    def behave(self, phase: str) -> None:
        """Let the behaviours of a phase act, in their order."""
        for behaviour in self._acting[phase]:
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

    def send(self, kind: str, rows: Rows, source: str, cost_cny: float) -> None:
        """Put a message in the post; it is delivered in the receive phase."""
        number = self.posted[source] = self.posted.get(source, -1) + 1
        if len(rows):
            self.outbox.append(Message(kind, rows.astype(np.int32), source, cost_cny, f"{source}.{number}"))

    def offer(
        self, rows: Rows, action: Membership, card: PaidCard, source: str, member_price: NDArray[np.float64]
    ) -> None:
        """Offer a paid card; customers answer in the respond phase."""
        self.offers.append(Offer(rows, action, card, source, member_price))

    # -- what behaviours ask for --------------------------------------------------------------------------------

    def pieces(self, rows: Rows | NDArray[np.int32]) -> Iterator[Rows]:
        """Row numbers in pieces that fit the cache."""
        for low in range(0, len(rows), self.chunk_rows):
            yield rows[low : low + self.chunk_rows].astype(np.intp, copy=False)

    def set_level(self, rows: Rows, level: int) -> None:
        """Move customers to a trust level and write it down."""
        if len(rows):
            self.customers.level[rows] = level
            self.record("trust_level", rows, level, "trust")

    def set_contact(self, rows: Rows, state: int, kind: str, source: str) -> None:
        """Move customers to a contact state and write it down."""
        if len(rows):
            self.customers.contact[rows] = state
            self.record(kind, rows, 0, source)

    def coupons_gone(self, rows: Rows) -> None:
        """Take coupons out of hand unused and write it down under the actions that issued them."""
        c = self.customers
        for code in np.unique(c.coupon_source[rows]):
            self.record("coupon_expired", rows[c.coupon_source[rows] == code], 0, self.ledger.sources[code])
        c.coupon_depth[rows] = 0.0

    def chance_of_basket(self, rows: Rows, minimum: NDArray[np.int32]) -> NDArray[np.float64]:
        """Probability that an order reaches a minimum value, cents. Shape (n,)."""
        chance = np.ones(len(rows))
        bound = np.flatnonzero(minimum > 0)
        if len(bound):
            mean = self.expected_basket(rows[bound])
            stretch = self.models.basket.stretch_at(self.customers, rows[bound], self.day, self.weekday)
            chance[bound] = self.models.basket.exceeds(minimum[bound] / mean, stretch)
        return chance

    def expected_basket(self, rows: Rows) -> NDArray[np.float64]:
        """Expected value of an order at list price, cents. Shape (n,)."""
        c = self.customers
        mean = self.models.basket.mean_cents_at(c, rows, self.day, self.weekday)
        mean *= np.exp(c.basket[rows].astype(np.float64) + self.season.basket[self.day])
        return mean

    def sell(self, rows: Rows, gross: NDArray[np.int64], organic: NDArray[np.bool_] | None = None) -> None:
        """Book today's orders: list price, discounts, goods. Coupon first, member price on what remains.

        ``organic`` marks those who would have ordered today anyway, by default all; a coupon that one of them uses is
        subsidised.
        """
        c = self.customers
        organic = np.ones(len(rows), bool) if organic is None else organic
        self.record("order", rows, gross, "purchase")
        self.record("goods", rows, np.rint(gross * (1 - self.spec.margin)).astype(np.int64), "purchase")
        net = gross.copy()
        (uses,) = (c.coupon_noticed[rows] & (c.coupon_depth[rows] > 0) & (gross >= c.coupon_minimum[rows])).nonzero()
        if len(uses):
            net[uses] -= self._redeem(rows[uses], gross[uses], organic[uses])
        (priced,) = (c.member_price[rows] > 0).nonzero()
        if len(priced):
            net[priced] -= self._give_member_price(rows[priced], net[priced])
        self.sales = Sales(rows, gross, net, organic)

    def _redeem(self, rows: Rows, gross: NDArray[np.int64], organic: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Use the coupons in hand; return what each takes off the list price, cents."""
        c = self.customers
        off: NDArray[np.int64] = np.rint(gross * c.coupon_depth[rows].astype(np.float64)).astype(np.int64)
        source = c.coupon_source[rows]
        for code in np.unique(source):
            mine = source == code
            self.record("coupon_redeemed", rows[mine], off[mine], self.ledger.sources[code])
            anyway = mine & organic
            self.record("subsidised", rows[anyway], off[anyway], self.ledger.sources[code])
        c.coupon_depth[rows] = 0.0
        return off

    def _give_member_price(self, rows: Rows, net: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give members their price; return what it takes off what remains to pay, cents."""
        c = self.customers
        off: NDArray[np.int64] = np.rint(net * c.member_price[rows].astype(np.float64)).astype(np.int64)
        self.record("member_discount", rows, off, self.programme)
        holds = c.card_until[rows] >= self.day
        c.card_saved[rows[holds]] += off[holds].astype(np.int32)
        return off


def behaviours_of(scenario: Scenario) -> tuple[Behaviour, ...]:
    """The behaviours of a scenario in the order in which they act: defaults, replaced and joined by the named ones."""
    named: dict[str, Any] = dict(scenario.behaviours)
    kept: list[Behaviour] = []
    if not scenario.only_named_behaviours:
        kept = [named.pop(kind.kind, None) or kind() for kind in DEFAULTS]
    return (*kept, *named.values())
