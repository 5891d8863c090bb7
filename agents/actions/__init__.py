"""Operator actions. A new one is a file here and a name in this list."""

from .acquisition import Acquisition
from .base import Action, ScheduledAction
from .cadence import Advert, Content
from .chat import Chat
from .coupon import Coupon
from .flash_group import FlashGroup
from .group_buy import GroupBuy
from .membership import Membership
from .posts import Posts

__all__ = [
    "Acquisition",
    "Action",
    "Advert",
    "Chat",
    "Content",
    "Coupon",
    "FlashGroup",
    "GroupBuy",
    "Membership",
    "Posts",
    "ScheduledAction",
]
