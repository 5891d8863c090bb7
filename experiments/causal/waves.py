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
    days, found = terms["day"].value_counts(), []
    sizes = [(int(str(day)), int(n)) for day, n in days.items()]
    for _, rows in terms.groupby(["day", "depth", "min_spend", "valid_days"]):
        rows = rows.drop_duplicates("customer")
        if len(rows) >= SMALLEST_WAVE:
            found.append(_wave(rows, sizes, touches, is_coupon=kind == "coupon_issued"))
    complete = [wave for wave in found if wave.day + wave.days - 1 <= cut_off_day]
    largest = sorted(complete, key=lambda wave: (-len(wave.sent), wave.day))[:MOST_WAVES]
    return sorted(largest, key=lambda wave: (wave.day, wave.depth, wave.min_spend, wave.valid_days))


def _wave(rows: pd.DataFrame, sizes: list[tuple[int, int]], touches: pd.DataFrame, *, is_coupon: bool) -> Wave:
    first = rows.iloc[0]
    day, valid, depth = int(first["day"]), int(first["valid_days"]), float(first["depth"])
    days = _window(day, valid, len(rows), sizes) if is_coupon else MESSAGE_DAYS
    held = touches["campaign_id"].isin(set(rows["campaign_id"]) - {""}) & (touches["day"] == day)
    out = touches.loc[held & (touches["kind"] == HELD_OUT), "customer"].to_numpy(np.int64)
    sent = rows["customer"].to_numpy(np.int64)
    chance: NDArray[np.float64] = rows["propensity"].to_numpy(np.float64)
    given = bool(np.isfinite(chance).all() and (chance > 0).all() and (chance < 1).all())
    return Wave(
        day=day, days=days, depth=depth if depth > 0 else np.nan, min_spend=int(first["min_spend"]), valid_days=valid,
        sent=sent, held_out=np.setdiff1d(out, sent) if len(out) else None, propensity=chance if given else None,
    )  # fmt: skip


def _window(day: int, valid_days: int, size: int, sizes: list[tuple[int, int]]) -> int:
    """Days to watch. A coupon's window ends before the next large wave, whose receivers are no comparison any more."""
    longest = min(valid_days, LONGEST_DAYS) if valid_days > 0 else LONGEST_DAYS
    return min([longest, *(later - day for later, n in sizes if later > day and n >= CUTS * size)])
