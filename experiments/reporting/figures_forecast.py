"""Figures of a forecast: weeks with bands, orders so far, facts in units of their band, and who is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from experiments.forecasting.forecast import WORLD, Forecast
from experiments.reporting.figures import (
    BAND,
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    RED,
    axes,
    legend_below,
    money_axis,
)
from experiments.reporting.figures_card import WIDE, percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIVALS = {"Pareto/NBD + Gamma-Gamma": ORANGE, "direct boosted trees": GREEN}  # drawn beside the world
FARTHEST = 4.0  # half-widths of a band that the panel of facts reaches from its middle
SHARES = np.linspace(0.0, 1.0, 101)
NOTED = 0.2  # share of customers at which gains are read out


def weeks_info(weekly: pd.DataFrame) -> pd.DataFrame:
    """A table of weeks by number: week, observed, mean, low, high, and the rivals that are drawn."""
    kept = ["observed", "mean", "low", "high", *(name for name in RIVALS if name in weekly.columns)]
    frame = weekly[kept].reset_index(drop=True)
    frame.insert(0, "week", np.arange(1, len(frame) + 1))
    return frame


def plot_weeks(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "", y: str = "") -> Axes:
    """Observed weeks as points on the world's mean and its 90 % band; rivals as thin lines."""
    ax = axes(ax, title=title, x="week after the cut-off", y=y)
    ax.fill_between(info["week"], info["low"], info["high"], color=BLUE, alpha=BAND, lw=0, label="90 % of worlds")
    ax.plot(info["week"], info["mean"], color=BLUE, lw=2, label="simulated")
    for name in (name for name in info.columns if name in RIVALS):
        ax.plot(info["week"], info[name], color=RIVALS[name], lw=1.3, ls=(0, (4, 2)), label=name.split(" + ")[0])
    inside = info["observed"].between(info["low"], info["high"])
    ax.plot(info["week"][inside], info["observed"][inside], "o", color=INK, ms=4.5, label="observed", zorder=4)
    ax.plot(info["week"][~inside], info["observed"][~inside], "o", color=RED, ms=5, label="outside", zorder=4)
    ax.set_xlim(0.5, len(info) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    money_axis(ax.yaxis)
    legend_below(ax, 3)
    return ax


def drift_info(cumulative: pd.DataFrame) -> pd.DataFrame:
    """Running sums in percent of the observed one, less 100: week, mean, low, high, and the rivals that are drawn."""
    info = weeks_info(cumulative)
    observed = info.pop("observed").clip(lower=1)
    week = info.pop("week")
    drift = info.div(observed, axis=0).sub(1).mul(100)
    drift.insert(0, "week", week)
    return drift


def plot_drift(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "") -> Axes:
    """How far running sums are off, with the band of the world; zero is what happened."""
    ax = axes(ax, title=title, x="week after the cut-off", y="% off what happened")
    ax.fill_between(info["week"], info["low"], info["high"], color=BLUE, alpha=BAND, lw=0, label="90 % of worlds")
    ax.plot(info["week"], info["mean"], color=BLUE, lw=2, label="simulated")
    for name in (name for name in info.columns if name in RIVALS):
        ax.plot(info["week"], info[name], color=RIVALS[name], lw=1.3, ls=(0, (4, 2)), label=name.split(" + ")[0])
    ax.axhline(0, color=INK, lw=1)
    ax.set_xlim(0.5, len(info) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(ax, 3)
    return ax


def predictive_info(forecast: Forecast) -> pd.DataFrame:
    """Facts in units of their band: fact, group, doc, observed, low, high, inside.

    The median of the simulated replicates is 0 and half of the width of their 90 % band is 1, so that low and high show
    how lopsided the band is. Facts whose band has no width are measured in percent of the median.
    """
    rows = []
    for c in forecast.facts():
        half = (c.high - c.low) / 2 or max(abs(c.median), 1.0) / 100
        low, high, observed = ((v - c.median) / half for v in (c.low, c.high, c.observed))
        rows.append((c.name, c.fact.group, c.fact.doc, observed, low, high, c.inside))
    return pd.DataFrame(rows, columns=["fact", "group", "doc", "observed", "low", "high", "inside"])


def plot_predictive(info: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """One line for each fact: its simulated band in pale, the observed value as a point, an arrow where it is far."""
    if ax is None:
        ax = Figure(figsize=(WIDE, 1.2 + 0.24 * len(info)), layout="constrained").add_subplot()
    x = "distance from the simulated median, in half-widths of its 90 % band"
    ax = axes(ax, title="Does a simulated quarter look like the real one?", x=x)
    place = np.arange(len(info))
    ax.hlines(place, info["low"], info["high"], color=BLUE, alpha=0.35, lw=8, label="90 % of worlds")
    ax.axvline(0, color=PALE, lw=1, zorder=0)
    edge = FARTHEST - 0.15
    for row, (observed, inside) in enumerate(zip(info["observed"], info["inside"], strict=True)):
        beyond = abs(observed) > edge
        marker = ("<" if observed < 0 else ">") if beyond else "o"
        ax.plot(np.clip(observed, -edge, edge), row, marker, color=INK if inside else RED, ms=5.5, zorder=3)
    ax.plot([], [], "o", color=INK, ms=5.5, label="observed")
    ax.plot([], [], "o", color=RED, ms=5.5, label="outside; arrow: far")
    ax.set_yticks(place, [_short(doc) for doc in info["doc"]], fontsize=8)
    edges = np.flatnonzero(info["group"].to_numpy()[1:] != info["group"].to_numpy()[:-1]) + 0.5
    for border in edges:
        ax.axhline(border, color=PALE, lw=0.8, zorder=0)
    ax.set_xlim(-FARTHEST, FARTHEST)
    ax.set_ylim(len(info) - 0.4, -0.6)
    legend_below(ax, 3)
    return ax


def _short(doc: str) -> str:
    """What a fact is, short enough for a line of a figure."""
    words = doc.replace("coefficient of variation between weeks", "CV").replace("coefficient of variation", "CV")
    words = words.replace("standard deviation", "sd").split(", 5 or more")[0].split(" of a customer with")[0]
    return words.replace("spend per order day", "basket").replace("order days of a customer", "orders")


def gains_info(forecasts: Mapping[str, NDArray[np.float64]], outcome: NDArray[np.float64]) -> pd.DataFrame:
    """Share of an outcome that the first customers of each forecast hold: forecaster, share, gain, lift.

    Customers stand in the order of the forecast, the highest first; those who are forecast alike share what they hold.
    ``perfect`` knows the outcome. Lift is gain / share.
    """
    parts = []
    for name, forecast in {**forecasts, "perfect": outcome.astype(np.float64)}.items():
        gain = _gains(np.asarray(forecast, np.float64), outcome.astype(np.float64))
        with np.errstate(invalid="ignore"):
            parts.append(pd.DataFrame({"forecaster": name, "share": SHARES, "gain": gain, "lift": gain / SHARES}))
    return pd.concat(parts, ignore_index=True)


def _gains(forecast: NDArray[np.float64], outcome: NDArray[np.float64]) -> NDArray[np.float64]:
    _, group = np.unique(-forecast, return_inverse=True)
    customers, held = np.bincount(group), np.bincount(group, outcome)
    x = np.concatenate([[0.0], np.cumsum(customers) / len(forecast)])
    y = np.concatenate([[0.0], np.cumsum(held) / max(outcome.sum(), 1e-12)])
    return np.asarray(np.interp(SHARES, x, y), np.float64)


COLOURS = {WORLD: BLUE, **RIVALS, "perfect": PALE}


def plot_gains(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "", y: str = "") -> Axes:
    """Gains by share of customers, with the best that could be and with blind choice."""
    ax = axes(ax, height=3.4, title=title, x="share of customers, the highest forecast first", y=y)
    ax.plot([0, 1], [0, 1], color=GREY, lw=1, ls=(0, (2, 2)), label="blind")
    for name, part in info.groupby("forecaster", sort=False):
        _line(ax, str(name), part["share"], part["gain"])
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    percent_axis(ax.xaxis)
    percent_axis(ax.yaxis)
    legend_below(ax, 3)
    return ax


def plot_lift(info: pd.DataFrame, ax: Axes | None = None, *, title: str = "") -> Axes:
    """How many times the mean the first customers of each forecast bring."""
    ax = axes(ax, height=3.4, title=title, x="share of customers, the highest forecast first", y="times the mean")
    ax.axhline(1, color=GREY, lw=1, ls=(0, (2, 2)), label="blind")
    for name, part in info[info["share"] >= NOTED / 10].groupby("forecaster", sort=False):
        _line(ax, str(name), part["share"], part["lift"])
    ax.set_xlim(0, 1)
    ax.set_ylim(bottom=0)
    percent_axis(ax.xaxis)
    legend_below(ax, 3)
    return ax


def _line(ax: Axes, name: str, x: pd.Series, y: pd.Series) -> None:
    """A forecaster's line; ours on top."""
    width, above = (2.2, 3) if name == WORLD else (1.3, 2)
    ax.plot(x, y, lw=width, color=COLOURS.get(name, GREY), zorder=above, label=name.split(" + ")[0])
