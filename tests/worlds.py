"""Scenarios and policies that several tests use: a flat market without newcomers, and one with everything going on."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

import agents.actions  # noqa: F401  (registers the kinds of action)
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from sim.ledger import Events

Event = tuple[int, int, str, int, str]  # day, key, kind, amount, source

CHANNELS: dict[str, Any] = {
    "store": {
        "volume": 400,
        "cost_per_reach_cny": 2.0,
        "organic_per_day": 1.5,
        "add_rate": 0.6,
        "trust": 0.45,
        "first_contact": {"interested": 0.3, "quoted": 0.35, "bought": 0.2},
        "tolerance_shift": 0.3,
    },
    "ads": {
        "volume": 900,
        "cost_per_reach_cny": 6.0,
        "add_rate": 0.25,
        "add_later": 0.02,
        "rate_shift": -0.3,
        "first_contact": {"interested": 0.2, "quoted": 0.3, "bought": 0.1},
        "hunter_share": 0.2,
        "price_sensitivity_shift": 0.2,
        "interest_shift": -0.2,
    },
    "partner": {
        "volume": 300,
        "cost_per_reach_cny": 1.0,
        "add_rate": 0.4,
        "basket_shift": 0.2,
        "trust": 0.3,
        "partner": True,
        "reciprocity": 0.05,
    },
}

INTERESTS: dict[str, float] = {"cooking": 3, "sports": 2, "gardening": 1}
SEGMENTS: dict[str, Any] = {
    "region": {
        "north": {"share": 2, "rate": 0.2, "price_sensitivity": 0.3},
        "south": {"tolerance": -0.3, "basket": 0.2},
    },
    "age_band": {"19-24": {"interest": 0.3, "sociability": 0.4}, "25-34": {"share": 1.5}, "35-44": {"rate": -0.1}},
}  # fmt: skip
NEED_CHANNELS = ("acquisition", "newcomer_bait", "partner_swap")  # kinds of action that name channels of the scenario

# Hazards are raised and reviews brought forward, so that in 60 days 200 people meet every rule there is.
LIVELY: dict[str, Any] = {
    "arrival": {"kind": "arrival", "patience_days": 20},
    "gratitude": {"kind": "gratitude", "per_cny": 0.03},
    "coupon_use": {"kind": "coupon_use", "take_up": 0.3, "reminder_take_up": 0.5,
                   "scarcity_lift": 0.6},
    "attention": {"kind": "attention", "interact_chance": 0.3, "muted_reach": 0.3, "chat_load": 0.8,
                  "goodwill_half_life_days": 9},
    "reaction": {"kind": "reaction", "mute": -4.0, "delete": -6.0},
    "attrition": {"kind": "attrition", "delete_per_day": 0.004, "unmute_per_day": 0.06},
    "purchase": {"kind": "purchase", "first_order": -3.2, "kept_after_deletion": 0.2},
    "value_tiers": {"kind": "value_tiers", "every_days": 10, "season_days": 21},
    "trust_levels": {"kind": "trust_levels", "every_days": 5, "fan_trust": 0.4, "slack": 0.08,
                     "super_recency_days": 9},
    "card_choice": {"kind": "card_choice", "at_par": -1.0, "reference_reach": 3},
    "viewing": {"kind": "viewing", "announced_chance": 0.6, "passing_chance": 0.15, "gift_draw": 0.2,
                "interact_chance": 0.6},
    "greeting": {"kind": "greeting", "surplus_load": 8.0, "goodwill": 0.4, "dilution": 1.0, "hours_a_day": 1.0},
    "quotes": {"kind": "quotes", "wait_days": 3, "unanswered_goodwill": -0.2},
    "flash_sale": {"kind": "flash_sale", "buy": -1.0, "another": 0.5, "proof": 4, "scarcity": 6, "urgency": 3,
                   "stretch": 3},
    "group_buying": {"kind": "group_buying", "open": -4.0, "join": -1.5},
    "problems": {"kind": "problems", "per_order": 0.15, "patience_days": 2, "quarrel_delete": 0.4},
    "recovery": {"kind": "recovery", "recovery": 0.9, "half_life_days": 3},
    "points_habits": {"kind": "points_habits", "seen_as_content": 4.5},
    "firm_deals": {"kind": "firm_deals", "firm_share": 0.1, "deals_per_year": 20},
    "gathering": {"kind": "gathering", "notice": 0.6, "variety": 1.2},
    "group_joining": {"kind": "group_joining", "at_rest": -0.5},
    "group_life": {"kind": "group_life", "smoothing_days": 3, "floor": 0.06, "patience_days": 3, "load_scale": 2.5,
                   "contagion": 0.6, "event_spark": 0.5},
    "group_leaving": {"kind": "group_leaving", "leave_per_day": 0.01},
    "word_of_mouth": {"kind": "word_of_mouth", "talk": 3.0, "paid_per_day": 0.02, "join": -2.0},
    "distributors": {"kind": "distributors", "apply_at_opening": 0.1},
}  # fmt: skip

EVERYTHING: dict[str, Any] = {
    "growth": {"kind": "acquisition", "spend_cny_per_day": {"store": 10, "ads": 25.5, "partner": 4},
               "calendar": {"weekdays": ["mon", "wed", "sat"]}},
    "bait": {"kind": "newcomer_bait", "channels": ["ads", "partner"], "off_cny": 12, "gift_cny": 1.5,
             "minimum_spend_cny": 25, "valid_days": 9, "reminder_days": 6,
             "calendar": {"weekdays": ["mon", "tue", "sat"]}},
    "swap": {"kind": "partner_swap", "channel": "partner", "calendar": {"per_week": 1.5}, "audience": "buyers"},
    "greet": {"kind": "welcome", "every_hours": 0.2, "cost_cny": 0.3, "group_size": 500, "calendar": {"per_week": 5}},
    "posts": {"kind": "content", "calendar": {"per_week": 3}, "cost_cny": 0.013},
    "adverts": {"kind": "advert", "calendar": {"per_week": 9}, "audience": {"levels": ["L0", "L1", "L3", "L4", "L5"]},
                "production_cny": 12.5},
    "moments": {"kind": "posts", "calendar": {"per_week": 5}, "advert_share": 0.7, "hours_per_post": 0.5,
                "production_cny": 4.5},
    "kitchen": {"kind": "posts", "medium": "group", "interest_group": "cooking",
                "calendar": {"weekdays": ["tue", "sat"]}},
    "bulletin": {"kind": "posts", "medium": "broadcast", "interest_group": "sports", "calendar": {"every_days": 2},
                 "advert_share": 0.5, "cost_cny": 0.013, "audience": {"levels": ["L1", "L3", "L4", "L5"]}},
    "live": {"kind": "live_stream", "calendar": {"weekdays": ["thu"]}, "length_hours": 1.5, "hosts": 0.5,
             "gift_cny": 1.2, "setup_cny": 20, "announce": "moments"},
    "talk": {"kind": "chat", "hours_per_week": {"L0": 2, "L1": 3, "L2": 3, "L3": 4, "L4": 4, "L5": 1}, "cost_cny": 0.4},
    "care": {"kind": "chat", "hours_per_week": {"L4": 1.5, "L5": 2}, "minutes_per_chat": 9,
             "audience": {"tiers": ["core", "high_value"]}, "minutes_per_round": 4, "top_share": 0.6,
             "calendar": {"weekdays": ["tue", "thu", "sun"]}},
    "desk": {"kind": "after_sales", "hours_per_week": 0.9, "minutes_per_case": 6, "gift_cny": 1.5, "in_favour": 0.8},
    "offers": {"kind": "quote_desk", "hours_per_week": 0.8, "cost_cny": 0.5},
    "people": {"kind": "team", "setup_cny": 200, "own": {
        "hours": 1.3, "wage": 0.8, "reach": {"store": 2.0},
        "skill": {"chat": 1.2, "conversion": 1.1, "content": 0.7, "after_sales": 1.1}}},
    "helpers": {"kind": "agency", "hours_per_week": 3, "setup_cny": 150, "fee_cny_per_week": 30, "from_day": 3,
                "until_day": 33, "learning_hours": 20},
    "friday": {"kind": "coupon", "depth": 0.12, "valid_days": 5, "reminder_days": 2, "minimum_spend_cny": 40,
               "calendar": {"weekdays": ["fri"]}},
    "winback": {"kind": "coupon", "depth": 0.3, "valid_days": 5, "reminder_days": 3, "stock": 160,
                "audience": {"recency_days_min": 10}, "calendar": {"every_days": 6, "from_day": 3}},
    "hello": {"kind": "coupon_trigger", "on": "joining", "off_cny": 15, "minimum_spend_cny": 25, "stock": 90,
              "shared_stock": "gifts"},
    "birthday": {"kind": "coupon_trigger", "on": "birthday", "depth": 0.35, "valid_days": 14, "reminder_days": 4},
    "missed": {"kind": "coupon_trigger", "on": "silence", "silence_days": 8, "off_cny": 12.5, "stock": 90,
               "shared_stock": "gifts", "valid_days": 12, "reminder_days": 5},
    "monthly": {"kind": "coupon_bundle", "calendar": {"every_days": 20}, "audience": "core_and_high",
                "valid_days": 12, "reminder_days": 3,
                "coupons": [{"off_cny": 5, "minimum_spend_cny": 40}, {"off_cny": 15, "minimum_spend_cny": 80}]},
    "thanks": {"kind": "coupon", "off_cny": 9.99, "slot": "extra", "minimum_spend_cny": 30, "valid_days": 9,
               "reminder_days": 4, "audience": {"levels": ["L4", "L5"], "segments": {"region": ["north"]}},
               "calendar": {"every_days": 11}},
    "club": {"kind": "membership", "calendar": {"every_days": 4},
             "tiers": [{"threshold_cny": 60, "discount": 0.03},
                       {"threshold_cny": 180, "discount": 0.08, "points_multiplier": 3,
                        "benefits": {"gift": {"cost_cny": 4.5}}}],
             "plans": {"month": {"fee_cny": 9.9, "term_days": 8, "discount": 0.15, "cashback": {"share": 0.1},
                                 "vouchers": [{"off_cny": 5}, {"off_cny": 8, "minimum_spend_cny": 60}]},
                       "year": {"fee_cny": 120, "term_days": 45, "partner_share": 0.3, "refund_if_not_saved": False,
                                "benefits": {"dinner": {"cost_cny": 12}, "parcel": {"cost_cny": 3.35}}},
                       "taste": {"fee_cny": 1, "term_days": 5, "orders": 1, "trial_of": "month",
                                 "refund_if_not_saved": False},
                       "bespoke": {"fee_cny": 90, "term_days": 40, "discount": 0.3, "audience": "high_value",
                                   "expert_hours_per_week": 1.5}},
             "packages": {"small": {"price_cny": 1290, "cost_cny": 800},
                          "large": {"price_cny": 2980, "cost_cny": 1700}}},
    "points": {"kind": "points", "per_cny": 2, "check_in": 5, "photo": 50, "reply": 20, "invitation": 60,
               "redeem_from": 300, "reward": "goods", "expiry_days": 13},
    "flash": {"kind": "flash_group", "calendar": {"every_days": 16, "from_day": 4}, "hours_open": 3, "invite_days": 2,
              "nurture_days": 10, "nurture_per_week": 5,
              "item": {"name": "gift box", "list_price_cny": 120, "price_cny": 69, "unit_cost_cny": 30, "stock": 190,
                       "most_per_customer": 4}},
    "together": {"kind": "group_buy", "calendar": {"per_week": 3}, "people": 4, "days_open": 2, "commission_cny": 2.5,
                 "item": {"name": "crate", "list_price_cny": 80, "price_cny": 48.8, "unit_cost_cny": 31, "stock": 60}},
    "groups": {"kind": "community", "size": 12, "hours_per_week": 3, "most_groups": 5, "again_days": 5,
              "calendar": {"per_week": 2}, "audience": {"levels": ["L0", "L1", "L3", "L4"]}},
    "new": {"kind": "new_product_day", "hours_per_event": 2, "items": 3, "item_cost_cny": 4.5, "in_groups": False,
            "audience": {"levels": ["L0", "L3", "L4", "L5"]}},
    "draw": {"kind": "lottery", "hours_per_event": 1, "calendar": {"every_days": 15},
             "in_groups": False, "audience": {"levels": ["L0", "L1", "L4", "L5"]},
             "prizes": [{"chance": 0.1, "cost_cny": 6.5}, {"chance": 0.2, "depth": 0.25},
                        {"chance": 0.3, "off_cny": 4, "minimum_spend_cny": 15, "cost_cny": 0.5}]},
    "fair": {"kind": "festival", "depth": 0.3, "hours_per_event": 1, "production_cny": 9.5, "run_up_days": 2,
             "calendar": {"every_days": 22}, "audience": {"levels": ["L0", "L3", "L4"]},
             "in_groups": False},
    "welfare": {"kind": "welfare_day", "depth": 0.18, "member_extra": 0.07, "minimum_spend_cny": 10,
                "production_cny": 3.1, "hours_per_event": 1.5, "calendar": {"weekdays": ["mon"]}, "gift": {"stock": 2}},
    "friends": {"kind": "referral", "reward_cny": 15, "minimum_order_cny": 45, "cap_per_inviter": 2,
                "newcomer": {"off_cny": 12, "minimum_spend_cny": 15},
                "inviter": {"off_cny": 6, "minimum_spend_cny": 20, "valid_days": 10},
                "audience": {"orders_min": 1}, "calendar": {"weekdays": ["mon", "tue", "wed", "sat"]}},
    "sharing": {"kind": "share_voucher", "voucher": {"off_cny": 4, "valid_days": 9, "minimum_spend_cny": 8},
                "cap_per_inviter": 5},
    "sellers": {"kind": "distribution", "commission": 0.25, "commission_days": 30, "places": 30,
                "calendar": {"every_days": 8}, "audience": "buyers"},
    "darlings": {"kind": "koc", "hours_per_week": 1.5, "gift_cny": 18, "term_days": 12,
                 "calendar": {"every_days": 5}, "audience": "buyers"},
}  # fmt: skip


# The same without anything that customers share: staff hours, stock, groups, cut-offs estimated from everybody.
SHARING = {
    "chat",
    "partner_swap",
    "welcome",
    "after_sales",
    "quote_desk",
    "flash_group",
    "group_buy",
    "community",
    "koc",
}
UNSHARED: dict[str, Any] = {
    **{name: action for name, action in EVERYTHING.items() if action["kind"] not in SHARING},
    "winback": {**EVERYTHING["winback"], "stock": None},
    "club": {
        **EVERYTHING["club"],
        "plans": {name: {**plan, "expert_hours_per_week": 0} for name, plan in EVERYTHING["club"]["plans"].items()},
    },
    "points": {**EVERYTHING["points"], "expiry_days": None},
    "welfare": {**EVERYTHING["welfare"], "gift": {}},
    "sellers": {**EVERYTHING["sellers"], "places": None},
    **{name: {**EVERYTHING[name], "stock": None, "shared_stock": None} for name in ("hello", "missed")},
}
FIXED_CUT_OFFS: dict[str, Any] = {
    **LIVELY, "value_tiers": {**LIVELY["value_tiers"], "cut_offs_cny": [60, 200]}
}  # fmt: skip


def scenario(size: int = 200, days: int = 60, **changes: Any) -> Scenario:
    """A flat market without newcomers; ``changes`` are fields of Scenario as plain data."""
    population = {"size": size, **changes.pop("population", {})}
    return Scenario.model_validate(
        {"title": "flat market", "horizon_days": days, "population": population,
         "buying": {"orders_per_year": 40, "basket_cny": 60}, **changes}
    )  # fmt: skip


def busy_scenario(size: int = 200, days: int = 60, **changes: Any) -> Scenario:
    """Three channels, scarce staff and lively customers."""
    traits = {"interest_groups": INTERESTS, "segments": SEGMENTS, **changes.pop("traits", {})}
    busy = {"channels": CHANNELS, "behaviours": LIVELY, "staff": {"hours_per_week": 16}, "traits": traits,
            "media": {"broadcast": {"limit": 3}}}  # fmt: skip
    return scenario(size, days, **{**busy, **changes})


def policy(cap: int | None = None, **actions: Any) -> Policy:
    """A policy of these actions, given as plain data by name."""
    return Policy.model_validate({"title": "test", "actions": actions, "frequency_cap_per_week": cap})


def busy_policy() -> Policy:
    """Every kind of action at once, under a frequency cap."""
    return policy(cap=8, **EVERYTHING)


def live(
    of: Scenario, under: Policy = DO_NOTHING, *, seed: int = 1, until: int | None = None, **kw: Any
) -> PrivateDomain:
    """A world that has lived until a day (default: the horizon)."""
    world = PrivateDomain(of, under, seed=seed, **kw)
    world.run(until)
    return world


def canonical(world: PrivateDomain, rows: Any = None) -> list[Event]:
    """Events as (day, key, kind, amount, source), sorted by day and key; a customer's events of a day keep their order.

    ``rows`` selects events: a function of ``Events`` that gives a mask.
    """
    events: Events = world.ledger.events()
    if rows is not None:
        events = events.where(rows(events))
    order = np.lexsort((np.arange(len(events)), events.key, events.day))
    kinds, sources = [k.name for k in world.ledger.kinds], world.ledger.sources
    return [
        (day, key, kinds[kind], amount, sources[source])
        for day, key, kind, amount, source in zip(
            *(getattr(events, name)[order].tolist() for name in ("day", "key", "kind", "amount", "source")), strict=True
        )
    ]


_REMEMBERED: OrderedDict[tuple[str, str], list[Event]] = OrderedDict()
MOST_REMEMBERED = 4


def life(of: Scenario, under: Policy) -> list[Event]:
    """``canonical`` of a world at its end, for what several cases are held against: the last few are remembered.

    Not for what is itself on trial: a test that replaces a function, or asks for the same life twice, has to live it.
    """
    key = of.digest(), under.digest()
    if key not in _REMEMBERED:
        _REMEMBERED[key] = canonical(live(of, under))
        while len(_REMEMBERED) > MOST_REMEMBERED:
            _REMEMBERED.popitem(last=False)
    return list(_REMEMBERED[key])
