"""The customers: three state axes, individual differences and what they carry, declared once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, model_validator
from scipy.special import ndtri

from agents.birthdays import DAYS_OF_BIRTH
from agents.keys import FRIENDS
from agents.models.exposure import Exposure
from agents.models.history import NO_ORDER, History
from agents.segments import MOST_CELLS, SegmentClass, Segmented, cells, drawn, shifts
from sim.columns import Column, Columns, column
from sim.spec import PartName, Spec, parameter

if TYPE_CHECKING:
    from sim.draws import Draws, Keys


Floats = NDArray[np.float64]

YOUNG_DAYS = 30  # a personal order rate is judged over at least a month
NEVER = -20_000  # a day that no run reaches, and that may be subtracted from in two bytes


TRAITS = ("rate", "basket", "price_sensitivity", "tolerance", "interest")
"""Traits that everybody has; others are drawn where a part of the world needs them."""
TRAIT_DECISIONS = tuple(f"trait.{name}" for name in TRAITS)


class Contact:
    """Axis 1: how the brand can reach this person. Plain integers, since an enum costs microseconds a look-up."""

    PROSPECT: Final = 0
    REACHED: Final = 1
    CONTACT: Final = 2
    MUTED: Final = 3
    DELETED: Final = 4


def is_contact(state: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether the brand has these people in its pool, muted or not, by their contact states. Shape of ``state``."""
    kept: NDArray[np.bool_] = (state == Contact.CONTACT) | (state == Contact.MUTED)
    return kept


class Level:
    """Axis 2: trust levels; each is the operating goal of the one below (S3)."""

    STRANGER: Final = 0
    ACQUAINTED: Final = 1
    IN_CONVERSATION: Final = 2
    FAN: Final = 3
    BUYER: Final = 4
    SUPER_USER: Final = 5


class Source:
    """What brought a contact where no channel of the scenario did: values of the column ``channel`` below 0."""

    BEFORE_THE_START: Final = -1
    FRIEND: Final = -2


class Tier:
    """Axis 3: value tiers (S0)."""

    GENERAL: Final = 0
    CORE: Final = 1
    HIGH_VALUE: Final = 2


CONTACTS = ("prospect", "reached", "contact", "muted", "deleted")
LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5")
TIERS = ("general", "core", "high_value")


class Customers(History):
    """All customers of a world. Keys, joining and order history come from ``History``."""

    contact = column("i1", Contact.CONTACT, unit="state", doc="contact state")
    level = column("i1", Level.STRANGER, unit="level", doc="trust level, from tags that staff keep")
    tier = column("i1", Tier.GENERAL, unit="tier", doc="value tier at the last estimation")
    channel = column(
        "i2", -1, unit="index", doc="channel that brought the contact; -1 before the start, -2 by a friend"
    )

    resting_trust = column("f4", 0.0, unit="0..1", doc="trust earned by experience", access="latent")
    goodwill = column("f4", 0.0, unit="0..1", doc="trust added by the operator; fades with neglect", access="latent")
    rate = column("f4", 0.0, unit="log-odds", doc="individual shift of the order hazard", access="latent")
    basket = column("f4", 0.0, unit="log", doc="individual shift of the basket value", access="latent")
    price_sensitivity = column("f4", 1.0, unit="factor", doc="scale of responses to price", access="latent")
    tolerance = column("f4", 1.0, unit="factor", doc="messages borne before fatigue tells", access="latent")
    interest = column("f4", 1.0, unit="factor", doc="response to value content", access="latent")

    lapsed = column("?", False, unit="flag", doc="silent for good or until a comeback", access="latent")
    stimulus = column("f4", 0.0, unit="log-odds", doc="decaying pull of what was received", access="latent")
    fatigue = column("f4", 0.0, unit="messages", doc="decaying load of messages", access="latent")
    week_messages = column("i2", 0, unit="count", doc="messages received this week, for the frequency cap")
    rounds = column("i2", 0, unit="count", doc="rounds of one-to-one chat answered")

    spend_season = column("i4", 0, unit="cents", doc="net spend in the running season")
    spend_before = column("i4", 0, unit="cents", doc="net spend in the season before")

    coupon_depth = column("f4", 0.0, unit="share", doc="depth of the coupon in hand; 0 without one")
    coupon_minimum = column("i4", 0, unit="cents", doc="minimum spend of the coupon in hand")
    coupon_until = column("i2", NEVER, unit="day", doc="last valid day of the coupon in hand")
    coupon_reminder = column("i2", 0, unit="days", doc="reminder so many days before expiry; 0 for none")
    coupon_source = column("i2", -1, unit="source", doc="action that issued the coupon in hand")
    coupon_noticed = column("?", False, unit="flag", doc="the customer means to use the coupon", access="latent")

    member_level = column("i1", 0, unit="level", doc="membership level; 0 for none")
    card_until = column("i2", NEVER, unit="day", doc="last valid day of the paid card")
    member_price = column("f4", 0.0, unit="share", doc="discount that membership or card gives")

    @property
    def trust(self) -> NDArray[np.float32]:
        """Latent trust, 0..1: what was earned by experience plus the operator's goodwill. Shape (n,)."""
        trust: NDArray[np.float32] = np.clip(self.resting_trust + self.goodwill, 0.0, 1.0)
        return trust


class ExposedCustomers(Customers):
    """Customers of a world whose contact models were learned: they carry their exposure to messages too."""

    DECLARED: ClassVar[dict[str, Column]] = Customers.DECLARED | Exposure.DECLARED


class ContactHistory(History):
    """What logs say of somebody: orders, messages, contact state and trust level."""

    DECLARED: ClassVar[dict[str, Column]] = {
        **History.DECLARED, **Exposure.DECLARED, **{name: Customers.DECLARED[name] for name in ("contact", "level")},
    }  # fmt: skip

    def rebased(self, days: int) -> ContactHistory:
        """A copy on a calendar whose day 0 is this calendar's day ``days``."""
        arrays = self.arrays() | super().rebased(days).arrays()
        for name in (name for name in Exposure.DECLARED if name.endswith("_day")):
            never = arrays[name] == NO_ORDER
            arrays[name] = np.where(never, NO_ORDER, arrays[name] - days).astype(np.int32)
        moved = ContactHistory()
        moved.restore(arrays)
        return moved


class Sociable(Columns):
    """Columns of customers where it matters who speaks to others."""

    sociability = column("f4", 1.0, unit="factor", doc="how much one speaks to others", access="latent")


class Interested(Columns):
    """Columns of customers where groups of interest matter."""

    interest_group = column("i1", -1, unit="index", doc="group of interest, as of traits.interest_groups; -1 for none")


class FlashMembers(Columns):
    """Columns of customers where there are flash groups."""

    flash_group = column("i2", -1, unit="source", doc="action whose flash group one is in; -1 for none")


class GroupBuyers(Columns):
    """Columns of customers where there is group buying."""

    deal = column("i2", -1, unit="source", doc="action in whose group buy one takes part; -1 for none")
    deal_host = column("i8", -1, unit="id", doc="key of whoever opened the group")
    deal_until = column("i4", 0, unit="day", doc="last day on which the group may be filled")
    deal_paid = column("i4", 0, unit="cents", doc="deposit paid for the group")


class Traits(Spec):
    """How individuals differ. Each is drawn by inverse CDF from the customer's key, so a key is always the same person.

    ``*_sd`` of factors are standard deviations of their logarithm; factors have median 1.
    """

    rate_sd: float = parameter(
        0.9, ge=0, le=3, doc="sd of the log-odds of ordering between customers", source="assumed"
    )
    basket_sd: float = parameter(
        0.64,
        ge=0,
        le=3,
        doc="sd of log basket value between customers",
        source="Complete Journey",
    )
    price_sensitivity_sd: float = parameter(0.5, ge=0, le=2, doc="sd of log price sensitivity", source="assumed")
    tolerance_sd: float = parameter(0.5, ge=0, le=2, doc="sd of log tolerance of messages", source="assumed")
    interest_sd: float = parameter(0.4, ge=0, le=2, doc="sd of log interest in content", source="assumed")
    sociability_sd: float = parameter(0.8, ge=0, le=2, doc="sd of log sociability", source="assumed")
    hunter_share: float = parameter(0.0, ge=0, le=1, doc="share of bargain hunters, who only take subsidies (S4)")
    hunter_sensitivity: float = parameter(
        4.0, ge=1, le=20, doc="price sensitivity of a bargain hunter, times that of others", source="assumed"
    )
    hunter_rate: float = parameter(
        -2.0,
        le=0,
        doc="shift of a bargain hunter's order log-odds: without a subsidy they hardly buy",
        source="assumed",
    )
    interest_groups: dict[PartName, PositiveFloat] = parameter(
        default_factory=dict, doc="groups of interest and their shares, in any unit; none for one audience"
    )
    segments: dict[PartName, dict[PartName, SegmentClass]] = parameter(
        default_factory=dict,
        doc="dimensions such as region or age_band, each with its classes; customers from logs have the logged class",
    )

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for dimension, classes in self.segments.items():
            if not classes:
                raise ValueError(f"segments.{dimension}: has no class; name some, or leave the dimension out")
        if (n := cells(self.segments)) > MOST_CELLS:
            raise ValueError(
                f"segments: {n:,} combinations of classes; at most {MOST_CELLS:,}; name fewer dimensions or classes"
            )
        return self

    def carries(self) -> tuple[type[Columns], ...]:
        """Columns of customers that these traits need beside those that everybody has."""
        return (Segmented,) if self.segments else ()

    def draw(
        self,
        draws: Draws,
        keys: Keys,
        declared: Collection[str] = TRAITS,
        segment: NDArray[np.int16] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Trait columns for these keys, those of them that are ``declared``; ``segment``: see ``of_scores``."""
        return self.of_scores(draws, keys, self.scores(draws, keys, declared), declared, segment)

    def scores(self, draws: Draws, keys: Keys, declared: Collection[str] = TRAITS) -> dict[str, Floats]:
        """Standard normal score of each continuous trait by name: where these keys stand among all people."""
        z = dict(zip(TRAITS, ndtri(draws.uniforms(TRAIT_DECISIONS, 0, keys)), strict=True))
        if "sociability" in declared:
            z["sociability"] = draws.normal("trait.sociability", 0, keys)
        return z

    def of_scores(
        self,
        draws: Draws,
        keys: Keys,
        z: Mapping[str, Floats],
        declared: Collection[str],
        segment: NDArray[np.int16] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Trait columns of people with these scores, in these cells of the segments (default: those they draw)."""
        traits: dict[str, NDArray[Any]] = {
            "rate": self.rate_sd * z["rate"],
            "basket": self.basket_sd * z["basket"],
            "price_sensitivity": np.exp(self.price_sensitivity_sd * z["price_sensitivity"]),
            "tolerance": np.exp(self.tolerance_sd * z["tolerance"]),
            "interest": np.exp(self.interest_sd * z["interest"]),
        }
        if "sociability" in declared:
            traits["sociability"] = np.exp(self.sociability_sd * z["sociability"])
        if self.segments:
            traits["segment"] = drawn(self.segments, draws, keys) if segment is None else segment
            self.shift(traits, traits["segment"])
        if self.hunter_share:
            hunts = self.hunts(draws, keys)
            traits["rate"] += self.hunter_rate * hunts
            traits["price_sensitivity"] *= np.where(hunts, self.hunter_sensitivity, 1.0)
        if "birthday" in declared:
            traits["birthday"] = (draws.uniform("trait.birthday", 0, keys) * DAYS_OF_BIRTH).astype(np.int16)
        if "interest_group" in declared and self.interest_groups:
            edges = np.cumsum(list(self.interest_groups.values()))
            u = draws.uniform("trait.interest_group", 0, keys) * edges[-1]
            traits["interest_group"] = np.searchsorted(edges[:-1], u, side="right").astype(np.int8)
        return traits

    def shift(self, traits: Mapping[str, NDArray[Any]], segment: NDArray[np.int16]) -> None:
        """Add in place what sets the classes of these cells apart, to whichever traits are given."""
        for name in ("rate", "basket"):
            if name in traits:
                traits[name][:] += shifts(self.segments, name)[segment]
        for name in ("price_sensitivity", "tolerance", "interest", "sociability"):
            if name in traits:
                traits[name][:] *= np.exp(shifts(self.segments, name))[segment]

    def hunts(self, draws: Draws, keys: Keys) -> NDArray[np.bool_]:
        """Who hunts bargains; a friend's key says it, since hunters have more friends who hunt. Shape of ``keys``."""
        own: NDArray[np.bool_] = draws.uniform("trait.hunter", 0, keys) < self.hunter_share
        return np.where(keys >= FRIENDS, (keys & 1).astype(bool), own)
