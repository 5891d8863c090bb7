"""The engine: addressed draws, columns, documents, ledger, world. It knows no marketing."""

from .columns import Column, Columns, Observed, Row, column
from .draws import Draws
from .errors import DataError, ModelError, SiyuError, SpecError, StudyError
from .ledger import NOBODY, EventKind, Events, Ledger, Totals
from .spec import Kind, Spec
from .world import Actor, Phase, World

__all__ = [
    "NOBODY", "Actor", "Column", "Columns", "DataError", "Draws", "EventKind", "Events", "Kind", "Ledger", "ModelError",
    "Observed", "Phase", "Row", "SiyuError", "Spec", "SpecError", "StudyError", "Totals", "World", "column",
]  # fmt: skip
