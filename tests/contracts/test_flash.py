"""Flash groups and group buying keep the contracts."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from agents.actions import FlashGroup, GroupBuy
from agents.behaviours import FlashJoin, FlashSale, GroupBuying
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract

ITEM = {"name": "box", "list_price_cny": 120, "price_cny": 60, "unit_cost_cny": 30, "stock": 400}


class TestFlashGroup(ActionContract):
    kind = FlashGroup
    example = {"calendar": {"every_days": 20, "from_day": 15}, "item": ITEM, "nurture_days": 12}
    columns = set()
    costs = {"message_content", "message_advert", "setup"}


class TestGroupBuy(ActionContract):
    kind = GroupBuy
    example = {"calendar": {"every_days": 3}, "item": ITEM, "days_open": 2, "commission_cny": 3}
    columns = set()
    costs = {"refund", "commission"}


class TestFlashJoin(BehaviourContract):
    kind = FlashJoin
    columns = {"flash_group"}
    events = {"flash_join"}


class TestFlashSale(BehaviourContract):
    kind = FlashSale
    columns = {"flash_group"}
    events = {"order", "goods"}


class TestGroupBuying(BehaviourContract):
    kind = GroupBuying
    columns = {"deal", "deal_host", "deal_until", "deal_paid"}
    events = {
        "deal_opened", "deal_joined", "deal_filled", "deal_failed", "fee", "refund", "order", "goods", "commission",
    }  # fmt: skip
