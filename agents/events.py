"""Every kind of event of the private domain, and how it enters profit."""

from __future__ import annotations

from sim.ledger import EventKind

KINDS: tuple[EventKind, ...] = (
    # money in
    EventKind("order", +1, "cents", "an order, at list price (gross)"),
    EventKind("fee", +1, "cents", "a membership fee or a deposit paid"),
    # money out
    EventKind("coupon_redeemed", -1, "cents", "a coupon used: the discount given"),
    EventKind("member_discount", -1, "cents", "the member price: the discount given"),
    EventKind("package", +1, "cents", "a package for a firm paid"),
    EventKind("partner", +1, "cents", "a partner brand's share of what a co-branded card costs"),
    EventKind("goods", -1, "cents", "cost of the goods sold in an order or a package"),
    EventKind("points", -1, "cents", "points redeemed: what they cost; on the last day those outstanding, as expected"),
    EventKind("refund", -1, "cents", "a fee or a deposit given back: the member saved less, or a group was not filled"),
    EventKind("benefit", -1, "cents", "a benefit of membership: its cost"),
    EventKind("message_advert", -1, "cents", "an advert received: its cost"),
    EventKind("message_content", -1, "cents", "a piece of value content received: its cost"),
    EventKind("chat", -1, "cents", "a round of one-to-one chat: its material cost (hours are paid as wages)"),
    EventKind("commission", -1, "cents", "a commission paid to whoever brought the buyers"),
    EventKind("compensation", -1, "cents", "given to settle a problem: money back and gifts"),
    EventKind("welcome", -1, "cents", "a newcomer welcomed in the group: its cost"),
    EventKind("gift", -1, "cents", "a gift or a prize in kind handed over: its cost"),
    EventKind("wages", -1, "cents", "staff hours paid"),
    EventKind("media", -1, "cents", "acquisition spend"),
    EventKind("setup", -1, "cents", "fixed cost of an action (production, platform)"),
    EventKind("reward", -1, "cents", "cash for a customer who brings others"),
    # no money
    EventKind("coupon_issued", 0, "count", "a coupon handed out (amount: depth in thousandths)"),
    EventKind("voucher_issued", 0, "cents", "a coupon of a fixed amount handed out (amount: what it takes off)"),
    EventKind("subsidised", 0, "cents", "truth: a coupon used by one who would have ordered anyway (the discount)"),
    EventKind("coupon_expired", 0, "count", "a coupon that ran out unused"),
    EventKind("reached", 0, "count", "a prospect reached by a channel"),
    EventKind("join", 0, "count", "a contact added"),
    EventKind("lured", 0, "count", "truth: a contact added only for the bait"),
    EventKind(
        "first_contact", 0, "level", "how a newcomer begins: 0 silent, 1 interested, 2 asked for a quote, 3 bought"
    ),
    EventKind("quote_answered", 0, "count", "a request for a quote answered by a chat (amount: days waited)"),
    EventKind("quote_unanswered", 0, "count", "a request for a quote that nobody answered in time"),
    EventKind("reply", 0, "count", "a reply to a chat"),
    EventKind("view", 0, "count", "a message, post or chat seen (amount: seconds spent with it)"),
    EventKind("live_viewer", 0, "count", "a live stream watched"),
    EventKind("interact", 0, "count", "a public reaction to content"),
    EventKind("problem", 0, "count", "an order went wrong"),
    EventKind("settled", 0, "count", "a problem settled in the customer's favour (amount: days waited)"),
    EventKind("refused", 0, "count", "a problem decided against the customer (amount: days waited)"),
    EventKind("quarrel", 0, "count", "a problem refused or left unsettled for too long"),
    EventKind("group_opened", 0, "count", "a community opened (amount: its number)"),
    EventKind("group_dead", 0, "count", "a community died: nobody looks any more (amount: its number)"),
    EventKind("group_joined", 0, "count", "a community joined (amount: its number)"),
    EventKind("group_left", 0, "count", "a community left (amount: its number)"),
    EventKind("attend", 0, "count", "came to an event of the operator's: took note and looked at what is on offer"),
    EventKind("referral", 0, "count", "a friend asked to join, whether or not they do"),
    EventKind("distributor", 0, "count", "a customer who became a distributor"),
    EventKind("win", 0, "count", "won in a lottery (amount: number of the prize, from 1)"),
    EventKind("mute", 0, "count", "messages muted"),
    EventKind("unmute", 0, "count", "messages allowed again"),
    EventKind("delete", 0, "count", "contact deleted, for good"),
    EventKind("lapse", 0, "count", "latent: this order is followed by silence"),
    EventKind("comeback", 0, "count", "an order after silence past the lapse threshold"),
    EventKind("trust_level", 0, "level", "trust level changed (amount: the new level)"),
    EventKind("points_earned", 0, "count", "points credited (amount: how many)"),
    EventKind("points_redeemed", 0, "count", "points redeemed (amount: how many)"),
    EventKind("points_expired", 0, "count", "points that expired: breakage (amount: how many)"),
    EventKind("value_tier", 0, "level", "value tier changed (amount: the new tier)"),
    EventKind("member_level", 0, "level", "membership level changed (amount: the new level)"),
    EventKind("flash_join", 0, "count", "a flash group joined"),
    EventKind("deal_opened", 0, "count", "a group buy opened by a customer"),
    EventKind("deal_joined", 0, "count", "a group buy joined by somebody who was asked"),
    EventKind("deal_filled", 0, "count", "a group buy filled (amount: its people)"),
    EventKind("deal_failed", 0, "count", "a group buy not filled in time (amount: its people)"),
    EventKind("census", 0, "count", "how many customers stand where the source says (amount: the count)"),
)

OPERATOR_COSTS = (
    "coupon_redeemed", "member_discount", "points", "refund", "benefit", "message_advert", "message_content", "chat",
    "wages", "media", "setup", "commission", "compensation", "gift", "reward", "welcome",
)  # fmt: skip
"""Kinds that a policy spends; a budget constrains their sum less what it takes in beside orders."""

OPERATOR_INCOME = ("fee", "partner")
"""Kinds that a policy takes in beside orders: membership fees, and what partner brands pay."""

SALES = ("order", "package")
"""Kinds that sell goods, at list price."""

DISCOUNTS = ("coupon_redeemed", "member_discount")
"""Kinds that come off the list price of an order: sales less these are revenue."""
