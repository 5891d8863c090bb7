"""Logged figures: facts that are counted in the logs of an experiment, in the weeks before its cut-off."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.calibrating.facts import COUNTS, LOGS, OverWeeks
from experiments.calibrating.targets import Targets, place
from experiments.data.logs import Logs
from experiments.ground import Ground, cut_off_of
from experiments.metrics import DAYS_A_WEEK
from experiments.reporting.suppression import FEWEST
from sim.errors import SpecError
from sim.spec import Document

TOUCHES = {"mutes": "mute", "deletes": "delete", "chats": "chat", "replies": "reply"}  # count to kind of touch
NEEDS_TOUCHES = {"mute_rate": "mute", "delete_rate": "delete", "reply_rate": "reply"}  # fact to kind of touch


def with_logged_figures(targets: Targets, ground: Ground, document: Document) -> Targets:
    """Targets in which every ``value: logs`` is a number: what the last weeks before the cut-off say.

    A fact over n simulated weeks is counted in the n weeks up to the cut-off, or in as many as the logs have. Days
    after the cut-off are never looked at.

    Raises
    ------
    SpecError
        With file and line, when the logs do not hold what is to be counted.
    """
    assert ground.logs is not None
    assert ground.training is not None
    cut_off = (cut_off_of(ground.training) - ground.logs.origin).days
    found = {}
    for name, fact in targets.facts.items():
        if not isinstance(fact, OverWeeks) or fact.value != LOGS:
            continue
        where = place(document, "facts", name, "value")
        if fact.kind in NEEDS_TOUCHES and ground.logs.touches is None:
            raise SpecError(
                "these logs have no touches", place=where, cure="add a file of touches, or write the figure"
            )
        first, last = fact.span(ground.scenario)
        weeks = min(last - first + 1, (cut_off + 1) // DAYS_A_WEEK)
        if weeks < 1:
            raise SpecError("the logs have no whole week before the cut-off", place=where, cure="move the cut-off")
        if customers_behind(fact, ground.logs, cut_off, weeks) < FEWEST:
            raise SpecError(
                f"in the logs this stands for fewer than {FEWEST} customers, and no figure may", place=where,
                cure="count more weeks, or write the figure with its source",
            )  # fmt: skip
        value = figure(fact, ground.logs, cut_off, weeks)
        found[name] = fact.model_copy(update={"value": value})
    return targets.model_copy(update={"facts": {**targets.facts, **found}})


def figure(fact: OverWeeks, logs: Logs, cut_off: int, weeks: int) -> float:
    """A fact's figure in the weeks that end with the cut-off, in days since the origin of the logs."""
    first = cut_off - weeks * DAYS_A_WEEK + 1
    visits = logs.visits[logs.visits["day"].between(first, cut_off)]
    sums = dict.fromkeys(COUNTS, 0.0)
    sums |= {"orders": float(len(visits)), "revenue": float(visits["net"].sum()) / 100}
    if logs.touches is not None:
        touches = logs.touches[logs.touches["day"].between(first, cut_off)]
        counted = touches["kind"].value_counts()
        sums |= {name: float(counted.get(kind, 0)) for name, kind in TOUCHES.items()}
    return fact.rate(sums, people_in_logs(logs, np.arange(first, cut_off + 1, DAYS_A_WEEK)), weeks)


def customers_behind(fact: OverWeeks, logs: Logs, cut_off: int, weeks: int) -> int:
    """How many customers did what a figure counts."""
    kind = NEEDS_TOUCHES.get(fact.kind)
    if kind is None:
        rows = logs.visits
    else:
        assert logs.touches is not None
        rows = logs.touches[logs.touches["kind"] == kind]
    return int(rows.loc[rows["day"].between(cut_off - weeks * DAYS_A_WEEK + 1, cut_off), "customer"].nunique())


def people_in_logs(logs: Logs, days: NDArray[np.int64]) -> tuple[float, float]:
    """Mean number of contacts, and of those not muted, at the beginning of these days."""
    joined = logs.customers["first_day"]
    if "joined_day" in logs.customers:
        joined = logs.customers["joined_day"].fillna(joined).clip(upper=joined)
    there = np.sort(joined.to_numpy(np.int64))
    contacts = np.searchsorted(there, days, side="left").astype(np.float64)
    gone = np.array([states_before(logs.touches, int(day)) for day in days]).reshape(len(days), 2)
    contacts = contacts - gone[:, 0]
    return float(contacts.mean()), float((contacts - gone[:, 1]).mean())


def states_before(touches: pd.DataFrame | None, day: int) -> tuple[int, int]:
    """How many customers had deleted, and how many others had muted, before a day."""
    if touches is None:
        return 0, 0
    moves = touches[touches["kind"].isin(["mute", "unmute", "delete"]) & (touches["day"] < day)]
    deleted = set(moves.loc[moves["kind"] == "delete", "customer"])
    last = moves[moves["kind"] != "delete"].sort_values("day", kind="stable").groupby("customer")["kind"].last()
    muted = last.index[last == "mute"]
    return len(deleted), sum(customer not in deleted for customer in muted)
