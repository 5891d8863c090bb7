"""What an operator knows of the messages somebody received, folded into a few columns that change only with messages.

The running world and the replay of logs write through the same updater, so a covariate means the same in both. The
columns exist only where learned contact models read them (``ExposedCustomers``); other worlds carry none of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.columns import Column, Columns

from .features import FEATURES, Feature, Moment
from .history import NO_ORDER, Rows

Floats = NDArray[np.float64]

RECEIVED = {"message_advert": "advert", "message_content": "content", "chat": "chat", "reply": "reply"}
"""Events that leave exposure, and what their columns begin with."""
ENTERED = {
    "join": ("contact_day", "level_day"), "mute": ("contact_day",), "unmute": ("contact_day",),
    "delete": ("contact_day",), "trust_level": ("level_day",),
}  # fmt: skip
"""Events by which somebody enters a state, and the columns that date it."""
EXPOSURE_HALF_LIVES = (7, 28)  # days; a third of 1 day forecast no better, and misled when the cadence was doubled
LONGEST_STATE = 28.0  # days in a state beyond which more do not count, or it would be a calendar clock; assumed
LEVELS_KNOWN = range(6)
PLURAL = {"advert": "adverts", "content": "contents", "chat": "chats", "reply": "replies"}


def _columns() -> dict[str, Column]:
    declared = {
        f"{state}_day": Column("i4", NO_ORDER, "day", f"day of the last change of {state}")
        for state in ("contact", "level")
    }
    for kind in RECEIVED.values():
        declared[f"{kind}_day"] = Column("i4", NO_ORDER, "day", f"day of the last {kind}")
        declared[f"{kind}_today"] = Column("i2", 0, "count", f"{PLURAL[kind]} on that day")
        for half_life in EXPOSURE_HALF_LIVES:
            doc = f"{PLURAL[kind]} so far, half-life {half_life} days, at {kind}_day"
            declared[f"{kind}_{half_life}"] = Column("f4", 0, "count", doc)
    return {name: Column(c.dtype, c.default, c.unit, c.doc, c.access, c.source, name) for name, c in declared.items()}


class Exposure(Columns):
    """Observed exposure, one row per customer: messages by kind, and since when states last. See ``record_touch``."""

    DECLARED: ClassVar[dict[str, Column]] = _columns()


def record_touch(history: Columns, rows: NDArray[np.integer[Any]], day: int, kind: str, times: Any = 1) -> None:
    """Fold one kind of event of a day into the columns of :class:`Exposure`; other kinds of event change nothing.

    Parameters
    ----------
    rows : distinct row numbers, shape (n,).
    day : never before a day that is already recorded.
    times : how many such events each had, a number or shape (n,). Further calls for the same day add to it.
    """
    for name in ENTERED.get(kind, ()):
        getattr(history, name)[rows] = day
    received = RECEIVED.get(kind)
    if received is None:
        return
    last, today = getattr(history, f"{received}_day"), getattr(history, f"{received}_today")
    idle = last[rows] - float(day)
    for half_life in EXPOSURE_HALF_LIVES:
        count = getattr(history, f"{received}_{half_life}")
        count[rows] = count[rows] * np.exp2(idle / half_life) + times
    today[rows] = np.where(idle == 0, today[rows], 0) + times
    last[rows] = day


def _idle(moment: Moment, kind: str) -> Floats:
    """Minus the days since the last message of a kind."""
    return moment.once(f"idle {kind}", lambda: moment.column(f"{kind}_day") - moment.day)


def _today(moment: Moment, kind: str) -> Floats:
    return moment.once(f"today {kind}", lambda: np.where(_idle(moment, kind) == 0, moment.column(f"{kind}_today"), 0.0))


def _before(moment: Moment, kind: str, half_life: int) -> Floats:
    """What was received before today, decayed to today: the same whichever of today's messages is recorded already."""
    decayed = moment.column(f"{kind}_{half_life}") * np.exp2(_idle(moment, kind) / half_life)
    # Rounding in single precision may leave a trace of today's.
    return np.asarray(np.maximum(decayed - _today(moment, kind), 0.0))


def _touched(moment: Moment) -> Floats:
    received = (_today(moment, kind) > 0 for kind in ("advert", "content", "chat"))
    return np.asarray(np.logical_or.reduce(list(received)), dtype=np.float64)


def _hard_sells(moment: Moment) -> Floats:
    return np.where(moment.column("level") <= 1, _today(moment, "advert"), 0.0)


def _state_days(moment: Moment, column: str) -> Floats:
    days = moment.day - moment.column(column)
    return np.asarray(np.log1p(np.minimum(np.maximum(days, 0.0), LONGEST_STATE)))


Bound = Callable[[Columns, Rows], float]


def _highest_of(column: str) -> Bound:
    return lambda history, rows: float(getattr(history, column)[rows].max(initial=0))


def _exposures() -> dict[str, tuple[Feature, Bound]]:
    """Features of exposure, none below 0, each with what it cannot exceed for some rows on any day from now on."""

    def of(doc: str, compute: Callable[[Moment], Floats]) -> Feature:
        return Feature(doc, per_row=compute)

    found: dict[str, tuple[Feature, Bound]] = {}
    for kind in RECEIVED.values():
        many = PLURAL[kind]
        found[f"{many}_today"] = (
            of(f"{many} today", lambda moment, kind=kind: _today(moment, kind)),  # type: ignore[misc]
            _highest_of(f"{kind}_today"),
        )
        for h in EXPOSURE_HALF_LIVES:
            found[f"{many}_{h}"] = (
                of(
                    f"{many} before today, decayed with half-life {h} days",
                    lambda moment, kind=kind, h=h: _before(moment, kind, h),  # type: ignore[misc]
                ),
                _highest_of(f"{kind}_{h}"),
            )
    found["touched"] = (of("any advert, content or chat today", _touched), lambda history, rows: 1.0)
    found["hard_sells_today"] = (of("adverts today at L0 or L1", _hard_sells), _highest_of("advert_today"))
    for state in ("contact", "level"):
        found[f"{state}_days"] = (
            of(
                f"log(days since the last change of {state} + 1), capped at 28 days",
                lambda moment, state=state: _state_days(moment, f"{state}_day"),  # type: ignore[misc]
            ),
            lambda history, rows: float(np.log1p(LONGEST_STATE)),
        )
    for level in LEVELS_KNOWN:
        found[f"level_is_{level}"] = (
            of(
                f"trust level L{level}",
                lambda moment, level=level: (moment.column("level") == level).astype(np.float64),  # type: ignore[misc]
            ),
            lambda history, rows: 1.0,
        )
    return found


EXPOSURES = _exposures()
FEATURES.update({name: feature for name, (feature, _) in EXPOSURES.items()})
