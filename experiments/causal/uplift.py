"""Uplift: who gains from being sent something, and the Qini curve that shows whether a ranking knows it.

Of customers in the order of a score, the first n hold N_t who were sent it and N_c who were not. The curve is what was
gained among them: Y_t − Y_c N_t / N_c, with Y the sums of the outcome (Radcliffe 2007), here divided by all who were
sent it, so that a curve ends at the average effect. A ranking by luck gains in proportion; the coefficient is the area
between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.causal.effect import Z
from experiments.causal.orders import Floats
from experiments.data.logs import Ints

POINTS = 100  # of a curve that is kept


@dataclass(frozen=True)
class Qini:
    """A ranking judged on customers it has not seen.

    Attributes
    ----------
    name : of the ranking.
    share, gained : share of the customers sent to, best first, and what is gained per customer. Shape (101,).
    low, high : 95 % band of ``gained`` over resampled customers.
    coefficient, sd : area between the curve and the straight line, and its standard error.
    """

    name: str
    share: Floats
    gained: Floats
    low: Floats
    high: Floats
    coefficient: float
    sd: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the coefficient."""
        return self.coefficient - Z * self.sd, self.coefficient + Z * self.sd


def curve(score: Floats, sent: Floats, outcome: Floats) -> Floats:
    """What is gained by sending to the first 0, 1, … n in the order of a score, per customer. Shape (n + 1,).

    Customers of equal scores come in the order in which they stand.
    """
    order = np.argsort(-score, kind="stable")
    t, y = sent[order], outcome[order]
    n_sent, n_other = np.cumsum(t), np.cumsum(1 - t)
    gained = np.cumsum(t * y) - np.cumsum((1 - t) * y) * np.divide(
        n_sent, n_other, out=np.zeros(len(t)), where=n_other > 0
    )
    return np.concatenate([[0.0], gained]) / max(float(sent.sum()), 1.0)


def coefficient(gained: Floats) -> float:
    """Area between a curve and the straight line to its end."""
    share = np.linspace(0, 1, len(gained))
    return float(np.trapezoid(gained - share * gained[-1], share))


def qini(name: str, score: Floats, sent: Floats, outcome: Floats, *, resamples: int = 100) -> Qini:
    """Judge a ranking; interval and band come from customers drawn again with a fixed seed."""
    luck = np.random.default_rng(0)
    share = np.linspace(0, 1, POINTS + 1)
    gained = curve(score, sent, outcome)
    lines, areas = [], []
    for _ in range(resamples):
        rows = luck.integers(0, len(score), len(score))
        again = curve(score[rows], sent[rows], outcome[rows])
        lines.append(_at(share, again))
        areas.append(coefficient(again))
    low, high = np.quantile(lines, [0.025, 0.975], axis=0)
    return Qini(name, share, _at(share, gained), low, high, coefficient(gained), float(np.std(areas, ddof=1)))


def _at(share: Floats, gained: Floats) -> Floats:
    found: Floats = np.interp(share, np.linspace(0, 1, len(gained)), gained)
    return found


def predicted(x: Floats, sent: Floats, outcome: Floats, train: Ints, held: Ints) -> Floats:
    """Predicted uplift of the held-out rows: two logistic regressions, one of the sent and one of the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chances = []
    for arm in (1, 0):
        rows = train[sent[train] == arm]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        chances.append(model.fit(x[rows], outcome[rows].astype(np.int64)).predict_proba(x[held])[:, 1])
    uplift: Floats = chances[0] - chances[1]
    return uplift
