"""The rules of the house, read from the source: who may import whom, no luck but ours, nothing too long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sim", "agents", "experiments")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

FORBIDDEN = {  # package: what it may never import, at its top level or anywhere below
    "sim": {"agents", "experiments", "configs", "tests", "optuna", "pandas", "matplotlib", "typer", "random"},
    "agents": {"experiments", "configs", "tests", "optuna", "pandas", "matplotlib", "typer", "rich", "pathlib",
               "random", "os", "multiprocessing", "joblib", "loky", "pyarrow", "sklearn", "statsmodels"},
    "experiments": {"tests", "random"},
}  # fmt: skip
CODE_IN_DATA = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "torch", "skops", "yaml"}
"""Modules whose loaders run code that stands in a file (PyYAML once did). Loky and distributed pickle what goes
from one process of ours to another, and nothing that a user names."""
LONGEST_FILE = 450
LONGEST_FUNCTION = 60


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def imported(module: ast.Module) -> Iterator[str]:
    """First names of everything imported from outside a package, also inside functions and type-checking blocks."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


def dotted(node: ast.AST) -> str:
    """``np.random.default_rng`` for the attribute node of that text."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def foreign_luck(module: ast.Module) -> list[str]:
    """Uses of any generator but the addressed draws."""
    names = {dotted(node) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    found = sorted(n for n in names if n.startswith(("np.random", "numpy.random")))
    found += sorted(n for n in names if n.endswith((".model.random", ".model.rng", "world.random", "world.rng")))
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numpy"):
            found += [alias.name for alias in node.names if alias.name in ("random", "default_rng")]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_imports_keep_their_direction(name: str) -> None:
    assert not set(imported(tree(name))) & FORBIDDEN[name.split("/")[0]]


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("experiments")])
def test_all_luck_has_an_address(name: str) -> None:
    assert not foreign_luck(tree(name))


def code_from_files(module: ast.Module) -> list[str]:
    """Ways by which a file that a user names could bring code along."""
    found = sorted(set(imported(module)) & CODE_IN_DATA)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name, given = dotted(node.func), {word.arg: word.value for word in node.keywords}
        allowed = given.get("allow_pickle")
        if allowed is not None and not (isinstance(allowed, ast.Constant) and allowed.value is False):
            found.append(f"{name}(allow_pickle=…)")
        if name in ("np.load", "numpy.load") and allowed is None:  # its default is False; here it has to be seen
            found.append(f"{name} without allow_pickle=False")
        if name.endswith("read_pickle") or name in ("eval", "exec", "__import__"):
            found.append(name)
        kind = given.get("typ")
        if name == "YAML" and isinstance(kind, ast.Constant) and kind.value == "unsafe":
            found.append("YAML(typ='unsafe')")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_files_bring_no_code(name: str) -> None:
    assert not code_from_files(tree(name))


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("agents")])
def test_agents_touch_no_file_and_print_nothing(name: str) -> None:
    calls = {dotted(node.func) for node in ast.walk(tree(name)) if isinstance(node, ast.Call)}
    assert not calls & {"open", "print", "input", "np.load", "np.save", "np.savez"}


@pytest.mark.parametrize("name", NAMES)
def test_no_file_and_no_function_is_too_long(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_it_is(name: str) -> None:
    assert ast.get_docstring(tree(name)) or not tree(name).body


def test_one_name_is_one_class() -> None:
    """Of the domain: a reader who meets a noun knows which is meant."""
    places: dict[str, list[str]] = {}
    for name in NAMES:
        if name.startswith("agents"):
            for node in tree(name).body:
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, []).append(name)
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_the_tests_can_see() -> None:
    """Negative controls."""
    assert len(FILES) > 30
    late = ast.parse("def f():\n    from pandas import DataFrame\n")
    assert "pandas" in set(imported(late))
    for luck in (
        "np.random.rand(3)",
        "world.rng.random()",
        "self.model.random.choice([1])",
        "from numpy import random",
    ):
        assert foreign_luck(ast.parse(luck)), luck
    assert not foreign_luck(ast.parse("world.draws.uniform('x', 0, keys)"))
    for code in (
        "import pickle",
        "def f():\n    from joblib import load",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusted)",
        "pd.read_pickle(path)",
        "YAML(typ='unsafe').load(path)",
        "eval(text)",
    ):
        assert code_from_files(ast.parse(code)), code
    assert not code_from_files(ast.parse("np.load(path, allow_pickle=False)\nYAML(typ='rt')\njson.loads(text)"))
