"""Levels on a rising grid are those of np.interp, bit by bit, however odd the grid."""

from __future__ import annotations

import numpy as np
import pytest

from agents.models.rising import Levels

GRIDS = {
    "smooth": np.concatenate([[0.0], np.exp(np.linspace(-3, 3, 999)), [40.0]]),
    "equal values": np.array([0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.5]),
    "rounded amounts": np.sort(np.round(np.linspace(0.2, 3, 200) ** 2, 1)),
    "one amount": np.array([1.0, 1.0]),
    "one step": np.array([0.0, 2.0]),
    "beyond the table": np.array([1e-200, 1e-5, 1.0, 5.0]),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_levels_are_those_of_linear_interpolation(grid: np.ndarray) -> None:
    between = np.linspace(0, 1.2 * grid[-1], 2000)
    beside = [np.nextafter(grid, np.inf), np.maximum(np.nextafter(grid, -1), 0)]
    values = np.concatenate([grid, *beside, between, [0.0, 1e-310, 1e300, np.inf]])
    assert np.array_equal(Levels(grid).of(values), np.interp(values, grid, np.linspace(0, 1, len(grid))))
