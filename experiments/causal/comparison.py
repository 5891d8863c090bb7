"""Comparison: the effect on those who were sent something, by weighting the others until they look the same.

Augmented inverse propensity weighting for the treated: what is left of each outcome beyond a regression on the history
is averaged over the sent and, weighted by the odds to be sent, over the others. It is right when either the chances or
the regression are (doubly robust); with chances that a lot gave, whatever the regression says (Robins, Rotnitzky & Zhao
1994). All predictions of a customer come from models that saw other customers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.causal.effect import Estimate
from experiments.causal.orders import Floats
from experiments.data.logs import Ints

FOLDS = 3
NEAR_CERTAIN = 0.95  # assumed; of those whom rules send it nearly always, too few were left out to compare with
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """An effect on the sent, in probability.

    Attributes
    ----------
    effect : mean effect on the probability of the outcome, standard error clustered by customer.
    with_it : share of the sent with the outcome.
    score : contribution of each row; the effect on any part of the sent is the part's sum over its number of sent.
    untouched : probability of the outcome without being sent anything, by row.
    sent, customer : of each row.
    """

    effect: Estimate
    with_it: float
    score: Floats
    untouched: Floats
    sent: Floats
    customer: Ints

    @property
    def without(self) -> float:
        """Share of the sent who would have had the outcome anyway."""
        return self.with_it - self.effect.mean

    def influence(self, rows: Flags | None = None) -> Floats:
        """Influence of each row on the effect on a part of the sent; sums to 0."""
        rows = np.ones(len(self.sent), bool) if rows is None else rows
        n = self.sent[rows].sum()
        mean = self.score[rows].sum() / n
        return np.where(rows, (self.score - mean * self.sent) / n, 0.0)

    def of(self, rows: Flags) -> Estimate:
        """Effect on a part of the sent."""
        n = self.sent[rows].sum()
        if n == 0:
            return Estimate(np.nan, np.nan)
        return Estimate(float(self.score[rows].sum() / n), clustered_sd(self.influence(rows), self.customer))


def clustered_sd(influence: Floats, customer: Ints) -> float:
    """Standard error of an average from the influence of each row, rows of one customer being alike."""
    _, place = np.unique(customer, return_inverse=True)
    sums = np.bincount(place, influence)
    return float(np.sqrt(np.square(sums).sum() * len(sums) / max(len(sums) - 1, 1)))


def folds_of(customer: Ints) -> Ints:
    """Fold of each row, 0 to FOLDS − 1; all rows of a customer share one, and it is the same in every call."""
    _, place = np.unique(customer, return_inverse=True)
    fold = np.random.default_rng(0).permutation(int(place.max(initial=-1)) + 1) % FOLDS
    found: Ints = fold[place].astype(np.int64)
    return found


def outcome_model() -> Any:
    """A logistic regression that is smooth in every column of the history."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    return make_pipeline(
        SplineTransformer(n_knots=4, degree=2, knots="quantile", extrapolation="linear"),
        StandardScaler(),
        LogisticRegression(C=1.0, max_iter=300),
    )


def chance_model() -> Any:
    """Trees, since rules by which operators choose have thresholds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.1, max_leaf_nodes=15, min_samples_leaf=40, l2_regularization=5.0, random_state=0
    )


def cross_predicted(model: Any, x: Floats, y: Floats, fold: Ints, seen: Flags) -> Floats:
    """Probability of the outcome by a model of the other folds' ``seen`` rows. Shape (n,)."""
    found = np.empty(len(y))
    for part in range(FOLDS):
        train, held = seen & (fold != part), fold == part
        if np.ptp(y[train]) == 0:
            found[held] = y[train].mean()
        else:
            model.fit(x[train], y[train].astype(np.int64))
            found[held] = model.predict_proba(x[held])[:, 1]
    return found


def compare(y: Floats, sent: Floats, chance: Floats, x: Floats, customer: Ints) -> Comparison:
    """Effect on the sent with known chances. All arrays by row; ``chance`` strictly between 0 and 1."""
    untouched = cross_predicted(outcome_model(), x, y, folds_of(customer), sent == 0)
    return compared(y, sent, chance, untouched, customer)


def compared(y: Floats, sent: Floats, chance: Floats, untouched: Floats, customer: Ints) -> Comparison:
    """The same from predictions that are there already."""
    odds = chance / (1 - chance)
    score = (sent - (1 - sent) * odds) * (y - untouched)
    n = sent.sum()
    mean = float(score.sum() / n)
    influence = (score - mean * sent) / n
    effect = Estimate(mean, clustered_sd(influence, customer))
    return Comparison(effect, float(y[sent == 1].mean()), score, untouched, sent, customer)
