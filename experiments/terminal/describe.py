"""What can be written in a document: every field with default, limits, unit, source and meaning.

Everything shown is read from the classes that act, so it cannot differ from what they do.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from agents.actions import Action
from agents.audience import PRESETS, Audience
from agents.behaviours import Behaviour
from agents.calendar import Calendar
from agents.channel_presets import PRESETS as CHANNELS
from agents.channels import ChannelSpec
from agents.effects import Effects
from agents.models import CustomerModels
from agents.policy import DO_NOTHING
from experiments.calibrating.facts import Fact
from experiments.load import KINDS, load, open_document, shipped
from sim.errors import ModelError, SpecError, nearest
from sim.problems import Path as Steps
from sim.spec import Document, Kind, Spec, is_fact

PARTS: dict[str, type[Spec]] = {"audience": Audience, "calendar": Calendar, "channel": ChannelSpec, "effects": Effects}
"""Parts of documents that have a page of their own, so that they are not told again under every action."""

UNITS = (  # ends of names, the first that fits counts; money is in the scenario's currency
    ("_cny_per_hour", "currency/hour"), ("_cny_per_day", "currency/day"), ("_cny", "currency"),
    ("hours_per_week", "hours/week"), ("minutes_per_week", "minutes/week"), ("_per_week", "1/week"),
    ("_per_day", "1/day"), ("_per_year", "1/year"),
    ("minutes_per_chat", "minutes"), ("minutes_per_round", "minutes"), ("minutes_per_case", "minutes"),
    ("minutes_per_quote", "minutes"), ("_days", "days"), ("_days_min", "days"), ("_days_max", "days"), ("_day", "day"),
    ("every_days", "days"), ("discount_rate", "share/year"), ("budget", "currency"), ("discount", "share"),
    ("depth", "share"), ("_share", "share"),
)  # fmt: skip
NOTHING = ("none", "false", "[]", "{}")  # defaults that need no line of their own
FIRST_WORDS = {"chance": "chance", "share": "share", "shares": "share", "log-odds": "log-odds", "hours": "hours/week"}


@dataclass(frozen=True)
class Row:
    """One field, all in words: empty where there is nothing to say."""

    name: str
    default: str
    limits: str
    unit: str
    source: str
    meaning: str


@dataclass(frozen=True)
class Page:
    """A kind of document, action or behaviour, or a part of one.

    Attributes
    ----------
    name, about : what it is called in YAML, and what it is.
    rows : its fields, those of its parts by dotted path.
    """

    name: str
    about: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Value:
    """One value of a document, given or left at its default."""

    path: str
    value: str
    given: bool
    unit: str
    source: str
    meaning: str


def kinds_of(family: type[Kind]) -> list[str]:
    """Names of the kinds of a family, in alphabetical order."""
    return sorted(family.REGISTRY)


def pages() -> dict[str, type[Spec]]:
    """Everything that has a page, by name."""
    return {**KINDS, **Action.REGISTRY, **Behaviour.REGISTRY, **Fact.REGISTRY, **PARTS}


def page(name: str) -> Page:
    """The page of a kind or part. Raises SpecError with the nearest known name."""
    known = pages()
    if name not in known:
        raise SpecError(f"nothing named '{name}' to describe", cure=nearest(name, [*known, *shipped()]))
    kind = known[name]
    about = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    if issubclass(kind, Behaviour):
        about += f" Acts in the phase '{kind.phase}'."
    rows = tuple(_rows(kind, None, ""))
    if kind is ChannelSpec:
        rows += tuple(_channel_presets())
    if kind is Audience:
        rows += tuple(Row(f"preset {preset}", shown(data), "", "", "", "") for preset, data in PRESETS.items())
    return Page(name, about, rows)


def _channel_presets() -> Iterator[Row]:
    """Ready channels, and what a contact costs in each."""
    for name, preset in CHANNELS.items():
        cost = ChannelSpec.model_validate({"preset": name, "volume": 1}).cost_per_contact_cny
        yield Row(f"preset {name}", f"{cost:.3g}", "", "currency/contact", preset.source, preset.about)


# -- fields -----------------------------------------------------------------------------------------------------------


def _rows(kind: type[BaseModel], instance: BaseModel | None, path: str) -> Iterator[Row]:
    """Rows of a class; with an instance its values are the defaults."""
    for name, field in kind.model_fields.items():
        if name in ("source", "identified") and "identified" in kind.model_fields:
            continue  # of an effect: shown as the source of its numbers
        default = getattr(instance, name) if instance is not None else _default(field)
        yield from _field_rows(f"{path}{name}", field, default, getattr(instance, "source", ""))


def _field_rows(path: str, field: FieldInfo, default: Any, source: str) -> Iterator[Row]:
    parts, step = _parts_of(field.annotation)
    family = next((part for part in parts if issubclass(part, Kind)), None)
    is_told_elsewhere = family is not None or parts in ([Audience], [Calendar])
    if not parts or is_told_elsewhere or default is None or step or _may_be_plain(field.annotation):
        limits = _limits(field.annotation, field)
        if family is not None:
            limits = "name: kind, one of " + ", ".join(kinds_of(family))
        elif is_told_elsewhere:
            limits = "see audience" if parts == [Audience] else "see calendar"
        meaning = _meaning(field)
        unit = unit_of(path.rsplit(".", 1)[-1], meaning)
        yield Row(path, shown(default), limits, unit, _source(field) or source, meaning)
    if not is_told_elsewhere:
        inside = [
            row
            for part in parts
            for row in _rows(part, default if isinstance(default, part) else None, f"{path}{step}.")
        ]
        yield from dict.fromkeys(inside)  # what several alternatives have in common is told once


def _may_be_plain(annotation: Any) -> bool:
    """Whether a number or text may stand where a part may."""
    alternatives = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    return any(not _parts_of(one)[0] and one is not types.NoneType for one in alternatives)


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return PydanticUndefined
    return field.get_default(call_default_factory=True)


def _parts_of(annotation: Any) -> tuple[list[type[Spec]], str]:
    """The specs that may stand at an annotation, and the step to them: ``.NAME`` in a mapping, ``.0`` in a list."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation], ""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return _parts_of(inner[1])[0], ".NAME"
    if origin in (tuple, list):
        return _parts_of(inner[0])[0], ".0"
    if origin is Annotated:
        return _parts_of(inner[0])
    if origin in (Union, types.UnionType):
        found = [_parts_of(alternative) for alternative in inner]
        return [part for parts, _ in found for part in parts], next((step for _, step in found if step), "")
    return [], ""


def _limits(annotation: Any, field: FieldInfo) -> str:
    words = _choices(annotation)
    if words:
        return "one of " + ", ".join(words)
    marks = {
        name: getattr(mark, name)
        for mark in field.metadata
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length")
        if getattr(mark, name, None) is not None
    }
    if "ge" in marks and "le" in marks:
        return f"{_number(marks['ge'])} … {_number(marks['le'])}"
    if "min_length" in marks and marks["min_length"] == marks.get("max_length"):
        return f"{marks['min_length']} long"
    signs = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "min_length": "at least {} long",
             "max_length": "at most {} long"}  # fmt: skip
    return ", ".join(sign.format(_number(marks[name])) for name, sign in signs.items() if name in marks)


def _choices(annotation: Any) -> list[str]:
    """Words that a field may hold, from the literals inside its annotation."""
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return [word for inner in get_args(annotation) for word in _choices(inner)]


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 10_000 else f"{value:g}"


def _source(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("source", "")) if isinstance(extra, dict) else ""


def _meaning(field: FieldInfo) -> str:
    return (field.description or "") + ("; a fact: no search moves it" if is_fact(field) else "")


def unit_of(name: str, meaning: str) -> str:
    """The unit of a field, from the end of its name or the first word of its meaning; empty for a plain number."""
    for ending, unit in UNITS:
        if name.endswith(ending):
            return unit
    first = re.match(r"[\w-]+", meaning)
    return FIRST_WORDS.get(first[0], "") if first else ""


EXACT = 1e15  # whole numbers below are written out


def shown(value: Any) -> str:
    """A value as it is written in YAML; ``required`` for a field without default."""
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Audience | Calendar):
        return shown(value.model_dump(mode="json", exclude_defaults=True)) if value != Audience() else "everybody"
    if isinstance(value, BaseModel):
        return shown(value.model_dump(mode="json"))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(inner) for inner in value) + "]"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < EXACT else f"{value:g}"
    return str(value)


# -- documents --------------------------------------------------------------------------------------------------------


def values(name: str | Path) -> tuple[str, list[Value]]:
    """Title of a document and every value in it or left at its default, with where each comes from.

    The source of a value that the document gives is the comment at the end of its line, or ``assumed`` for a number
    without one in a scenario or policy. Other numbers are choices of whoever asks the question and have none.
    """
    spec = load(name)
    document = None if spec is DO_NOTHING else open_document(name)[0]
    kind = next(word for word, known in KINDS.items() if isinstance(spec, known))
    return spec.title, list(_values(spec, document, (), "assumed" if kind in ("scenario", "policy") else ""))


def _values(part: Spec, document: Document | None, path: Steps, unsaid: str, inherited: str = "") -> Iterator[Value]:
    own = str(getattr(part, "source", ""))  # an effect names its source itself
    if isinstance(part, Kind):
        yield _value((*path, "kind"), part.kind, document, "", Row("kind", "", "", "", "", ""))
    for name, field in type(part).model_fields.items():
        if own and name in ("source", "identified"):
            continue
        if isinstance(part, Audience | Calendar) and _given(document, (*path, name)) is None:
            continue  # conditions and rules that are not set
        meaning = _meaning(field)
        about = Row(name, "", "", unit_of(name, meaning), part.source_of(name) or own or inherited, meaning)
        for value in _inside(getattr(part, name), document, (*path, name), own or unsaid, about):
            if value.given or value.source or value.value not in NOTHING:
                yield value
    for one in part.derived():
        where, unit = ".".join(map(str, (*path, one.name))), unit_of(one.name, one.meaning)
        yield Value(where, shown(one.value), False, unit, f"= {one.formula}", one.meaning)


def _inside(value: Any, document: Document | None, path: Steps, unsaid: str, about: Row) -> Iterator[Value]:
    written = _given(document, path)
    whole = isinstance(value, Audience | Calendar) and not isinstance(written, dict)  # a preset's name, or a default
    if isinstance(value, Spec) and not whole:
        yield from _values(value, document, path, unsaid, about.source)
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _inside(inner, document, (*path, key), unsaid, about)
    elif isinstance(value, tuple) and any(isinstance(inner, Spec) for inner in value):
        for number, inner in enumerate(value):
            yield from _inside(inner, document, (*path, number), unsaid, about)
    else:
        yield _value(path, written if isinstance(written, str) else value, document, unsaid, about)


def _given(document: Document | None, path: Steps) -> Any:
    """What a document has at a path; None where it has nothing."""
    node = document.data if document else None
    for step in path:
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node


def _value(path: Steps, value: Any, document: Document | None, unsaid: str, about: Row) -> Value:
    given, source = _given(document, path) is not None, about.source
    if document is not None and given:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        source = document.comment(path) or (unsaid if is_number else "")
    return Value(".".join(map(str, path)), shown(value), given, about.unit, source, about.meaning)


# -- models -----------------------------------------------------------------------------------------------------------


def models(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """What a file of models says: a line about it, and (model, covariate, coefficient) of each.

    Raises
    ------
    ModelError
        For another format or version, a wrong hash, missing parts.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        rule = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise ModelError(rule, place=str(path), cure="give the models.json of a training") from None
    except UnicodeDecodeError:
        raise ModelError("is no UTF-8 text", place=str(path), cure="give the models.json of a training") from None
    found = CustomerModels.from_json(text, place=str(path))
    until = f", days up to {found.cut_off}" if found.cut_off else ""
    about = f"models of {found.trained_on}{until}; a customer lapses after {found.lapse_days} days of silence"
    rows = []
    for name in ("repurchase", "lapse", "comeback", "basket"):
        part = getattr(found, name)
        rows.append((name, "intercept", f"{part.intercept:+.4f}"))
        rows += [("", covariate, f"{c:+.4f}") for covariate, c in zip(part.features, part.coef, strict=True)]
    return about, rows
