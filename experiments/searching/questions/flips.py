"""Flip points: how wrong an assumption must be before the recommendation is wrong.

Every assumption is swept on shared seeds, so that what a policy earns more than another is a smooth curve in each
replicate: a coarse grid first, since nothing says that the curve is monotone, then a few points more where the lead
over another policy changes its sign nearest to the assumption.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import PchipInterpolator

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.searching.objective import CONFIDENCE, Estimate, Judged, Objective
from experiments.searching.questions.assumptions import AssumedEffect, Assumption
from experiments.searching.space.paths import Value
from experiments.searching.worlds import World, world_of

Floats = NDArray[np.float64]
Run = Callable[[Sequence[Policy], Sequence[int], Sequence[Scenario]], Floats]
"""Uplift per customer over any common reference, shape (policies, replicates); replicate i has seed i, scenario i."""

ROUNDS = 2  # of refinement: on shared seeds a curve is so smooth that the second point is within its own error
NEAR = 0.1  # a refinement stays so far, as a share of its bracket, from both ends
NARROW = 0.01  # of the whole sweep: brackets that need no refinement
FINE = 801  # places on either side at which bands are looked at


@dataclass(frozen=True)
class Flip:
    """Where another policy takes the lead over the recommended one.

    Attributes
    ----------
    rival : its label.
    value : where the lead in mean is gone: a factor of an effect, or a value of the scenario. For a rival that is as
        good as the recommendation already, where it is certainly ahead.
    doubtful, certain : nearer to the assumption the lead is beyond the noise, farther off the rival's is (95 % band);
        None for ``certain`` when the sweep does not come so far.
    side : ``below`` or ``above`` the assumption; ``other`` for alternatives that lie on no line.
    plausible : whether ``value`` lies inside the assumption's plausible range.
    """

    rival: str
    value: Value
    doubtful: Value
    certain: Value | None
    side: str
    plausible: bool


@dataclass(frozen=True)
class Swept:
    """One assumption, swept.

    Attributes
    ----------
    values : in order, with that of the assumption itself. Shape (k,).
    uplift : over the status quo, shape (policies, k, replicates).
    matters : whether anything that any policy earns depends on it.
    flips : against the status quo and every rival, nearest first.
    """

    assumption: Assumption
    values: tuple[Value, ...]
    uplift: Floats
    matters: bool
    flips: tuple[Flip, ...]

    def at(self, value: Value) -> Floats:
        """Uplift where the assumption has one of ``values``, or any where it does not matter.

        Shape (policies, replicates).
        """
        return np.asarray(self.uplift[:, self.values.index(value) if self.matters else 0])


@dataclass(frozen=True)
class Pair:
    """Two effects at once at their unkind ends.

    Attributes
    ----------
    factors : each effect with the end of its plausible range, as a factor, that suits the recommendation less.
    lead : of the recommended policy over the best other one there.
    rival : its label.
    """

    factors: tuple[tuple[AssumedEffect, float], ...]
    lead: Estimate
    rival: str


@dataclass(frozen=True)
class Robustness:
    """What the recommendation withstands.

    Attributes
    ----------
    labels : of the policies; the recommended one is the first.
    swept : assumption by assumption.
    pair : the two effects that cost it most, together; None when fewer than two matter.
    settled : whether it leads the status quo as things are assumed, and no rival is certainly ahead.
    runs : worlds lived for all this.
    """

    labels: tuple[str, ...]
    swept: tuple[Swept, ...]
    pair: Pair | None
    settled: bool
    runs: int


def most_runs(assumptions: int, policies: int, replicates: int) -> int:
    """Worlds that a robustness of so much lives at most: the base, the grid, the refinements on both sides, a pair."""
    return (2 + assumptions * (5 + 2 * ROUNDS)) * policies * replicates


def find_flips(
    run: Run,
    worlds: Sequence[World],
    policies: Sequence[Policy],
    labels: Sequence[str],
    seeds: Sequence[int],
    assumptions: Sequence[Assumption],
    *,
    status_quo: str = "status quo",
    objective: Objective | None = None,
) -> Robustness:
    """Sweep every assumption and find where the recommendation changes.

    Parameters
    ----------
    run : lives policies in replicates; called a handful of times, each with everything that can be lived at once.
    worlds : the ensemble; replicate i lives in world i mod n with the swept assumption changed.
    policies, labels : the recommended policy first; one of them is the status quo.
    """
    sweep = _Sweep(run, worlds, policies, labels, seeds, status_quo, objective or Objective())
    return sweep.all(assumptions)


@dataclass(frozen=True)
class _Crossing:
    """A flip in places, with its distance from the assumption."""

    side: str
    distance: float
    gone: float
    doubtful: float
    certain: float | None


class _Points:
    """What is known of one assumption so far: place on the line to uplift."""

    def __init__(self, assumption: Assumption) -> None:
        self.assumption = assumption
        self.known: dict[float, tuple[Value, Floats]] = {}

    def add(self, value: Value, uplift: Floats) -> None:
        self.known[self.assumption.place(value)] = (value, uplift)

    @property
    def places(self) -> Floats:
        return np.array(sorted(self.known))

    @property
    def here(self) -> float:
        return self.assumption.place(self.assumption.here)

    def matters(self) -> bool:
        first, *others = (uplift for _, uplift in self.known.values())
        return any(not np.array_equal(first, other) for other in others)


class _Sweep:
    """The stages of a sweep; they share the policies, the seeds and the count of runs."""

    def __init__(
        self, run: Run, worlds: Sequence[World], policies: Sequence[Policy], labels: Sequence[str],
        seeds: Sequence[int], status_quo: str, objective: Objective,
    ) -> None:  # fmt: skip
        self.run_, self.policies, self.labels, self.seeds = run, policies, tuple(labels), seeds
        self.world = world_of(len(seeds), len(worlds))
        self.scenarios = [world.scenario for world in worlds]
        self.base, self.status_quo, self.objective = self.labels.index(status_quo), status_quo, objective
        self.runs = 0

    def all(self, assumptions: Sequence[Assumption]) -> Robustness:
        points = [_Points(a) for a in assumptions]
        self._first(points)
        self._evaluate([(p, value) for p in points if p.matters() for value in p.assumption.grid[1:-1]])
        for _ in range(ROUNDS):
            self._evaluate([(p, value) for p in points if p.matters() for value in self._refinements(p)])
        swept = tuple(self._swept(p) for p in points)
        return Robustness(self.labels, swept, self._pair(points), self._settled(points), self.runs)

    # -- what is lived ------------------------------------------------------------------------------------------

    def _first(self, points: Sequence[_Points]) -> None:
        """The assumptions themselves and their extremes, which show whether they matter at all."""
        effects = [p for p in points if isinstance(p.assumption, AssumedEffect)]
        values = [p for p in points if not isinstance(p.assumption, AssumedEffect)]
        tried = [(p, value) for p in points for value in _first_tried(p.assumption)]
        self._evaluate([*((p, p.assumption.here) for p in (*effects[:1], *values)), *tried])
        for p in effects[1:]:  # every effect as assumed is the same world
            p.add(1.0, effects[0].known[1.0][1])

    def _evaluate(self, wanted: Sequence[tuple[_Points, Value]]) -> None:
        """Live all policies wherever an assumption has a value, all in one go."""
        wanted = [(p, value) for p, value in wanted if p.assumption.place(value) not in p.known]
        if not wanted:
            return
        lived = self._live([[p.assumption.at(s, value) for s in self.scenarios] for p, value in wanted])
        for (p, value), uplift in zip(wanted, lived, strict=True):
            p.add(value, uplift)

    def _live(self, ensembles: Sequence[Sequence[Scenario]]) -> list[Floats]:
        """Uplift over the status quo in each ensemble, each of shape (policies, replicates)."""
        n = len(self.seeds)
        scenarios = [scenarios[w] for scenarios in ensembles for w in self.world]
        values = self.run_(self.policies, list(self.seeds) * len(ensembles), scenarios)
        self.runs += values.size
        return [values[:, i : i + n] - values[self.base, i : i + n] for i in range(0, values.shape[1], n)]

    # -- where the lead is gone ---------------------------------------------------------------------------------

    def _leads(self, points: _Points, rival: int) -> tuple[Floats, float]:
        """Pseudovalues of the lead over a rival at the known places, shape (places, replicates), and their freedom."""
        judged = [self._judged(points.known[place][1]) for place in points.places]
        return np.stack([j.pseudo[0] - j.pseudo[rival] for j in judged]), judged[0].freedom

    def _judged(self, uplift: Floats) -> Judged:
        return self.objective.judge(uplift, self.world)

    def _crossings(self, points: _Points, rival: int) -> list[_Crossing]:
        """Where the lead over a rival is gone, on either side of the assumption."""
        leads, freedom = self._leads(points, rival)
        found = []
        for side, end in (("below", points.places[0]), ("above", points.places[-1])):
            away = np.linspace(points.here, end, FINE)
            mean, half = _band(points.places, leads, freedom, away)
            gone, doubtful, certain = (_first_below(away, line) for line in (mean, mean - half, mean + half))
            if mean[0] - half[0] < 0 and rival != self.base:
                gone = certain  # as good as the recommendation from the start: that is no loss
            if gone is not None and doubtful is not None and gone != points.here and self._counts(rival, certain):
                found.append(_Crossing(side, abs(gone - points.here), gone, doubtful, certain))
        return found

    def _counts(self, rival: int, certain: float | None) -> bool:
        """A rival within the noise is as good, which changes nothing; no better than the status quo is a flip."""
        return certain is not None or rival == self.base

    def _settled(self, points: Sequence[_Points]) -> bool:
        """Whether no other policy is ahead as things are assumed: the status quo in mean, a rival beyond the noise."""
        for p in points:
            judged = self._judged(p.known[p.here][1])
            if any(judged.contrast(0, r).high < 0 or (r == self.base and judged.values[0] < judged.values[r])
                   for r in self._rivals()):  # fmt: skip
                return False
        return True

    def _rivals(self) -> list[int]:
        return list(range(1, len(self.labels)))

    def _refinements(self, points: _Points) -> list[Value]:
        """Where to look next: inside the bracket of the nearest flip on each side."""
        if not points.assumption.ordered:
            return []
        nearest: dict[str, _Crossing] = {}
        for rival in self._rivals():
            for crossing in self._crossings(points, rival):
                known = nearest.setdefault(crossing.side, crossing)
                nearest[crossing.side] = min(known, crossing, key=lambda c: c.distance)
        places, wanted = points.places, []
        for crossing in nearest.values():
            upper = int(np.clip(np.searchsorted(places, crossing.gone), 1, len(places) - 1))
            low, high = places[upper - 1], places[upper]
            if high - low > NARROW * (places[-1] - places[0]):
                margin = NEAR * (high - low)
                wanted.append(points.assumption.value(float(np.clip(crossing.gone, low + margin, high - margin))))
        return wanted

    def _swept(self, points: _Points) -> Swept:
        values = tuple(points.known[place][0] for place in points.places)
        uplift = np.stack([points.known[place][1] for place in points.places], axis=1)
        matters = points.matters()
        flips = self._flips(points) if matters else []
        return Swept(points.assumption, values, uplift, matters, tuple(flips))

    def _flips(self, points: _Points) -> list[Flip]:
        if not points.assumption.ordered:
            return self._alternatives(points)
        found, value = [], points.assumption.value
        for rival in self._rivals():
            for c in self._crossings(points, rival):
                sure = None if c.certain is None else value(c.certain)
                inside = _inside(value(c.gone), points.assumption.plausible)
                flip = Flip(self.labels[rival], value(c.gone), value(c.doubtful), sure, c.side, inside)
                found.append((c.distance, flip))
        return [flip for _, flip in sorted(found, key=lambda pair: pair[0])]

    def _alternatives(self, points: _Points) -> list[Flip]:
        """Alternatives, which lie on no line, at which another policy is ahead."""
        found = []
        for rival in self._rivals():
            leads, freedom = self._leads(points, rival)
            mean, half = _mean_and_half(leads, freedom)
            for place, m, h in zip(points.places, mean, half, strict=True):
                certain = bool(m + h < 0)
                if place != points.here and m < 0 and (certain or rival == self.base):
                    value = points.known[place][0]
                    found.append(Flip(self.labels[rival], value, value, value if certain else None, "other", True))
        return found

    # -- two at once --------------------------------------------------------------------------------------------

    def _pair(self, points: Sequence[_Points]) -> Pair | None:
        """The two effects whose unkind ends cost the recommendation most, both there."""
        unkind = sorted(
            (self._unkind(p, a) for p in points if isinstance(a := p.assumption, AssumedEffect) and p.matters()),
            key=lambda end: end[0],
        )[:2]
        if len(unkind) < 2:
            return None
        factors = tuple((effect, factor) for _, effect, factor in unkind)
        scenarios = self.scenarios
        for effect, factor in factors:
            scenarios = [effect.at(s, factor) for s in scenarios]
        judged = self._judged(self._live([scenarios])[0])
        others = self._rivals()
        rival = others[int(np.argmax(judged.values[others]))]
        return Pair(factors, judged.contrast(0, rival), self.labels[rival])

    def _unkind(self, points: _Points, effect: AssumedEffect) -> tuple[float, AssumedEffect, float]:
        """(change of the lead, effect, factor) at the end of its plausible range that suits the recommendation less."""
        rivals = self._rivals() if self.base == 0 else [self.base]
        leads = np.min([self._leads(points, rival)[0].mean(axis=1) for rival in rivals], axis=0)
        ends = np.clip(effect.plausible or (1.0, 1.0), points.places[0], points.places[-1])
        lead = np.interp([*ends, points.here], points.places, leads)
        worse = int(np.argmin(lead[:2]))
        return float(lead[worse] - lead[2]), effect, float(ends[worse])


def _first_tried(assumption: Assumption) -> Sequence[Value]:
    """The ends of a line; all alternatives, since none lies between two others."""
    grid = assumption.grid
    return grid if not assumption.ordered or len(grid) < 2 else (grid[0], grid[-1])


def _inside(value: float, span: tuple[float, float] | None) -> bool:
    return span is not None and span[0] <= value <= span[1]


def _mean_and_half(leads: Floats, freedom: float) -> tuple[Floats, Floats]:
    t = stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    return leads.mean(axis=-1), np.asarray(t * leads.std(axis=-1, ddof=1) / math.sqrt(leads.shape[-1]))


def _band(places: Floats, leads: Floats, freedom: float, where: Floats) -> tuple[Floats, Floats]:
    """Mean lead and half of its 95 % band along a line, each replicate's lead carried on without new bumps."""
    return _mean_and_half(PchipInterpolator(places, leads)(where), freedom)


def _first_below(where: Floats, line: Floats) -> float | None:
    """Where a line first falls below zero, on the way from its first place; None where it never does."""
    below = np.flatnonzero(line < 0)
    if not len(below):
        return None
    i = int(below[0])
    if i == 0:
        return float(where[0])
    share = line[i - 1] / (line[i - 1] - line[i])
    return float(where[i - 1] + share * (where[i] - where[i - 1]))
