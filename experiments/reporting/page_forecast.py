"""The page of a forecast: its tables with pictures, as one HTML file; and the pictures alone as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.forecasting.forecast import WORLD, Forecast
from experiments.forecasting.forecast_document import content
from experiments.learning.model_card import reliability
from experiments.reporting import figures_forecast as fig
from experiments.reporting.figures_card import plot_reliability, reliability_info
from experiments.reporting.html import environment
from experiments.reporting.pictures import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS_PER_INCH = 150


class Drawn(NamedTuple):
    """A figure and what it says in words."""

    ax: Axes
    caption: str


def page(forecast: Forecast) -> str:
    """The page as HTML: no network, no script, pictures as SVG inside."""
    said = content(forecast)
    by_name = dict(zip(forecast.origins, said["questions"], strict=True))
    pictures = {name: picture(drawn.ax, name, drawn.caption) for name, drawn in draw(forecast).items()}
    return environment().get_template("forecast.html.j2").render(said, questions_by_name=by_name, pictures=pictures)


def save_figures(forecast: Forecast, folder: Path) -> list[Path]:
    """Write every picture into a folder as PNG; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, drawn in draw(forecast).items():
        assert isinstance(drawn.ax.figure, Figure)
        paths.append(folder / f"{name}.png")
        drawn.ax.figure.savefig(paths[-1], dpi=DOTS_PER_INCH)
    return paths


def draw(forecast: Forecast) -> dict[str, Drawn]:
    """All figures by name."""
    return {**_weeks(forecast), **_people(forecast), **_questions(forecast), "predictive": _predictive(forecast)}


def _weeks(f: Forecast) -> dict[str, Drawn]:
    orders = fig.plot_weeks(fig.weeks_info(f.weekly()), title="Orders a week", y="orders")
    so_far = fig.plot_weeks(fig.weeks_info(f.cumulative()), title="Orders so far", y="orders since the cut-off")
    drift = fig.plot_drift(fig.drift_info(f.cumulative()), title="Orders so far, error")
    spend = fig.plot_weeks(fig.weeks_info(f.weekly_spend()), title="Net spend a week", y="currency of the logs")
    s = f.scores[WORLD]
    return {
        "orders": Drawn(orders, f"Weekly error of the mean {s.weekly_mape:.1f} %. Dots: what happened."),
        "cumulative": Drawn(so_far, f"Error of the running sum {s.cumulative_mape:.1f} %, mean over the weeks."),
        "drift": Drawn(drift, "The same in percent of what had happened by then; the band holds zero where it should."),
        "spend": Drawn(spend, f"{s.spend_weeks_held or 0:.0%} of the weeks lie in their 90 % band."),
    }


def _people(f: Forecast) -> dict[str, Drawn]:
    shown = [name for name in (WORLD, *fig.RIVALS) if name in f.forecasts]
    ordered = f.observed.orders > 0
    bins = reliability_info(reliability(f.forecasts[WORLD].p_any, ordered))
    orders = fig.gains_info({n: f.forecasts[n].orders for n in shown}, f.observed.orders.astype(np.float64))
    spend = fig.gains_info({n: f.forecasts[n].spend for n in shown}, f.observed.spend / 100)
    fifth = spend[(spend["forecaster"] == WORLD) & np.isclose(spend["share"], fig.NOTED)].iloc[0]
    ten = len(ordered) // 10
    return {
        "reliability": Drawn(
            plot_reliability(bins, title="Any order over the horizon"),
            f"Chance of any order, tenths of about {ten:,} customers, and how many of them ordered.",
        ),
        "gains_orders": Drawn(
            fig.plot_gains(orders, title="Who orders most", y="share of the orders"),
            "Share of all orders that the customers with the highest forecasts placed.",
        ),
        "gains_spend": Drawn(
            fig.plot_gains(spend, title="Who spends most", y="share of the spend"),
            f"The first {fig.NOTED:.0%} by forecast brought {fifth['gain']:.0%} of the spend.",
        ),
        "lift_spend": Drawn(
            fig.plot_lift(spend, title="Spend of those picked first"),
            f"The first {fig.NOTED:.0%} by forecast spent {fifth['lift']:.1f} times the mean.",
        ),
    }


def _questions(f: Forecast) -> dict[str, Drawn]:
    return {
        name: Drawn(
            plot_reliability(reliability_info(task.reliability), title=task.question[0].upper() + task.question[1:]),
            "Tenths of the forecasts and how often they came true; bars: 95 %, as if rows were independent.",
        )
        for name, task in f.origins.items()
    }


def _predictive(f: Forecast) -> Drawn:
    info = fig.predictive_info(f)
    words = f"{int(info['inside'].sum())} of {len(info)} facts lie inside the band of 90 % of the simulated replicates."
    return Drawn(fig.plot_predictive(info), words)
