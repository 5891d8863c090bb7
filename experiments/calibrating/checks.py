"""Checks: does what was fitted show the facts, and what did the facts tell?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstwobign

from experiments.calibrating.fit import Posterior
from experiments.calibrating.kernel import Kernel
from experiments.calibrating.proposal import effective, systematic
from experiments.calibrating.space import Space
from experiments.calibrating.targets import Statistic
from experiments.searching.worlds import Span

Floats = NDArray[np.float64]

BAND = (0.05, 0.5, 0.95)
DRAWS = 4000  # of the posterior predictive distribution
AS_WIDE = 0.8  # of the prior's sd, from which on a posterior counts as no narrower; assumed
BY_CHANCE = 0.01  # level of the Kolmogorov–Smirnov test against the prior
UNREACHABLE = 4.0  # standard deviations of tolerance and luck that no set may miss a fact by; assumed


@dataclass(frozen=True)
class FactCheck:
    """Posterior predictive check of one figure.

    Attributes
    ----------
    observed, sd : the fact and its tolerance.
    low, median, high : 5, 50 and 95 % of what would be measured, with luck and tolerance.
    """

    name: str
    fact: str
    observed: float
    sd: float
    low: float
    median: float
    high: float

    @property
    def fits(self) -> bool:
        """Whether the fact lies inside the 90 % band."""
        return self.low <= self.observed <= self.high


@dataclass(frozen=True)
class Marginal:
    """What the facts tell of one free value.

    Attributes
    ----------
    low, high : the span that was plausible before.
    p5, median, p95 : of the accepted sets.
    narrower : sd of the accepted sets as a share of the span's own, both evenly spread over the span.
    ks : largest gap between the two distribution functions.
    told : whether the facts identify it: it is narrower, or surely elsewhere.
    """

    path: str
    low: float
    high: float
    p5: float
    median: float
    p95: float
    narrower: float
    ks: float
    told: bool


def check_facts(posterior: Posterior, facts: Sequence[Statistic], seed: int) -> tuple[FactCheck, ...]:
    """Posterior predictive check of every figure."""
    rng = np.random.default_rng(seed)
    chosen = systematic(posterior.weights, DRAWS, rng.random())
    luck, error = rng.standard_normal((2, DRAWS, len(facts)))
    drawn = posterior.kernel.predicted(posterior.figures[chosen], luck, error)
    bands = np.quantile(drawn, BAND, axis=0).T.tolist()
    return tuple(FactCheck(f.name, f.fact, f.observed, f.sd, *band) for f, band in zip(facts, bands, strict=True))


def check_marginals(posterior: Posterior, space: Space) -> tuple[Marginal, ...]:
    """What the facts tell of every free value."""
    return tuple(
        _marginal(path, span, posterior.points[:, j], posterior.weights)
        for j, (path, span) in enumerate(zip(space.paths, space.spans, strict=True))
    )


def _marginal(path: str, span: Span, u: Floats, weights: Floats) -> Marginal:
    order = np.argsort(u, kind="stable")
    u, weights = u[order], weights[order]
    p5, median, p95 = (float(u[np.searchsorted(np.cumsum(weights), q)]) for q in BAND)
    sd = float(np.sqrt(np.average((u - np.average(u, weights=weights)) ** 2, weights=weights)))
    narrower, ks = sd * 12**0.5, _gap(u, weights)
    surely = float(kstwobign.sf(ks * effective(weights) ** 0.5)) < BY_CHANCE
    return Marginal(
        path, span.low, span.high, span.at(p5), span.at(median), span.at(p95), narrower, ks,
        told=narrower < AS_WIDE or surely,
    )  # fmt: skip


def _gap(u: Floats, weights: Floats) -> float:
    """Kolmogorov–Smirnov distance between weighted points, ascending, and an even spread over 0 … 1."""
    above = np.cumsum(weights)
    return float(np.max(np.maximum(above - u, u - (above - weights))))


def unreachable(kernel: Kernel, figures: Floats) -> list[tuple[int, int]]:
    """(figure, the set that comes nearest) of each fact that all sets miss on the same side, and by far."""
    off = kernel.off(figures)
    found = []
    for j in range(off.shape[1]):
        nearest = int(np.argmin(np.abs(off[:, j])))
        same_side = len(set(np.sign(off[:, j]).tolist())) == 1
        if same_side and abs(off[nearest, j]) > UNREACHABLE:
            found.append((j, nearest))
    return found
