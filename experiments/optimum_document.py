"""The document of `siyu validate optimum`: every number of the check in Markdown, whatever it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.optimum import (
    COVERAGE,
    MEDIAN_REGRET,
    MOST_BIAS,
    MOST_SECONDS,
    MOST_TRIALS,
    MOST_Z,
    P90_REGRET,
    PRICE_SLACK,
    CaseResult,
    OptimumCheck,
)
from experiments.results import write_json
from experiments.terminal.folders import write_text

NONE = "–"


def save(check: OptimumCheck, path: Path) -> Path:
    """Write the document as Markdown, or every number as JSON where the name ends in .json; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        write_json(path, check.as_dict())
        return path
    return write_text(path, markdown(check))


def markdown(check: OptimumCheck) -> str:
    """The whole document."""
    parts = [
        "# The search against known optima",
        "Made by `siyu validate optimum`. Each world is lived by the product's own engine, and its best policy is "
        "known by a method that never asks the engine.",
        verdict(check),
        "## Fixed policies",
        f"The simulated mean must lie within {MOST_Z:.0f} standard errors of the exact value. Values per customer. The "
        "policies of a world share their luck, so they err together.",
        table(
            ("world", "policy", "exact", "simulated", "standard error", "apart, in standard errors", "customers"),
            [
                (f.case, f.policy, f"{f.exact:,.3f}", f"{f.simulated:,.3f}", f"{f.error:.3f}", f"{f.z:+.1f}",
                 f"{f.customers:,}")
                for f in check.fixed
            ],
        ),
    ]  # fmt: skip
    if check.cases:
        covered, studies = check.coverage
        parts += [
            "## Searches",
            f"Regret is how far the exact value of the recommended policy falls short of the best: at most "
            f"{MEDIAN_REGRET:.1%} in the median study, {P90_REGRET:.0%} at the 90th percentile. Claims may be "
            f"{MOST_BIAS:.1%} off on average, shadow prices {PRICE_SLACK:.0%} in the median study. A study may take "
            f"{MOST_TRIALS} trials and {MOST_SECONDS:.0f} seconds. The 95 % intervals should hold the truth in "
            f"{COVERAGE[0]:.0%} to {COVERAGE[1]:.0%} of all studies; they do in {covered} of {studies}.",
            table(
                ("world", "studies", "median regret", "90th percentile", "claim off by", "truth held",
                 "shadow price off", "limit exceeded by", "trials", "seconds, median", "most"),
                [_row(case) for case in check.cases],
            ),
        ]  # fmt: skip
    if check.equal:
        parts += ["## Equal policies", *(f"- {test}" for test in check.equal)]
    return "\n\n".join(parts) + "\n"


def verdict(check: OptimumCheck) -> str:
    """Whether every target is met, and each one that is not."""
    missed = check.missed()
    if not missed:
        return "Every target is met."
    return "Targets missed:\n\n" + "\n".join(f"- {words}" for words in missed)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(case: CaseResult) -> tuple[str, ...]:
    price, over = case.price_error, case.overspent
    seconds = [s.seconds for s in case.studies]
    return (
        case.case, f"{len(case.studies)}", f"{case.median_regret:.3%}", f"{case.p90_regret:.3%}", f"{case.bias:+.3%}",
        f"{case.covered}", NONE if price is None else f"{price:.1%}", NONE if over is None else f"{over:+.2%}",
        f"{np.median([s.trials for s in case.studies]):.0f}", f"{np.median(seconds):.0f}", f"{max(seconds):.0f}",
    )  # fmt: skip
