"""Scenarios that cannot be meant."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.worlds import scenario


def test_a_default_behaviour_under_another_name_is_refused() -> None:
    """It would run beside the default: two purchases a day, of which one is never served."""
    with pytest.raises(ValidationError, match="name it 'purchase'"):
        scenario(behaviours={"impulse": {"kind": "purchase"}})
