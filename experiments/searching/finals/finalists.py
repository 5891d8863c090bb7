"""Finalists: which policies of a search are judged again, and simpler versions of the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import DO_NOTHING, Policy
from experiments.searching.engine.engine import Engine, History
from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.plan import SearchPlan
from experiments.searching.space.paths import Value

Floats = NDArray[np.float64]

STATUS_QUO = "status quo"
NOTHING = "do nothing"
CAREFUL = 0.5  # standard errors that a simpler version may be expected to lose; assumed
BOLD = 2.0  # the same for the simplest version; the judgement tells whether it was too bold
SAME = 0.01  # of every range: nearer to each other than this, policies are one finalist; assumed
POSSIBLE = 0.2  # chance of keeping the limits from which a policy beyond them by its trial's luck is judged again


@dataclass(frozen=True)
class Nominee:
    """A policy to be judged.

    Attributes
    ----------
    label : ``trial 17``, ``trial 17, simpler``, ``status quo``.
    params : coordinates; None for what lies outside the space, such as doing nothing.
    values : policy path to value, where the space has it.
    claimed : what the search expects of it, in units of the objective.
    changes : levers that it sets differently from the status quo.
    """

    label: str
    policy: Policy
    params: dict[str, Any] | None
    values: dict[str, Value]
    claimed: float
    changes: int


def nominate(
    plan: SearchPlan, base: Policy, labels: Sequence[str], history: History, engine: Engine, error: float
) -> list[Nominee]:
    """The best trials by the surrogate's mean, simpler versions of the first, the status quo and doing nothing.

    The surrogate's mean borrows from a trial's neighbours, so a trial that was merely lucky falls back.

    Parameters
    ----------
    labels : of the trials; a trial without one is named by its number.
    error : standard error of the best trial's uplift.
    """
    surrogate = engine.fit(history)
    limits = engine.fit_limits(history)
    possible = history.feasible
    if limits is not None:
        possible = possible | (limits.probability(surrogate.rows) > POSSIBLE)
    mean = surrogate.predict(surrogate.rows)[0]
    order = [int(i) for i in np.lexsort((np.arange(len(mean)), -mean)) if possible[i]]
    found: dict[str, Nominee] = {}
    here, rows = plan.params_of(base), list[Floats]()
    for i in order:
        if len(found) >= plan.finalists:
            break
        params = history.params[i]
        label = labels[i] or f"trial {i}"
        if plan.changed(params, base) and not _near(surrogate.rows[i], rows):
            rows.append(surrogate.rows[i])
            found.setdefault(str(plan.values(params, base)), _nominee(plan, base, label, params, float(mean[i])))
    if found:
        leader = next(iter(found.values()))
        for suffix, loss in (("simpler", CAREFUL * error), ("simplest", BOLD * error)):
            params = simplified(plan, base, leader.params or {}, here, surrogate, engine, loss)
            if plan.changed(params, base):
                expected = float(surrogate.predict(engine.coordinates.row(params)[None])[0][0])
                label = f"{leader.label}, {suffix}"
                found.setdefault(str(plan.values(params, base)), _nominee(plan, base, label, params, expected))
    at_base = float(surrogate.predict(engine.coordinates.row(here)[None])[0][0])
    nominees = list(found.values())
    nominees.append(Nominee(STATUS_QUO, base, here, plan.values(here, base), at_base, 0))
    if base.actions:
        nominees.append(Nominee(NOTHING, DO_NOTHING, None, {}, float("nan"), len(plan.space) + len(base.actions)))
    return nominees


def _near(row: Floats, others: list[Floats]) -> bool:
    """Whether nobody could tell a policy from one that is nominated already."""
    return any(float(np.abs(row - other).max()) < SAME for other in others)


def _nominee(plan: SearchPlan, base: Policy, label: str, params: dict[str, Any], claimed: float) -> Nominee:
    policy = plan.policy(base, params, title=label)
    return Nominee(label, policy, params, plan.values(params, base), claimed, len(plan.changed(params, base)))


def simplified(
    plan: SearchPlan, base: Policy, params: Mapping[str, Any], here: Mapping[str, Any], surrogate: Surrogate,
    engine: Engine, loss: float,
) -> dict[str, Any]:  # fmt: skip
    """A policy with as many levers back at the status quo as the surrogate expects to cost no more than ``loss``.

    Levers go back one at a time, always the one that is missed least.
    """
    coordinates, start = engine.coordinates, engine.coordinates.row(params)
    own = {path: [d.name for d in lever.dimensions(path)] for path, lever in plan.space.items()}
    best = dict(params)
    while True:
        moved = plan.changed(best, base)
        if not moved:
            return best
        # What a lever that goes back switches on stands as the status quo has it.
        backs = [{**here, **best, **{name: here[name] for name in own[path]}} for path in moved]
        options = np.array([coordinates.row(back) for back in backs])
        gain = surrogate.difference(options, start)[0]
        least_missed = int(np.argmax(gain))
        if -gain[least_missed] > loss:
            return best
        # Values as they were written: on a logarithmic scale 10 comes back from its coordinate as 10.000000000000002,
        # and a lever that never gets home would be put back for ever.
        best = {name: backs[least_missed][name] for name in coordinates.params(options[least_missed])}
