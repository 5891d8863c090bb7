"""What a set of models is made of and how well it did on days that it had not seen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.reporting.suppression import count_words

Floats = NDArray[np.float64]
BINS = 10  # of equal size, for reliability and ECE10
SAFE = 1e-9  # probabilities are kept this far from 0 and 1 before a logarithm


@dataclass(frozen=True)
class Score:
    """How probabilities did against what happened.

    Attributes
    ----------
    bias : mean probability / share of events; 1 is right.
    auc : P(an event was ranked above a non-event); None where all outcomes are the same.
    log_loss, brier : mean penalties, lower is better.
    ece10 : mean distance of forecast and share over ten bins of equal size.
    """

    bias: float | None
    auc: float | None
    log_loss: float
    brier: float
    ece10: float


@dataclass(frozen=True)
class Task:
    """One question, asked on days after the cut-off.

    Attributes
    ----------
    question : the event whose probability was forecast.
    rows, events : number of forecasts and of events.
    scores : by name of the forecaster; ``model`` is ours.
    reliability : ten bins of our forecasts, each (mean forecast, share of events, rows).
    """

    question: str
    rows: int
    events: int
    scores: dict[str, Score]
    reliability: list[tuple[float, float, int]]


@dataclass(frozen=True)
class BasketScore:
    """How expected basket values did: error of the total in %, mean and root mean square error and correlation."""

    error_percent: float
    mae_cents: float
    rmse_cents: float
    correlation: float | None


@dataclass(frozen=True)
class ModelCard:
    """The card of one training.

    Attributes
    ----------
    data, digest : name and hash of the logs.
    trained_from, cut_off, judged_to : first and last day of training, last day of judging, ISO dates.
    lapse_days : silence that counts as a lapse.
    customers : with an order up to the cut-off.
    features : of each model.
    slope : Platt's slope of the repurchase hazard on the last fifth of the training days, its standard error, and
        whether it was applied (1 or 0).
    tasks : questions by name; empty when there are no days after the cut-off.
    baskets : orders judged; scores by forecaster; log-sd of amount / forecast, and of the amounts themselves.
    versions : of the libraries, and the hash of the models.
    """

    data: str
    digest: str
    trained_from: str
    cut_off: str
    judged_to: str
    lapse_days: int
    customers: int
    features: dict[str, list[str]]
    slope: dict[str, float]
    tasks: dict[str, Task]
    baskets: dict[str, Any]
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """The card as text."""
        return json.dumps(self.as_dict(), indent=1, allow_nan=False)

    def __str__(self) -> str:
        lines = [f"{self.data}: trained {self.trained_from} to {self.cut_off}, judged to {self.judged_to}"]
        for name, task in self.tasks.items():
            lines.append(f"{name}: {task.question}; {task.rows:,} rows, {count_words(task.events)} events")
            for forecaster, s in task.scores.items():
                auc, bias = _number(s.auc, ".4f"), _number(s.bias, ".3f")
                lines.append(
                    f"  {forecaster:<16} AUC {auc}  log-loss {s.log_loss:.4f}  Brier {s.brier:.4f}"
                    f"  ECE10 {s.ece10:.4f}  bias {bias}"
                )
        for forecaster, basket in self.baskets.get("scores", {}).items():
            lines.append(
                f"basket {forecaster:<16} error {basket.error_percent:+.2f} %  MAE {basket.mae_cents:.0f}"
                f"  RMSE {basket.rmse_cents:.0f} cents  correlation {_number(basket.correlation, '.3f')}"
            )
        return "\n".join(lines)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def score(p: Floats, y: NDArray[np.bool_]) -> Score:
    """Score probabilities, shape (n,), against outcomes; n > 0."""
    safe = np.clip(p, SAFE, 1.0 - SAFE)
    bins = reliability(p, y)
    share = float(y.mean())
    return Score(
        bias=float(p.mean() / share) if share > 0 else None,
        auc=_auc(p, y),
        log_loss=float(-np.mean(np.where(y, np.log(safe), np.log1p(-safe)))),
        brier=float(np.mean((p - y) ** 2)),
        ece10=sum(abs(forecast - happened) * n for forecast, happened, n in bins) / len(y),
    )


def reliability(p: Floats, y: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    """Ten bins of equal size by forecast: mean forecast, share of events, rows."""
    parts = np.array_split(np.argsort(p, kind="stable"), BINS)
    return [(float(p[rows].mean()), float(y[rows].mean()), len(rows)) for rows in parts if len(rows)]


def _auc(p: Floats, y: NDArray[np.bool_]) -> float | None:
    from scipy.stats import rankdata

    events = int(y.sum())
    if events in (0, len(y)):
        return None
    return float((rankdata(p)[y].sum() - events * (events + 1) / 2) / (events * (len(y) - events)))


def score_basket(mean: Floats, amount: Floats) -> BasketScore:
    """Score expected amounts against amounts, in cents."""
    varies = np.ptp(mean) > 0 and np.ptp(amount) > 0
    return BasketScore(
        error_percent=float(100 * (mean.sum() / amount.sum() - 1)),
        mae_cents=float(np.abs(mean - amount).mean()),
        rmse_cents=float(np.sqrt(((mean - amount) ** 2).mean())),
        correlation=float(np.corrcoef(mean, amount)[0, 1]) if varies else None,
    )
