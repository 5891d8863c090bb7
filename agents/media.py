"""Media: the ways by which a post reaches contacts, what each of them is worth, and how often its platform lets it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import ClassVar, Literal

from sim.columns import Columns, column
from sim.spec import Spec, parameter

MediumName = Literal["direct", "moments", "group", "broadcast", "official_account"]
Period = Literal["day", "week", "month"]

WEAR = "repetition wear-out and its recovery in breaks: Naik, Mantrala & Sawyer (1998); size assumed"
MANUAL = "assumed: staff post by hand, three a day"


class Medium(Spec):
    """A way to many contacts at once. Strength and load are relative to a message sent to one (``direct``)."""

    delivered: ClassVar[bool] = False
    """Whether a post arrives with everybody whom it addresses, and is booked and paid for there. Otherwise it stands in
    a feed and counts with those who see it."""

    seen: float = parameter(ge=0, le=1, doc="chance that a contact sees a post")
    seen_muted: float = parameter(ge=0, le=1, doc="chance that one who muted sees it")
    strength: float = parameter(ge=0, le=20, doc="pull and trust of a post that is seen, in direct messages")
    load: float = parameter(ge=0, le=20, doc="fatigue, and odds of a mute or deletion, in direct messages")
    wear_scale: float | None = parameter(gt=0, doc="posts of a kind seen lately that halve the next; none for no wear")
    wear_half_life_days: float = parameter(gt=0, doc="days in which half of the wear is gone")
    limit: int | None = parameter(ge=0, doc="posts a customer may be sent in each period; none for no limit")
    per: Period = parameter(doc="period of the limit")

    def begins(self, date: dt.date) -> bool:
        """Whether a period of the limit begins on this date."""
        return self.per == "day" or (date.weekday() == 0 if self.per == "week" else date.day == 1)

    def always_exceeded(self, dates: Iterable[dt.date], first: dt.date, last: dt.date) -> bool:
        """Whether posts on these dates exceed the limit in each period with posts that the run holds whole."""
        if self.limit is None:
            return False
        posts = Counter(self._period_of(date) for date in dates)
        days = [first + dt.timedelta(days=day) for day in range(-31, (last - first).days + 32)]
        cut = {self._period_of(date) for date in days if not first <= date <= last}
        whole = [n for period, n in posts.items() if period not in cut]
        return min(whole, default=0) > self.limit

    def _period_of(self, date: dt.date) -> dt.date:
        """First day of the period that a date lies in."""
        if self.per == "week":
            return date - dt.timedelta(days=date.weekday())
        return date if self.per == "day" else date.replace(day=1)


class Moments(Medium):
    """Posts in Moments (朋友圈): all contacts may see them, scrolling by."""

    seen: float = parameter(0.3, ge=0, le=1, doc="chance that a contact sees a post", source="assumed")
    seen_muted: float = parameter(0.1, ge=0, le=1, doc="chance that one who muted sees it", source="assumed")
    strength: float = parameter(
        0.5, ge=0, le=20, doc="pull and trust of a post that is seen, in direct messages", source="assumed"
    )
    load: float = parameter(
        0.4, ge=0, le=20, doc="fatigue, and odds of a mute or deletion, in direct messages", source="assumed"
    )
    wear_scale: float | None = parameter(
        4.0, gt=0, doc="posts of a kind seen lately that halve the next; none for no wear", source=WEAR
    )
    wear_half_life_days: float = parameter(7.0, gt=0, doc="days in which half of the wear is gone", source=WEAR)
    limit: int | None = parameter(
        3, ge=0, doc="posts a customer may be sent in each period; none for no limit", source=MANUAL
    )
    per: Period = parameter("day", doc="period of the limit")


class GroupPost(Medium):
    """Posts in groups: the members of a group see them, where they have not muted it."""

    seen: float = parameter(0.35, ge=0, le=1, doc="chance that a contact sees a post", source="assumed")
    seen_muted: float = parameter(0.05, ge=0, le=1, doc="chance that one who muted sees it", source="assumed")
    strength: float = parameter(
        0.7, ge=0, le=20, doc="pull and trust of a post that is seen, in direct messages", source="assumed"
    )
    load: float = parameter(
        0.6, ge=0, le=20, doc="fatigue, and odds of a mute or deletion, in direct messages", source="assumed"
    )
    wear_scale: float | None = parameter(
        6.0, gt=0, doc="posts of a kind seen lately that halve the next; none for no wear", source=WEAR
    )
    wear_half_life_days: float = parameter(7.0, gt=0, doc="days in which half of the wear is gone", source=WEAR)
    limit: int | None = parameter(
        None, ge=0, doc="posts a customer may be sent in each period; none for no limit", source="hosts write by hand"
    )
    per: Period = parameter("month", doc="period of the limit")


class Broadcast(Medium):
    """Broadcasts (群发): the same message to many one-to-one inboxes."""

    delivered: ClassVar[bool] = True

    seen: float = parameter(0.8, ge=0, le=1, doc="chance that a contact sees a post", source="assumed")
    seen_muted: float = parameter(0.1, ge=0, le=1, doc="chance that one who muted sees it", source="assumed")
    strength: float = parameter(
        0.9, ge=0, le=20, doc="pull and trust of a post that is seen, in direct messages", source="assumed"
    )
    load: float = parameter(
        1.1, ge=0, le=20, doc="fatigue, and odds of a mute or deletion, in direct messages", source="assumed"
    )
    wear_scale: float | None = parameter(
        4.0, gt=0, doc="posts of a kind seen lately that halve the next; none for no wear", source=WEAR
    )
    wear_half_life_days: float = parameter(7.0, gt=0, doc="days in which half of the wear is gone", source=WEAR)
    limit: int | None = parameter(
        7, ge=0, doc="posts a customer may be sent in each period; none for no limit",
        source="WeCom API reference, 92135 (2025): seven a week, or one a day, or as many a month as it has days",
    )  # fmt: skip
    per: Period = parameter("week", doc="period of the limit")


class OfficialAccount(Medium):
    """Messages of a service account (服务号) to its followers."""

    delivered: ClassVar[bool] = True

    seen: float = parameter(0.15, ge=0, le=1, doc="chance that a contact sees a post", source="assumed")
    seen_muted: float = parameter(0.05, ge=0, le=1, doc="chance that one who muted sees it", source="assumed")
    strength: float = parameter(
        0.6, ge=0, le=20, doc="pull and trust of a post that is seen, in direct messages", source="assumed"
    )
    load: float = parameter(
        0.5, ge=0, le=20, doc="fatigue, and odds of a mute or deletion, in direct messages", source="assumed"
    )
    wear_scale: float | None = parameter(
        4.0, gt=0, doc="posts of a kind seen lately that halve the next; none for no wear", source=WEAR
    )
    wear_half_life_days: float = parameter(7.0, gt=0, doc="days in which half of the wear is gone", source=WEAR)
    limit: int | None = parameter(
        4, ge=0, doc="posts a customer may be sent in each period; none for no limit",
        source="Weixin Official Accounts documentation, batch sends: four a calendar month",
    )  # fmt: skip
    per: Period = parameter("month", doc="period of the limit")


class Media(Spec):
    """The media of a world."""

    moments: Moments = Moments()
    group: GroupPost = GroupPost()
    broadcast: Broadcast = Broadcast()
    official_account: OfficialAccount = OfficialAccount()

    def of(self, name: str) -> Medium | None:
        """The medium of a name; none for messages sent directly to one."""
        medium: Medium | None = None if name == "direct" else getattr(self, name)
        return medium

    def load(self, name: str) -> float:
        """Load of a message through a medium, in direct messages."""
        medium = self.of(name)
        return 1.0 if medium is None else medium.load


def sent_column(medium: str) -> str:
    """Name of the column that counts what a customer was sent through a medium in the running period."""
    return f"sent_{medium}"


def worn_column(medium: str, kind: str) -> str:
    """Name of the column of how worn messages of a kind through a medium are to a customer."""
    return f"worn_{medium}_{kind}"


def kinds_of(advert_share: float) -> tuple[str, ...]:
    """Kinds of message that posts of this share of adverts are."""
    return ("advert",) * (advert_share > 0) + ("content",) * (advert_share < 1)


@lru_cache
def columns_of(medium: str, kinds: Collection[str]) -> type[Columns]:
    """Columns of customers to whom messages of these kinds go through a medium."""
    columns = {sent_column(medium): column("i2", 0, unit="count", doc=f"sent in the period of the limit: {medium}")}
    for kind in kinds:
        doc = f"decaying count of what was seen: {kind} through {medium}"
        columns[worn_column(medium, kind)] = column("f4", 0.0, unit="messages", doc=doc, access="latent")
    return type("Posted", (Columns,), dict(columns))
