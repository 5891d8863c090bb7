"""Operator actions. A new one is a file here and a name in this list."""

from .acquisition import Acquisition
from .after_sales import AfterSales
from .base import Action, ScheduledAction
from .cadence import Advert, Content
from .chat import Chat
from .community import Community
from .coupon import Coupon
from .coupon_bundle import CouponBundle
from .coupon_trigger import TriggeredCoupon
from .distribution import Distribution
from .festival import Festival
from .flash_group import FlashGroup
from .group_buy import GroupBuy
from .group_event import GroupEvent
from .koc import Koc
from .live_stream import LiveStream
from .lottery import Lottery
from .membership import Membership
from .new_product_day import NewProductDay
from .newcomer_bait import NewcomerBait
from .partner_swap import PartnerSwap
from .points import Points
from .posts import Posts
from .quote_desk import QuoteDesk
from .referral import Referral
from .share_voucher import ShareVoucher
from .team import Agency, Team
from .welcome import Welcome
from .welfare_day import WelfareDay

__all__ = [
    "Acquisition", "Action", "Advert", "AfterSales", "Agency", "Chat", "Community", "Content", "Coupon",
    "CouponBundle", "Distribution", "Festival", "FlashGroup", "GroupBuy", "GroupEvent", "Koc", "LiveStream",
    "Lottery", "Membership", "NewProductDay", "NewcomerBait", "PartnerSwap", "Points", "Posts", "QuoteDesk",
    "Referral", "ScheduledAction", "ShareVoucher", "Team", "TriggeredCoupon", "Welcome", "WelfareDay",
]  # fmt: skip
