"""Documents by name or path: ``load("policy/status_quo")`` is shipped, ``load("my/policy.yaml")`` is the user's."""

from __future__ import annotations

import importlib
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

import agents.actions  # noqa: F401  (its import registers the kinds of action)
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.experiment import Experiment
from experiments.space import SearchPlan
from sim.errors import SpecError, nearest
from sim.spec import Document, Spec, read_document, validate

D = TypeVar("D", bound=Spec)

KINDS: dict[str, type[Spec]] = {
    "scenario": Scenario,
    "policy": Policy,
    "search": SearchPlan,
    "experiment": Experiment,
}


def shipped(kind: str | None = None) -> list[str]:
    """Names of the shipped documents, such as ``scenario/grocery``."""
    found = []
    for folder in [kind] if kind else list(KINDS):
        root = files("configs") / folder
        if root.is_dir():
            found += [f"{folder}/{item.name[:-5]}" for item in root.iterdir() if item.name.endswith(".yaml")]
    return sorted(found)


def load(name: str | Path, kind: str | None = None) -> Any:
    """Read a scenario, policy, search or experiment.

    Parameters
    ----------
    name : a shipped name (``policy/status_quo``), or the path of a YAML file.
    kind : ``scenario``, ``policy``, ``search`` or ``experiment``; needed only for a file that lies in no folder of
        that name. With a kind the folder may be left out of a shipped name.

    Raises
    ------
    SpecError
        With file, line, path, value and cure for the first document that breaks a rule.
    """
    text = str(name)
    if kind == "policy" and text in ("do_nothing", "policy/do_nothing"):
        return DO_NOTHING
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return _parse(read_document(path), kind or _kind_of(path), text)
    full = text if "/" in text or kind is None else f"{kind}/{text}"
    if full == "policy/do_nothing":
        return DO_NOTHING
    known = shipped()
    if full not in known:
        raise SpecError(
            f"no shipped config '{full}' and no such file",
            cure=nearest(full, [n for n in known if kind is None or n.startswith(kind)]),
        )
    folder, _, stem = full.partition("/")
    if kind is not None and folder != kind:
        raise SpecError(f"a {kind} is needed here, '{full}' is a {folder}", cure=", ".join(shipped(kind)))
    with as_file(files("configs") / folder / f"{stem}.yaml") as shipped_path:
        document = read_document(shipped_path)
    document.name = f"configs/{full}.yaml"
    return _parse(document, folder, full)


def _kind_of(path: Path) -> str:
    if path.parent.name in KINDS:
        return path.parent.name
    data = read_document(path).data
    for kind, key in (("experiment", "scenario"), ("search", "space"), ("policy", "actions")):
        if key in data:
            return kind
    return "scenario"


def _parse(document: Document, kind: str, name: str) -> Any:
    if kind not in KINDS:
        raise SpecError(f"no kind of document '{kind}'", cure=nearest(kind, KINDS))
    _import_plugins(document)
    return validate(KINDS[kind], document.data, document)


def _import_plugins(document: Document) -> None:
    """Modules named under ``plugins`` are imported first, so that their kinds are known."""
    for number, module in enumerate(document.data.get("plugins") or ()):
        try:
            importlib.import_module(str(module))
        except ImportError as error:
            line = document.line(("plugins", number))
            raise SpecError(
                f"plug-in cannot be imported: {error}",
                place=f"{document.name}:{line}",
                value=module,
                cure="install it or put its folder on PYTHONPATH",
            ) from None
