"""Suppression: no number of a report stands for fewer than ten customers of the logs, nor lets one be worked out.

Meant for counts that come from logs: of states of the customers of day 0, of events that happened, of rows left out.
Source of the rule: Hundepool et al. (2012), Statistical Disclosure Control, ch. 4 (threshold rule, secondary cells).
"""

from __future__ import annotations

from collections.abc import Sequence

FEWEST = 10  # customers for whom a number stands at least
FEW = f"<{FEWEST}"
HIDDEN = "hidden"  # a cell of ten or more, from which others could be worked out


def marks(counts: Sequence[float]) -> list[str]:
    """What stands in place of each cell of a group whose total may be known; empty where the cell is shown.

    The total less the cells that are shown tells how many the hidden ones hold together: where these are too few, the
    next smallest cell hides too.
    """
    found = [FEW if n < FEWEST else "" for n in counts]
    together = sum(n for n in counts if n < FEWEST)
    shown = [i for i, mark in enumerate(found) if not mark]
    if shown and 0 < together < FEWEST:
        found[min(shown, key=lambda i: counts[i])] = HIDDEN
    return found


def count_words(count: float) -> str:
    """How many customers, or that they are too few to be shown."""
    return FEW if count < FEWEST else f"{count:,.0f}"
