"""Folder of a calibration: its replicates while it runs, and the answer when it is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from experiments.calibrating.ensemble import FILE, read_ensemble
from experiments.calibrating.page import markdown
from experiments.searching.replicates.cache import FILE as REPLICATES
from experiments.terminal.folders import ELSEWHERE, names, write_text
from sim.errors import SiyuError, StudyError

if TYPE_CHECKING:
    from experiments.calibrate import Calibration


def calibration_folder(wanted: Path) -> Path:
    """The folder itself while nothing or an unfinished calibration is in it, else the first free of its numbers.

    Raises
    ------
    StudyError
        When the folder holds something that is no calibration.
    """
    for folder in names(wanted):
        if not folder.is_dir() or not any(folder.iterdir()):
            return folder
        if (folder / FILE).exists():
            if _finished(folder):
                continue
            return folder
        if not (folder / REPLICATES).exists():
            raise StudyError("this folder holds something that is no calibration", place=str(folder), cure=ELSEWHERE)
        return folder
    raise AssertionError("names never end")


def _finished(folder: Path) -> bool:
    try:
        return not read_ensemble(folder).interrupted
    except SiyuError:  # somebody has written into it; nothing is overwritten
        return True


def save(found: Calibration, folder: Path) -> None:
    """Write what was lived, the pictures, the page, and the ensemble last."""
    from experiments.reporting.figures_calibration import save_pictures

    lived_sets(found).to_parquet(folder / "sets.parquet", index=False)
    save_pictures(found, folder)
    write_text(folder / "calibration.md", markdown(found))
    found.ensemble.save(folder)


def lived_sets(found: Calibration) -> pd.DataFrame:
    """Every parameter set that was lived: values, figures on all seeds, squared distance and weight."""
    posterior, space = found.posterior, found.space
    values = pd.DataFrame([space.values(point) for point in posterior.points])
    figures = pd.DataFrame(posterior.kernel.mean(posterior.figures), columns=[fact.name for fact in found.facts])
    return pd.concat([values, figures], axis=1).assign(squared_distance=posterior.squared, weight=posterior.weights)
