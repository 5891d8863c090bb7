"""Write docs/accuracy.md and the README's table again: python benchmarks/accuracy.py [--replicates N] [--processes N].

Each document is what ``siyu validate forecast`` writes. CDNOW is added where the package ``lifetimes`` lies
(``pip install --no-deps lifetimes``); otherwise its document and table stay as they are. The sentences around a table
are the writer's own: read them again after the numbers.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from experiments.data import load_logs
from experiments.forecasting.forecast_document import save
from experiments.forecasting.forecast_tables import main_table
from experiments.validate import forecast

ROOT = Path(__file__).parents[1]


class Document(NamedTuple):
    """Logs, cut-off, the file in docs/, and the name of the README's table."""

    logs: str
    cut_off: dt.date
    file: str
    table: str
    replicates: int


DOCUMENTS = (
    Document("complete_journey", dt.date(2017, 9, 30), "accuracy.md", "accuracy", 400),
    Document("cdnow", dt.date(1997, 9, 30), "accuracy_cdnow.md", "accuracy-cdnow", 400),
    Document("cdnow_master", dt.date(1997, 9, 30), "accuracy_cdnow_master.md", "accuracy-cdnow-master", 100),
)


def with_table(readme: str, name: str, table: str) -> str:
    """The README with another table between its marks; as it was where it has none of that name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in readme:
        return readme
    before, rest = readme.split(begin)
    return f"{before}{begin}{table}\n{end}{rest.split(end)[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, help="of each; default: 400, of the large file 100")
    parser.add_argument("--processes", type=int, help="default: all cores")
    parser.add_argument("--only", nargs="*", choices=[d.logs for d in DOCUMENTS], help="default: all that are there")
    asked = parser.parse_args()
    there = importlib.util.find_spec("lifetimes") is not None
    for document in DOCUMENTS:
        if asked.only and document.logs not in asked.only:
            continue
        if document.logs.startswith("cdnow") and not there:
            print(f"{document.logs}: the package lifetimes is not installed; {document.file} stays as it is")
            continue
        began = time.perf_counter()
        found = forecast(
            load_logs(document.logs), cut_off=document.cut_off, replicates=asked.replicates or document.replicates,
            processes=asked.processes,
        )  # fmt: skip
        save(found, ROOT / "docs" / document.file)
        readme = ROOT / "README.md"
        text = with_table(readme.read_text(encoding="utf-8"), document.table, main_table(found).markdown())
        readme.write_text(text, encoding="utf-8")
        print(f"{found.summary()}\n{document.file}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
