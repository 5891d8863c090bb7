"""Judge models on the days after their cut-off, with the replay that they were trained with."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import numpy as np
import sklearn
from numpy.typing import NDArray

from agents.models import CustomerModels, covariates
from experiments.data import Logs
from experiments.learning.baselines import SEASON_DAYS, HouseholdRate, challenger, recency_table
from experiments.learning.model_card import ModelCard, Task, reliability, score, score_basket
from experiments.learning.replay import Diary, Floats, Follower, Ints, sample_customers

Flags = NDArray[np.bool_]

MAX_ROWS = 1_200_000  # customer-days to judge on; of bigger logs a fixed random sample of the customers
HORIZONS = {"week": 7, "four_weeks": 28, "eight_weeks": 56}  # days within which any order counts
FEWEST_ROWS = 50  # a question with fewer forecasts is left out of the card; assumed
THINNING = 4  # every fourth customer-day of training is enough for the boosted trees
PRIOR_BASKETS = 3.0  # overall means that a personal mean basket starts with; assumed


@dataclass
class Asked:
    """One question: what happened in training, for the baselines, and forecasts and outcomes after the cut-off."""

    question: str
    since: tuple[list[Ints], list[Ints]] = field(default_factory=lambda: ([], []))  # before and after the cut-off
    y: tuple[list[Flags], list[Flags]] = field(default_factory=lambda: ([], []))
    x: tuple[list[Floats], list[Floats]] = field(default_factory=lambda: ([], []))
    x_y: list[Flags] = field(default_factory=list)  # outcomes of the thinned covariates before the cut-off
    p: dict[str, list[Floats]] = field(default_factory=dict)

    def happened(self, after: bool, since: Ints, y: Flags) -> None:
        """Remember outcomes, with the days since the last order."""
        self.since[after].append(since)
        self.y[after].append(y)

    def forecast(self, name: str, p: Floats) -> None:
        """Remember forecasts for outcomes after the cut-off, in the same order."""
        self.p.setdefault(name, []).append(p)

    def task(self) -> Task | None:
        """The scores, or None when there is too little to judge."""
        old, y = (np.concatenate([np.empty(0, bool), *parts]) for parts in self.y)
        if len(y) < FEWEST_ROWS:
            return None
        p = {name: np.concatenate(parts) for name, parts in self.p.items()}
        has_covariates = bool(self.x[0]) and len(self.x[0][0]) > 0  # a model of too few events is a constant
        if has_covariates and 0 < (seen := np.concatenate(self.x_y)).sum() < len(seen):
            p["boosted trees"] = challenger(np.concatenate(self.x[0], 1), seen, np.concatenate(self.x[1], 1))
        if len(old) >= FEWEST_ROWS:
            before, after = (np.concatenate(parts) for parts in self.since)
            p["recency table"] = recency_table(before, old, after)
            p["base rate"] = np.full(len(y), old.mean())
        scores = {name: score(forecast, y) for name, forecast in p.items()}
        return Task(self.question, len(y), int(y.sum()), scores, reliability(p["model"], y))


class Judge:
    """Walks through the whole diary once and asks every question on the way."""

    def __init__(self, models: CustomerModels, diary: Diary, first_day: int, cut_day: int, last_day: int) -> None:
        self.models, self.diary = models, diary
        self.first_day, self.cut_day, self.last_day = first_day, cut_day, last_day
        self.follower = Follower(models, diary)
        n, silence = len(diary.joined), models.lapse_days
        self.ordered = np.zeros((n, last_day + 1), dtype=bool)
        self.ordered[diary.customer, diary.day] = True
        counted = self.ordered & (np.arange(last_day + 1) > diary.joined[:, None])
        self.orders = np.concatenate([np.zeros((n, 1), np.int32), counted.cumsum(axis=1, dtype=np.int32)], axis=1)
        seen = np.flatnonzero(diary.first_order() <= cut_day)
        self.household = HouseholdRate(*self._season(seen, cut_day))
        self.next_day = diary.next_day()
        self.tasks = {
            "order": Asked("an order on a day"),
            "comeback": Asked(f"an order on a day after more than {silence} days of silence"),
            "lapse": Asked(f"no order within {silence} days of an order"),
            **{name: Asked(f"any order in the next {days} days") for name, days in HORIZONS.items()},
        }
        self.baskets: list[tuple[Floats, Floats, Floats]] = []  # expected, personal mean, amount
        self.spent, self.bought = np.zeros(n), np.zeros(n)

    def walk(self) -> None:
        """Ask everything."""
        for day in range(self.last_day + 1):
            rows = np.flatnonzero(self.follower.history.orders > 0)
            if day >= self.first_day and len(rows):
                self._ask_day(rows, day)
                if (day - 1 - self.cut_day) % 7 == 0:
                    self._ask_horizons(rows, day - 1)
            self._ask_orders(day)

    def _season(self, rows: NDArray[np.intp], evening: int) -> tuple[Ints, Ints]:
        """Order days and days at risk of some customers in the 13 weeks up to an evening."""
        start = max(evening - SEASON_DAYS, -1)
        orders = self.orders[rows, evening + 1] - self.orders[rows, start + 1]
        return orders.astype(np.int64), evening - np.maximum(self.diary.joined[rows], start)

    def _ask_day(self, rows: NDArray[np.intp], day: int) -> None:
        after = day > self.cut_day
        y, since = self.ordered[rows, day], day - self.follower.history.last_order[rows].astype(np.int64)
        gone = since > self.models.lapse_days
        order, comeback = self.tasks["order"], self.tasks["comeback"]
        order.happened(after, since, y)
        comeback.happened(after, since[gone], y[gone])
        weekday = self.diary.weekday(day)
        names = tuple(dict.fromkeys((*self.models.repurchase.features, "log_since")))
        if after:
            p = self.follower.p_order(rows, day)
            order.forecast("model", p)
            comeback.forecast("model", p[gone])
            order.forecast("household rate", self.household.p_any(*self._season(rows, day - 1), ahead=1))
            order.x[1].append(covariates(names, self.follower.history, rows, day, weekday))
        else:
            thin = rows[day % THINNING :: THINNING]
            order.x[0].append(covariates(names, self.follower.history, thin, day, weekday))
            order.x_y.append(self.ordered[thin, day])

    def _ask_horizons(self, rows: NDArray[np.intp], evening: int) -> None:
        since = evening - self.follower.history.last_order[rows].astype(np.int64)
        for name, days in HORIZONS.items():
            after = evening >= self.cut_day
            if evening + days > (self.last_day if after else self.cut_day):
                continue
            task = self.tasks[name]
            any_order = np.asarray(self.ordered[rows, evening + 1 : evening + days + 1].any(axis=1))
            task.happened(after, since, any_order)
            if after:
                task.forecast("model", 1.0 - self.follower.p_silent(rows, evening, days))
                task.forecast("household rate", self.household.p_any(*self._season(rows, evening), ahead=days))

    def _ask_orders(self, day: int) -> None:
        """Ask what depends on the orders of a day, and let the day pass."""
        entries, history = self.diary.on(day), self.follower.history
        rows, amount = self.diary.customer[entries], self.diary.net[entries].astype(np.float64)
        if day > self.cut_day and len(rows):
            x = covariates(self.models.basket.features, history, rows, day, self.diary.weekday(day))
            overall = self.spent.sum() / self.bought.sum()
            personal = (self.spent[rows] + PRIOR_BASKETS * overall) / (self.bought[rows] + PRIOR_BASKETS)
            season = np.exp(self.models.season.basket_on(self.diary.date(day)))
            self.baskets.append((self.models.basket.mean_cents(x) * season, personal, amount))
        gap = day - np.maximum(history.last_order[rows].astype(np.int64), self.diary.joined[rows])
        self.follower.advance(day)
        self.spent[rows] += amount
        self.bought[rows] += 1
        after = day > self.cut_day
        if day >= self.first_day and day + self.models.lapse_days <= (self.last_day if after else self.cut_day):
            lapse, lapsed = self.tasks["lapse"], np.asarray(self.next_day[entries] - day > self.models.lapse_days)
            lapse.happened(after, gap, lapsed)
            x = covariates(self.models.lapse.features, self.follower.history, rows, day, self.diary.weekday(day))
            lapse.x[after].append(x)
            if after:
                lapse.forecast("model", self.follower.lapse[rows])
            else:
                lapse.x_y.append(lapsed)

    def basket_scores(self) -> dict[str, object]:
        """Scores of expected amounts, and the spread of amounts around them."""
        if not self.baskets or not any(amount.any() for _, _, amount in self.baskets):
            return {}
        mean, personal, amount = (np.concatenate(parts) for parts in zip(*self.baskets, strict=True))
        before = self.diary.net[self.diary.day <= self.cut_day]
        forecasts = {"model": mean, "personal mean": personal, "overall mean": np.full(len(mean), before.mean())}
        paid = amount > 0
        return {
            "orders": len(amount),
            "scores": {name: score_basket(forecast, amount) for name, forecast in forecasts.items()},
            "log_sd_of_ratio": float(np.log(amount[paid] / mean[paid]).std()),
            "log_sd_of_amount": float(np.log(amount[paid]).std()),
        }


def evaluate(models: CustomerModels, logs: Logs, *, first_day: int, cut_day: int, slope: dict[str, float]) -> ModelCard:
    """The card of some models: every question asked on the days of the logs after the cut-off.

    Parameters
    ----------
    first_day, cut_day : the days that the models were trained on.
    slope : what training found about the sharpness of the repurchase hazard.
    """
    diary = Diary.of(logs, logs.last_day)
    tasks: dict[str, Task] = {}
    baskets: dict[str, object] = {}
    if logs.last_day > cut_day:
        sampled = diary.only(sample_customers(diary, MAX_ROWS // (logs.last_day + 1)))
        judge = Judge(models, sampled, first_day, cut_day, logs.last_day)
        judge.walk()
        tasks = {name: task for name, asked in judge.tasks.items() if (task := asked.task())}
        baskets = judge.basket_scores()
    parts = {name: getattr(models, name) for name in ("repurchase", "lapse", "comeback", "basket")}
    return ModelCard(
        data=logs.name,
        digest=logs.digest,
        trained_from=str(logs.origin + datetime.timedelta(days=first_day)),
        cut_off=str(logs.origin + datetime.timedelta(days=cut_day)),
        judged_to=str(logs.origin + datetime.timedelta(days=logs.last_day)),
        lapse_days=models.lapse_days,
        customers=int((diary.first_order() <= cut_day).sum()),
        features={name: list(part.features) for name, part in parts.items()},
        slope=slope,
        tasks=tasks,
        baskets=baskets,
        versions={"scikit-learn": sklearn.__version__, "numpy": np.__version__, "models": models.digest()},
    )
