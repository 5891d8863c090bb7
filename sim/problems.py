"""What is wrong with a document: pydantic's findings as one error in the user's words, with place, value and cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from .errors import SpecError, nearest

if TYPE_CHECKING:
    from .spec import Document

Path = tuple[str | int, ...]

THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")  # 1,000 and 1,234,567.8

NUMBER = ("must be a number", "write digits and a point, as 0.1")
WHOLE = ("must be a whole number", "write digits only, as 14")
DATE = ("must be a date", "write it as 2024-09-30")
LIST = ("must be a list", "write [first, second]")
MAPPING = ("must be a mapping of keys to values", "see `siyu describe`")
TRUTH = ("must be true or false", "write true or false")

WORDING: dict[str, tuple[str, str]] = {  # type of pydantic's finding to rule and cure
    "greater_than_equal": ("must be at least {ge}", "raise it"),
    "greater_than": ("must be above {gt}", "raise it"),
    "less_than_equal": ("must be at most {le}", "lower it"),
    "less_than": ("must be below {lt}", "lower it"),
    "finite_number": ("must be a finite number", "write digits and a point, as 0.1"),
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": ("must be a whole number", "round it"),
    "bool_type": TRUTH,
    "bool_parsing": TRUTH,
    "string_type": ("must be text", "put it in quotes"),
    "string_too_short": ("must have at least {min_length} characters", "write more"),
    "string_too_long": ("must have at most {max_length} characters", "shorten it"),
    "date_type": DATE,
    "date_parsing": DATE,
    "date_from_datetime_parsing": DATE,
    "date_from_datetime_inexact": DATE,
    "tuple_type": LIST,
    "list_type": LIST,
    "model_type": MAPPING,
    "dict_type": MAPPING,
    "too_short": ("must have at least {min_length} items", "add to the list"),
    "too_long": ("must have at most {max_length} items", "shorten the list"),
    "literal_error": ("must be {expected}", ""),
}


@dataclass(frozen=True)
class Problem:
    """One broken rule."""

    path: Path
    rule: str
    value: object
    cure: str


def spec_error(kind: type[BaseModel], error: ValidationError, document: Document | None, data: Any = None) -> SpecError:
    """One error with every broken rule of a validation, each with file, line, path, value and cure."""
    data = document.data if document else data
    problems = _merged(_problem(kind, item, data) for item in _findings(error))
    errors = [
        SpecError(p.rule, place=_place(kind, p.path, document), value=p.value, cure=p.cure) for p in problems
    ]  # fmt: skip
    if len(errors) == 1:
        return errors[0]
    return SpecError("\n  ".join([f"{len(errors)} rules are broken:", *map(str, errors)]))


def _place(kind: type[BaseModel], path: Path, document: Document | None) -> str:
    dotted = ".".join(str(step) for step in path)
    if document is None:
        return dotted or kind.__name__
    line = document.line(path)
    return ": ".join(filter(None, (f"{document.name}{f':{line}' if line else ''}", dotted)))


def _findings(error: ValidationError) -> list[Any]:
    """Pydantic's findings without those that only follow from another one."""
    items: list[Any] = error.errors(include_url=False)
    places = [item["loc"] for item in items]

    def follows(item: Any) -> bool:
        loc = item["loc"]
        return item["type"] == "too_short" and any(p[: len(loc)] == loc and len(p) > len(loc) for p in places)

    return [item for item in items if not follows(item)]


def _merged(problems: Iterable[Problem]) -> list[Problem]:
    """Findings at one path as one: the alternatives of a union, the missing items of a list."""
    merged: dict[Path, Problem] = {}
    for problem in problems:
        first = merged.get(problem.path)
        if first is None or first.rule.endswith("items"):
            merged[problem.path] = problem
        elif problem.rule not in first.rule:
            rule = f"{first.rule} or {problem.rule.removeprefix('must be ')}"
            merged[problem.path] = replace(first, rule=rule, cure="")
    return list(merged.values())


def _problem(kind: type[BaseModel], item: Any, data: Any) -> Problem:
    found, value, context = item["type"], item.get("input"), item.get("ctx") or {}
    path = _path(item["loc"], data, of_a_key=found in ("missing", "extra_forbidden"))
    last = path[-1] if path else ""
    if found == "extra_forbidden":
        return Problem(path, f"unknown key '{last}'", None, nearest(str(last), _fields_at(kind, data, path[:-1])))
    if found == "missing" and isinstance(last, int):
        return Problem(path[:-1], f"must have {last + 1} items", len(value), "add to the list")
    if found == "missing":
        return Problem(path, f"'{last}' is missing", None, "add it")
    if found not in WORDING:
        shown = None if found in ("kind", "value_error") else _as_written(value)
        return Problem(path, str(item["msg"]).removeprefix("Value error, "), shown, "")
    rule, cure = WORDING[found]
    rule = rule.format_map({name: _plain_number(limit) for name, limit in context.items()})
    if value is None:
        return Problem(path, f"{rule}, and nothing is written here", None, "write a value, or leave the key out")
    if "actual_length" in context:
        return Problem(path, rule, context.get("actual_length"), cure)
    return Problem(path, rule, _as_written(value), _cure(value, cure))


def _as_written(value: object) -> object:
    """A value as the text has it; None for a whole mapping or list, which would be too long to show."""
    if isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float) else str(value)


def _plain_number(limit: object) -> str:
    return f"{limit:.15g}" if isinstance(limit, float) else str(limit)


def _cure(value: object, otherwise: str) -> str:
    """How to write what was probably meant."""
    text = str(value).strip()
    try:
        if text.endswith(("%", "％")):
            return f"write {text} as {float(text[:-1].replace(',', '.')) / 100:g}"
        if isinstance(value, str) and THOUSANDS.fullmatch(text):
            whole = f"write it without commas, as {text.replace(',', '')}"
            return f"{whole} (or with a point, if the comma is a decimal one)" if text.count(",") == 1 else whole
        if isinstance(value, str) and text.count(",") == 1:
            return f"write it with a point and no comma, as {float(text.replace(',', '.')):g}"
    except ValueError:
        pass
    return otherwise


def _path(loc: Path, data: Any, *, of_a_key: bool) -> Path:
    """The location without the names of a union's members, which pydantic puts in and the text has not."""
    if data is None:
        return loc
    path = list(loc[:1])
    node: Any = data.get(loc[0]) if loc and isinstance(data, dict) else data
    for number, step in enumerate(loc[1:], start=1):
        if _has(node, step):
            node = node[step]
        elif not (of_a_key and number == len(loc) - 1):
            continue
        path.append(step)
    return tuple(path)


def _has(node: Any, step: str | int) -> bool:
    """Whether a mapping or list of plain data has this key or index."""
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _fields_at(kind: type[BaseModel], data: Any, path: Path) -> list[str]:
    """Known field names at a path, kinds resolved by the data beside it."""
    here: list[Any] = [kind]
    for step in path:
        data = data[step] if _has(data, step) else None
        here = [found for one in here for found in _meant(_child(one, step), data)]
    models = [one for one in here if isinstance(one, type) and issubclass(one, BaseModel)]
    return sorted({name for model in models for name in model.model_fields})


def _child(annotation: Any, step: str | int) -> Any:
    """The annotation of one step into a model, mapping or list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(step))
        return field.annotation if field else None
    inner = get_args(annotation)
    if get_origin(annotation) is dict:
        return inner[1]
    is_fixed = isinstance(step, int) and step < len(inner) and Ellipsis not in inner
    return inner[step] if is_fixed and isinstance(step, int) else next(iter(inner), None)


def _meant(annotation: Any, data: Any) -> Iterator[Any]:
    """Models and containers that an annotation may mean for this data."""
    if get_origin(annotation) is Annotated:
        yield from _meant(get_args(annotation)[0], data)
    elif get_origin(annotation) in (Union, UnionType):
        for alternative in get_args(annotation):
            yield from _meant(alternative, data)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        registry: Mapping[str, Any] = getattr(annotation, "REGISTRY", {})
        kind = data.get("kind") if isinstance(data, dict) else None
        yield registry.get(kind, annotation) if isinstance(kind, str) else annotation
    elif get_origin(annotation) in (dict, tuple, list):
        yield annotation
