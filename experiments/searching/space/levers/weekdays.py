"""A calendar: on which days of the week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from optuna.distributions import CategoricalDistribution
from pydantic import Field, model_validator

from agents.calendar import RULES, WEEKDAYS, Weekday
from experiments.searching.space.coordinates import Dimension
from experiments.searching.space.levers.base import Lever, Params, Step
from experiments.searching.space.paths import Value, read_path
from sim.errors import SpecError
from sim.spec import Spec, parameter


class Days(Spec):
    """Which days, and how many of them."""

    of: tuple[Weekday, ...] = parameter(WEEKDAYS, min_length=2, doc="days that may be chosen")
    least: int = parameter(1, ge=1, le=7, doc="fewest days in a week; a calendar is never empty")
    most: int = parameter(7, ge=1, le=7, doc="most days in a week")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for day in self.of:
            if self.of.count(day) > 1:
                raise ValueError(f"the day {day} stands there twice; drop one")
        if self.least > self.most:
            raise ValueError(f"least {self.least} exceeds most {self.most}; swap them")
        if self.least >= len(self.of):
            raise ValueError(f"least {self.least} of {len(self.of)} days leaves no choice; lower it, or add days")
        return self

    def repaired(self, chosen: Sequence[Weekday]) -> list[Weekday]:
        """As many days as allowed, in the order of ``of``.

        Of too few the day farthest from all others is added, of too many the one nearest to another is dropped, until
        the number is right; of equally far ones the earlier in ``of`` stays.
        """
        kept = [day for day in self.of if day in chosen]
        while len(kept) < self.least:
            kept.append(max((day for day in self.of if day not in kept), key=lambda day: _gap(day, kept)))
        while len(kept) > self.most:
            ordered = sorted(kept, key=self.of.index, reverse=True)
            kept.remove(min(ordered, key=lambda day: _gap(day, kept)))
        return sorted(kept, key=self.of.index)


class Weekdays(Lever):
    """The days of the week of a calendar, which keeps its first and last day of the run."""

    weekdays: Days = Field(description="which days may be chosen, and how many")

    def dimensions(self, path: str) -> tuple[Dimension, ...]:
        return tuple(Dimension(_name(path, day), CategoricalDistribution((False, True))) for day in self.weekdays.of)

    def examine(self, path: str, data: dict[str, Value]) -> None:
        here = read_path(data, path)
        if not (isinstance(here, dict) and RULES[0] in here):
            raise SpecError(
                "the status quo has no calendar here", place=f"space: {path}",
                cure="end the path at one, as actions.coupon.calendar",
            )  # fmt: skip

    def decode(self, path: str, params: Params, data: dict[str, Value]) -> dict[str, Value]:
        days = self._chosen(path, params)
        here = read_path(data, path)
        if set(days) == set(here.get("weekdays") or ()):
            days = here["weekdays"]  # in its own order, so that the status quo is recognised
        return {path: {**here, **dict.fromkeys(RULES), "weekdays": list(days)}}

    def encode(self, path: str, data: dict[str, Value]) -> dict[str, Any]:
        here = read_path(data, path)
        days = here.get("weekdays") if isinstance(here, dict) else None
        if not days:
            raise SpecError(
                "the status quo has no calendar of weekdays here", place=f"space: {path}",
                cure="give it one, as {weekdays: [wed]}, or give the lever choices",
            )  # fmt: skip
        unknown = [day for day in days if day not in self.weekdays.of]
        if unknown:
            raise SpecError(
                f"the status quo's {unknown[0]} is not among the days to choose from", place=f"space: {path}",
                value=list(self.weekdays.of), cure="add it to `of`",
            )  # fmt: skip
        if not self.weekdays.least <= len(set(days)) <= self.weekdays.most:
            raise SpecError(
                f"the status quo's number of days lies outside {self.weekdays.least} … {self.weekdays.most}",
                place=f"space: {path}", value=len(set(days)), cure="lower `least` or raise `most` to take it in",
            )  # fmt: skip
        return self._params(path, days)

    def nearest(self, path: str, data: dict[str, Value], here: Params) -> dict[str, Any]:
        """Where it happens on other days, these without those that cannot be chosen; where it never happens, few."""
        try:
            calendar = read_path(data, path)
        except SpecError:
            return super().nearest(path, data, here)
        days = [day for day in calendar.get("weekdays") or () if day in self.weekdays.of]
        if days:
            return self._params(path, self.weekdays.repaired(days))
        kept = super().nearest(path, data, here)
        if calendar.get("per_week") == 0 and kept:
            return self._params(path, self._chosen(path, kept)[: self.weekdays.least])
        return kept

    def corners(self, path: str) -> Iterator[dict[str, Any]]:
        days = self.weekdays
        for start in range(len(days.of)):
            yield self._params(path, [days.of[(start + n) % len(days.of)] for n in range(days.least)])
        yield self._params(path, days.repaired(days.of))

    def steps(self, path: str, params: Params) -> Iterator[Step]:
        here = self._chosen(path, params)
        free = [day for day in self.weekdays.of if day not in here]
        if free and len(here) < self.weekdays.most:
            moved = [*here, max(free, key=lambda day: _gap(day, here))]
        elif len(here) > self.weekdays.least:
            moved = here[:-1]
        else:
            moved = [*here[:-1], max(free, key=lambda day: _gap(day, here))]
        yield path, self._params(path, moved)

    def bounds(self, path: str, data: dict[str, Value]) -> dict[str, str]:
        days = self.weekdays
        most = min(days.most, len(days.of))
        number = f"{days.least}" if days.least == most else f"{days.least} … {most}"
        return {path: f"{number} of {', '.join(days.of)}"}

    def _chosen(self, path: str, params: Params) -> list[Weekday]:
        return self.weekdays.repaired([day for day in self.weekdays.of if params[_name(path, day)]])

    def _params(self, path: str, days: Sequence[str]) -> dict[str, Any]:
        return {_name(path, day): day in days for day in self.weekdays.of}


def _name(path: str, day: str) -> str:
    return f"{path}[{day}]"


def _gap(day: Weekday, others: Sequence[Weekday]) -> int:
    """Days to the nearest of the others, over the end of the week too."""
    apart = [abs(WEEKDAYS.index(day) - WEEKDAYS.index(other)) for other in others if other != day]
    return min((min(a, 7 - a) for a in apart), default=7)
