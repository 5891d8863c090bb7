"""Documents in words: what a lever is called, what its value means, what a policy does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.audience import PRESETS, Audience
from experiments.reporting.suppression import count_words

LEVEL_NAMES = {
    "L0": "L0 strangers", "L1": "L1 acquainted", "L2": "L2 in conversation", "L3": "L3 fans", "L4": "L4 buyers",
    "L5": "L5 super users",
}  # fmt: skip
NAMED = {"per_week": "how often", "every_days": "how often", "valid_days": "validity", "calendar": "when",
         "audience": "whom", "hours_per_week": "hours", "spend_cny_per_day": "spend",
         "nurture_days": "length of nurture", "nurture_per_week": "nurture, how often", "invite_days": "invited ahead",
         "hours_open": "length of the sale", "days_open": "time to fill a group",
         "advert_share": "adverts among posts", "hours_per_post": "staff hours for each",
         "announce": "announced by",
         "hours_per_event": "staff hours for each", "again_days": "invited again after", "most_groups": "most groups",
         "member_extra": "further discount for members", "run_up_days": "announced ahead",
         "off_cny": "amount off", "reminder_days": "reminder before the end", "silence_days": "after silence of",
         "per_cny": "earned for each unit spent", "points_per_cny": "worth one unit of money",
         "check_in": "earned by a check-in", "photo": "earned by a photo", "reply": "earned by a reply",
         "invitation": "earned by an invitation", "redeem_from": "redeemed from a balance of",
         "every_hours": "at most one message in", "minutes_per_chat": "length of a chat",
         "compensation_share": "compensation, share of the order", "places": "most distributors",
         "items": "new products", "top_share": "hours for the top share only"}  # fmt: skip
GROUPS = ("plans", "packages")  # fields whose entries have names that say enough
SHARES = ("depth", "member_extra", "discount", "share", "commission")
AUDIENCE_FIELDS = frozenset(Audience.model_fields)
CALENDAR_RULES = ("weekdays", "every_days", "dates", "per_week")


def number(value: float) -> str:
    """Three significant digits, thousands in whole numbers."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def money(value: float, currency: str, *, sign: bool = False) -> str:
    """An amount in whole units, such as 12,345 CNY."""
    return f"{value:{'+' if sign else ''},.0f} {currency}"


METRIC_NAMES = {
    "spend": "spend", "spend_discounted": "discounted spend", "hours": "staff hours", "messages": "messages",
    "margin": "profit margin", "revenue": "revenue", "profit": "profit", "n_order": "orders", "n_mute": "mutes",
    "n_delete": "deletions", "risk": "risk",
}  # fmt: skip
METRIC_UNITS = {
    "spend": "{}", "revenue": "{}", "profit": "{}", "spend_discounted": "{} per customer", "risk": "{} per customer",
    "hours": "hours a week", "messages": "a week", "margin": "%", "n_order": "over the horizon",
    "n_mute": "over the horizon", "n_delete": "over the horizon",
}  # fmt: skip


def amount_words(metric: str, value: float, currency: str) -> str:
    """What a policy has of a metric with its unit, such as ``31.2 hours a week``; few people or orders are hidden."""
    if metric in ("spend", "revenue", "profit"):
        return money(value, currency)
    if metric.startswith("n_"):
        return count_words(value)
    if metric == "margin":
        return f"{100 * value:.1f} %"
    unit = METRIC_UNITS[metric].format(currency)
    return f"{value:.2f} {unit}" if unit.startswith(currency) else f"{number(value)} {unit}"


def range_words(metric: str, low: float, high: float, currency: str) -> str:
    """``7,912 to 8,485 CNY``: the unit once."""
    first, last = amount_words(metric, low, currency), amount_words(metric, high, currency)
    unit = last.partition(" ")[2]
    return f"{first.removesuffix(unit).rstrip()} to {last}"


def lever_words(path: str) -> str:
    """``actions.chat.hours_per_week.L1``, or a coordinate ``…[L1]``, as ``chat: hours, L1 acquainted``."""
    place, _, coordinate = path.removesuffix("]").partition("[")
    steps = place.split(".")
    owner = ""
    if steps[0] == "actions" and len(steps) == 2 and not coordinate:
        return _plain(steps[1])  # the whole of it, which is switched on or off
    if steps[0] == "actions" and len(steps) > 2:
        owner, steps = f"{_plain(steps[1])}: ", steps[2:]
    steps = [step for step in steps if step not in GROUPS]
    # Rows of a table are counted from one in coordinates, from zero in paths.
    steps += [str(int(step) - 1) if step.isdigit() else step for step in coordinate.split(".") if step]
    if len(steps) > 1 and steps[0] == "calendar":
        steps = steps[1:]
    return owner + ", ".join(_steps(steps))


def label_words(label: str) -> str:
    """A policy's label with paths in words: ``only actions.coupon.depth`` as ``only coupon: depth``."""
    first, _, rest = label.partition(" ")
    if first != "only":
        return "least of everything" if label == "least" else label
    path, comma, version = rest.partition(", ")
    return f"{first} {lever_words(path)}{comma}{version}"


def _steps(steps: Sequence[str]) -> Iterator[str]:
    pending = ""
    for step in steps:
        if step.isdigit():
            yield f"{pending.removesuffix('s')} {int(step) + 1}"
            pending = ""
            continue
        if pending:
            yield pending
        pending = NAMED.get(step) or LEVEL_NAMES.get(step) or _plain(_without_unit(step))
    if pending:
        yield pending


def _without_unit(step: str) -> str:
    for unit in ("_cny_per_day", "_cny", "_days", "_hours", "_per_week"):
        if step.endswith(unit):
            return step.removesuffix(unit)
    return step


def _plain(name: str) -> str:
    return name.replace("_", " ")


def value_words(path: str, value: Any, currency: str) -> str:
    """A value with its unit, which its path tells: ``0.627 a week``, ``2.3 %``, ``142 CNY``, ``core and high``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return _plain(value)
    if value == {} and path.endswith("audience"):
        return "everybody"
    if isinstance(value, dict):
        return _mapping_words(value, currency)
    if isinstance(value, list | tuple):
        return "; ".join(value_words(path, item, currency) for item in value) or "none"
    whole = path.removesuffix("[total]")
    for step in () if "[" in whole else reversed(whole.split(".")):  # other coordinates are shares of a stick
        if step in SHARES or step.endswith("_share"):
            return f"{100 * value:.3g} %"
        for ending, unit in (
            ("per_cny", "{} points"), ("every_hours", "{} hours"), ("hours_per_event", "{} hours"),
            ("minutes_per_chat", "{} minutes"),
            ("every_days", "every {} days"), ("hours_per_week", "{} hours a week"), ("per_week", "{} a week"),
            ("_cny_per_day", f"{{}} {currency} a day"), ("_cny", f"{{}} {currency}"), ("_days", "{} days"),
            ("multiplier", "×{}"), ("_day", "day {}"),
            ("hours_open", "{} hours"), ("hours_per_post", "{} hours"), ("_hours", "{} hours"),
            ("days_open", "{} days"),
        ):  # fmt: skip
            if step.endswith(ending):
                return unit.format(number(value))
    return number(value)


def axis_words(path: str, currency: str) -> tuple[str, float]:
    """What the numbers of a lever or a metric count, for an axis, and how many of it a unit of the value is."""
    if path in METRIC_UNITS:
        return METRIC_UNITS[path].format(currency), 100.0 if path == "margin" else 1.0
    shown = value_words(path, 1.0, currency)
    if shown == "100 %":
        return "%", 100.0
    return shown.replace("every 1 ", "every so many ").removeprefix("1").replace("×1", "times").strip(), 1.0


def _mapping_words(value: dict[str, Any], currency: str) -> str:
    """A calendar, an audience or a small mapping in words."""
    if any(value.get(rule) is not None for rule in CALENDAR_RULES):
        return calendar_words(value)
    if value and set(value) <= AUDIENCE_FIELDS:
        return audience_words(value)
    told = {key: v for key, v in value.items() if v not in (None, [], (), {}) and (key, v) != ("points_multiplier", 1)}
    return ", ".join(f"{lever_words(key)} {value_words(key, v, currency)}" for key, v in told.items()) or "none"


def calendar_words(calendar: dict[str, Any]) -> str:
    """``5 a week``, ``every 14 days``, ``mon, wed``; with the span where it is limited."""
    if calendar.get("per_week") is not None:
        text = f"{number(calendar['per_week'])} a week"
    elif calendar.get("every_days") is not None:
        text = "every day" if calendar["every_days"] == 1 else f"every {calendar['every_days']} days"
    else:
        text = ", ".join(str(d) for d in calendar.get("weekdays") or calendar.get("dates") or ())
    first, last = calendar.get("from_day") or 0, calendar.get("until_day")
    if first:
        text += f", from day {first}"
    return text if last is None else f"{text}, until day {last}"


def audience_words(audience: dict[str, Any]) -> str:
    """The name of a preset, or the conditions."""
    given = {k: v for k, v in audience.items() if v is not None and k != "muted"}
    same = [name for name, preset in PRESETS.items() if _lists(preset) == _lists(given)]
    text = _plain(same[0]) if same else ", ".join(_condition(key, value) for key, value in given.items())
    return text if audience.get("muted", True) else f"{text}, except muted"


def _lists(data: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


def _condition(key: str, value: Any) -> str:
    if isinstance(value, dict):  # segments
        return ", ".join(f"{_plain(name)} {_condition(name, classes)}" for name, classes in value.items())
    if isinstance(value, list | tuple):
        return " or ".join(_plain(str(v)) for v in value)
    if key == "members":
        return "members" if value else "not members"
    if key == "in_community":
        return "in a group" if value else "in no group"
    what = {"recency_days": "days since the last order", "orders": "orders", "joined_days": "days since joining"}
    bound, name = ("at least", key.removesuffix("_min")) if key.endswith("_min") else ("at most", key[:-4])
    return f"{bound} {value} {what.get(name, _plain(name))}"


def change_words(before: Any, after: Any) -> str:
    """How a number moved: ``off``, ``new``, ``3.6 times``, ``−87 %``; empty for what is no number."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in (before, after)):
        return "changed"
    if after == 0:
        return "off"
    if before == 0:
        return "new"
    ratio = after / before
    if ratio >= 2:
        return f"{ratio:.3g} times"
    return f"{100 * (ratio - 1):+.0f} %".replace("-", "−")


def meaning(docs: dict[str, str], path: str, currency: str) -> str:
    """What a field means; that of the nearest field above it where it has no text of its own."""
    steps = path.split(".")
    texts = (docs.get(".".join(steps[:end])) for end in range(len(steps), 0, -1))
    text = next((text for text in texts if text), "")
    return text.replace("CNY", currency)  # documents are written for the scenario's currency, whatever it is


@dataclass(frozen=True)
class PolicyRow:
    """One line of the policies beside each other: what, meaning, one text per arm, whether they differ.

    The first row of an action has ``head`` and holds its kind.
    """

    label: str
    meaning: str
    values: tuple[str, ...]
    differs: bool
    head: bool = False


def policy_rows(policies: Sequence[dict[str, Any]], docs: dict[str, str], currency: str) -> list[PolicyRow]:
    """Whole policies beside each other, action by action. ``docs`` gives the meaning of a field by its dotted path."""
    rows = []
    names = list(dict.fromkeys(name for policy in policies for name in policy.get("actions", {})))
    for name in names:
        actions = [policy.get("actions", {}).get(name) for policy in policies]
        kinds = tuple(str(action["kind"]) if action else "not done" for action in actions)
        rows.append(PolicyRow(_plain(name), "", kinds, len(set(kinds)) > 1, head=True))
        leaves = [dict(_leaves(action, f"actions.{name}")) if action else {} for action in actions]
        for path in dict.fromkeys(path for leaf in leaves for path in leaf):
            values = tuple(value_words(path, leaf[path], currency) if path in leaf else "–" for leaf in leaves)
            label = lever_words(path).partition(": ")[2]
            said = "" if path.endswith((".calendar", ".audience")) else meaning(docs, path, currency)
            rows.append(PolicyRow(label, said, values, len(set(values)) > 1))
    caps = tuple(value_words("per_week", policy.get("frequency_cap_per_week"), currency) for policy in policies)
    rows.append(PolicyRow("messages to one customer, at most", "", caps, len(set(caps)) > 1, head=True))
    return rows


def _leaves(part: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Fields of an action by path; calendars and audiences stay whole, other mappings and lists are opened."""
    for key, value in part.items():
        here = f"{path}.{key}"
        if key == "kind":
            continue
        if isinstance(value, dict) and key not in ("calendar", "audience"):
            yield from _leaves(value, here)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                yield from _leaves(item, f"{here}.{index}")
        else:
            yield here, value
