"""Questions put to the world: load, simulate, train, calibrate, compare, search.

The names are looked up when they are first used, so that worker processes and ``siyu --help`` load only what they
need. Some of them are also the names of modules here; the package's own class keeps ``experiments.search`` the
function even after ``experiments/search.py`` has been imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calibrate import calibrate
    from .compare import Verdict, compare, simulate
    from .data import load_logs
    from .load import load, shipped
    from .results import Results
    from .search import search
    from .train import train

_HOME = {
    "Results": "results", "Verdict": "compare", "calibrate": "calibrate", "compare": "compare", "load": "load",
    "load_logs": "data", "search": "search", "shipped": "load", "simulate": "compare", "train": "train",
}  # fmt: skip

__all__ = ["Results", "Verdict", "calibrate", "compare", "load", "load_logs", "search", "shipped", "simulate", "train"]


class _Package(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name in _HOME:
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):  # what the import of a submodule would set
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
