"""Digests: what decides a replicate besides its policy and its seed, and what decides a search."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import agents
import experiments.metrics
import experiments.searching
import sim
from agents.birth import Learned
from agents.policy import Policy
from agents.scenario import Scenario

DIGITS = 16


@cache
def world_code() -> str:
    """Hash of the source that lives a replicate and counts what it came to, and of the version of NumPy."""
    folders = [Path(str(package.__file__)).parent for package in (sim, agents)]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    return _hash([np.__version__.encode(), *_contents([*files, Path(experiments.metrics.__file__)])])


@cache
def search_code() -> str:
    """Hash of the source that decides the trials of a search, and of the versions of the libraries that propose."""
    folder = Path(str(experiments.searching.__file__)).parent
    files = [*sorted(folder.rglob("*.py")), folder.parent / "run.py"]
    versions = " ".join(f"{name} {version(name)}" for name in ("optuna", "cmaes", "scipy", "scikit-learn"))
    return _hash([world_code().encode(), versions.encode(), *_contents(files)])


def world_digest(scenario: Scenario, learned: Learned | None) -> str:
    """Hash of everything that decides a replicate except its policy and its seed."""
    parts = [world_code(), scenario.digest(), learned.digest() if learned else "", _own(scenario.behaviours.values())]
    return _hash(part.encode() for part in parts)


def policy_digest(policy: Policy) -> str:
    """Hash of what a policy does; its title does nothing."""
    data = policy.model_dump(mode="json", exclude={"title"})
    return _hash([json.dumps(data, sort_keys=True).encode(), _own(policy.actions.values()).encode()])


def _own(parts: Iterable[Any]) -> str:
    """Hash of the source of kinds that come from plug-ins; empty without any."""
    modules = {type(part).__module__ for part in parts}
    return "".join(_plugin_code(name) for name in sorted(modules) if name.partition(".")[0] not in ("sim", "agents"))


@cache
def _plugin_code(name: str) -> str:
    """Hash of a module, and of all that lies in its folder when it belongs to a package."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # typed in, as in a notebook
        return name
    path = Path(file)
    return _hash(_contents(sorted(path.parent.rglob("*.py")) if "." in name else [path]))


def _contents(files: Iterable[Path]) -> Iterable[bytes]:
    return (file.read_bytes() for file in files)


def _hash(parts: Iterable[bytes]) -> str:
    h = hashlib.sha256()
    for part in parts:
        h.update(hashlib.sha256(part).digest())  # so that no part runs into the next
    return h.hexdigest()[:DIGITS]
