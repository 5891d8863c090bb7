"""Waves: everybody who was sent the same thing on the same day, and how many days are watched after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.causal.orders import Floats
from experiments.data.logs import Ints, Logs

HELD_OUT = "event"  # a touch of this kind in a campaign: drawn like the others, and sent nothing
LONGEST_DAYS = 28  # of a coupon; longer windows drift further apart
SHORTEST_DAYS = 3  # of a coupon; assumed
USUAL_SHARE = 0.10  # who order within a window without it: the readiest redeem first, and longer ones mix them
MESSAGE_DAYS = 3  # assumed: a message's pull has mostly faded by then
SMALLEST_WAVE = 10  # touches; assumed
MOST_WAVES = 40  # the largest; more of them cost time and add little
CUTS = 0.25  # a later wave this large, relative to one, ends its window: others get something too


@dataclass(frozen=True)
class Wave:
    """One thing, sent on one day.

    Attributes
    ----------
    day, days : the day and how many days from it on are watched.
    depth, min_spend, valid_days : of the coupon; NaN, 0 and 0 where there is none.
    sent : codes of those who got it.
    held_out : codes of those who were drawn to get nothing, or None where the logs do not tell.
    propensity : chance of each of ``sent``, or None where the logs do not tell.
    """

    day: int
    days: int
    depth: float
    min_spend: int
    valid_days: int
    sent: Ints
    held_out: Ints | None
    propensity: Floats | None

    @property
    def shift(self) -> int:
        """Whole weeks that cover the window: the way to the same weekdays before."""
        return 7 * -(-self.days // 7)


def waves(logs: Logs, kind: str, *, cut_off_day: int) -> list[Wave]:
    """The largest waves of a kind of touch whose window is complete by the cut-off, by day."""
    if logs.touches is None:
        return []
    touches = logs.touches[logs.touches["day"] <= cut_off_day]
    mine = touches[touches["kind"] == kind]
    if mine.empty:
        return []
    terms = mine.assign(
        depth=mine["depth"].astype(np.float64).fillna(-1.0).round(4),
        min_spend=mine["min_spend"].astype("Int64").fillna(0).astype(np.int64),
        valid_days=mine["valid_days"].astype("Int64").fillna(0).astype(np.int64),
    )
    longest = _telling_days(logs, cut_off_day)
    days, found = terms["day"].value_counts(), []
    sizes = [(int(str(day)), int(n)) for day, n in days.items()]
    for _, rows in terms.groupby(["day", "depth", "min_spend", "valid_days"]):
        rows = rows.drop_duplicates("customer")
        if len(rows) >= SMALLEST_WAVE:
            found.append(_wave(rows, sizes, touches, longest if kind == "coupon_issued" else None))
    complete = [wave for wave in found if wave.day + wave.days - 1 <= cut_off_day]
    largest = sorted(complete, key=lambda wave: (-len(wave.sent), wave.day))[:MOST_WAVES]
    return sorted(largest, key=lambda wave: (wave.day, wave.depth, wave.min_spend, wave.valid_days))


def _wave(rows: pd.DataFrame, sizes: list[tuple[int, int]], touches: pd.DataFrame, longest: int | None) -> Wave:
    first = rows.iloc[0]
    day, valid, depth = int(first["day"]), int(first["valid_days"]), float(first["depth"])
    days = MESSAGE_DAYS if longest is None else _window(day, valid or LONGEST_DAYS, longest, len(rows), sizes)
    held = touches["campaign_id"].isin(set(rows["campaign_id"]) - {""}) & (touches["day"] == day)
    out = touches.loc[held & (touches["kind"] == HELD_OUT), "customer"].to_numpy(np.int64)
    sent = rows["customer"].to_numpy(np.int64)
    chance: NDArray[np.float64] = rows["propensity"].to_numpy(np.float64)
    given = bool(np.isfinite(chance).all() and (chance > 0).all() and (chance < 1).all())
    return Wave(
        day=day, days=days, depth=depth if depth > 0 else np.nan, min_spend=int(first["min_spend"]), valid_days=valid,
        sent=sent, held_out=np.setdiff1d(out, sent) if len(out) else None, propensity=chance if given else None,
    )  # fmt: skip


def _telling_days(logs: Logs, cut_off_day: int) -> int:
    """Days within which about a tenth of the customers order anyway, at the rate of all who have ordered."""
    visits = logs.visits[logs.visits["day"] <= cut_off_day]
    present = np.maximum(cut_off_day + 1 - logs.customers["first_day"].to_numpy(np.int64), 0).sum()
    rate = min(max(len(visits) / max(int(present), 1), 1e-4), 0.9)
    return int(np.clip(np.log(1 - USUAL_SHARE) / np.log(1 - rate), SHORTEST_DAYS, LONGEST_DAYS))


def _window(day: int, valid_days: int, longest: int, size: int, sizes: list[tuple[int, int]]) -> int:
    """Days to watch. A coupon's window ends before the next large wave, whose receivers are no comparison any more."""
    return min([valid_days, longest, *(later - day for later, n in sizes if later > day and n >= CUTS * size)])
