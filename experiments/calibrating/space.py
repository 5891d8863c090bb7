"""Space: the free values as a cube, on which every point is as plausible as any other before facts are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from agents.scenario import Scenario
from experiments.searching.worlds import Span, scenario_with
from sim.errors import SpecError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """Free values of a scenario.

    Attributes
    ----------
    paths, spans : of the values, in alphabetical order of the paths.
    """

    paths: tuple[str, ...]
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, free: Mapping[str, Span]) -> Space:
        """The space of these spans by path; their order does not matter."""
        paths = tuple(sorted(free))
        return cls(paths, tuple(free[path] for path in paths))

    def values(self, point: Floats) -> dict[str, float]:
        """Values by path at a point of the cube. ``point`` has shape (paths,)."""
        return {path: span.at(float(u)) for path, span, u in zip(self.paths, self.spans, point, strict=True)}

    def scenario(self, base: Scenario, point: Floats) -> Scenario:
        """The scenario with the values of a point. Raises SpecError when it refuses what it allows one by one."""
        values = self.values(point)
        try:
            return scenario_with(base, values)
        except SpecError as error:
            shown = ", ".join(f"{path} = {value:.4g}" for path, value in values.items())
            raise SpecError(
                f"the scenario refuses values that it allows one by one: {error}", place=f"free: {shown}",
                cure="narrow the spans, or leave one of them out",
            ) from None  # fmt: skip

    def cover(self, n: int, seed: int) -> Floats:
        """Points of a Latin hypercube. Shape (n, paths)."""
        return np.asarray(qmc.LatinHypercube(d=len(self.paths), seed=seed).random(n), dtype=np.float64)
