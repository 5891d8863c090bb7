"""How alike two policies are: Matérn-5/2 over numbers and choices, one length for each dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

Floats = NDArray[np.float64]


class PolicyKernel(Kernel):
    """Covariance of the values of policies, with the noise of their measurement on the diagonal.

    ``amplitude · Matérn-5/2(r)``, where r² sums ``(difference / length)²`` over the dimensions; two different choices
    of a category differ by 1, which is one-hot coding with one length for all choices. On the diagonal of a covariance
    with itself stand ``nugget + noise_share · known noise variance``.

    Rows are coordinates followed by one more column, the known noise variance of the measurement.

    The share exists because trials share their seeds: errors common to neighbours are part of the surface that trials
    see, and only the rest of the known variance is noise between them.

    Parameters
    ----------
    sizes : number of choices of each dimension, 0 for numbers.
    lengths : of each dimension. Shape (k,).
    """

    def __init__(
        self, sizes: tuple[int, ...], lengths: Any = 1.0, amplitude: float = 1.0, nugget: float = 1e-2,
        noise_share: float = 0.5,
    ) -> None:  # fmt: skip
        self.sizes = sizes
        self.lengths = lengths
        self.amplitude = amplitude
        self.nugget = nugget
        self.noise_share = noise_share
        self._held: tuple[Floats, Floats, Floats] | None = None

    # scikit-learn orders theta by these names.
    @property
    def hyperparameter_amplitude(self) -> Hyperparameter:
        return Hyperparameter("amplitude", "numeric", (1e-3, 1e3))

    @property
    def hyperparameter_lengths(self) -> Hyperparameter:
        return Hyperparameter("lengths", "numeric", (0.02, 100.0), len(self.sizes))

    @property
    def hyperparameter_noise_share(self) -> Hyperparameter:
        return Hyperparameter("noise_share", "numeric", (1e-3, 1.0))

    @property
    def hyperparameter_nugget(self) -> Hyperparameter:
        return Hyperparameter("nugget", "numeric", (1e-6, 2.0))

    def __call__(self, X: Floats, Y: Floats | None = None, eval_gradient: bool = False) -> Any:
        if Y is not None:
            return self.between(X[:, :-1], Y[:, :-1])
        decay, slope = self._decay(self._squared(X[:, :-1], X[:, :-1]))
        K = self.amplitude * decay
        K.flat[:: len(X) + 1] += self.nugget + self.noise_share * X[:, -1]
        if not eval_gradient:
            return K
        k = len(self.sizes)
        apart, gradient = self._workspace(X)
        np.multiply(decay, self.amplitude, out=gradient[0])
        slope *= 2 * self.amplitude
        for d, length in enumerate(np.atleast_1d(self.lengths)):
            np.multiply(slope / length**2, apart[d], out=gradient[1 + d])
        np.einsum("ii->i", gradient[1 + k])[:] = self.noise_share * X[:, -1]
        np.einsum("ii->i", gradient[2 + k])[:] = self.nugget
        return K, np.moveaxis(gradient, 0, -1)

    def _workspace(self, X: Floats) -> tuple[Floats, Floats]:
        """Squared differences by dimension, and room for the gradient; kept while the rows are the same array.

        At 300 rows and 20 dimensions, allocating them anew takes most of the time of a fit.
        """
        if self._held is None or self._held[0] is not X:
            k = len(self.sizes)
            apart = np.empty((k, len(X), len(X)))
            for d, size in enumerate(self.sizes):
                np.subtract.outer(X[:, d], X[:, d], out=apart[d])
                apart[d] = apart[d] != 0 if size else apart[d] ** 2
            self._held = (X, apart, np.zeros((3 + k, len(X), len(X))))
        return self._held[1:]

    def between(self, rows: Floats, others: Floats) -> Floats:
        """Covariance of the values themselves, without noise. Shape (n, m)."""
        return np.asarray(self.amplitude * self._decay(self._squared(rows, others))[0])

    def slope(self, row: Floats, others: Floats) -> Floats:
        """Derivative of the covariance of one row with others by the row's numbers; 0 for categories. Shape (m, k)."""
        _, slope = self._decay(self._squared(row[None], others))
        apart = np.where(np.array(self.sizes) > 0, 0.0, row - others)
        return np.asarray(-2 * self.amplitude * slope[0][:, None] * apart / np.square(np.atleast_1d(self.lengths)))

    def diag(self, X: Floats) -> Floats:
        return np.full(len(X), self.amplitude)

    def _check_bounds_params(self) -> None:
        """A length at its bound is a lever that does nothing, which is no reason to warn."""

    def is_stationary(self) -> bool:
        return False

    def _squared(self, rows: Floats, others: Floats) -> Floats:
        return np.asarray(cdist(self._coded(rows), self._coded(others), "sqeuclidean"))

    def _coded(self, rows: Floats) -> Floats:
        """Numbers over their lengths and one-hot choices, two of which are 1 / length apart."""
        columns: list[Floats] = []
        for d, (size, length) in enumerate(zip(self.sizes, np.atleast_1d(self.lengths), strict=True)):
            if size:
                columns.append((rows[:, d, None] == np.arange(size)) / (length * np.sqrt(2)))
            else:
                columns.append(rows[:, d, None] / length)
        return np.hstack(columns)

    @staticmethod
    def _decay(squared: Floats) -> tuple[Floats, Floats]:
        """Matérn-5/2 at a squared distance, and minus its derivative by it."""
        root = np.sqrt(5 * squared)
        fall = np.exp(-root)
        return (1 + root + root**2 / 3) * fall, 5 / 6 * (1 + root) * fall
