"""The document of a forecast: every number of the comparison in Markdown, whatever it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from experiments.forecasting.facts import Fact
from experiments.forecasting.forecast import WORLD, FactCheck, Forecast
from experiments.forecasting.scores import Scores
from experiments.results import write_json
from experiments.terminal.folders import write_text

NONE = "–"
COLUMNS = {
    "orders_error_percent": "total of orders", "orders_mae": "orders MAE", "orders_rmse": "orders RMSE",
    "orders_correlation": "orders r", "spend_error_percent": "total of spend", "spend_mae": "spend MAE",
    "spend_rmse": "spend RMSE", "spend_correlation": "spend r", "log_loss": "log-loss of any order",
    "weekly_mape": "weekly MAPE",
}  # fmt: skip
HEADER = (
    "", "orders error %", "MAE", "RMSE", "r", "spend error %", "MAE", "RMSE", "r", "any order: AUC", "log-loss",
    "weekly MAPE %", "total 90 %", "covered",
)  # fmt: skip


def save(forecast: Forecast, path: Path) -> Path:
    """Write the document as Markdown, or every number as JSON where the name ends in .json; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        write_json(path, forecast.as_dict())
        return path
    return write_text(path, markdown(forecast))


def markdown(forecast: Forecast) -> str:
    """The whole document."""
    f, scores, weekly = forecast, forecast.scores[WORLD], forecast.weekly()
    environment = Environment(
        loader=PackageLoader("experiments.reporting"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    orders, checks = int(f.observed.orders.sum()), f.facts()
    return environment.get_template("forecast.md.j2").render(
        data=f.data, cut_off=f.cut_off, replicates=f.replicates, days=f.days, made=f.provenance,
        customers=f"{len(f.observed.orders):,}", orders=f"{orders:,}", spend=f"{f.observed.spend.sum() / 100:,.0f}",
        late_customers=f.late_customers, late_orders=f"{f.late_orders:,}", late_spend=f"{f.late_spend:,.0f}",
        late_share=f"{f.late_orders / max(f.late_orders + orders, 1):.1%}",
        scores=scores_table(f), held=scores.total_held, ahead=_ahead(f),
        orders_error=f"{scores.orders_error_percent:+.1f} %", spend_error=f"{scores.spend_error_percent:+.1f} %",
        weeks=len(weekly), weeks_held=int(weekly["observed"].between(weekly["low"], weekly["high"]).sum()),
        weekly=_weekly(f), counts=_counts(f), missed="; ".join(c.fact.doc for c in checks if not c.inside),
        facts=_facts(checks), shapes=_facts(f.shapes()),
        versions=", ".join(f"{name} {number}" for name, number in f.provenance["versions"].items()),
    )  # fmt: skip


def scores_table(forecast: Forecast) -> str:
    """Forecasters against each other, as a Markdown table."""
    return _table(HEADER, [(_name(name), *_row(scores)) for name, scores in forecast.scores.items()])


def _name(name: str) -> str:
    return f"**{name}**" if name == WORLD else name


def _row(s: Scores) -> tuple[str, ...]:
    total = NONE
    if s.total_low is not None and s.total_high is not None:
        total = f"{s.total_low:,.0f}–{s.total_high:,.0f} {'holds' if s.total_held else 'misses'}"
    return (
        f"{s.orders_error_percent:+.1f}", f"{s.orders_mae:.2f}", f"{s.orders_rmse:.2f}", f"{s.orders_correlation:.3f}",
        f"{s.spend_error_percent:+.1f}", f"{s.spend_mae:.1f}", f"{s.spend_rmse:.1f}", f"{s.spend_correlation:.3f}",
        NONE if s.auc is None else f"{s.auc:.3f}", f"{s.log_loss:.3f}", f"{s.weekly_mape:.1f}", total,
        NONE if s.covered is None else f"{s.covered:.1%}",
    )  # fmt: skip


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ahead(f: Forecast) -> list[tuple[str, str]]:
    """Columns in which a rival's score is better than the world's, and those rivals, best first."""
    found = []
    for column, title in COLUMNS.items():
        scores = {name: _badness(column, getattr(s, column)) for name, s in f.scores.items()}
        names = [name for name in sorted(scores, key=lambda n: scores[n]) if scores[name] < scores[WORLD]]
        if names:
            found.append((title, ", ".join(names)))
    return found


def _badness(column: str, score: float) -> float:
    """A score turned so that lower is better: errors by size, correlations by what they lack."""
    if column.endswith("error_percent"):
        return abs(score)
    return -score if column.endswith("correlation") else score


def _weekly(f: Forecast) -> str:
    weekly = f.weekly()
    rivals = [name for name in weekly.columns if name not in ("observed", "mean", "low", "high")]
    rows = [
        (
            str(week), f"{w['observed']:,.0f}", f"{w['mean']:,.0f}", f"{w['low']:,.0f}–{w['high']:,.0f}",
            _yes(bool(w["low"] <= w["observed"] <= w["high"])), *(f"{w[name]:,.0f}" for name in rivals),
        )
        for week, w in weekly.iterrows()
    ]  # fmt: skip
    return _table(("week of", "observed", "world", "90 % band", "inside", *rivals), rows)


def _yes(inside: bool) -> str:
    return "yes" if inside else "no"


def _counts(f: Forecast) -> str:
    """How many facts each simulation shows."""
    counts = []
    for name, forecast in f.forecasts.items():
        if forecast.tallies:
            checks = f.facts(name)
            counts.append(f"{_name(name)} {sum(c.inside for c in checks)} of {len(checks)}")
    return ", ".join(counts)


def _facts(checks: Sequence[FactCheck]) -> str:
    rows = [
        (c.fact.doc, _form(c.fact, c.observed), _form(c.fact, c.median),
         f"{_form(c.fact, c.low)}–{_form(c.fact, c.high)}", _yes(c.inside))
        for c in checks
    ]  # fmt: skip
    return _table(("", "observed", "simulated", "90 % band", "inside"), rows)


def _form(fact: Fact, value: float) -> str:
    return format(value, fact.form)
