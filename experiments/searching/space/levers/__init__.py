"""Levers: what may move in a policy, as coordinates for a sampler and as values for the policy.

A new kind is a file here and its lines in ``kinds.py``.
"""

from .base import Lever, Params
from .choice import Choice, short
from .each import Each
from .kinds import LEVERS, AnyLever
from .number import Number
from .rising import Rising
from .shares import Shares
from .switch import OFF, ON, Switch, switched_off
from .weekdays import Weekdays

__all__ = [
    "LEVERS", "OFF", "ON", "AnyLever", "Choice", "Each", "Lever", "Number", "Params", "Rising", "Shares", "Switch",
    "Weekdays", "short", "switched_off",
]  # fmt: skip
