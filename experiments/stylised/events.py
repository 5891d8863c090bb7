"""Group events: how many new products a week, and how often a welfare day is announced (S4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from agents.policy import Policy
from experiments.load import load
from experiments.stylised.fact import Arm, Fact, difference
from experiments.stylised.trust import profit
from sim.spec import validate

PRESET = "sparkling_drinks"
GROUPS = {"kind": "community", "calendar": {"per_week": 2}, "hours_per_week": 8}  # hours assumed
NEW_PRODUCTS = {"kind": "new_product_day", "calendar": {"weekdays": ["wed"]}}  # S4: Wednesday
WELFARE = {"kind": "welfare_day", "calendar": {"weekdays": ["fri"]}, "gift": {"stock": 100}}  # S4: Friday, limited gift


def _policy(title: str, event: dict[str, Any], **changes: Any) -> Policy:
    return validate(Policy, {"title": title, "actions": {"groups": GROUPS, "event": event | changes}})


def facts() -> Iterator[Fact]:
    """Profit of two new products against one and five; of two announcements against one."""
    here = load(PRESET, "scenario")
    items = {n: Arm(f"{n}", here, _policy(f"{n} new", NEW_PRODUCTS, items=n), profit) for n in (1, 2, 5)}
    for other, why in ((1, "fewer are not worth it"), (5, "more confuse")):
        yield Fact(
            f"events: profit of 2 new products a week less that of {other}", f"exactly two on a Wednesday: {why}", "S4",
            0.0, math.inf, here.currency, (items[2], items[other]), difference("2", f"{other}"),
            tuned=True, times=4,
        )  # fmt: skip
    told = [Arm(f"{n}", here, _policy(f"announced {n}", WELFARE, announcements=n), profit) for n in (2, 1)]
    yield Fact(
        "events: profit of a welfare day announced twice less once", "announced at noon and again in the evening", "S4",
        0.0, math.inf, here.currency, tuple(told), difference("2", "1"), times=4,
    )  # fmt: skip
