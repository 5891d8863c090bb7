"""The worlds whose speed is measured: six kinds of action in a plain market, and the whole playbook in a rich one.

Amounts for all customers together grow with the contacts, so that everything a customer meets stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import agents.actions  # noqa: F401  (registers the kinds of action)
from agents.actions.base import Action
from agents.policy import Policy
from agents.scenario import Scenario

CUSTOMERS_PER_HOUR = 100  # chat: one staff hour a week for so many customers
A_DAY = {"weekdays": ["thu"]}


@dataclass(frozen=True)
class Setting:
    """A scenario and a policy as plain data, which other commits of this repository can read too."""

    market: dict[str, Any]
    operator: dict[str, Any]

    @property
    def size(self) -> int:
        """Contacts of day 0."""
        return int(self.market["population"]["size"])

    @property
    def days(self) -> int:
        """Days of its life."""
        return int(self.market["horizon_days"])

    def scenario(self) -> Scenario:
        """The market."""
        return Scenario.model_validate(self.market)

    def policy(self) -> Policy:
        """What the operator does."""
        return Policy.model_validate(self.operator)


def six_kinds(size: int, days: int, *, newcomers: bool = True) -> Setting:
    """All kinds of action of the first releases, in a market whose channels and staff grow with the contacts.

    There is one prospect for each contact of day 0. Without newcomers all kinds but acquisition.
    """
    actions = _six(size)
    if not newcomers:
        del actions["growth"]
    return Setting(_market(size, days), _policy("six kinds of action", actions))


def everything(size: int, days: int) -> Setting:
    """Every kind of action that ships, in a market where each finds work."""
    actions = {**_six(size), **_further(size)}
    shipped = {name for name, kind in Action.REGISTRY.items() if kind.__module__.startswith("agents.actions.")}
    missing = shipped - {action["kind"] for action in actions.values()}
    assert not missing, f"the playbook lacks {', '.join(sorted(missing))}: give each a line in _further()"
    return Setting(_rich_market(_market(size, days)), _policy("everything", actions))


def _policy(title: str, actions: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "actions": actions, "frequency_cap_per_week": 14}


def _market(size: int, days: int) -> dict[str, Any]:
    volume = size // 3
    channels = {
        "douyin": {"volume": volume, "cost_per_reach_cny": 4.0, "add_rate": 0.2, "trust": 0.06, "rate_shift": -0.2},
        "xiaohongshu": {"volume": volume, "cost_per_reach_cny": 6.0, "add_rate": 0.3, "trust": 0.12},
        "parcel_insert": {"volume": volume, "cost_per_reach_cny": 1.5, "add_rate": 0.15, "trust": 0.35},
    }
    return {
        "title": "benchmark",
        "horizon_days": days,
        "population": {"size": size},
        "channels": channels,
        "staff": {"hours_per_week": size / CUSTOMERS_PER_HOUR},
    }


def _six(size: int) -> dict[str, Any]:
    spend = size / 1000  # CNY a day and channel; reaches about 3 % of the contacts' number in 60 days
    return {
        "growth": {
            "kind": "acquisition",
            "spend_cny_per_day": {"douyin": spend, "xiaohongshu": spend, "parcel_insert": spend},
        },
        "content": {"kind": "content", "calendar": {"weekdays": ["tue", "fri"]}},
        "adverts": {"kind": "advert", "calendar": {"weekdays": ["wed", "sat"]}},
        "chat": {
            "kind": "chat",
            "hours_per_week": {f"L{level}": size / CUSTOMERS_PER_HOUR / 6 for level in range(6)},
        },
        "coupon": {
            "kind": "coupon",
            "calendar": {"every_days": 14},
            "depth": 0.15,
            "valid_days": 7,
            "reminder_days": 2,
            "minimum_spend_cny": 40,
        },
        "club": {
            "kind": "membership",
            "tiers": [{"threshold_cny": 200, "discount": 0.03}, {"threshold_cny": 500, "discount": 0.06}],
            "plans": {"month_card": {"fee_cny": 18, "discount": 0.2}},
        },
    }


def _rich_market(plain: dict[str, Any]) -> dict[str, Any]:
    """A market with a partner brand, bargain hunters, two groups of interest, problems with orders, firms and talk."""
    partner = {"preset": "partner_brand", "volume": plain["population"]["size"] // 3, "reciprocity": 0.01}
    traits = {"hunter_share": 0.05, "interest_groups": {"cooking": 3, "sports": 2}}
    behaviours = {
        "problems": {"kind": "problems", "per_order": 0.03},
        "word_of_mouth": {"kind": "word_of_mouth", "talk": 0.2},
        "firm_deals": {"kind": "firm_deals", "firm_share": 0.02, "deals_per_year": 4},
    }
    channels = {name: {**spec, "hunter_share": 0.1} for name, spec in plain["channels"].items()}
    channels["xiaohongshu"]["first_contact"] = {"interested": 0.2, "quoted": 0.05, "bought": 0.05}
    return {**plain, "channels": {**channels, "bakery": partner}, "traits": traits, "behaviours": behaviours}


def _further(size: int) -> dict[str, Any]:
    """The other kinds, and what the first ones can do by now."""
    first = _six(size)
    hours = size / 10_000  # of each further work a week; ten thousand contacts have a hundred hours
    club = {
        **first["club"],
        "tiers": [{"threshold_cny": 200, "discount": 0.03},
                  {"threshold_cny": 500, "discount": 0.06, "points_multiplier": 2,
                   "benefits": {"mystery_gift": {"cost_cny": 6}}}],
        "plans": {**first["club"]["plans"],
                  "month_card": {"fee_cny": 18, "discount": 0.2, "cashback": {"share": 0.05},
                                 "vouchers": [{"off_cny": 5}, {"off_cny": 15, "minimum_spend_cny": 120}]},
                  "trial": {"fee_cny": 0, "term_days": 7, "trial_of": "month_card", "refund_if_not_saved": False}},
        "packages": {"gift_box": {"price_cny": 1290, "cost_cny": 780}},
    }  # fmt: skip
    return {
        "club": club,
        "points": {"kind": "points", "per_cny": 1, "check_in": 5, "photo": 50, "reply": 20, "invitation": 200,
                   "expiry_days": 365},
        "bait": {"kind": "newcomer_bait", "channels": ["douyin"], "off_cny": 30, "minimum_spend_cny": 60},
        "swap": {"kind": "partner_swap", "channel": "bakery", "calendar": {"per_week": 0.5}},
        "hello": {"kind": "welcome", "every_hours": 1},
        "moments": {"kind": "posts", "calendar": {"per_week": 5}, "advert_share": 0.5},
        "stream": {"kind": "live_stream", "calendar": A_DAY, "length_hours": 2, "hosts": hours / 2, "gift_cny": 1},
        "desk": {"kind": "after_sales", "hours_per_week": 5 * hours},
        "quotes": {"kind": "quote_desk", "hours_per_week": 2 * hours},
        "people": {"kind": "team", "organisation": "store"},
        "helpers": {"kind": "agency", "hours_per_week": 5 * hours},
        "birthday": {"kind": "coupon_trigger", "on": "birthday", "depth": 0.2, "valid_days": 14, "reminder_days": 3},
        "monthly": {"kind": "coupon_bundle", "calendar": {"every_days": 30}, "audience": "buyers",
                    "coupons": [{"off_cny": 10, "minimum_spend_cny": 79}, {"off_cny": 20, "minimum_spend_cny": 129}]},
        "flash": {"kind": "flash_group", "calendar": {"every_days": 28, "from_day": 14}, "nurture_days": 14,
                  "item": {"name": "gift box", "list_price_cny": 120, "price_cny": 69, "unit_cost_cny": 30,
                           "stock": size // 50}},
        "together": {"kind": "group_buy", "calendar": A_DAY, "people": 3, "days_open": 2, "commission_cny": 5,
                     "item": {"name": "crate", "list_price_cny": 80, "price_cny": 49.9, "unit_cost_cny": 31}},
        "groups": {"kind": "community", "calendar": {"per_week": 2}, "hours_per_week": 8 * hours},
        "new": {"kind": "new_product_day", "calendar": {"weekdays": ["wed"]}, "hours_per_event": hours},
        "welfare": {"kind": "welfare_day", "calendar": {"weekdays": ["fri"]}, "depth": 0.1, "member_extra": 0.2,
                    "hours_per_event": hours, "gift": {"stock": size // 100}},
        "draw": {"kind": "lottery", "calendar": {"every_days": 28}, "hours_per_event": hours,
                 "prizes": [{"chance": 0.01, "cost_cny": 40}, {"chance": 0.2, "off_cny": 5}]},
        "fair": {"kind": "festival", "calendar": {"every_days": 50, "from_day": 15}, "depth": 0.25, "run_up_days": 3,
                 "hours_per_event": hours},
        "friends": {"kind": "referral", "reward_cny": 15, "minimum_order_cny": 40, "cap_per_inviter": 5,
                    "newcomer": {"off_cny": 20, "minimum_spend_cny": 60}, "audience": {"orders_min": 1}},
        "sharing": {"kind": "share_voucher", "voucher": {"off_cny": 8, "minimum_spend_cny": 30}},
        "sellers": {"kind": "distribution", "commission": 0.1, "commission_days": 90, "places": size // 250,
                    "calendar": {"every_days": 28}, "audience": "buyers"},
        "darlings": {"kind": "koc", "hours_per_week": 2 * hours, "gift_cny": 30},
    }  # fmt: skip
