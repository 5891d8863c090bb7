"""The trust funnel: how many stand at each level, and which share of them takes the next step in a week."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from agents.customers import LEVELS
from experiments.reporting.suppression import FEWEST

DAYS_A_WEEK = 7
STEP = "step."


def funnel(census: pd.DataFrame) -> pd.DataFrame:
    """Steps between trust levels, by arm and level.

    Parameters
    ----------
    census : arm, day, state (``level.L1``; ``step.L1-L2``: moves since the last census) and customers, as means of
        replicates.

    Returns
    -------
    frame of arm, level, ``stood``: mean number of customers at the level, ``up``: who moved to a higher one,
    ``up_a_week``: their share of those who stood here, a week; ``down`` and ``down_a_week`` the same for falls. Cells
    that stand for fewer customers than may be shown hold NaN.
    """
    rows: list[dict[str, Any]] = []
    for arm, part in census.groupby("arm", sort=False):
        table = part.pivot_table(index="day", columns="state", values="customers", aggfunc="sum", fill_value=0.0)
        weeks = max(float(table.index.max() + 1) / DAYS_A_WEEK, 1 / DAYS_A_WEEK)
        for number, level in enumerate(LEVELS):
            stood = float(table.get(f"level.{level}", pd.Series([0.0])).mean())
            up, down = (
                float(sum(table[state].sum() for state in table.columns if _moves(state, level, ends)))
                for ends in (LEVELS[number + 1 :], LEVELS[:number])
            )
            shown = stood >= FEWEST
            rows.append(
                {
                    "arm": arm, "level": level, "stood": stood if shown else np.nan,
                    "up": up if up >= FEWEST else np.nan,
                    "up_a_week": up / stood / weeks if shown and up >= FEWEST else np.nan,
                    "down": down if down >= FEWEST else np.nan,
                    "down_a_week": down / stood / weeks if shown and down >= FEWEST else np.nan,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _moves(state: str, start: str, ends: tuple[str, ...]) -> bool:
    """Whether a state of the census counts moves from a level to one of some others."""
    return state.startswith(STEP) and state[len(STEP) :] in {f"{start}-{end}" for end in ends}
