"""Figures of a model card: reliability, gains and log-loss of each question that was judged."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from experiments.learning.model_card import Task
from experiments.reporting.figures import BLUE, GREEN, GREY, INK, ORANGE, PALE, RED, axes, legend_below
from experiments.reporting.suppression import FEWEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

WIDE = 8.0  # inches: what a question is takes half a column
Bins = Sequence[tuple[float, float, int]]
SURE = 1.96  # standard errors of a 95 % interval
LINE = 52  # characters of a title
MODEL = "model"  # our name among the forecasters of a card


def reliability_info(bins: Bins) -> pd.DataFrame:
    """Bins of forecasts: forecast, happened, low, high, rows.

    Low and high are Wilson's 95 % interval of the share that happened, as if rows were independent: rows of one
    customer are not, so it is rather too narrow. Bins of fewer than ten rows are left out.
    """
    frame = pd.DataFrame([b for b in bins if b[2] >= FEWEST], columns=["forecast", "happened", "rows"])
    p, n = frame["happened"], frame["rows"].astype(np.float64)
    middle = (p + SURE**2 / (2 * n)) / (1 + SURE**2 / n)
    half = SURE / (1 + SURE**2 / n) * np.sqrt(p * (1 - p) / n + SURE**2 / (4 * n**2))
    return frame.assign(low=middle - half, high=middle + half)


def plot_reliability(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Share that happened by forecast, ten bins of equal size; on the line the forecast is right."""
    ax = axes(ax, height=3.4, title=fill(title, LINE), x="forecast", y="share that happened")
    top = min(1.0, 1.08 * max(float(info["forecast"].max()), float(info["high"].max()), 1e-3))
    ax.plot([0, top], [0, top], color=PALE, lw=1.4, label="right")
    half = [info["happened"] - info["low"].clip(upper=info["happened"]), info["high"] - info["happened"]]
    ax.errorbar(
        info["forecast"], info["happened"], yerr=half, fmt="o-", ms=5, lw=1.4, capsize=2, color=BLUE,
        label="tenths of the forecasts, 95 %",
    )  # fmt: skip
    ax.set(xlim=(0, 1.02 * top), ylim=(0, 1.02 * top))
    legend_below(ax, 2)
    return ax


def gains_info(bins: Bins) -> pd.DataFrame:
    """Gains by tenths of the forecasts, the highest first: share of rows, gain (share of events), lift of the tenth."""
    falling = sorted(bins, key=lambda b: -b[0])
    rows = np.array([b[2] for b in falling], np.float64)
    events = np.array([b[1] * b[2] for b in falling])
    base = events.sum() / rows.sum()
    return pd.DataFrame(
        {
            "share": np.cumsum(rows) / rows.sum(),
            "gain": np.cumsum(events) / max(events.sum(), 1e-12),
            "lift": events / rows / max(base, 1e-12),
        }
    )


def plot_lift(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Bars of lift by tenths, and the gains as a line on the right axis."""
    ax = axes(ax, height=3.4, title=fill(title, LINE), x="share of forecasts, the highest first", y="times the mean")
    width = np.diff(np.concatenate([[0.0], info["share"]]))
    middle = info["share"] - width / 2
    ax.bar(middle, info["lift"], 0.86 * width, color=BLUE, alpha=0.55, lw=0, label="lift of each tenth")
    ax.axhline(1, color=GREY, lw=1, ls=(0, (2, 2)))
    right = ax.twinx()
    gain = np.concatenate([[0.0], info["gain"]])
    right.plot(np.concatenate([[0.0], info["share"]]), gain, color=INK, lw=1.6, marker="o", ms=3.5)
    ax.plot([], [], color=INK, lw=1.6, marker="o", ms=3.5, label="share of events so far (right)")
    right.set_ylim(0, 1.04)
    right.tick_params(labelsize=9, colors=INK, length=3)
    right.spines[["top", "left"]].set_visible(False)
    right.spines["right"].set_color(PALE)
    percent_axis(ax.xaxis)
    percent_axis(right.yaxis)
    ax.set_xlim(0, 1)
    legend_below(ax, 2)
    return ax


def losses_info(tasks: Sequence[Task], ours: str = MODEL) -> pd.DataFrame:
    """Log-loss of each forecaster relative to ours, in percent: question, forecaster, excess; ours is left out."""
    rows = [
        (task.question, name, 100 * (s.log_loss / task.scores[ours].log_loss - 1))
        for task in tasks
        for name, s in task.scores.items()
        if name != ours
    ]
    return pd.DataFrame(rows, columns=["question", "forecaster", "excess"])


def plot_losses(info: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """One line for each question: how much more the rivals lose; left of zero a rival is better."""
    questions, names = list(dict.fromkeys(info["question"])), list(dict.fromkeys(info["forecaster"]))
    if ax is None:
        ax = Figure(figsize=(WIDE, 1.4 + 0.36 * len(questions)), layout="constrained").add_subplot()
    ax = axes(ax, title="How much more others lose", x="log-loss, % more than that of these models")
    for name, marker, colour in zip(names, "osD^vP", (BLUE, ORANGE, GREEN, GREY, RED, INK), strict=False):
        part = info[info["forecaster"] == name]
        place = [questions.index(q) for q in part["question"]]
        ax.plot(part["excess"], place, marker, ms=6, color=colour, label=name)
    ax.axvline(0, color=INK, lw=1.2)
    ax.set_yticks(np.arange(len(questions)), questions, fontsize=8.5)
    ax.set_ylim(len(questions) - 0.4, -0.6)
    legend_below(ax, 3)
    return ax


def percent_axis(axis: Axis) -> None:
    """Ticks of shares in percent."""
    axis.set_major_formatter(PercentFormatter(1.0))
