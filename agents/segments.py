"""Segments: dimensions such as region or age band by which customers are told apart, and in what their classes differ.

A customer's classes of all dimensions are one number, the *cell*, so that one column holds them whatever their number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat

from sim.columns import Columns, column
from sim.spec import Spec, parameter

if TYPE_CHECKING:
    from sim.draws import Draws, Keys

Floats = NDArray[np.float64]
Ints = NDArray[np.int16]

MOST_CELLS = 1_000  # of all dimensions together: beyond it hardly anybody shares a cell
OTHER = "other"  # the class of those whose logged class the scenario does not name
SHIFTED = ("rate", "basket", "price_sensitivity", "tolerance", "interest", "sociability")


class SegmentClass(Spec):
    """One class of a dimension, and by what its members differ from others."""

    share: PositiveFloat = parameter(1.0, doc="share of the customers, in any unit")
    rate: float = parameter(0.0, ge=-5, le=5, doc="shift of the log-odds of ordering")
    basket: float = parameter(0.0, ge=-3, le=3, doc="shift of log basket value")
    price_sensitivity: float = parameter(0.0, ge=-3, le=3, doc="shift of log price sensitivity")
    tolerance: float = parameter(0.0, ge=-3, le=3, doc="shift of log tolerance of messages")
    interest: float = parameter(0.0, ge=-3, le=3, doc="shift of log interest in content")
    sociability: float = parameter(0.0, ge=-3, le=3, doc="shift of log sociability")


Segments = Mapping[str, Mapping[str, SegmentClass]]


class Segmented(Columns):
    """Columns of customers where a scenario names segments."""

    segment = column("i2", -1, unit="index", doc="cell of traits.segments: one class of each dimension; -1 for none")


def cells(segments: Segments) -> int:
    """How many cells there are: the product of the numbers of classes."""
    return math.prod(len(classes) for classes in segments.values())


def cell_of(segments: Segments, numbers: Mapping[str, NDArray[np.integer[Any]]]) -> Ints:
    """The cell of customers with these numbers of classes, one array of shape (n,) for each dimension."""
    found: NDArray[np.integer[Any]] = np.zeros(len(next(iter(numbers.values()))), np.int16)
    for dimension, classes in segments.items():
        found = found * len(classes) + numbers[dimension]
    return found.astype(np.int16)


def class_of(segments: Segments, dimension: str, cell: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Number of the class in one dimension of each cell. Shape of ``cell``; -1 where the cell is."""
    later = list(segments)[list(segments).index(dimension) + 1 :]
    step = math.prod(len(segments[name]) for name in later)
    return np.where(cell < 0, -1, cell // step % len(segments[dimension]))


def drawn(segments: Segments, draws: Draws, keys: Keys) -> Ints:
    """The cell with which each of these people is born. Shape of ``keys``."""
    numbers = {}
    for dimension, classes in segments.items():
        edges = np.cumsum([part.share for part in classes.values()])
        u = draws.uniform(f"trait.segment.{dimension}", 0, keys) * edges[-1]
        numbers[dimension] = np.searchsorted(edges[:-1], u, side="right")
    return cell_of(segments, numbers)


def logged(segments: Segments, cell: Ints, texts: Mapping[str, NDArray[np.str_]]) -> Ints:
    """Cells of customers whose classes some logs name, shape (n,) as ``cell``, with which they were born.

    Empty texts and dimensions without any leave what was drawn. A class that the scenario does not name counts as its
    class ``other``; where there is none, what was drawn stays.
    """
    numbers = {dimension: class_of(segments, dimension, cell).copy() for dimension in segments}
    for dimension, found in texts.items():
        if dimension in segments:
            names = list(segments[dimension])
            known = found != ""
            if OTHER in names:
                numbers[dimension][known] = names.index(OTHER)
            for number, name in enumerate(names):
                numbers[dimension][found == name] = number
    return cell_of(segments, numbers)


def shifts(segments: Segments, name: str) -> Floats:
    """Shift of a trait in each cell: those of its classes together. Shape (cells,)."""
    every = np.arange(cells(segments))
    total = np.zeros(len(every))
    for dimension, classes in segments.items():
        of_class = np.array([getattr(part, name) for part in classes.values()])
        total += of_class[class_of(segments, dimension, every)]
    return total
