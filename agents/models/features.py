"""Covariates: small named functions of the observed history, the same for training logs and for the running world.

A feature is a sum of tables over whole numbers (days since the last order, days since joining, orders so far) and of a
part that must be computed for each row. A model adds the tables of its features up beforehand, see ``hazard``; so any
number of splines in the days since the last order costs one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim import Columns, Observed, SiyuError
from sim.errors import nearest

from .history import HALF_LIVES, Days, Rows

Floats = NDArray[np.float64]

DAYS_SINCE = np.maximum(np.arange(0, 1097, dtype=np.float64), 0.5)  # three years; longer silences count as three years
TENURE = np.arange(0, 3654, dtype=np.float64)  # ten years
ORDERS = np.arange(0, 61, dtype=np.float64)  # more orders count as sixty
YOUNG_DAYS = 91.0  # tenure stops at 13 weeks: beyond, it is a calendar clock where all customers enter together
PRIOR_ORDERS = 0.5  # pseudo-orders of a personal rate; assumed, the Jeffreys prior of a Poisson rate
PRIOR_DAYS = 14.0  # pseudo-days of a personal rate; assumed
PRIOR_GAPS = 2.0  # pseudo-gaps against a personal mean gap; assumed
PRIOR_BASKETS = 3.0  # pseudo-baskets of a personal mean; about within / between variance of grocery baskets (data.md)


def number_of(history: Columns | Observed, rows: Rows) -> int:
    """How many rows these are."""
    return len(range(*rows.indices(len(history)))) if isinstance(rows, slice) else len(rows)


class Moment:
    """A set of rows on one day; what several features need is computed once.

    Parameters
    ----------
    history : columns of ``History``; anything latent raises.
    rows : slice or row numbers.
    day : today; only orders before today (for a lapse hazard: up to today) may be recorded. A day for each row will do
        where no feature reads the day of the week.
    weekday : 0 = Monday.
    """

    def __init__(self, history: Columns | Observed, rows: Rows, day: Days, weekday: int) -> None:
        self.history = history.observed() if isinstance(history, Columns) else history
        self.rows, self.day, self.weekday = rows, day, weekday
        self._known: dict[str, Floats] = {}
        self._indices: dict[str, NDArray[np.intp]] = {}

    def __len__(self) -> int:
        return number_of(self.history, self.rows)

    def column(self, name: str) -> Floats:
        """A column of the history at the rows, in double precision."""
        return self.once(name, lambda: np.asarray(getattr(self.history, name)[self.rows], dtype=np.float64))

    def index(self, name: str) -> NDArray[np.intp]:
        """The whole number by which a table is read: ``since``, ``tenure`` or ``orders``."""
        if name not in self._indices:
            column = {"since": "last_order", "tenure": "joined", "orders": "orders"}[name]
            values: NDArray[np.intp] = getattr(self.history, column)[self.rows].astype(np.intp)
            self._indices[name] = values if name == "orders" else self.day - values
        return self._indices[name]

    def look_up(self, index: str, table: Floats) -> Floats:
        """A table at each row's index; indices beyond an end read the end."""
        return np.take(table, self.index(index), mode="clip")

    def once(self, name: str, compute: Callable[[], Floats]) -> Floats:
        """A value that several features share; computed at the first call."""
        if name not in self._known:
            self._known[name] = compute()
        return self._known[name]


@dataclass(frozen=True)
class Feature:
    """One covariate.

    Attributes
    ----------
    doc : what it is.
    tables : addends that depend on a whole number alone, by the name of that number (see ``Moment.index``).
    per_row : the addend that must be computed for each row; a plain number when it is the same for all rows.
    """

    doc: str
    tables: Mapping[str, Floats] = field(default_factory=dict)
    per_row: Callable[[Moment], Floats | float] | None = None

    def __call__(self, moment: Moment) -> Floats | float:
        value: Floats | float = self.per_row(moment) if self.per_row else 0.0
        for index, table in self.tables.items():
            value = value + moment.look_up(index, table)
        return value


DECAY = {h: np.exp2(-np.arange(len(DAYS_SINCE)) / h) for h in HALF_LIVES}
LOG_EXPOSURE = {  # log of the decayed number of days since joining, plus the prior's
    h: np.log(np.concatenate([[0.0], np.cumsum(np.exp2(-np.arange(len(TENURE) - 1) / h))]) + PRIOR_DAYS)
    for h in HALF_LIVES
}
LOG_LIFE = np.log(TENURE + PRIOR_DAYS)
LOG_SINCE = np.log(DAYS_SINCE)
GAPS_KNOWN = np.maximum(ORDERS - 1.0, 0.0) / (np.maximum(ORDERS - 1.0, 0.0) + PRIOR_GAPS)
NET_KNOWN = ORDERS / (ORDERS + PRIOR_BASKETS)
LOG_TENURE = np.log(np.minimum(TENURE, YOUNG_DAYS) + 7.0)


def _log_count(moment: Moment, half_life: int) -> Floats:
    decayed = moment.column(f"count_{half_life}") * moment.look_up("since", DECAY[half_life])
    return np.asarray(np.log(decayed + PRIOR_ORDERS))


def _rate(half_life: int) -> Feature:
    return Feature(
        f"log of the personal order rate, half-life {half_life} days, shrunk",
        {"tenure": -LOG_EXPOSURE[half_life]},
        lambda moment: _log_count(moment, half_life),
    )


def _gaps_known(moment: Moment) -> Floats:
    return moment.once("gaps_known", lambda: moment.look_up("orders", GAPS_KNOWN))


def _gap(column: str) -> Callable[[Moment], Floats]:
    return lambda moment: moment.column(column) * _gaps_known(moment)


def _lateness(moment: Moment) -> Floats:
    """Log of the silence so far, in personal standard deviations from the personal mean of log gaps."""
    return moment.once(
        "lateness",
        lambda: (moment.look_up("since", LOG_SINCE) - moment.column("gap_log_mean")) / moment.column("gap_log_sd"),
    )


def _late_above(knot: float) -> Feature:
    return Feature(
        f"lateness above {knot:g}, times gaps_known",
        per_row=lambda moment: (
            np.maximum(_lateness(moment) - knot, 0.0) * _gaps_known(moment)
            if knot
            else np.maximum(_lateness(moment), 0.0) * _gaps_known(moment)
        ),
    )


def _since_above(days: int) -> Feature:
    return Feature(f"log(days since / {days}) above 0", {"since": np.maximum(LOG_SINCE - np.log(days), 0.0)})


def _since_is(days: int) -> Feature:
    return Feature(f"last order exactly {days} days ago", {"since": np.equal(DAYS_SINCE, days).astype(np.float64)})


def _closing(days: int) -> Feature:
    left = np.maximum(days + 1.0 - DAYS_SINCE, 1.0)
    return Feature(f"-log of the days left until {days} days of silence", {"since": -np.log(left / (days + 1.0))})


def _weekday(number: int) -> Feature:
    return Feature(f"weekday {number} (0 = Monday)", per_row=lambda moment: float(moment.weekday == number))


def _weekday_share(moment: Moment) -> Floats:
    """Log of the share of orders on this weekday, shrunk to one in seven. The shares do not change between orders."""
    return moment.once(
        "a weekday's share",
        lambda: np.log((moment.column(f"phase_{moment.day % 7}") + 1.0) * 7.0 / (moment.column("count_112") + 7.0)),
    )


def _recent_against_last(moment: Moment) -> Floats:
    value: Floats = moment.column("log_net_recent") - moment.column("log_net_last")
    return value


def _net_mean(moment: Moment) -> Floats:
    return moment.column("log_net_mean") * moment.look_up("orders", NET_KNOWN)


_FAMILIES: dict[str, Callable[[int], Feature]] = {  # names with a number of days in them
    r"since_is_(\d+)": _since_is,
    r"since_above_(\d+)": _since_above,
    r"closing_(\d+)": _closing,
}


class FeatureTable(dict[str, Feature]):
    """Features by name; families such as ``since_is_<days>`` are made when first asked for."""

    def __missing__(self, name: str) -> Feature:
        for pattern, family in _FAMILIES.items():
            if (match := re.fullmatch(pattern, name)) and int(match[1]) > 0:
                self[name] = family(int(match[1]))
                return self[name]
        raise SiyuError(f"no feature '{name}'", cure=nearest(name, self))


FEATURES = FeatureTable(
    {
        "log_since": Feature("log(days since the last order)", {"since": LOG_SINCE}),
        "log_tenure": Feature("log(days since joining + 7), capped", {"tenure": LOG_TENURE}),
        "log_orders": Feature("log(orders + 1), capped at 12", {"orders": np.log1p(np.minimum(ORDERS, 12.0))}),
        "no_order": Feature("has not ordered yet", {"orders": (ORDERS == 0).astype(np.float64)}),
        "only_order": Feature("has ordered once", {"orders": (ORDERS == 1).astype(np.float64)}),
        **{f"rate_{h}": _rate(h) for h in HALF_LIVES},
        "rate_ever": Feature(
            "log of the personal order rate since joining, shrunk",
            {"tenure": -LOG_LIFE},
            lambda moment: np.asarray(np.log(np.maximum(moment.column("orders") - 1.0, 0.0) + PRIOR_ORDERS)),
        ),
        "gaps_known": Feature("weight of the personal gaps", {"orders": GAPS_KNOWN}),
        "gap_mean": Feature("mean of log gaps, times gaps_known", per_row=_gap("gap_log_mean")),
        "gap_sd": Feature("sd of log gaps, times gaps_known", per_row=_gap("gap_log_sd")),
        "late": Feature("lateness times gaps_known", per_row=lambda moment: _lateness(moment) * _gaps_known(moment)),
        "late_early": _late_above(-1.0),
        "late_even": _late_above(0.0),
        "late_far": _late_above(1.0),
        "weekday_share": Feature("log of the personal share of this weekday, times 7", per_row=_weekday_share),
        "weekday_share_2": Feature("weekday_share squared", per_row=lambda moment: _weekday_share(moment) ** 2),
        "weekend": Feature("Saturday or Sunday", per_row=lambda moment: float(moment.weekday >= 5)),
        **{f"weekday_{number}": _weekday(number) for number in range(7)},
        "net_known": Feature("weight of net_mean", {"orders": NET_KNOWN}),
        "net_mean": Feature("personal mean of log baskets times net_known", per_row=_net_mean),
        "net_variance": Feature(
            "personal variance of log baskets", per_row=lambda moment: moment.column("log_net_sd") ** 2
        ),
        "net_recent": Feature("recent mean of log baskets less the last one", per_row=_recent_against_last),
        "net_last": Feature("log of the last basket", per_row=lambda moment: moment.column("log_net_last")),
    }
)  # fmt: skip


def covariates(names: Sequence[str], history: Columns | Observed, rows: Rows, day: int, weekday: int) -> Floats:
    """Covariates of some customers on one day, shape (features, rows), feature-major.

    Parameters are those of :class:`Moment`. Raises SiyuError for an unknown feature, and for a latent column.
    """
    moment = Moment(history, rows, day, weekday)
    out = np.empty((len(names), len(moment)))
    for number, name in enumerate(names):
        out[number] = FEATURES[name](moment)
    return out
