"""Every operator action keeps the contract."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.actions import Acquisition, Action, Advert, Chat, Content, Coupon
from agents.scenario import Scenario
from sim.errors import SpecError
from sim.spec import validate
from tests.contracts.action_contract import ActionContract
from tests.contracts.documents import import_contracts
from tests.worlds import EVERYTHING, busy_scenario, canonical, live, policy

OFTEN: dict[str, Any] = {"per_week": 5}


class TestAcquisition(ActionContract):
    kind = Acquisition
    example = {"spend_cny_per_day": {"ads": 30, "store": 12.34}, "calendar": {"weekdays": ["mon", "fri"]}}
    columns = set()
    costs = {"media"}

    def test_an_unknown_channel_is_refused(self) -> None:
        wrong = policy(it=self.data(spend_cny_per_day={"stroe": 3}))
        with pytest.raises(SpecError, match=r"no channel 'stroe'; did you mean 'store'"):
            wrong.check(busy_scenario())


class TestAdvert(ActionContract):
    kind = Advert
    example = {"calendar": OFTEN, "production_cny": 3.5}
    columns = set()
    costs = {"message_advert", "setup"}


class TestContent(ActionContract):
    kind = Content
    example = {"calendar": OFTEN, "cost_cny": 0.0123}
    columns = set()
    costs = {"message_content", "setup"}


class TestChat(ActionContract):
    kind = Chat
    example = {"hours_per_week": {"L0": 2, "L2": 1.5, "L4": 3}, "cost_cny": 0.2}
    columns = set()
    costs = {"chat", "wages"}

    def test_hours_are_shared_among_all_chats(self) -> None:
        """Together they work no more than the hours that there are, and within them as many chats as fit."""
        short = busy_scenario(1000, staff={"hours_per_week": 5}, channels={})
        world = live(short, policy(it=self.data(), other=self.data(hours_per_week={"L1": 6.5})))
        wages = int(world.ledger.of("wages").amount.sum())
        assert abs(wages - 5 / 7 * 60 * 3500) <= 2
        chats = len(world.ledger.of("chat"))
        assert 0.9 * 5 / 7 * 60 * 10 < chats <= 5 / 7 * 60 * 10  # six minutes each

    def test_two_chats_meet_different_people(self) -> None:
        """Each action has its own luck in whom it meets."""
        one = self.data(hours_per_week={"L0": 2})
        chats = live(busy_scenario(1000, channels={}), policy(a=one, b=one), until=30).ledger.of("chat")
        met = {(d, k, s) for d, k, s in zip(chats.day.tolist(), chats.key.tolist(), chats.source.tolist(), strict=True)}
        a, b = ({(d, k) for d, k, s in met if s == source} for source in {s for *_, s in met})
        assert len(a & b) < 0.2 * len(a)


class TestCoupon(ActionContract):
    kind = Coupon
    example = {"depth": 0.3, "calendar": {"every_days": 4}, "valid_days": 3, "reminder_days": 1, "stock": 900,
               "minimum_spend_cny": 20}  # fmt: skip
    columns = {
        "coupon_depth", "coupon_minimum", "coupon_until", "coupon_reminder", "coupon_source", "coupon_noticed",
    }  # fmt: skip
    costs = {"coupon_redeemed", "message_advert"}

    @pytest.mark.parametrize("stock", [0, 1, 77])
    def test_hands_out_no_more_than_there_are(self, stock: int) -> None:
        world = live(self.world(), policy(it=self.data(stock=stock), other=self.data(depth=0.4, stock=5)))
        issued = world.ledger.of("coupon_issued")
        mine = issued.source == world.ledger.source_code("it")
        assert (int(mine.sum()), int((~mine).sum())) == (stock, 5)

    def test_scarce_coupons_go_by_luck_and_not_by_row(self) -> None:
        coupon = self.data(stock=20, calendar={"dates": ["2024-01-01"]})
        keys = live(self.world(), policy(it=coupon), until=1).ledger.of("coupon_issued").key.tolist()
        assert len(keys) == 20
        assert max(keys) > 100, "a row order would give the first twenty"

    def test_is_valid_for_its_days_alone(self) -> None:
        world = live(self.world(), policy(it=self.data(valid_days=2, stock=None)))
        issued: dict[int, int] = {}
        for day, key, kind, *_ in canonical(world):
            if kind == "coupon_issued":
                issued[key] = day
            elif kind == "coupon_redeemed":
                assert day - issued.pop(key) <= 1
            elif kind == "coupon_expired":
                assert day - issued.pop(key) == 2

    def test_below_the_minimum_it_does_not_count(self) -> None:
        world = live(self.world(), policy(it=self.data(minimum_spend_cny=50)))
        orders = {(d, k): a for d, k, kind, a, _ in canonical(world) if kind == "order"}
        used = [orders[d, k] for d, k, kind, _, _ in canonical(world) if kind == "coupon_redeemed"]
        assert min(used) >= 5000
        assert min(orders.values()) < 5000


def test_every_kind_has_its_contract() -> None:
    """A new action fails here until it inherits the contract; plug-ins may inherit it too."""
    import_contracts()
    kinds = {kind for kind in Action.REGISTRY.values() if kind.__module__.startswith("agents.")}
    assert kinds <= {contract.kind for contract in ActionContract.__subclasses__()}


def test_every_kind_is_in_the_busy_policy() -> None:
    """So that the laws and the object reference meet it."""
    shipped = {name for name, kind in Action.REGISTRY.items() if kind.__module__.startswith("agents.")}
    assert {action["kind"] for action in EVERYTHING.values()} == shipped


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"unknown kind 'cupon'; did you mean 'coupon'"):
        validate(type(policy()), {"title": "t", "actions": {"a": {"kind": "cupon"}}})


def test_a_scenario_of_nobody_is_refused() -> None:
    with pytest.raises(ValidationError, match="nobody can ever live here"):
        Scenario.model_validate({"title": "t", "population": {"size": 0}})
