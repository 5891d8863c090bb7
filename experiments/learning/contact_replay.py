"""Logged messages, mutes and trust tags walked through day by day with the updaters that the running world uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.customers import Contact, ContactHistory, Level
from agents.models import record_orders, record_touch
from agents.models.contact import TRANSITIONS
from agents.models.exposure import ENTERED, RECEIVED
from experiments.data import Logs
from experiments.learning.replay import Diary, Ints

Flags = NDArray[np.bool_]
Ask = Callable[[str, Ints, Flags, int], None]
"""What a walk asks: the transition (or ``order``), the customers at risk, to whom it happened, and the day."""

STATE_AFTER = {
    "join": Contact.CONTACT, "mute": Contact.MUTED, "unmute": Contact.CONTACT, "delete": Contact.DELETED
}  # fmt: skip
KINDS = (*RECEIVED, *ENTERED)
BY_STATE = {  # contact state: how it is left for good, how otherwise and where to
    Contact.CONTACT: ("delete", "mute", Contact.MUTED),
    Contact.MUTED: ("delete_muted", "unmute", Contact.CONTACT),
}


@dataclass(frozen=True)
class Touches:
    """What customers were sent and did about it, sorted by day and within a day as logged.

    Attributes
    ----------
    customer, day : one entry per touch.
    kind : index in ``KINDS`` of each.
    level : trust level of a tag, −1 for other touches.
    """

    customer: Ints
    day: Ints
    kind: Ints
    level: Ints

    @classmethod
    def of(cls, logs: Logs, last_day: int) -> Touches:
        """The touches of some logs up to a day, inclusive; nothing later is looked at."""
        assert logs.touches is not None
        known = logs.touches[logs.touches["kind"].isin(KINDS) & (logs.touches["day"] <= last_day)]
        known = known.sort_values("day", kind="stable")
        level: Ints = np.full(len(known), -1, dtype=np.int64)
        if "level" in known:
            level = known["level"].astype("Float64").fillna(-1).to_numpy(dtype=np.float64).astype(np.int64)
        numbers = known["kind"].map({name: number for number, name in enumerate(KINDS)})
        kind: Ints = np.asarray(numbers, dtype=np.int64)
        return cls(known["customer"].to_numpy(np.int64), known["day"].to_numpy(np.int64), kind, level)

    def on(self, day: int) -> Touches:
        """The touches of one day."""
        part = slice(int(np.searchsorted(self.day, day)), int(np.searchsorted(self.day, day, side="right")))
        return Touches(self.customer[part], self.day[part], self.kind[part], self.level[part])

    def of_kind(self, kind: str) -> Ints:
        """The customer of each touch of a kind."""
        found: Ints = self.customer[self.kind == KINDS.index(kind)]
        return found

    def has(self, *kinds: str) -> bool:
        """Whether there is any touch of each of these kinds."""
        return all(bool((self.kind == KINDS.index(kind)).any()) for kind in kinds)


class ContactReplay:
    """Walks through orders and touches in the order of the world's day: messages, replies, orders, tags, contacts.

    Attributes
    ----------
    history : everybody on the evening of the last day walked. Somebody without a tag counts as L4 after an order and
        as L0 before, as in a world that starts from logs without tags.
    tagged : whose level is known: from a tag, or since joining within the logs, which makes a stranger; shape (n,).
    """

    def __init__(self, diary: Diary, touches: Touches) -> None:
        self.diary, self.touches = diary, touches
        n = len(diary.joined)
        self.history = ContactHistory()
        joined = diary.joined
        self.history.append(n, key=np.arange(n), joined=joined, contact_day=joined, level_day=joined)
        self.tagged = np.zeros(n, dtype=bool)

    def advance(self, day: int, ask: Ask) -> None:
        """Let one day pass."""
        today = self.touches.on(day)
        for kind in ("message_advert", "message_content", "chat"):
            self._record(today, kind, day)
        self._replies(today, day, ask)
        entries = self.diary.on(day)
        buyers = self.diary.customer[entries]
        here = np.flatnonzero((self.history.contact == Contact.CONTACT) & (self.history.joined <= day))
        ask("order", here, np.isin(here, buyers), day)
        record_orders(self.history, buyers, day, self.diary.net[entries])
        self.history.level[buyers[~self.tagged[buyers]]] = Level.BUYER
        self._tags(today, day, ask)
        self._contacts(today, day, ask)

    def _record(self, today: Touches, kind: str, day: int) -> None:
        rows, times = np.unique(today.of_kind(kind), return_counts=True)
        record_touch(self.history, rows, day, kind, times)

    def _replies(self, today: Touches, day: int, ask: Ask) -> None:
        chatted = np.unique(today.of_kind("chat"))
        chatted = chatted[(self.history.contact[chatted] == Contact.CONTACT) & (self.history.joined[chatted] <= day)]
        ask("reply", chatted, np.isin(chatted, today.of_kind("reply")), day)
        self._record(today, "reply", day)

    def _tags(self, today: Touches, day: int, ask: Ask) -> None:
        history = self.history
        told = _last_of_each(today, today.level >= 0)
        rows, level = told.customer, told.level.astype(np.int8)
        after = history.level.copy()
        after[rows] = level
        here = self.tagged & (history.contact != Contact.DELETED) & (history.joined <= day)
        here &= ~((history.level < Level.BUYER) & (after >= Level.BUYER))  # a first order, which has its own hazard
        for old in range(Level.SUPER_USER + 1):
            at = np.flatnonzero(here & (history.level == old))
            rises = after[at] > old
            if f"rise_{old}" in TRANSITIONS:
                ask(f"rise_{old}", at, rises, day)
            if f"fall_{old}" in TRANSITIONS:
                ask(f"fall_{old}", at[~rises], (after[at] < old)[~rises], day)
        moves = (today.level >= 0) & (today.level != history.level[today.customer])
        moved = np.union1d(today.customer[moves], rows[~self.tagged[rows]])
        record_touch(history, moved, day, "trust_level")
        history.level[rows] = level
        self.tagged[rows] = True

    def _contacts(self, today: Touches, day: int, ask: Ask) -> None:
        history = self.history
        told = _last_of_each(today, np.isin(today.kind, [KINDS.index(kind) for kind in STATE_AFTER]))
        after = history.contact.copy()
        after[told.customer] = np.array([STATE_AFTER.get(kind, Contact.PROSPECT) for kind in KINDS])[told.kind]
        for state, (deleting, moving, other) in BY_STATE.items():
            at = np.flatnonzero((history.contact == state) & (history.joined <= day))
            deletes = after[at] == Contact.DELETED
            ask(deleting, at, deletes, day)
            ask(moving, at[~deletes], (after[at] == other)[~deletes], day)
        for kind in STATE_AFTER:
            record_touch(history, told.of_kind(kind), day, kind)
        history.contact[:] = after
        joined = told.of_kind("join")
        self.tagged[joined[history.orders[joined] == 0]] = True


def _last_of_each(today: Touches, wanted: Flags) -> Touches:
    """The last wanted touch of each customer on a day."""
    position = np.flatnonzero(wanted)[::-1]
    _, first = np.unique(today.customer[position], return_index=True)
    last = position[first]
    return Touches(today.customer[last], today.day[last], today.kind[last], today.level[last])
