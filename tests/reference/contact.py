"""Exposure and learned hazards of one customer: every message is remembered, and added up when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agents.customers import Contact, Level
from agents.models.exposure import EXPOSURE_HALF_LIVES, LONGEST_STATE
from agents.models.history import NO_ORDER

if TYPE_CHECKING:
    from .people import Customer
    from .world import ReferenceWorld

NAMES = {"message_advert": "advert", "message_content": "content", "chat": "chat", "reply": "reply"}
MANY = {"advert": "adverts", "content": "contents", "chat": "chats", "reply": "replies"}


class Exposed:
    """What somebody received and when, and since when contact and level are what they are."""

    def __init__(self, logged: Any = None) -> None:
        self.since = {"contact": NO_ORDER, "level": NO_ORDER}
        self.received: dict[str, list[int]] = {name: [] for name in NAMES.values()}
        self.logged: dict[tuple[str, int], tuple[int, float]] = {}
        if logged is not None:
            self.since = {"contact": int(logged.contact_day), "level": int(logged.level_day)}
            self.logged = {
                (name, h): (int(getattr(logged, f"{name}_day")), float(getattr(logged, f"{name}_{h}")))
                for name in NAMES.values()
                for h in EXPOSURE_HALF_LIVES
            }

    def note(self, kind: str, day: int) -> None:
        """An event of the book."""
        if kind in NAMES:
            self.received[NAMES[kind]].append(day)
        if kind in ("join", "mute", "unmute", "delete"):
            self.since["contact"] = day
        if kind in ("join", "trust_level"):
            self.since["level"] = day

    def today(self, name: str, day: int) -> int:
        return self.received[name].count(day)

    def before(self, name: str, half_life: int, day: int) -> float:
        """Messages before today, each halved every so many days."""
        then, count = self.logged.get((name, half_life), (0, 0.0))
        ago = 2 ** (-min(day - then, 30_000) / half_life)
        return count * ago + sum(2 ** (-(day - d) / half_life) for d in self.received[name] if d < day)

    def log_days(self, state: str, day: int) -> float:
        return math.log(1 + min(max(day - self.since[state], 0), LONGEST_STATE))


Feature = Callable[["Customer", int, int], float]


def _features() -> dict[str, Feature]:
    found: dict[str, Feature] = {
        "touched": lambda c, day, _: float(any(c.exposed.today(n, day) for n in ("advert", "content", "chat"))),
        "hard_sells_today": lambda c, day, _: float(c.exposed.today("advert", day) * (c.level <= Level.ACQUAINTED)),
        "contact_days": lambda c, day, _: c.exposed.log_days("contact", day),
        "level_days": lambda c, day, _: c.exposed.log_days("level", day),
        "no_order": lambda c, day, _: float(c.orders == 0),
    }
    for name, many in MANY.items():
        found[f"{many}_today"] = lambda c, day, _, name=name: float(c.exposed.today(name, day))  # type: ignore[misc]
        for h in EXPOSURE_HALF_LIVES:
            found[f"{many}_{h}"] = lambda c, day, _, name=name, h=h: c.exposed.before(name, h, day)  # type: ignore[misc]
    for level in range(6):
        found[f"level_is_{level}"] = lambda c, day, _, level=level: float(c.level == level)  # type: ignore[misc]
    return found


FEATURES = _features()


def change_levels(world: ReferenceWorld) -> None:
    """Up first, else down, by one number."""
    for c in world.customers:
        old, u = c.level, world.draws.one("trust_level", world.day, c.key)
        if not c.here:
            continue
        up, down = world.chance(f"rise_{old}", c), world.chance(f"fall_{old}", c)
        if u < up:
            world.set_level(c, old + 1)
        elif u < up + (1.0 - up) * down:
            world.set_level(c, old - 1)


def change_contacts(world: ReferenceWorld) -> None:
    """Delete first, else mute or come round, by one number; what was not learned keeps the assumed rate."""
    rule = world.rules["attrition"]
    for c in world.customers:
        if not c.here:
            continue
        muted, u = c.contact == Contact.MUTED, world.draws.one("attrition", world.day, c.key)
        deleting, moving = ("delete_muted", "unmute") if muted else ("delete", "mute")
        p = world.chance(deleting, c) if world.learns(deleting) else rule.delete_per_day * (1.0 - c.trust)
        q = world.chance(moving, c) if world.learns(moving) else rule.unmute_per_day * muted
        if u < p:
            world.set_contact(c, Contact.DELETED, "delete", "attrition")
        elif u < p + (1.0 - p) * q:
            world.set_contact(c, Contact.CONTACT if muted else Contact.MUTED, moving, "attrition")
