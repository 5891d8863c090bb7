"""The documents on the page of content can be lived, and all that they name happens."""

from __future__ import annotations

import re
from pathlib import Path

from agents.policy import Policy
from agents.scenario import Scenario
from sim.spec import Document, validate
from tests.worlds import live

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "content.md"


def test_the_examples_are_lived() -> None:
    texts = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    policy, scenario = (
        validate(kind, document.data, document)
        for kind, document in zip((Policy, Scenario), (Document(text, PAGE.name) for text in texts), strict=True)
    )
    world = live(scenario, policy, until=40)
    ledger = world.ledger
    sent = {name: set() for name in policy.actions}
    for kind in ("message_advert", "message_content", "live_viewer", "gift"):
        for code in set(ledger.of(kind).source.tolist()):
            sent[ledger.sources[code]].add(kind)
    assert sent == {
        "moments": {"message_advert", "message_content"},
        "kitchen": {"message_content"},
        "offers": {"message_advert"},
        "stream": {"message_advert", "live_viewer", "gift"},
    }
