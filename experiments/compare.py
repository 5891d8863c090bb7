"""Comparing arms: paired differences with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from agents.birth import Learned
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.results import Results, paired, provenance
from experiments.run import Progress, Task, Workers, seeds_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONFIDENCE = 0.95
SPREAD = 0.90  # central share of the replicates that "in most worlds" means
ENOUGH_FOR_QUANTILES = 20  # replicates from which the 5th and 95th percentile are read off the sample


@dataclass(frozen=True)
class Difference:
    """A paired difference over replicates.

    Attributes
    ----------
    mean, low, high : mean with its 95 % interval (Student): how well the simulation knows the mean.
    world_low, world_high : central 90 % of single replicates: luck and effects that the estimates leave open. With
        fewer than 20 replicates the 90 % prediction interval of one more replicate, by Student.
    better : share of replicates above zero.
    n : paired replicates.
    """

    metric: str
    mean: float
    low: float
    high: float
    world_low: float
    world_high: float
    better: float
    n: int

    @property
    def half_width(self) -> float:
        """Half of the interval of the mean."""
        return (self.high - self.low) / 2

    @property
    def certain(self) -> bool:
        """Whether the interval of the mean leaves zero out."""
        return self.low > 0 or self.high < 0


def difference(metric: str, values: NDArray[np.float64]) -> Difference:
    """Mean, interval and spread of paired differences, shape (replicates,)."""
    n = len(values)
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if n > 1 else float("nan")
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * spread / n**0.5 if n > 1 else float("nan")
    tail = (1 - SPREAD) / 2
    if n >= ENOUGH_FOR_QUANTILES:
        low, high = (float(q) for q in np.quantile(values, [tail, 1 - tail]))
    else:  # few replicates do not reach the tails: Student's prediction interval of one more
        reach = float(stats.t.ppf(1 - tail, n - 1)) * spread * (1 + 1 / n) ** 0.5 if n > 1 else float("nan")
        low, high = mean - reach, mean + reach
    return Difference(metric, mean, mean - half, mean + half, low, high, float((values > 0).mean()), n)


@dataclass(frozen=True)
class Verdict:
    """A trial policy against a base policy, replicate by replicate."""

    trial: str
    base: str
    currency: str
    differences: dict[str, Difference]
    results: Results

    def __str__(self) -> str:
        d = self.differences["clv"]
        return (
            f"CLV {d.mean:+.2f} ± {d.half_width:.2f} {self.currency} per customer ({d.n} paired replicates) for "
            f"'{self.trial}' against '{self.base}'; in most worlds between {d.world_low:+.2f} and {d.world_high:+.2f}"
        )

    def plot(self, metric: str = "clv", ax: Axes | None = None) -> Axes:
        """Draw the paired differences of a metric."""
        from experiments.reporting.figures import plot_difference

        values = paired(self.results.arms["trial"], self.results.arms["base"], metric)
        return plot_difference(self.differences[metric], values, ax=ax, currency=self.currency)


METRICS = ("clv", "equity", "profit", "revenue", "spend", "n_order", "n_mute", "n_delete", "n_join")


def verdict_of(trial: Policy, base: Policy, currency: str, results: Results) -> Verdict:
    """Differences of results whose arms are ``trial`` and ``base``."""
    found = {m: difference(m, paired(results.arms["trial"], results.arms["base"], m)) for m in METRICS}
    return Verdict(trial.title, base.title, currency, found, results)


def compare(
    trial: Policy,
    base: Policy,
    *,
    scenario: Scenario,
    replicates: int = 32,
    seed: int = 1,
    learned: Learned | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Run two policies on the same replicates and compare them pair by pair.

    Parameters
    ----------
    replicates : paired replicates, at least 2.
    seed : root of the replicates' seeds.
    learned : models and states from logs; cited defaults without.
    processes : None takes all cores; the result is the same for any number.

    Raises
    ------
    SpecError
        When a policy cannot work in the scenario.
    """
    for policy in (trial, base):
        policy.check(scenario)
    seeds = seeds_for("compare", max(replicates, 2), seed)
    tasks = [Task(policy, s) for policy in (trial, base) for s in seeds]
    with Workers([scenario], learned, processes) as workers:
        outcomes = workers.run(tasks, progress)
    arms = {"trial": outcomes[: len(seeds)], "base": outcomes[len(seeds) :]}
    made_from: dict[str, Any] = {
        "scenario": scenario.digest(), "trial": trial.digest(), "base": base.digest(), "seeds": list(seeds),
        "learned": learned.digest() if learned else None,
    }  # fmt: skip
    return verdict_of(trial, base, scenario.currency, Results(arms, provenance(**made_from)))


def simulate(
    scenario: Scenario,
    policy: Policy,
    *,
    replicates: int = 8,
    seed: int = 1,
    replicate_seed: int | None = None,
    learned: Learned | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run one policy over replicates.

    Parameters are those of :func:`compare`; with ``replicate_seed`` that one replicate is lived, as an error names it.
    """
    policy.check(scenario)
    seeds = seeds_for("compare", replicates, seed) if replicate_seed is None else (replicate_seed,)
    with Workers([scenario], learned, processes) as workers:
        outcomes = workers.run([Task(policy, s) for s in seeds], progress)
    made_from: dict[str, Any] = {
        "scenario": scenario.digest(), "policy": policy.digest(), "seeds": list(seeds),
        "learned": learned.digest() if learned else None,
    }  # fmt: skip
    return Results({policy.title: outcomes}, provenance(**made_from))
