"""The playbook page of communities and events: its policy is one."""

from __future__ import annotations

from pathlib import Path

from agents.policy import Policy
from sim.spec import Document, validate
from tests.worlds import live, scenario

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "events.md"


def test_the_policy_of_the_page_lives() -> None:
    text = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    document = Document(text, PAGE.name)
    world = live(scenario(300, 80), validate(Policy, document.data, document))
    kinds = {kind.name for kind in world.ledger.kinds if len(world.ledger.of(kind.name))}
    assert {"group_opened", "group_joined", "attend", "win", "gift", "interact"} <= kinds
