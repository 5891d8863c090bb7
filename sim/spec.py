"""Documents: YAML read into frozen pydantic objects, with errors that name file, line, path and the nearest known word.

The object that is validated is the object that acts; there is no second copy of parameters.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from .errors import SpecError, nearest
from .problems import spec_error

S = TypeVar("S", bound="Spec")
LARGEST = 1e12  # cents of it over thousands of days still fit into 64 bits


def _part_name(name: str) -> str:
    if not name.strip() or "." in name or name != name.strip():
        raise ValueError(f"'{name}' is no name: levers and sources are written with dots; use letters, digits and _")
    return name


PartName = Annotated[str, AfterValidator(_part_name)]
"""Name of a part by which levers, events and accounts refer to it: not empty, no dot, no blank at its ends."""


@dataclass(frozen=True)
class Derived:
    """A number that follows from the fields of a part: its name, value, the formula and the meaning."""

    name: str
    value: float
    formula: str
    meaning: str


class Spec(BaseModel):
    """A part of a document: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _meant(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would read as something else: ``true`` as 1, a number as seconds since 1970."""
        types = _types_of(cls, str(info.field_name))
        if isinstance(value, dict) and any(isinstance(t, type) and issubclass(t, Spec) for t in types):
            return value  # a part of the document, which looks at its own fields
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,):
            if isinstance(part, bool) and types & {int, float} and bool not in types:
                raise PydanticCustomError("float_type", "must be a number")
            if isinstance(part, int | float) and dt.date in types and not types & {int, float}:
                raise PydanticCustomError("date_type", "must be a date")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        """Refuse numbers without a limit of their own whose cents would overflow."""
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,):
            if isinstance(part, int | float) and abs(part) > LARGEST:
                raise PydanticCustomError("too_large", "no number may exceed 1e12, or sums of money would overflow")
        return value

    def source_of(self, name: str) -> str:
        """Where a value comes from that the document does not give; empty where there is nothing to cite."""
        extra = type(self).model_fields[name].json_schema_extra
        return str(extra.get("source", "")) if isinstance(extra, dict) else ""

    @classmethod
    def is_fact(cls, name: str) -> bool:
        """Whether a field says how the world is, and is nothing that its owner decides."""
        field = cls.model_fields.get(name)
        return field is not None and is_fact(field)

    def derived(self) -> Iterator[Derived]:
        """Numbers that follow from the fields and are worth showing beside them."""
        return iter(())

    def digest(self) -> str:
        """Hash of the contents, 16 hexadecimal digits; equal documents have equal digests."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_fact(field: FieldInfo) -> bool:
    """Whether a field is marked as a fact: see :func:`parameter`."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("fact"))


@lru_cache(maxsize=4096)
def _types_of(part: type[Spec], field: str) -> frozenset[Any]:
    """All types that the annotation of a field names; a search validates thousands of documents."""
    return frozenset(_types_in(part.model_fields[field].annotation))


def _types_in(annotation: Any) -> Iterator[Any]:
    """An annotation and all that stands inside its brackets."""
    yield annotation
    for inner in get_args(annotation):
        yield from _types_in(inner)


def parameter(
    default: Any = ..., *, doc: str, source: str = "", unit: str = "", fact: bool = False, **limits: Any
) -> Any:
    """A field with its meaning, unit, limits and the source of its default, all of which ``siyu describe`` shows.

    ``source`` is a citation or the bare word ``assumed``; leave it empty where there is nothing to cite, such as a
    choice of the user's. A ``fact`` stands among decisions and is none, such as what a message costs: no search moves
    it. ``limits`` are those of pydantic's ``Field``.
    """
    extra: dict[str, Any] = {k: v for k, v in (("source", source), ("unit", unit), ("fact", fact)) if v}
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
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Schema of one of the kinds that are registered by now."""
        if cls.kind:
            return handler(core)
        kinds = []
        for name, kind in cls.REGISTRY.items():
            fields = handler.resolve_ref_schema(handler(kind.__pydantic_core_schema__))
            properties = {"kind": {"const": name}, **fields.get("properties", {})}
            kinds.append({**fields, "properties": properties, "required": ["kind", *fields.get("required", [])]})
        return {"oneOf": kinds}

    @classmethod
    def _of_kind(cls, value: Any) -> Kind:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("kind", "a mapping with a 'kind' is needed here")
        kind = value.get("kind")
        if kind is None:
            known = ", ".join(sorted(cls.REGISTRY))
            raise PydanticCustomError("kind", "'kind' is missing; add one of {known}", {"known": known})
        if not isinstance(kind, str) or kind not in cls.REGISTRY:
            hint = nearest(str(kind), cls.REGISTRY)
            raise PydanticCustomError("kind", "unknown kind '{kind}'; {hint}", {"kind": str(kind), "hint": hint})
        fields = {k: v for k, v in value.items() if k != "kind"}
        return cls.REGISTRY[kind].model_validate(fields)

    def dump(self) -> dict[str, Any]:
        """Plain data with the kind in front; validates back to an equal object."""
        return {"kind": self.kind, **self.model_dump(mode="json")}


class _Constructor(RoundTripConstructor):
    """Tells the line of a value that YAML's grammar allows and Python cannot hold, such as 30 February."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise ConstructorError(problem=str(error).split(";")[0], problem_mark=node.start_mark) from None


class Document:
    """A YAML text with the line of every path."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        yaml = YAML(typ="rt", pure=True)
        yaml.Constructor = _Constructor
        try:
            self._tree = yaml.load(io.StringIO(text))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f":{mark.line + 1}" if mark else ""
            rule = " ".join(str(p) for p in (error.context, error.problem) if p)
            raise SpecError(f"not valid YAML: {rule}", place=f"{name}{line}", cure="mend the line") from None
        except YAMLError as error:
            rule = str(error).splitlines()[0].strip()
            raise SpecError(f"not valid YAML: {rule}", place=name, cure="a UTF-8 text file is needed") from None
        except RecursionError:
            raise SpecError("values are nested too deeply", place=name, cure="is this a siyu document?") from None
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
        """The comment at the end of the line of a path, without its hash sign; empty without one."""
        line = self.line(path)
        while path and self.line(path) == line:
            if found := self._own_comment(path):
                return found
            path = path[:-1]  # within {…} or […] the comment belongs to the whole of it, which began on this line
        return ""

    def _own_comment(self, path: tuple[str | int, ...]) -> str:
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
    except OSError as error:
        rule = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise SpecError(rule, place=str(path), cure="give the path of a YAML file") from None
    except UnicodeDecodeError as error:
        raise SpecError(
            f"cannot be read as UTF-8 text: {error.reason} at byte {error.start}",
            place=str(path), cure="save it as UTF-8; is it a YAML file at all?",
        ) from None  # fmt: skip
    return Document(text, str(path))


def validate(kind: type[S], data: dict[str, Any], document: Document | None = None) -> S:
    """Turn plain data into a spec; on failure raise one SpecError that lists every broken rule with its place."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise spec_error(kind, error, document, data) from None
