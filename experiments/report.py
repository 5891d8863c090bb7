"""One self-contained HTML file that answers the strategist: no network, no script, pictures as SVG inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.compare import Verdict, difference
from experiments.learning.model_card import ModelCard, plot_model_card
from experiments.reporting import figures as fig
from experiments.reporting import figures_money as fig_money
from experiments.reporting import figures_search as fig_search
from experiments.reporting import report_tables as tables
from experiments.reporting import story
from experiments.reporting.record import Facts, RunRecord, as_yaml, record_of_run
from experiments.reporting.words import LEVEL_NAMES, label_words, lever_words, policy_rows, value_words
from experiments.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.search import SearchResult

STATUS_QUO = "status quo"


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
    environment = Environment(
        loader=PackageLoader("experiments.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["cents"] = lambda cents: f"{cents / 100:,.2f}"
    environment.filters["label"] = label_words
    facts = record.facts
    content = _common(record)
    if facts.kind == "search":
        content["pictures"] |= _search_pictures(record)
        content |= _search(record)
    else:
        content["answer"] = story.comparison(facts) if facts.kind == "compare" else _simulated(record)
    return environment.get_template("search.html.j2" if facts.kind == "search" else "run.html.j2").render(content)


# -- what every report shows ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """A figure on the page: the SVG and what it says in words."""

    svg: Markup
    caption: str


def picture(ax: Axes, name: str, caption: str) -> Picture:
    """Draw the figure of these Axes."""
    return Picture(Markup(fig.svg(ax, name, caption)), caption)


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
        "contacts": tables.people_table(frames["census"], "contact"),
        "policies": policy_rows([facts.policies[arm] for arm in facts.arms if _acts(facts, arm)], facts.docs, currency),
        "shown": [arm for arm in facts.arms if _acts(facts, arm)],
        "recommended": as_yaml(facts.policies[facts.arms[0]]),
        "provenance": record.provenance,
        "pictures": _pictures(record),
    }


def _acts(facts: Facts, arm: str) -> bool:
    """Whether an arm has anything to show; the arm in question always has."""
    return arm == facts.arms[0] or bool(facts.policies[arm].get("actions"))


def _pictures(record: RunRecord) -> dict[str, Picture]:
    facts, frames = record.facts, record.tables
    currency, arms = facts.world.currency, facts.arms
    budget = facts.search.budget if facts.search else None
    base = _base(facts)
    values = fig.per_customer(frames["weekly"], frames["replicates"], base)
    spend = fig.cumulative(frames["weekly"], "spend")
    band = "Line: mean of the replicates; band: the central 90 % of them."
    per = f"{currency} per customer"
    equity = fig.plot_curves(fig.curves_info(values), title="Cumulative discounted equity", y=per)
    costs = fig.plot_curves(fig.curves_info(spend), title="Cumulative spend", y=currency, limit=budget)
    steps = fig_money.waterfall_info(frames["money"])
    reachable = fig.plot_curves(fig.reachable_info(frames["census"]), title="Reachable contacts", y="customers")
    waterfall = fig_money.plot_waterfall(steps, currency=currency)
    funnel = fig.plot_funnel(fig.funnel_info(frames["census"]), names=LEVEL_NAMES)
    found = {
        "clv": picture(equity, "clv", f"Discounted profit so far, per customer. {band}"),
        "spend": picture(costs, "spend", f"What the operator has spent so far. {band}"),
        "reachable": picture(reachable, "reachable", "Contacts who neither muted nor deleted; mean of the replicates."),
        "money": picture(waterfall, "money", "Sales at list price, less goods and what each action cost: profit."),
        "costs": picture(
            fig_money.plot_costs(fig_money.costs_info(steps), arms=arms, currency=currency),
            "costs",
            "Discounts, messages, wages, media and production, less fees received.",
        ),
        "funnel": picture(funnel, "funnel", "Contacts at each trust level on the first and on the last day."),
    }
    if base is not None and base != arms[0]:
        gain = fig.gain_info(values, arms[0], base)
        drawn = fig.plot_gain(gain, title="Gain so far, world by world", y=per)
        last = gain.iloc[-1]
        words = f"At the end {last['mean']:+.2f} {per}, 95 % interval {last['low']:+.2f} to {last['high']:+.2f}."
        found["gain"] = picture(drawn, "gain", f"'{arms[0]}' over '{base}', replicate by replicate. {words}")
        found["worlds"] = _worlds(facts, frames["replicates"], base)
    if "tiers" in frames:
        caption = "Buyers by value tier (mean over the run) and the sales at the moment of each order."
        found["tiers"] = picture(fig.plot_tiers(fig.tiers_info(frames["tiers"])), "tiers", caption)
    return found


def _base(facts: Facts) -> str | None:
    """The arm that others are compared with."""
    return {"search": STATUS_QUO, "compare": facts.arms[-1]}.get(facts.kind)


def _worlds(facts: Facts, replicates: Any, base: str) -> Picture:
    by_arm = {arm: part.set_index("replicate") for arm, part in replicates.groupby("arm")}
    gap = by_arm[facts.arms[0]]["equity"] - by_arm[base]["equity"]
    values = (gap / by_arm[base]["acquired"].clip(lower=1)).to_numpy(np.float64)
    d = facts.differences["clv"]
    drawn = fig.plot_difference(d, values, currency=facts.world.currency)
    caption = f"Each dot is one world lived twice with the same people and luck; better in {story.worlds_won(d)}."
    return picture(drawn, "worlds", caption)


def _simulated(record: RunRecord) -> story.Recommendation:
    replicates = record.tables["replicates"]
    clv = difference("clv", replicates["clv"].to_numpy(np.float64))
    return story.simulation(record.facts, clv, float(replicates["spend"].mean()))


# -- what only a search shows -----------------------------------------------------------------------------------------


def _search(record: RunRecord) -> dict[str, Any]:
    facts, searched = record.facts, story.searched_of(record.facts)
    currency = facts.world.currency
    levers = list(searched.bounds)
    candidates = [("today", [value_words(p, searched.status_quo[p], currency) for p in levers])]
    candidates += [
        (label_words(f.label), [value_words(p, f.values[p], currency) for p in levers])
        for f in searched.finalists
        if f.values
    ]
    return {
        "answer": story.recommendation(facts),
        "searched": searched,
        "changes": story.changes(facts),
        "choice": story.choice(facts),
        "bases": story.bases(facts),
        "robustness": story.robustness(facts),
        "claimed": story.claimed_and_held(facts),
        "finalist_levers": tables.lever_table(levers, candidates),
        "tiers": tables.tier_shares(record.tables["tiers"]),
        "reliability": _reliability(searched.card) if searched.card else [],
        "plus_minus": story.plus_minus,
        "signed": story.signed,
    }


def _search_pictures(record: RunRecord) -> dict[str, Picture]:
    facts, searched = record.facts, story.searched_of(record.facts)
    currency, claim = facts.world.currency, facts.differences["clv"]
    kept = searched.finalists[0].label == STATUS_QUO
    history = fig_search.history_info(record.tables["trials"])
    drawn = fig_search.plot_history(history, claim=None if kept else claim, currency=currency)
    over = int((~history["feasible"]).sum())
    caption = f"{len(history)} trials, {over} over the budget. Bars: one standard error."
    found = {"history": picture(drawn, "history", caption)}
    if searched.importances:
        info = fig_search.importances_info(searched.importances)
        drawn = fig_search.plot_importances(info, names={path: lever_words(path) for path in info["lever"]})
        caption = "PED-ANOVA over all trials. The trials were chosen by the search, not at random."
        found["importances"] = picture(drawn, "importances", caption)
    if searched.alternatives and not kept:  # the status quo gains nothing over itself in any world
        info = fig_search.assumptions_info(searched.alternatives)
        drawn = fig_search.plot_assumptions(info, claim=claim, currency=currency)
        caption = "Gain of the recommended policy where one assumed effect is weaker or stronger, 95 % intervals."
        found["assumptions"] = picture(drawn, "assumptions", caption)
    return found


def _reliability(card: ModelCard) -> list[Picture]:
    """Reliability of each model that was judged; bins of fewer than ten forecasts are left out."""
    pictures: list[Picture] = []
    for name, task in card.tasks.items():
        bins = [part for part in task.reliability if part[2] >= fig.FEWEST]
        if bins:
            ax = fig.axes(height=3.0)
            plot_model_card(replace(card, tasks={name: replace(task, reliability=bins)}), [ax])
            ax.set_title("")  # the card's own, in another place
            fig.axes(ax, title=task.question, x="forecast", y="share that happened")
            words = f"{task.question}: {task.rows:,} forecasts. On the line, what was forecast is what happened."
            pictures.append(picture(ax, f"card{len(pictures)}", words))
    return pictures
