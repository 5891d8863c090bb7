"""Buy-till-you-die models by maximum likelihood: the classics that a forecast of customers is judged against.

Time is in weeks. A customer's record is the field's (x, t_x, T): repeat orders, time of the last of them and time
watched, both since the first order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from agents.models import sigmoid
from experiments.forecasting.order_days import NEVER, Floats, Ints, OrderDays

NODES, WEIGHTS = leggauss(48)  # of an integral over [-1, 1]; 32 give the same likelihood to eight digits
MOST_RECORDS = 20_000  # to fit on; of bigger logs an even subsample is used
WIDEST = 12.0  # bound of log parameters: a population without differences drives them to infinity
NEAR_ONE = 1e-6  # from a shape of one, where a closed form has a removable singularity


@dataclass(frozen=True)
class Records:
    """Records (x, t_x, T) of customers, each of shape (n,), in weeks."""

    x: Floats
    t_x: Floats
    T: Floats

    @classmethod
    def of(cls, orders: OrderDays) -> Records:
        """Records at the end of a stretch of days in which every customer has ordered."""
        first, last = orders.first_and_last()
        if (first == NEVER).any():
            raise ValueError("a customer without an order has no record")
        return cls((orders.orders() - 1).astype(np.float64), (last - first) / 7, (orders.days - 1 - first) / 7)

    def thinned(self) -> tuple[Records, Floats]:
        """Distinct records and how many customers have each, of an even subsample where there are very many."""
        step = -(-len(self.x) // MOST_RECORDS)
        found, n = np.unique(np.stack([self.x, self.t_x, self.T])[:, ::step], axis=1, return_counts=True)
        return Records(*found), n.astype(np.float64)


def maximise(log_likelihood: Callable[[Floats], float], n_parameters: int) -> tuple[Floats, float]:
    """Positive parameters that maximise a log-likelihood, searched on the log scale, and its value there."""

    def loss(log_parameters: Floats) -> float:
        value = log_likelihood(np.exp(log_parameters))
        return -value if np.isfinite(value) else 1e12

    bounds = [(-WIDEST, WIDEST)] * n_parameters
    starts = (np.zeros(n_parameters), np.resize([-0.5, 2.0], n_parameters))
    best = min((minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts), key=lambda r: r.fun)
    best = minimize(
        loss, best.x, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-5, "maxiter": 400 * n_parameters}
    )
    return np.exp(best.x), -float(best.fun)


@dataclass(frozen=True)
class ParetoNbd:
    """Pareto/NBD: Poisson orders at a Gamma(r, alpha) rate over a lifetime with a Gamma(s, beta) hazard.

    Source: Schmittlein, Morrison & Colombo (1987). The likelihood is written as the chance of the silence since the
    last order; its one integral is done by quadrature, which has none of the cancellation of the two hypergeometric
    functions of the closed form (Fader & Hardie 2005).
    """

    r: float
    alpha: float
    s: float
    beta: float

    @classmethod
    def fit(cls, records: Records) -> Self:
        """Maximum likelihood."""
        distinct, n = records.thinned()
        parameters, _ = maximise(lambda p: float(n @ cls(*p).log_likelihoods(distinct)), 4)
        return cls(*(float(p) for p in parameters))

    def silence(self, shape: Floats, a: Floats, b: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Logs of P(no order within t, alive at its end) and P(no order within t, not alive), given alive at the start.

        The rate of ordering is then Gamma(shape, a), the hazard of dying Gamma(s, b). Shape (n,) each.
        """
        alive = shape * np.log(a / (a + t)) + self.s * np.log(b / (b + t))
        # The integral over the time of death, in log(a + time): there the integrand falls at an even pace.
        span = np.log1p(t / a)[:, None]
        place = span * (NODES + 1) / 2
        time = a[:, None] * np.expm1(place)
        log_density = (
            np.log(self.s) + self.s * np.log(b)[:, None] - (self.s + 1) * np.log(b[:, None] + time)
            - shape[:, None] * place + np.log(a[:, None]) + place
        )  # fmt: skip
        with np.errstate(divide="ignore"):
            dead = np.log((np.exp(log_density) * (WEIGHTS * span / 2)).sum(axis=1))
        return alive, dead

    def _now(self, records: Records, at: Floats) -> tuple[Floats, Floats, Floats]:
        """Shape and scales of the two rates of somebody known to be alive at a time."""
        return self.r + records.x, self.alpha + at, self.beta + at

    def log_likelihoods(self, records: Records) -> Floats:
        """Log-likelihood of each record, shape (n,)."""
        shape, a, b = self._now(records, records.t_x)
        seen = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        seen -= shape * np.log(a) + self.s * np.log(b)
        return np.asarray(seen + np.logaddexp(*self.silence(shape, a, b, records.T - records.t_x)))

    def alive(self, records: Records) -> Floats:
        """P(alive at T | record), shape (n,)."""
        shape, a, b = self._now(records, records.t_x)
        alive, dead = self.silence(shape, a, b, records.T - records.t_x)
        return sigmoid(alive - dead)

    def expected(self, records: Records, t: float) -> Floats:
        """E[orders in the t weeks after T | record], shape (n,). Source: SMC (1987), eq. 22."""
        shape, a, b = self._now(records, records.T)
        longer, excess = (b + t) / b, self.s - 1
        lived = b * np.log(longer) if abs(excess) < NEAR_ONE else -b / excess * np.expm1(-excess * np.log(longer))
        return np.asarray(self.alive(records) * shape / a * lived)

    def p_any(self, records: Records, t: float) -> Floats:
        """P(any order in the t weeks after T | record), shape (n,)."""
        none = np.logaddexp(*self.silence(*self._now(records, records.T), np.full(len(records.x), t)))
        return np.asarray(self.alive(records) * -np.expm1(none))

    def drawn(self, records: Records, t: float, rng: np.random.Generator) -> Ints:
        """Orders in the t weeks after T, drawn from the model given the record, shape (n,).

        Of somebody alive at T the rate is Gamma(r + x, alpha + T) and the hazard of dying Gamma(s, beta + T).
        """
        n = len(records.x)
        rate = rng.gamma(self.r + records.x) / (self.alpha + records.T)
        dying = np.maximum(rng.gamma(self.s, size=n) / (self.beta + records.T), np.finfo(np.float64).tiny)
        lived = np.minimum(rng.exponential(size=n), t * dying) / dying
        return rng.poisson(rate * lived) * (rng.random(n) < self.alive(records))


@dataclass(frozen=True)
class BgNbd:
    """BG/NBD: Poisson orders at a Gamma(r, alpha) rate; after each, dropout with a Beta(a, b) chance.

    Source: Fader, Hardie & Lee (2005).
    """

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, records: Records) -> Self:
        """Maximum likelihood."""
        distinct, n = records.thinned()
        parameters, _ = maximise(lambda p: float(n @ cls(*p).log_likelihoods(distinct)), 4)
        return cls(*(float(p) for p in parameters))

    def _log_odds_of_dropout(self, records: Records) -> Floats:
        """Log odds of having dropped out against being alive at T; minus infinity before any repeat order."""
        repeats = np.maximum(records.x, 1.0)
        longer = (self.alpha + records.T) / (self.alpha + records.t_x)
        odds = np.log(self.a) - np.log(self.b + repeats - 1) + (self.r + records.x) * np.log(longer)
        return np.where(records.x > 0, odds, -np.inf)

    def log_likelihoods(self, records: Records) -> Floats:
        """Log-likelihood of each record, shape (n,). Source: Fader, Hardie & Lee (2005), eq. 6."""
        x, r = records.x, self.r
        seen = gammaln(r + x) - gammaln(r) + r * np.log(self.alpha) - (r + x) * np.log(self.alpha + records.T)
        stays = betaln(self.a, self.b + x) - betaln(self.a, self.b)
        return np.asarray(seen + stays + np.logaddexp(0.0, self._log_odds_of_dropout(records)))

    def alive(self, records: Records) -> Floats:
        """P(alive at T | record), shape (n,)."""
        return sigmoid(-self._log_odds_of_dropout(records))

    def expected(self, records: Records, t: float) -> Floats:
        """E[orders in the t weeks after T | record], shape (n,). Source: Fader, Hardie & Lee (2005), eq. 10."""
        r, b, past = self.r + records.x, self.b + records.x, self.alpha + records.T
        a = self.a if abs(self.a - 1) > NEAR_ONE else 1 + NEAR_ONE
        mixed = (past / (past + t)) ** r * hyp2f1(r, b, a + b - 1, t / (past + t))
        return np.asarray(self.alive(records) * (a + b - 1) / (a - 1) * (1 - mixed))

    def p_any(self, records: Records, t: float) -> Floats:
        """P(any order in the t weeks after T | record), shape (n,)."""
        past = self.alpha + records.T
        return np.asarray(self.alive(records) * -np.expm1((self.r + records.x) * np.log(past / (past + t))))


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-Gamma spend: a customer's order values are Gamma(p, nu), and nu is Gamma(q, v) between customers.

    Source: Fader, Hardie & Lee (2005b), "RFM and CLV"; Fader & Hardie (2013).
    """

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, x: Floats, mean: Floats) -> Self:
        """Maximum likelihood from numbers of orders and their mean values, customers with both above zero."""
        seen = (x > 0) & (mean > 0)
        x, mean = x[seen], mean[seen]
        unit = float(mean.mean())  # so that all parameters are of the order of one
        (p, q, v), _ = maximise(lambda w: float(cls(*w).log_likelihoods(x, mean / unit).sum()), 3)
        return cls(float(p), float(q), float(v) * unit)

    def log_likelihoods(self, x: Floats, mean: Floats) -> Floats:
        """Log-likelihood of each mean value, shape (n,)."""
        px = self.p * x
        shapes = gammaln(px + self.q) - gammaln(px) - gammaln(self.q)
        return np.asarray(
            shapes + self.q * np.log(self.v) + (px - 1) * np.log(mean) + px * np.log(x)
            - (px + self.q) * np.log(self.v + x * mean)
        )  # fmt: skip

    def expected(self, x: Floats, mean: Floats) -> Floats:
        """Expected order value given so many orders of this mean value, shape (n,); the population's for none."""
        return np.asarray(self.p * (self.v + x * mean) / np.maximum(self.p * x + self.q - 1, NEAR_ONE))
