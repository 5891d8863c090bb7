"""Membership and points keep the contracts of actions and behaviours."""

# ruff: noqa: RUF012  (the contract declares the tables as ClassVar)

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from agents.actions import Membership, Points
from agents.behaviours import CardChoice, FirmDeals, Gratitude, PointsHabits
from sim.errors import SpecError
from tests.contracts.action_contract import ActionContract
from tests.contracts.behaviour_contract import BehaviourContract
from tests.worlds import busy_scenario, live, policy


class TestMembership(ActionContract):
    kind = Membership
    example = {"tiers": [{"threshold_cny": 50, "discount": 0.05, "benefits": {"gift": {"cost_cny": 2}}}],
               "plans": {"card": {"term_days": 9, "fee_cny": 5, "partner_share": 0.5},
                         "taste": {"term_days": 3, "fee_cny": 0, "trial_of": "card"},
                         "advised": {"fee_cny": 30, "expert_hours_per_week": 1.3}},
               "packages": {"box": {"price_cny": 1290, "cost_cny": 700}},
               "calendar": {"every_days": 3}}  # fmt: skip
    columns = {"member_level", "card_until", "member_price", "points_multiplier"}
    costs = {"member_discount", "benefit", "refund", "wages", "chat"}

    def test_thresholds_must_rise(self) -> None:
        with pytest.raises(ValidationError, match=r"must rise \(they are \[9\.0, 9\.0\]\)"):
            self.kind.model_validate({"tiers": [{"threshold_cny": 9}, {"threshold_cny": 9}]})

    def test_a_tier_has_one_threshold_and_all_have_the_same(self) -> None:
        with pytest.raises(ValidationError, match="exactly one of threshold_cny and threshold_points"):
            self.kind.model_validate({"tiers": [{"threshold_cny": 9, "threshold_points": 9}]})
        with pytest.raises(ValidationError, match="use one for all"):
            self.kind.model_validate({"tiers": [{"threshold_cny": 9}, {"threshold_points": 99}]})

    def test_two_member_prices_are_refused_with_both_places(self) -> None:
        places = r"actions\.a\.tiers and actions\.b\.plans contradict each other: both set the member price"
        with pytest.raises(ValidationError, match=places):
            policy(a=self.data(), b={"kind": "membership", "plans": {"card": {}}})

    def test_tiers_by_points_need_points(self) -> None:
        club = {"kind": "membership", "tiers": [{"threshold_points": 99}]}
        with pytest.raises(ValidationError, match=r"actions\.club\.tiers needs an action of kind 'points'; add one"):
            policy(club=club)
        assert policy(club=club, points={"kind": "points"}).actions

    @pytest.mark.parametrize(
        ("old", "cure"),
        [({"card": {}}, r"plans: \{month_card: \{fee_cny: 18"), ({"points_share": 0.02}, "kind: points, per_cny: 1")],
    )
    def test_documents_of_before_are_told_the_cure(self, old: dict[str, object], cure: str) -> None:
        with pytest.raises(ValidationError, match=cure):
            self.kind.model_validate(old)

    def test_a_trial_leads_to_a_plan(self) -> None:
        with pytest.raises(ValidationError, match=r"plans\.a\.trial_of: no full plan is named 'mnth'.*'month'"):
            self.kind.model_validate({"plans": {"a": {"trial_of": "mnth"}, "month": {}}})

    def test_the_better_of_level_and_card_counts(self) -> None:
        data = self.data(tiers=[{"threshold_cny": 0, "discount": 0.3}], plans={"card": {"discount": 0.1, "fee_cny": 0}})
        keen = busy_scenario(behaviours={"card_choice": {"kind": "card_choice", "at_par": 60}})
        world = live(keen, policy(it=data), until=40)
        c = world.customers
        level, card = c.member_level > 0, c.card_until >= 39
        assert (level & card).any()
        assert (card & ~level).any()
        assert np.allclose(c.member_price[level], 0.3)
        assert np.allclose(c.member_price[card & ~level], 0.1)


class TestPoints(ActionContract):
    kind = Points
    example = {"check_in": 9, "photo": 40, "reply": 20, "redeem_from": 100, "expiry_days": 8, "from_day": 3}
    columns = {"points_new", "points_old"}
    costs = {"points"}

    def test_points_that_are_never_given_are_refused(self) -> None:
        late = policy(it=self.data(from_day=60))
        with pytest.raises(SpecError, match=r"actions\.it\.from_day: points would be given from day 60 on"):
            late.check(self.world())

    def test_two_kinds_of_points_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="both set what points are worth"):
            policy(a=self.data(), b=self.data())


class TestCardChoice(BehaviourContract):
    kind = CardChoice
    columns = {"card_until", "card_plan", "card_saved", "card_orders", "tried", "member_price", "points_multiplier"}
    events = {"fee"}


class TestFirmDeals(BehaviourContract):
    kind = FirmDeals
    columns = {"firm"}
    events = {"package", "goods"}


class TestGratitude(BehaviourContract):
    kind = Gratitude
    columns = {"goodwill"}
    events = set()


class TestPointsHabits(BehaviourContract):
    kind = PointsHabits
    columns = {"points_new", "points_old", "check_in_chance", "reply_chance", "stimulus", "level"}
    events = {"points_earned", "points_redeemed", "points", "trust_level"}
