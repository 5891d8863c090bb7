"""The document of a forecast: every number of the comparison in Markdown, whatever it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from experiments.forecasting import forecast_tables as tables
from experiments.forecasting.forecast import WORLD, Forecast
from experiments.reporting.suppression import FEWEST
from experiments.results import write_json
from experiments.terminal.folders import write_text


def save(forecast: Forecast, path: Path) -> Path:
    """Write the document as Markdown, or a page with pictures (.html), or every number (.json); return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        write_json(path, forecast.as_dict())
        return path
    if path.suffix == ".html":
        from experiments.reporting.page_forecast import page

        return write_text(path, page(forecast))
    return write_text(path, markdown(forecast))


def markdown(forecast: Forecast) -> str:
    """The whole document."""
    environment = Environment(
        loader=PackageLoader("experiments.reporting"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    return environment.get_template("forecast.md.j2").render(content(forecast))


def content(f: Forecast) -> dict[str, Any]:
    """What document and page say."""
    scores, checks, orders = f.scores[WORLD], f.facts(), int(f.observed.orders.sum())
    return {
        "data": f.data, "cut_off": f.cut_off, "replicates": f.replicates, "days": f.days, "made": f.provenance,
        "customers": f"{len(f.observed.orders):,}", "orders": f"{orders:,}",
        "spend": f"{f.observed.spend.sum() / 100:,.0f}",
        "late": _late(f, orders),
        "main": tables.main_table(f), "more": tables.more_table(f), "ahead": tables.ahead(f), "world": WORLD,
        "held": scores.total_held, "orders_error": f"{scores.orders_error_percent:+.1f} %",
        "spend_error": f"{scores.spend_error_percent:+.1f} %",
        "questions": [(task, tables.question_table(task)) for task in f.origins.values()],
        "weekly": tables.weekly_table(f), "weekly_held": _held(f.weekly()), "spend_held": _held(f.weekly_spend()),
        "weekly_spend": tables.spend_table(f),
        "missed": "; ".join(c.fact.doc for c in checks if not c.inside),
        "inside": f"{sum(c.inside for c in checks)} of {len(checks)}",
        "facts": tables.facts_table(checks), "shapes": tables.facts_table(f.shapes()),
        "versions": ", ".join(f"{name} {number}" for name, number in f.provenance["versions"].items()),
    }  # fmt: skip


def _late(f: Forecast, orders: int) -> str:
    """Who came after the cut-off; of too few nothing more is told."""
    if not f.late_customers:
        return ""
    if f.late_customers < FEWEST:
        return f"Fewer than {FEWEST} customers were first seen afterwards."
    share = f.late_orders / (f.late_orders + orders)
    return (
        f"{f.late_customers:,} customers first seen afterwards placed another {f.late_orders:,} orders ({share:.1%} of"
        f" all) for {f.late_spend:,.0f}; nobody could forecast them."
    )


def _held(weekly: pd.DataFrame) -> str:
    """How many weeks lie in their band."""
    return f"{int(weekly['observed'].between(weekly['low'], weekly['high']).sum())} of {len(weekly)}"
