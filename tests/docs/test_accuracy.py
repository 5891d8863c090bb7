"""The README's tables of accuracy are those of the documents that the command writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.forecasting.forecast import WORLD

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {"accuracy": "accuracy.md", "accuracy-cdnow": "accuracy_cdnow.md",
             "accuracy-cdnow-master": "accuracy_cdnow_master.md"}  # fmt: skip


def table_in(readme: str, name: str) -> list[str]:
    """The lines between the marks of a table; empty where the README has none of that name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", readme, re.S)
    return found.group(1).splitlines() if found else []


def mismatch(readme: str, name: str, document: str) -> list[str]:
    """Lines of the README's table that do not stand in the document's first one, and the other way round."""
    table, lines = table_in(readme, name), document.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    ours = []
    while first < len(lines) and lines[first].startswith("|"):
        ours.append(lines[first])
        first += 1
    return sorted(set(table) ^ set(ours))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_readme_quotes_the_document(name: str) -> None:
    table = table_in(README, name)
    if not table and name != "accuracy":
        pytest.skip(f"the README has no table {name}")
    document = (ROOT / "docs" / DOCUMENTS[name]).read_text(encoding="utf-8")
    assert any(WORLD in line for line in table)
    assert mismatch(README, name, document) == []
    changed = README.replace(table[-1], table[-1].replace("| +", "| -", 1).replace("| 0", "| 1", 1))
    assert mismatch(changed, name, document), "another figure would be noticed"


def test_documents_name_the_command_that_wrote_them() -> None:
    for path in (ROOT / "docs").glob("accuracy*.md"):
        text = path.read_text(encoding="utf-8")
        assert re.search(r"`siyu validate forecast \w+ --cut-off \d{4}-\d\d-\d\d --replicates \d+`", text), path.name
