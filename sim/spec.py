"""Documents: YAML read into frozen pydantic objects, with errors that name file, line, path and the nearest known word.

The object that is validated is the object that acts; there is no second copy of parameters.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from .errors import SpecError, nearest

S = TypeVar("S", bound="Spec")


class Spec(BaseModel):
    """A part of a document: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    def digest(self) -> str:
        """Hash of the contents, 16 hexadecimal digits; equal documents have equal digests."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parameter(default: Any = ..., *, doc: str, source: str = "", unit: str = "", **limits: Any) -> Any:
    """A field with its meaning, unit, limits and the source of its default, all of which ``siyu describe`` shows.

    ``source`` is a citation or the bare word ``assumed``; leave it empty where there is nothing to cite, such as a
    choice of the user's. ``limits`` are those of pydantic's ``Field``.
    """
    extra: dict[str, Any] = {key: value for key, value in (("source", source), ("unit", unit)) if value}
    return Field(default, description=doc, json_schema_extra=extra or None, **limits)


class Kind(Spec):
    """A part that comes in kinds: ``kind: coupon`` in YAML picks the registered class ``Coupon``.

    The first subclass of ``Kind`` in a family (``class Action(Kind)``) opens a registry; concrete subclasses that set
    ``kind`` join it when their module is imported, so a plug-in needs nothing but its import.
    """

    kind: ClassVar[str] = ""
    REGISTRY: ClassVar[dict[str, type[Kind]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Kind in cls.__bases__:
            cls.REGISTRY = {}
        if "kind" in vars(cls) and cls.kind:
            cls.REGISTRY[cls.kind] = cls

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls.kind:
            return handler(source)
        # A family is validated by looking its kind up at that moment, so that plug-ins count.
        return core_schema.no_info_plain_validator_function(
            cls._of_kind, serialization=core_schema.plain_serializer_function_ser_schema(lambda part: part.dump())
        )

    @classmethod
    def _of_kind(cls, value: Any) -> Kind:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("kind", "a mapping with a 'kind' is needed here")
        kind = value.get("kind")
        if kind not in cls.REGISTRY:
            hint = nearest(str(kind), cls.REGISTRY)
            raise PydanticCustomError("kind", "unknown kind '{kind}'; {hint}", {"kind": str(kind), "hint": hint})
        fields = {k: v for k, v in value.items() if k != "kind"}
        return cls.REGISTRY[kind].model_validate(fields)

    def dump(self) -> dict[str, Any]:
        """Plain data with the kind in front; validates back to an equal object."""
        return {"kind": self.kind, **self.model_dump(mode="json")}


class Document:
    """A YAML text with the line of every path."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        yaml = YAML(typ="rt", pure=True)
        try:
            self._tree = yaml.load(io.StringIO(text))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f":{mark.line + 1}" if mark else ""
            rule = " ".join(str(p) for p in (error.context, error.problem) if p)
            raise SpecError(f"not valid YAML: {rule}", place=f"{name}{line}", cure="mend the line") from None
        except YAMLError as error:
            raise SpecError(f"not valid YAML: {error}", place=name) from None
        self.data: Any = _plain(self._tree)
        if not isinstance(self.data, dict):
            raise SpecError("a document is a mapping of keys to values", place=name, cure="see `siyu describe`")

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """1-based line of the deepest part of a path that the text has."""
        node, line = self._tree, None
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                line = node.lc.key(step)[0] + 1
                node = node[step]
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0] + 1
                node = node[step]
            else:
                break
        return line

    def comment(self, path: tuple[str | int, ...]) -> str:
        """The comment at the end of the line of a path, without its hash sign."""
        node = self._tree
        for step in path[:-1]:
            node = node[step]
        items = getattr(getattr(node, "ca", None), "items", {})
        marks = items.get(path[-1]) if items else None
        token = next((t for t in marks or [] if t is not None and not isinstance(t, list)), None)
        return str(token.value).split("\n")[0].lstrip("# ").strip() if token else ""


def _plain(node: Any) -> Any:
    """The tree of a round-trip loader as plain Python data."""
    if isinstance(node, CommentedMap):
        return {str(k) if not isinstance(k, str) else k: _plain(v) for k, v in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(v) for v in node]
    if isinstance(node, bool):
        return node
    for plain in (int, float, str):
        if isinstance(node, plain):
            return plain(node)
    return node


def read_document(path: Path) -> Document:
    """Read a YAML file. Raises SpecError when it cannot be read or is no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError("no such file", place=str(path), cure="give a path or the name of a shipped config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot be read: {error}", place=str(path), cure="a UTF-8 text file is needed") from None
    return Document(text, str(path))


def validate(kind: type[S], data: dict[str, Any], document: Document | None = None) -> S:
    """Turn plain data into a spec; on failure raise one SpecError that lists every broken rule with its place."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise spec_error(kind, error, document) from None


def spec_error(kind: type[BaseModel], error: ValidationError, document: Document | None) -> SpecError:
    """One error with every broken rule of a validation, each with file, line, path, value and cure."""
    problems = [_problem(kind, item, document) for item in error.errors(include_url=False)]
    if len(problems) == 1:
        place, rule, value, cure = problems[0]
        return SpecError(rule, place=place, value=value, cure=cure)
    lines = [str(SpecError(rule, place=place, value=value, cure=cure)) for place, rule, value, cure in problems]
    return SpecError("\n  ".join([f"{len(lines)} rules are broken:", *lines]))


def _problem(kind: type[BaseModel], item: Any, document: Document | None) -> tuple[str, str, object, str]:
    path = tuple(item["loc"])
    dotted = ".".join(str(step) for step in path) or kind.__name__
    line = document.line(path) if document else None
    place = f"{document.name}{f':{line}' if line else ''}: {dotted}" if document else dotted
    message, value, cure = str(item["msg"]).removeprefix("Value error, "), item.get("input"), ""
    if item["type"] == "extra_forbidden":
        message, value = f"unknown key '{path[-1]}'", None
        cure = nearest(str(path[-1]), _fields_at(kind, document.data if document else {}, path[:-1]))
    elif item["type"] == "missing":
        message, value, cure = f"'{path[-1]}' is missing", None, "add it"
    if isinstance(value, dict | list) or item["type"] in ("kind", "value_error"):
        value = None
    return place, message, value, cure


def _fields_at(kind: type[BaseModel], data: Any, path: tuple[str | int, ...]) -> list[str]:
    """Known field names at a path, kinds resolved by the data beside it."""
    model: Any = kind
    for step in path:
        data = data.get(step, {}) if isinstance(data, dict) else {}
        if isinstance(model, type) and issubclass(model, BaseModel) and step in model.model_fields:
            model = model.model_fields[str(step)].annotation
        else:
            model = next((a for a in reversed(get_args(model))), model)
        model = _model_in(model, data)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _model_in(annotation: Any, data: Any) -> Any:
    """The model class inside an annotation such as ``X | None``; a container is returned as it is."""
    if isinstance(annotation, type) and issubclass(annotation, Kind) and isinstance(data, dict):
        return annotation.REGISTRY.get(str(data.get("kind")), annotation)
    if isinstance(annotation, type):
        return annotation
    models = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    if len(models) == 1 and getattr(annotation, "__origin__", None) not in (dict, tuple, list):
        return _model_in(models[0], data)
    return annotation
