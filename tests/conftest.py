"""What several tests look at: one finished world with everything going on. And which files are run first."""

from __future__ import annotations

import os
from collections import Counter

import pytest

# Two workers of pytest share two cores. Threads of OpenMP and BLAS wait for each other actively, and where every core
# is busy a forest that takes a tenth of a second takes minutes. Read when a library is loaded: before any import.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from agents.domain import PrivateDomain
from tests.worlds import Event, busy_policy, busy_scenario, canonical, live

DEAR = 100  # a test that is marked slow or long counts as so many others


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Dear files first, so that the last ones are cheap and no worker has to wait for the other at the end."""
    cost: Counter[object] = Counter()
    for item in items:
        dear = item.get_closest_marker("slow") or item.get_closest_marker("long")
        cost[item.path] += DEAR if dear else 1
    items.sort(key=lambda item: -cost[item.path])


@pytest.fixture(scope="session")
def busy() -> PrivateDomain:
    """A finished world with every kind of action and event. Read it, do not step it."""
    return live(busy_scenario(), busy_policy())


@pytest.fixture(scope="session")
def busy_events(busy: PrivateDomain) -> list[Event]:
    """Its events, sorted by day and key."""
    return canonical(busy)
