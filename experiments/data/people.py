"""People: the file of customers, read piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.fields import Clock, stamps, words
from experiments.data.files import File
from experiments.data.identities import Identities
from experiments.data.orders import Dropped, named, refuse_nobody
from experiments.data.repeats import Repeats
from experiments.data.tables import Inspection, Table
from experiments.data.touches import TRUST_LEVELS

COLUMNS = (("customer_id",), ("joined", "channel", "region", "age_band", "trust_level"))
TEXTS = ("region", "age_band", "channel")


def read_people(file: File, identities: Identities, dropped: dict[str, int]) -> pd.DataFrame:
    """Attributes of customers, index their number by :class:`Identities`; ``joined_day`` since 1970-01-01.

    Whoever never ordered is numbered after those who did, as they stand in the file.
    """
    gathered = _Gathered(file, identities, Dropped("customers", dropped))
    Inspection(file).each(gathered.take)
    return gathered.people()


@dataclass
class _Gathered:
    file: File
    identities: Identities
    dropped: Dropped
    clock: Clock = field(default_factory=Clock)
    numbers: list[NDArray[np.int32]] = field(default_factory=list)
    frames: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repeats = Repeats(self.file, ("customer_id",), named)

    def take(self, piece: Table) -> None:
        """Check a piece and keep what it says."""
        table = self.dropped.named(piece)
        frame = table.frame
        columns: dict[str, pd.Series] = {}
        if "joined" in frame:
            dated = table.keep((frame["joined"] != "").to_numpy())
            days = pd.Series(stamps(dated, "joined", self.clock).day, index=dated.frame.index, dtype="Int64")
            columns["joined_day"] = days.reindex(frame.index)
        for name in TEXTS:
            if name in frame:
                columns[name] = frame[name].where(frame[name] != "")
        if "trust_level" in frame:
            level = words(table, "trust_level", TRUST_LEVELS).str.removeprefix("L")
            columns["trust_level"] = pd.to_numeric(level).astype("Int64")
        self.repeats.note(table)
        self.numbers.append(self.identities.number(table))
        self.frames.append(pd.DataFrame(columns, index=frame.index))

    def people(self) -> pd.DataFrame:
        """All of them, each once."""
        number = np.concatenate(self.numbers) if self.numbers else np.empty(0, np.int32)
        refuse_nobody(self.file, len(number))
        rule, cure = "customer stands twice", "keep one row per customer"
        copies = self.repeats.copies(column="customer_id", rule=rule, cure=cure)
        self.dropped.count("copies of a row of customers", len(copies))
        kept = np.delete(np.arange(len(number)), copies)
        return pd.concat(self.frames, ignore_index=True).iloc[kept].set_axis(number[kept])
