"""What mattered, in words."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.reporting.causes import Causes, Step
from experiments.reporting.searched import Searched
from experiments.reporting.story import listed, percent, plus_minus
from experiments.reporting.words import lever_words, value_words

NOTABLE = 0.02  # share of the variation below which an interaction is not worth a sentence
MOST_NAMED = 3  # levers that the summary names
GOOD_FIT = 0.7  # assumed: predicted share of variation below which importances are said to be rough


def shares(causes: Causes | None) -> dict[str, float]:
    """Total index of each lever that matters more than one that does nothing; 0 for the others."""
    if causes is None:
        return {}
    return {one.lever: one.total if one.above_floor else 0.0 for one in causes.importances}


def share_of(path: str, known: Mapping[str, float]) -> float | None:
    """Importance of the lever that sets a path of the policy; of several coordinates of it the largest."""
    found = [share for name, share in known.items() if f"{path}.".startswith(f"{name.partition('[')[0]}.")]
    return max(found, default=None)


def in_short(searched: Searched, currency: str) -> tuple[str, ...]:
    """The levers above the floor, and what one or two changes alone would earn."""
    causes = searched.causes
    if causes is None:
        return ()
    above = [one for one in causes.importances if one.above_floor]
    named = [f"{lever_words(one.lever)} ({percent(one.total)})" for one in above[:MOST_NAMED]]
    if not named:
        first = "No lever moves the result more than one that does nothing."
    else:
        rest = len(causes.importances) - len(above)
        first = f"What moves the result most: {listed(named)}."
        if rest:
            first += f" {rest} of {len(causes.importances)} levers cannot be told from one that does nothing."
    return (first, *steps(searched, currency))


def steps(searched: Searched, currency: str) -> tuple[str, ...]:
    """What the best single change and the best pair of changes earn alone."""
    causes = searched.causes
    if causes is None:
        return ()
    told = []
    for what, step in (("The best single change", causes.single), ("The best pair of changes", causes.pair)):
        if step is not None:
            told.append(
                f"{what} from the status quo, {moves(step, searched, currency)}, earns {plus_minus(step.uplift)} "
                f"{currency} per customer."
            )
    return tuple(told)


def moves(step: Step, searched: Searched, currency: str) -> str:
    """``coupon: depth 10 % → 15 %``."""
    here = searched.status_quo
    return listed([
        f"{lever_words(path)} {value_words(path, here.get(path), currency)} → {value_words(path, value, currency)}"
        for path, value in step.values.items()
        if here.get(path) != value
    ] or ["nothing"])  # fmt: skip


def together(causes: Causes) -> str:
    """The strongest interaction, where it is worth a word."""
    if not causes.interactions or causes.interactions[0].share <= max(causes.floor, NOTABLE):
        return "No two levers make much more or less together than each alone."
    first = causes.interactions[0]
    pair = listed([lever_words(lever) for lever in first.levers])
    return f"{percent(first.share)} of the variation comes from {pair} together, beyond what each does alone."


def method(causes: Causes) -> str:
    """Where the importances come from, and how far they can be trusted."""
    text = (
        f"Total Sobol indices of a surrogate, from {causes.policies} policies spread evenly over the space, not from "
        f"the trials, which crowd where the search hoped for more; {causes.replicates} replicates each, on seeds of "
        f"their own. The surrogate predicts {percent(max(causes.r2, 0.0))} of their variation, each by the others"
    )
    return f"{text}." if causes.r2 >= GOOD_FIT else f"{text}: little, so take the order of the levers as rough."
