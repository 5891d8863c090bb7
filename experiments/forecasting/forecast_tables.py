"""Tables of a forecast: every number of the comparison in words, for the document and for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from experiments.forecasting.facts import Fact
from experiments.forecasting.forecast import WORLD, FactCheck, Forecast
from experiments.forecasting.scores import Scores
from experiments.learning.model_card import Score, Task

NONE = "–"


@dataclass(frozen=True)
class Column:
    """A column of scores: its head, what it is called in a sentence, how it is written, and when it is better."""

    head: str
    words: str
    form: str
    better: str = "lower"  # or higher, or nearer to zero; empty where a column alone does not tell who is better


MAIN = {
    "orders_error_percent": Column("orders error %", "total of orders", "+.1f", "zero"),
    "orders_mae": Column("MAE", "orders MAE", ".2f"),
    "orders_rmse": Column("RMSE", "orders RMSE", ".2f"),
    "orders_correlation": Column("r", "orders r", ".3f", "higher"),
    "spend_error_percent": Column("spend error %", "total of spend", "+.1f", "zero"),
    "spend_mae": Column("MAE", "spend MAE", ".1f"),
    "spend_rmse": Column("RMSE", "spend RMSE", ".1f"),
    "spend_correlation": Column("r", "spend r", ".3f", "higher"),
    "auc": Column("any order: AUC", "AUC of any order", ".3f", "higher"),
    "log_loss": Column("log-loss", "log-loss of any order", ".3f"),
    "weekly_mape": Column("weekly MAPE %", "weekly MAPE", ".1f"),
}
MORE = {
    "orders_spearman": Column("rank r", "rank correlation of orders", ".3f", "higher"),
    "crps": Column("CRPS", "CRPS", ".3f"),
    "brier": Column("any order: Brier", "Brier score of any order", ".3f"),
    "ece10": Column("ECE10", "ECE10 of any order", ".3f"),
    "cumulative_mape": Column("cumulative MAPE %", "cumulative MAPE", ".1f"),
    "total_half_width_percent": Column("total ± %", "width of the total", ".1f", ""),
    "spend_weeks_held": Column("weeks of spend inside", "weeks of spend", ".0%", ""),
}
OF_QUESTIONS = {
    "auc": Column("AUC", "AUC", ".3f", "higher"),
    "log_loss": Column("log-loss", "log-loss", ".3f"),
    "brier": Column("Brier", "Brier score", ".3f"),
    "ece10": Column("ECE10", "ECE10", ".3f"),
}


@dataclass(frozen=True)
class Table:
    """A table as text: heads and rows, the first cell of each row being its name."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table in Markdown; our own row stands out."""
        rows = [(f"**{name}**" if name == WORLD else name, *cells) for name, *cells in self.rows]
        lines = [self.head, ("---",) * len(self.head), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main_table(f: Forecast) -> Table:
    """Forecasters against each other: totals, customers, weeks."""
    head = ("", *(column.head for column in MAIN.values()), "total 90 %", "covered")
    rows = [(name, *_cells(MAIN, s), _total(s), _cell(s.covered, ".1%")) for name, s in f.scores.items()]
    return Table(head, tuple(rows))


def more_table(f: Forecast) -> Table:
    """The same by further scores."""
    head = ("", *(column.head for column in MORE.values()), "facts inside")
    rows = [(name, *_cells(MORE, s), _facts_inside(f, name)) for name, s in f.scores.items()]
    return Table(head, tuple(rows))


def question_table(task: Task) -> Table:
    """Forecasters of one question against each other."""
    rows = tuple((name, *_cells(OF_QUESTIONS, score)) for name, score in task.scores.items())
    return Table(("", *(column.head for column in OF_QUESTIONS.values())), rows)


def weekly_table(f: Forecast) -> Table:
    """Orders week by week, with all rivals."""
    return _weeks(f.weekly())


def spend_table(f: Forecast) -> Table:
    """Net spend week by week."""
    return _weeks(f.weekly_spend())


def facts_table(checks: Sequence[FactCheck]) -> Table:
    """Facts as observed and as simulated."""
    rows = tuple(
        (c.fact.doc, _form(c.fact, c.observed), _form(c.fact, c.median),
         f"{_form(c.fact, c.low)}–{_form(c.fact, c.high)}", yes(c.inside))
        for c in checks
    )  # fmt: skip
    return Table(("", "observed", "simulated", "90 % band", "inside"), rows)


def ahead(f: Forecast) -> list[tuple[str, str]]:
    """Columns in which a rival's score is better than the world's as printed, and those rivals, best first."""
    found = [_better(column, key, f.scores) for key, column in {**MAIN, **MORE}.items()]
    for task in f.origins.values():
        for key, column in OF_QUESTIONS.items():
            title, names = _better(column, key, task.scores)
            found.append((f"{task.question}, {title}", names))
    return [(title, names) for title, names in found if names]


def yes(inside: bool) -> str:
    """Yes or no."""
    return "yes" if inside else "no"


BADNESS: dict[str, Callable[[float], float]] = {"lower": lambda v: v, "higher": lambda v: -v, "zero": abs}


def _better(column: Column, key: str, scores: dict[str, Scores] | dict[str, Score]) -> tuple[str, str]:
    """The column in words and the names of those who are better in it, compared as printed."""
    values = {name: getattr(s, key) for name, s in scores.items()}
    if not column.better or values[WORLD] is None:
        return column.words, ""
    digits = int(column.form.strip("+.f"))
    bad = {name: BADNESS[column.better](round(v, digits)) for name, v in values.items() if v is not None}
    names = [name for name in sorted(bad, key=lambda n: bad[n]) if bad[name] < bad[WORLD]]
    return column.words, ", ".join(names)


def _cells(columns: dict[str, Column], scores: Scores | Score) -> list[str]:
    return [_cell(getattr(scores, key), column.form) for key, column in columns.items()]


def _cell(value: float | None, form: str) -> str:
    return NONE if value is None or value != value else format(value, form)


def _total(s: Scores) -> str:
    if s.total_low is None or s.total_high is None:
        return NONE
    return f"{s.total_low:,.0f}–{s.total_high:,.0f} {'holds' if s.total_held else 'misses'}"


def _facts_inside(f: Forecast, name: str) -> str:
    if not f.forecasts[name].tallies:
        return NONE
    checks = f.facts(name)
    return f"{sum(c.inside for c in checks)} of {len(checks)}"


def _weeks(weekly: pd.DataFrame) -> Table:
    rivals = [name for name in weekly.columns if name not in ("observed", "mean", "low", "high")]
    rows = tuple(
        (
            str(week), f"{w['observed']:,.0f}", f"{w['mean']:,.0f}", f"{w['low']:,.0f}–{w['high']:,.0f}",
            yes(bool(w["low"] <= w["observed"] <= w["high"])), *(f"{w[name]:,.0f}" for name in rivals),
        )
        for week, w in weekly.iterrows()
    )  # fmt: skip
    return Table(("week of", "observed", "world", "90 % band", "inside", *rivals), rows)


def _form(fact: Fact, value: float) -> str:
    return format(value, fact.form)
