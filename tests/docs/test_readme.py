"""What the README says works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.load import load, shipped

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_five_lines_run_in_a_plain_script(tmp_path: Path) -> None:
    """No ``if __name__ == '__main__'``, no options: as a user pastes it."""
    code = re.search(r"```python\n(.*?)```", README, re.S)
    assert code is not None
    script = tmp_path / "five.py"
    script.write_text(code.group(1).replace("replicates=32", "replicates=4"), encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"CLV [+-]\d+\.\d\d ± \d+\.\d\d CNY per customer \(4 paired replicates\)", done.stdout)
    assert (tmp_path / "clv.png").stat().st_size > 5000


def test_commands_in_the_readme_exist() -> None:
    for command in sorted(set(re.findall(r"siyu ([a-z]+)", README))):
        done = CliRunner().invoke(app, [command, "--help"])
        assert done.exit_code == 0, f"siyu {command} --help: {done.output}"


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("name", shipped())
def test_shipped_documents_load(name: str) -> None:
    document = load(name)
    assert load(name) == document
