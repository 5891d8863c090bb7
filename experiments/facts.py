"""``siyu validate facts``: do the shipped worlds show what sources report, without being told?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import agents.actions  # noqa: F401  (registers the kinds of action in worker processes too)
from experiments.listener import Listener, Silence
from experiments.pool import Pool
from experiments.results import provenance
from experiments.run import seeds_for
from experiments.stylised import cards, categories, coupons, events, flash, hunters, tiers, trust, welcome
from experiments.stylised.budget import Share, Spending
from experiments.stylised.fact import Asked, Fact, Finding, found, groups
from sim.errors import SiyuError, nearest

SOURCES: tuple[Callable[[], Iterator[Fact]], ...] = (
    tiers.facts, trust.facts, flash.facts, cards.facts, coupons.facts, events.facts, welcome.facts, hunters.facts,
    categories.facts,
)  # fmt: skip
ROOT_SEED = 20261122  # never used by a search or in a test of a preset
SEARCHES = 4  # of each world whose optimum is asked for; a search takes as long as a hundred worlds


@dataclass(frozen=True)
class FactsCheck:
    """All findings with their provenance.

    Attributes
    ----------
    optima : title of each world that was searched to where the money went, once for each search.
    """

    findings: tuple[Finding, ...]
    provenance: dict[str, Any]
    optima: dict[str, tuple[Spending, ...]] = field(default_factory=dict)

    def judged(self) -> tuple[Finding, ...]:
        """Findings whose verdict counts: all but other readings of the same words."""
        return tuple(f for f in self.findings if f.fact.judged)

    def failed(self) -> tuple[Finding, ...]:
        """Those of them that do not hold."""
        return tuple(f for f in self.judged() if f.verdict != "holds")

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "findings": [
                {
                    "name": f.fact.name, "statement": f.fact.statement, "source": f.fact.source, "unit": f.fact.unit,
                    "expected": [f.fact.low, f.fact.high], "mean": f.mean, "low": f.low, "high": f.high,
                    "replicates": f.replicates, "origin": f.fact.origin, "rule": f.fact.rule, "tuned": f.fact.tuned,
                    "judged": f.fact.judged, "verdict": f.verdict,
                }
                for f in self.findings
            ],
            "optima": {title: [vars(spending) for spending in each] for title, each in self.optima.items()},
            "provenance": self.provenance,
        }  # fmt: skip


def all_facts() -> tuple[Fact, ...]:
    """Every fact, in the order of the table."""
    return tuple(fact for source in SOURCES for fact in source())


def check_facts(
    names: Sequence[str] = (), *, replicates: int = 16, searches: int = SEARCHES, processes: int | None = None,
    listener: Listener | None = None,
) -> FactsCheck:  # fmt: skip
    """Ask every question and judge every fact.

    Parameters
    ----------
    names : groups such as ``tiers``, or whole names of facts; none for all.
    replicates : of each world, with the same seeds in all arms of a fact.
    searches : of each world whose optimum is asked for, likewise.

    Raises
    ------
    SiyuError
        When no fact has such a name.
    """
    chosen, hear = _chosen(all_facts(), names), listener or Silence()
    asked = _asked(chosen, replicates, searches)
    seeds = seeds_for("facts", max((n for _, n in asked), default=1), ROOT_SEED)
    tasks = [(arms, seed) for arms, n in asked for seed in seeds[:n]]
    hear.stage(f"asking {len(asked)} worlds for {sum(fact.judged for fact in chosen)} facts", len(tasks))
    answers: dict[tuple[str, str], dict[int, Any]] = {arm.key: {} for arms, _ in asked for arm in arms}
    with Pool(processes) as pool:
        for done, (index, values) in enumerate(pool.each(ask, tasks), start=1):
            arms, seed = tasks[index]
            for arm, value in zip(arms, values, strict=True):
                answers[arm.key][seed] = value
            hear.step(done)
    findings = []
    for fact in chosen:
        of = {}
        for arm in fact.arms:
            met = seeds[: _times(arm, fact, replicates, searches)]
            of[arm.name] = np.array([arm.read(answers[arm.key][seed]) for seed in met])
        findings.append(found(fact, of))
    optima = {
        arm.question.title: tuple(answers[arm.key][seed] for seed in seeds[:n])
        for arms, n in asked for arm in arms if isinstance(arm, Share)
    }  # fmt: skip
    told = provenance(seeds={"facts": ROOT_SEED}, replicates=replicates, searches=searches)
    return FactsCheck(tuple(findings), told, optima)


def ask(arms: Sequence[Asked], seed: int) -> list[Any]:
    """What arms that ask together are answered, once."""
    return list(arms[0].together(arms, seed))


def _times(arm: Asked, fact: Fact, replicates: int, searches: int) -> int:
    """How many answers a fact wants of an arm."""
    return searches if arm.searches else replicates * fact.times


def _asked(facts: Sequence[Fact], replicates: int, searches: int) -> list[tuple[list[Asked], int]]:
    """Arms that ask the same thing together, each question once, and how many times; searches first, being longest."""
    things: dict[str, dict[tuple[str, str], Asked]] = {}
    times: dict[str, int] = {}
    for fact in facts:
        for arm in fact.arms:
            thing = arm.key[0]
            things.setdefault(thing, {}).setdefault(arm.key, arm)
            times[thing] = max(times.get(thing, 1), _times(arm, fact, replicates, searches))
    asked = [(list(arms.values()), times[thing]) for thing, arms in things.items()]
    return sorted(asked, key=lambda one: not one[0][0].searches)


def _chosen(facts: Sequence[Fact], names: Sequence[str]) -> list[Fact]:
    known = [*groups(facts), *(fact.name for fact in facts)]
    for name in names:
        if name not in known:
            raise SiyuError(f"no fact named '{name}'", cure=nearest(name, known))
    return [fact for fact in facts if not names or fact.group in names or fact.name in names]
