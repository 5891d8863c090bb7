"""Posts and live streams keep the contract of actions."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from typing import Any

from agents.actions import Posts
from tests.contracts.action_contract import ActionContract

OFTEN: dict[str, Any] = {"per_week": 3.5}


class TestPosts(ActionContract):
    kind = Posts
    example = {"medium": "broadcast", "calendar": OFTEN, "advert_share": 0.4, "cost_cny": 0.013, "hours_per_post": 0.5,
               "production_cny": 3.5, "interest_group": "sports"}  # fmt: skip
    columns = set()
    costs = {"message_advert", "message_content", "setup", "wages"}
