"""Data: logs from a public package or from the user's own files, cleaned into one shape."""

from __future__ import annotations

from pathlib import Path

from experiments.data.cdnow import FILES as CDNOW
from experiments.data.cdnow import load_cdnow
from experiments.data.complete_journey import NAME as COMPLETE_JOURNEY
from experiments.data.complete_journey import load_complete_journey
from experiments.data.identities import key_from_environment
from experiments.data.logs import Logs
from experiments.data.user_logs import load_user_logs

__all__ = ["Logs", "load_logs"]


def load_logs(source: str | Path, *, zone: str | None = None, key: bytes | None = None) -> Logs:
    """Logs, cleaned and without identities.

    Parameters
    ----------
    source : ``'complete_journey'`` for the package of that name; ``'cdnow'`` or ``'cdnow_master'`` for the files in the
        package ``lifetimes``; a folder that holds ``orders.csv`` or ``orders.parquet`` and perhaps ``touches`` and
        ``customers``; or the path of one file of orders.
    zone : for the user's own files, the zone whose days count, as Asia/Shanghai; None takes times as written.
    key : for the user's own files, 16 to 64 secret bytes that give every customer a lasting pseudonym. Default: that of
        the environment, SIYU_KEY or the file that SIYU_KEY_FILE names; without one a random key, which is forgotten.

    Raises
    ------
    DataError : one error for the first thing wrong in a file, with file, row, column, value and cure.
    """
    if str(source) == COMPLETE_JOURNEY:
        return load_complete_journey()
    if str(source) in CDNOW:
        return load_cdnow(str(source))
    return load_user_logs(Path(source), zone=zone, key=key if key is not None else key_from_environment())
