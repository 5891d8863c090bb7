"""The page of a calibration, in Markdown, and what the command line says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from experiments.calibrating.checks import AS_WIDE, FactCheck, Marginal
from experiments.terminal.console import say_table, say_wrapped

if TYPE_CHECKING:
    from experiments.calibrate import Calibration

FACTS = ("fact", "observed", "tolerance", "median", "90 % band", "verdict")
VALUES = ("value", "span before", "median", "90 % of the sets", "width", "verdict")
PICTURES = {"facts": "facts.png", "values": "values.png"}


def verdict_of(fact: FactCheck) -> str:
    """``shown`` or ``FAILS``."""
    return "shown" if fact.fits else "FAILS"


def told_of(value: Marginal) -> str:
    """Whether the facts identify a value."""
    return "identified" if value.told else "NOT IDENTIFIED"


def fact_rows(facts: Iterable[FactCheck]) -> list[tuple[str, ...]]:
    """Posterior predictive check, a row for each figure."""
    return [
        (f.name, number(f.observed), f"± {number(f.sd)}", number(f.median), f"{number(f.low)} … {number(f.high)}",
         verdict_of(f))
        for f in facts
    ]  # fmt: skip


def value_rows(values: Iterable[Marginal]) -> list[tuple[str, ...]]:
    """What was found, a row for each free value."""
    return [
        (m.path, f"{number(m.low)} … {number(m.high)}", number(m.median), f"{number(m.p5)} … {number(m.p95)}",
         f"{m.narrower:.0%}", told_of(m))
        for m in values
    ]  # fmt: skip


def number(value: float) -> str:
    """Three digits, or a whole number with its thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def summary(found: Calibration) -> str:
    """What came out, in sentences."""
    posterior, failed = found.posterior, [f.name for f in found.facts if not f.fits]
    open_ = [m.path for m in found.marginals if not m.told]
    parts = [
        f"{len(posterior.points)} parameter sets were lived and {len(posterior.accepted)} of them accepted; by their "
        f"weights they are worth {found.ensemble.worth:.0f} equally likely ones."
    ]
    if found.thin:
        parts.append("That is too few to tell a posterior: raise `effort.rounds` or `effort.first`.")
    if posterior.interrupted:
        parts.append("The rounds were stopped early; the same command goes on.")
    shown = f"{len(found.facts) - len(failed)} of {len(found.facts)} figures lie inside the 90 % band of what the "
    parts.append(f"{shown}accepted sets say would be measured" + (f"; not so: {', '.join(failed)}." if failed else "."))
    if open_:
        parts.append(f"The targets do not identify {', '.join(open_)}: a search must live over the whole span there.")
    return " ".join(parts)


def told(found: Calibration) -> None:
    """Tell it on the command line."""
    say_wrapped(summary(found))
    say_table(FACTS, fact_rows(found.facts), numbers=(1, 2, 3))
    say_table(VALUES, value_rows(found.marginals), numbers=(2, 4))


def markdown(found: Calibration) -> str:
    """The page."""
    posterior = found.posterior
    noise = posterior.kernel.noise.diagonal()
    luck = ", ".join(
        f"{fact.name} ± {number(2 * (fact.median * float(variance)) ** 0.5)}"
        for fact, variance in zip(found.facts, noise, strict=True)
    )
    return "\n".join(
        [
            f"# Calibration: {found.title}", "", summary(found), "",
            "## Do the accepted sets show the facts?", "",
            "Posterior predictive check: what would be measured under the accepted sets, with the luck of one world "
            "and the tolerance of the figure. A fact outside the 90 % band fails.", "",
            *table(FACTS, fact_rows(found.facts)), "", f"![facts]({PICTURES['facts']})", "",
            "## What do the facts tell?", "",
            f"Width is the standard deviation of the accepted sets as a share of the span's own. A value whose width "
            f"is {AS_WIDE:.0%} or more, and whose distribution cannot be told from the span's, is not identified.", "",
            *table(VALUES, value_rows(found.marginals)), "", f"![values]({PICTURES['values']})", "",
            "## How", "",
            f"Approximate Bayesian computation with the kernel of the error model (Wilkinson 2013), population Monte "
            f"Carlo from a Latin hypercube; equally likely sets after each round: "
            f"{', '.join(f'{worth:.0f}' for worth in posterior.worth)}. Every set met the same seeds. Luck of one "
            f"replicate, from {posterior.kernel.runs} with seeds of their own: {luck}.",
            f"{found.simulated:,} replicates were simulated, {found.reused:,} were known already.", "",
            *(f"- {note}" for note in found.notes), "",
            "To search over these sets, name `ensemble.yaml` in the experiment: `ensemble: PATH`.", "",
        ]
    )  # fmt: skip


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(row)} |" for row in lines]
