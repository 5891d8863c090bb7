"""What mattered: importances from a design of their own, and what single changes do around the recommendation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.policy import Policy
from experiments.compare import Difference, difference
from experiments.results import paired
from experiments.searching.engine.engine import Engine, History
from experiments.searching.engine.surrogate import Surrogate
from experiments.searching.plan import SearchPlan
from experiments.searching.questions.importances import (
    Importances,
    Interaction,
    Map,
    Slice,
    best_change,
    importances,
    interactions,
    maps,
    slices,
    with_dummy,
)
from experiments.searching.replicates.lives import Lives, uplifts
from experiments.searching.space.coordinates import Coordinates
from experiments.searching.space.paths import Value

REPLICATES = 4  # of each policy of the design: many policies tell more about levers than many replicates; assumed
MOST_PAIRS = 2  # interactions that are drawn as maps
MOST_LEVERS = 6  # levers, the most important ones, among which interactions are looked for


@dataclass(frozen=True)
class Step:
    """A policy that differs from the status quo by one change or two, lived again on fresh seeds.

    Attributes
    ----------
    values : policy path to value, of all paths that levers set.
    moves : new value of each moved coordinate.
    """

    values: dict[str, Value]
    moves: dict[str, Any]
    uplift: Difference


@dataclass(frozen=True)
class Explanation:
    """What mattered.

    Attributes
    ----------
    importances : Sobol indices over the whole space, with the floor of a lever that does nothing.
    interactions : of the levers above the floor, largest first.
    slices, maps : through the recommended policy; predicted by the trials, in uplift per customer.
    single, pair : the best single change of the status quo and the best two; None where nothing promises a gain.
    policies, replicates : size of the design.
    """

    importances: Importances
    interactions: tuple[Interaction, ...]
    slices: tuple[Slice, ...]
    maps: tuple[Map, ...]
    single: Step | None
    pair: Step | None
    policies: int
    replicates: int


def explain(
    plan: SearchPlan, base: Policy, winner: Mapping[str, Any], engine: Engine, history: History, lives: Lives
) -> Explanation:
    """Live the design, and look around the recommended policy.

    Parameters
    ----------
    winner : coordinates of the recommended policy.
    history : the trials, whose surrogate tells slices, maps and single changes: it knows the winner's surroundings.
    """
    wide = Coordinates(with_dummy(plan.dimensions()))
    rows = wide.sobol(plan.design, plan.seed)
    ranked = _ranked(plan, base, wide, rows, lives)
    surrogate, space = engine.fit(history), engine.coordinates
    telling = [name for name in ranked.telling() if name in space.names][:MOST_LEVERS]
    found = interactions(surrogate, space, telling, seed=plan.seed) if len(telling) > 1 else ()
    here = space.row(winner)
    return Explanation(
        importances=ranked,
        interactions=found,
        slices=slices(surrogate, space, here),
        maps=maps(surrogate, space, here, [one.levers for one in found if one.share > 0][:MOST_PAIRS]),
        single=_step(plan, base, surrogate, space, lives, together=1),
        pair=_step(plan, base, surrogate, space, lives, together=2) if len(space) > 1 else None,
        policies=len(rows),
        replicates=REPLICATES,
    )


def _ranked(plan: SearchPlan, base: Policy, wide: Coordinates, rows: Any, lives: Lives) -> Importances:
    policies = [plan.policy(base, wide.params(row)) for row in rows]
    *lived, status_quo = lives.live([*policies, base], "design", REPLICATES)
    up = uplifts(lived, status_quo)
    return importances(wide, rows, up.mean(axis=1), up.var(axis=1, ddof=1) / up.shape[1], seed=plan.seed)


def _step(
    plan: SearchPlan, base: Policy, surrogate: Surrogate, space: Coordinates, lives: Lives, *, together: int
) -> Step | None:
    """The best so many changes of the status quo by the surrogate, measured on fresh seeds."""
    change = best_change(surrogate, space, space.row(plan.params_of(base)), together=together)
    policy = plan.policy(base, change.params)
    if not plan.changed(change.params, base):
        return None
    lived, status_quo = lives.live([policy, base], "final", plan.final_replicates)
    gain = difference("clv", paired(lived, status_quo, "clv"))
    return Step(plan.values(change.params, base), change.moves, gain)
