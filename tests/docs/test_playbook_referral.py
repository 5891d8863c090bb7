"""The policy on the page of referral is a policy that can be lived."""

from __future__ import annotations

import re
from pathlib import Path

from agents.policy import Policy
from sim.spec import Document, validate
from tests.worlds import live, scenario

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "referral.md"


def test_the_example_brings_friends_in_every_way() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    document = Document(text, "referral.md")
    policy = validate(Policy, document.data, document)
    world = live(scenario(3000, 120), policy)
    asked = {world.ledger.sources[code] for code in set(world.ledger.of("referral").source.tolist())}
    assert asked == {"friends", "sharing", "sellers"}
    for kind, source in (("reward", "friends"), ("gift", "darlings")):
        assert {world.ledger.sources[code] for code in set(world.ledger.of(kind).source.tolist())} == {source}
