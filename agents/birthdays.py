"""Birthdays, which members tell the brand."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sim.columns import Columns, column

DAYS_OF_BIRTH: Final = 365  # nobody is born on 29 February
A_YEAR: Final = 2023  # any year without that day


class Birthdays(Columns):
    """Columns of customers where birthdays matter."""

    birthday = column("i2", -1, unit="day of the year", doc="birthday: 0 for 1 January, 29 February left out")


def birthday_on(date: dt.date) -> int:
    """The birthday that falls on a date; none, -1, on 29 February."""
    if (date.month, date.day) == (2, 29):
        return -1
    return date.replace(year=A_YEAR).timetuple().tm_yday - 1
