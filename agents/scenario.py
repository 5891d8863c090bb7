"""The scenario: the world as a researcher describes it. A policy never changes any of it."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Self

from pydantic import model_validator

from agents.behaviours import DEFAULTS, Behaviour, ValueTiers
from agents.behaviours.guests import JOINED_BY
from agents.channels import ChannelSpec
from agents.customers import Traits
from agents.effects import Effects
from agents.friends import SocialGraph
from agents.media import Media
from agents.models import CustomerModels, default_models
from sim.spec import PartName, Spec, parameter

Week = tuple[float, float, float, float, float, float, float]


class Population(Spec):
    """Contacts whom the brand owns on day 0 when no logs say who they are."""

    size: int = parameter(2000, ge=0, le=100_000_000, doc="contacts on day 0")
    level_shares: tuple[float, float, float, float, float, float] = parameter(
        (0.30, 0.20, 0.15, 0.15, 0.15, 0.05),
        doc="shares of trust levels L0 … L5 among them",
        source="assumed",
    )
    level_trust: tuple[float, float, float, float, float, float] = parameter(
        (0.08, 0.18, 0.30, 0.55, 0.65, 0.85),
        doc="resting trust at each level",
        source="assumed",
    )
    tenure_days: int = parameter(180, ge=1, le=3650, doc="joined evenly over so many days before the start")
    order_gap_days: float = parameter(30.0, gt=0, doc="mean days between past orders of buyers")
    super_user_orders: int = parameter(5, ge=1, le=1000, doc="past orders of a super user")

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if min(self.level_shares) < 0 or abs(sum(self.level_shares) - 1) > 1e-6:
            raise ValueError(f"level_shares must be ≥ 0 and add up to 1 (they add up to {sum(self.level_shares):.6g})")
        return self


class StaffSpec(Spec):
    """What the operator has in people."""

    hours_per_week: float = parameter(40.0, ge=0, doc="staff hours there are, a week")
    wage_cny_per_hour: float = parameter(35.0, ge=0, doc="wage, CNY an hour", source="assumed")
    weekdays: Week | None = parameter(None, doc="shares of the hours on Monday … Sunday; none for the same every day")

    @model_validator(mode="after")
    def _whole_week(self) -> Self:
        if self.weekdays and (min(self.weekdays) < 0 or abs(sum(self.weekdays) - 1) > 1e-6):
            raise ValueError(f"weekdays must be ≥ 0 and add up to 1 (they add up to {sum(self.weekdays):.6g})")
        return self

    def share_of_week(self, date: dt.date) -> float:
        """Share of the week's hours that a date has."""
        return self.weekdays[date.weekday()] if self.weekdays else 1 / 7


class Buying(Spec):
    """How buyers buy where no logs say it: the numbers of the cited default models."""

    orders_per_year: float = parameter(12.0, gt=0, le=700, doc="orders a year of an active buyer", source="assumed")
    basket_cny: float = parameter(80.0, gt=0, le=1e7, doc="mean order value at list price, CNY", source="assumed")
    lapse_after_first: float = parameter(
        0.246, gt=0, lt=1, doc="chance of no order after the first", source="FHL (2005)"
    )
    gap_shape: float = parameter(
        1.15,
        gt=0.2,
        le=5,
        doc="regularity of gaps between orders; 1 = Poisson",
        source="CJ 2017",
    )
    basket_log_sd: float = parameter(1.02, ge=0, le=3, doc="log-sd of the baskets of one customer", source="CJ 2017")
    comeback_per_day: float = parameter(
        0.004,
        gt=0,
        lt=1,
        doc="chance a day that a lapsed customer orders",
        source="assumed",
    )

    def models(self) -> CustomerModels:
        """The default models of these numbers."""
        return _default_models(self)


@lru_cache(maxsize=32)
def _default_models(buying: Buying) -> CustomerModels:
    return default_models(
        orders_per_year=buying.orders_per_year,
        basket_cents=buying.basket_cny * 100,
        lapse_after_first=buying.lapse_after_first,
        gap_shape=buying.gap_shape,
        basket_log_sd=buying.basket_log_sd,
        comeback_per_day=buying.comeback_per_day,
    )


class Scenario(Spec):
    """The world: market, people, economics and how customers behave."""

    title: str = parameter(doc="what this world is, in one line")
    start: dt.date = parameter(dt.date(2024, 1, 1), doc="calendar date of day 0")
    horizon_days: int = parameter(180, ge=1, le=3660, doc="days to live")
    currency: str = parameter("CNY", min_length=3, max_length=3, doc="currency of every amount")
    margin: float = parameter(0.4, ge=0, le=1, doc="share of list price that is not cost of goods")
    discount_rate: float = parameter(0.1, ge=0, lt=1, doc="discount rate a year, day count 365")
    census_days: int = parameter(7, ge=1, doc="days between counts of levels, tiers and contact states")
    population: Population = Population()
    channels: dict[PartName, ChannelSpec] = parameter(default_factory=dict, doc="where newcomers come from")
    staff: StaffSpec = StaffSpec()
    traits: Traits = Traits()
    friends: SocialGraph = SocialGraph()
    effects: Effects = Effects()
    buying: Buying = Buying()
    media: Media = Media()
    behaviours: dict[PartName, Behaviour] = parameter(
        default_factory=dict, doc="customer behaviours by name; what is not named keeps its default"
    )
    only_named_behaviours: bool = parameter(False, doc="leave out the default behaviours that are not named")
    plugins: tuple[str, ...] = parameter((), doc="modules to import before this document is read")

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.population.size == 0 and not self.channels:
            raise ValueError("nobody can ever live here: population.size is 0 and there are no channels; give one")
        return self

    @model_validator(mode="after")
    def _on_the_calendar(self) -> Self:
        if self.horizon_days > (dt.date.max - self.start).days:
            raise ValueError(f"start: {self.horizon_days} days from {self.start} go beyond the calendar; start earlier")
        return self

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        kinds = {behaviour.kind for behaviour in self.behaviours.values()}
        friends_come = not self.only_named_behaviours or "guests" in kinds
        if friends_come and JOINED_BY in self.channels:
            raise ValueError(
                f"channels.{JOINED_BY}: in the ledger this says that one joined whom friends brought; "
                "rename the channel"
            )
        return self

    @model_validator(mode="after")
    def _once(self) -> Self:
        """A default that is named otherwise would act beside the default, twice a day."""
        defaults = () if self.only_named_behaviours else tuple(kind.kind for kind in DEFAULTS)
        for name, behaviour in self.behaviours.items():
            if behaviour.kind in defaults and name != behaviour.kind:
                raise ValueError(
                    f"behaviours.{name}: '{behaviour.kind}' acts by default; "
                    f"name it '{behaviour.kind}' to replace the default, or set only_named_behaviours"
                )
        return self

    @property
    def season_days(self) -> int:
        """Days of a season: thresholds of tiers and of membership are set for one."""
        tiers = [part for part in (*self.behaviours.values(), ValueTiers()) if isinstance(part, ValueTiers)]
        return tiers[0].season_days

    def day_factor(self, day: int) -> float:
        """Present value on day 0 of one unit of money on a day."""
        return float((1 + self.discount_rate) ** (-day / 365))
