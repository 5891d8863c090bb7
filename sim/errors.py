"""One clear error for every kind of bad input: rule, value, place, cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SiyuError(Exception):
    """Something that the user can mend.

    The message reads ``place: rule (got value); cure``. The command line prints it alone and ends with exit code 2.
    """

    def __init__(self, rule: str, *, place: str = "", value: object = None, cure: str = "") -> None:
        self.rule, self.place, self.value, self.cure = rule, place, value, cure
        text = f"{place}: {rule}" if place else rule
        if value is not None:
            text += f" (got {value!r})"
        if cure:
            text += f"; {cure}"
        super().__init__(text)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only fields do not survive a process pool without help.
        return (_rebuild, (type(self), self.rule, self.place, self.value, self.cure))


def _rebuild(kind: type[SiyuError], rule: str, place: str, value: object, cure: str) -> SiyuError:
    return kind(rule, place=place, value=value, cure=cure)


class SpecError(SiyuError):
    """A scenario, policy, search or experiment document that breaks a rule."""


class DataError(SiyuError):
    """A log file that breaks the log schema."""


class ModelError(SiyuError):
    """A model file that cannot be used: another version, another hash, missing parts."""


class StudyError(SiyuError):
    """A search that cannot start or go on."""


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean 'depth'?`` for the nearest known word, or the list of known words when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return "known: " + ", ".join(known)
