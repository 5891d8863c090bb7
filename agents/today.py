"""Today: what is of one day only, made new each morning so that nothing of yesterday's can be taken for today's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agents.actions.live_stream import Stream
    from agents.gatherings import Announcement, Promise
    from agents.invitations import Invitation, Opening
    from agents.membership_book import Offer
    from agents.messages import Message
    from agents.till import Sale
    from agents.troubles import Settlement

Rows = NDArray[np.intp]


@dataclass
class Today:
    """What the phases of a day leave for each other.

    Attributes
    ----------
    arrived : who came into the world.
    posted : number of the latest message of each action, or series of an action, from 0.
    outbox : messages in the post.
    seen : messages that were seen, and by whom.
    streams : live streams.
    announced : messages that announce an event, by the address of their luck.
    attended : who came to the events.
    promised : gifts for those who order.
    offers : paid plans on offer, and to whom.
    gifts : to whom, and what each cost, cents.
    settled : problems settled.
    invitations : who may bring friends.
    openings : who may become a distributor.
    group_invitation : address of the invitation to a community; empty without one.
    group_hours : hosting hours a week that each living community gets.
    sales : orders, as they were placed.
    """

    arrived: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    posted: dict[str, int] = field(default_factory=dict)
    outbox: list[Message] = field(default_factory=list)
    seen: list[tuple[Message, NDArray[np.int32]]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    announced: dict[str, Announcement] = field(default_factory=dict)
    attended: list[Rows] = field(default_factory=list)
    promised: list[Promise] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    gifts: list[tuple[Rows, int]] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    group_invitation: str = ""
    group_hours: float = 0.0
    sales: list[Sale] = field(default_factory=list)
