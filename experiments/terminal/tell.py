"""What the commands tell of their results: as text, or as one JSON object."""

from __future__ import annotations

import json as json_library
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.actions import Action
from agents.behaviours import Behaviour
from experiments.calibrating.facts import Fact
from experiments.compare import Difference, difference
from experiments.load import KINDS, SUFFIXES, load, shipped
from experiments.terminal import describe
from experiments.terminal.console import say, say_json, say_table, say_wrapped

if TYPE_CHECKING:
    from agents.policy import Policy
    from experiments.accounts import Identity
    from experiments.compare import Verdict
    from experiments.ground import Ground
    from experiments.results import Results
    from experiments.searching.result import SearchResult
    from experiments.terminal.closeup import Closeup

WORDS = {
    "clv": "CLV per customer",
    "equity": "customer equity",
    "profit": "profit",
    "revenue": "revenue",
    "spend": "spent by the operator",
    "acquired": "customers in all",
    "n_order": "orders",
    "n_join": "contacts joined",
    "n_coupon_redeemed": "coupons redeemed",
    "n_mute": "mutes",
    "n_delete": "deletions",
}
MONEY = ("clv", "equity", "profit", "revenue", "spend")
BALANCES = ("clv", "equity", "profit")  # may be negative


@dataclass(frozen=True)
class About:
    """What was lived: world, policies, replicates, the number behind their seeds, and where the results lie."""

    ground: Ground
    policies: tuple[Policy, ...]
    replicates: int
    seed: int
    folder: Path | None

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        scenario = self.ground.scenario
        return {
            "scenario": scenario.title,
            "policies": [policy.title for policy in self.policies],
            "start": scenario.start.isoformat(),
            "horizon_days": scenario.horizon_days,
            "currency": scenario.currency,
            "replicates": self.replicates,
            "seed": self.seed,
            "notes": list(self.ground.notes),
            "folder": str(self.folder) if self.folder else None,
        }

    def say(self) -> None:
        """Print it."""
        scenario = self.ground.scenario
        say(f"{scenario.title}: {' against '.join(repr(policy.title) for policy in self.policies)}")
        many = "s" if self.replicates > 1 else ""
        say(f"{scenario.horizon_days} days from {scenario.start}, {self.replicates} replicate{many}")
        for note in self.ground.notes:
            say(note)

    def say_folder(self) -> None:
        """Print where the results lie, if anywhere."""
        if self.folder:
            say(f"report: {self.folder / 'report.html'}")
            say(f"folder: {self.folder}")


# -- runs -------------------------------------------------------------------------------------------------------------


def run_info(results: Results) -> dict[str, Difference]:
    """Mean over replicates of each metric of a single arm, with its interval and spread."""
    (outcomes,) = results.arms.values()
    return {m: difference(m, np.array([float(o.values[m]) for o in outcomes])) for m in WORDS}


def tell_run(about: About, results: Results, closeup: Closeup, *, json: bool) -> None:
    """Tell of one policy, and what one replicate of it shows from close by."""
    numbers = run_info(results)
    if json:
        metrics = {m: _plain(d, without=("metric", "better")) for m, d in numbers.items()}
        found = {"identities": [_plain_identity(i) for i in closeup.identities]} if closeup.identities else {}
        say_json({**about.plain(), "metrics": metrics, "seconds": dict(closeup.seconds), **found})
        return
    about.say()
    _say_numbers(numbers, about.ground.scenario.currency)
    if closeup.identities:
        _say_accounts(closeup.identities, results)
    if closeup.seconds:
        say_table(("phase of the day", "CPU seconds", "share"), _clock(closeup.seconds), numbers=(1, 2))
    about.say_folder()


def _say_accounts(identities: Sequence[Identity], results: Results) -> None:
    """What sales are made of in one replicate, and the steps between trust levels in all."""
    from experiments.reporting.report_tables import quantity, segments_table, steps_table

    for identity in identities:
        rows = [(f"  {f.name}", quantity(float(f.value)), f.unit, f.counted) for f in identity.factors]
        ends = (identity.name, f"{float(identity.result):,.2f}", identity.unit, identity.formula)
        if identity.broken:
            rows.append((f"  {identity.broken}", "–", "", "there is nothing that it could be a share of"))
        say_table(("what it is made of", "value", "", "how it is counted"), [ends, *rows], numbers=(1,))
    steps = steps_table(results.census())
    say_table(("trust level", "customers", "rise a week", "fall a week"), list(steps.rows), numbers=(1, 2, 3))
    parts = segments_table(results.census())
    if parts.rows:
        say_table(("segment", "at first", "at last", "orders each"), list(parts.rows), numbers=(1, 2, 3))


def _plain_identity(identity: Identity) -> dict[str, Any]:
    factors = [asdict(factor) | {"value": float(factor.value)} for factor in identity.factors]
    return {"name": identity.name, "result": float(identity.result), "factors": factors, "broken": identity.broken}


def _clock(seconds: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Seconds of each phase, below it of each action or behaviour in it, and of all."""
    phases = {name: s for name, s in seconds.items() if "/" not in name}
    total = sum(phases.values())
    rows = []
    for phase in phases:
        parts = {f"  {name.partition('/')[2]}": s for name, s in seconds.items() if name.startswith(f"{phase}/")}
        ranked = dict(sorted(parts.items(), key=lambda part: -part[1]))
        rows += [(name, f"{s:.3f}", f"{s / total:.0%}") for name, s in {phase: phases[phase], **ranked}.items()]
    return [*rows, ("all phases", f"{total:.3f}", "")]


def tell_verdict(about: About, verdict: Verdict, *, json: bool) -> None:
    """Tell of a comparison."""
    if json:
        differences = {m: _plain(d, without=("metric",)) for m, d in verdict.differences.items()}
        say_json({**about.plain(), "summary": str(verdict), "differences": differences})
        return
    about.say()
    say(str(verdict))
    _say_numbers(verdict.differences, verdict.currency, signed=True)
    about.say_folder()


def tell_search(found: SearchResult, report: Path, *, json: bool) -> None:
    """Tell what to change, what it earns, what it rests on and where everything lies: the report's story in short."""
    from experiments.reporting import story, story_answer
    from experiments.reporting.record import RunRecord

    record = RunRecord.load(found.folder)  # what is told is what the report says
    told = story_answer.recommendation(record.facts)
    short = story_answer.in_short(record.facts)
    stopped = story_answer.interruption(story.searched_of(record.facts), len(record.tables["trials"]))
    if json:
        text = (found.folder / "recommendation.json").read_text(encoding="utf-8")
        sentences = [stopped, told.title, *told.sentences, *(text for part in short for text in part.sentences)]
        own = {"folder": str(found.folder), "report": str(report), "story": [s for s in sentences if s]}
        say_json(own | json_library.loads(text))
        return
    if stopped:
        say_wrapped(f"{stopped}\n")
    say(f"{told.title}\n")
    say_wrapped(" ".join(filter(None, told.sentences)))
    changes = story_answer.changes(record.facts)
    if changes:
        rows = [(change.label, change.before, change.after, change.moved) for change in changes]
        say_table(("lever", "today", story_answer.choice(record.facts), "moves"), rows, numbers=(1, 2))
    for part in short:
        say_wrapped(f"\n{part.head}: {' '.join(part.sentences)}")
    say(f"\nreport: {report}")
    say(f"folder: {found.folder}")


def _plain(d: Difference, *, without: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in asdict(d).items() if name not in without}


def _say_numbers(numbers: Mapping[str, Difference], currency: str, *, signed: bool = False) -> None:
    rows = [
        (
            WORDS[metric],
            _number(d.mean, metric, signed),
            "–" if np.isnan(d.half_width) else _number(d.half_width, metric, False),
            f"{_number(_least(d, metric, signed), metric, signed)} … {_number(d.world_high, metric, signed)}",
            currency if metric in MONEY else "",
        )
        for metric, d in numbers.items()
    ]
    say_table(("", "mean", "± 95 %", "nine of ten worlds", ""), rows, numbers=(1, 2, 3))


def _least(d: Difference, metric: str, signed: bool) -> float:
    """The lower end of a span of worlds: what is no difference and no balance does not fall below zero."""
    low = d.world_low
    return low if signed or metric in BALANCES or np.isnan(low) else max(low, 0.0)


def _number(value: float, metric: str, signed: bool) -> str:
    digits = 2 if metric == "clv" else 0 if abs(value) >= 100 else 1
    return f"{value:{'+' if signed else ''},.{digits}f}"


# -- descriptions -----------------------------------------------------------------------------------------------------


def tell_description(name: str | None, *, json: bool) -> None:
    """Tell of a kind, a document or a file of models; of all that there is without a name."""
    if name is None:
        _tell_list(json=json)
    elif name.endswith(".json"):
        _tell_models(Path(name), json=json)
    elif "/" in name or name.endswith(SUFFIXES) or (Path(name).exists() and name not in describe.pages()):
        _tell_document(name, json=json)
    else:
        _tell_page(describe.page(name), json=json)


def _tell_list(*, json: bool) -> None:
    titles = {name: str(load(name).title) for name in [*shipped(), "policy/do_nothing"]}
    kinds = {
        "documents": list(KINDS), "actions": describe.kinds_of(Action), "behaviours": describe.kinds_of(Behaviour),
        "facts": describe.kinds_of(Fact), "parts": list(describe.PARTS),
    }  # fmt: skip
    if json:
        say_json({**kinds, "shipped": titles})
        return
    say("siyu describe NAME tells more of each of these.\n")
    for heading, names in kinds.items():
        say(f"{heading + ':':<12}{', '.join(names)}")
    say_table(("shipped document", "title"), [(name, titles[name]) for name in sorted(titles)])


def _tell_page(page: describe.Page, *, json: bool) -> None:
    if json:
        say_json(asdict(page))
        return
    say(f"{page.name}: {page.about}")
    header = ("name", "default", "limits", "unit", "source", "meaning")
    say_table(header, [(r.name, r.default, r.limits, r.unit, r.source, r.meaning) for r in page.rows])


def _tell_document(name: str, *, json: bool) -> None:
    title, values = describe.values(name)
    if json:
        say_json({"name": name, "title": title, "values": [asdict(value) for value in values]})
        return
    say(f"{name}: {title}")
    rows = [(v.path, v.value, v.unit, v.source if v.given else _of_default(v.source), v.meaning) for v in values]
    say_table(("path", "value", "unit", "source", "meaning"), rows)


def _of_default(source: str) -> str:
    return f"default; {source}" if source else "default"


def _tell_models(path: Path, *, json: bool) -> None:
    about, rows = describe.models(path)
    if json:
        say_json({"about": about, "coefficients": rows})
        return
    say(f"{path}: {about}")
    say_table(("model", "covariate", "coefficient"), rows, numbers=(2,))
