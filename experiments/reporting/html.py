"""HTML: the one environment in which all pages are written."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from experiments.reporting.words import label_words


def environment() -> Environment:
    """Templates with escaping; a name that is missing is an error, not an empty string."""
    made = Environment(
        loader=PackageLoader("experiments.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["cents"] = lambda cents: f"{cents / 100:,.2f}"
    made.filters["label"] = label_words
    return made
