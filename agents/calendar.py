"""When an action happens: days of the week, every n days, dates, or so many times a week."""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache
from itertools import accumulate
from typing import Literal, Self

from pydantic import model_validator

from sim.spec import Spec, parameter

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RULES = ("weekdays", "every_days", "dates", "per_week")


class Calendar(Spec):
    """Exactly one rule, within an optional span of days of the run."""

    weekdays: tuple[Weekday, ...] | None = parameter(None, min_length=1, doc="these days of the week")
    every_days: int | None = parameter(None, ge=1, doc="every n-th day, counted from from_day")
    dates: tuple[dt.date, ...] | None = parameter(None, min_length=1, doc="these dates")
    per_week: float | None = parameter(None, ge=0, le=28, doc="so many times a week, spread evenly; may be a fraction")
    from_day: int = parameter(0, ge=0, doc="first day of the run on which it may happen")
    until_day: int | None = parameter(None, ge=0, doc="last day of the run on which it may happen")

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        rules = [name for name in RULES if getattr(self, name) is not None]
        if len(rules) != 1:
            found = " and ".join(rules) or "none"
            raise ValueError(f"a calendar has exactly one of {', '.join(RULES)} (found {found})")
        if self.until_day is not None and self.until_day < self.from_day:
            raise ValueError(f"until_day {self.until_day} is before from_day {self.from_day}; swap or drop one")
        return self

    def times(self, day: int, date: dt.date) -> int:
        """How often it happens on this day of the run."""
        if day < self.from_day or (self.until_day is not None and day > self.until_day):
            return 0
        since = day - self.from_day
        if self.weekdays is not None:
            return int(WEEKDAYS[date.weekday()] in self.weekdays)
        if self.every_days is not None:
            return int(since % self.every_days == 0)
        if self.dates is not None:
            return int(date in self.dates)
        rate = (self.per_week or 0.0) / 7
        # Rounding guards against 6.999… where seven sevenths are meant.
        return math.floor(round((since + 1) * rate, 9)) - math.floor(round(since * rate, 9))

    def share_of_week(self, day: int, date: dt.date) -> float:
        """Share of a week's work that falls on this day of the run: a week's is spread over the days that come up."""
        times = self.times(day, date)
        if not times:
            return 0.0
        if self.weekdays is not None:
            return times / len(set(self.weekdays))
        if self.per_week is not None:
            return times / self.per_week
        return times * (self.every_days or 1) / 7

    def days(self, start: dt.date, horizon_days: int) -> int:
        """How often it happens within a run."""
        return times_before(self, start, horizon_days)[-1]

    def per_week_on_average(self) -> float:
        """How often it happens in a week of the time in which it happens."""
        if self.weekdays is not None:
            return float(len(self.weekdays))
        if self.every_days is not None:
            return 7 / self.every_days
        if self.dates is not None:
            return 7 * len(set(self.dates)) / max((max(self.dates) - min(self.dates)).days + 1, 7)
        return self.per_week or 0.0

    def ever(self, start: dt.date, horizon_days: int) -> bool:
        """Whether it can happen at all within a run; a cadence so slow that it does not is a choice, not a mistake."""
        return (self.per_week is not None and self.from_day < horizon_days) or self.days(start, horizon_days) > 0


@lru_cache(maxsize=1024)
def times_before(calendar: Calendar, start: dt.date, horizon_days: int) -> tuple[int, ...]:
    """How often it happens in a run before each of its days, and last before the day after it."""
    each = (calendar.times(day, start + dt.timedelta(days=day)) for day in range(horizon_days))
    return tuple(accumulate(each, initial=0))
