"""Proposals: from the finished trials to the next batch of policies, as a pure function.

A proposal depends on the plan's seed, its own number and the trials of earlier batches, never on who measures what
when. So a search gives the same trials for any number of processes, and an interrupted one goes on as if it had not
been.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from experiments.searching.engine.proposals import expected_improvement, local_moves, propose_gp
from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.space.coordinates import Coordinates, Dimension
from sim.errors import SpecError

Floats = NDArray[np.float64]
Method = Literal["gp", "tpe", "cma"]

STARTUP = 10  # trials before TPE learns, Optuna's default; the first trials of a search count
GP_MOST_COLUMNS = 20  # beyond it, or with more trials than GP_MOST_TRIALS, TPE keeps up at a fraction of the time
GP_MOST_TRIALS = 300
CMA_SIGMA = 0.25  # of each range: first step of CMA-ES, as its authors advise for an optimum somewhere within
FAR_SHARE = 0.125  # of a batch of any engine: policies far from all that were tried; assumed
APART_OF = 256  # policies among which the farthest are sought
SPARE = 0.002  # of the spread of a limited metric: on the very edge half of all proposals would miss by a hair
LOCAL_SHARE = 0.25  # of a batch of TPE or CMA-ES: single moves from the best policy so far

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True)
class History:
    """Finished trials in the order of their numbers.

    Attributes
    ----------
    params : coordinates by name.
    values : objective, to be maximised. Shape (n,).
    noise : variance of what fewer replicates add to it. Shape (n,).
    excess : limit to how far each trial lies beyond it, ≤ 0 within. Shape (n,) each.
    batches : batch of each trial; 0 for those that no engine proposed. Shape (n,).
    """

    params: tuple[dict[str, Any], ...]
    values: Floats
    noise: Floats
    excess: dict[str, Floats]
    batches: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.params)

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Whether each trial keeps all limits."""
        return np.all([e <= 0 for e in self.excess.values()], axis=0) if self.excess else np.ones(len(self), bool)

    def subset(self, rows: Sequence[int]) -> History:
        """These trials alone."""
        return History(
            params=tuple(self.params[i] for i in rows),
            values=self.values[list(rows)],
            noise=self.noise[list(rows)],
            excess={name: excess[list(rows)] for name, excess in self.excess.items()},
            batches=self.batches[list(rows)],
        )

    def best(self) -> int:
        """The best trial within the limits; without any, the one that is beyond them by least."""
        if self.feasible.any():
            return int(np.argmax(np.where(self.feasible, self.values, -np.inf)))
        return int(np.argmin(self.beyond()))

    def beyond(self) -> Floats:
        """How far each trial is beyond its limits, as a sum over limits in units of their spread; 0 within."""
        total = np.zeros(len(self))
        for excess in self.excess.values():
            total += np.maximum(excess, 0) / max(float(np.std(excess)), 1e-12)
        return total


@dataclass(frozen=True)
class Limits:
    """Surrogates of the excess over each limit."""

    surrogates: tuple[Surrogate, ...]

    def probability(self, rows: Floats) -> Floats:
        """Probability that policies keep all limits with something to spare, shape (n,)."""
        found = np.ones(len(rows))
        for surrogate in self.surrogates:
            found *= surrogate.probability_at_most(rows, -SPARE * float(surrogate.values.std()))
        return found


@dataclass
class Engine:
    """Proposes batches.

    Attributes
    ----------
    method : Gaussian process, TPE or CMA-ES.
    coordinates : the space.
    seed : root of all proposals.
    batch : policies of a whole batch; the last one may be cut short.
    improvement : expected improvement of the best proposal of the last batch, in units of the objective; infinite
        before a surrogate was fitted.
    """

    method: Method
    coordinates: Coordinates
    seed: int
    batch: int = 8
    improvement: float = float("inf")

    def propose(self, history: History, n: int, first: int) -> list[dict[str, Any]]:
        """Coordinates of ``n`` policies; ``first`` is the number of the first of these trials."""
        own, local, far = self._parts()
        if self.method == "gp":
            found = self._gp(history, own + local, first)
        else:
            found = self._cma(history, own) if self.method == "cma" else self._tpe(history, own, first)
            best = self.coordinates.row(history.params[history.best()])
            rows = local_moves(self.coordinates, best, local, _seed(self.seed, first, "local"))
            found += [self.coordinates.params(row) for row in rows]
        return (found + self._apart(history, far, first))[:n]

    def _parts(self) -> tuple[int, int, int]:
        """How many of a batch the engine proposes, how many are single moves from the best, how many far from all."""
        far = max(round(self.batch * FAR_SHARE), 1) if self.batch > 2 else 0
        local = round(self.batch * LOCAL_SHARE) if self.batch > 4 else 0
        return self.batch - far - local, local, far

    def _apart(self, history: History, n: int, first: int) -> list[dict[str, Any]]:
        """Policies as far as can be from all that were tried: a peak that stands alone is found by looking there."""
        tried = np.array([self.coordinates.row(p) for p in history.params])
        pool = self.coordinates.sobol(APART_OF, _seed(self.seed, first, "apart"))
        found = []
        for _ in range(n):
            gap = np.abs(pool[:, None, :] - tried[None, :, :])
            gap[..., self.coordinates.sizes > 0] = gap[..., self.coordinates.sizes > 0] > 0
            nearest = gap.sum(axis=2).min(axis=1)
            if nearest.max() <= 0:  # everything there is has been tried
                break
            row = pool[int(np.argmax(nearest))]
            tried = np.vstack([tried, row])
            found.append(self.coordinates.params(row))
        return found

    def fit(self, history: History) -> Surrogate:
        """The surrogate of the objective over the trials so far."""
        rows = np.array([self.coordinates.row(p) for p in history.params])
        return Surrogate.fit(self.coordinates, rows, history.values, history.noise)

    def expects(self, history: History, first: int) -> float:
        """Expected improvement that is left, judged by the surrogate over a spread of policies and the best's moves."""
        surrogate = self.fit(history)
        best = self.coordinates.row(history.params[history.best()])
        rows = np.vstack([
            self.coordinates.sobol(256, _seed(self.seed, first, "left")),
            local_moves(self.coordinates, best, 64, _seed(self.seed, first, "near")),
        ])  # fmt: skip
        mean, sd = surrogate.predict_drawn(rows)
        here = float(surrogate.predict_drawn(best[None])[0][0])
        self.improvement = float(np.max(expected_improvement(mean, sd, here)))
        return self.improvement

    # -- engines ------------------------------------------------------------------------------------------------

    def _gp(self, history: History, n: int, first: int) -> list[dict[str, Any]]:
        surrogate = self.fit(history)
        limits = self.fit_limits(history)
        found = propose_gp(
            surrogate, self.coordinates, surrogate.rows[history.best()], n, _seed(self.seed, first, "gp"),
            feasible_probability=limits.probability if limits else None,
        )  # fmt: skip
        self.improvement = float(found.gain[0]) if len(found.gain) else 0.0
        return [self.coordinates.params(row) for row in found.rows]

    def fit_limits(self, history: History) -> Limits | None:
        """Surrogates of how far policies are beyond each limit; None without limits."""
        if not history.excess:
            return None
        rows = np.array([self.coordinates.row(p) for p in history.params])
        none = np.zeros(len(history))
        return Limits(tuple(
            Surrogate.fit(self.coordinates, rows, excess, none, draw_in=False) for excess in history.excess.values()
        ))  # fmt: skip

    def _tpe(self, history: History, n: int, first: int) -> list[dict[str, Any]]:
        """Multivariate TPE in a study in memory, which is told what was found."""
        dimensions = self.coordinates.dimensions
        study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
        for number, params in enumerate(history.params):
            study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions={d.name: d.distribution for d in dimensions if d.name in params},
                    value=float(history.values[number]),
                    constraints={name: float(excess[number]) for name, excess in history.excess.items()} or None,
                )
            )
        found = []
        for number in range(first, first + n):
            study.sampler = optuna.samplers.TPESampler(
                seed=_seed(self.seed, number, "tpe"), n_startup_trials=STARTUP, multivariate=True,
                group=any(d.when for d in dimensions), constant_liar=True,
            )  # fmt: skip
            found.append(_suggested(study.ask(), dimensions))
        return found

    def _cma(self, history: History, n: int) -> list[dict[str, Any]]:
        """CMA-ES, replayed from its first generation, so that it needs no memory of its own."""
        from cmaes import CMA

        width = len(self.coordinates)
        own = np.flatnonzero(history.batches > 0)
        seeded = np.flatnonzero(history.batches == 0)
        start = self.coordinates.row(history.params[int(seeded[np.argmax(self._score(history)[seeded])])])
        optimizer = CMA(
            mean=start, sigma=CMA_SIGMA, bounds=np.tile([0.0, 1.0], (width, 1)), population_size=n,
            seed=_seed(self.seed, 0, "cma"),
        )  # fmt: skip
        score = self._score(history)
        for batch in np.unique(history.batches[own]):
            members = own[history.batches[own] == batch][:n]  # its own stand first in each batch
            asked = [optimizer.ask() for _ in range(optimizer.population_size)]
            if len(members) == optimizer.population_size:
                optimizer.tell([(x, -float(score[i])) for x, i in zip(asked, members, strict=True)])
        rows = np.clip(np.array([optimizer.ask() for _ in range(n)]), 0.0, 1.0)
        return [self.coordinates.params(row) for row in rows]

    def _score(self, history: History) -> Floats:
        """What a trial is worth to a method that knows no limits: beyond them, less than the worst within them."""
        worst = float(history.values.min())
        return np.where(history.feasible, history.values, worst - history.beyond())


def method_of(asked: str, coordinates: Coordinates, trials: int) -> Method:
    """The engine for a space and a number of trials.

    Raises
    ------
    SpecError
        Where CMA-ES is asked for and a lever is no number.
    """
    if asked == "cma":
        for name, size in zip(coordinates.names, coordinates.sizes, strict=True):
            if size:
                raise SpecError(
                    "CMA-ES moves numbers only", place=f"space: {name}", cure="take engine: auto, or drop this lever"
                )
        return "cma"
    if asked in ("gp", "tpe"):
        return "gp" if asked == "gp" else "tpe"
    width = int(np.maximum(coordinates.sizes, 1).sum())  # a category counts as many columns as it has choices
    return "gp" if width <= GP_MOST_COLUMNS and trials <= GP_MOST_TRIALS else "tpe"


def _seed(root: int, number: int, purpose: str) -> int:
    digest = hashlib.blake2b(f"{root}/{number}/{purpose}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


def _suggested(trial: optuna.Trial, dimensions: tuple[Dimension, ...]) -> dict[str, Any]:
    """Values for all active dimensions, those that others hang on first."""
    params: dict[str, Any] = {}
    left = list(dimensions)
    while left:
        for d in list(left):
            if d.when is None or d.when[0] in params:
                if d.when is None or params[d.when[0]] in d.when[1]:
                    params[d.name] = _suggest(trial, d)
                left.remove(d)
            elif d.when[0] not in {other.name for other in left}:  # what it hangs on is inactive itself
                left.remove(d)
    return params


def _suggest(trial: optuna.Trial, d: Dimension) -> Any:
    of = d.distribution
    if isinstance(of, IntDistribution):
        return trial.suggest_int(d.name, of.low, of.high, step=of.step, log=of.log)
    if isinstance(of, FloatDistribution):
        return trial.suggest_float(d.name, of.low, of.high, step=of.step, log=of.log)
    assert isinstance(of, CategoricalDistribution)  # Coordinates refuses all others
    return trial.suggest_categorical(d.name, of.choices)
