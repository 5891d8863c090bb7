"""Estimation: hazards of those who have not lapsed, of lapsing and of coming back, and the value of orders.

Whether an order was followed by silence is known only ``lapse_days`` later. The orders at the end of the logs therefore
enter with a probability, which Bayes gives from the silence so far under the models, and the models are fitted again
with it (expectation and maximisation); so the last weeks, which matter most, are not thrown away.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.birth import SEASON_DAYS
from agents.models import Basket, CustomerModels, Hazard, sigmoid
from agents.models.defaults import COMEBACK_PER_DAY, default_models
from agents.models.season import MONTH_DAYS, Season
from experiments.learning.fit import LEAST_RATIO, fit_basket, fit_hazard, recalibrated, sharpness, without_last
from experiments.learning.replay import NEVER, Design, Diary, Floats, Follower, Ints, build_design
from experiments.learning.weather import Strays, noise_and_drift

Flags = NDArray[np.bool_]

WEEKDAYS = tuple(f"weekday_{number}" for number in range(6))
KNOTS = (3, 8, 14, 28, 56, 112, 224)  # days since the last order where its effect may bend, up to half of lapse_days
PERSON = ("log_tenure", "only_order", "rate_7", "rate_28", "rate_112", "rate_ever")
RHYTHM = ("gaps_known", "gap_mean", "gap_sd", "late", "late_even", "late_far")
LAPSE = ("log_tenure", "only_order", "rate_7", "rate_28", "rate_112", "gap_mean", "gap_sd",
         "net_known", "net_mean", "net_last", "weekday_share")  # fmt: skip
COMEBACK = ("log_since", "gaps_known")  # with the rate before the silence, heavy buyers who had stopped came back too
#                                        often: sample and master of CDNOW, splits inside the calibration window
BASKET = ("log_since", "since_is_1", "since_above_8", "no_order", "only_order", "gaps_known", "gap_mean", "late",
          "weekday_share", "weekend", "net_known", "net_mean", "net_variance", "net_recent", "net_last")  # fmt: skip
WIDTHS = ("gaps_known", "gap_mean", "net_known", "net_mean", "net_variance")  # what the spread of baskets depends on
HARMONICS = (1, 2)  # waves of the month: pay days come once or twice
LAPSE_PRIOR = 0.01  # where lapses are too few to learn from; Complete Journey 2017: 1.1 % of orders
BASKET_MEMORY_DAYS = 364.0  # of an order's weight among amounts, which drift less; assumed
FEWEST_PAIRED = 100  # customers with two orders in a season, below which what they have in common is noise; assumed
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
    """Models of a diary that ends at the cut-off, and what was found about their sharpness.

    Parameters
    ----------
    source : name of the data, for the models' own ``source``.
    """
    knots = tuple(f"since_above_{knot}" for knot in KNOTS if knot <= window.lapse_days / 2)
    since = ("log_since", "since_is_1", "since_is_2", *knots, f"closing_{window.lapse_days}")
    daily = (*since, *WEEKDAYS, *PERSON, *RHYTHM, "weekday_share", "weekday_share_2", "net_recent")
    design = build_design(
        diary, daily=daily, lapse=LAPSE, basket=BASKET, first_day=window.first_day, last_day=window.cut_day
    )
    material = Material(diary, window, design, daily, source)
    basket, by_day = material.basket()
    season = Season(basket_by_day=by_day, source=f"weeks of {source}")
    models = default_models(orders_per_year=1, basket_cents=1, lapse_days=window.lapse_days).model_copy(
        update={"basket": basket, "comeback": material.comeback(), "season": season}
    )
    active = material.first_guess()
    for step in range(PASSES + 1):
        repurchase, by_day = material.repurchase(active)
        season = season.model_copy(update={"order_by_day": by_day})
        models = models.model_copy(update={"repurchase": repurchase, "lapse": material.lapse(active), "season": season})
        if step < PASSES:
            active = material.expected(models, active)
    hazard, slope = material.sharpened(models.repurchase, active)
    basket = models.basket.model_copy(update={"personal": material.personal(models)})
    models = models.model_copy(update={"repurchase": hazard, "basket": basket})
    return models.model_copy(update={"season": material.weather(models, active)}), slope


def month_waves(origin: datetime.date, day: Ints) -> Floats:
    """Sines and cosines of the day of the month, shape (waves, n)."""
    return waves(np.arange(1, MONTH_DAYS + 1))[:, day_of_month(origin, day) - 1]


def day_of_month(origin: datetime.date, day: Ints) -> Ints:
    """1 … 31 for each day, shape (n,)."""
    dates = np.datetime64(origin) + day
    return np.asarray((dates - dates.astype("datetime64[M]")).astype(np.int64) + 1)


def waves(day_of_month: Ints) -> Floats:
    """Sines and cosines of days of the month, shape (waves, n)."""
    phase = 2 * np.pi * (day_of_month - 1) / MONTH_DAYS
    return np.stack([wave(n * phase) for n in HARMONICS for wave in (np.sin, np.cos)])


def by_day_of_month(coef: tuple[float, ...]) -> tuple[float, ...]:
    """What waves with these coefficients add on each day of the month."""
    return tuple(float(v) for v in np.array(coef) @ waves(np.arange(1, MONTH_DAYS + 1)))


WAVES = 2 * len(HARMONICS)
WAVE_NAMES = ("log_since",) * WAVES  # stand-ins: waves are covariates of the fit alone, and leave with ``without_last``


@dataclass(frozen=True)
class Material:
    """What the estimators work on. ``active`` is, for each order, P(the next one comes within ``lapse_days``)."""

    diary: Diary
    window: Window
    design: Design
    daily: tuple[str, ...]
    source: str

    @cached_property
    def day(self) -> Ints:
        """Day of each daily row."""
        return self.diary.day[self.design.opened_by] + self.design.since

    @cached_property
    def y(self) -> Floats:
        """Whether there was an order, for each daily row."""
        return self.design.daily_y.astype(np.float64)

    @cached_property
    def within(self) -> Flags:
        """Whether the next order came within ``lapse_days``."""
        return self.diary.next_day() - self.diary.day <= self.window.lapse_days

    @cached_property
    def known(self) -> Flags:
        """Whether that can be known at the cut-off."""
        return self.within | (self.window.cut_day - self.diary.day >= self.window.lapse_days)

    def memory(self, day: Ints) -> Floats:
        """Weight of a day."""
        return np.exp2(-(self.window.cut_day - day) / MEMORY_DAYS)

    @cached_property
    def daily_x(self) -> Floats:
        """Covariates of the daily rows, waves of the month last."""
        return np.concatenate([self.design.daily_x, month_waves(self.diary.origin, self.day)])

    @cached_property
    def customer(self) -> Ints:
        """Whose each daily row is."""
        return self.diary.customer[self.design.opened_by]

    def at_risk(self, active: Floats) -> Floats:
        """Weight of each daily row for the repurchase hazard, which is about those who have not lapsed."""
        share = np.where(self.design.since <= self.window.lapse_days, active[self.design.opened_by], 0.0)
        return share * self.memory(self.day)

    def hazard(
        self, name: str, features: tuple[str, ...], x: Floats, y: Floats, weight: Floats, customer: Ints,
        prior: float = LAPSE_PRIOR,
    ) -> Hazard:  # fmt: skip
        """One logistic regression."""
        source, customers = f"LogisticRegression on {self.source}", len(self.diary.joined)
        return fit_hazard(
            name, features, x, y, weight=weight, customers=customers, prior=prior, source=source, customer=customer
        )

    def repurchase(self, active: Floats, last_day: int | None = None) -> tuple[Hazard, tuple[float, ...]]:
        """Hazard of those who have not lapsed, from the rows up to a day, and what the day of the month adds."""
        weight = self.at_risk(active)
        if last_day is not None:
            weight = np.where(self.day <= last_day, weight, 0.0)
        hazard = self.hazard("repurchase", (*self.daily, *WAVE_NAMES), self.daily_x, self.y, weight, self.customer)
        if not hazard.features:
            return hazard, by_day_of_month((0.0,) * WAVES)
        return without_last(hazard, WAVES), by_day_of_month(hazard.coef[-WAVES:])

    def basket(self) -> tuple[Basket, tuple[float, ...]]:
        """Amounts of all orders, and what the day of the month adds to their log."""
        x = np.concatenate([self.design.basket_x, month_waves(self.diary.origin, self.diary.day)])
        basket = fit_basket(
            (*BASKET, *WAVE_NAMES), x, self.diary.net, source=f"GammaRegressor on {self.source}",
            weight=np.exp2(-(self.window.cut_day - self.diary.day) / BASKET_MEMORY_DAYS), customer=self.diary.customer,
            widths=WIDTHS,
        )  # fmt: skip
        return without_last(basket, WAVES), by_day_of_month(basket.coef[-WAVES:])

    def lapse(self, active: Floats) -> Hazard:
        """Probability that an order is followed by silence."""
        weight = np.where(self.diary.day >= self.window.first_day, self.memory(self.diary.day), 0.0)
        return self.hazard("lapse", LAPSE, self.design.lapse_x, 1.0 - active, weight, self.diary.customer)

    def comeback(self) -> Hazard:
        """Hazard after more than ``lapse_days`` of silence."""
        gone = self.design.since > self.window.lapse_days
        x = self.design.daily_x[[self.daily.index(name) for name in COMEBACK]][:, gone]
        weight = self.memory(self.day[gone])
        return self.hazard("comeback", COMEBACK, x, self.y[gone], weight, self.customer[gone], COMEBACK_PER_DAY)

    def personal(self, models: CustomerModels) -> float:
        """Sd of what the log amounts of a customer have in common beyond what the model knew before each order.

        From the products of pairs of residuals of one customer in the last season, every customer counting once.
        """
        late = self.diary.day > self.window.cut_day - SEASON_DAYS
        if not late.any():
            return 0.0
        x, customer = self.design.basket_x[:, late], self.diary.customer[late]
        mean = models.basket.mean_cents(x) * np.exp(self._monthly(models.season.basket_by_day, self.diary.day[late]))
        logs = np.log(np.maximum(self.diary.net[late] / mean, LEAST_RATIO))
        logs -= logs.mean()
        n = np.bincount(customer)
        pairs = n > 1
        if pairs.sum() < FEWEST_PAIRED:
            return 0.0
        products = np.bincount(customer, logs)[pairs] ** 2 - np.bincount(customer, logs**2)[pairs]
        common = products / (n[pairs] * (n[pairs] - 1))
        return float(np.sqrt(max(common.mean(), 0.0)))

    def weather(self, models: CustomerModels, active: Floats) -> Season:
        """The season, with how far weeks stray from what the models expect of them."""
        at_risk = np.where(self.design.since <= self.window.lapse_days, active[self.design.opened_by], 0.0)
        logit = models.repurchase.logit(self.design.daily_x) + self._monthly(models.season.order_by_day, self.day)
        p = sigmoid(logit)
        due = at_risk * p
        orders = Strays.of(self.day // 7, at_risk * self.y, due, at_risk * p * (1 - p))
        seen = self.diary.day >= self.window.first_day
        day = self.diary.day[seen]
        mean = models.basket.mean_cents(self.design.basket_x[:, seen])
        mean *= np.exp(self._monthly(models.season.basket_by_day, day))
        amount = self.diary.net[seen].astype(np.float64)
        luck = float(np.var(amount / mean))
        baskets = Strays.of(day // 7, amount, mean, luck * mean**2)
        away = float((due * (1 - p)).sum() / due.sum())  # d log p / d logit, of those who order
        order_noise, order_drift = (s / away for s in noise_and_drift(orders))
        basket_noise, basket_drift = noise_and_drift(baskets)
        return models.season.model_copy(
            update={
                "order_noise": order_noise, "order_drift": order_drift,
                "basket_noise": basket_noise, "basket_drift": basket_drift,
            }
        )  # fmt: skip

    def _monthly(self, by_day: tuple[float, ...], day: Ints) -> Floats:
        return np.asarray(np.array(by_day)[day_of_month(self.diary.origin, day) - 1])

    def first_guess(self) -> Floats:
        """``active``: 0 or 1 where known, else the share of finished silences of this length that ended in time."""
        gap = np.where(self.within, self.diary.next_day() - self.diary.day, NEVER)[self.known]
        gap.sort()
        longer = len(gap) - np.searchsorted(gap, np.arange(self.window.lapse_days + 1), side="right")
        share = (longer - longer[-1] + 0.5) / (longer + 1.0)
        silence = np.minimum(self.window.cut_day - self.diary.day, self.window.lapse_days)
        return np.where(self.known, self.within, share[silence])

    def expected(self, models: CustomerModels, active: Floats) -> Floats:
        """``active``, by Bayes from the silence up to the cut-off where it is not known."""
        follower = Follower(models, self.diary)
        for day in range(self.window.cut_day + 1):
            follower.advance(day)
        return np.where(self.known, active, 1.0 - follower.p_lapsed(self.window.cut_day)[self.diary.customer])

    def sharpened(self, hazard: Hazard, active: Floats) -> tuple[Hazard, dict[str, float]]:
        """Platt's slope, measured on the last fifth of the window by a model of the days before; corrected if clear.

        The level is not taken from that slice: the hazard has seen those weeks itself, and moving its level again made
        the eight weeks after them worse (Complete Journey, three splits).
        """
        split = self.window.cut_day - (self.window.cut_day + 1) // SLICE
        early, _ = self.repurchase(active, last_day=split)
        if early.features != hazard.features:
            return hazard, {"slope": 1.0, "standard_error": 0.0, "applied": 0.0}
        late, weight = self.day > split, self.at_risk(active)
        week = (self.day[late] - split - 1) // 7
        slope, error = sharpness(early, self.design.daily_x[:, late], self.y[late], weight[late], week)
        applied = abs(slope - 1.0) > CLEAR * error > 0
        if applied:
            hazard = recalibrated(hazard, slope, self.design.daily_x, self.y, weight)
        return hazard, {"slope": slope, "standard_error": error, "applied": float(applied)}
