"""``siyu validate facts``: do the shipped worlds show what sources report, without being told?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import agents.actions  # noqa: F401  (registers the kinds of action in worker processes too)
from agents.domain import PrivateDomain
from experiments.listener import Listener, Silence
from experiments.pool import Pool
from experiments.results import provenance
from experiments.run import seeds_for
from experiments.stylised import cards, coupons, events, flash, hunters, tiers, trust, welcome
from experiments.stylised.fact import Arm, Fact, Finding, found, groups
from sim.errors import SiyuError, nearest

SOURCES: tuple[Callable[[], Iterator[Fact]], ...] = (
    tiers.facts, trust.facts, flash.facts, cards.facts, coupons.facts, events.facts, welcome.facts, hunters.facts,
)  # fmt: skip
ROOT_SEED = 20261122  # never used by a search or in a test of a preset


@dataclass(frozen=True)
class FactsCheck:
    """All findings with their provenance."""

    findings: tuple[Finding, ...]
    provenance: dict[str, Any]

    def failed(self) -> tuple[Finding, ...]:
        """Findings that do not hold."""
        return tuple(f for f in self.findings if f.verdict != "holds")

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "findings": [
                {
                    "name": f.fact.name, "statement": f.fact.statement, "source": f.fact.source, "unit": f.fact.unit,
                    "expected": [f.fact.low, f.fact.high], "mean": f.mean, "low": f.low, "high": f.high,
                    "replicates": f.replicates, "tuned": f.fact.tuned, "verdict": f.verdict,
                }
                for f in self.findings
            ],
            "provenance": self.provenance,
        }  # fmt: skip


def all_facts() -> tuple[Fact, ...]:
    """Every fact, in the order of the table."""
    return tuple(fact for source in SOURCES for fact in source())


def check_facts(
    names: Sequence[str] = (), *, replicates: int = 16, processes: int | None = None, listener: Listener | None = None
) -> FactsCheck:
    """Ask every world and judge every fact.

    Parameters
    ----------
    names : groups such as ``tiers``, or whole names of facts; none for all.
    replicates : of each world, with the same seeds in all arms of a fact.

    Raises
    ------
    SiyuError
        When no fact has such a name.
    """
    chosen, hear = _chosen(all_facts(), names), listener or Silence()
    asked = _worlds(chosen)
    seeds = seeds_for("facts", replicates * max((times for _, times in asked), default=1), ROOT_SEED)
    tasks = [(arms, seed) for arms, times in asked for seed in seeds[: replicates * times]]
    hear.stage(f"asking {len(asked)} worlds for {len(chosen)} facts", len(tasks))
    answers: dict[tuple[str, str], dict[int, float]] = {_key(arm): {} for arms, _ in asked for arm in arms}
    with Pool(processes) as pool:
        for index, values in pool.each(ask, tasks):
            arms, seed = tasks[index]
            for arm, value in zip(arms, values, strict=True):
                answers[_key(arm)][seed] = value
            hear.step(1)
    findings = []
    for fact in chosen:
        met = seeds[: replicates * fact.times]
        of = {arm.name: np.array([answers[_key(arm)][seed] for seed in met]) for arm in fact.arms}
        findings.append(found(fact, of))
    return FactsCheck(tuple(findings), provenance(seeds={"facts": ROOT_SEED}, replicates=replicates))


def ask(arms: Sequence[Arm], seed: int) -> list[float]:
    """Live one replicate of a world that several arms ask, and read their numbers off."""
    world = PrivateDomain(arms[0].scenario, arms[0].policy, seed=seed)
    world.run()
    return [float(arm.measure(world)) for arm in arms]


def _worlds(facts: Sequence[Fact]) -> list[tuple[list[Arm], int]]:
    """Arms that ask the same world together, each question once, and how many times the replicates it lives."""
    worlds: dict[str, dict[tuple[str, str], Arm]] = {}
    times: dict[str, int] = {}
    for fact in facts:
        for arm in fact.arms:
            world = _world(arm)
            worlds.setdefault(world, {}).setdefault(_key(arm), arm)
            times[world] = max(times.get(world, 1), fact.times)
    return [(list(arms.values()), times[world]) for world, arms in worlds.items()]


def _world(arm: Arm) -> str:
    return repr((arm.scenario, arm.policy))


def _key(arm: Arm) -> tuple[str, str]:
    return _world(arm), f"{arm.measure.__module__}.{arm.measure.__qualname__}"


def _chosen(facts: Sequence[Fact], names: Sequence[str]) -> list[Fact]:
    known = [*groups(facts), *(fact.name for fact in facts)]
    for name in names:
        if name not in known:
            raise SiyuError(f"no fact named '{name}'", cure=nearest(name, known))
    return [fact for fact in facts if not names or fact.group in names or fact.name in names]
