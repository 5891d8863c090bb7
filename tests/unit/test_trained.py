"""The folder of a training: data that comes back byte for byte, and never code."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.birth import Learned, LearnedContact
from agents.customers import ContactHistory
from agents.models import History, default_models, record_orders
from agents.models.contact import ContactModels
from experiments.learning.trained import CONTACT, MANIFEST, MODELS, STATES, load_trained, save_trained
from sim import ModelError
from tests.desk import desk, run

__all__ = ["desk"]  # a fixture

PEOPLE = 30


def learned(contact: bool = False) -> Learned:
    history = History()
    history.append(PEOPLE, key=(1 << 62) + np.arange(PEOPLE), joined=-90)
    record_orders(history, np.arange(0, PEOPLE, 2), -20, np.full(PEOPLE // 2, 2500))
    models = default_models(orders_per_year=20, basket_cents=3000).model_copy(
        update={"trained_on": "0123456789abcdef", "cut_off": datetime.date(2024, 3, 31)}
    )
    more = None
    if contact:
        state = ContactHistory()
        state.append(PEOPLE, **history.arrays())
        hazard = models.lapse.model_copy(update={"name": "mute"})
        more = LearnedContact(ContactModels(hazards={"mute": hazard}), state)
    spent = np.arange(PEOPLE, dtype=np.int64)
    classes = {"region": np.array(["north", ""] * (PEOPLE // 2))}
    return Learned(models, history, np.linspace(0, 1, PEOPLE), spent, more, classes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "training"
    folder.mkdir()
    save_trained(folder, learned())
    return folder


@pytest.mark.parametrize("contact", [False, True])
def test_what_is_read_is_what_was_written(contact: bool, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.mkdir()
    ours = learned(contact)
    save_trained(first, ours)
    read = load_trained(first)
    save_trained(second, read.learned)
    assert read.digest == ours.digest() == read.learned.digest()
    assert {path.name for path in first.iterdir()} == {MANIFEST, MODELS, STATES} | ({CONTACT} if contact else set())
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()
    for name, column in ours.history.arrays().items():
        assert (read.learned.history.arrays()[name] == column).all()
        assert read.learned.history.arrays()[name].dtype == column.dtype
    assert {name: texts.tolist() for name, texts in read.learned.classes.items()} == {"region": ["north", ""] * 15}


def test_everything_that_a_world_needs_is_kept() -> None:
    """A new field of Learned must be written too, or worlds from a folder would differ from worlds from logs."""
    assert {f.name for f in fields(Learned)} == {"models", "history", "p_lapsed", "spend_before", "contact", "classes"}
    assert {f.name for f in fields(LearnedContact)} == {"models", "state"}


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Change a file and its hash in the manifest, as somebody would who means harm."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def manifest(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        data = json.loads((folder / MANIFEST).read_text()) | changes
        (folder / MANIFEST).write_text(json.dumps(data))

    return edit


def states(**changes: Any) -> Callable[[Path], None]:
    """Change arrays (None drops one) and all hashes on the way."""

    def edit(folder: Path) -> None:
        with np.load(folder / STATES) as parts:
            arrays = {name: parts[name] for name in parts.files}
        for name, array in changes.items():
            arrays[name.replace("__", "/")] = array
        content = io.BytesIO()
        np.savez(content, **{name: array for name, array in arrays.items() if array is not None})
        rewrite(folder, STATES, content.getvalue())

    return edit


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-100]) and None


def flip(name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(bytes(content))

    return edit


def trap(name: str) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, name, pickle.dumps(Trap(folder / "sprung")))


def trapped_array(folder: Path) -> None:
    array = np.empty(PEOPLE, object)
    array[:] = [Trap(folder / "sprung")] * PEOPLE
    states(p_lapsed=array)(folder)


def other_models(folder: Path) -> None:
    models = learned().models.model_copy(update={"lapse_days": 77})
    rewrite(folder, MODELS, models.to_json().encode())


def no_cut_off(folder: Path) -> None:
    rewrite(folder, MODELS, default_models(orders_per_year=20, basket_cents=3000).to_json().encode())


WRONG: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    # what is done to the folder, and what must be said
    "no folder": (shutil.rmtree, ("training: no training here", "siyu train LOGS --out")),
    "no manifest": (lambda f: (f / MANIFEST).unlink(), ("no training here", MANIFEST)),
    "no models": (lambda f: (f / MODELS).unlink(), (MODELS, "a part of the training is missing", "train again")),
    "no states": (lambda f: (f / STATES).unlink(), (STATES, "a part of the training is missing")),
    "wrong format": (manifest(format="other/1"), (MANIFEST, "the format must be 'siyu-training/1'", "'other/1'")),
    "no format": (manifest(format=None), ("the format must be",)),
    "newer version": (manifest(format="siyu-training/2"), ("a newer version", "siyu-training/2", "update siyu")),
    "newer, made by nothing": (manifest(format="siyu-training/2", made_by=[]), ("a newer version, unknown",)),
    "endless version": (manifest(format="siyu-training/" + "9" * 5000), ("the format must be",)),
    "no files": (manifest(files={}), ("the files of a training are",)),
    "a file elsewhere": (manifest(files={MODELS: "", STATES: "", "../x": ""}), ("the files of a training are",)),
    "manifest cut off": (cut(MANIFEST), (MANIFEST, "not valid JSON")),
    "manifest that is a pickle": (lambda f: (f / MANIFEST).write_bytes(pickle.dumps(Trap(f / "sprung"))),
                                  (MANIFEST, "no UTF-8 text")),
    "manifest that is a list": (lambda f: (f / MANIFEST).write_text("[]"), ("must be one JSON object",)),
    "models tampered": (flip(MODELS), (MODELS, "changed or cut off", "hash")),
    "states tampered": (flip(STATES), (STATES, "changed or cut off")),
    "models cut off": (cut(MODELS), (MODELS, "changed or cut off")),
    "states cut off": (cut(STATES), (STATES, "changed or cut off")),
    "models swapped": (other_models, (MANIFEST, "models and states do not match their hash")),
    "models that are a pickle": (trap(MODELS), (MODELS, "no UTF-8 text")),
    "states that are a pickle": (trap(STATES), (STATES, "holds no plain arrays")),
    "an array of objects": (trapped_array, (STATES, "holds no plain arrays", "allow_pickle=False")),
    "a single array": (lambda f: rewrite(f, STATES, _npy()), (STATES, "holds no plain arrays", "a single array")),
    "an array missing": (states(history__orders=None), ("array history/orders", "an array is missing")),
    "an array too short": (states(p_lapsed=np.zeros(3)), ("array p_lapsed", "must be float64 with 30 rows", "(3,)")),
    "an array that is a number": (states(history__key=np.int64(3)), ("array history/key", "must be int64 with 1 rows")),
    "an array of another type": (states(spend_before=np.zeros(PEOPLE)), ("array spend_before", "must be int64")),
    "not a number": (states(p_lapsed=np.full(PEOPLE, np.nan)), ("array p_lapsed", "must be finite")),
    "cited defaults": (no_cut_off, (MODELS, "trained models have a cut-off day")),
}  # fmt: skip


def _npy() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


@pytest.mark.parametrize("case", WRONG)
def test_a_folder_that_cannot_be_used(case: str, folder: Path) -> None:
    """Refused with place and cure, and no code in it was run."""
    spoil, words = WRONG[case]
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        load_trained(folder)
    for part in words:
        assert part in str(caught.value)
    assert caught.value.cure
    assert not (folder / "sprung").exists()


def test_the_trap_would_spring(tmp_path: Path) -> None:
    """Negative control."""
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


def test_commands_take_a_folder_for_logs(desk: Path) -> None:
    """A world from the folder starts on the day after its cut-off; a search of an experiment that names it runs."""
    (desk / "training").mkdir()
    save_trained(desk / "training", learned())
    command = ("simulate", "world.yaml", "--policy", "quo.yaml", "--replicates", "1", "--processes", "1")
    said = run(desk, *command, "--models", "training")
    assert said.code == 0, said
    assert "14 days from 2024-04-01" in said.out
    assert f"30 customers were read from 'training' (hash {learned().digest()})" in said.out
    assert run(desk, *command).out != said.out
    question = (desk / "question.yaml").read_text()
    (desk / "question.yaml").write_text(question + "models: training\n")
    assert run(desk, "search", "question.yaml", "--processes", "1").code == 0
    (desk / "question.yaml").write_text(question + "models: training\nlogs: complete_journey\n")
    said = run(desk, "search", "question.yaml", "--processes", "1")
    assert (said.code, said.out) == (2, "")
    assert "leave out logs, cut_off and zone" in said.err


def test_bad_folders_through_the_commands(desk: Path) -> None:
    (desk / "training").mkdir()
    save_trained(desk / "training", learned())
    flip(STATES)(desk / "training")
    command = ("simulate", "world.yaml", "--replicates", "1", "--processes", "1", "--models")
    for folder, words in (
        ("training", "training/states.npz: the file was changed or cut off"),
        ("none", "no training"),
    ):
        said = run(desk, *command, folder)
        assert (said.code, said.out, said.new) == (2, "", set())
        assert words in said.err
        assert "Traceback" not in said.err
    said = run(desk, *command, "training", "--logs", "complete_journey")
    assert (said.code, said.out) == (2, "")
    assert "two sources of models" in said.err


PICKLED: dict[str, tuple[str, ...]] = {  # a file that holds a pickle instead, and the command that reads it
    "world.yaml": ("simulate", "world.yaml", "--replicates", "1", "--processes", "1"),
    "models.json": ("describe", "models.json"),
    "shop/orders.parquet": ("train", "shop"),
    "shop/orders.csv": ("train", "shop"),
    "run/record.json": ("report", "run"),
    "run/weekly.parquet": ("report", "run"),
    "run/study.journal": ("search", "question.yaml", "--processes", "1", "--out", "run"),
    "run/replicates.sqlite": ("search", "question.yaml", "--processes", "1", "--out", "run"),
}


def test_a_pickle_under_any_name_is_never_loaded(desk: Path) -> None:
    """Refused, or put aside as damaged; nothing in it is run and nobody sees a traceback."""
    assert run(desk, "search", "question.yaml", "--processes", "1", "--out", "run").code == 0
    for name, command in PICKLED.items():
        path = desk / name
        kept = path.read_bytes() if path.exists() else None
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pickle.dumps(Trap(desk / "sprung")))
        if command[0] == "search":
            (desk / "run" / "recommendation.json").unlink(missing_ok=True)  # as if it had not finished
        said = run(desk, *command)
        assert said.code == (0 if name.endswith("sqlite") else 2), (name, said)
        assert "Traceback" not in said.err
        assert not (desk / "sprung").exists(), name
        path.unlink()
        if kept is not None:
            path.write_bytes(kept)


def test_optuna_unpickles_nothing_of_a_journal(tmp_path: Path) -> None:
    """It keeps snapshots of a storage as pickles, but only where the backend offers to hold them; ours does not."""
    from optuna.storages.journal._base import BaseJournalSnapshot

    from experiments.searching.studies.journal import Journal

    assert not isinstance(Journal(tmp_path / "study.journal"), BaseJournalSnapshot)


def test_a_snapshot_brings_no_code(tmp_path: Path) -> None:
    from agents.domain import PrivateDomain
    from agents.policy import DO_NOTHING
    from agents.scenario import Scenario

    path = tmp_path / "day.npz"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ValueError, match="pickled"):
        PrivateDomain(Scenario(title="small", horizon_days=2), DO_NOTHING, seed=1).resume(path)
    assert not (tmp_path / "sprung").exists()
