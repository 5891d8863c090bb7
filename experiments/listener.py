"""Who is told how far a long job has come. The command line draws bars; a script hears nothing unless it wants to."""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Hears the stages of a job."""

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` steps begins; the stage before has ended."""

    def step(self, done: int, note: str = "") -> None:
        """So many steps of the stage are done."""

    def say(self, text: str) -> None:
        """Something happens that a user should know of, such as a database that does not answer."""


class Silence:
    """Hears and says nothing."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def step(self, done: int, note: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
