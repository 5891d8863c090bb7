"""Results: tidy frames with provenance; `reporting/record.py` keeps them on disk."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.metrics import Outcome


def provenance(**more: Any) -> dict[str, Any]:
    """Versions, and whatever else decides the numbers."""
    packages = ("siyu", "mesa", "numpy", "scipy", "pandas", "scikit-learn", "optuna", "pydantic")
    versions = {}
    for name in packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # run from a checkout that was not installed
            versions[name] = "not installed"
    return {"python": platform.python_version(), "versions": versions, **more}


@dataclass(frozen=True)
class Results:
    """Outcomes of arms over paired replicates.

    Attributes
    ----------
    arms : arm to its outcomes; replicate i of every arm has the same seed.
    provenance : hashes, seeds, versions.
    """

    arms: dict[str, list[Outcome]]
    provenance: dict[str, Any] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """One row per arm and replicate, one column per metric."""
        rows = [
            {"arm": arm, "replicate": index, "seed": outcome.seed, **outcome.values}
            for arm, outcomes in self.arms.items()
            for index, outcome in enumerate(outcomes)
        ]
        return pd.DataFrame(rows)

    def weekly(self) -> pd.DataFrame:
        """One row per arm, replicate and week."""
        parts = []
        for arm, outcomes in self.arms.items():
            for index, outcome in enumerate(outcomes):
                part = pd.DataFrame(outcome.weekly)
                part.insert(0, "week", np.arange(len(part)))
                part.insert(0, "replicate", index)
                part.insert(0, "arm", arm)
                parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def money(self) -> pd.DataFrame:
        """Mean over replicates of signed money by arm, source and kind."""
        rows = [
            {"arm": arm, "source": source, "kind": kind, "amount": amount / len(outcomes)}
            for arm, outcomes in self.arms.items()
            for outcome in outcomes
            for (source, kind), amount in outcome.money.items()
        ]
        columns = ["arm", "source", "kind", "amount"]
        frame = pd.DataFrame(rows, columns=columns)
        return pd.DataFrame(frame.groupby(columns[:3], as_index=False, sort=False)["amount"].sum())

    def census(self) -> pd.DataFrame:
        """Mean over replicates of the number of customers by arm, day and state."""
        rows = [
            {"arm": arm, "day": day, "state": state, "customers": n / len(outcomes)}
            for arm, outcomes in self.arms.items()
            for outcome in outcomes
            for (day, state), n in outcome.census.items()
        ]
        columns = ["arm", "day", "state", "customers"]
        frame = pd.DataFrame(rows, columns=columns)
        return pd.DataFrame(frame.groupby(columns[:3], as_index=False, sort=False)["customers"].sum())


def write_json(path: Path, data: Any) -> None:
    """Write JSON under a temporary name, then rename: never half a file."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8")
    temporary.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


def per_customer(equity: Any, base_equity: Any, base_acquired: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Incremental CLV of each replicate: the gain in equity for each customer acquired under the base policy."""
    return np.asarray((np.asarray(equity) - np.asarray(base_equity)) / np.maximum(np.asarray(base_acquired), 1.0))


def paired(trial: Sequence[Outcome], base: Sequence[Outcome], metric: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Trial minus base for each replicate, per customer acquired under the base policy where money is meant."""
    if metric == "clv":
        rows = [
            (a.values["equity"], b.values["equity"], b.values["acquired"]) for a, b in zip(trial, base, strict=True)
        ]
        return per_customer(*np.array(rows).reshape(-1, 3).T)
    return np.array([a.values[metric] - b.values[metric] for a, b in zip(trial, base, strict=True)])
