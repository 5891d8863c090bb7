"""How a search went, in words for the researcher."""

from __future__ import annotations

import pandas as pd

from experiments.reporting.record import Facts
from experiments.reporting.report_tables import Table
from experiments.reporting.searched import Course, Searched
from experiments.reporting.story import counted, percent, plus_minus, searched_of, signed
from experiments.reporting.words import label_words
from experiments.searching.finals.finalists import STATUS_QUO

ENGINES = {
    "gp": "a Gaussian process with expected improvement", "tpe": "the multivariate tree-structured Parzen estimator",
    "cma": "CMA-ES",
}  # fmt: skip
NOTABLE = 0.02  # share of a number below which its decline is not worth a sentence


def claimed_and_held(facts: Facts) -> str:
    """What the search saw of its winner beside what holdout seeds say: the winner's curse."""
    searched, currency = searched_of(facts), facts.world.currency
    winner, seeds = searched.winner, searched.course.effort.replicates
    if winner.label == STATUS_QUO or winner.claimed is None or winner.holdout is None:
        return (
            f"The search saw policies on {seeds} replicates that it also chose by; finalists met fresh replicates, and "
            "what is recommended met holdout replicates, which choose nothing. Only the last are claimed."
        )
    lost = winner.claimed - winner.holdout.mean
    text = (
        f"The search expected {signed(winner.claimed)} {currency} per customer of {label_words(winner.label)}, from "
        f"{seeds} replicates that it also chose by. On {winner.ranked.n} fresh replicates, which rank the finalists, "
        f"it was {plus_minus(winner.ranked)}; on {winner.holdout.n} holdout replicates, which choose nothing, "
        f"{plus_minus(winner.holdout)}. Only the last number is claimed."
    )
    if lost > NOTABLE * abs(winner.claimed):
        text += f" What the search expected was {lost:.2f} too high: "
        text += "the best of many trials owes something to luck, and a few shared seeds may be kind to all."
    return text


def course_told(searched: Searched, trials: pd.DataFrame, currency: str) -> tuple[str, ...]:
    """Engine, replicates, races, stop, judgement, each in a sentence or two."""
    course = searched.course
    return tuple(
        text
        for text in (
            _tried(course, trials),
            _replicates(course, currency),
            _raced(course, trials),
            _first_look(course),
            _stopped(course, len(trials)),
            _judged(searched, currency),
            f"{course.simulated:,} replicates were simulated; {course.reused:,} were known already.",
        )
        if text
    )


def _tried(course: Course, trials: pd.DataFrame) -> str:
    where = f" Each lives in one of {course.worlds} worlds drawn from {course.drawn_from}." if course.worlds > 1 else ""
    return (
        f"{counted(len(trials), 'policy').replace('policys', 'policies')} of {course.levers} levers were tried on the "
        f"same seeds in all; {ENGINES.get(course.engine, course.engine)} proposed them. What is maximised is the "
        f"{course.aim}.{where} The search changed the policy and never the world."
    )


def _replicates(course: Course, currency: str) -> str:
    pilot, chosen = course.pilot, course.effort
    if pilot is None:
        return f"Each trial has {chosen.replicates} replicates, as the plan asks."
    saving = f"one shared replicate is worth {pilot.saving:.0f} on separate seeds" if pilot.noise_sd > 0 else (
        "shared seeds leave no noise between policies")  # fmt: skip
    return (
        f"A pilot of {pilot.policies} policies on {pilot.seeds} shared seeds found a correlation of "
        f"{pilot.correlation:.3f} with the status quo, so {saving}. Policies differ by {pilot.between_sd:.2f} "
        f"{currency} per customer (standard deviation of their means), one paired difference of two by "
        f"{pilot.noise_sd:.2f} from luck. So {chosen.replicates} replicates a trial were chosen: of the ways to spend "
        f"the effort in the table it is expected to fall least short of the optimum.{_raised(course)}"
    )


def _raised(course: Course) -> str:
    """Where the objective needs more replicates than the pilot favours."""
    weighed, n = course.replication, course.effort.replicates
    if weighed is None or weighed.chosen.replicates >= n:
        return ""
    return f" (It favours {weighed.chosen.replicates}, of which no error can be told; {n} is the least.)"


def _raced(course: Course, trials: pd.DataFrame) -> str:
    if course.effort.schedule is None:
        return "No trial was given up early: every one has all its replicates."
    dropped = int(trials["dropped"].sum())
    looks = ", ".join(str(look) for look in course.effort.schedule)
    return (
        f"Trials were raced against the best so far, with looks after {looks} replicates at an error rate that holds "
        f"under repeated looks; {dropped} of {len(trials)} were given up early."
    )


def _first_look(course: Course) -> str:
    look = course.first_look
    if look is None:
        return ""
    if not look.used:
        return look.words()
    return f"{look.words()} {look.dropped} of {look.tried} later ones were given up there."


def _stopped(course: Course, tried: int) -> str:
    if course.interrupted:
        return f"It was stopped by hand after {tried} of {course.effort.trials} trials."
    return f"It stopped {course.stopped}." if course.stopped else f"It ran all {tried} trials."


def _judged(searched: Searched, currency: str) -> str:
    final = searched.final
    rounds = ", ".join(str(seen) for seen in final.rounds)
    return (
        f"{len(searched.finalists)} finalists met fresh seeds, {rounds} replicates after each round, until they were "
        f"told apart or declared equal; a shortfall below {final.margin:.3f} {currency} per customer counts as equal."
    )


# -- tables -----------------------------------------------------------------------------------------------------------


def stages(course: Course) -> Table:
    """Seconds by stage."""
    total = sum(course.seconds.values())
    rows = [(stage, f"{s:,.1f}", percent(s / total) if total else "–") for stage, s in course.seconds.items()]
    return Table(("stage", "seconds", "share"), (*rows, ("all", f"{total:,.1f}", "")))


def efforts(course: Course) -> Table | None:
    """Ways to spend the effort that the pilot weighed; None without a pilot."""
    weighed = course.replication
    if weighed is None:
        return None
    rows = [
        (
            f"race to {one.replicates}" if one.schedule else f"{one.replicates} each",
            f"{one.trials:,}",
            f"{one.loss:.3f}",
            f"{one.error:.3f}",
            "chosen" if one == weighed.chosen else "",
        )
        for one in weighed.options
    ]
    return Table(("replicates", "trials", "expected shortfall", "its error", ""), tuple(rows))
