"""No estimated effect depends on a day after the cut-off, nor on tags of an export that was made after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents.scenario import Scenario
from experiments.data import Logs
from experiments.effects import Effect, logged_effects
from tests.logged_worlds import lived, written

CUT_DAY = 119
ACTIONS: dict[str, dict[str, Any]] = {
    "coupon": {
        "kind": "drawn_coupon", "depth": 0.15, "valid_days": 7, "calendar": {"every_days": 14, "from_day": 30}
    },
    "advert": {"kind": "drawn_message", "message": "advert", "calendar": {"every_days": 9, "from_day": 30}},
}  # fmt: skip


@pytest.fixture(scope="module")
def logs() -> Logs:
    """Coupons with a minimum spend and adverts, both by lot, and tags as they stand at the end."""
    found = written(lived(1, ACTIONS, n=1200, days=150, coupon=4.4, advert=0.1), propensity=0.4)
    assert found.touches is not None
    least = found.touches["min_spend"].mask(found.touches["kind"] == "coupon_issued", 4000)
    tags = np.arange(found.n_customers) % 2 + 4
    return replace(
        found, touches=found.touches.assign(min_spend=least), customers=found.customers.assign(trust_level=tags)
    )


def effects(logs: Logs, cut_off_day: int) -> dict[str, Effect]:
    return logged_effects(logs, cut_off_day=cut_off_day, scenario=Scenario(title="any"))


def altered(logs: Logs) -> Logs:
    """Another future: dear orders, no touches, other tags."""
    assert logs.touches is not None
    late = logs.visits["day"] > CUT_DAY
    gross = logs.visits["gross"].mask(late, 100 * logs.visits["gross"])
    return replace(
        logs,
        visits=logs.visits.assign(gross=gross, net=gross - logs.visits["discount"]),
        touches=logs.touches[logs.touches["day"] <= CUT_DAY],
        customers=logs.customers.assign(trust_level=9 - logs.customers["trust_level"]),
    )


def test_another_future_changes_no_effect(logs: Logs) -> None:
    ours, theirs = (effects(one, CUT_DAY) for one in (logs, altered(logs)))
    assert {name: effect.method for name, effect in ours.items()} == {
        "coupon_issued": "randomised", "message_advert": "randomised"
    }  # fmt: skip
    assert repr(ours) == repr(theirs)
    assert repr(effects(altered(logs), logs.last_day)) != repr(effects(logs, logs.last_day)), "no future would matter"
