"""Rolling origins: short questions asked on evenings of the holdout, states as of then, parameters as of the cut-off.

Will a customer order next week, or stay silent for four or eight? Every forecaster is fitted once, on the past up to
the cut-off; on each evening it is handed the orders up to that evening and none of the later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agents.models import CustomerModels
from experiments.data import Logs
from experiments.forecasting.btyd import ParetoNbd, Records
from experiments.forecasting.direct import Chance, linear_chance, tree_chance
from experiments.forecasting.lessons import SEASON, SINCE, Lessons, active_weeks, covariates, evenings
from experiments.forecasting.order_days import Floats, Ints, OrderDays
from experiments.forecasting.past import Past
from experiments.learning.baselines import HouseholdRate, recency_table
from experiments.learning.model_card import Task, reliability, score
from experiments.learning.replay import Diary, Follower

MOST_ORIGINS = 13  # evenings, a week apart: a season
ACTIVE_WEEKS = 4  # up to an evening, with an order in which a customer counts as active
FEWEST_ROWS = 50  # a question with fewer forecasts is left out; assumed

Flags = NDArray[np.bool_]
Ask = Callable[[Past, int], Floats]
"""P(any order in so many coming weeks) of the customers of a past on its last evening."""


@dataclass(frozen=True)
class Question:
    """What is asked: of how many weeks, about silence or an order, of all customers or the active ones."""

    title: str
    weeks: int
    silence: bool = False
    active: bool = False


QUESTIONS = {
    "next_week": Question("an order in the next week", 1),
    "silent_4": Question("no order in the next 4 weeks", 4, silence=True),
    "silent_8": Question("no order in the next 8 weeks", 8, silence=True),
    "silent_4_active": Question(f"no order in the next 4 weeks, active in the last {ACTIVE_WEEKS}", 4, True, True),
    "silent_8_active": Question(f"no order in the next 8 weeks, active in the last {ACTIVE_WEEKS}", 8, True, True),
}


@dataclass
class Answers:
    """Forecasts about a number of weeks and what happened, evening by evening.

    Attributes
    ----------
    p : P(any order) by forecaster.
    ordered, active : whether there was one, and whether the customer was active.
    """

    p: dict[str, list[Floats]] = field(default_factory=dict)
    ordered: list[Flags] = field(default_factory=list)
    active: list[Flags] = field(default_factory=list)

    def task(self, question: Question, ours: str) -> Task | None:
        """The scores of a question, or None when there is too little to judge."""
        if not self.ordered:
            return None
        rows = np.concatenate(self.active) if question.active else slice(None)
        y = (np.concatenate(self.ordered) != question.silence)[rows]
        if len(y) < FEWEST_ROWS:
            return None
        any_order = {name: np.concatenate(parts)[rows] for name, parts in self.p.items()}
        p = {name: 1.0 - chance if question.silence else chance for name, chance in any_order.items()}
        scores = {name: score(chance, y) for name, chance in p.items()}
        return Task(question.title, len(y), int(y.sum()), scores, reliability(p[ours], y))


def ask_origins(logs: Logs, models: CustomerModels, cut_day: int, days: int, ours: str) -> dict[str, Task]:
    """Scores by question, of those that past and horizon are long enough to ask.

    Parameters
    ----------
    cut_day, days : last day of the past, and days of the horizon.
    ours : name of the models' own row.
    """
    answers = gather(logs, models, cut_day, days, ours)
    asked = {name: answers[question.weeks].task(question, ours) for name, question in QUESTIONS.items()}
    return {name: task for name, task in asked.items() if task is not None}


def gather(logs: Logs, models: CustomerModels, cut_day: int, days: int, ours: str) -> dict[int, Answers]:
    """Forecasts and outcomes by number of weeks. Parameters are those of :func:`ask_origins`."""
    weeks = sorted({question.weeks for question in QUESTIONS.values()})
    origins = {w: _origins(cut_day, days, w) for w in weeks}
    answers = {w: Answers() for w in weeks}
    rivals = fit_rivals(_past(logs, cut_day))
    for evening, follower in _walk(logs, models, max((o[-1] for o in origins.values() if o), default=-1)):
        asked = [w for w in weeks if evening in origins[w]]
        if not asked:
            continue
        codes, past = _seen(logs, evening), _past(logs, evening)
        for w in asked:
            p = {ours: 1.0 - follower.p_silent(codes, evening, 7 * w)}
            p |= {name: ask(past, w) for name, ask in rivals.items()}
            for name, chance in p.items():
                answers[w].p.setdefault(name, []).append(chance)
            answers[w].ordered.append(OrderDays.of_logs(logs, codes, evening + 1, evening + 7 * w).orders() > 0)
            answers[w].active.append(active_weeks(past, evening, ACTIVE_WEEKS) > 0)
    return answers


def p_any(logs: Logs, models: CustomerModels, evening: int, days: int) -> Floats:
    """P(any order in so many days after an evening) of the customers seen by then, in the order of their codes.

    Computed along the path without an order, whose states are all known: what counting replicates would come to if
    there were no end to them. Of a hundred the luck alone costs .009 of AUC (Complete Journey).
    """
    (*_, (_, follower)) = _walk(logs, models, evening)
    return 1.0 - follower.p_silent(_seen(logs, evening), evening, days)


def _past(logs: Logs, evening: int) -> Past:
    """The orders up to an evening, of the customers seen by then. The length of a horizon plays no part here."""
    return Past(OrderDays.of_logs(logs, _seen(logs, evening), 0, evening), 7)


def _origins(cut_day: int, days: int, weeks: int) -> list[int]:
    """Evenings on which so many weeks are asked about; none where the past holds no two such spans."""
    if 14 * weeks > cut_day:
        return []
    return list(range(cut_day, cut_day + days - 7 * weeks + 1, 7))[:MOST_ORIGINS]


def _seen(logs: Logs, evening: int) -> Ints:
    """Codes of the customers who have ordered by an evening."""
    visits = logs.visits
    return np.unique(visits["customer"].to_numpy(np.int64)[visits["day"].to_numpy(np.int64) <= evening])


def _walk(logs: Logs, models: CustomerModels, last: int) -> Iterator[tuple[int, Follower]]:
    """Every evening, and the models with the histories of that evening."""
    follower = Follower(models, Diary.of(logs, last))
    for evening in range(last + 1):
        follower.advance(evening)
        yield evening, follower


def fit_rivals(past: Past) -> dict[str, Ask]:
    """The rivals, each fitted on a past."""
    pareto = ParetoNbd.fit(Records.of(past.orders))
    return {
        "boosted trees": _direct(past, tree_chance),
        "logistic regression": _direct(past, linear_chance),
        "own rate (beta-binomial)": _own_rate(past),
        "Pareto/NBD": lambda now, weeks: pareto.p_any(Records.of(now.orders), weeks),
        "recency table": _recency(past),
    }


def _direct(past: Past, chance: Chance) -> Ask:
    """A direct model for each number of weeks, taught when it is first asked."""

    @cache
    def taught(weeks: int) -> Callable[[Floats], Floats]:
        lessons = _lessons(past, weeks)
        if lessons.any_order.all() or not lessons.any_order.any():
            return lambda at: np.full(len(at), float(lessons.any_order.mean()))
        return chance(lessons.x, lessons.any_order)

    return lambda now, weeks: taught(weeks)(covariates(now, now.orders.days - 1))


def _lessons(past: Past, weeks: int) -> Lessons:
    return Lessons.of(past, evenings(past, 7 * weeks), 7 * weeks)


def _own_rate(past: Past) -> Ask:
    """Each customer's own share of weeks with an order, of the last thirteen, shrunk to the population's."""

    def seen(now: Past) -> tuple[Ints, Ints]:
        evening = now.orders.days - 1
        return (
            active_weeks(now, evening, SEASON, repeats=True),
            np.minimum(-(-(evening - now.joined) // 7), SEASON),
        )

    rate = HouseholdRate(*seen(past))
    return lambda now, weeks: rate.p_any(*seen(now), ahead=weeks)


def _recency(past: Past) -> Ask:
    """P(any order) by days since the last order alone."""

    @cache
    def taught(weeks: int) -> Lessons:
        return _lessons(past, weeks)

    def ask(now: Past, weeks: int) -> Floats:
        lessons, at = taught(weeks), covariates(now, now.orders.days - 1)
        since, silent = (x[:, SINCE].astype(np.int64) for x in (lessons.x, at))
        return recency_table(since, lessons.any_order, silent)

    return ask
