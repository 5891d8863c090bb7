"""One thread for estimates: threads of BLAS and OpenMP wait for each other actively, many times slower when busy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it, and within functions that it decorates, libraries compute in the caller's thread alone."""
    import sklearn.ensemble  # noqa: F401  (what is loaded within would bring threads that nobody has limited)

    with threadpool_limits(1):
        yield
