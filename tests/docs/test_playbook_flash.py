"""The policy on the page of flash groups is a policy that can be lived."""

from __future__ import annotations

import re
from pathlib import Path

from agents.policy import Policy
from sim.spec import Document, validate
from tests.worlds import live, scenario

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "flash.md"


def test_the_example_sells_both_ways() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    document = Document(text, "flash.md")
    policy = validate(Policy, document.data, document)
    world = live(scenario(600, 70), policy)
    orders = world.ledger.of("order")
    assert {"flash", "together"} <= {world.ledger.sources[code] for code in set(orders.source.tolist())}
