"""What several tests look at: one finished world with everything going on."""

from __future__ import annotations

import pytest

from agents.domain import PrivateDomain
from tests.worlds import Event, busy_policy, busy_scenario, canonical, live


@pytest.fixture(scope="session")
def busy() -> PrivateDomain:
    """A finished world with every kind of action and event. Read it, do not step it."""
    return live(busy_scenario(), busy_policy())


@pytest.fixture(scope="session")
def busy_events(busy: PrivateDomain) -> list[Event]:
    """Its events, sorted by day and key."""
    return canonical(busy)
