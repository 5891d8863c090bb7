"""Customer behaviours. A new one is a file here and a name in this list."""

from .arrival import Arrival
from .attention import Attention
from .attrition import Attrition
from .base import Behaviour
from .cards import CardChoice
from .census import Census
from .coupon_reminders import CouponReminders
from .coupons import CouponUse
from .distributors import Distributors
from .firms import FirmDeals
from .first_contact import FirstContact, FirstOrders, Quotes
from .flash_join import FlashJoin
from .flash_sale import FlashSale
from .gathering import Gathering
from .gifts import Gifts
from .gratitude import Gratitude
from .greeting import Greeting
from .group_buying import GroupBuying
from .group_joining import GroupJoining
from .group_leaving import GroupLeaving
from .group_life import GroupLife
from .guests import Guests
from .points import PointsHabits
from .problems import Problems
from .purchase import Purchase
from .reaction import Reaction
from .recovery import Recovery
from .referral_rewards import ReferralRewards
from .service import Service
from .standing import TrustLevels, ValueTiers
from .swapping import Swapping
from .viewing import Viewing
from .word_of_mouth import WordOfMouth

DEFAULTS: tuple[type[Behaviour], ...] = (
    Arrival,
    Guests,
    FirstContact,
    CouponReminders,
    Attention,
    Viewing,
    Gratitude,
    Greeting,
    GroupJoining,
    Gathering,
    GroupLife,
    CouponUse,
    CardChoice,
    FirmDeals,
    Quotes,
    Swapping,
    FlashJoin,
    Recovery,
    Reaction,
    Distributors,
    FlashSale,
    GroupBuying,
    Purchase,
    FirstOrders,
    Service,
    PointsHabits,
    Problems,
    Gifts,
    TrustLevels,
    ValueTiers,
    Attrition,
    GroupLeaving,
    ReferralRewards,
    WordOfMouth,
    Census,
)
"""What customers do unless a scenario says otherwise, in the order in which they act within a phase."""

__all__ = [
    "DEFAULTS",
    "Arrival",
    "Attention",
    "Attrition",
    "Behaviour",
    "CardChoice",
    "Census",
    "CouponReminders",
    "CouponUse",
    "Distributors",
    "FirmDeals",
    "FirstContact",
    "FirstOrders",
    "FlashJoin",
    "FlashSale",
    "Gathering",
    "Gifts",
    "Gratitude",
    "Greeting",
    "GroupBuying",
    "GroupJoining",
    "GroupLeaving",
    "GroupLife",
    "Guests",
    "PointsHabits",
    "Problems",
    "Purchase",
    "Quotes",
    "Reaction",
    "Recovery",
    "ReferralRewards",
    "Service",
    "Swapping",
    "TrustLevels",
    "ValueTiers",
    "Viewing",
    "WordOfMouth",
]
