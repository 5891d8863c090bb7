"""Estimation: hazards of those who have not lapsed, of lapsing and of coming back, and the value of orders.

Whether an order was followed by silence is known only ``lapse_days`` later. The orders at the end of the logs therefore
enter with a probability, which Bayes gives from the silence so far under the models, and the models are fitted again
with it (expectation and maximisation); so the last weeks, which matter most, are not thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.models import CustomerModels, Hazard
from agents.models.defaults import COMEBACK_PER_DAY, default_models
from experiments.fit import fit_basket, fit_hazard, recalibrated, sharpness
from experiments.replay import NEVER, Design, Diary, Floats, Follower, Ints, build_design

WEEKDAYS = tuple(f"weekday_{number}" for number in range(6))
KNOTS = (3, 8, 14, 28, 56, 112, 224)  # days since the last order where its effect may bend, up to half of lapse_days
PERSON = ("log_tenure", "only_order", "rate_7", "rate_28", "rate_112")
RHYTHM = ("gaps_known", "gap_mean", "gap_sd", "late", "late_even", "late_far")
LAPSE = ("log_tenure", "only_order", "rate_7", "rate_28", "rate_112", "gap_mean", "gap_sd",
         "net_known", "net_mean", "net_last", "weekday_share")  # fmt: skip
COMEBACK = ("log_since", "rate_112")
BASKET = ("log_since", "since_is_1", "since_above_8", "no_order", "only_order", "gaps_known", "gap_mean", "late",
          "weekday_share", "weekend", "net_known", "net_mean", "net_recent", "net_last")  # fmt: skip
LAPSE_PRIOR = 0.01  # where lapses are too few to learn from; Complete Journey 2017: 1.1 % of orders
MEMORY_DAYS = 91.0  # half-life of a row's weight: habits drift. Cut the bias of the next 8 weeks by a third
PASSES = 2  # of expectation and maximisation over unfinished silences; a third moves log-loss by less than 1e-5
SLICE = 5  # the last fifth of the window tells whether the logits are too far apart
CLEAR = 2.5  # standard errors that a slope must be away from one to be corrected


@dataclass(frozen=True)
class Window:
    """Days that are learned from, first and last; and the days of silence after which a customer counts as lapsed."""

    first_day: int
    cut_day: int
    lapse_days: int


def learn(diary: Diary, window: Window, source: str) -> tuple[CustomerModels, dict[str, float]]:
    """Models of a diary that ends at the cut-off, and what was found about their sharpness."""
    lapse_days = window.lapse_days
    knots = tuple(f"since_above_{knot}" for knot in KNOTS if knot <= lapse_days / 2)
    since = ("log_since", "since_is_1", "since_is_2", *knots, f"closing_{lapse_days}")
    daily = (*since, *WEEKDAYS, *PERSON, *RHYTHM, "weekday_share", "weekday_share_2", "net_recent")
    design = build_design(
        diary, daily=daily, lapse=LAPSE, basket=BASKET, first_day=window.first_day, last_day=window.cut_day
    )
    late = diary.day >= window.first_day
    basket = fit_basket(BASKET, design.basket_x[:, late], diary.net[late], source=f"GammaRegressor on {source}")
    models = default_models(orders_per_year=1, basket_cents=1, lapse_days=lapse_days)  # replaced below, part by part
    models = models.model_copy(update={"basket": basket, "comeback": _comeback(diary, design, window, daily, source)})
    active = _first_guess(diary, window)
    for step in range(PASSES + 1):
        update = _maximise(diary, design, window, daily, active, source)
        models = models.model_copy(update=dict(update))
        if step < PASSES:
            active = _expect(diary, window, models, active)
    hazard, slope = _sharpen(diary, design, window, active, models.repurchase, source)
    return models.model_copy(update={"repurchase": hazard}), slope


def _day(diary: Diary, design: Design) -> Ints:
    return diary.day[design.opened_by] + design.since


def _memory(window: Window, day: Ints) -> Floats:
    return np.exp2(-(window.cut_day - day) / MEMORY_DAYS)


def _comeback(diary: Diary, design: Design, window: Window, daily: tuple[str, ...], source: str) -> Hazard:
    gone = design.since > window.lapse_days
    x = design.daily_x[[daily.index(name) for name in COMEBACK]][:, gone]
    weight = _memory(window, _day(diary, design)[gone])
    y = design.daily_y[gone].astype(np.float64)
    return fit_hazard("comeback", COMEBACK, x, y, weight=weight, prior=COMEBACK_PER_DAY, source=source)


def _finished(diary: Diary, window: Window) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Days to each order's next one, whether it came within lapse_days, and whether that is known at the cut-off."""
    gap = diary.next_day() - diary.day
    active = gap <= window.lapse_days
    return gap, active, active | (np.minimum(gap, window.cut_day - diary.day) >= window.lapse_days)


def _first_guess(diary: Diary, window: Window) -> Floats:
    """P(the next order comes within lapse_days) for each order: 0 or 1 where known, else from the silence so far."""
    gap, active, known = _finished(diary, window)
    finished = np.where(active, gap, NEVER)[known]
    silence = np.arange(window.lapse_days + 1)
    longer = (finished[None, :] > silence[:, None]).sum(axis=1)
    returns = longer - (finished > window.lapse_days).sum()
    share = (returns + 0.5) / (longer + 1.0)
    return np.where(known, active, share[np.minimum(window.cut_day - diary.day, window.lapse_days)])


def _maximise(
    diary: Diary, design: Design, window: Window, daily: tuple[str, ...], active: Floats, source: str
) -> list[tuple[str, Hazard]]:
    """Hazards, given how probable it is of each order that it was not the last one."""
    weight = _weight(diary, design, window, active)
    repurchase = fit_hazard(
        "repurchase", daily, design.daily_x, design.daily_y.astype(np.float64),
        weight=weight, prior=LAPSE_PRIOR, source=f"LogisticRegression on {source}",
    )  # fmt: skip
    lapse = fit_hazard(
        "lapse", LAPSE, design.lapse_x, 1.0 - active,
        weight=np.where(diary.day >= window.first_day, _memory(window, diary.day), 0.0),
        prior=LAPSE_PRIOR, source=f"LogisticRegression on {source}",
    )  # fmt: skip
    return [("repurchase", repurchase), ("lapse", lapse)]


def _weight(diary: Diary, design: Design, window: Window, active: Floats) -> Floats:
    """Weight of each daily row for the repurchase hazard, which is about those who have not lapsed."""
    at_risk = np.where(design.since <= window.lapse_days, active[design.opened_by], 0.0)
    return at_risk * _memory(window, _day(diary, design))


def _expect(diary: Diary, window: Window, models: CustomerModels, active: Floats) -> Floats:
    """P(not lapsed) of each order, given the models: known, or by Bayes from the silence up to the cut-off."""
    follower = Follower(models, diary)
    for day in range(window.cut_day + 1):
        follower.advance(day)
    _, _, known = _finished(diary, window)
    return np.where(known, active, 1.0 - follower.p_lapsed(window.cut_day)[diary.customer])


def _sharpen(
    diary: Diary, design: Design, window: Window, active: Floats, hazard: Hazard, source: str
) -> tuple[Hazard, dict[str, float]]:
    """Platt's slope, measured on the last fifth of the window by a model of the days before, corrected if clear.

    The level is not taken from that slice: the final model has seen those weeks, and correcting it again made the
    next eight weeks worse.
    """
    day, weight = _day(diary, design), _weight(diary, design, window, active)
    y = design.daily_y.astype(np.float64)
    split = window.cut_day - (window.cut_day + 1) // SLICE
    early = fit_hazard(
        "repurchase", hazard.features, design.daily_x, y,
        weight=np.where(day <= split, weight, 0.0), prior=LAPSE_PRIOR, source=source,
    )  # fmt: skip
    late = day > split
    if not early.features:
        return hazard, {"slope": 1.0, "standard_error": 0.0, "applied": 0.0}
    slope, error = sharpness(early, design.daily_x[:, late], y[late], weight[late], (day[late] - split - 1) // 7)
    applied = abs(slope - 1.0) > CLEAR * error > 0
    if applied:
        hazard = recalibrated(hazard, slope, design.daily_x, y, weight)
    return hazard, {"slope": slope, "standard_error": error, "applied": float(applied)}
