"""Data: logs from a public package or from the user's own files, cleaned into one shape."""

from __future__ import annotations

from pathlib import Path

from experiments.data.complete_journey import NAME as COMPLETE_JOURNEY
from experiments.data.complete_journey import load_complete_journey
from experiments.data.logs import Logs
from sim.errors import DataError

__all__ = ["Logs", "load_logs"]


def load_logs(source: str | Path) -> Logs:
    """Logs from ``'complete_journey'``."""
    if str(source) == COMPLETE_JOURNEY:
        return load_complete_journey()
    raise DataError("no such logs", place=str(source), cure=f"use {COMPLETE_JOURNEY!r}")
