"""The table of `siyu validate facts`: what is reported, what the worlds showed, and the verdict, whatever it is."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from experiments.facts import FactsCheck
from experiments.optimum_document import table
from experiments.results import write_json
from experiments.stylised.budget import PURPOSES
from experiments.stylised.fact import Finding, groups, interval
from experiments.terminal.folders import write_text

OPTIMA = (
    "The category statements ask worlds of 1,000 contacts that differ in one property (`experiments/stylised/"
    "categories.py`; every value is assumed, and none was chosen in view of an answer). In each, searches divide one "
    "budget over five purposes: acquisition (media), goodwill (content and hours before a first order), conversion "
    "(coupons for those who never ordered), loyalty (coupons and hours for buyers) and referral (cash for bringing a "
    "friend). Shares of what the optimum spends on holdout seeds, by the ledger, in per cent: mean over repeated "
    "searches and its 95 % interval; money in the scenario's currency, and the gain over a bit of everything."
)
HEADER = ("fact", "reported", "source", "simulated", "95 % interval", "verdict")


def save(check: FactsCheck, path: Path, *, command: str) -> Path:
    """Write Markdown, or JSON where the name ends in .json; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        write_json(path, check.as_dict())
        return path
    return write_text(path, markdown(check, command=command))


def markdown(check: FactsCheck, *, command: str) -> str:
    """The whole document."""
    parts = [
        "# What the simulated worlds show",
        f"Made by `{command}`. Sources (S0 … S4, documents on private-domain operation) report these facts. No rule of "
        "the simulator states one; some (early hard selling, reminders, shared welcomes) follow almost directly from "
        "how a rule was built in view of its source, and say little more than that it works. A fact holds when the "
        "whole 95 % interval of the simulated mean lies in the reported range, fails when it lies outside, and is open "
        "between. Assumed parameters were tuned in view of "
        "the facts marked *tuned*, those of the sparkling-drinks and flash-group presets; all others are predictions.",
        verdict(check),
    ]
    for group in groups([finding.fact for finding in check.findings]):
        rows = [_row(f) for f in check.findings if f.fact.group == group]
        parts += [f"## {group.capitalize()}", table(HEADER, rows)]
    if check.optima:
        parts += ["## Where the money goes", OPTIMA, optima(check)]
    parts.append(_provenance(check))
    return "\n\n".join(parts) + "\n"


def optima(check: FactsCheck) -> str:
    """Shares of the money in each optimum."""
    header = ("world", *PURPOSES, "all of it", "gain per customer")
    rows = []
    for title, each in check.optima.items():
        shares = [[f"{100 * x:.0f}" for x in interval(np.array([s.share(p) for s in each]))] for p in PURPOSES]
        total, gain = (float(np.mean([getattr(s, name) for s in each])) for name in ("total", "uplift"))
        rows.append((title, *(f"{m} ({low} … {high})" for m, low, high in shares), _number(total), _number(gain)))
    return table(header, rows)


def verdict(check: FactsCheck) -> str:
    """How many facts hold, in one line."""
    of = {word: sum(f.verdict == word for f in check.findings) for word in ("holds", "open", "fails")}
    return f"{of['holds']} of {len(check.findings)} facts hold, {of['open']} are open, {of['fails']} fail."


def _row(found: Finding) -> tuple[str, ...]:
    fact = found.fact
    name = fact.name.partition(": ")[2] + (" *(tuned)*" if fact.tuned else "")
    interval = f"{_number(found.low)} … {_number(found.high)}" if math.isfinite(found.low) else "one replicate"
    reported = f"{fact.statement}: {_range(fact.low, fact.high)} {fact.unit}"
    verdict = found.verdict if found.verdict == "holds" else f"**{found.verdict}**"
    return name, reported, fact.source, _number(found.mean), interval, verdict


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"above {_number(low)}"
    return f"below {_number(high)}" if math.isinf(low) else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _provenance(check: FactsCheck) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in check.provenance["versions"].items())
    replicates = check.provenance["replicates"]
    more = {f.replicates // replicates for f in check.findings if not f.fact.searches} - {1}
    if more:
        times = ", ".join(f"{n} times" for n in sorted(more))
        replicates = f"{replicates} (for facts in which luck is large: {times} as many)"
    searches = f", {check.provenance['searches']} searches of each world that is searched" if check.optima else ""
    luck = "the same luck in all arms of a fact"
    return f"{replicates} replicates of each world{searches}, {luck}. Made with {versions}."
