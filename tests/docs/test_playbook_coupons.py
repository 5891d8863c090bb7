"""The policy on the page of coupons is a policy that can be lived, and its numbers are the rule's."""

from __future__ import annotations

import re
from pathlib import Path

from agents.behaviours import CouponUse
from agents.customers import Traits
from agents.policy import Policy
from sim.spec import Document, validate
from tests.worlds import busy_scenario, live

PAGE = Path(__file__).parents[2] / "docs" / "playbook" / "coupons.md"


def test_the_example_hands_out_every_sort() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    document = Document(text, PAGE.name)
    policy = validate(Policy, document.data, document)
    world = live(busy_scenario(300, 60, traits={"rate_sd": 1.5}), policy)
    for kinds, named in (
        (("coupon_issued", "voucher_issued"), set(policy.actions)),
        (("coupon_redeemed",), {"friday", "thanks", "monthly"}),
    ):
        sources = {world.ledger.sources[code] for kind in kinds for code in world.ledger.of(kind).source.tolist()}
        assert named <= sources


def test_bargain_hunters_mean_to_use_what_the_page_says() -> None:
    once = CouponUse().take_up
    page = PAGE.read_text(encoding="utf-8")
    assert f"{1 - (1 - once) ** Traits().hunter_sensitivity:.0%}".rstrip("%") + " of 100 mean to use" in page
