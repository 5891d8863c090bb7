"""Documents by name or path: ``load("policy/status_quo")`` is shipped, ``load("my/policy.yaml")`` is the user's."""

from __future__ import annotations

import importlib
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

import agents.actions  # noqa: F401  (its import registers the kinds of action)
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.calibrating.targets import Targets
from experiments.experiment import Experiment
from experiments.searching.plan import SearchPlan
from sim.errors import SpecError, nearest
from sim.spec import Document, Spec, read_document, validate

D = TypeVar("D", bound=Spec)

KINDS: dict[str, type[Spec]] = {
    "scenario": Scenario,
    "policy": Policy,
    "search": SearchPlan,
    "experiment": Experiment,
    "targets": Targets,
}


SUFFIXES = (".yaml", ".yml")


def shipped(kind: str | None = None) -> list[str]:
    """Names of the shipped documents, such as ``scenario/grocery``."""
    found = []
    for folder in [kind] if kind else list(KINDS):
        root = files("configs") / folder
        if root.is_dir():
            found += [f"{folder}/{item.name[:-5]}" for item in root.iterdir() if item.name.endswith(".yaml")]
    return sorted(found)


def load(name: str | Path, kind: str | None = None) -> Any:
    """Read a scenario, policy, search, experiment or targets.

    Parameters
    ----------
    name : a shipped name (``policy/status_quo``), or the path of a YAML file.
    kind : ``scenario``, ``policy``, ``search``, ``experiment`` or ``targets``; needed only for a file that lies
        in no folder of that name and does not show what it is. With a kind the folder may be left out of its name.

    Raises
    ------
    SpecError
        With file, line, path, value and cure for every rule that the document breaks.
    """
    if str(name) == "policy/do_nothing" or (kind == "policy" and str(name) == "do_nothing"):
        return DO_NOTHING
    document, kind = open_document(name, kind)
    _import_plugins(document)
    return validate(KINDS[kind], document.data, document)


def status_quo_of(scenario: str) -> str:
    """Name of the policy that a preset begins with: that of the shipped experiment of the scenario's name.

    Doing nothing for every other scenario.
    """
    name = scenario.removeprefix("scenario/")
    if f"experiment/{name}" not in shipped("experiment"):
        return "do_nothing"
    policy: str = load(name, "experiment").policy
    return policy


def open_document(name: str | Path, kind: str | None = None) -> tuple[Document, str]:
    """The text of a document and the kind that it is. Parameters and errors are those of :func:`load`."""
    if kind is not None and kind not in KINDS:
        raise SpecError(f"no kind of document '{kind}'", cure=nearest(kind, KINDS))
    text, path = str(name), Path(name)
    full = text if "/" in text or kind is None else f"{kind}/{text}"
    if full in shipped():
        return _open_shipped(full, kind)
    if path.suffix not in SUFFIXES and not path.exists():
        known = [n for n in shipped() if kind is None or n.startswith(f"{kind}/")]
        raise SpecError(f"no shipped config '{full}' and no such file", cure=nearest(full, known))
    document = read_document(path)
    return document, _kind_of(path, document, kind)


def _open_shipped(full: str, kind: str | None) -> tuple[Document, str]:
    folder, _, stem = full.partition("/")
    if kind not in (None, folder):
        known = ", ".join(shipped(kind))
        raise SpecError(f"{_a(str(kind))} is needed here, and '{full}' is {_a(folder)}", cure=f"known: {known}")
    with as_file(files("configs") / folder / f"{stem}.yaml") as path:
        document = read_document(path)
    document.name = f"configs/{full}.yaml"
    return document, folder


def _kind_of(path: Path, document: Document, kind: str | None) -> str:
    """The kind that is asked for, or what folder and keys say. Refuses a document that is plainly of another kind."""
    known = {word: len(document.data.keys() & spec.model_fields.keys()) for word, spec in KINDS.items()}
    likely = max(known, key=lambda word: known[word])
    if kind is None:
        return path.parent.name if path.parent.name in KINDS else likely
    if known[likely] > known[kind]:
        rule = f"{_a(kind)} is needed here, and this looks like {_a(likely)}"
        raise SpecError(rule, place=document.name, cure="give another file")
    return kind


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _import_plugins(document: Document) -> None:
    """Modules named under ``plugins`` are imported first, so that their kinds are known."""
    named = document.data.get("plugins")
    for number, module in enumerate(named if isinstance(named, list) else ()):
        try:
            importlib.import_module(str(module))
        except (ImportError, ValueError, TypeError) as error:  # not there; an empty name; a relative one
            raise SpecError(
                f"plug-in cannot be imported: {error}",
                place=f"{document.name}:{document.line(('plugins', number))}: plugins.{number}",
                value=module,
                cure="install it or put its folder on PYTHONPATH",
            ) from None
