"""One customer as an object, and the arithmetic of one customer."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.customers import NEVER, TRAITS, Contact, Level, Tier, Traits
from agents.models.basket import LARGEST_LOG_CENTS, NARROWEST, WIDEST, Basket
from agents.models.features import DAYS_SINCE, PRIOR_BASKETS, PRIOR_DAYS, PRIOR_ORDERS, YOUNG_DAYS
from agents.models.hazard import Linear
from agents.models.history import MONEY_FLOOR, NO_ORDER
from sim.world import Actor

from .contact import FEATURES as EXPOSURES
from .contact import Exposed

if TYPE_CHECKING:
    from sim.draws import Draws

    from .coupons import InHand
    from .world import ReferenceWorld

LONGEST_SILENCE = len(DAYS_SINCE) - 1  # longer silences count as this one
MOST_ORDERS = 12  # more count as twelve

# What the engine stores in single precision; everything else is computed in double, there and here.
SINGLE = frozenset({
    "resting_trust", "goodwill", "rate", "basket", "price_sensitivity", "tolerance", "interest", "stimulus", "fatigue",
    "member_price", "sociability", "gift_hope", "check_in_chance",
    "reply_chance", "points_multiplier", "count_28", "log_net_last", "log_net_mean",
})  # fmt: skip


def single(number: float) -> float:
    """A number as single precision stores it."""
    return float(np.float32(number))


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)) without overflow."""
    return 1.0 / (1.0 + math.exp(min(-logit, 700.0)))


def normal(draws: Draws, decision: str, day: int, key: int) -> float:
    """A standard normal number by inverse distribution function."""
    return NormalDist().inv_cdf(draws.one(decision, day, key))


def half_life(days: float) -> float:
    """What is left after one day."""
    return single(2 ** (-1 / days))


def whole_cents(amount_cny: float) -> int:
    """CNY in whole cents, halves to even."""
    return round(amount_cny * 100)


def classes_of(spec: Traits, draws: Draws, key: int) -> dict[str, str]:
    """Class of each dimension of the segments."""
    found = {}
    for dimension, classes in spec.segments.items():
        shares = {name: part.share for name, part in classes.items()}
        found[dimension] = list(shares)[_share_at(shares, draws.one(f"trait.segment.{dimension}", 0, key))]
    return found


def set_apart(spec: Traits, classes: dict[str, str], name: str) -> float:
    """Shift of a trait in somebody of these classes."""
    return sum(getattr(spec.segments[dimension][own], name) for dimension, own in classes.items())


def traits_of(
    spec: Traits, draws: Draws, key: int, hunter_share: float | None = None, classes: dict[str, str] | None = None
) -> dict[str, Any]:
    """Who somebody is; a channel may have its own share of bargain hunters."""
    share = spec.hunter_share if hunter_share is None else hunter_share
    classes = classes_of(spec, draws, key) if classes is None else classes
    z = {name: normal(draws, f"trait.{name}", 0, key) for name in (*TRAITS, "sociability")}
    hunts = draws.one("trait.hunter", 0, key) < share
    return {
        "segments": classes,
        **apart(spec, z, classes, hunts),
        "interest_group": _share_at(spec.interest_groups, draws.one("trait.interest_group", 0, key)),
        "hunts": hunts,
    }


def apart(spec: Traits, z: dict[str, float], classes: dict[str, str], hunts: bool) -> dict[str, float]:
    """Traits of somebody with these scores, of these classes."""

    def factor(name: str) -> float:
        return math.exp(getattr(spec, f"{name}_sd") * z[name]) * math.exp(set_apart(spec, classes, name))

    return {
        "rate": spec.rate_sd * z["rate"] + set_apart(spec, classes, "rate") + (spec.hunter_rate if hunts else 0.0),
        "basket": spec.basket_sd * z["basket"] + set_apart(spec, classes, "basket"),
        "price_sensitivity": factor("price_sensitivity") * (spec.hunter_sensitivity if hunts else 1.0),
        "tolerance": factor("tolerance"),
        "interest": factor("interest"),
        "sociability": factor("sociability"),
    }


def _share_at(shares: dict[str, float], u: float) -> int:
    """Number of the part in which a uniform number falls; -1 without parts."""
    edges = list(accumulate(shares.values()))
    return sum(u * edges[-1] >= edge for edge in edges[:-1]) if edges else -1


class Customer(Actor):
    """One person: three state axes, traits, what is in hand, and the history of orders."""

    def __init__(self, world: ReferenceWorld, key: int, *, joined: int, contact: int, channel: int = -1) -> None:
        super().__init__(world)  # type: ignore[arg-type]
        self.key, self.joined, self.contact, self.channel = key, joined, contact, channel
        self.level, self.tier = Level.STRANGER, Tier.GENERAL
        self.resting_trust = self.goodwill = self.stimulus = self.fatigue = 0.0
        self.lapsed = False
        self.week_messages = self.rounds = 0
        self.spend_season = self.spend_before = 0
        self.coupons: dict[str, InHand] = {}
        self.member_level, self.card_until, self.card_saved = 0, NEVER, 0
        self.card_plan, self.card_orders, self.tried, self.cashback_due = "", 0, False, 0
        self.member_price, self.points_multiplier = 0.0, 1.0
        self.check_in_chance, self.reply_chance, self.knows_points = 0.0, 0.0, False
        self.points_new = self.points_old = self.points_season = self.points_before = 0
        self.flash_group = ""
        self.deal, self.deal_host, self.deal_until, self.deal_paid = "", -1, 0, 0
        self.seated_day = NEVER
        self.community, self.invited_day, self.festival_day, self.gift_hope = -1, NEVER, NEVER, 0.0
        self.orders, self.last_order = 0, NO_ORDER
        self.first_contact, self.quote_day, self.lured = -1, NEVER, False
        self.welcome_day = NEVER
        self.problem_day: int | None = None
        self.problem_refused, self.problem_cents = False, 0
        self.exposed = Exposed()
        self.sent: dict[str, int] = {}  # messages in the running period, by medium
        self.worn: dict[tuple[str, str], float] = {}  # by medium and kind of message
        self.kin = dict.fromkeys((*TRAITS, "sociability"), 0.0)
        self.inviter: Any = None
        self.programme: str | None = None
        self.guest_programme: str | None = None
        self.asked = self.guest = self.brought = self.rewarded = 0
        self.owed = self.distributor = False
        self.koc_until, self.koc_gift = -1, 0.0
        self.count_28 = self.log_net_last = self.log_net_mean = 0.0
        for name, value in traits_of(world.spec.traits, world.draws, key).items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, single(value) if name in SINGLE else value)

    @property
    def trust(self) -> float:
        """What was earned by experience plus the operator's goodwill, 0..1."""
        return min(max(self.resting_trust + self.goodwill, 0.0), 1.0)

    @property
    def interest_name(self) -> str | None:
        """Name of the group of interest."""
        names = list(self.model.spec.traits.interest_groups)
        return names[self.interest_group] if self.interest_group >= 0 else None

    @property
    def here(self) -> bool:
        """Whether the brand has this contact."""
        return self.contact in (Contact.CONTACT, Contact.MUTED)

    def remember_order(self, day: int, net: float, habit: bool = True) -> None:
        """Fold an order into the history; one a day at most."""
        elapsed = 0 if self.last_order == NO_ORDER else day - self.last_order
        self.count_28 = self.count_28 * 2 ** (-elapsed / 28) + (day > self.joined and habit)
        self.orders += 1
        self.log_net_last = math.log(net + MONEY_FLOOR)
        self.log_net_mean += (math.log(net + MONEY_FLOOR) - self.log_net_mean) / self.orders
        self.last_order = day


# -- features and models of one customer ----------------------------------------------------------------------------


def _since(c: Customer, day: int) -> float:
    return max(min(day - c.last_order, LONGEST_SILENCE), 0.5)


def _log_rate_28(c: Customer, day: int) -> float:
    decayed = c.count_28 * 2 ** (-min(day - c.last_order, LONGEST_SILENCE) / 28)
    exposure = sum(2 ** (-age / 28) for age in range(day - c.joined))
    return math.log(decayed + PRIOR_ORDERS) - math.log(exposure + PRIOR_DAYS)


FEATURES: dict[str, Callable[[Customer, int, int], float]] = {
    **EXPOSURES,
    "log_since": lambda c, day, weekday: math.log(_since(c, day)),
    "log_tenure": lambda c, day, weekday: math.log(min(max(day - c.joined, 0), YOUNG_DAYS) + 7),
    "log_orders": lambda c, day, weekday: math.log(min(c.orders, MOST_ORDERS) + 1),
    "only_order": lambda c, day, weekday: float(c.orders == 1),
    "rate_28": lambda c, day, weekday: _log_rate_28(c, day),
    "weekend": lambda c, day, weekday: float(weekday >= 5),
    "net_known": lambda c, day, weekday: c.orders / (c.orders + PRIOR_BASKETS),
    "net_mean": lambda c, day, weekday: c.log_net_mean * c.orders / (c.orders + PRIOR_BASKETS),
    "net_last": lambda c, day, weekday: c.log_net_last,
}


def predictor(model: Linear, c: Customer, day: int, weekday: int) -> float:
    """intercept + coef · features."""
    terms = (coef * FEATURES[name](c, day, weekday) for coef, name in zip(model.coef, model.features, strict=True))
    return model.intercept + sum(terms)


def expected_basket(basket: Basket, c: Customer, day: int, weekday: int, season: float) -> float:
    """Expected value of an order at list price, cents."""
    return math.exp(min(predictor(basket, c, day, weekday), LARGEST_LOG_CENTS)) * math.exp(c.basket + season)


def stretch_of(basket: Basket, c: Customer, day: int, weekday: int) -> float:
    """How many times as wide as usual the log residual of this customer is."""
    if basket.stretch is None:
        return 1.0
    return min(max(math.exp(predictor(basket.stretch, c, day, weekday)), NARROWEST), WIDEST)


def basket_luck(basket: Basket, u: float, stretch: float) -> float:
    """amount / mean: the inverse distribution function, linear between its quantiles, raised to the stretch."""
    q = basket.quantiles
    position = u * (len(q) - 1)
    below = min(int(position), len(q) - 2)
    common = q[below] + (position - below) * (q[below + 1] - q[below])
    return common if basket.stretch is None else common**stretch / _mean_of_power(basket, stretch)


def chance_above(basket: Basket, ratio: float, stretch: float) -> float:
    """P(amount / mean > ratio)."""
    if basket.stretch is not None:
        ratio = (ratio * _mean_of_power(basket, stretch)) ** (1.0 / stretch)
    q = basket.quantiles
    if ratio < q[0]:
        return 1.0
    if ratio >= q[-1]:
        return 0.0
    below = bisect_right(q, ratio) - 1
    return 1.0 - (below + (ratio - q[below]) / (q[below + 1] - q[below])) / (len(q) - 1)


def _mean_of_power(basket: Basket, stretch: float) -> float:
    """Mean of the common residual raised to a stretch; the table that it is read from is the engine's own."""
    return math.exp(float(basket.log_mean(np.array([stretch]))[0]))
