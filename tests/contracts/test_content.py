"""Posts and live streams keep the contract of actions."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from typing import Any

from agents.actions import LiveStream, Posts
from agents.behaviours.viewing import Viewing
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract

OFTEN: dict[str, Any] = {"per_week": 3.5}


class TestPosts(ActionContract):
    kind = Posts
    example = {"medium": "broadcast", "calendar": OFTEN, "advert_share": 0.4, "cost_cny": 0.013, "hours_per_post": 0.5,
               "production_cny": 3.5, "interest_group": "sports"}  # fmt: skip
    columns = set()
    costs = {"message_advert", "message_content", "setup", "wages"}


class TestLiveStream(ActionContract):
    kind = LiveStream
    example = {"calendar": {"weekdays": ["wed", "sat"]}, "length_hours": 3, "gift_cny": 2.5, "setup_cny": 30,
               "announce": "broadcast", "announcement_cost_cny": 0.013}  # fmt: skip
    columns = set()
    costs = {"message_advert", "gift", "setup", "wages"}


class TestViewing(BehaviourContract):
    kind = Viewing
    columns = {"stimulus", "goodwill", "level"}
    events = {"live_viewer", "gift", "view", "interact", "trust_level"}
