"""Trained: the folder of a training, which is data and no code, and what a world needs of it.

``models.json`` and ``contact.json`` hold the hazards, ``states.npz`` one row per customer under its pseudonym or code,
``training.json`` the format, its version and a hash of every file. Nothing is unpickled: JSON and plain arrays are all
that is read, and every value is checked against its declaration before a world sees it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from agents.birth import Learned, LearnedContact
from agents.customers import ContactHistory
from agents.models import CustomerModels, History
from agents.models.contact import ContactModels
from experiments.results import provenance, write_json
from sim import Columns, ModelError, SpecError
from sim.spec import validate

FORMAT, VERSION = "siyu-training", 1
LONGEST_VERSION = 9  # digits; Python reads no number of thousands of them
MANIFEST, MODELS, CONTACT, STATES = "training.json", "models.json", "contact.json", "states.npz"
AGAIN = "use the folder as `siyu train` wrote it, or train again"
DIMENSIONS = ("region", "age_band")  # of segments, which logs may name
OWN = {"p_lapsed": np.dtype(np.float64), "spend_before": np.dtype(np.int64)}  # arrays of Learned itself

Arrays = Mapping[str, NDArray[Any]]
C = TypeVar("C", bound=Columns)


@dataclass(frozen=True)
class Trained:
    """What was read of a folder.

    Attributes
    ----------
    name : of the folder.
    learned : models and states, as training gave them to the world.
    digest : 16 hexadecimal digits of both.
    """

    name: str
    learned: Learned
    digest: str


def save_trained(folder: Path, learned: Learned) -> None:
    """Write models and states into a folder that is there; the manifest last."""
    files = {MODELS: learned.models.to_json().encode() + b"\n", STATES: _packed(_arrays(learned))}
    if learned.contact:
        files[CONTACT] = learned.contact.models.model_dump_json(indent=1).encode() + b"\n"
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = {
        "format": f"{FORMAT}/{VERSION}",
        "digest": learned.digest(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "made_by": provenance(),
    }
    write_json(folder / MANIFEST, manifest)


def load_trained(folder: Path) -> Trained:
    """Read what :func:`save_trained` wrote.

    Raises
    ------
    ModelError : no such folder, a missing part, another format or a newer version, a file that was changed or cut off,
        or one that is not what its name says. The message names the file and what to do.
    """
    manifest = _manifest(folder / MANIFEST)
    files = {name: _checked(folder / name, digest) for name, digest in manifest["files"].items()}
    models = CustomerModels.from_json(_text(files[MODELS], folder / MODELS), str(folder / MODELS))
    if models.cut_off is None:
        raise ModelError("trained models have a cut-off day", place=str(folder / MODELS), value=None, cure=AGAIN)
    arrays = _unpacked(files[STATES], folder / STATES)
    history = _columns(History, arrays, "history", folder / STATES)
    own = {name: _array(arrays, name, kind, len(history), folder / STATES) for name, kind in OWN.items()}
    contact = None
    if CONTACT in files:
        state = _columns(ContactHistory, arrays, "contact", folder / STATES)
        contact = LearnedContact(_contact(_text(files[CONTACT], folder / CONTACT), folder / CONTACT), state)
    classes = {name: _texts(arrays, name, len(history), folder / STATES) for name in DIMENSIONS if name in arrays}
    learned = Learned(models, history, own["p_lapsed"], own["spend_before"], contact, classes)
    digest = learned.digest()
    if digest != manifest.get("digest"):
        rule = f"models and states do not match their hash, which would be {digest}"
        raise ModelError(rule, place=str(folder / MANIFEST), value=manifest.get("digest"), cure=AGAIN)
    return Trained(folder.name, learned, digest)


# -- files ------------------------------------------------------------------------------------------------------------


def _manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        cure = f"give the folder of a training, which holds {MANIFEST}; `siyu train LOGS --out FOLDER` writes one"
        raise ModelError("no training here", place=str(path.parent), cure=cure)
    data = _json(_text(path.read_bytes(), path), path)
    name, _, version = str(data.get("format")).partition("/")
    if name != FORMAT or not version.isdecimal() or len(version) > LONGEST_VERSION:
        raise ModelError(
            f"the format must be '{FORMAT}/{VERSION}'", place=str(path), value=data.get("format"), cure=AGAIN
        )
    if int(version) > VERSION:
        cure = "update siyu, or train again with this one"
        raise ModelError(f"made by a newer version, {_maker(data)}", place=str(path), value=data["format"], cure=cure)
    files = data.get("files")
    if not isinstance(files, dict) or not {MODELS, STATES} <= set(files) <= {MODELS, STATES, CONTACT}:
        rule = f"the files of a training are {MODELS}, {STATES} and perhaps {CONTACT}"
        raise ModelError(rule, place=str(path), value=files, cure=AGAIN)
    return data


def _maker(manifest: dict[str, Any]) -> object:
    """The version of siyu that a manifest says it was made by."""
    found: object = manifest
    for step in ("made_by", "versions", "siyu"):
        found = found.get(step) if isinstance(found, dict) else None
    return found or "unknown"


def _checked(path: Path, digest: object) -> bytes:
    """The content of a file with its hash checked before anything looks into it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"a part of the training is missing: {reason}", place=str(path), cure=AGAIN) from None
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        rule = f"the file was changed or cut off: its hash is not that of {MANIFEST}"
        raise ModelError(rule, place=str(path), value=found[:16], cure=AGAIN)
    return content


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ModelError("is no UTF-8 text", place=str(path), cure=AGAIN) from None


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelError(f"not valid JSON: {error}", place=str(path), cure=AGAIN) from None
    if not isinstance(data, dict):
        raise ModelError("must be one JSON object", place=str(path), cure=AGAIN)
    return data


def _contact(text: str, path: Path) -> ContactModels:
    try:
        return validate(ContactModels, _json(text, path))
    except SpecError as error:
        raise ModelError(error.rule, place=f"{path}: {error.place}", value=error.value, cure=AGAIN) from None


# -- arrays -----------------------------------------------------------------------------------------------------------


def _arrays(learned: Learned) -> dict[str, NDArray[Any]]:
    found = {f"history/{name}": column for name, column in learned.history.arrays().items()}
    found |= {name: np.asarray(getattr(learned, name), kind) for name, kind in OWN.items()}
    if learned.contact:
        found |= {f"contact/{name}": column for name, column in learned.contact.state.arrays().items()}
    return found | dict(learned.classes)


def _packed(arrays: Arrays) -> bytes:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _unpacked(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """Plain arrays by name. NumPy refuses to unpickle, whatever the file claims to be."""
    try:
        parts = np.load(io.BytesIO(content), allow_pickle=False)
        if not isinstance(parts, np.lib.npyio.NpzFile):
            raise ValueError("a single array")
        with parts:
            return {name: parts[name] for name in parts.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError("holds no plain arrays", place=str(path), value=str(error), cure=AGAIN) from None


def _columns(kind: type[C], arrays: Arrays, prefix: str, path: Path) -> C:
    """Columns whose arrays are those that the class declares."""
    n = np.size(arrays.get(f"{prefix}/{next(iter(kind.DECLARED))}", ()))
    wanted = {name: np.dtype(column.dtype) for name, column in kind.DECLARED.items()}
    columns = kind()
    columns.restore({name: _array(arrays, f"{prefix}/{name}", dtype, n, path) for name, dtype in wanted.items()})
    return columns


def _array(arrays: Arrays, name: str, dtype: np.dtype[Any], n: int, path: Path) -> NDArray[Any]:
    place, found = f"{path}, array {name}", arrays.get(name)
    if found is None:
        raise ModelError("an array is missing", place=place, cure=AGAIN)
    if found.dtype != dtype or found.shape != (n,):
        raise ModelError(
            f"must be {dtype} with {n} rows", place=place, value=f"{found.dtype} {found.shape}", cure=AGAIN
        )
    if dtype.kind == "f" and not np.isfinite(found).all():
        raise ModelError("must be finite numbers", place=place, cure=AGAIN)
    return found


def _texts(arrays: Arrays, name: str, n: int, path: Path) -> NDArray[np.str_]:
    found = arrays[name]
    if found.dtype.kind != "U" or found.shape != (n,):
        place, value = f"{path}, array {name}", f"{found.dtype} {found.shape}"
        raise ModelError(f"must be texts with {n} rows", place=place, value=value, cure=AGAIN)
    return found
