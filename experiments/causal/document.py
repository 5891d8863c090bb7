"""The document of a check of effects, in Markdown: every number from the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from experiments.causal.check import EffectsCheck
from experiments.causal.effect import Effect, Estimate, Z
from experiments.causal.email_test import EmailTest
from experiments.causal.priors import PRIORS
from experiments.results import write_json
from experiments.terminal.folders import write_text

NONE = "–"
ABOUT = """An effect enters a world only with an estimate that passed a placebo in time, as a distribution; where the
data cannot tell, a cited prior stands, and a report says which of the two it was."""


def save(checks: Sequence[EffectsCheck], path: Path) -> Path:
    """Write Markdown, or JSON where the name ends in .json; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        write_json(path, {check.data: check.as_dict() for check in checks})
        return path
    return write_text(path, markdown(checks))


def markdown(checks: Sequence[EffectsCheck]) -> str:
    """The whole document."""
    names = " ".join(check.data for check in checks)
    parts = ["# Effects of what the operator does", ABOUT, f"Made by `siyu validate effects {names}`."]
    for check in checks:
        parts += _email(check.email) if check.email is not None else _logs(check)
    parts += ["## Priors for what data cannot tell", _priors()]
    versions = checks[0].made["versions"] if checks else {}
    parts.append("Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".")
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _told(estimate: Estimate, digits: int, scale: float = 1.0) -> str:
    if not math.isfinite(estimate.mean) or not math.isfinite(estimate.sd):
        return NONE
    low, high = (scale * (estimate.mean + k * Z * estimate.sd) for k in (-1, 1))
    return f"{scale * estimate.mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


# -- the e-mail test --------------------------------------------------------------------------------------------------


def _email(test: EmailTest) -> list[str]:
    rows = []
    for e in test.effects:
        digits, scale = (3, 1.0) if e.outcome == "spend" else (2, 100.0)
        rows.append(
            (
                e.email, f"{e.outcome}, {'$' if e.outcome == 'spend' else '%'}", f"{e.n:,}",
                f"{scale * e.without:.{digits}f}",
                *(_told(one, digits, scale) for one in (e.difference, e.adjusted, e.robust)),
                "all stood" if e.passed else "; ".join(r.name for r in e.refutations if not r.passed),
            )
        )  # fmt: skip
    header = ("e-mail", "in two weeks", "sent", "without", "difference of means", "regression-adjusted",
              "doubly robust", "refutations")  # fmt: skip
    checks = [
        (e.email, r.name, f"{r.mean:+.3g} ± {r.sd:.2g}", "0 as it should be" if r.passed else "not 0")
        for e in test.effects if e.outcome == "visit" for r in e.refutations
    ]  # fmt: skip
    qinis = [
        (name, f"{1000 * q.coefficient:+.2f} [{1000 * q.interval[0]:+.2f}, {1000 * q.interval[1]:+.2f}]",
         f"{100 * q.gained[50]:.2f}", f"{100 * q.gained[100]:.2f}", _knows(q.interval[0]))
        for name, q in test.qinis.items()
    ]  # fmt: skip
    return [
        "## Hillstrom: an e-mail by lot",
        "64,000 customers, three arms drawn by lot; 95 % intervals. Three roads to one number: a lot needs no "
        "adjustment, so the others must agree with the plain difference and can only be narrower.",
        _table(header, rows),
        "Refuted? What was known before the lot, as an outcome, and the same analysis of lots drawn anew:",
        _table(("e-mail", "refutation", "found", ""), checks),
        "### Uplift of visits by segment, percentage points",
        _segments(test),
        "### Whom to send to: Qini on a held-out half",
        "A model of half of the customers (one logistic regression for each arm) ranks the other half. The coefficient "
        "is the area between its curve and sending by lot, in visits per 1,000 customers.",
        _table(("e-mail", "coefficient", "gain per 100 at half", "at all", ""), qinis),
    ]


def _knows(low: float) -> str:
    return "knows whom to send to" if low > 0 else "no better than a lot, as far as can be told"


def _segments(test: EmailTest) -> str:
    left, right = (test.segments[test.segments["email"] == email] for email in test.qinis)
    rows = [
        (a["segment"].replace("_", " "), a["value"], *(_told(Estimate(x["mean"], x["sd"]), 1, 100) for x in (a, b)))
        for (_, a), (_, b) in zip(left.iterrows(), right.iterrows(), strict=True)
    ]
    return _table(("", "", *test.qinis), rows)


# -- logs -------------------------------------------------------------------------------------------------------------


def _logs(check: EffectsCheck) -> list[str]:
    parts = [f"## {check.data.replace('_', ' ').capitalize()}"]
    if not check.effects:
        return [*parts, "The logs hold no touches and no campaigns: nothing can be told, and every prior stays."]
    parts += [
        "Log-odds of an order on a day, of whoever was sent it (95 % intervals); the last columns are the scenario's "
        "own parameter, per unit of depth for coupons.",
        _table(
            ("", "design", "sent", "effect", "one window earlier", "stands for", "in the scenario", "verdict"),
            [_row(name, effect) for name, effect in check.effects.items()],
        ),
    ]
    refuted = [
        (name, r.name, f"{r.mean:+.3f} ± {r.sd:.3f}", "stands" if r.passed else "refuted")
        for name, effect in check.effects.items() for r in effect.refutations
    ]  # fmt: skip
    if refuted:
        parts += ["Attempts to refute them:", _table(("", "attempt", "found", ""), refuted)]
    segments = [
        (name, s.name, f"{s.n:,}", _told(Estimate(s.mean, s.sd), 3))
        for name, effect in check.effects.items() for s in effect.segments
    ]  # fmt: skip
    if segments:
        parts += ["By thirds of the sent:", _table(("", "segment", "sent", "effect"), segments)]
    if check.spend:
        kinds = sorted(next(iter(check.spend.values())))
        rows = [
            (kind, road, _told(Estimate(e.mean, e.sd), 1), _told(Estimate(e.placebo_mean, e.placebo_sd), 1),
             "passes" if e.passed else "refused")
            for kind in kinds for road, effects in check.spend.items() for e in (effects[kind],)
        ]  # fmt: skip
        parts += [
            "### Weekly spend of a targeted customer, and what a naive analyst would report",
            _table(("campaign", "method", "effect", "one window earlier", "placebo"), rows),
        ]
    return parts


def _row(name: str, e: Effect) -> tuple[str, ...]:
    world = NONE
    if math.isfinite(e.in_world):
        world = f"{e.in_world:+.2f} ± {e.in_world_sd:.2f}"
        world += f", take-up {e.take_up:.1%}" if math.isfinite(e.take_up) else ""
    earlier = _told(Estimate(e.placebo_mean, e.placebo_sd), 3)
    return (
        name, e.method, f"{e.n:,}", _told(Estimate(e.mean, e.sd), 3), earlier, e.replaces or NONE, world,
        e.verdict.split(":")[0] if e.passed else e.verdict,
    )  # fmt: skip


def _priors() -> str:
    rows = [(f"`{p.parameter}`", f"{p.value:g}", f"{p.low:g} to {p.high:g}", p.unit, p.source) for p in PRIORS]
    return _table(("parameter", "default", "range", "unit", "source"), rows)
