"""What mattered: importances from a design of their own, slices, maps and single changes.

Importances come from a space-filling design that is measured for them alone: trials of a search crowd where it looked,
so a lever that it soon settled would seem to do nothing. Among the levers of the design is a dummy that does nothing;
what is ascribed to it is what the method ascribes to noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from scipy.stats import norm, qmc, sobol_indices
from threadpoolctl import threadpool_limits

from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.space.coordinates import Coordinates, Dimension

Floats = NDArray[np.float64]

DUMMY = "(nothing)"
"""Name of the lever that does nothing."""

BASE = 2048  # points of each Sobol matrix, a power of two; indices are then exact to about .01
LIGHT_BASE = 256  # the same for each resample
LIGHT_STEPS = 15  # of the climb in each resample, which starts from the fit to the whole design
BAND = float(norm.ppf(0.95))  # half-width of a 90 % interval in standard deviations


@dataclass(frozen=True)
class Importance:
    """Share of the variation over the space that comes from one lever.

    Attributes
    ----------
    lever : name of the dimension.
    first : share from the lever alone.
    total : share with all its interactions.
    low, high : 90 % interval of ``total``.
    above_floor : whether ``total`` exceeds what the dummy may reach.
    """

    lever: str
    first: float
    total: float
    low: float
    high: float
    above_floor: bool


@dataclass(frozen=True)
class Importances:
    """Importances of all levers, the dummy among them.

    Attributes
    ----------
    levers : by ``total``, largest first.
    floor : upper end of the dummy's interval.
    r2 : share of the design's variation that the surrogate predicts, each point by the others. The shares above are
        of this part; near 0 they say nothing.
    """

    levers: tuple[Importance, ...]
    floor: float
    r2: float

    def telling(self) -> tuple[str, ...]:
        """Names of the levers above the floor."""
        return tuple(i.lever for i in self.levers if i.above_floor)


@dataclass(frozen=True)
class Interaction:
    """Share of the variation that two levers make together beyond what each makes alone."""

    levers: tuple[str, str]
    share: float


@dataclass(frozen=True, eq=False)
class Slice:
    """One lever moved through a policy, the others staying.

    Attributes
    ----------
    lever : name of the dimension.
    here : its value in the policy.
    values : where it was moved to, in order. Length m.
    mean, low, high : predicted value there and 90 % band. Shape (m,).
    """

    lever: str
    here: Any
    values: tuple[Any, ...]
    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Map:
    """Two levers moved through a policy, the others staying.

    Attributes
    ----------
    levers : names of both.
    here : their values in the policy.
    values : where each was moved to. Lengths a and b.
    mean, low, high : predicted value there and 90 % band. Shape (a, b).
    """

    levers: tuple[str, str]
    here: tuple[Any, Any]
    values: tuple[tuple[Any, ...], tuple[Any, ...]]
    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Change:
    """The best change of one or two levers of a policy, as predicted; to be simulated before it is claimed.

    Attributes
    ----------
    params : coordinates of the changed policy by name.
    moves : new value of each moved lever.
    gain : predicted value minus that of the unchanged policy; ``low`` and ``high`` are its 90 % interval.
    """

    params: dict[str, Any]
    moves: dict[str, Any]
    gain: float
    low: float
    high: float


# -- importances --------------------------------------------------------------------------------------------------


def with_dummy(dimensions: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
    """The space of the design: the dimensions and the dummy."""
    return (*dimensions, Dimension(DUMMY, FloatDistribution(0.0, 1.0)))


def importances(
    coordinates: Coordinates,
    rows: Floats,
    values: Floats,
    noise_variance: Floats,
    *,
    seed: int,
    resamples: int = 40,
) -> Importances:
    """Sobol indices of a surrogate fitted to a space-filling design.

    Every dimension is taken as uniform over its coordinates, each choice as likely as another. The interval is that
    of a bootstrap over the points of the design: the surrogate is fitted anew to each resample, and the standard
    deviation of its indices is laid around the estimate. (The quantiles of the resamples would be shifted: a resample
    holds 63 % of the points and misses more of the interactions.)

    Parameters
    ----------
    coordinates : of :func:`with_dummy`.
    rows : ``coordinates.sobol(n, seed)``, at least ten times as many as dimensions. Shape (n, k).
    values, noise_variance : what each policy earned, and the known variance of its error. Shape (n,).
    """
    with threadpool_limits(1):
        surrogate = Surrogate.fit(coordinates, rows, values, noise_variance)
        first, total = _indices(surrogate, coordinates, BASE, seed)
        rng = np.random.default_rng(seed)
        again = np.empty((resamples, len(coordinates)))
        for i in range(resamples):
            picked = rng.integers(0, len(rows), len(rows))
            fitted = Surrogate.fit(
                coordinates, rows[picked], values[picked], noise_variance[picked], warm=surrogate, steps=LIGHT_STEPS
            )
            again[i] = _indices(fitted, coordinates, LIGHT_BASE, seed)[1]
        r2 = surrogate.loo().r2
    spread = BAND * again.std(axis=0, ddof=1)
    dummy = coordinates.names.index(DUMMY)
    floor = float(total[dummy] + spread[dummy])
    levers = [
        Importance(
            lever=name,
            first=float(max(first[c], 0.0)),
            total=float(total[c]),
            low=float(max(total[c] - spread[c], 0.0)),
            high=float(total[c] + spread[c]),
            above_floor=bool(total[c] > floor),
        )
        for c, name in enumerate(coordinates.names)
    ]
    return Importances(tuple(sorted(levers, key=lambda i: -i.total)), floor, r2)


def interactions(
    surrogate: Surrogate, coordinates: Coordinates, levers: Sequence[str], *, seed: int
) -> tuple[Interaction, ...]:
    """Second-order Sobol indices of all pairs of these levers, largest first."""
    columns = [coordinates.names.index(name) for name in levers]
    pairs = list(itertools.combinations(columns, 2))
    with threadpool_limits(1):
        a, b = _matrices(len(coordinates), BASE, seed)
        f_a, f_b = (surrogate.mean(coordinates.spread(m)) for m in (a, b))
        middle, variance = float(np.mean([f_a, f_b])), float(np.var([f_a, f_b]))

        def together(moved: tuple[int, ...]) -> float:
            """Variance of the mean over all other levers (Saltelli et al. 2010, table 2 b)."""
            page = a.copy()
            page[:, moved] = b[:, moved]
            return float(np.mean((f_b - middle) * (surrogate.mean(coordinates.spread(page)) - f_a)))

        alone = {c: together((c,)) for c in columns}
        found = [
            Interaction(
                (coordinates.names[i], coordinates.names[j]),
                max(together((i, j)) - alone[i] - alone[j], 0.0) / variance if variance > 0 else 0.0,
            )
            for i, j in pairs
        ]
    return tuple(sorted(found, key=lambda f: -f.share))


def _matrices(k: int, base: int, seed: int) -> tuple[Floats, Floats]:
    """Two independent samples of the unit cube."""
    cube = qmc.Sobol(2 * k, scramble=True, seed=seed).random(base)
    return cube[:, :k], cube[:, k:]


def _indices(surrogate: Surrogate, coordinates: Coordinates, base: int, seed: int) -> tuple[Floats, Floats]:
    """First and total indices of all dimensions. Shapes (k,)."""
    k = len(coordinates)
    a, b = _matrices(k, base, seed)
    pages = np.repeat(a[None], k, axis=0)
    for c in range(k):
        pages[c, :, c] = b[:, c]
    # Samples are mixed before they become policies: what is neutral in one may be active in a mixture.
    f = surrogate.mean(coordinates.spread(np.vstack([a, b, pages.reshape(-1, k)])))
    if np.ptp(f[: 2 * base]) <= 1e-12 * max(float(np.abs(f).max()), 1.0):
        return np.zeros(k), np.zeros(k)
    f -= f[: 2 * base].mean()  # the estimator of the first index is exact sooner for centred values
    found = sobol_indices(
        func={"f_A": f[None, :base], "f_B": f[None, base : 2 * base], "f_AB": f[2 * base :].reshape(k, 1, base)},
        n=base,
    )
    return np.ravel(found.first_order), np.ravel(found.total_order)


# -- around a policy ----------------------------------------------------------------------------------------------


def slices(surrogate: Surrogate, coordinates: Coordinates, row: Floats, *, points: int = 25) -> tuple[Slice, ...]:
    """Each lever that is active in a policy moved from end to end.

    The band holds what the trials leave open and the error that they share through their seeds.
    """
    return tuple(_slice(surrogate, coordinates, row, column, points) for column in _levers(coordinates, row))


def maps(
    surrogate: Surrogate,
    coordinates: Coordinates,
    row: Floats,
    pairs: Sequence[tuple[str, str]],
    *,
    points: int = 15,
) -> tuple[Map, ...]:
    """Pairs of levers moved together through a policy; pairs with a lever that is inactive in it are left out."""
    active = {coordinates.names[c] for c in _levers(coordinates, row)}
    return tuple(_map(surrogate, coordinates, row, pair, points) for pair in pairs if active.issuperset(pair))


def best_change(
    surrogate: Surrogate, coordinates: Coordinates, row: Floats, *, together: int = 1, points: int = 15
) -> Change:
    """The change of so many levers of a policy at once that promises most.

    The interval is that of the difference under the surrogate. The error that trials share through their seeds is
    not in it, nor that the largest of many predictions was chosen: simulate it again.
    """
    row = coordinates.snap(row[None])[0]
    grids = {c: coordinates.grid(c, points) for c in _levers(coordinates, row)}
    moved = [row[None]]
    for columns in itertools.combinations(grids, together):
        there = np.array(list(itertools.product(*(grids[c] for c in columns))))
        rows = np.repeat(row[None], len(there), axis=0)
        rows[:, columns] = there
        moved.append(rows)
    rows = coordinates.snap(np.vstack(moved))
    with threadpool_limits(1):
        best = rows[np.argmax(surrogate.mean(rows))]
        gain, sd = (float(x[0]) for x in surrogate.difference(best[None], row))
    params, before = coordinates.params(best), coordinates.params(row)
    moves = {name: value for name, value in params.items() if name in before and value != before[name]}
    return Change(params, moves, gain, gain - BAND * sd, gain + BAND * sd)


def _levers(coordinates: Coordinates, row: Floats) -> list[int]:
    """Columns that are active in a row, without the dummy."""
    active = coordinates.active(row[None])[0]
    return [c for c, name in enumerate(coordinates.names) if active[c] and name != DUMMY]


def _slice(surrogate: Surrogate, coordinates: Coordinates, row: Floats, column: int, points: int) -> Slice:
    name = coordinates.names[column]
    grid = coordinates.grid(column, points)
    rows = np.repeat(row[None], len(grid), axis=0)
    rows[:, column] = grid
    mean, low, high = _band(surrogate, coordinates.snap(rows))
    values = tuple(coordinates.value(column, float(unit)) for unit in grid)
    return Slice(name, coordinates.value(column, float(row[column])), values, mean, low, high)


def _map(surrogate: Surrogate, coordinates: Coordinates, row: Floats, pair: tuple[str, str], points: int) -> Map:
    columns = [coordinates.names.index(name) for name in pair]
    grids = [coordinates.grid(c, points) for c in columns]
    shape = (len(grids[0]), len(grids[1]))
    rows = np.repeat(row[None], shape[0] * shape[1], axis=0)
    rows[:, columns] = np.array(list(itertools.product(*grids)))
    mean, low, high = (x.reshape(shape) for x in _band(surrogate, coordinates.snap(rows)))
    values = tuple(
        tuple(coordinates.value(c, float(unit)) for unit in grid) for c, grid in zip(columns, grids, strict=True)
    )
    here = tuple(coordinates.value(c, float(row[c])) for c in columns)
    return Map(pair, (here[0], here[1]), (values[0], values[1]), mean, low, high)


def _band(surrogate: Surrogate, rows: Floats) -> tuple[Floats, Floats, Floats]:
    with threadpool_limits(1):
        mean, sd = surrogate.predict(rows)
    half = BAND * np.hypot(sd, surrogate.shared_sd)
    return mean, mean - half, mean + half
