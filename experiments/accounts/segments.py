"""Segments: how many contacts each class of each dimension has, and how often they order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.reporting.suppression import FEWEST

CONTACTS, ORDERS = "segment.", "orders."


def segments(census: pd.DataFrame) -> pd.DataFrame:
    """What became of each class of each dimension of ``traits.segments``, by arm.

    Parameters
    ----------
    census : arm, day, state (``segment.region.east``: contacts; ``orders.region.east``: orders so far) and customers
        (the number), as means of replicates.

    Returns
    -------
    frame of arm, dimension, name, ``before`` and ``after``: contacts at the first and at the last census, ``orders``
    between these two for each contact there was on average. Cells that stand for fewer customers than may be shown
    hold NaN. Without segments it has no rows.
    """
    rows = []
    for arm, part in census.groupby("arm", sort=False):
        table = part.pivot_table(index="day", columns="state", values="customers", aggfunc="sum", fill_value=0.0)
        for state in (name for name in dict.fromkeys(part["state"]) if name.startswith(CONTACTS)):
            dimension, _, name = state.removeprefix(CONTACTS).partition(".")
            here, ordered = table[state], table[ORDERS + state.removeprefix(CONTACTS)]
            stood = float(here.mean())
            orders = float(ordered.iloc[-1] - ordered.iloc[0]) / stood if stood >= FEWEST else np.nan
            before, after = (n if n >= FEWEST else np.nan for n in (float(here.iloc[0]), float(here.iloc[-1])))
            found = {"before": before, "after": after, "orders": orders}
            rows.append({"arm": arm, "dimension": dimension, "name": name, **found})
    return pd.DataFrame(rows, columns=["arm", "dimension", "name", "before", "after", "orders"])
