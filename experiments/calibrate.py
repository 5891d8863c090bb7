"""Calibrate: fit the scenario's values that no model learns to facts about the real brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.calibrating.checks import (
    FactCheck,
    Marginal,
    check_facts,
    check_marginals,
    unreachable,
)
from experiments.calibrating.ensemble import LISTED, Checked, Ensemble, Fitted, basis_of
from experiments.calibrating.fit import Fit, Posterior
from experiments.calibrating.kernel import Kernel
from experiments.calibrating.space import Space
from experiments.calibrating.targets import Statistic, Targets, check_targets, measured, place, statistics
from experiments.experiment import Experiment
from experiments.ground import Ground, prepare
from experiments.listener import Listener, Silence
from experiments.load import load, open_document, shipped
from experiments.run import Task, Workers, seeds_for
from experiments.searching.replicates.cache import Cache, Replicates
from sim.errors import SiyuError, SpecError
from sim.spec import Document

Floats = NDArray[np.float64]

FEWEST = 10.0  # equally likely sets below which an answer is called thin; assumed


@dataclass(frozen=True)
class Calibration:
    """What a calibration found.

    Attributes
    ----------
    ensemble : the accepted parameter sets, as a document.
    posterior : everything that was lived, with its weights.
    space : the free values; its paths are the columns of ``posterior.points``.
    facts, marginals : posterior predictive check of each figure; what the facts tell of each value.
    notes : what the world stands on, in sentences.
    simulated, reused : replicates lived, and read from an earlier run in the same folder.
    """

    title: str
    ensemble: Ensemble
    posterior: Posterior
    space: Space
    facts: tuple[FactCheck, ...]
    marginals: tuple[Marginal, ...]
    notes: tuple[str, ...]
    simulated: int
    reused: int

    @property
    def thin(self) -> bool:
        """Whether the accepted sets are worth too few to tell a posterior."""
        return self.ensemble.worth < FEWEST


def calibrate(
    world: str, targets: str | Path, *, out: Path, processes: int | None = None, listener: Listener | None = None
) -> Calibration:
    """Parameter sets of a scenario that show the target facts, with their weights.

    Parameters
    ----------
    world : an experiment or a scenario: a shipped name, or a path.
    targets : the document of facts and free values: a shipped name, or a path.
    out : folder in which replicates are kept, so that the same call goes on where it was stopped.
    processes : None takes all cores; the result is the same for any number.

    Raises
    ------
    SpecError, DataError
        With file and line, for what is wrong with a document, a fact that no parameter set comes near, and facts that
        no set shows together.
    """
    hear = listener or Silence()
    document, _ = open_document(targets, "targets")
    wanted: Targets = load(targets, "targets")
    ground = prepare(_question(world, wanted, document), hear)
    if ground.logs is not None:
        from experiments.calibrating.logged import with_logged_figures

        wanted = with_logged_figures(wanted, ground, document)
    days = check_targets(wanted, ground.scenario, document, learned=ground.learned is not None)
    out.mkdir(parents=True, exist_ok=True)
    base = ground.scenario.model_copy(update={"horizon_days": days})
    with Workers([base], ground.learned, processes) as pool, Cache(out) as kept:
        lived = Lived(wanted, ground.scenario, base, ground.status_quo, Replicates(pool, kept, folder=out), hear)
        return fitted(wanted, ground, lived, document, hear)


def fitted(targets: Targets, ground: Ground, lived: Lived, document: Document, hear: Listener) -> Calibration:
    """The same for documents that are read already."""
    facts = statistics(targets)
    observed, sd = np.array([f.observed for f in facts]), np.array([f.sd for f in facts])
    look = partial(_refuse_unreachable, facts, lived.space, document)
    fit = Fit(observed, sd, lived, lived.space.cover, targets.effort, targets.seed, hear, look)
    posterior = fit.run()
    if not len(posterior.accepted):
        raise _nothing_accepted(posterior, facts, document)
    checks, marginals = check_facts(posterior, facts, targets.seed), check_marginals(posterior, lived.space)
    return Calibration(
        targets.title,
        _ensemble(targets, ground, posterior, lived.space, checks, marginals),
        posterior, lived.space, checks, marginals, ground.notes, lived.runner.simulated, lived.runner.reused,
    )  # fmt: skip


class Lived:
    """What parameter sets come to in the world, replicate by replicate.

    Parameters
    ----------
    whole, base : the scenario, and the same with no more days than the facts need.
    """

    def __init__(
        self, targets: Targets, whole: Scenario, base: Scenario, policy: Policy, runner: Replicates, hear: Listener
    ) -> None:
        self.targets, self.whole, self.base, self.policy = targets, whole, base, policy
        self.runner, self.hear, self.space = runner, hear, Space.of(targets.free)

    def shared(self, points: Floats) -> Floats:
        """Mean over the replicates on shared seeds. Shape (sets, statistics)."""
        n = self.targets.effort.replicates
        seeds = seeds_for("calibration", n, self.targets.seed)
        figures = self._live([(point, seed) for point in points for seed in seeds], n)
        return np.asarray(figures.reshape(len(points), n, -1).mean(axis=1))

    def fresh(self, points: Floats, first: int) -> Floats:
        """One replicate of each on a seed of its own. Shape (sets, statistics)."""
        seeds = seeds_for("calibration noise", first + len(points), self.targets.seed)[first:]
        return self._live(list(zip(points, seeds, strict=True)), 1)

    def _live(self, wanted: Sequence[tuple[Floats, int]], each: int) -> Floats:
        """Figures of replicates; ``each`` neighbours are the same set, whose scenario is made once."""
        tasks: list[Task] = []
        for number, (point, seed) in enumerate(wanted):
            scenario = tasks[-1].scenario if number % each else self.space.scenario(self.base, point)
            tasks.append(Task(self.policy, seed, scenario))
        found: list[Any] = [None] * len(tasks)
        for done, (index, outcome) in enumerate(self.runner.as_done(tasks), start=1):
            found[index] = measured(self.targets, outcome, self.whole)
            self.hear.step(done // each)
        return np.array(found)


# -- documents --------------------------------------------------------------------------------------------------------


def _question(world: str, targets: Targets, document: Document) -> Experiment:
    """The experiment that is named, or one about the scenario that is named."""
    name = next((full for kind in ("experiment", "scenario") if (full := f"{kind}/{world}") in shipped()), world)
    kind = open_document(name)[1]
    if kind == "experiment":
        design: Experiment = load(name, "experiment")
        return design.model_copy(update={"search": None, "policy": targets.policy or design.policy})
    if kind != "scenario":
        raise SpecError(
            f"an experiment or a scenario is needed here, and '{world}' is a {kind}", cure="give another name or path"
        )
    if targets.policy is None:
        raise SpecError(
            "a scenario does not say what the operator did while the facts were measured",
            place=document.name, cure="add `policy: NAME or path`, or calibrate an experiment",
        )  # fmt: skip
    return Experiment(title=targets.title, scenario=name, policy=targets.policy)


def _ensemble(
    targets: Targets, ground: Ground, posterior: Posterior, space: Space, checks: Sequence[FactCheck],
    marginals: Sequence[Marginal],
) -> Ensemble:  # fmt: skip
    top = float(posterior.weights.max())
    kept = np.flatnonzero(posterior.weights > LISTED * top)
    weights = posterior.weights[kept] / posterior.weights[kept].sum()
    values = [{path: _short(value) for path, value in space.values(point).items()} for point in posterior.points[kept]]
    return Ensemble(
        title=targets.title,
        basis=basis_of(ground.scenario, space.paths),
        worth=float(1 / (weights**2).sum()),
        interrupted=posterior.interrupted,
        facts={
            c.name: Checked(
                observed=c.observed, tolerance=c.sd, low=_short(c.low), median=_short(c.median), high=_short(c.high),
                fits=c.fits,
            )
            for c in checks
        },
        free={
            m.path: Fitted(low=span.low, high=span.high, log=span.log, told=m.told, sets=[v[m.path] for v in values])
            for m, span in zip(marginals, space.spans, strict=True)
        },
        weights=[_short(weight) for weight in weights.tolist()],
    )  # fmt: skip


def _short(value: float) -> float:
    """Six digits: more than any fact can tell."""
    return float(f"{value:.6g}")


# -- what cannot be shown ---------------------------------------------------------------------------------------------


def _refuse_unreachable(
    facts: Sequence[Statistic], space: Space, document: Document, kernel: Kernel, points: Floats, figures: Floats
) -> None:
    """Raise SpecError for each fact that no set of the first batch comes near."""
    errors = []
    for number, nearest in unreachable(kernel, figures):
        fact, miss = facts[number], float(kernel.mean(figures[nearest])[number])
        shown = ", ".join(f"{path} = {value:.4g}" for path, value in space.values(points[nearest]).items())
        errors.append(
            SpecError(
                f"no parameter set of {len(points)} comes near {fact.observed:.4g} ± {fact.sd:.2g} in '{fact.name}'; "
                f"the nearest miss is {miss:.4g}, with {shown}",
                place=place(document, "facts", fact.fact),
                cure="widen the spans, free another value, widen the tolerance, or check the figure's unit",
            )
        )
    if errors:
        raise _together(errors)


def _nothing_accepted(posterior: Posterior, facts: Sequence[Statistic], document: Document) -> SiyuError:
    """Each fact can be shown alone, and no set shows all."""
    nearest = int(np.argmin(posterior.squared))
    off = posterior.kernel.off(posterior.figures[nearest : nearest + 1])[0]
    worst = np.argsort(-np.abs(off))[:3]
    shown = ", ".join(f"'{facts[j].name}' by {off[j]:+.1f} sd" for j in worst)
    return SpecError(
        f"none of {len(posterior.points)} parameter sets shows all facts together; the nearest misses {shown}",
        place=place(document, "facts", facts[int(worst[0])].fact),
        cure="free another value, widen spans or tolerances, or drop the fact that contradicts the others",
    )


def _together(errors: Sequence[SpecError]) -> SpecError:
    if len(errors) == 1:
        return errors[0]
    return SpecError("\n  ".join([f"{len(errors)} facts cannot be shown:", *map(str, errors)]))
