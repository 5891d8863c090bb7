"""What a learned hazard must beat: simple rules and a flexible challenger, on the same split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln
from sklearn.ensemble import HistGradientBoostingClassifier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEASON_DAYS = 91  # a household's rate is that of its last 13 weeks
LONGEST_SILENCE = 91  # longer silences share a cell of the recency table
CHALLENGER_ROWS = 120_000  # of training for the boosted trees: more cost seconds and gain little
CHALLENGER_ROUNDS = 80


def recency_table(since: Ints, y: NDArray[np.bool_], at: Ints) -> Floats:
    """P(event) by days since the last order, from (since, y), read at other silences; half a pseudo-event a cell."""
    cell = np.minimum(since, LONGEST_SILENCE)
    events = np.bincount(cell, y, LONGEST_SILENCE + 1)
    rows = np.bincount(cell, minlength=LONGEST_SILENCE + 1)
    base = float(y.mean()) if len(y) else 0.5
    table: Floats = (events + base) / (rows + 1.0)
    return table[np.minimum(at, LONGEST_SILENCE)]


class HouseholdRate:
    """Beta-binomial: each customer has a daily rate of its own, seen through the orders of the last 13 weeks.

    Parameters
    ----------
    orders, days : order days and days at risk of each customer in those weeks, shape (n,).
    """

    def __init__(self, orders: Ints, days: Ints) -> None:
        seen = days > 0
        k, n = orders[seen], days[seen]

        def loss(log_ab: Floats) -> float:
            a, b = np.exp(log_ab)
            return -float(np.sum(betaln(a + k, b + n - k) - betaln(a, b)))

        self.a, self.b = np.exp(minimize(loss, np.log([0.5, 5.0]), method="Nelder-Mead").x)

    def p_any(self, orders: Ints, days: Ints, ahead: int) -> Floats:
        """P(an order within the next ``ahead`` days), given the orders in the last ``days`` days."""
        a, b = self.a + orders, self.b + np.maximum(days - orders, 0)
        none: Floats = np.exp(betaln(a, b + ahead) - betaln(a, b))
        return 1.0 - none


def challenger(x: Floats, y: NDArray[np.bool_], at: Floats) -> Floats:
    """P(event) by boosted trees on the same covariates, (features, rows), trained on an even subsample."""
    rows = np.linspace(0, x.shape[1] - 1, min(CHALLENGER_ROWS, x.shape[1])).astype(np.intp)
    model = HistGradientBoostingClassifier(
        max_iter=CHALLENGER_ROUNDS, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=100, early_stopping=False,
        random_state=0,
    )  # fmt: skip
    p: Floats = model.fit(x[:, rows].T, y[rows]).predict_proba(at.T)[:, 1]
    return p
