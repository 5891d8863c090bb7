"""One replicate from close by: every event, and where the time of the day goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.accounts import Identity, identities
from sim.ledger import Ledger


@dataclass(frozen=True)
class Closeup:
    """What one replicate shows that its totals do not.

    Attributes
    ----------
    events : one row per event in the order of the ledger: day, date, key (−1 for nobody in particular), event, amount,
        unit (money in cents), source. None when they were not asked for.
    seconds : processor time of each phase of the day and of its parts, by name; nothing when it was not asked for.
    identities : what sales are made of; nothing when it was not asked for.
    """

    events: pd.DataFrame | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    identities: tuple[Identity, ...] = ()


def live_closely(
    scenario: Scenario,
    policy: Policy,
    *,
    seed: int,
    learned: Learned | None = None,
    events: bool = False,
    profile: bool = False,
    accounts: bool = False,
) -> Closeup:
    """Live one replicate in this process and keep what is asked for."""
    world = PrivateDomain(scenario, policy, seed=seed, learned=learned, detail=events or accounts, profile=profile)
    world.run()
    return Closeup(
        events_frame(world.ledger, scenario.start) if events else None,
        world.seconds,
        identities(world) if accounts else (),
    )


def events_frame(ledger: Ledger, start: dt.date) -> pd.DataFrame:
    """The events of a ledger as a tidy frame."""
    found = ledger.events()
    names = np.array([kind.name for kind in ledger.kinds])
    units = np.array([kind.unit for kind in ledger.kinds])
    sources = np.array(ledger.sources, dtype=object)
    return pd.DataFrame(
        {
            "day": found.day,
            "date": np.datetime64(start) + found.day.astype("timedelta64[D]"),
            "key": found.key,
            "event": pd.Categorical.from_codes(found.kind, names.tolist()),
            "amount": found.amount,
            "unit": units[found.kind],
            "source": sources[found.source] if len(sources) else found.source,
        }
    )
