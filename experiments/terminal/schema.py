"""JSON Schema of the documents, for editors that complete and check YAML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments.load import KINDS
from experiments.terminal.folders import make_folder, write_text
from sim.errors import SpecError, nearest

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of document such as ``scenario``, with every kind of part that is registered by now.

    It allows what loading allows as far as a schema can say it; rules between fields are checked at load only.
    Raises SpecError with the nearest known kind.
    """
    if kind not in KINDS:
        raise SpecError(f"no kind of document '{kind}'", cure=nearest(kind, KINDS))
    return {"$schema": DIALECT, **KINDS[kind].model_json_schema()}


def json_schemas(kind: str | None = None) -> dict[str, dict[str, Any]]:
    """Schemas by kind: one, or all."""
    return {name: json_schema(name) for name in ([kind] if kind else KINDS)}


def write_schemas(schemas: dict[str, dict[str, Any]], folder: Path) -> list[Path]:
    """Write each to ``KIND.schema.json`` in a folder; return the paths."""
    make_folder(folder)
    return [
        write_text(folder / f"{kind}.schema.json", json.dumps(schema, ensure_ascii=False, indent=1) + "\n")
        for kind, schema in schemas.items()
    ]
