"""The playbook page of acquisition: its documents load and live together."""

from __future__ import annotations

import re
from pathlib import Path

from agents.policy import Policy
from agents.scenario import Scenario
from sim.spec import Document, validate
from tests.worlds import live

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "acquisition.md"


def test_the_examples_live_and_show_what_is_promised() -> None:
    world_text, policy_text = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    of = validate(Scenario, Document(world_text, "page").data | {"horizon_days": 20, "population": {"size": 300}})
    world = live(of, validate(Policy, Document(policy_text, "page").data))
    for kind in ("media", "reached", "join", "first_contact", "welcome", "lured", "voucher_issued", "quote_unanswered"):
        assert len(world.ledger.of(kind)), kind
    assert {"media.douyin", "bakery", "swap", "first_contact"} <= set(world.ledger.sources)
