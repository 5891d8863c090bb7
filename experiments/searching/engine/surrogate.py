"""The surrogate: what a Gaussian process makes of the policies tried so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from threadpoolctl import threadpool_limits

from experiments.searching.engine.kernel import PolicyKernel
from experiments.searching.engine.tail import NO_TAIL, Tail
from experiments.searching.space.coordinates import Coordinates
from sim.errors import StudyError

Floats = NDArray[np.float64]

JITTER = 1e-8  # of the values' variance, for a stable factor where policies repeat
STEPS = 60  # of a climb of the likelihood
PRECISE = 1e-5  # relative step of the likelihood at which a climb ends: costs .001 of evidence, saves a third
FEW = 64  # trials up to which two starts can end in different places (measured on five functions)
CHUNK = 4096  # rows predicted together, for the cache
LEAST_VARIANCE = 1e-12

# Where the kernel's parameters are expected and how loosely on the log scale, the values having variance 1. They
# matter while trials are few. Lengths grow with the root of the dimension, as distances in the unit cube do (Hvarfner,
# Hellsten & Nardi 2024).
LENGTH, LENGTH_SD = 0.4, 1.0  # assumed; length for one dimension
AMPLITUDE, AMPLITUDE_SD = 1.0, 1.5  # assumed
NUGGET, NUGGET_SD = 1e-5, 1.0  # assumed: the noise is known, so little is left to be called noise
NOISE_SHARE, NOISE_SHARE_SD = 0.3, 1.5  # assumed: with shared seeds most of the known noise is common to neighbours


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """How well each trial is predicted by the others.

    Attributes
    ----------
    r2 : share of the variation among trials that is predicted; below 0 the surrogate is worse than the mean.
    residuals : in predicted standard deviations, shape (n,); about standard normal when the surrogate is honest.
    coverage : share of trials inside their predicted 90 % interval.
    """

    r2: float
    residuals: Floats
    coverage: float


@dataclass(frozen=True, eq=False)
class Slope:
    """Prediction at one row and its derivatives by the row's numbers, 0 for categories. Shapes (k,)."""

    mean: float
    sd: float
    of_mean: Floats
    of_sd: Floats


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A Gaussian process over policies, made by :meth:`fit`.

    Attributes
    ----------
    rows, values : the trials that it knows, shapes (n, k) and (n,).
    noise : known noise variance of the normalised values. Shape (n,).
    kernel : fitted covariance of the normalised values.
    tail : how the low tail was drawn in before normalising.
    centre, scale : of the normalisation.
    factor, weights : lower Cholesky factor of the trials' covariance, and its solution for the values.
    evidence : log density of the values and of the kernel's parameters, by which the tail was chosen.
    """

    rows: Floats
    values: Floats
    noise: Floats
    kernel: PolicyKernel
    tail: Tail
    centre: float
    scale: float
    factor: Floats
    weights: Floats
    evidence: float

    # -- fitting ------------------------------------------------------------------------------------------------

    @classmethod
    def fit(
        cls,
        coordinates: Coordinates,
        rows: Floats,
        values: Floats,
        noise_variance: Floats,
        *,
        warm: Surrogate | None = None,
        draw_in: bool = True,
        steps: int = STEPS,
    ) -> Self:
        """Fit to measured policies: the kernel's parameters by marginal likelihood with weak priors.

        Parameters
        ----------
        rows : coordinates of the policies. Shape (n, k).
        values : what each earned, more being better. Shape (n,).
        noise_variance : known variance of each value's error, 0 for exact ones. Shape (n,).
        warm : an earlier fit over the same space, whose parameters start the climb. Without it the fit depends on
            these trials alone, as the proposals of an interrupted search must.
        draw_in : whether values far below the median may be drawn in, which is done where it makes the values more
            likely. For a metric of which both sides matter, such as spend, False.
        steps : most steps of a climb.

        Raises
        ------
        StudyError
            Where shapes disagree, a number is not finite, a variance is negative or ``warm`` is of another space.
        """
        rows, values, noise_variance = (np.asarray(a, dtype=float) for a in (rows, values, noise_variance))
        _check(coordinates, rows, values, noise_variance, warm)
        tail = Tail.of(values)
        tails = [NO_TAIL] if not draw_in or values.min() >= tail.knee else [NO_TAIL, tail]
        with threadpool_limits(1):  # threads of BLAS wait for each other actively, and rounding depends on them
            fits = [cls._under(t, coordinates, rows, values, noise_variance, warm, steps) for t in tails]
        return max(fits, key=lambda fitted: fitted.evidence)

    @classmethod
    def _under(
        cls, tail: Tail, coordinates: Coordinates, rows: Floats, values: Floats, noise_variance: Floats,
        warm: Surrogate | None, steps: int,
    ) -> Self:  # fmt: skip
        drawn = tail.draw_in(values)
        centre, scale = float(drawn.mean()), float(drawn.std())
        scale = scale if scale > 1e-12 * max(abs(centre), 1.0) else 1.0
        steepness = tail.slope(values)
        noise = noise_variance * (steepness / scale) ** 2
        kernel = expected_kernel(coordinates) if warm is None else warm.kernel
        climb = _climber(coordinates, steps, twice=warm is None and len(rows) <= FEW)
        process = GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=climb)
        process.fit(np.column_stack([rows, noise]), (drawn - centre) / scale)
        return cls(
            rows=rows,
            values=values,
            noise=noise,
            kernel=process.kernel_,
            tail=tail,
            centre=centre,
            scale=scale,
            factor=process.L_,
            weights=process.alpha_,
            evidence=float(process.log_marginal_likelihood_value_ + np.log(steepness / scale).sum()),
        )

    def believing(self, row: Floats) -> Surrogate:
        """The same with one more exact trial that came out as predicted: means stay, doubt around it goes."""
        across = self.kernel.between(row[None], self.rows)[0]
        solved = solve_triangular(self.factor, across, lower=True, check_finite=False)
        n = len(self.rows)
        factor = np.zeros((n + 1, n + 1))
        factor[:n, :n], factor[n, :n] = self.factor, solved
        factor[n, n] = np.sqrt(max(self.kernel.amplitude - solved @ solved, 0.0) + JITTER)
        return replace(
            self,
            rows=np.vstack([self.rows, row]),
            values=np.append(self.values, self.mean(row[None])),
            noise=np.append(self.noise, 0.0),
            factor=factor,
            weights=np.append(self.weights, 0.0),
        )

    # -- predicting ---------------------------------------------------------------------------------------------

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of what policies earn on the trials' seeds, in units of the values. Shapes (m,).

        The deviation says what the trials leave open. The error that all trials share through their seeds is not in
        it: see :attr:`shared_sd`.
        """
        mean, sd = self.predict_drawn(rows)
        values = self.tail.let_out(mean)
        return values, sd / self.tail.slope(values)

    def predict_drawn(self, rows: Floats) -> tuple[Floats, Floats]:
        """As :meth:`predict` with the low tail drawn in, where errors are normal. The same above the tail's knee."""
        parts = list(self._chunks(rows))
        mean = np.concatenate([mean for mean, _ in parts])
        reduction = np.concatenate([np.einsum("ij,ij->j", solved, solved) for _, solved in parts])
        variance = np.maximum(self.kernel.amplitude - reduction, LEAST_VARIANCE)
        return mean, self.scale * np.sqrt(variance)

    def mean(self, rows: Floats) -> Floats:
        """The mean of :meth:`predict` alone, for many rows. Shape (m,)."""
        chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
        means = np.concatenate([self.kernel.between(chunk, self.rows) @ self.weights for chunk in chunks])
        return self.tail.let_out(self.centre + self.scale * means)

    def difference(self, rows: Floats, base: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each row's value minus that of one base row. Shapes (m,)."""
        (base_mean, base_solved), *_ = self._chunks(base[None])
        parts = list(self._chunks(rows))
        values = self.tail.let_out(np.concatenate([mean for mean, _ in parts]))
        base_value = self.tail.let_out(base_mean)
        a, b = 1 / self.tail.slope(values), 1 / self.tail.slope(base_value)
        own = self.kernel.amplitude - np.concatenate([np.einsum("ij,ij->j", s, s) for _, s in parts])
        common = self.kernel.between(rows, base[None])[:, 0]
        common -= np.concatenate([s.T @ base_solved[:, 0] for _, s in parts])
        variance = a**2 * own + b**2 * (self.kernel.amplitude - base_solved[:, 0] @ base_solved[:, 0])
        variance -= 2 * a * b * common
        return values - base_value, self.scale * np.sqrt(np.maximum(variance, 0.0))

    def slope(self, row: Floats) -> Slope:
        """How :meth:`predict_drawn` changes at one row."""
        across = self.kernel.between(row[None], self.rows)[0]
        turn = self.kernel.slope(row, self.rows)
        solution = cho_solve((self.factor, True), across, check_finite=False)
        sd = float(np.sqrt(max(self.kernel.amplitude - across @ solution, LEAST_VARIANCE)))
        return Slope(
            mean=self.centre + self.scale * float(across @ self.weights),
            sd=self.scale * sd,
            of_mean=self.scale * (self.weights @ turn),
            of_sd=-self.scale * (solution @ turn) / sd,
        )

    def probability_at_most(self, rows: Floats, limit: float) -> Floats:
        """P(value ≤ limit), for a surrogate of a constrained metric. Shape (m,)."""
        mean, sd = self.predict_drawn(rows)
        return np.asarray(norm.cdf((self.tail.draw_in(np.array(limit)) - mean) / sd))

    def _chunks(self, rows: Floats) -> Iterator[tuple[Floats, Floats]]:
        """(drawn-in mean, covariance with the trials divided by their factor), so many rows at a time."""
        for start in range(0, len(rows), CHUNK):
            across = self.kernel.between(rows[start : start + CHUNK], self.rows)
            solved = solve_triangular(self.factor, across.T, lower=True, check_finite=False)
            yield self.centre + self.scale * (across @ self.weights), solved

    # -- judging ------------------------------------------------------------------------------------------------

    @property
    def shared_sd(self) -> float:
        """Typical standard deviation of the error that neighbouring trials have in common through their seeds."""
        return float(self.scale * np.sqrt((1 - self.kernel.noise_share) * np.median(self.noise)))

    def loo(self) -> LeaveOneOut:
        """Each trial predicted by the others, with the kernel as fitted. Source: Rasmussen & Williams (2006), 5.12."""
        precision = np.diag(cho_solve((self.factor, True), np.eye(len(self.rows)), check_finite=False))
        errors = self.weights / precision
        residuals = errors * np.sqrt(precision)
        drawn = (self.tail.draw_in(self.values) - self.centre) / self.scale
        total = float(np.sum((drawn - drawn.mean()) ** 2))
        return LeaveOneOut(
            r2=1 - float(np.sum(errors**2)) / total if total > 0 else 0.0,
            residuals=residuals,
            coverage=float(np.mean(np.abs(residuals) <= norm.ppf(0.95))),
        )


def expected_kernel(coordinates: Coordinates) -> PolicyKernel:
    """The kernel before any trial is known."""
    k = len(coordinates)
    lengths = np.full(k, LENGTH * np.sqrt(k))
    return PolicyKernel(tuple(int(s) for s in coordinates.sizes), lengths, AMPLITUDE, NUGGET, NOISE_SHARE)


def _climber(coordinates: Coordinates, steps: int, *, twice: bool) -> Callable[..., tuple[Floats, float]]:
    """An optimiser for scikit-learn: the likelihood with the priors; ``twice`` also from shorter lengths."""
    k = len(coordinates)
    middle = expected_kernel(coordinates).theta
    sd = np.concatenate([[AMPLITUDE_SD], np.full(k, LENGTH_SD), [NOISE_SHARE_SD, NUGGET_SD]])
    shorter = middle - np.concatenate([[0.0], np.full(k, LENGTH_SD), [0.0, 0.0]])

    def climb(
        objective: Callable[[Floats], tuple[float, Floats]], start: Floats, bounds: Floats
    ) -> tuple[Floats, float]:
        def penalised(theta: Floats) -> tuple[float, Floats]:
            value, slope = objective(theta)
            off = (theta - middle) / sd
            return value + float(off @ off) / 2, slope + off / sd

        options = {"maxiter": steps, "ftol": PRECISE}
        climbs = [
            minimize(penalised, s, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
            for s in ([start, shorter] if twice else [start])
        ]
        best = min(climbs, key=lambda c: float(c.fun))
        return best.x, float(best.fun)

    return climb


def _check(
    coordinates: Coordinates, rows: Floats, values: Floats, noise_variance: Floats, warm: Surrogate | None
) -> None:  # fmt: skip
    place = "surrogate"
    if rows.ndim != 2 or rows.shape[1] != len(coordinates) or not len(rows):
        raise StudyError(f"rows need {len(coordinates)} columns", place=place, value=rows.shape)
    if values.shape != (len(rows),) or noise_variance.shape != (len(rows),):
        shapes = (values.shape, noise_variance.shape)
        raise StudyError(f"{len(rows)} rows need as many values and variances", place=place, value=shapes)
    if not all(np.isfinite(a).all() for a in (rows, values, noise_variance)):
        raise StudyError("a number is not finite", place=place, cure="leave out the trials that failed")
    if (noise_variance < 0).any():
        raise StudyError("a variance is negative", place=place, value=float(noise_variance.min()))
    if warm is not None and warm.kernel.sizes != tuple(int(s) for s in coordinates.sizes):
        raise StudyError("the earlier fit is of another space", place=place, cure="start without it")
