"""Episodes: one row per wave and customer who might have been in it, with what both had done before and did after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.causal.orders import Diary, Floats
from experiments.causal.past import Past
from experiments.causal.waves import Wave
from experiments.data.logs import Ints, Logs

MOST_ROWS = 120_000
PER_SENT = 3  # others drawn for each receiver; more cost time and add little
FEWEST_OTHERS = 500
AFTERWARDS_DAYS = 14  # assumed; whom an operator chose differs for longer than a window
Part = tuple[int, Ints, Ints, float]  # number of the wave, sent, others, chance to be sent it
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Episodes:
    """Episodes of one kind of touch; all arrays have one entry per row.

    Attributes
    ----------
    waves : the waves, by number.
    wave, customer : number of the wave and code of the customer.
    sent : 1 for those who got it.
    ordered, earlier, long_before, later : 1 with an order in the window, in the one a shift and two shifts before it,
        and in the one two shifts after it. ``later`` is NaN where the logs end sooner.
    afterwards : as ``later``, over ``AFTERWARDS_DAYS``, which tell more.
    redeemed : 1 with a coupon redeemed in the window.
    history, before : what the logs knew on the evening before the window, and before the window one shift earlier.
        Shape (n, k).
    recency, rate : days since the last order, and orders a day so far, on the evening before.
    in_hand : change, from the window before to this one, in the share of days with a coupon of an earlier wave.
    chance : logged chance to be sent it; NaN where the logs do not tell.
    """

    waves: list[Wave]
    wave: Ints
    customer: Ints
    sent: Floats
    ordered: Floats
    earlier: Floats
    long_before: Floats
    later: Floats
    afterwards: Floats
    redeemed: Floats
    history: Floats
    before: Floats
    recency: Ints
    rate: Floats
    in_hand: Floats
    chance: Floats

    def __len__(self) -> int:
        return len(self.wave)

    def where(self, rows: Flags) -> Episodes:
        """The episodes that a mask selects."""
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return Episodes(**{**vars(self), **arrays})

    @property
    def days(self) -> Ints:
        """Length of each row's window."""
        return np.array([wave.days for wave in self.waves], np.int64)[self.wave]


def episodes(logs: Logs, kind: str, found: list[Wave], *, cut_off_day: int) -> Episodes | None:
    """Episodes of all waves that have room for two windows before; None without any.

    Whoever had ordered before, was not deleted and held no coupon of the kind takes part. Of those who were not sent a
    wave a part is drawn, evenly and with a fixed seed.
    """
    found = [wave for wave in found if wave.day - 2 * wave.shift >= 0]
    assert logs.touches is not None
    luck = np.random.default_rng(0)
    first_day = logs.customers["first_day"].to_numpy(np.int64)
    touches = logs.touches[logs.touches["day"] <= cut_off_day]
    of_day = {day: set(rows.tolist()) for day, rows in touches[touches["kind"] == kind].groupby("day")["customer"]}
    gone = touches[touches["kind"] == "delete"].groupby("customer")["day"].min()
    deleted = np.full(logs.n_customers, np.iinfo(np.int64).max)
    deleted[gone.index.to_numpy(np.int64)] = gone.to_numpy()
    coupons = Holding(touches)
    most = max(FEWEST_OTHERS, MOST_ROWS // max(len(found), 1))
    parts: list[Part] = []
    for number, wave in enumerate(found):
        may = (first_day < wave.day - 2 * wave.shift) & (deleted >= wave.day)
        if kind == "coupon_issued":
            may &= ~coupons.holds(np.arange(logs.n_customers), wave.day)
        sent = np.intersect1d(wave.sent, np.flatnonzero(may))
        pool = np.flatnonzero(may) if wave.held_out is None else np.intersect1d(wave.held_out, np.flatnonzero(may))
        others = np.setdiff1d(pool, np.fromiter(of_day[wave.day], np.int64))
        if len(sent) and len(others):
            chance = _chance(wave, len(sent), len(others))
            kept = [_some(luck, rows, max(PER_SENT * len(sent), FEWEST_OTHERS), most) for rows in (others, sent)]
            odds = chance / (1 - chance) * (len(kept[1]) / len(sent)) / (len(kept[0]) / len(others))
            parts.append((number, kept[1], kept[0], odds / (1 + odds)))
    return _rows(logs, touches, found, parts, cut_off_day) if parts else None


class Holding:
    """Who holds a coupon on a day: issued before, valid still and not used."""

    def __init__(self, touches: pd.DataFrame) -> None:
        issued = touches[touches["kind"] == "coupon_issued"]
        self._issued = Diary(issued)
        valid = issued["valid_days"].astype("Int64").fillna(28).to_numpy(np.int64)
        self._valid = dict(zip(zip(issued["customer"], issued["day"], strict=True), valid.tolist(), strict=True))
        self._used = Diary(touches[touches["kind"] == "coupon_redeemed"])

    def holds(self, customer: Ints, day: int) -> Flags:
        """Whether each holds an earlier coupon on the morning of a day."""
        when = np.full(len(customer), day)
        last = self._issued.last_before(customer, when)
        valid = [self._valid.get((c, d), 0) for c, d in zip(customer.tolist(), last.tolist(), strict=True)]
        until = last + np.array(valid, np.int64)
        found: Flags = (last >= 0) & (until > day) & (self._used.count(customer, last, when) == 0)
        return found


def _rows(logs: Logs, touches: pd.DataFrame, found: list[Wave], parts: list[Part], cut_off_day: int) -> Episodes:
    wave = np.concatenate([np.full(len(s) + len(o), number) for number, s, o, _ in parts])
    customer = np.concatenate([np.concatenate([s, o]) for _, s, o, _ in parts])
    sent = np.concatenate([np.repeat([1.0, 0.0], [len(s), len(o)]) for _, s, o, _ in parts])
    chance = np.concatenate([np.full(len(s) + len(o), chance) for _, s, o, chance in parts])
    first_day = logs.customers["first_day"].to_numpy(np.int64)[customer]
    day, days, shift = (np.array([getattr(w, name) for w in found])[wave] for name in ("day", "days", "shift"))
    visits = logs.visits[logs.visits["day"] <= cut_off_day]
    orders = Diary(visits, visits["net"].to_numpy(np.float64) / 100)
    used = Diary(touches[touches["kind"] == "coupon_redeemed"])
    issued = Diary(touches[touches["kind"] == "coupon_issued"])

    def any_order(first: Ints, days: Ints = days) -> Floats:
        found = (orders.count(customer, first, first + days) > 0).astype(np.float64)
        found[first + days - 1 > cut_off_day] = np.nan
        return found

    later, afterwards = (any_order(day + 2 * shift, lasting) for lasting in (days, 0 * days + AFTERWARDS_DAYS))
    past = Past(logs, touches, orders)
    in_hand = (issued.count(customer, day - shift - 14, day - shift + days) > 0).astype(np.float64)
    return Episodes(
        waves=found, wave=wave, customer=customer, sent=sent, ordered=any_order(day), earlier=any_order(day - shift),
        long_before=any_order(day - 2 * shift), later=later, afterwards=afterwards,
        redeemed=(used.count(customer, day, day + days) > 0).astype(np.float64),
        history=past.columns(customer, day), before=past.columns(customer, day - shift),
        recency=day - orders.last_before(customer, day),
        rate=(orders.count(customer, 0 * day, day) + 0.5) / (day - first_day + 30),
        in_hand=-in_hand, chance=chance,
    )  # fmt: skip


def _some(luck: np.random.Generator, rows: Ints, wanted: int, most: int) -> Ints:
    """A part of the rows, drawn evenly, no larger than both limits."""
    keep = min(wanted, most)
    return np.sort(luck.choice(rows, keep, replace=False)) if keep < len(rows) else rows


def _chance(wave: Wave, sent: int, others: int) -> float:
    """Chance of everybody in a wave to be sent it; NaN where the logs do not tell.

    It is known where others were held out by lot, or where one chance was logged and as many were sent it as would be
    if everybody had that chance. Else the draw was among an audience that nobody wrote down; and where chances differ,
    it is not known who of the others had which.
    """
    if wave.propensity is not None and np.ptp(wave.propensity) > 1e-9:
        return np.nan
    if wave.held_out is not None:
        if wave.propensity is not None:
            return float(wave.propensity[0])
        return len(wave.sent) / (len(wave.sent) + len(wave.held_out))
    if wave.propensity is None:
        return np.nan
    chance, n = float(wave.propensity[0]), sent + others
    return chance if abs(sent - chance * n) <= 4 * np.sqrt(n * chance * (1 - chance)) else np.nan
