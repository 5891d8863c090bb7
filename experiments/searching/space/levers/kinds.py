"""The kinds of lever, told apart by a key that only one of them has."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag
from pydantic_core import PydanticCustomError

from experiments.searching.space.levers.base import Lever
from experiments.searching.space.levers.choice import Choice
from experiments.searching.space.levers.each import Each
from experiments.searching.space.levers.number import Number
from experiments.searching.space.levers.rising import Rising
from experiments.searching.space.levers.shares import Shares
from experiments.searching.space.levers.switch import Switch
from experiments.searching.space.levers.weekdays import Weekdays
from sim.errors import nearest

LEVERS: dict[str, type[Lever]] = {
    "choices": Choice,
    "switch": Switch,
    "weekdays": Weekdays,
    "each": Each,
    "over": Shares,
    "rising": Rising,
    "low": Number,
}
"""Kinds of lever by the key that tells them apart; the first that a mapping has counts."""


def _told(value: Any) -> Any:
    """Refuse a mapping without any telling key."""
    if isinstance(value, dict) and not value.keys() & LEVERS.keys():
        # The other end of a number, or a part of a kind, shows what was meant as well as a misspelt key.
        whose = {name: key for key, kind in LEVERS.items() for name in kind.model_fields if name != "when"}
        meant = next((whose[name] for name in value if name in whose), None)
        near = nearest(str(next(iter(value), "")), LEVERS)
        hint = f"'{meant}' is missing" if meant else near if near.startswith("did") else "add one"
        raise PydanticCustomError(
            "lever", "a lever has one of the keys {known}; {hint}", {"known": ", ".join(LEVERS), "hint": hint}
        )
    return value


def _kind(value: Any) -> str:
    """The name of the class for a lever given as a mapping or as an object."""
    if isinstance(value, dict):
        return next((kind.__name__ for key, kind in LEVERS.items() if key in value), Number.__name__)
    return type(value).__name__ if isinstance(value, Lever) else Number.__name__


AnyLever = Annotated[
    Annotated[Choice, Tag("Choice")]
    | Annotated[Switch, Tag("Switch")]
    | Annotated[Weekdays, Tag("Weekdays")]
    | Annotated[Each, Tag("Each")]
    | Annotated[Shares, Tag("Shares")]
    | Annotated[Rising, Tag("Rising")]
    | Annotated[Number, Tag("Number")],
    Discriminator(_kind),
    BeforeValidator(_told),
]
