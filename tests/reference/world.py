"""The world of the reference: who is there, the order of the day, and the book of events."""

from __future__ import annotations

import datetime as dt
import math
from itertools import accumulate
from typing import Any

import mesa

from agents.actions import Action, Membership, Points
from agents.behaviours import DEFAULTS
from agents.birth import LOGGED_TRUST, SEASON_DAYS, Learned
from agents.customers import Contact, Level
from agents.effects import EFFECT_NAMES
from agents.policy import Policy
from agents.scenario import Scenario
from sim.draws import Draws

from . import behaviours as rules
from . import referral
from .contact import Exposed
from .events import Announced, Group, gather, give_gifts, leave_groups
from .flash import flash_sales
from .group_buy import group_buying
from .membership import Offer, close_cards
from .operator import Message, Stream, act
from .people import Customer, basket_luck, expected_basket, normal, predictor, sigmoid
from .points import close_points
from .season import drawn, season

KEY_BLOCK = 2**40  # keys of a channel's prospects start at (index + 1) times this
NOBODY = -1

Event = tuple[int, int, str, int, str]  # day, key, kind, amount, source


class ReferenceWorld(mesa.Model):
    """One replicate, one object for each customer. Parameters are those of ``PrivateDomain``."""

    def __init__(self, scenario: Scenario, policy: Policy, *, seed: int, learned: Learned | None = None) -> None:
        super().__init__(rng=0)
        self.spec, self.policy, self.draws, self.day = scenario, policy, Draws(seed), 0
        self.models = drawn(learned.models, self.draws) if learned else scenario.buying.models()
        self.contact = learned.contact.models if learned and learned.contact else None
        self.rules: dict[str, Any] = {kind.kind: kind() for kind in DEFAULTS} | dict(scenario.behaviours)
        self.effects = {
            name: effect.mean + effect.sd * normal(self.draws, f"effect.{name}", 0, 0)
            for name in EFFECT_NAMES
            for effect in (getattr(scenario.effects, name),)
        }
        self.events: list[Event] = []
        self.customers: list[Customer] = []
        self.pressure = dict.fromkeys(scenario.channels, 0.0)
        self.prospects = {name: self._prospects(index) for index, name in enumerate(scenario.channels)}
        self.worked: dict[str, float] = {}
        self.lessons: dict[str, float] = {}
        self.made: dict[str, int] = {}
        self.opened: dict[str, float] = {}
        self.attended: dict[str, float] = {}
        self.heard: dict[str, int] = {}
        self.settled: list[tuple[Customer, int, float]] = []
        self.stock: dict[str, int] = {}
        self.programme, self.membership = self._first(Membership)
        self.scheme_name, self.scheme = self._first(Points)
        self.gifts: list[tuple[Customer, int]] = []
        self.bought: list[tuple[Customer, int]] = []
        self.outbox: list[Message] = []
        self.streams: list[Stream] = []
        self.seen: list[tuple[Customer, Message]] = []
        self.offers: list[Offer] = []
        self.sales: list[tuple[Customer, int, bool]] = []
        self.filled: list[tuple[Customer, bool]] = []  # people of the group buys filled today, and whether they host
        self.groups: list[Group] = []
        self.hosting, self.invitation = 0.0, ""  # of today
        self.announced: dict[str, Announced] = {}
        self.promised: dict[str, list[Customer]] = {}
        self.programmes: dict[str, set[int]] = {}  # keys of those who may bring friends today, by action
        self.openings: list[tuple[str, list[Customer], int | None]] = []
        if learned:
            self._born_from_logs(learned)
        else:
            self._born()
        rules.review_levels(self)
        rules.estimate_tiers(self, 0)

    # -- the day ----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One day."""
        rules.arrive(self)
        referral.guests_arrive(self)
        for name, action in self.policy.actions.items():
            act(self, name, action)
        rules.receive(self)
        gather(self)
        rules.respond(self)
        referral.apply_for_distribution(self)
        flash_sales(self)
        group_buying(self)
        rules.purchase(self)
        sales = list(self.sales)
        rules.serve(self)
        give_gifts(self)
        rules.update(self)
        rules.churn(self)
        leave_groups(self)
        referral.settle_rewards(self, sales)
        referral.speak(self)
        rules.observe(self)
        if self.day == self.spec.horizon_days - 1:
            close_cards(self)
            if self.scheme:
                close_points(self, self.scheme_name)
        self.day += 1

    def run(self) -> ReferenceWorld:
        """Live to the horizon."""
        while self.day < self.spec.horizon_days:
            self.step()
        return self

    @property
    def date(self) -> dt.date:
        return self.spec.start + dt.timedelta(days=self.day)

    @property
    def weekday(self) -> int:
        return self.date.weekday()

    # -- the book ---------------------------------------------------------------------------------------------------

    def book(self, c: Customer, kind: str, amount: int, source: str) -> None:
        """Write down an event of a customer."""
        self.events.append((self.day, c.key, kind, amount, source))
        c.exposed.note(kind, self.day)

    def learns(self, transition: str) -> bool:
        """Whether logs decide a transition of contact or trust."""
        return self.contact is not None and transition in self.contact.hazards

    def chance(self, transition: str, c: Customer) -> float:
        """Learned chance of a transition today; 0 where it was not learned."""
        if self.contact is None or transition not in self.contact.hazards:
            return 0.0
        return sigmoid(predictor(self.contact.hazards[transition], c, self.day, self.weekday))

    def book_shared(self, kind: str, amount: int, source: str) -> None:
        """Write down an event that belongs to nobody in particular."""
        self.events.append((self.day, NOBODY, kind, amount, source))

    def _first(self, kind: type[Action]) -> tuple[str, Any]:
        """Name and action of a kind."""
        return next(((n, a) for n, a in self.policy.actions.items() if isinstance(a, kind)), ("", None))

    @property
    def points_share(self) -> float:
        """What an order's points are worth to who gets them, as a share of it, before a member's multiplier."""
        scheme = self.scheme
        if not scheme or self.day < scheme.from_day:
            return 0.0
        worth = self.rules["points_habits"].goods_worth if scheme.reward == "goods" else 1.0
        return worth * scheme.per_cny / scheme.points_per_cny

    def set_level(self, c: Customer, level: int) -> None:
        self.book(c, "trust_level", level, f"trust.L{c.level}-L{level}")
        c.level = level

    def set_contact(self, c: Customer, state: int, kind: str, source: str) -> None:
        c.contact = state
        self.book(c, kind, 0, source)

    # -- prospects --------------------------------------------------------------------------------------------------

    def _prospects(self, index: int) -> dict[int, float]:
        """Each prospect's threshold by key: it is reached when 1 - exp(-pressure) passes it."""
        volume = list(self.spec.channels.values())[index].volume
        keys = range(KEY_BLOCK * (index + 1), KEY_BLOCK * (index + 1) + volume)
        return {key: self.draws.one("channel.reach", 0, key) for key in keys}

    def reached_today(self, channel: str) -> list[int]:
        """Take the prospects whom a channel has reached since the last call, by key."""
        prospects, share = self.prospects[channel], -math.expm1(-self.pressure[channel])
        reached = sorted(key for key, threshold in prospects.items() if threshold < share)
        for key in reached:
            del prospects[key]
        return reached

    # -- birth ------------------------------------------------------------------------------------------------------

    @property
    def season(self) -> tuple[float, float]:
        """Log-odds of an order and log of its amount that today adds for everybody."""
        return season(self.models, self.draws, self.spec.start, self.day)

    def _born(self) -> None:
        """A synthetic population: level, trust and joining by luck; buyers have the orders that made them so."""
        people = self.spec.population
        edges = list(accumulate(people.level_shares))[:-1]
        for key in range(people.size):
            c = Customer(self, key, joined=0, contact=Contact.CONTACT)
            c.level = sum(self.draws.one("birth.level", -1, key) >= edge for edge in edges)
            c.resting_trust = people.level_trust[c.level]
            c.joined = -1 - math.floor(self.draws.one("birth.joined", -1, key) * people.tenure_days)
            orders = {Level.BUYER: 1, Level.SUPER_USER: people.super_user_orders}.get(c.level, 0)
            for back in range(orders, 0, -1):
                self._past_order(c, back)
            self.customers.append(c)

    def _past_order(self, c: Customer, back: int) -> None:
        """The k-th last order lies around k gaps ago."""
        u = self.draws.one(f"birth.order.{back}", -1, c.key)
        ago = math.floor(self.spec.population.order_gap_days * (back - 1 + u)) + back
        basket = self.models.basket
        net = round(
            expected_basket(basket, c, -ago, 0, 0.0)
            * basket_luck(basket, self.draws.one("birth.basket", -ago, c.key), 1.0)
        )
        c.joined = min(c.joined, -ago)
        c.remember_order(-ago, net)
        if ago <= self.spec.season_days:
            c.spend_before += net

    def _born_from_logs(self, learned: Learned) -> None:
        """Customers as the logs leave them; trust by rank of the order rate, ties sharing a rank."""
        rates = []
        for row, entry in enumerate(learned.history):
            c = Customer(self, int(entry.key), joined=int(entry.joined), contact=Contact.CONTACT)
            c.rate, personal = 0.0, self.models.basket.personal  # the covariates know a logged customer's own
            c.basket = personal * normal(self.draws, "birth.personal", -1, c.key) - personal**2 / 2 if personal else 0.0
            c.last_order, c.orders, c.count_28 = int(entry.last_order), int(entry.orders), entry.count_28
            c.log_net_last, c.log_net_mean = entry.log_net_last, entry.log_net_mean
            c.level = Level.BUYER if c.orders else Level.STRANGER
            c.spend_before = round(learned.spend_before[row] * (self.spec.season_days / SEASON_DAYS))
            if learned.contact:
                known = learned.contact.state[row]
                c.contact, c.level, c.exposed = int(known.contact), int(known.level), Exposed(known)
            c.lapsed = self.draws.one("birth.lapsed", -1, c.key) < learned.p_lapsed[row]
            rates.append(c.orders / max(-c.joined, 1))
            self.customers.append(c)
        for c, rate in zip(self.customers, rates, strict=True):
            below, equal = sum(r < rate for r in rates), rates.count(rate)
            rank = (below + below + equal - 1) / 2 / max(len(rates) - 1, 1)
            c.resting_trust = LOGGED_TRUST[0] + LOGGED_TRUST[1] * rank
