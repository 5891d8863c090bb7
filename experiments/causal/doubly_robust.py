"""Doubly robust estimates where nobody wrote down the chances: the library DoubleML on the histories of the logs.

It assumes that targeting followed what the logs show of the past (and luck), which the checks of ``touches`` probe.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from experiments.causal.comparison import (
    FOLDS,
    NEAR_CERTAIN,
    Comparison,
    Flags,
    chance_model,
    compared,
    cross_predicted,
    folds_of,
    outcome_model,
)  # fmt: skip
from experiments.causal.effect import FEWEST_TARGETED, Estimate
from experiments.causal.orders import Floats
from experiments.data.logs import Ints
from sim.errors import DataError

CURE = "install the extra: pip install 'siyu[causal]'"
FEWEST_OF_A_RULE = 300  # rows of the sent, and of the others; assumed
LEAST = 0.01  # chances below are taken for this; who is so seldom sent it weighs next to nothing


def is_installed() -> bool:
    """Whether the library is there; it takes seconds to import."""
    return find_spec("doubleml") is not None


def need_library() -> None:
    """Raise DataError, which says what to install, where the library is missing."""
    if not is_installed():
        raise DataError("doubly robust estimates need the package doubleml", cure=CURE)


def chances(x: Floats, sent: Floats, customer: Ints, rule: Ints) -> tuple[Floats, Flags]:
    """Chance of each row to be sent it, and which rows have comparable others.

    Every ``rule`` with rows enough is learned for itself; the others together.
    """
    fold, size = folds_of(customer), np.bincount(rule, np.minimum(sent, 1))
    small = np.minimum(size, np.bincount(rule) - size) < FEWEST_OF_A_RULE
    found = np.empty(len(sent))
    for which in {int(r) for r in np.unique(np.where(small[rule], -1, rule))}:
        rows = np.flatnonzero(small[rule] if which < 0 else rule == which)
        found[rows] = cross_predicted(chance_model(), x[rows], sent[rows], fold[rows], np.ones(len(rows), bool))
    return np.clip(found, LEAST, 1 - LEAST), found <= NEAR_CERTAIN


def doubly_robust(y: Floats, sent: Floats, chance: Floats, x: Floats, customer: Ints) -> Comparison:
    """Effect on the sent by DoubleML's interactive regression model with these chances, clustered by customer."""
    model = _fitted(y, sent, chance, x, customer, outcome_model())
    untouched = model.predictions["ml_g0"][:, 0, 0]
    found = compared(y, sent, chance, untouched, customer)
    return replace(found, effect=Estimate(float(model.coef[0]), float(model.se[0])))


def robust_change(rows: pd.DataFrame, change: pd.Series, history: tuple[str, ...]) -> Estimate | None:
    """Doubly robust difference in differences of stacked campaigns (``differences.stack``).

    A change in place of the outcome makes the interactive regression model the estimator of Sant'Anna & Zhao (2020).
    None where fewer than 30 of those who were sent it are like anybody who was not.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    campaigns = pd.get_dummies(rows["campaign_id"]).to_numpy(np.float64)
    overlap = [name for name in rows.columns if name.startswith("overlap_")]
    x = np.column_stack([rows[[*history, *overlap]].to_numpy(np.float64), campaigns])
    sent, customer = rows["targeted"].to_numpy(np.float64), rows["customer"].to_numpy(np.int64)
    chance, comparable = chances(x, sent, customer, np.zeros(len(sent), np.int64))
    if sent[comparable].sum() < FEWEST_TARGETED:
        return None
    learner = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=8, min_samples_leaf=60, random_state=0)
    at = np.flatnonzero(comparable)
    model = _fitted(change.to_numpy(np.float64)[at], sent[at], chance[at], x[at], customer[at], learner)
    return Estimate(float(model.coef[0]), float(model.se[0]))


def _fitted(
    y: Floats, sent: Floats, chance: Floats, x: Floats, customer: Ints | None, learner: Any, score: str = "ATTE"
) -> Any:
    """The library's model; rows of one customer are alike, and without ``customer`` none are."""
    need_library()
    import doubleml  # seconds to import

    names = [f"x{i}" for i in range(x.shape[1])]
    frame = pd.DataFrame(x, columns=names).assign(y=y, sent=sent)
    owner = np.arange(len(y)) if customer is None else customer
    clusters = None if customer is None else "customer"
    if clusters:  # a loop of the library over all of them, so that the many of one row each are better not named
        frame[clusters] = owner
    data = doubleml.DoubleMLData(frame, y_col="y", d_cols="sent", x_cols=names, cluster_cols=clusters)
    fold = folds_of(owner)
    model = doubleml.DoubleMLIRM(
        data, ml_g=learner, ml_m=chance_model(), n_folds=FOLDS, score=score, draw_sample_splitting=False
    )
    splits = [(np.flatnonzero(fold != part), np.flatnonzero(fold == part)) for part in range(FOLDS)]
    owners = [([np.unique(owner[train])], [np.unique(owner[test])]) for train, test in splits]
    model.set_sample_splitting([splits], [owners] if clusters else None)
    model.fit(external_predictions={"sent": {"ml_m": chance[:, None]}})
    return model


def by_lot(y: Floats, sent: Floats, x: Floats, chance: float, learner: Any) -> Estimate:
    """Average effect in a randomised test by DoubleML, with the chance of the lot and a regression by ``learner``."""
    model = _fitted(y, sent, np.full(len(y), chance), x, None, learner, score="ATE")
    return Estimate(float(model.coef[0]), float(model.se[0]))
