"""What only the page of a search shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.reporting import (
    figures_basis,
    figures_causes,
    figures_search,
    story,
    story_answer,
    story_basis,
    story_causes,
    story_course,
    story_limits,
)
from experiments.reporting import report_tables as tables
from experiments.reporting.causes import Causes
from experiments.reporting.pictures import Picture, picture, reliability
from experiments.reporting.record import Facts, RunRecord
from experiments.reporting.searched import Front, Searched
from experiments.reporting.suppression import count_words
from experiments.reporting.words import amount_words, axis_words, label_words, lever_words, value_words
from experiments.searching.aims import METRICS, RISK
from experiments.searching.finals.finalists import NOTHING, STATUS_QUO

MOST_CUTS = 6  # slices on the page, of the levers that matter most
RISK_MEANING = "mean loss against the status quo in the worst tenth of worlds"


@dataclass(frozen=True)
class FrontPart:
    """A front on the page."""

    name: str
    words: str
    picture: Picture | None
    table: tables.Table
    levers: tables.Table


def content(record: RunRecord) -> dict[str, Any]:
    """Everything that the template of a search asks for beyond that of any run."""
    facts, trials = record.facts, record.tables["trials"]
    searched, currency = story.searched_of(facts), facts.world.currency
    return {
        "answer": story_answer.recommendation(facts),
        "count_words": count_words,
        "interruption": story_answer.interruption(searched, len(trials)),
        "in_short": story_answer.in_short(facts),
        "searched": searched,
        "changes": story_answer.changes(facts),
        "choice": story_answer.choice(facts),
        "limits": story_limits.rows(searched, currency),
        "fronts": [_front(metric, front, facts) for metric, front in searched.fronts.items()],
        "told": story_basis.told(searched),
        "bases": story_basis.rows(facts),
        "causes": _causes(facts),
        "claimed": story_course.claimed_and_held(facts),
        "finalist_levers": tables.lever_table(list(searched.bounds), _finalist_values(searched, currency)),
        "course": story_course.course_told(searched, trials, currency),
        "stages": story_course.stages(searched.course),
        "efforts": story_course.efforts(searched.course),
        "tiers": tables.tier_shares(record.tables["tiers"]),
        "identities": tables.identity_tables(record.tables["identities"]) if "identities" in record.tables else [],
        "reliability": reliability(searched.card) if searched.card else [],
        "plus_minus": story.plus_minus,
        "signed": story.signed,
        "chance": story_answer.chance,
        "percent": story.percent,
    }


def pictures(record: RunRecord) -> dict[str, Picture]:
    """The history of the trials, and what the recommendation rests on."""
    facts, searched = record.facts, story.searched_of(record.facts)
    currency, claim = facts.world.currency, facts.differences["clv"]
    kept = searched.winner.label == STATUS_QUO
    history = figures_search.history_info(record.tables["trials"])
    drawn = figures_search.plot_history(history, claim=None if kept else claim, currency=currency)
    counts = history["standing"].value_counts()
    caption = f"{len(history)} trials: {', '.join(f'{n} {standing}' for standing, n in counts.items())}. "
    found = {"history": picture(drawn, "history", f"{caption}Bars: one standard error.")}
    if searched.basis.alternatives and not kept:  # the status quo gains nothing over itself in any world
        info = figures_basis.assumptions_info(searched.basis.alternatives)
        drawn = figures_basis.plot_assumptions(info, claim=claim, currency=currency)
        caption = "Gain of the recommended policy where one assumed effect is weaker or stronger, 95 % intervals."
        found["assumptions"] = picture(drawn, "assumptions", caption)
    if any(sweep.effect for sweep in searched.basis.sweeps):
        info = figures_basis.flips_info(searched.basis.sweeps)
        caption = "Each assumed effect made weaker and stronger, all others as assumed. "
        caption += (
            "Where a mark stands, another policy takes the lead."
            if (info["rival"] != "").any()
            else "Nowhere that was tried does another policy take the lead."
        )
        found["flips"] = picture(figures_basis.plot_flips(info), "flips", caption)
    return found


def _finalist_values(searched: Searched, currency: str) -> list[tuple[str, list[str]]]:
    candidates = [("today", searched.status_quo)]
    candidates += [(label_words(f.label), f.values) for f in searched.finalists if f.label not in (STATUS_QUO, NOTHING)]
    return [(label, _shown(values, searched, currency)) for label, values in candidates]


def _shown(values: dict[str, Any], searched: Searched, currency: str) -> list[str]:
    """Values of a policy at every path that a lever may set; a dash where the policy has no such thing."""
    return [value_words(path, values[path], currency) if path in values else "–" for path in searched.bounds]


# -- fronts -----------------------------------------------------------------------------------------------------------


def _front(metric: str, front: Front, facts: Facts) -> FrontPart:
    searched, currency = story.searched_of(facts), facts.world.currency
    name = story_limits.name(metric)
    rows = [
        (
            amount_words(metric, point.amount, currency),
            story.plus_minus(point.uplift),
            story.percent(point.uplift.better),
            str(point.changes),
        )
        for point in front.points
    ]
    heads = (name, f"{currency} per customer", "worlds won", "levers changed")
    points = [(amount_words(metric, p.amount, currency), _shown(p.values, searched, currency)) for p in front.points]
    return FrontPart(
        name=name,
        words=story_limits.front_words(metric, front, currency),
        picture=_front_picture(metric, front, searched, currency) if len(front.points) > 1 else None,
        table=tables.Table(heads, tuple(rows)),
        levers=tables.lever_table(list(searched.bounds), points),
    )


def _front_picture(metric: str, front: Front, searched: Searched, currency: str) -> Picture:
    unit, scale = axis_words(metric, currency)
    name = story_limits.name(metric)
    drawn = figures_search.plot_front(
        figures_search.scaled(figures_search.front_info(front), scale), name=name, x=_axis(name, unit),
        limit=searched.limits.get(metric), scale=scale, currency=currency,
    )  # fmt: skip
    meaning = RISK_MEANING if metric == RISK else METRICS[metric].meaning
    caption = (
        f"{name.capitalize()}: {meaning}. Bars: 95 % intervals. All on fresh seeds, so that the recommended policy "
    )
    caption += "is not where its claim is; how much it and the status quo have is from the holdout seeds."
    return picture(drawn, f"front-{metric}", caption)


def _axis(name: str, unit: str) -> str:
    """``staff hours (hours a week)``, or the name alone for what is counted in nothing."""
    return f"{name} ({unit})" if unit else name


# -- what mattered ----------------------------------------------------------------------------------------------------


def _causes(facts: Facts) -> dict[str, Any] | None:
    """Importances, slices of the levers that matter most, maps of the strongest pairs; None where nobody asked."""
    searched, currency = story.searched_of(facts), facts.world.currency
    causes = searched.causes
    if causes is None:
        return None
    info = figures_causes.importances_info(causes)
    names = {lever: lever_words(lever) for lever in info["lever"]}
    drawn = figures_causes.plot_importances(info, floor=causes.floor, names=names)
    caption = "Bars left of the line cannot be told from a lever that does nothing."
    return {
        "told": story_causes.in_short(searched, currency),
        "together": story_causes.together(causes),
        "method": story_causes.method(causes),
        "importances": picture(drawn, "importances", caption),
        "cuts": [_cut(n, causes, searched, currency) for n in _telling(causes)],
        "charts": [_chart(n, causes, currency) for n in range(len(causes.charts))],
    }


def _telling(causes: Causes) -> list[int]:
    """Numbers of the slices to show, the levers with the largest share first."""
    totals = {one.lever: one.total for one in causes.importances if one.above_floor}
    known = [n for n, cut in enumerate(causes.cuts) if cut.lever in totals]
    return sorted(known, key=lambda n: -totals[causes.cuts[n].lever])[:MOST_CUTS]


def _cut(number: int, causes: Causes, searched: Searched, currency: str) -> Picture:
    cut = causes.cuts[number]
    unit, scale = axis_words(cut.lever, currency)
    today = searched.status_quo.get(cut.lever)
    drawn = figures_causes.plot_slice(
        figures_causes.slice_info(cut, scale), title=lever_words(cut.lever), x=unit,
        here=figures_causes.scaled(cut.here, scale), today=figures_causes.scaled(today, scale), currency=currency,
    )  # fmt: skip
    caption = f"Uplift if {lever_words(cut.lever)} alone moves in the recommended policy, as the surrogate expects it."
    return picture(drawn, f"cut{number}", caption)


def _chart(number: int, causes: Causes, currency: str) -> Picture:
    chart = causes.charts[number]
    units = [axis_words(lever, currency) for lever in chart.levers]
    names = [_axis(lever_words(lever), unit) for lever, (unit, _) in zip(chart.levers, units, strict=True)]
    scales = units[0][1], units[1][1]
    info = figures_causes.map_info(chart, scales)
    here = figures_causes.scaled(chart.here[0], scales[0]), figures_causes.scaled(chart.here[1], scales[1])
    drawn = figures_causes.plot_map(info, x=names[0], y=names[1], here=here, currency=currency)
    widest = float(info["half"].max())
    caption = f"As the surrogate expects it; the 90 % band is at most ± {widest:.2f} {currency} per customer wide."
    return picture(drawn, f"chart{number}", caption)
