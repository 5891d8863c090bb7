"""Ready channels: the kinds of channel that the sources name, each with a cost, a quality and a first contact.

No source gives a figure for any of them: the sources name the channels and that they differ in cost, quality and first
order behaviour. Sizes are assumed, and chosen so that they keep an order which practitioners would recognise: the
nearer to the goods somebody is met, the more add, trust and buy; the more it costs the stranger, the fewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ASSUMED = "assumed; channel named by {}"


@dataclass(frozen=True)
class ChannelPreset:
    """What a kind of channel is, where its name comes from, and the fields of ``ChannelSpec`` that it sets."""

    about: str
    source: str
    numbers: dict[str, Any]


def _preset(about: str, named_by: str, **numbers: Any) -> ChannelPreset:
    interested, quoted, bought = numbers.pop("begin")
    first_contact = {"interested": interested, "quoted": quoted, "bought": bought}
    return ChannelPreset(about, ASSUMED.format(named_by), numbers | {"first_contact": first_contact})


PRESETS: dict[str, ChannelPreset] = {
    "store_qr": _preset(
        "QR code at the till: people who are in the shop anyway", "S0, S1, S4",
        cost_per_reach_cny=1.0, add_rate=0.45, add_later=0.001, trust=0.40, rate_shift=0.2,
        tolerance_shift=0.1, hunter_share=0.05, begin=(0.25, 0.05, 0.15),
    ),
    "offline": _preset(
        "stands, fairs and tastings: they met the brand once", "S0, S1",
        cost_per_reach_cny=3.0, add_rate=0.35, add_later=0.001, trust=0.25, hunter_share=0.10, begin=(0.25, 0.05, 0.05),
    ),
    "douyin": _preset(
        "paid short videos: cheap reach, strangers, quick to come and to go", "S0, S1, S4",
        cost_per_reach_cny=4.0, add_rate=0.20, trust=0.06, rate_shift=-0.2, price_sensitivity_shift=0.2,
        tolerance_shift=-0.1, hunter_share=0.12, begin=(0.18, 0.03, 0.03),
    ),
    "xiaohongshu": _preset(
        "paid and seeded notes: they read about the goods first", "S0, S1, S4",
        cost_per_reach_cny=6.0, add_rate=0.30, trust=0.12, rate_shift=0.1, interest_shift=0.2,
        hunter_share=0.05, begin=(0.28, 0.06, 0.03),
    ),
    "moments_ads": _preset(
        "paid adverts in Moments: close to the contact, little trust", "S1",
        cost_per_reach_cny=5.0, add_rate=0.15, trust=0.08, rate_shift=-0.2, hunter_share=0.08, begin=(0.15, 0.03, 0.02),
    ),
    "search": _preset(
        "search adverts: they look for such goods and compare prices", "S0, S1",
        cost_per_reach_cny=9.0, add_rate=0.35, trust=0.15, rate_shift=0.2, price_sensitivity_shift=0.1,
        hunter_share=0.05, begin=(0.20, 0.25, 0.06),
    ),
    "website": _preset(
        "the brand's own site: they came by themselves", "S0, S1",
        cost_per_reach_cny=2.0, add_rate=0.20, trust=0.20, rate_shift=0.1, hunter_share=0.05, begin=(0.20, 0.15, 0.05),
    ),
    "app": _preset(
        "the brand's app or mini-program: known customers of another channel", "S0, S1",
        cost_per_reach_cny=1.5, add_rate=0.25, trust=0.30, rate_shift=0.2, hunter_share=0.08, begin=(0.20, 0.05, 0.10),
    ),
    "parcel_insert": _preset(
        "card in the parcel: buyers of the shop elsewhere", "S0, S1, S4",
        cost_per_reach_cny=1.5, add_rate=0.15, trust=0.35, rate_shift=0.2, hunter_share=0.15, begin=(0.20, 0.03, 0.06),
    ),
    "sms": _preset(
        "text messages to known numbers: cheap, and hardly anybody comes", "S0, S1",
        cost_per_reach_cny=0.05, add_rate=0.01, add_later=0.0, trust=0.20, price_sensitivity_shift=0.2,
        hunter_share=0.20, begin=(0.15, 0.03, 0.05),
    ),
    "ai_calls": _preset(
        "automatic calls to known numbers: more add than on a text, some are annoyed", "S0, S1",
        cost_per_reach_cny=0.35, add_rate=0.06, add_later=0.0, trust=0.15, tolerance_shift=-0.2,
        hunter_share=0.12, begin=(0.20, 0.05, 0.03),
    ),
    "partner_brand": _preset(
        "customers of a partner brand, who see its recommendation", "S0, S1, S4",
        cost_per_reach_cny=1.0, add_rate=0.12, trust=0.25, hunter_share=0.08, partner=True, begin=(0.22, 0.04, 0.04),
    ),
    "content_account": _preset(
        "followers of an account with useful content: slow, and interested", "S0, S1, S4",
        cost_per_reach_cny=2.5, add_rate=0.25, add_later=0.004, trust=0.28, interest_shift=0.4,
        hunter_share=0.03, begin=(0.40, 0.05, 0.02),
    ),
}  # fmt: skip
"""Kinds of channel by name. Referral has none: its newcomers come from customers, not from a pool."""
