"""Audiences: every condition by itself, all together, and the presets."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.audience import PRESETS, Audience
from agents.customers import NEVER, Contact, Customers, Interested, Level, Tier, Traits
from agents.models.history import NO_ORDER
from sim.errors import SpecError
from tests.worlds import busy_scenario, policy

DAY = 100


def meant(audience: Any, **columns: Any) -> list[bool]:
    """Who is addressed among rows with these columns; the rest are contacts who joined on day 0."""
    customers = Customers()
    customers.append(len(next(iter(columns.values()))), **{"contact": Contact.CONTACT, **columns})
    mask: list[bool] = Audience.model_validate(audience).mask(customers, DAY).tolist()
    return mask


def test_only_contacts_are_addressed() -> None:
    states = [Contact.PROSPECT, Contact.REACHED, Contact.CONTACT, Contact.MUTED, Contact.DELETED]
    assert meant({}, contact=states) == [False, False, True, True, False]
    assert meant({"muted": False}, contact=states) == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("audience", "columns", "expected"),
    [
        ({"levels": ["L0", "L4"]}, {"level": [0, 1, 3, 4, 5]}, [1, 0, 0, 1, 0]),
        ({"tiers": ["core"]}, {"tier": [Tier.GENERAL, Tier.CORE, Tier.HIGH_VALUE]}, [0, 1, 0]),
        ({"members": True}, {"member_level": [0, 2, 0, 0], "card_until": [NEVER, NEVER, DAY, DAY - 1]}, [0, 1, 1, 0]),
        ({"members": False}, {"member_level": [0, 2, 0, 0], "card_until": [NEVER, NEVER, DAY, DAY - 1]}, [1, 0, 0, 1]),
        ({"recency_days_min": 10}, {"orders": [1, 1, 0], "last_order": [90, 91, NO_ORDER]}, [1, 0, 0]),
        ({"recency_days_max": 10}, {"orders": [1, 1, 0], "last_order": [90, 89, NO_ORDER]}, [1, 0, 0]),
        ({"recency_days_min": 0}, {"orders": [1, 0], "last_order": [99, NO_ORDER]}, [1, 0]),
        ({"orders_min": 2}, {"orders": [1, 2, 3]}, [0, 1, 1]),
        ({"orders_max": 2}, {"orders": [1, 2, 3]}, [1, 1, 0]),
        ({"orders_min": 2, "orders_max": 2}, {"orders": [1, 2, 3]}, [0, 1, 0]),
        ({"joined_days_min": 7}, {"joined": [92, 93, 94, -5]}, [1, 1, 0, 1]),
        ({"in_community": True}, {"level": [0, 1]}, [0, 0]),
        ({"in_community": False}, {"level": [0, 1]}, [1, 1]),
        ({"joined_days_max": 7}, {"joined": [92, 93, 100, -5]}, [0, 1, 1, 0]),
        ({"levels": ["L4"], "orders_min": 2}, {"level": [4, 4, 3], "orders": [1, 2, 2]}, [0, 1, 0]),
    ],
)  # fmt: skip
def test_conditions(audience: dict[str, Any], columns: dict[str, Any], expected: list[int]) -> None:
    assert meant(audience, **columns) == [bool(e) for e in expected]


def test_groups_of_interest_go_by_their_names() -> None:
    customers = Customers.with_columns_of(Interested)()
    customers.append(4, contact=Contact.CONTACT, interest_group=[0, 1, 2, -1])
    customers.traits = Traits(interest_groups={"cooking": 1, "sports": 1, "gardening": 1})
    audience = Audience(interest_groups=("gardening", "cooking"))
    assert audience.mask(customers, DAY).tolist() == [True, False, True, False]
    wrong = policy(it={"kind": "advert", "calendar": {"per_week": 1}, "audience": {"interest_groups": ["sport"]}})
    with pytest.raises(SpecError, match=r"it\.audience\.interest_groups.*no group of interest 'sport'; did you mean"):
        wrong.check(busy_scenario())


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_the_audiences_that_they_stand_for(name: str) -> None:
    assert Audience.model_validate(name) == Audience.model_validate(PRESETS[name])


def test_lapsing_and_lapsed_share_nobody_and_leave_nobody_out() -> None:
    days = list(range(DAY - 120, DAY))
    lapsing, lapsed = (meant(name, orders=[1] * 120, last_order=days) for name in ("lapsing", "lapsed"))
    assert not any(a and b for a, b in zip(lapsing, lapsed, strict=True))
    assert [a or b for a, b in zip(lapsing, lapsed, strict=True)] == [DAY - day >= 14 for day in days]


def test_it_reads_observed_columns_alone() -> None:
    customers = Customers()
    customers.append(2, contact=Contact.CONTACT, level=Level.BUYER, orders=1, last_order=80)
    everything = Audience.model_validate({
        "levels": ["L4"], "tiers": ["general"], "members": False, "recency_days_min": 1, "recency_days_max": 99,
        "orders_min": 1, "orders_max": 9, "joined_days_max": 200,
    })  # fmt: skip
    assert everything.mask(customers.observed(), DAY).all()


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ("lapsign", "no audience named 'lapsign'; did you mean 'lapsing'"),
        ({"recency_days_min": 9, "recency_days_max": 3}, "recency_days_min 9 exceeds recency_days_max 3: nobody"),
        ({"orders_min": 2, "orders_max": 1}, "orders_min 2 exceeds orders_max 1: nobody"),
        ({"levels": []}, "levels"),
        ({"levels": ["L6"]}, "levels"),
        ({"tiers": ["gold"]}, "tiers"),
    ],
)
def test_impossible_audiences_are_refused(audience: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Audience.model_validate(audience)
    assert said in str(caught.value)
