"""What mattered, as data on disk: importances with their floor, slices, maps, the best single change and pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.compare import Difference
from experiments.searching.questions.importances import DUMMY, Importance, Interaction
from sim.spec import Spec

if TYPE_CHECKING:
    from experiments.searching.questions.explain import Explanation
    from experiments.searching.questions.importances import Map, Slice


class Cut(Spec):
    """Uplift along one lever with all others as in the recommended policy, which has ``here``; 90 % band."""

    lever: str
    here: Any
    values: tuple[Any, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Chart(Spec):
    """Uplift over two levers, all others as in the recommended policy: rows of values of the first, 90 % band."""

    levers: tuple[str, str]
    here: tuple[Any, Any]
    values: tuple[tuple[Any, ...], tuple[Any, ...]]
    mean: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]


class Step(Spec):
    """Some changes from the status quo alone, lived again on fresh seeds: values of the policy and their uplift."""

    values: dict[str, Any]
    uplift: Difference


class Causes(Spec):
    """What mattered, from a design of its own.

    ``importances`` are without the dummy, whose upper end is ``floor``; ``r2`` is the share of the design's variation
    that the surrogate predicts, each policy by the others.
    """

    importances: tuple[Importance, ...]
    floor: float
    r2: float
    interactions: tuple[Interaction, ...]
    cuts: tuple[Cut, ...]
    charts: tuple[Chart, ...]
    single: Step | None
    pair: Step | None
    policies: int
    replicates: int


def causes_of(found: Explanation | None) -> Causes | None:
    """What an explanation holds, without its arrays."""
    if found is None:
        return None
    ranked = found.importances
    return Causes(
        importances=tuple(one for one in ranked.levers if one.lever != DUMMY),
        floor=ranked.floor,
        r2=ranked.r2,
        interactions=found.interactions,
        cuts=tuple(_cut(one) for one in found.slices),
        charts=tuple(_chart(one) for one in found.maps),
        single=Step(values=found.single.values, uplift=found.single.uplift) if found.single else None,
        pair=Step(values=found.pair.values, uplift=found.pair.uplift) if found.pair else None,
        policies=found.policies,
        replicates=found.replicates,
    )


def _cut(found: Slice) -> Cut:
    return Cut(
        lever=found.lever, here=found.here, values=found.values,
        **{name: tuple(getattr(found, name).tolist()) for name in ("mean", "low", "high")},
    )  # fmt: skip


def _chart(found: Map) -> Chart:
    return Chart(
        levers=found.levers, here=found.here, values=found.values,
        **{name: tuple(map(tuple, getattr(found, name).tolist())) for name in ("mean", "low", "high")},
    )  # fmt: skip
