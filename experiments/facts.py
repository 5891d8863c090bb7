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
from experiments.stylised import coupons, flash, tiers, trust
from experiments.stylised.fact import Arm, Fact, Finding, found, groups
from sim.errors import SiyuError, nearest

SOURCES: tuple[Callable[[], Iterator[Fact]], ...] = (
    tiers.facts, trust.facts, flash.facts, coupons.facts,
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
    tasks = [(arm, seed) for fact in chosen for arm in fact.arms for seed in seeds_for("facts", replicates, ROOT_SEED)]
    hear.stage(f"asking {len(chosen)} facts", len(tasks))
    values = np.full(len(tasks), np.nan)
    with Pool(processes) as pool:
        for index, value in pool.each(ask, tasks):
            values[index] = value
            hear.step(1)
    findings, at = [], 0
    for fact in chosen:
        answers = {}
        for arm in fact.arms:
            answers[arm.name] = values[at : at + replicates]
            at += replicates
        findings.append(found(fact, answers))
    return FactsCheck(tuple(findings), provenance(seeds={"facts": ROOT_SEED}, replicates=replicates))


def ask(arm: Arm, seed: int) -> float:
    """Live one replicate of an arm and read its number off."""
    world = PrivateDomain(arm.scenario, arm.policy, seed=seed)
    world.run()
    return float(arm.measure(world))


def _chosen(facts: Sequence[Fact], names: Sequence[str]) -> list[Fact]:
    known = [*groups(facts), *(fact.name for fact in facts)]
    for name in names:
        if name not in known:
            raise SiyuError(f"no fact named '{name}'", cure=nearest(name, known))
    return [fact for fact in facts if not names or fact.group in names or fact.name in names]
