"""Plug-ins from outside the domain keep the same contracts."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

from typing import Any

import pytest

from agents.scenario import Scenario
from experiments.known_answers.a_retention import CaredRetention, RetainedMargin, RetentionSpend
from experiments.known_answers.b_habituation import (
    CouponHabit,
    CouponPostage,
    HabituatedDemand,
    RecencyCoupon,
    SilentDeparture,
)
from experiments.known_answers.c_budget import SegmentedReturn, SegmentSpend
from experiments.known_answers.c_coupon_depth import LogitDemand
from experiments.known_answers.d_cadence import FatiguedDeparture, FatiguedReturn, SteadyCadence
from experiments.known_answers.e_ladder_world import LadderCare, LadderMoves, LadderPurchase
from experiments.known_answers.f_group_buy import GroupBuy, GroupDemand
from experiments.known_answers.f_referral import Referral, WelcomeOrder
from experiments.known_answers.g_buy_till_you_die import BgNbd, ParetoNbd, ShiftedBetaGeometric
from experiments.known_answers.g_flow import SteadyDeparture, SteadyReach
from sim.errors import SpecError
from tests.contracts.action_contract import ActionContract
from tests.contracts.documents import KindContract
from tests.worlds import busy_scenario, policy

OFTEN: dict[str, Any] = {"per_week": 5}


class TestRetentionSpend(ActionContract):
    kind = RetentionSpend
    example = {"spend_cny": 0.123, "calendar": OFTEN}
    columns = set()
    costs = {"message_content"}


class TestSteadyCadence(ActionContract):
    kind = SteadyCadence
    example = {"messages": 1.7, "cost_cny": 0.02, "calendar": OFTEN}
    columns = set()
    costs = {"message_advert"}


class TestSegmentSpend(ActionContract):
    kind = SegmentSpend
    example = {"spend_cny": {"L0": 0.1, "L3": 0.25, "L4": 1.7}, "calendar": OFTEN}
    columns = set()
    costs = {"message_content"}


class TestLadderCare(ActionContract):
    kind = LadderCare
    example = {
        "levels": {"L0": {"action": "content"}, "L3": {"action": "event", "share": 0.6, "otherwise": "chat"},
                   "L4": {"action": "coupon", "share": 0.4}},
        "cost_cny": {"content": 0.013, "chat": 0.5, "coupon": 0.2, "event": 0.11}, "calendar": OFTEN,
    }  # fmt: skip
    columns = set()
    costs = {"message_content", "message_advert", "chat"}


class TestSteadyReach(ActionContract):
    kind = SteadyReach
    example = {"people_per_day": {"ads": 3.3, "store": 9.0}}
    columns = set()
    costs = {"media"}

    def world(self, **changes: Any) -> Scenario:
        """It needs its channels, also where the contract would do without newcomers."""
        return super().world(**{name: value for name, value in changes.items() if name != "channels" or value})

    def test_an_unknown_channel_is_refused(self) -> None:
        wrong = policy(it=self.data(people_per_day={"stroe": 3}))
        with pytest.raises(SpecError, match=r"no channel 'stroe'; did you mean 'store'"):
            wrong.check(busy_scenario())


class TestRecencyCoupon(ActionContract):
    kind = RecencyCoupon
    example = {"depths": [0.1, 0.3], "starts": [1, 2], "until": 4, "recencies": 5, "period_days": 3, "calendar": OFTEN}
    columns = {"coupon_depth", "coupon_minimum", "coupon_until", "coupon_reminder", "coupon_source", "coupon_noticed"}
    costs = {"coupon_redeemed"}


class TestGroupBuy(ActionContract):
    kind = GroupBuy
    example = {"depth": 0.2, "invited": 10, "needed": 3, "cost_cny": 0.05, "calendar": OFTEN}
    columns = set()
    costs = {"message_advert"}


class TestRetainedMargin(KindContract):
    kind = RetainedMargin
    example = {"margin_cny": 20}


class TestCaredRetention(KindContract):
    kind = CaredRetention
    example = {"lowest": 0.5, "highest": 0.9, "per_cny": 0.1}


class TestLogitDemand(KindContract):
    kind = LogitDemand
    example = {"price_cny": 20, "classes": [{"share": 1, "intercept": 1, "slope": 0.1}]}


class TestFatiguedReturn(KindContract):
    kind = FatiguedReturn
    example = {"base_cny": 1, "gain_cny": 6, "saturation": 0.6}


class TestFatiguedDeparture(KindContract):
    kind = FatiguedDeparture
    example = {"per_week": 0.01, "per_square": 0.002}


class TestBgNbd(KindContract):
    kind = BgNbd
    example = {"r": 0.2, "alpha": 4, "a": 0.8, "b": 2, "seen": {"x": 2, "t_x": 3, "T": 4}}


class TestParetoNbd(KindContract):
    kind = ParetoNbd
    example = {"r": 0.2, "alpha": 4, "s": 0.8, "beta": 2}


class TestShiftedBetaGeometric(KindContract):
    kind = ShiftedBetaGeometric
    example = {"alpha": 0.6, "beta": 3}


class TestSteadyDeparture(KindContract):
    kind = SteadyDeparture
    example = {"per_day": 0.02}


class TestSegmentedReturn(KindContract):
    kind = SegmentedReturn
    example = {"segments": [{"customers": 3, "worth": 20, "response": 0.1}]}


class TestLadderPurchase(KindContract):
    kind = LadderPurchase
    example = {"buy": [[0.1, 0.1, 0.1, 0.3, 0.2]], "margin_cny": 20, "coupon_margin_cny": 15}


class TestLadderMoves(KindContract):
    kind = LadderMoves
    example = {"up": [[0.1, 0.2, 0.3, 0.2, 0.2], [0, 0, 0, 0, 0]], "churn": [[0.1, 0.1, 0.1, 0.1, 0.1]] * 2,
               "down": [0, 0.1]}  # fmt: skip


class TestCouponPostage(KindContract):
    kind = CouponPostage
    example = {"cost_cny": 0.7}


class TestHabituatedDemand(KindContract):
    kind = HabituatedDemand
    example = {"price_cny": 9, "intercept": -1, "per_recency": 0.5, "lift": 4, "per_habit": 0.7, "recencies": 8}


class TestCouponHabit(KindContract):
    kind = CouponHabit
    example = {"most": 2, "price_cny": 9}


class TestSilentDeparture(KindContract):
    kind = SilentDeparture
    example = {"per_recency": 0.02, "recencies": 8}


class TestGroupDemand(KindContract):
    kind = GroupDemand
    example = {"price_cny": 20, "intercept": -3, "lift": 9}


class TestReferral(KindContract):
    kind = Referral
    example = {"per_person": 0.6, "channel": "store"}


class TestWelcomeOrder(KindContract):
    kind = WelcomeOrder
    example = {"price_cny": 5}
