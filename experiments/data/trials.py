"""Trials: randomised experiments that ship with the package, one row per customer.

Hillstrom: the MineThatData e-mail challenge (Kevin Hillstrom, 2008), 64,000 customers who had bought within a year,
sent by lot an e-mail about men's merchandise, one about women's, or none, and followed for two weeks. Its author
published the file for anybody to analyse; it holds no identities.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import pandas as pd

HILLSTROM = "hillstrom"
ARMS = {"No E-Mail": "none", "Mens E-Mail": "men's e-mail", "Womens E-Mail": "women's e-mail"}


def load_hillstrom() -> pd.DataFrame:
    """The e-mail test, 64,000 rows.

    Returns
    -------
    ``arm`` (``none``, ``men's e-mail``, ``women's e-mail``); before: ``recency`` months since the last order,
    ``history`` spend of the past year in dollars, ``history_segment`` its band, ``mens`` and ``womens`` whether such
    things were bought, ``newbie`` customer of the past year, ``zip_code``, ``channel``; in the two weeks after:
    ``visit``, ``conversion`` (0 or 1), ``spend`` in dollars.
    """
    with as_file(files("experiments.data") / "hillstrom.csv.gz") as path:
        frame = pd.read_csv(path)
    band = frame["history_segment"].str.replace(r"^\d\) ", "", regex=True)
    return frame.assign(arm=frame["segment"].map(ARMS), history_segment=band).drop(columns="segment")
