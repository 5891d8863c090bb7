"""Value of information: what it would be worth to know an assumption before choosing among the finalists.

Each replicate drew its own effects and lived in its own world, so what it would be worth to know one of them can be
read off replicates that are simulated already (Strong, Oakley & Brennan 2014, Medical Decision Making 34:311): each
policy's uplift is regressed on the assumptions, and the regression tells which policy would be chosen if they were
known. The basis is orthogonal under the priors, so the constant is the mean over them, an assumption's own terms
are its conditional mean, and data that remove a share ρ of a normal prior's variance shrink the k-th polynomial's
part by ρ^(k/2) (Mehler's formula), which gives the value of a test in closed form.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert
from scipy.special import eval_hermitenorm, eval_legendre, ndtri
from scipy.stats import norm, qmc

from experiments.searching.objective import CONFIDENCE, Estimate
from experiments.searching.questions.assumptions import Unknown
from experiments.searching.questions.field_test import FieldTest, rounded_up
from sim.errors import StudyError

Floats = NDArray[np.float64]

DEGREES = (1, 2, 3)  # of the polynomials that cross-validation chooses from
ROWS_PER_COLUMN = 3.0  # replicates for each coefficient beyond straight lines
NODES = 241  # of each prior
FAR = 6.0  # standard deviations of a normal prior that the nodes reach
POINTS = 1024  # of all priors together, a Sobol sequence
DRAWS = 400  # of the coefficients, for intervals; and permutations, for the floor
FLOOR = 0.95  # quantile of what an assumption without influence would seem to be worth
ENOUGH = 0.80  # share of what perfect knowledge is worth that a test without a stated cost should reach
SMALLEST_ARM = 10
TRIFLE = 0.005  # of a unit of currency a customer: what a report would print as nothing is not worth a test


@dataclass(frozen=True)
class TestSize:
    """The recommended field test.

    Attributes
    ----------
    per_arm : customers in each of two arms.
    days : its length.
    evsi : expected value of sample information, per customer that the decision applies to.
    attained : its share of what perfect knowledge is worth.
    cost, net : what it costs, and evsi over all customers less that; None when no cost is given.
    possible : whether there are so many customers.
    """

    per_arm: int
    days: int
    evsi: float
    attained: float
    cost: float | None
    net: float | None
    possible: bool


@dataclass(frozen=True)
class Worth:
    """What one assumption is worth to know.

    Attributes
    ----------
    evppi : expected value of perfect information about it, per customer that the decision applies to.
    floor : what it would seem to be worth in 19 of 20 cases if nothing depended on it.
    total : evppi over all customers.
    testable : whether a field test of customers would tell.
    test : the field test to run; None where none tells or pays.
    """

    name: str
    words: str
    evppi: Estimate
    floor: float
    total: float
    testable: bool
    test: TestSize | None

    @property
    def proven(self) -> bool:
        """Whether it is worth more than an assumption without influence would seem to be."""
        return self.evppi.value > max(self.floor, TRIFLE)


@dataclass(frozen=True)
class Information:
    """What it would be worth to know more before choosing.

    Attributes
    ----------
    evpi : expected value of perfect information about all assumptions together, per customer.
    each : by assumption, the most valuable first.
    customers : to whom the decision applies.
    replicates : that it was read off.
    degree : of the polynomials.
    explained : share of the differences' variance that the assumptions explain; the rest is luck.
    """

    evpi: Estimate
    each: tuple[Worth, ...]
    customers: float
    replicates: int
    degree: int
    explained: float


def fewest_replicates(unknowns: Sequence[Unknown]) -> int:
    """Replicates below which straight lines through so many assumptions say nothing."""
    columns = 1 + sum(max(u.levels - 1, 1) for u in unknowns)
    return math.ceil(1.5 * columns) + 4


def value_of_information(
    uplift: Floats,
    unknowns: Sequence[Unknown],
    *,
    customers: float,
    prior_sizes: Mapping[str, float] | None = None,
    test: FieldTest | None = None,
) -> Information:
    """What each assumption, and all together, would be worth to know before one of the policies is chosen.

    Parameters
    ----------
    uplift : per customer, on seeds that did not nominate the policies. Shape (policies, replicates).
    unknowns : what was uncertain in these replicates.
    customers : to whom the chosen policy applies.
    prior_sizes : by name, customers in each arm with whom a field test knows as much as the prior; an assumption that
        is not named cannot be tested.

    Raises
    ------
    StudyError
        When there are fewer replicates than :func:`fewest_replicates`, or too few worlds to tell values apart.
    """
    needed = fewest_replicates(unknowns)
    if not unknowns or uplift.shape[1] < needed:
        rule = f"{len(unknowns)} assumptions need {needed} replicates" if unknowns else "nothing is uncertain"
        raise StudyError(rule, place="value of information", value=uplift.shape[1], cure="raise final_replicates")
    surface = _fitted(uplift, unknowns)
    each = [_worth(surface, j, customers, (prior_sizes or {}).get(u.name), test or FieldTest())
            for j, u in enumerate(unknowns)]  # fmt: skip
    each.sort(key=lambda w: (not w.proven, -w.evppi.value))
    return Information(surface.evpi(), tuple(each), customers, uplift.shape[1], surface.degree, surface.explained)


def _worth(surface: _Surface, j: int, customers: float, prior_size: float | None, design: FieldTest) -> Worth:
    unknown, evppi, floor = surface.unknowns[j], surface.evppi(j), surface.floor(j)
    size = None
    if evppi.value <= max(floor, TRIFLE):
        evppi = Estimate(evppi.value, 0.0, evppi.high)
    elif prior_size is not None:
        size = _size(surface, j, customers, prior_size, design)
    return Worth(unknown.name, unknown.words, evppi, floor, evppi.value * customers, prior_size is not None, size)


# -- priors -----------------------------------------------------------------------------------------------------------


def _basis(unknown: Unknown, standard: Floats, degree: int) -> Floats:
    """Functions that are orthogonal under the prior, to each other and to the constant. Shape (n, functions)."""
    if unknown.prior == "discrete":
        return np.asarray(helmert(unknown.levels)[:, standard.astype(np.intp)].T)
    degree = min(degree, max(len(np.unique(unknown.standard)) - 1, 1))
    polynomial = eval_hermitenorm if unknown.prior == "normal" else eval_legendre
    return np.stack([polynomial(k, standard) for k in range(1, degree + 1)], axis=1)


def _nodes(unknown: Unknown) -> tuple[Floats, Floats]:
    """Values that stand for the prior, and their weights."""
    if unknown.prior == "discrete":
        return np.arange(unknown.levels, dtype=np.float64), np.full(unknown.levels, 1 / unknown.levels)
    if unknown.prior == "normal":
        z = np.linspace(-FAR, FAR, NODES)
        weights = norm.pdf(z)
        return z, weights / weights.sum()
    return (np.arange(NODES) + 0.5) / NODES * 2 - 1, np.full(NODES, 1 / NODES)


def _sample(unknown: Unknown, u: Floats) -> Floats:
    """Values of the prior at these quantiles."""
    if unknown.prior == "discrete":
        return np.floor(u * unknown.levels)
    return np.asarray(ndtri(u)) if unknown.prior == "normal" else 2 * u - 1


# -- what each policy earns, given the assumptions --------------------------------------------------------------------


class _Surface:
    """Uplift of each policy as a sum of functions of single assumptions, with what is known of its coefficients.

    Parameters
    ----------
    raw : least-squares coefficients, the constant first. Shape (columns, policies).
    rows : columns of each assumption.
    inner : (X'X)⁻¹.
    residuals : shape (replicates, policies), with the spread of the noise.
    """

    def __init__(self, unknowns: Sequence[Unknown], degree: int, X: Floats, Y: Floats, rows: Sequence[slice]) -> None:
        self.unknowns, self.degree, self.X, self.rows = unknowns, degree, X, rows
        self.inner = np.linalg.inv(X.T @ X)
        self.raw = self.inner @ X.T @ Y
        self.freedom = len(X) - X.shape[1]
        left = Y - X @ self.raw
        self.residuals = left * math.sqrt(len(X) / self.freedom)
        self.noise = left.T @ left / self.freedom
        total = (Y - Y.mean(axis=0)).var(axis=0).sum()
        self.explained = float(max(0.0, 1 - np.trace(self.noise) / (total * len(X) / (len(X) - 1)))) if total else 0.0
        self.keep = np.ones_like(self.raw)
        for at in rows:
            self.keep[at] = self._kept(self.raw[at], np.asarray(self.inner[at, at]), np.diag(self.noise))
        self.luck = np.random.Generator(np.random.PCG64(0))

    def _kept(self, coefficients: Floats, inner: Floats, noise: NDArray[Any]) -> Floats:
        """Share of an assumption's coefficients that is kept, by policy: 1 − 1/F, nothing where F < 1.

        The positive-part rule of James & Stein (1961): what noise alone would give is taken off, so that an assumption
        without influence is worth about nothing.
        """
        size = np.einsum("...kp,kl,...lp->...p", coefficients, np.linalg.inv(inner), coefficients)
        f = size / (coefficients.shape[-2] * np.where(noise > 0, noise, 1.0))
        kept = np.where(f > 1, 1 - 1 / np.maximum(f, 1.0), 0.0)
        return np.asarray(np.where(noise > 0, kept, 1.0))[..., None, :]

    def _draws(self) -> Floats:
        """Coefficients as they might be: normal around the raw ones. Shape (draws, columns, policies)."""
        values, vectors = np.linalg.eigh(self.noise)
        root = vectors * np.sqrt(np.clip(values, 0.0, None))
        z = self.luck.standard_normal((DRAWS, *self.raw.shape))
        return np.asarray(np.linalg.cholesky(self.inner) @ z @ root.T)

    def evppi(self, j: int) -> Estimate:
        """Expected value of perfect information about one assumption."""
        at, change = self.rows[j], self._draws()
        value = self._gain(j, self.raw[0], (self.keep * self.raw)[at])
        wide = self._gain(j, self.raw[0] + change[:, 0], self.raw[at] + change[:, at])
        kept = self.keep[at]
        close = self._gain(j, self.raw[0] + change[:, 0], kept * self.raw[at] + np.sqrt(kept) * change[:, at])
        tail = (1 - CONFIDENCE) / 2
        return Estimate(float(value), float(np.quantile(close, tail)), float(np.quantile(wide, 1 - tail)))

    def floor(self, j: int) -> float:
        """What the assumption would seem to be worth if nothing depended on it, by permutation (95 % quantile)."""
        at = self.rows[j]
        B = self.X[:, at] - self.X[:, at].mean(axis=0)
        inner = np.linalg.inv(B.T @ B)
        orders = self.luck.permuted(np.tile(np.arange(len(B)), (DRAWS, 1)), axis=1)
        found = np.einsum("kl,dnl,np->dkp", inner, B[orders], self.residuals, optimize=True)
        kept = self._kept(found, inner, np.diag(self.noise))
        return float(np.quantile(self._gain(j, self.raw[0], kept * found), FLOOR))

    def evpi(self) -> Estimate:
        """Expected value of perfect information about all assumptions together."""
        quantiles = qmc.Sobol(len(self.unknowns), seed=0).random(POINTS)
        X = np.concatenate(
            [np.ones((POINTS, 1))]
            + [_basis(u, _sample(u, q), self.degree) for u, q in zip(self.unknowns, quantiles.T, strict=True)], 1,
        )  # fmt: skip
        weights = np.full(POINTS, 1 / POINTS)

        def gain(coefficients: Floats) -> Floats:
            return _gain(coefficients[..., 0, :], np.swapaxes(X @ coefficients, -1, -2), weights)

        drawn = gain(self.keep * self.raw + np.sqrt(self.keep) * self._draws())
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return Estimate(float(gain(self.keep * self.raw)), float(low), float(high))

    def evsi(self, j: int, removed: Floats) -> Floats:
        """Expected value of data that remove these shares of one normal prior's variance. Shape of ``removed``."""
        at = self.rows[j]
        order = np.arange(1, at.stop - at.start + 1) / 2
        shrunk = removed[:, None, None] ** order[None, :, None] * (self.keep * self.raw)[at]
        return self._gain(j, self.raw[0], shrunk)

    def _gain(self, j: int, constant: Floats, coefficients: Floats) -> Floats:
        """Gain of choosing when one assumption's part is known; coefficients of shape (..., functions, policies)."""
        nodes, weights = _nodes(self.unknowns[j])
        B = _basis(self.unknowns[j], nodes, self.degree)
        return _gain(constant, constant[..., :, None] + np.swapaxes(B @ coefficients, -1, -2), weights)


def _gain(constant: Floats, values: Floats, weights: Floats) -> Floats:
    """Mean of the best policy's value, known case by case, less the best of the means.

    Parameters
    ----------
    constant : mean of each policy, shape (..., policies).
    values : by case, shape (..., policies, cases), each case with its weight.
    """
    return np.asarray(np.maximum(values.max(axis=-2) @ weights - constant.max(axis=-1), 0.0))


def _fitted(uplift: Floats, unknowns: Sequence[Unknown]) -> _Surface:
    """The surface of the degree that predicts left-out replicates best (PRESS), as far as replicates allow."""
    best = int(uplift.mean(axis=1).argmax())
    Y = (uplift - uplift[best]).T
    scale = np.where(Y.std(axis=0) > 0, Y.std(axis=0), 1.0)
    found: tuple[float, _Surface] | None = None
    for degree in DEGREES:
        parts = [_basis(u, u.standard, degree) for u in unknowns]
        edges = np.cumsum([1] + [p.shape[1] for p in parts])
        X = np.concatenate([np.ones((len(Y), 1)), *parts], axis=1)
        told_apart = np.linalg.matrix_rank(X) == X.shape[1]
        short = len(X) < ROWS_PER_COLUMN * X.shape[1]
        if found is not None and (short or not told_apart):
            break
        if not told_apart:
            raise StudyError(
                "these worlds cannot tell all uncertain values apart", place="value of information",
                value=", ".join(u.name for u in unknowns if u.prior != "normal"), cure="raise `worlds`",
            )  # fmt: skip
        rows = [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]
        leverage = (np.linalg.qr(X)[0] ** 2).sum(axis=1)
        surface = _Surface(unknowns, degree, X, Y, rows)
        left_out = (Y - X @ surface.raw) / np.maximum(1 - leverage, 1e-9)[:, None] / scale
        press = float((left_out**2).sum())
        if found is None or press < found[0]:
            found = (press, surface)
    assert found is not None
    return found[1]


# -- tests ------------------------------------------------------------------------------------------------------------


def _size(surface: _Surface, j: int, customers: float, prior_size: float, design: FieldTest) -> TestSize | None:
    """The test with the highest net benefit; without a stated cost the smallest that is worth 80 % of knowing."""
    known = float(surface.evsi(j, np.ones(1))[0])
    sizes = np.unique([rounded_up(n) for n in np.geomspace(SMALLEST_ARM, max(customers, 1e3 * prior_size), 400)])
    worth = surface.evsi(j, sizes / (sizes + prior_size))
    cost = net = None
    if design.cost_per_customer is None:
        at = int(np.argmax(worth >= ENOUGH * known))
    else:
        sizes, worth = sizes[2 * sizes <= customers], worth[2 * sizes <= customers]
        if not len(sizes):
            return None
        benefit = worth * customers - np.array([design.cost(int(n)) for n in sizes])
        at = int(np.argmax(benefit))
        cost, net = design.cost(int(sizes[at])), float(benefit[at])
        if net <= 0:
            return None
    n = int(sizes[at])
    return TestSize(n, design.days, float(worth[at]), float(worth[at]) / known, cost, net, 2 * n <= customers)
