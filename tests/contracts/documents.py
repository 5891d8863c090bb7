"""What every kind of part of a document promises, and helpers that the contracts of actions and behaviours share."""

from __future__ import annotations

import importlib
import io
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from agents.coupon_book import PLAIN, slots_of
from agents.customers import Contact
from experiments.searching.trials.small import scaled, smaller_part
from sim.columns import Columns
from sim.spec import Document, Kind, Spec

IN_HAND = ("depth", "off", "minimum", "until", "reminder", "source", "noticed")


def import_contracts() -> None:
    """Import every test of contracts, so that its classes are known."""
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"tests.contracts.{path.stem}")


def to_yaml(data: Any) -> str:
    """Plain data as YAML text."""
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, text)
    return text.getvalue()


def specs_in(annotation: Any) -> Iterator[type[Spec]]:
    """Document classes inside an annotation such as ``tuple[MemberTier, ...] | None``."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, Spec):
            yield annotation
        return
    for part in typing.get_args(annotation):
        yield from specs_in(part)


def fields_of(kind: type[Spec], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """All fields of a part and of the parts inside it, by dotted path."""
    for name, field in kind.model_fields.items():
        yield f"{path}{name}", field
        for part in specs_in(field.annotation):
            yield from fields_of(part, f"{path}{name}.")


def is_numeric(value: Any) -> bool:
    """Whether a default is a number or a tuple of numbers, and no flag."""
    if isinstance(value, tuple):
        return bool(value) and all(is_numeric(v) for v in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def put(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of plain data with the value at a dotted path."""
    head, _, rest = path.partition(".")
    return data | {head: put(data.get(head) or {}, rest, value) if rest else value}


def changed_columns(before: dict[str, Any], customers: Columns) -> set[str]:
    """Columns in which a row that was there before is different now; those of any slot of coupons by the plain name."""
    plain = {f"{slot.name}_{what}": f"{PLAIN}_{what}" for slot in slots_of(customers.DECLARED) for what in IN_HAND}
    return {
        plain.get(name, name)
        for name, old in before.items()
        if not np.array_equal(getattr(customers, name)[: len(old)], old)
    }  # fmt: skip


def everybody_deletes(customers: Any) -> None:
    """Nobody is a contact any more."""
    customers.contact[:] = Contact.DELETED


class KindContract:
    """What every kind promises as a part of a document. Inherit it through the contract of a family."""

    kind: ClassVar[type[Kind]]
    example: ClassVar[dict[str, Any]]
    """Fields with which it does something in a busy world."""

    def test_is_registered_under_its_name(self) -> None:
        assert self.kind.REGISTRY[self.kind.kind] is self.kind

    def test_survives_yaml(self) -> None:
        part = self.kind.model_validate(self.example)
        data = Document(to_yaml(part.dump()), "memory").data
        assert data.pop("kind") == self.kind.kind
        again = self.kind.model_validate(data)
        assert again == part
        assert again.digest() == part.digest()

    def test_is_frozen(self) -> None:
        part = self.kind.model_validate(self.example)
        for name in type(part).model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(part, name, getattr(part, name))

    def test_unknown_key_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="surprise"):
            self.kind.model_validate(self.example | {"surprise": 1})

    def test_every_field_says_what_it_is(self) -> None:
        assert self.kind.__doc__
        for path, field in fields_of(self.kind):
            assert field.description, f"{path} has no doc"

    def test_what_grows_with_the_customers_is_there(self) -> None:
        """Each declared path leads to a number of the example, and a share of one changes nothing."""
        part = self.kind.model_validate(self.example)
        assert smaller_part(part, 1.0) == part
        data = part.model_dump(mode="json")
        for path in self.kind.extensive:
            assert scaled(data, path, 2.0) != data, f"{path} leads nowhere"

    def test_schema_can_be_exported(self) -> None:
        assert self.kind.model_json_schema()["additionalProperties"] is False
