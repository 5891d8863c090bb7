"""One self-contained HTML file that answers the strategist: no network, no script, pictures as SVG inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.compare import Verdict, difference
from experiments.reporting import page_search, pictures, story
from experiments.reporting import report_tables as tables
from experiments.reporting.html import environment
from experiments.reporting.record import Facts, RunRecord, as_yaml, record_of_run
from experiments.reporting.words import policy_rows
from experiments.results import Results

if TYPE_CHECKING:
    from experiments.searching.result import SearchResult


def write_report(result: SearchResult | RunRecord, path: Path) -> Path:
    """Write the report of a search, or of any record, as one HTML file; return its path.

    A search is read back from its folder, so this is the report that ``siyu report`` makes from the folder later.
    """
    record = result if isinstance(result, RunRecord) else RunRecord.load(result.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(page(record), encoding="utf-8")
    return temporary.replace(path)


def write_run_report(
    run: Results | Verdict, path: Path, *, scenario: Scenario, policies: Sequence[Policy], command: str = ""
) -> Path:
    """Write the shorter report of ``simulate`` or ``compare``. Parameters are those of ``record_of_run``."""
    return write_report(record_of_run(run, scenario=scenario, policies=policies, command=command), path)


def report_from_folder(folder: Path, path: Path | None = None) -> Path:
    """Make the report of a finished run again from what is on disk; ``folder/report.html`` unless told otherwise.

    Raises
    ------
    StudyError
        When the folder holds no finished run.
    """
    return write_report(RunRecord.load(folder), path or folder / "report.html")


def page(record: RunRecord) -> str:
    """The report as HTML."""
    facts = record.facts
    content = _common(record)
    if facts.kind == "search":
        content["pictures"] |= page_search.pictures(record)
        content |= page_search.content(record)
    else:
        content["answer"] = story.comparison(facts) if facts.kind == "compare" else _simulated(record)
    return environment().get_template("search.html.j2" if facts.kind == "search" else "run.html.j2").render(content)


def _common(record: RunRecord) -> dict[str, Any]:
    facts, frames = record.facts, record.tables
    currency = facts.world.currency
    return {
        "facts": facts,
        "start": story.date_words(facts.world.start),
        "currency": currency,
        "arms": facts.arms,
        "outcomes": tables.outcome_table(frames["replicates"]),
        "money": tables.money_tables(frames["money"], frames["replicates"]),
        "levels": tables.people_table(frames["census"], "level"),
        "steps": tables.steps_table(frames["census"]),
        "segments": tables.segments_table(frames["census"]),
        "contacts": tables.people_table(frames["census"], "contact"),
        "policies": policy_rows([facts.policies[arm] for arm in facts.arms if _acts(facts, arm)], facts.docs, currency),
        "shown": [arm for arm in facts.arms if _acts(facts, arm)],
        "recommended": as_yaml(facts.policies[facts.arms[0]]),
        "provenance": record.provenance,
        "pictures": pictures.pictures(record),
    }


def _acts(facts: Facts, arm: str) -> bool:
    """Whether an arm has anything to show; the arm in question always has."""
    return arm == facts.arms[0] or bool(facts.policies[arm].get("actions"))


def _simulated(record: RunRecord) -> story.Recommendation:
    replicates = record.tables["replicates"]
    clv = difference("clv", replicates["clv"].to_numpy(np.float64))
    return story.simulation(record.facts, clv, float(replicates["spend"].mean()))
