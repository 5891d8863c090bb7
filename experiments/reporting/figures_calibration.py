"""Figures of a calibration: facts against what would be measured, and values before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter
from numpy.typing import NDArray

from experiments.calibrating.checks import FactCheck, Marginal
from experiments.calibrating.page import PICTURES
from experiments.reporting.figures import BLUE, GREY, INK, PALE, RED, axes, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.calibrate import Calibration

Floats = NDArray[np.float64]

BINS = 12  # of a marginal
COLUMNS = 3  # of marginals on a picture


def predictive_info(facts: Sequence[FactCheck]) -> pd.DataFrame:
    """Figures on one scale: the fact at 1, band and tolerance as multiples of it (a fact of 0: in tolerances from 0).

    Columns: name, observed, low, median, high, tolerance, fits.
    """
    rows = []
    for fact in facts:
        unit, at = (fact.observed, 1.0) if fact.observed > 0 else (fact.sd, 0.0)
        low, median, high = fact.low / unit, fact.median / unit, fact.high / unit
        rows.append((fact.name, at, low, median, high, fact.sd / unit, fact.fits))
    return pd.DataFrame(rows, columns=["name", "observed", "low", "median", "high", "tolerance", "fits"])


def plot_predictive(info: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Posterior predictive panel: a band and a median for each fact, the fact as a diamond, fails in red."""
    title = "Do the accepted sets show the facts?"
    ax = axes(ax, height=1.4 + 0.34 * len(info), title=title, x="as a multiple of what was observed")
    place = np.arange(len(info))
    ax.axvline(1, color=PALE, lw=1.2, zorder=1)
    for fits, colour, words in ((True, BLUE, "90 % of what would be measured"), (False, RED, "the same, fact outside")):
        part, at = info[info["fits"] == fits], place[info["fits"] == fits]
        if len(part):
            ax.hlines(at, part["low"], part["high"], color=colour, lw=5, alpha=0.35, label=words, zorder=2)
            ax.plot(part["median"], at, "|", color=colour, ms=11, mew=2, zorder=3)
    ax.errorbar(
        info["observed"], place, xerr=info["tolerance"], fmt="D", color=INK, ms=4, lw=1, capsize=2,
        label="observed ± tolerance", zorder=4,
    )  # fmt: skip
    ax.set_yticks(place, info["name"].tolist())
    ax.set_ylim(len(info) - 0.4, -0.6)
    legend_below(ax, 2)
    return ax


def marginal_info(
    points: Floats, weights: Floats, marginals: Sequence[Marginal], scale: Sequence[Floats]
) -> pd.DataFrame:
    """Histogram of each free value over its span, as densities relative to the span's own.

    Parameters
    ----------
    points : accepted and other sets in the cube, shape (sets, paths); ``weights`` shape (sets,).
    scale : of each path, the values at the edges of the bins, shape (``BINS`` + 1,).

    Columns: path, left, right (values of the scenario), density (1: as plausible as before), told.
    """
    rows = []
    for j, (marginal, edges) in enumerate(zip(marginals, scale, strict=True)):
        density, _ = np.histogram(points[:, j], BINS, (0.0, 1.0), weights=weights)
        rows += [
            (marginal.path, left, right, share * BINS, marginal.told)
            for left, right, share in zip(edges[:-1], edges[1:], density / weights.sum(), strict=True)
        ]
    return pd.DataFrame(rows, columns=["path", "left", "right", "density", "told"])


def plot_marginal(info: pd.DataFrame, ax: Axes | None = None, *, log: bool = False) -> Axes:
    """One free value: what was plausible before (grey) and what the facts leave (blue; red where they tell nothing)."""
    path, told = str(info["path"].iloc[0]), bool(info["told"].iloc[0])
    title = path.removeprefix("behaviours.")
    ax = axes(ax, height=2.6, title=title, y="density / before")
    ax.set_title(title, loc="left", fontsize=9, fontweight="bold", color=INK)
    edges = [*info["left"], info["right"].iloc[-1]]
    ax.stairs([1.0] * len(info), edges, fill=True, color=GREY, alpha=0.25, label="before")
    words = "the facts leave" if told else "not identified"
    ax.stairs(info["density"].tolist(), edges, fill=True, color=BLUE if told else RED, alpha=0.45, label=words)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(y=0.35)  # room for the legend
    ax.legend(fontsize=8, frameon=False, loc="upper right", ncols=2)
    return ax


def save_pictures(found: Calibration, folder: Path) -> None:
    """Draw the posterior predictive panel and the marginals into a folder."""
    predictive = Figure(figsize=(7.6, 1.4 + 0.3 * len(found.facts)), layout="constrained")
    plot_predictive(predictive_info(found.facts), predictive.add_subplot())
    predictive.savefig(folder / PICTURES["facts"], dpi=150)
    spans = found.space.spans
    scale = [np.array([span.at(u) for u in np.linspace(0, 1, BINS + 1)]) for span in spans]
    info = marginal_info(found.posterior.points, found.posterior.weights, found.marginals, scale)
    columns = min(COLUMNS, len(spans))
    rows = -(-len(spans) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.5 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax, marginal, span in zip(panels, found.marginals, spans, strict=False):
        plot_marginal(info[info["path"] == marginal.path], ax, log=span.log)
    for ax in panels[len(spans) :]:
        ax.set_axis_off()
    figure.savefig(folder / PICTURES["values"], dpi=150)
