"""Learn from logs when customers order, for how much, and when they fall silent."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from agents.birth import SEASON_DAYS, Learned
from agents.models import CustomerModels, History
from experiments.data import Logs
from experiments.learning.contact import ContactTraining, learn_contact
from experiments.learning.evaluate import evaluate
from experiments.learning.learn import Window, learn
from experiments.learning.model_card import ModelCard
from experiments.learning.replay import NEVER, Diary, Floats, Follower, Ints, sample_customers
from experiments.learning.trained import DIMENSIONS
from experiments.reporting.suppression import FEWEST
from sim import DataError

FEWEST_DAYS = 56  # of logs before the cut-off; assumed
FEWEST_CUSTOMERS = 30  # with an order before the cut-off; assumed
FEWEST_REPEATS = 50  # orders that follow another one within lapse_days; assumed
SHORTEST_LAPSE_DAYS = 14  # assumed
GAP_QUANTILE = 0.99  # lapse_days 'auto': silence longer than this share of the gaps
BURN_IN_DAYS = 28  # after the start of the logs, when nothing is known of anybody yet; at most a tenth of the window
MAX_ROWS = 1_200_000  # customer-days to learn from; of bigger logs a fixed random sample of the customers is used


@dataclass(frozen=True)
class Training:
    """What was learned, how good it is, and where it leaves everybody.

    Attributes
    ----------
    models : the models.
    card : what they are made of and how they did on the days after the cut-off.
    state : one row per customer who joined or ordered by the cut-off; day -1 is the cut-off day.
    customer : code of each of these customers in ``logs.customers``, shape (n,).
    p_lapsed : probability that each has lapsed by then, shape (n,).
    spend_before : net spend of each in the 91 days before day 0, cents, shape (n,).
    contact : hazards of contact and trust; None where the logs have no mutes, deletions, replies or dated tags.
    classes : region and age band of each, where the logs have them; see ``Learned``.
    """

    models: CustomerModels
    card: ModelCard
    state: History
    customer: Ints
    p_lapsed: Floats
    spend_before: Ints
    contact: ContactTraining | None = None
    classes: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)

    def learned(self) -> Learned:
        """What the world needs of it."""
        contact = self.contact.learned() if self.contact else None
        return Learned(self.models, self.state, self.p_lapsed, self.spend_before, contact, self.classes)


def train(logs: Logs, *, cut_off: datetime.date | None = None, lapse_days: int | Literal["auto"] = "auto") -> Training:
    """Train all models on the days up to a cut-off and judge them on the days after it.

    Parameters
    ----------
    cut_off : last day that training may see. Default: leave the last quarter of the logs, and at least ``lapse_days``.
    lapse_days : days of silence after which a customer counts as lapsed. ``'auto'``: whole weeks, longer than 99 % of
        the gaps between orders, at most a third of the days that are learned from.

    Raises DataError where there is too little to learn from.
    """
    with threadpool_limits(1):  # threads of BLAS and OpenMP wait for each other actively: slower on a busy machine
        return _train(logs, cut_off, lapse_days)


def _train(logs: Logs, cut_off: datetime.date | None, lapse_days: int | Literal["auto"]) -> Training:
    cut_day = _cut_day(logs, cut_off, lapse_days)
    diary = Diary.of(logs, cut_day)
    window = _window(logs, diary, cut_day, lapse_days)
    sample = diary.only(sample_customers(diary, max(MAX_ROWS // (cut_day + 1), FEWEST_CUSTOMERS)))
    models, slope = learn(sample, window, source=f"{logs.name} {logs.digest}")
    models = models.model_copy(update={"trained_on": logs.digest, "cut_off": _date(logs, cut_day)})
    follower = Follower(models, diary)
    for day in range(cut_day + 1):
        follower.advance(day)
    known = np.flatnonzero(diary.joined <= cut_day)
    state = follower.history.rebased(cut_day + 1).taken(known)
    state.key[:] = logs.keys[known]
    card = evaluate(models, logs, first_day=window.first_day, cut_day=cut_day, slope=slope)
    contact = learn_contact(logs, cut_off=_date(logs, cut_day), customers=known)
    card = contact.on(card) if contact else card
    season = diary.day > cut_day - SEASON_DAYS
    spent = np.bincount(diary.customer[season], diary.net[season], len(diary.joined))
    return Training(
        models=models,
        card=card,
        state=state,
        customer=known,
        p_lapsed=follower.p_lapsed(cut_day)[known],
        spend_before=spent[known].astype(np.int64),
        contact=contact,
        classes=classes_of(logs, known),
    )


def classes_of(logs: Logs, customers: NDArray[np.intp]) -> dict[str, NDArray[np.str_]]:
    """Classes of these customers in each dimension that the logs name; '' for one that fewer than ten are of."""
    found = {}
    for name in DIMENSIONS:
        if name in logs.customers:
            texts = logs.customers[name].iloc[customers].fillna("").astype(str)
            few = texts.map(texts.value_counts()) < FEWEST
            found[name] = texts.mask(few, "").to_numpy(np.str_)
    return found


def _date(logs: Logs, day: int) -> datetime.date:
    return logs.origin + datetime.timedelta(days=day)


def _cut_day(logs: Logs, cut_off: datetime.date | None, lapse_days: int | str) -> int:
    if cut_off is None:
        quarter = (logs.last_day + 1) // 4
        return logs.last_day - max(quarter, 0 if isinstance(lapse_days, str) else lapse_days)
    day = (cut_off - logs.origin).days
    if not 0 <= day <= logs.last_day:
        raise DataError(
            f"the cut-off must be a day of the logs, {logs.origin} to {_date(logs, logs.last_day)}",
            place=logs.name, value=str(cut_off), cure="choose a day between",
        )  # fmt: skip
    return day


def _window(logs: Logs, diary: Diary, cut_day: int, lapse_days: int | str) -> Window:
    """The window, or a DataError where there is too little in it."""
    days = cut_day + 1
    gaps = (following := diary.next_day())[following < NEVER] - diary.day[following < NEVER]
    if lapse_days == "auto":
        wanted = np.quantile(gaps, GAP_QUANTILE) if len(gaps) else 0
        lapse = max(min(7 * int(np.ceil((wanted + 1) / 7)), 7 * (days // 21)), SHORTEST_LAPSE_DAYS)
    else:
        lapse = int(lapse_days)
    repeats = int((gaps <= lapse).sum())
    checks = (
        (days, FEWEST_DAYS, "days of logs up to the cut-off", "bring longer logs or a later cut-off"),
        (days, 2 * lapse, f"days of logs up to the cut-off, twice lapse_days {lapse},", "lower lapse_days"),
        (lapse, 2, "lapse_days", "raise lapse_days"),
        (len(np.unique(diary.customer)), FEWEST_CUSTOMERS, "customers with an order up to the cut-off", "bring more"),
        (repeats, FEWEST_REPEATS, f"orders within {lapse} days of the one before", "bring longer logs"),
    )
    for found, needed, what, cure in checks:
        if found < needed:
            cure += ", or use the cited defaults (a scenario without logs)"
            raise DataError(f"at least {needed} {what} are needed to learn", place=logs.name, value=found, cure=cure)
    return Window(min(BURN_IN_DAYS, days // 10), cut_day, lapse)
