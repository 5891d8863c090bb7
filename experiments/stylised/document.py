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
    "The category statements ask worlds of 1,000 contacts that differ in one property "
    "(`experiments/stylised/categories.py`; every value is assumed, and none was chosen in view of an answer; that "
    "searches go through coupons and rewards on a logarithmic scale was mended when none of them ever tried a small "
    "one). In each, they divide one budget over five purposes: acquisition (media), goodwill (content and hours "
    "before a first order), conversion (coupons for those who never ordered), loyalty (coupons and hours for buyers) "
    "and referral (cash for bringing a friend). Shares of what the optimum spends on holdout seeds, by the ledger, in "
    "per cent: mean over repeated searches and its 95 % interval; likewise what is spent in all, in the scenario's "
    "currency, and the gain per customer over a bit of everything."
)
HEAD = (
    "Sources (S0 … S4, documents on private-domain operation) report these facts. No rule of the simulator states one. "
    "A fact is *emergent* where several rules bring it about together, and *direct* where it follows almost by "
    "construction from one rule that was built in view of its source: direct facts say that the rule works, and are "
    "no evidence of more. *Tuned* are those in view of which assumed parameters were set, on the sparkling-drinks and "
    "flash-group presets; all others are predictions. A fact holds when the whole 95 % interval of the simulated mean "
    "lies in the reported range, fails when it lies outside, and is open between."
)
DIRECT = "Nobody should take these for evidence; each is followed by the rule that makes it:"
OTHERS = (
    "What a source says can be read in more than one way. The tables above use one reading, chosen by the source's "
    "words; these are others, with the verdict that they would have, and count for nothing.\n\n"
    "*Tiers*: S0's shares of customers add up to all, and its least tier makes 15 % of sales, so its customers are "
    "those who buy. Judged are the buyers of the half-year under the preset's status quo, ranked by what they spent in "
    "it. Tiers of the last review are those that the world's last monthly review gave, for all sales of the half-year; "
    "tiers of that day are those that customers had when they ordered, when everybody new is still general. *Best "
    "fifth*: S3 gives its 20 and 80 % as a sharper form of the same statement, "
    "and of profit. Judged are buyers, by everything that the ledger has under their names: sales less goods, "
    "discounts, messages, gifts and rewards. The other reading takes all contacts, most of whom never buy."
)
HEADER = ("fact", "how it comes about", "reported", "source", "simulated", "95 % interval", "verdict")


def save(check: FactsCheck, path: Path, *, command: str) -> Path:
    """Write Markdown, or JSON where the name ends in .json; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        write_json(path, check.as_dict())
        return path
    return write_text(path, markdown(check, command=command))


def markdown(check: FactsCheck, *, command: str) -> str:
    """The whole document."""
    parts = ["# What the simulated worlds show", f"Made by `{command}`. " + HEAD, verdict(check)]
    for group in groups([finding.fact for finding in check.judged()]):
        rows = [_row(f) for f in check.judged() if f.fact.group == group]
        parts += [f"## {group.capitalize()}", table(HEADER, rows)]
    if direct := _rules(check):
        parts += ["## What follows from one rule", DIRECT, direct]
    if others := [_row(f) for f in check.findings if not f.fact.judged]:
        parts += ["## Other readings", OTHERS, table(HEADER, others)]
    if check.optima:
        parts += ["## Where the money goes", OPTIMA, optima(check)]
    parts.append(_provenance(check))
    return "\n\n".join(parts) + "\n"


def _rules(check: FactsCheck) -> str:
    """Each direct fact and the rule that makes it."""
    facts: dict[str, list[str]] = {}
    for fact in (finding.fact for finding in check.judged() if finding.fact.rule):
        facts.setdefault(fact.rule, []).append(fact.name)
    return "\n".join(f"- {'; '.join(names)}: {rule}." for rule, names in facts.items())


def optima(check: FactsCheck) -> str:
    """Shares of the money in each optimum."""
    header = ("world", *PURPOSES, "all of it", "gain per customer")
    rows = []
    for title, each in check.optima.items():
        shares = [[f"{100 * x:.0f}" for x in interval(np.array([s.share(p) for s in each]))] for p in PURPOSES]
        sums = [[_number(x) for x in interval(np.array([getattr(s, n) for s in each]))] for n in ("total", "uplift")]
        rows.append((title, *(f"{mean} ({low} … {high})" for mean, low, high in shares + sums)))
    return table(header, rows)


def verdict(check: FactsCheck) -> str:
    """How many facts hold, and of those that are evidence."""
    judged = check.judged()
    of = {word: sum(f.verdict == word for f in judged) for word in ("holds", "open", "fails")}
    predicted = [f for f in judged if f.fact.origin == "emergent" and not f.fact.tuned]
    return (
        f"{of['holds']} of {len(judged)} facts hold, {of['open']} are open, {of['fails']} fail. "
        f"Of the {len(predicted)} that are emergent and not tuned, {sum(f.verdict == 'holds' for f in predicted)} hold."
    )


def _row(found: Finding) -> tuple[str, ...]:
    fact = found.fact
    name, origin = fact.name.partition(": ")[2], fact.origin + (", *tuned*" if fact.tuned else "")
    interval = f"{_number(found.low)} … {_number(found.high)}" if math.isfinite(found.low) else "one replicate"
    reported = f"{fact.statement}: {_range(fact.low, fact.high)} {fact.unit}"
    verdict = found.verdict if found.verdict == "holds" else f"**{found.verdict}**"
    return name, origin, reported, fact.source, _number(found.mean), interval, verdict


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
