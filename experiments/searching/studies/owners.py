"""Who measures a trial: a process that shows that it lives, or one that is gone."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

BEAT_SECONDS = 15.0  # assumed
STALE_SECONDS = 60.0  # four beats without one; assumed
LAST_BEAT_SECONDS = 2.0


def machine() -> str:
    """This machine, as long as it runs, and the part of it in which process numbers mean the same."""
    parts = [platform.node()]
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            parts.append(os.readlink(source) if source.endswith("pid") else Path(source).read_text().strip())
    return " ".join(parts)


def started(pid: int) -> str | None:
    """When a process of this machine started, as the system counts it; None when it is gone or cannot be asked."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    after_name = text.rpartition(")")[2].split()  # the name may hold spaces and brackets
    return None if after_name[0] in "ZX" else after_name[19]


class Owner:
    """This process, as one that measures trials.

    Attributes
    ----------
    id : different for every owner that ever was.
    """

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self._beats = 0

    def mark(self) -> dict[str, Any]:
        """What stands at a trial while this process measures it; every one is different."""
        self._beats += 1
        pid = os.getpid()
        return {"id": self.id, "machine": machine(), "pid": pid, "started": started(pid), "beat": self._beats}


class Watch:
    """Tells which owners are gone: at once on this machine, elsewhere when no beat was seen for a while.

    Clocks of machines are not compared: a beat is a number that changes, and this process takes the time between
    changes by its own clock.
    """

    def __init__(self, stale_seconds: float = STALE_SECONDS) -> None:
        self.stale_seconds = stale_seconds
        self._seen: dict[int, tuple[Any, float]] = {}
        self._machine = machine()

    def gone(self, trial: int, mark: dict[str, Any] | None) -> bool:
        """Whether the owner that left this mark at a running trial is gone."""
        if mark and mark["machine"] == self._machine and mark["started"] != started(mark["pid"]):
            return True
        beat = (mark["id"], mark["beat"]) if mark else None
        before = self._seen.get(trial)
        now = time.monotonic()
        if before is None or before[0] != beat:
            self._seen[trial] = (beat, now)
            return False
        return now - before[1] > self.stale_seconds


class Heart:
    """A thread that calls ``beat`` again and again until it is stopped."""

    def __init__(self, beat: Callable[[], None], seconds: float = BEAT_SECONDS) -> None:
        self._beat, self._seconds = beat, seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it beats already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="siyu heart", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._beat()
            except Exception as error:  # a beat may be missed; what is wrong shows itself where trials are finished
                log.debug("a beat was missed: %s", error)

    def stop(self) -> None:
        """End. A beat that is being written is waited for, but not a database that is away."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=LAST_BEAT_SECONDS)
