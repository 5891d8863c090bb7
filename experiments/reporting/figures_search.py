"""Figures of a search: its history, and fronts of CLV against something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.ticker import MaxNLocator

from experiments.reporting.figures import BLUE, GREEN, GREY, INK, ORANGE, RED, axes, legend_below, money_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.compare import Difference
    from experiments.reporting.searched import Front
    from experiments.searching.aims import Limit

STANDINGS = {  # of a trial: colour, marker
    "within the limits": (BLUE, "o"), "beyond a limit": (GREY, "x"), "given up early": (GREY, "."),
}  # fmt: skip


def history_info(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per trial: number, uplift, low, high (one standard error), standing, best so far among the feasible."""
    frame = trials.sort_values("number", ignore_index=True)
    best = frame["uplift"].where(frame["feasible"] & ~frame["dropped"]).cummax().ffill()
    within, beyond, dropped = STANDINGS
    standing = frame["feasible"].map({True: within, False: beyond}).mask(frame["dropped"], dropped)
    return pd.DataFrame(
        {
            "number": frame["number"], "uplift": frame["uplift"], "low": frame["uplift"] - frame["standard_error"],
            "high": frame["uplift"] + frame["standard_error"], "standing": standing, "best": best,
        }
    )  # fmt: skip


def plot_history(
    info: pd.DataFrame, ax: Axes | None = None, *, claim: Difference | None = None, currency: str = ""
) -> Axes:
    """Trials with one standard error, the running best, and what holdout seeds say of the winner."""
    ax = axes(ax, title="What the search saw, and what is claimed", x="trial", y=f"uplift, {currency} per customer")
    for standing, (colour, marker) in STANDINGS.items():
        part = info[info["standing"] == standing]
        if len(part):
            half = part["high"] - part["uplift"]
            ax.errorbar(
                part["number"], part["uplift"], yerr=half, fmt=marker, ms=4.5, lw=1, color=colour, label=standing
            )
    ax.step(info["number"], info["best"], where="post", color=ORANGE, lw=1.8, label="best so far")
    if claim is not None:
        ax.axhspan(claim.low, claim.high, color=GREEN, alpha=0.25, lw=0)
        ax.axhline(claim.mean, color=GREEN, lw=2, label="winner on holdout seeds")
    ax.axhline(0, color=INK, lw=1, ls=(0, (4, 3)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(ax, 2)
    return ax


def front_info(front: Front) -> pd.DataFrame:
    """Policies of a front by rising amount, then status quo and recommendation: what, amount, mean, low, high."""
    rows = [("front", p.amount, p.uplift.mean, p.uplift.low, p.uplift.high) for p in front.points]
    rows.append(("status quo", front.status_quo, 0.0, 0.0, 0.0))
    rows.append(("recommended", front.recommended, front.gain.mean, front.gain.low, front.gain.high))
    return pd.DataFrame(rows, columns=["what", "amount", "mean", "low", "high"])


def scaled(info: pd.DataFrame, scale: float) -> pd.DataFrame:
    """A front with its amounts times ``scale``, as for percent."""
    return info.assign(amount=info["amount"] * scale)


MARKS = {"front": (BLUE, "o"), "status quo": (GREY, "s"), "recommended": (ORANGE, "D")}


def plot_front(
    info: pd.DataFrame, ax: Axes | None = None, *, name: str = "", x: str = "", limit: Limit | None = None,
    scale: float = 1.0, currency: str = "",
) -> Axes:  # fmt: skip
    """CLV gain against a metric with 95 % intervals; status quo, recommendation and limits, times ``scale``, marked."""
    ax = axes(ax, title=f"CLV against {name}", x=x, y=f"uplift, {currency} per customer")
    points = info[info["what"] == "front"]
    ax.plot(points["amount"], points["mean"], color=BLUE, lw=1.2, alpha=0.6, zorder=1)
    for what, (colour, marker) in MARKS.items():
        part = info[info["what"] == what]
        half = [part["mean"] - part["low"], part["high"] - part["mean"]]
        ax.errorbar(
            part["amount"], part["mean"], yerr=half, fmt=marker, ms=6 if what == "front" else 8, lw=1.2, capsize=2,
            color=colour, label="no policy beats it" if what == "front" else what, zorder=2 if what == "front" else 3,
        )  # fmt: skip
    for number, (_, bound) in enumerate(limit.sides() if limit else ()):
        ax.axvline(scale * bound, color=RED, lw=1.3, ls=(0, (5, 3)), label=None if number else "limit")
    ax.axhline(0, color=INK, lw=1, ls=(0, (4, 3)))
    money_axis(ax.xaxis)
    legend_below(ax, 2)
    return ax
