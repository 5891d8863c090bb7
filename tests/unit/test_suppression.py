"""Small cells: no number that stands for one to nine customers is shown, nor can be worked out from a total."""

from __future__ import annotations

import pytest

from experiments.reporting.suppression import FEW, FEWEST, HIDDEN, count_words, marks


@pytest.mark.parametrize(
    ("counts", "marked"),
    [
        ([50, 20, 10], ["", "", ""]),
        ([50, 20, 9.9], ["", HIDDEN, FEW]),  # one alone would follow from a total
        ([50, 20, 3, 2], ["", HIDDEN, FEW, FEW]),  # five in both would follow too
        ([50, 20, 1, 0], ["", HIDDEN, FEW, FEW]),
        ([50, 20, 6, 4], ["", "", FEW, FEW]),
        ([50, 20, 0], ["", "", FEW]),  # nobody is given away where nobody is
        ([4], [FEW]),
        ([], []),
    ],
)
def test_small_cells_are_hidden(counts: list[float], marked: list[str]) -> None:
    assert marks(counts) == marked


def test_a_total_never_gives_a_small_cell_away() -> None:
    """For all tables of three cells up to 25: total less shown cells is no small number, unless it is nobody."""
    for a in range(26):
        for b in range(26):
            for c in range(26):
                counts = [a, b, c]
                hidden = [n for n, mark in zip(counts, marks(counts), strict=True) if mark]
                assert not 0 < sum(hidden) < FEWEST or len(hidden) == len(counts)
                assert all(mark for n, mark in zip(counts, marks(counts), strict=True) if 0 < n < FEWEST)


def test_counts_in_words() -> None:
    assert (count_words(9.6), count_words(10.2), count_words(12_345)) == (FEW, "10", "12,345")
