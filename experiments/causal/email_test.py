"""The Hillstrom e-mail test: average effects, effects by segment, and whether a model knows whom to send to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.causal.effect import Estimate, Refutation
from experiments.causal.orders import Floats
from experiments.causal.threads import one_thread
from experiments.causal.uplift import Qini, predicted, qini
from experiments.data.logs import Ints

OUTCOMES = ("visit", "conversion", "spend")
EMAILS = ("men's e-mail", "women's e-mail")
BEFORE = ("history", "recency")  # known before the lot: no e-mail can have moved them
SEGMENTS = ("recency", "history_segment", "newbie", "channel", "mens", "womens")
Z_REFUTE = 2.58  # two-sided 1 %
LOTS = 100  # drawn anew


@dataclass(frozen=True)
class EmailEffect:
    """Effect of one e-mail on one outcome, by three roads that must agree.

    Attributes
    ----------
    difference : of means, unequal variances.
    adjusted : regression with all covariates and their interactions (Lin 2013), robust errors.
    robust : augmented inverse propensities by DoubleML with the lot's own chance; NaN without the extra ``causal``.
    refutations : effects on what was known before, and of a lot drawn anew.
    """

    email: str
    outcome: str
    n: int
    without: float
    difference: Estimate
    adjusted: Estimate
    robust: Estimate
    refutations: tuple[Refutation, ...]

    @property
    def passed(self) -> bool:
        """Whether every refutation failed."""
        return all(one.passed for one in self.refutations)


@dataclass(frozen=True)
class EmailTest:
    """Everything that is said of the test: average effects, uplift of visits by segment, Qini by e-mail."""

    effects: tuple[EmailEffect, ...]
    segments: pd.DataFrame
    qinis: dict[str, Qini]


@one_thread()
def analyse(trial: pd.DataFrame) -> EmailTest:
    """Analyse the test (``experiments.data.trials.load_hillstrom``). Deterministic: all seeds are fixed."""
    found, tables, qinis = [], [], {}
    for email in EMAILS:
        part = trial[trial["arm"].isin(["none", email])].reset_index(drop=True)
        sent = np.asarray(part["arm"] == email, np.float64)
        x = covariates(part)
        checks = _checks(part, sent)
        for outcome in OUTCOMES:
            y = part[outcome].to_numpy(np.float64)
            found.append(
                EmailEffect(
                    email, outcome, int(sent.sum()), float(y[sent == 0].mean()), difference(y, sent),
                    _adjusted(y, sent, x), _robust(y, sent, x), (*checks, _drawn_anew(y, sent)),
                )
            )  # fmt: skip
        tables.append(by_segment(part, sent).assign(email=email))
        qinis[email] = _qini(email, part, sent, x)
    return EmailTest(tuple(found), pd.concat(tables, ignore_index=True), qinis)


def difference(y: Floats, sent: Floats) -> Estimate:
    """Difference of means."""
    a, b = y[sent == 1], y[sent == 0]
    return Estimate(float(a.mean() - b.mean()), float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))))


def covariates(part: pd.DataFrame) -> Floats:
    """What was known before, as columns."""
    words = pd.get_dummies(part[["zip_code", "channel"]], drop_first=True).astype(np.float64)
    numbers = part[["recency", "mens", "womens", "newbie"]].assign(history=np.log1p(part["history"]))
    return np.column_stack([numbers.to_numpy(np.float64), words.to_numpy()])


def _adjusted(y: Floats, sent: Floats, x: Floats) -> Estimate:
    from statsmodels.regression.linear_model import OLS

    centred = x - x.mean(axis=0)
    design = np.column_stack([sent, np.ones(len(y)), centred, centred * sent[:, None]])
    fit = OLS(y, design).fit(cov_type="HC2")
    return Estimate(float(fit.params[0]), float(fit.bse[0]))


def _robust(y: Floats, sent: Floats, x: Floats) -> Estimate:
    from sklearn.ensemble import HistGradientBoostingRegressor

    from experiments.causal import doubly_robust

    if not doubly_robust.is_installed():
        return Estimate(float("nan"), float("nan"))
    learner = HistGradientBoostingRegressor(max_iter=40, max_leaf_nodes=8, min_samples_leaf=200, random_state=0)
    return doubly_robust.by_lot(y, sent, x, float(sent.mean()), learner)


def _checks(part: pd.DataFrame, sent: Floats) -> tuple[Refutation, ...]:
    found = []
    for name in BEFORE:
        before = difference(part[name].to_numpy(np.float64), sent)
        label = f"placebo in time: {name} before the lot"
        found.append(Refutation(label, before.mean, before.sd, abs(before.z) <= Z_REFUTE))
    return tuple(found)


def _drawn_anew(y: Floats, sent: Floats) -> Refutation:
    luck = np.random.default_rng(1)
    means = [difference(y, luck.permutation(sent)).mean for _ in range(LOTS)]
    mean, sd = float(np.mean(means)), float(np.std(means, ddof=1) / np.sqrt(LOTS))
    return Refutation(f"{LOTS} lots drawn anew", mean, sd, abs(mean) <= Z_REFUTE * sd)


def by_segment(part: pd.DataFrame, sent: Floats) -> pd.DataFrame:
    """Difference of visit shares in every segment: ``segment``, ``value``, ``n``, ``mean``, ``low``, ``high``."""
    recency = pd.cut(part["recency"], [0, 3, 6, 9, 12], labels=["1–3 months", "4–6", "7–9", "10–12"])
    rows = []
    for name in SEGMENTS:
        values = recency if name == "recency" else part[name]
        for value in sorted(values.unique(), key=str):
            mine = (values == value).to_numpy()
            found = difference(part.loc[mine, "visit"].to_numpy(np.float64), sent[mine])
            rows.append((name, str(value), int(mine.sum()), found.mean, found.sd))
    frame = pd.DataFrame(rows, columns=["segment", "value", "n", "mean", "sd"])
    return frame.assign(low=frame["mean"] - 1.96 * frame["sd"], high=frame["mean"] + 1.96 * frame["sd"])


def _qini(email: str, part: pd.DataFrame, sent: Floats, x: Floats) -> Qini:
    """A model of half of the customers ranks the other half by uplift of visits."""
    train, held = halves(len(part))
    y = part["visit"].to_numpy(np.float64)
    return qini(email, predicted(x, sent, y, train, held), sent[held], y[held])


def halves(n: int) -> tuple[Ints, Ints]:
    """Two halves of n rows, drawn with a fixed seed."""
    order = np.random.default_rng(0).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])
